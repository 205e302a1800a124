"""A file that nobody but its owner may read, there whole or not at all."""

import os
from pathlib import Path


def write_privately(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  a descriptor
        file.write(text)
    part.replace(path)
