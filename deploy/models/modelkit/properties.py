"""model.properties, as docs/models.md describes it."""
from pathlib import Path

FILE = "model.properties"


def read(directory):
    """Returns keys and values as text.

    @raises OSError when there is no such file
    """
    lines = (l.strip() for l in (Path(directory) / FILE).read_text(encoding="utf-8").splitlines())
    pairs = (l.split("=", 1) for l in lines if l and l[0] not in "#!" and "=" in l)
    return {key.strip(): value.strip() for key, value in pairs}


def write(directory, values):
    text = "".join(f"{key}={value}\n" for key, value in values.items())
    (Path(directory) / FILE).write_text(text, encoding="utf-8")
