class Problem(Exception):
    """Something a person can put right: what failed, with its values, and what to do."""
