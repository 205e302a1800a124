"""wellhead rejects, changes: the rows that an import rejected or changed."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from clients.api.client import every
from clients.api.words import PRODUCTS
from clients.cli.import_commands import job_of
from clients.cli.list_files import FileWish, file_options, refuse_limit, save_file
from clients.cli.options import json_option, limit_option, with_session
from clients.cli.terminal import Column, Terminal, count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clients.api.answers import CsvPage, Page
    from clients.cli.session import Session

REJECTS_SHOWN = 50
PAGE = 1000
RATES = [product.rate for product in PRODUCTS]

REJECT_COLUMNS = [
    Column("page", lambda row: row["page"], is_number=True),
    Column("position", lambda row: row["position"], count, is_number=True),
    Column("reason", lambda row: row["reason"]),
    Column("detail", lambda row: row["detail"], is_cut=True),
    Column("raw", lambda row: row["raw"], is_cut=True),
]


def _values(row: Any) -> str:
    """What differs, or of a row that came or went its rates."""
    before = row["before"] or {}
    after = row["after"] or {}
    if row["change"] == "updated":
        steps = []
        for name in row["differs"]:
            was = _as_text(before[name])
            now = _as_text(after[name])
            steps.append(f"{name} {was} → {now}")
        return ", ".join(steps)
    rates = []
    for name, value in (before | after).items():
        if name in RATES and value is not None:
            rates.append(f"{name} {_as_text(value)}")
    return ", ".join(rates)


def _as_text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _volumes(name: str) -> Callable[[Any], str | None]:
    """Before and after."""

    def step(row: Any) -> str | None:
        before = row[f"{name}_before"]
        after = row[f"{name}_after"]
        if before is None and after is None:
            return None
        texts = ["" if side is None else f"{side:,.1f}" for side in (before, after)]
        return " → ".join(texts)

    return step


CHANGE_COLUMNS = [
    Column("change", lambda row: row["change"]),
    Column("field", lambda row: row["field_code"]),
    Column("well", lambda row: row["well_code"]),
    Column("period", lambda row: row["production_period"]),
    Column("values", _values, is_cut=True),
]
CHANGED_FIELD_COLUMNS = [
    Column("field", lambda row: row["field_code"]),
    Column("name", lambda row: row["field_name"], is_cut=True),
    Column("new", lambda row: row["new_records"], count, is_number=True),
    Column("updated", lambda row: row["updated_records"], count, is_number=True),
    Column("withdrawn", lambda row: row["withdrawn_records"], count, is_number=True),
    Column("oil kb", _volumes("oil_production_kb"), is_number=True),
    Column("gas mmcf", _volumes("gas_production_mmcf"), is_number=True),
    Column("water kb", _volumes("water_production_kb"), is_number=True),
]


@click.command()
@click.argument("job_id", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@limit_option(f"How many at most; by default {REJECTS_SHOWN} on a terminal, else all.")
@file_options
@json_option
@with_session
def rejects(
    session: Session, job_id: str | None, as_csv: bool, limit: int | None, file: FileWish | None
) -> None:
    """Show the rows that an import rejected, and why.

    That is the newest completed import, or JOB_ID.
    """
    terminal = session.terminal
    with session.client() as wellhead:
        wanted = job_of(wellhead, job_id, "COMPLETED")
        if file:
            refuse_limit(limit)
            save_file(session, wellhead, "rejects", file, job_id=wanted)
            return
        if as_csv:
            _print_csv(terminal, partial(wellhead.rejects_csv, wanted), limit)
            return
        _show_rows(terminal, REJECT_COLUMNS, partial(wellhead.rejects, wanted), limit)


@click.command()
@click.argument("job_id", required=False)
@click.option(
    "--by",
    type=click.Choice(["row", "field"]),
    default="row",
    help="Each row, or what became of each field.",
)
@click.option(
    "--change",
    type=click.Choice(["new", "updated", "withdrawn"]),
    help="Only the rows of which this became.",
)
@click.option("--field", "field_code", metavar="CODE", help="Only the rows of this field.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@limit_option(f"How many at most; by default {REJECTS_SHOWN} on a terminal, else all.")
@file_options
@json_option
@with_session
def changes(
    session: Session,
    /,
    *,
    job_id: str | None,
    by: str,
    as_csv: bool,
    limit: int | None,
    file: FileWish | None,
    **asked: Any,
) -> None:
    """Show what an import changed: new, updated and withdrawn rows.

    That is the newest completed import, or JOB_ID.
    """
    terminal = session.terminal
    with session.client() as wellhead:
        wanted = job_of(wellhead, job_id, "COMPLETED")
        if file:
            refuse_limit(limit)
            save_file(session, wellhead, "changes", file, job_id=wanted, by=by, **asked)
            return
        if as_csv:
            _print_csv(terminal, partial(wellhead.changes_csv, wanted, by=by, **asked), limit)
            return
        if by == "field":
            fetch: Callable[..., Page[Any]] = partial(wellhead.changed_fields, wanted, **asked)
            _show_rows(terminal, CHANGED_FIELD_COLUMNS, fetch, limit)
        else:
            fetch = partial(wellhead.changes, wanted, **asked)
            _show_rows(terminal, CHANGE_COLUMNS, fetch, limit)


def _show_rows(
    terminal: Terminal,
    columns: Sequence[Column],
    fetch: Callable[..., Page[Any]],
    limit: int | None,
) -> None:
    """Page by page.
    A terminal shows some, a pipe and JSON have all, unless somebody says how many.
    """
    is_for_people = terminal.out.is_terminal and not terminal.wants_json
    most = limit or (REJECTS_SHOWN if is_for_people else None)
    page_rows = min(most or PAGE, PAGE)
    rows = itertools.islice(every(lambda cursor: fetch(limit=page_rows, cursor=cursor)), most)
    if terminal.wants_json:
        terminal.json(list(rows))
    else:
        terminal.rows(columns, rows)


def _print_csv(terminal: Terminal, fetch: Callable[..., CsvPage], limit: int | None) -> None:
    """The line of headings once. It holds no quotes, so the first line break ends it."""
    left = limit
    cursor: str | None = None
    head = 0  # characters of the headings, which the first page alone shows
    while left is None or left > 0:
        rows = min(left or PAGE, PAGE)
        page = fetch(limit=rows, cursor=cursor)
        terminal.csv(page.text[head:])
        cursor = page.next_cursor
        if not cursor:
            break
        head = page.text.index("\r\n") + 2
        if left is not None:
            left -= rows
