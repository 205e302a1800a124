"""What people and programs see: data on stdout, everything else on stderr.

On a terminal there are tables and colours (none with NO_COLOR), elsewhere plain lines with tabs,
and JSON on request.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.api.words import TONES
from clients.cli.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from clients.api.errors import ClientError

QUIET: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}
LEAST_CUT = 8  # cells of a column that ends in …
COLOURS = {"good": "green", "bad": "red", "warning": "yellow", "info": "cyan", "muted": ""}
STYLES = {status: COLOURS[tone] for status, tone in TONES.items()}


class Column(NamedTuple):
    """`of` reads the value out of a row, `show` words it for a terminal.
    There `is_cut` ones share what room the others leave, and end in … when that is too little.
    """

    heading: str
    of: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    is_number: bool = False
    is_cut: bool = False


class Terminal:
    """`wants_json` is set by the option --json of a command. All that is printed is plain, and none
    of it is markup.

    `options` are those of rich's Console.
    """

    def __init__(self, **options: Any) -> None:
        self.out = Console(**QUIET, **options)
        self.err = Console(**QUIET, stderr=True, **options)
        self.wants_json = False

    def json(self, value: Any) -> None:
        text = as_json(value, indent=2)
        print(text, file=self.out.file)  # a console would wrap it

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Each part is a text, or a text and its style."""
        styled = style_text(*parts)
        self.out.print(styled)

    def note(self, text: str, style: str = "") -> None:
        """For people: not part of the data."""
        styled = style_text((text, style))
        self.err.print(styled)

    def error(self, error: ClientError) -> None:
        """With --json one line of JSON, the last one on stderr."""
        if self.wants_json:
            facts = {
                name: getattr(error, name)
                for name in ("code", "message", "retryable", "request_id", "details")
            }
            self.err.print(Text(as_json({"error": facts})))
            return
        where = f" (request {error.request_id})" if error.request_id else ""
        self.note(f"{error.code}: {error.message}{where}", "red")

    def facts(self, facts: Iterable[tuple[str, Any]]) -> None:
        """One name and value a line; what is None is left out."""
        known = [(name, value) for name, value in facts if value is not None]
        if not self.out.is_terminal:
            for name, value in known:
                # A console makes spaces of a tab.
                print(plain(name), plain(value), sep="\t", file=self.out.file)
            return
        width = max(len(name) for name, _ in known)
        for name, value in known:
            text = count(value) if isinstance(value, int) else plain(value)
            self.line((f"{name:<{width}}  {text}", STYLES.get(text, "")))

    def rows(self, columns: Sequence[Column], rows: Iterable[Any]) -> None:
        _print_rows(self.out, columns, rows)

    def note_rows(self, columns: Sequence[Column], rows: Iterable[Any]) -> None:
        """For people: not part of the data."""
        _print_rows(self.err, columns, rows)

    def table(self, table: Table) -> None:
        """Of cells that `style_text` has made."""
        self.out.print(table, soft_wrap=False)

    def csv(self, text: str) -> None:
        """UTF-8 in lines that end in CR and LF, as RFC 4180 has it.
        A line break or a tab within quotes stays one.
        """
        lines = (plain(line, kept="\n\t") for line in text.split("\r\n"))
        # As text, some systems would write a second CR.
        stream = getattr(self.out.file, "buffer", None)
        if stream is None:
            self.out.file.write("\r\n".join(lines))
        else:
            stream.write("\r\n".join(lines).encode())
            stream.flush()


def _print_rows(console: Console, columns: Sequence[Column], rows: Iterable[Any]) -> None:
    if console.is_terminal:
        shown = [[_cell_text(column, row) for column in columns] for row in rows]
        if shown and _least_width(columns, shown) > console.width:
            _print_records(console, columns, shown)
        else:
            console.print(_table(columns, shown), soft_wrap=False)
        return
    print(*(plain(column.heading) for column in columns), sep="\t", file=console.file)
    for row in rows:
        print(*(plain(column.of(row)) for column in columns), sep="\t", file=console.file)


def _cell_text(column: Column, row: Any) -> str:
    value = column.of(row)
    if value is None:
        return ""
    return plain(column.show(value))


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """What a table needs in which all is told."""
    texts = zip(*rows, strict=True)
    widths = [
        max(map(cell_len, (column.heading, *of))) for column, of in zip(columns, texts, strict=True)
    ]
    cut = [
        min(width, LEAST_CUT) if column.is_cut else width
        for column, width in zip(columns, widths, strict=True)
    ]
    return sum(cut) + len(cut) - 1


def _print_records(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> None:
    """A line for each value: a table would leave out what does not fit."""
    width = max(cell_len(column.heading) for column in columns)
    for place, row in enumerate(rows):
        if place:
            console.print()
        for column, text in zip(columns, row, strict=True):
            if text:
                console.print(
                    style_text(f"{plain(column.heading):<{width}}  "), _cell(text), sep=""
                )


def _table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        collapse_padding=True,
        expand=any(column.is_cut for column in columns),
    )
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        ratio = 1 if column.is_cut else None
        table.add_column(
            style_text(column.heading),
            justify=justify,
            overflow="ellipsis",
            no_wrap=True,
            ratio=ratio,
        )
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(text: str) -> Text:
    style = STYLES.get(text, "")
    return Text(text, style=style)


def style_text(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(
        *(
            (plain(part), "") if isinstance(part, str) else (plain(part[0]), part[1])
            for part in parts
        )
    )


def as_json(value: Any, *, indent: int | None = None) -> str:
    """In ASCII, without a control sign: of those JSON lets DEL alone stand as it is."""
    text = json.dumps(value, indent=indent, default=str)
    return text.replace("\x7f", "\\u007f")


def count(value: float) -> str:
    return f"{value:,}"


def rate(value: float) -> str:
    return f"{value:,.3f}"


def short_moment(text: str) -> str:
    """Of what `moment` makes: without year and seconds, and in UTC all the same."""
    return f"{text[5:16]}Z"


def moment(epoch: float | None) -> str | None:
    """In UTC to the second, as the console and the data have it:
    who compares two machines need not reckon.
    """
    if epoch is not None:
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(epoch))
    return None
