"""wellhead fields, totals: lists of the published data beside wells and production."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import click

from clients.api.client import every
from clients.api.words import PRODUCTS
from clients.cli.data_commands import (
    WELLS_SHOWN,
    rate_column,
    show_rows,
    volume_column,
)
from clients.cli.list_files import (
    FileWish,
    api_names,
    file_options,
    refuse_display_options,
    refuse_limit,
    save_file,
)
from clients.cli.options import day_option, json_option, limit_option, with_session
from clients.cli.terminal import Column, count
from clients.cli.well_choice import MOST_ROWS

if TYPE_CHECKING:
    from clients.cli.session import Session

FIELD_COLUMNS = [
    Column("field", lambda row: row["field_code"]),
    Column("name", lambda row: row["field_name"], is_cut=True),
    Column("wells", lambda row: row["wells"], count, is_number=True),
    Column("first", lambda row: row["first_period"]),
    Column("last", lambda row: row["last_period"]),
    Column("well periods", lambda row: row["well_periods"], count, is_number=True),
    Column("source", lambda row: row["source"]),
]
_BEFORE = [
    Column("period", lambda row: row["production_period"]),
    Column("wells", lambda row: row["wells"], count, is_number=True),
]
_AFTER = [
    Column("period days", lambda row: row.get("period_days"), is_number=True),
    Column("source", lambda row: row.get("source")),
]
TOTAL_COLUMNS = [
    *_BEFORE,
    *(rate_column(product.key, product.rate) for product in PRODUCTS),
    *_AFTER,
]
VOLUME_COLUMNS = [
    *_BEFORE,
    *(volume_column(product.key, product.rate) for product in PRODUCTS),
    *_AFTER,
]


@click.command()
@click.argument("search", required=False)
@click.option("--source", metavar="NAME", help="Only those of this source.")
@limit_option(f"How many at most; by default {WELLS_SHOWN} on a terminal, else all.")
@file_options
@json_option
@with_session
def fields(
    session: Session, /, search: str | None, limit: int | None, file: FileWish | None, **asked: Any
) -> None:
    """List the fields, all or those that SEARCH finds.

    It looks for the text in name and code, whatever its case.
    """
    terminal = session.terminal
    with session.client() as wellhead:
        if file:
            refuse_limit(limit)
            save_file(session, wellhead, "fields", file, search=search, **asked)
            return
        most = limit or (
            WELLS_SHOWN if terminal.out.is_terminal and not terminal.wants_json else None
        )
        page = min(most or MOST_ROWS, MOST_ROWS)
        pages = every(lambda cursor: wellhead.fields(search, limit=page, cursor=cursor, **asked))
        show_rows(terminal, FIELD_COLUMNS, itertools.islice(pages, most))


@click.command()
@click.option("--field", "field_code", metavar="CODE", help="Only of this field.")
@click.option(
    "--source", metavar="NAME", help="Only what this source tells; * adds up what several tell."
)
@day_option("--from", "first", "From this production period on.")
@day_option("--to", "last", "Up to this production period.")
@click.option(
    "--as-of",
    metavar="MOMENT",
    help="As it stood then: 2026-06-30T18:00:00Z, or a day for its end in UTC.",
)
@click.option(
    "--volumes",
    is_flag=True,
    help="Show what was produced in each period, in place of rates a day.",
)
@file_options
@json_option
@with_session
def totals(session: Session, /, volumes: bool, file: FileWish | None, **asked: Any) -> None:
    """Show what all wells produced together, period by period.

    Each source by itself, because two may report the same well.
    """
    if file:
        refuse_display_options(volumes)
    with session.client() as wellhead:
        if file:
            save_file(session, wellhead, "totals", file, **api_names(asked))
            return
        rows = list(every(lambda cursor: wellhead.totals(limit=MOST_ROWS, cursor=cursor, **asked)))
    show_rows(session.terminal, VOLUME_COLUMNS if volumes else TOTAL_COLUMNS, rows)
