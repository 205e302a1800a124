"""Place: where the files of a source are.
Each implementation lists them, and brings one onto local disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.errors import FileChanged, FilesNotFound, FileTooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .limits import Limits


@dataclass(frozen=True)
class Listed:
    """A file as its place lists it. `version` is another one when the file is: an ETag, a time, a
    checksum. As it is it lies there `since` then, by the place's own clock; 0 where nobody can
    tell.
    """

    name: str
    size: int
    version: str
    since: int = field(default=0, compare=False)


class Place(Protocol):
    @property
    def is_shared(self) -> bool:
        """Whether several workers may each fetch a file from it: its operator is not troubled."""

    @property
    def retries(self) -> int: ...

    @property
    def waiting(self) -> dict[str, Any] | None: ...

    def files(self) -> list[Listed]:
        """In the order of their names. Raises FilesNotFound, SourceError."""

    def fetch(self, listed: Listed, target: Path) -> Path:
        """The file on local disk: `target`, or where it lies.
        Raises FileChanged, SourceError, ScratchFull.
        """

    def check(self, listed: Listed) -> None:
        """Raises FileChanged when the file is not the one that was listed any more."""

    def close(self) -> None: ...


def other_files() -> FileChanged:
    return FileChanged(
        "The files of the source are others than when the import began: some came, went or changed. Start a new import."
    )


def digest_of(files: Sequence[Listed]) -> str:
    """Another one for other files: an import that goes on must find those that it began with."""
    lines = [f"{each.name}\0{each.size}\0{each.version}" for each in files]
    text = "\n".join(lines)
    digest = sha256(text.encode(errors="surrogatepass"))
    return digest.hexdigest()[:16]


def listing_of(files: Sequence[Listed]) -> str:
    """The digest, and since when the newest of them lies there:
    what came later is known by that.
    """
    newest = max((each.since for each in files), default=0)
    return f"{digest_of(files)}.{newest}"


def listed_in_order(files: list[Listed], where: str, limits: Limits) -> list[Listed]:
    """Raises FilesNotFound, FileTooLarge."""
    if not files:
        raise FilesNotFound(
            f"There is no file at {where}. Check the address and its pattern, and that the files are there."
        )
    if len(files) > limits.files:
        raise FileTooLarge(
            f"There are more than {limits.files:,} files at {where}. Name fewer of them."
        )
    for each in files:
        check_size(each.name, each.size, limits)
    return sorted(files, key=lambda each: each.name)


def check_size(name: str, size: int, limits: Limits) -> None:
    """Raises FileTooLarge."""
    if size > limits.file:
        raise FileTooLarge(
            f"{name} has {size >> 20:,} MB, and {limits.file >> 20:,} MB of one file are read. Ask for it in parts.",
            file=name,
        )


def changed_file(name: str) -> FileChanged:
    return FileChanged(
        f"{name} grew or changed while it was read. Start the import again when it is complete.",
        file=name,
    )


def pattern_of(glob: str) -> re.Pattern[str]:
    """Of a path with `*`, `?` and `[…]`,
    none of which crosses a slash, and with `**`, which does.
    """
    signs = _SIGNS.findall(glob)
    expressions = [_expression_of(sign) for sign in signs]
    return re.compile("".join(expressions), re.DOTALL)


def is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")


_SIGNS = re.compile(r"\*\*/|\*+|\?|\[[^\]/]+\]|.", re.DOTALL)


def _expression_of(sign: str) -> str:
    if sign == "**/":
        return "(?:.*/)?"  # a/**/*.csv has a/b.csv too
    if sign.startswith("*"):
        return ".*" if len(sign) > 1 else "[^/]*"
    if sign == "?":
        return "[^/]"
    if sign.startswith("[") and len(sign) > 1:
        letters = sign[1:-1]  # [!0-9] becomes [^/0-9]
        without = letters.startswith("!")
        chosen = re.escape(letters[1:] if without else letters).replace(r"\-", "-")
        return f"[{'^/' if without else ''}{chosen}]"
    return re.escape(sign)
