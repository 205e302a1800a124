"""A file that is there whole or not at all,
on a full disk too, and that nobody but its owner may read.
"""

import os
from pathlib import Path


def write_privately(path: Path, text: str) -> None:
    """What was there stays until all of the new one is. Raises OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  a descriptor
            file.write(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
