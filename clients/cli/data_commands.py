"""wellhead wells, production, summary, download, sql: what has to do with the published data."""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from datetime import date
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.api.client import WellheadClient, every
from clients.api.errors import DownloadFailed, NotFound
from clients.api.profiles import CHECKOUT
from clients.api.words import PRODUCTS
from clients.cli.list_files import (
    FileWish,
    api_names,
    file_options,
    refuse_display_options,
    refuse_limit,
    save_file,
)
from clients.cli.local_sql import run_sql
from clients.cli.options import day_option, json_option, limit_option, with_session
from clients.cli.plot import Point, plot
from clients.cli.progress import download_progress
from clients.cli.terminal import Column, Terminal, count, rate
from clients.cli.well_choice import MOST_ROWS, code_among, refuse_several_sources, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clients.api.answers import Export, Production, Summary
    from clients.cli.session import Session

WELLS_SHOWN = 50
FILE = Path("wells.duckdb")
PRODUCT_OF = {product.key: product for product in PRODUCTS}

WELL_COLUMNS = [
    Column("well", lambda row: row["well_code"]),
    Column("name", lambda row: row["well_name"], is_cut=True),
    Column("field", lambda row: row["field_code"]),
    Column("field name", lambda row: row["field_name"], is_cut=True),
    Column("first", lambda row: row["first_period"]),
    Column("last", lambda row: row["last_period"]),
    Column("periods", lambda row: row["periods"], count, is_number=True),
    Column("source", lambda row: row.get("source")),
]


STORED_COLUMNS = [
    Column("source", lambda stored: stored["source"]),
    Column("period", lambda stored: stored["period"]),
    *(
        Column(name.replace("_", " "), methodcaller("get", name), count, is_number=True)
        for name in ("rows", "wells", "fields", "wells_with_gaps", "missing_periods")
    ),
    Column("first", lambda stored: stored["first_period"]),
    Column("last", lambda stored: stored["last_period"]),
]


def rate_column(heading: str, name: str) -> Column:
    return _column(heading, name, _rate)


def volume_column(heading: str, name: str) -> Column:
    return _column(heading, name, _volume)


def _column(heading: str, name: str, shown: Callable[[Any, str], float | None]) -> Column:
    return Column(heading, lambda row: shown(row, name), rate, is_number=True)


def _rate(row: Any, name: str) -> float | None:
    value: float | None = row[name]
    return value


def _volume(row: Any, name: str) -> float | None:
    """Of the whole period: a rate is that of a calendar day."""
    value = _rate(row, name)
    if value is None:
        return None
    days: int = row["period_days"]
    return value * days


BEFORE = [
    Column("period", lambda row: row["production_period"]),
    Column("field", lambda row: row["field_code"]),
    Column("days", lambda row: row["days_on_production"], "{:g}".format, is_number=True),
]
AFTER = [
    Column("period days", lambda row: row.get("period_days"), is_number=True),
    Column("source rows", lambda row: row.get("source_rows"), count, is_number=True),
    Column("source", lambda row: row.get("source")),
]
PRODUCTION_COLUMNS = [
    *BEFORE,
    *(rate_column(product.key, product.rate) for product in PRODUCTS),
    *AFTER,
]
VOLUME_COLUMNS = [
    *BEFORE,
    *(volume_column(product.key, product.rate) for product in PRODUCTS),
    *AFTER,
]


@click.command()
@click.argument("search", required=False)
@click.option("--field", "field_code", metavar="CODE", help="Only those of this field.")
@click.option("--source", metavar="NAME", help="Only those of this source.")
@limit_option(f"How many at most; by default {WELLS_SHOWN} on a terminal, else all.")
@file_options
@json_option
@with_session
def wells(
    session: Session, /, search: str | None, limit: int | None, file: FileWish | None, **asked: Any
) -> None:
    """List the wells, all or those that SEARCH finds.

    It looks for the text in name, reference and code, whatever its case.
    """
    terminal = session.terminal
    most = limit or (WELLS_SHOWN if terminal.out.is_terminal and not terminal.wants_json else None)
    page = min(most or MOST_ROWS, MOST_ROWS)
    with session.client() as wellhead:
        if file:
            refuse_limit(limit)
            save_file(session, wellhead, "wells", file, search=search, **asked)
            return
        pages = every(lambda cursor: wellhead.wells(search, limit=page, cursor=cursor, **asked))
        show_rows(terminal, WELL_COLUMNS, itertools.islice(pages, most))


@click.command()
@click.argument("well", required=False)
@click.option("--field", "field_code", metavar="CODE", help="Only what it produced in this field.")
@click.option("--source", metavar="NAME", help="Only what this source tells.")
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
@click.option(
    "--plot", "is_plotted", is_flag=True, help="Draw a line over time in place of the table."
)
@click.option(
    "--measure",
    type=click.Choice(list(PRODUCT_OF)),
    default="oil",
    help="What --plot draws; oil by default.",
)
@file_options
@json_option
@with_session
def production(
    session: Session,
    /,
    *,
    well: str | None,
    volumes: bool,
    is_plotted: bool,
    measure: str,
    file: FileWish | None,
    **asked: Any,
) -> None:
    """Show what a well produced.

    WELL is its code, or a part of its name or reference that no other well has. With --format it
    may be left out, for the production of all wells.
    """
    terminal = session.terminal
    if file:
        refuse_display_options(volumes, is_plotted)
    elif well is None:
        raise click.UsageError("Name a WELL; all of them go into a file, with --format.")
    with session.client() as wellhead:
        if file:
            code = code_among(wellhead, well, asked) if well else None
            save_file(session, wellhead, "production", file, well_code=code, **api_names(asked))
            return
        rows = rows_of(wellhead, str(well), asked)
    if not rows:
        raise NotFound(
            f"Nothing is published of {well}. List the wells: wellhead wells",
            status=404,
            code="NO_WELL",
        )
    if is_plotted and not terminal.wants_json:
        refuse_several_sources(rows)
        _plot(terminal, rows, measure, volumes=volumes)
        return
    terminal.note(f"{rows[-1]['well_name']}, {rows[-1]['field_name']}")
    show_rows(terminal, VOLUME_COLUMNS if volumes else PRODUCTION_COLUMNS, rows)


@click.command()
@click.option(
    "--source", metavar="NAME", help="Only what this source tells; * adds up what several tell."
)
@json_option
@with_session
def summary(session: Session, source: str | None) -> None:
    """Show what is published, and by which import.

    Of several sources each is counted on its own, because two may report the same well.
    """
    with session.client() as wellhead:
        found = wellhead.summary(source=source)
    if session.terminal.wants_json:
        session.terminal.json(found)
        return
    session.terminal.facts(_facts(found))
    if found["wells"] is None:
        session.terminal.rows(STORED_COLUMNS, found["sources"])


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--parquet", is_flag=True, help="Only the rows of production, as a Parquet file.")
@json_option
@with_session
def download(session: Session, path: Path | None, force: bool, parquet: bool) -> None:
    """Download the published database, checked by its SHA-256.

    PATH is a file or a directory; wells.duckdb here by default, wells.parquet with --parquet.
    """
    form = "parquet" if parquet else "duckdb"
    name = FILE.with_suffix(f".{form}")
    target = path / name if path and path.is_dir() else path or name
    if target.exists() and not force:
        raise DownloadFailed(
            f"{target} is there already. Replace it with --force.", code="FILE_EXISTS"
        )
    with session.client() as wellhead:
        export = download_to(session.terminal, wellhead, target, form)
    if session.terminal.wants_json:
        facts = {
            name: getattr(export, name)
            for name in ("rows", "bytes", "sha256", "job_id", "created_at")
        }
        session.terminal.json({"path": str(target.resolve()), **facts})
    else:
        session.terminal.facts([("file", target), ("rows", export.rows), ("sha256", export.sha256)])


@click.command()
@click.argument("query", required=False)
@click.option(
    "--file", type=click.Path(path_type=Path), help="The database; wells.duckdb by default."
)
@json_option
@with_session
def sql(session: Session, query: str | None, file: Path | None) -> None:
    """Ask the downloaded database, read-only.

    QUERY is a statement; without one it is read from stdin, on a terminal statement by statement.
    The database is wells.duckdb here, or what the local stack of this checkout has published, or
    --file.
    """
    of_stack = CHECKOUT / ".local" / "warehouse" / FILE
    has_only_that = of_stack.exists() and not FILE.exists()
    default = of_stack if has_only_that else FILE
    run_sql(session.terminal, file or default, query)


def show_rows(terminal: Terminal, columns: Sequence[Column], rows: Any) -> None:
    if terminal.wants_json:
        terminal.json(list(rows))
    else:
        terminal.rows(columns, rows)


def _plot(
    terminal: Terminal, rows: Sequence[Production], measure: str, *, volumes: bool = False
) -> None:
    """The sum over the fields, where a well produces in several."""
    product = PRODUCT_OF[measure]
    value_of = _volume if volumes else _rate
    sums: defaultdict[tuple[date, int], float] = defaultdict(float)
    for row in rows:
        value = value_of(row, product.rate)
        if value is not None:
            day = date.fromisoformat(row["production_period"])
            sums[day, row["period_days"]] += value
    points = [Point(day, value, days) for (day, days), value in sums.items()]
    unit = product.unit if volumes else f"{product.unit} a day"
    terminal.line(f"{rows[-1]['well_name']}: {measure}, {unit}")
    encoding = sys.stdout.encoding or ""
    has_braille = "utf" in encoding.lower()
    width = min(terminal.out.width, 120)
    for line in plot(points, width=width, braille=has_braille):
        scale, tick, signs = line.partition("┤")
        terminal.line((scale + tick, "dim"), (signs, "cyan"))


def download_to(
    terminal: Terminal, wellhead: WellheadClient, target: Path, form: str = "duckdb"
) -> Export:
    with download_progress(terminal.err) as show:
        return wellhead.download(target, show, form=form)


def _facts(found: Summary) -> list[tuple[str, object]]:
    newest = found["last_import"] or {}
    return [
        ("rows", found["rows"]),
        ("wells", found["wells"]),
        ("fields", found["fields"]),
        ("first period", found["first_period"]),
        ("last period", found["last_period"]),
        ("wells with gaps", found["wells_with_gaps"]),
        ("missing periods", found.get("missing_periods", found["missing_months"])),
        ("replaced rows", found["replaced_rows"]),
        ("rejected rows", found["rejected_rows"]),
        ("last import", newest.get("job_id")),
        ("merged", newest.get("merged_at")),
        ("by", newest.get("triggered_by")),
        ("source", newest.get("source")),
        ("sources", ", ".join(each["source"] for each in found.get("sources", [])) or None),
        ("bytes", found["snapshot"]["bytes"]),
        ("sha256", found["snapshot"]["sha256"]),
    ]
