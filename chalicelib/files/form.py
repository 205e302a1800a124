"""FileForm: how a file is written, as far as its definition says so; the rest is found out."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ("csv", "xlsx", "xls", "parquet", "json", "ndjson")


@dataclass(frozen=True, kw_only=True)
class FileForm:
    """What is empty or None is not declared. `quote` is "" where nothing is quoted. `header` is the
    number of its line or row, counted from 1 after `skip_rows`, or False. `fields` names the
    columns in place of a header. `sheet` and `members` are names or patterns with `*`; `records` is
    a JSON pointer to the list of rows.
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
