"""What people and programs see: data on stdout, everything else on stderr.

On a terminal there are tables and colours (none with NO_COLOR), elsewhere plain lines with tabs, and JSON on request.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from clients.api.errors import ClientError

STYLES = {"COMPLETED": "green", "FAILED": "red", "CANCELLED": "yellow", "RUNNING": "cyan"}


class Column(NamedTuple):
    """`of` reads the value out of a row, `show` words it for a terminal. There `is_cut` ones share what room the others
    leave, and end in … when that is too little.
    """

    heading: str
    of: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    is_number: bool = False
    is_cut: bool = False


class Terminal:
    """`wants_json` is set by the option --json of a command."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.err = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=True)
        self.wants_json = False

    def json(self, value: Any) -> None:
        print(json.dumps(value, indent=2, default=str))  # noqa: T201  a console would wrap it

    def line(self, text: str, style: str = "") -> None:
        self.out.print(Text(plain(text), style=style))

    def note(self, text: str, style: str = "") -> None:
        """For people: not part of the data."""
        self.err.print(Text("\n".join(map(plain, text.split("\n"))), style=style))

    def error(self, error: ClientError) -> None:
        """With --json one line of JSON, the last one on stderr."""
        if self.wants_json:
            facts = {name: getattr(error, name) for name in ("code", "message", "retryable", "request_id", "details")}
            self.err.print(Text(json.dumps({"error": facts})))
            return
        where = f" (request {error.request_id})" if error.request_id else ""
        self.note(f"{error.code}: {error.message}{where}", "red")

    def facts(self, facts: Iterable[tuple[str, Any]]) -> None:
        """One name and value a line; what is None is left out."""
        known = [(name, value) for name, value in facts if value is not None]
        if not self.out.is_terminal:
            for name, value in known:
                print(name, plain(value), sep="\t")  # noqa: T201  a console would make spaces of a tab
            return
        width = max(len(name) for name, _ in known)
        for name, value in known:
            text = count(value) if isinstance(value, int) else plain(value)
            self.line(f"{name:<{width}}  {text}", STYLES.get(text, ""))

    def rows(self, columns: Sequence[Column], rows: Iterable[Any]) -> None:
        if self.out.is_terminal:
            self.out.print(_table(columns, rows), soft_wrap=False)
            return
        print(*(column.heading for column in columns), sep="\t")  # noqa: T201
        for row in rows:
            print(*(plain(column.of(row)) for column in columns), sep="\t")  # noqa: T201


def _table(columns: Sequence[Column], rows: Iterable[Any]) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, expand=any(column.is_cut for column in columns))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        ratio = 1 if column.is_cut else None
        table.add_column(Text(column.heading), justify=justify, overflow="ellipsis", no_wrap=True, ratio=ratio)
    for row in rows:
        values = [(column, column.of(row)) for column in columns]
        table.add_row(*(_cell("" if value is None else plain(column.show(value))) for column, value in values))
    return table


def _cell(text: str) -> Text:
    return Text(text, style=STYLES.get(text, ""))


def plain(value: Any) -> str:
    """Without what a terminal would obey or a line would break at: names and raw rows are whatever the source sent."""
    text = "" if value is None else str(value)
    return "".join(sign if sign.isprintable() else " " for sign in text)


def count(value: float) -> str:
    return f"{value:,}"


def rate(value: float) -> str:
    return f"{value:,.3f}"


def short_moment(text: str) -> str:
    """Of what `moment` makes: without year and seconds."""
    return text[5:16]


def moment(epoch: float | None) -> str | None:
    """In the time of this machine, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch)) if epoch is not None else None


def duration(seconds: float | None) -> str | None:
    """Such as 4.2 s, 3 min 20 s, 2 h 05 min."""
    if seconds is None:
        return None
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
