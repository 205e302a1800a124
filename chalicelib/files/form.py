"""Form: how a file is written, as far as its definition says so; the rest is found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

FORMATS = ("csv", "xlsx", "xls", "parquet", "json", "ndjson")


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is empty or None is not declared. `quote` is "" where nothing is quoted. `header` is the number of its line
    or row, counted from 1 after `skip_rows`, or False. `fields` names the columns in place of a header. `sheet` and
    `members` are names or patterns with `*`; `records` is a JSON pointer to the list of rows.
    """

    format: str = ""
    delimiter: str = ""
    quote: str | None = None
    encoding: str = ""
    header: int | bool | None = None
    fields: tuple[str, ...] = ()
    skip_rows: int = 0
    comment: str = ""
    sheet: str = ""
    records: str = ""
    members: str = ""

    @classmethod
    def of(cls, declared: Any) -> Self:
        """Of anything with attributes of these names; None is nothing declared."""
        texts = {name: getattr(declared, name, None) or "" for name in _TEXTS}
        header = getattr(declared, "header", None)
        return cls(
            **texts,
            quote=getattr(declared, "quote", None),
            header=None if header is True else header,
            fields=tuple(getattr(declared, "fields", None) or ()),
            skip_rows=getattr(declared, "skip_rows", None) or 0,
        )


_TEXTS = ("format", "delimiter", "encoding", "comment", "sheet", "records", "members")
