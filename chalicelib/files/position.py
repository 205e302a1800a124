"""Position: where in the files of a source the next piece begins, as a cursor carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from .piece import Mark
from .stretch import Stretch


@dataclass(frozen=True, kw_only=True)
class Position:
    """In file `number`, counted from 1 with each member of an archive and each sheet as one. It is
    the sheet `sheet` of the member `member` of the listed file `at`, each counted from 0. `files`
    is the digest of all that are listed. Of a part it goes no further than that `part` does.
    """

    files: str
    number: int = 1
    at: int = 0
    member: int = 0
    sheet: int = 0
    mark: Mark = field(default_factory=Mark)
    part: Stretch | None = None

    @property
    def url(self) -> str:
        """`file:3?row=122880&…`"""
        values: dict[str, object] = {
            "row": self.mark.row,
            "byte": self.mark.byte,
            "at": self.at,
            "member": self.member,
            "sheet": self.sheet,
        }
        if self.part is not None:
            values["until"] = _until(self.part)
        values["files"] = self.files
        return f"file:{self.number}?{urlencode(values)}"

    @classmethod
    def of(cls, url: str) -> Self:
        parts = urlsplit(url)
        values = dict(parse_qsl(parts.query))
        file = int(values["at"])
        mark = Mark(int(values["row"]), int(values["byte"]))
        return cls(
            files=values["files"],
            number=int(parts.path),
            at=file,
            member=int(values["member"]),
            sheet=int(values["sheet"]),
            mark=mark,
            part=_part(values["until"], file) if "until" in values else None,
        )


def _until(part: Stretch) -> str:
    """Of whole files the first one that is in it no more;
    of a file that is cut all there is to know.
    """
    is_cut = part.begun is not None
    return str(part) if is_cut else str(part.past)


def _part(text: str, file: int) -> Stretch:
    if "@" in text:
        return Stretch.of(text)
    return Stretch(first=file, past=int(text))
