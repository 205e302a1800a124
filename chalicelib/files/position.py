"""Position: where in the files of a source the next piece begins, as a cursor carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from .piece import Mark


@dataclass(frozen=True, kw_only=True)
class Position:
    """In file `number`, counted from 1 with each member of an archive and each sheet as one. It is the sheet `sheet` of
    the member `member` of the listed file `at`, each counted from 0. `files` is the digest of all that are listed.
    """

    files: str
    number: int = 1
    at: int = 0
    member: int = 0
    sheet: int = 0
    mark: Mark = field(default_factory=Mark)

    @property
    def url(self) -> str:
        """`file:3?row=122880&…`"""
        told = {"row": self.mark.row, "byte": self.mark.byte, "at": self.at, "member": self.member}
        return f"file:{self.number}?{urlencode(told | {'sheet': self.sheet, 'files': self.files})}"

    @classmethod
    def of(cls, url: str) -> Self:
        parts = urlsplit(url)
        told = dict(parse_qsl(parts.query))
        places = {name: int(told[name]) for name in ("at", "member", "sheet")}
        mark = Mark(int(told["row"]), int(told["byte"]))
        return cls(files=told["files"], number=int(parts.path), mark=mark, **places)
