"""Fetches, converts, checks, quantises and measures the models of ShelfStream; see docs/models.md."""
