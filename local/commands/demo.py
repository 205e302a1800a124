"""The demo: one import through the API, and what it brought."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import duckdb
from rich.table import Table

from chalicelib.lake.catalog import Catalog
from chalicelib.lake.connection import attach_lake
from chalicelib.lake.extensions import lake_config
from chalicelib.store.local_duckdb import local_config
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.store.statements import named_statements
from clients.api.answers import Job
from clients.api.client import WellheadClient
from clients.api.errors import ApiError, ClientError
from clients.api.findings import HELD
from clients.api.words import OUTCOME_WORDS
from clients.cli.plot import Point, plot
from clients.cli.progress import progress
from clients.cli.session import Exit
from clients.cli.terminal import STYLES, Terminal, style_text
from local.stack import LocalStack

POLL_SECONDS = 0.2
LINE_SECONDS = 1.0  # from line to line, where there is no bar
SILENCE_SECONDS = 15.0  # longer than the stack's lease and grace: whoever held the job is gone
DATABASE_SECONDS = 30.0
PICTURE_COLUMNS = 80
DEMO_MB = 300  # of memory, for its questions
INTERRUPTED = ("LEASE_EXPIRED", "DISPATCH_FAILED")  # how an import ends whose stack was away
COUNTS = ("new", "updated", "duplicate", "failed", "skipped")


STATEMENTS = named_statements(Path(__file__).with_suffix(".sql"))


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def run_demo(stack: LocalStack, terminal: Terminal) -> int:
    """The exit code: 0 when the import is COMPLETED and its counts add up, 6 when it is held.
    Raises DemoError.
    """
    terminal.line(("Wellhead", "bold"), f" imports {stack.shown_source}")
    terminal.line(f"Watch it in a browser: {stack.console_link}")
    try:
        with stack.client() as wellhead:
            job = _import(wellhead, stack, terminal)
    except ClientError as exc:
        raise DemoError(stack.trouble or f"{exc.code}: {exc.message}") from exc
    if job.is_held:
        _show_findings(job, stack, terminal)
        return Exit.HELD
    if job.status != "COMPLETED":
        _show_failure(job, stack, terminal)
        return 1
    adds_up = _show_counts(job, terminal)
    with _open_production(stack, job.job_id) as database:
        _show_rejects(database, job, terminal)
        _show_warnings(job, terminal)
        _show_question(database, terminal)
        _show_picture(database, terminal)
    _show_next(stack, terminal)
    return 0 if adds_up else 1


def _import(wellhead: WellheadClient, stack: LocalStack, terminal: Terminal) -> Job:
    """A job at its end:
    a new one, or one that an interrupted demo left behind and that goes on now.
    """
    left = _left_behind(wellhead, stack, terminal)
    if left and left.status == "COMPLETED":
        return left
    if left and _was_interrupted(left) and (again := _retry(wellhead, left)):
        terminal.line(
            "It had ended when its stack was away. Its retry goes on after the last checkpoint."
        )
        return _follow(wellhead, again, stack, terminal)
    source = stack.source_name or stack.environment.get("WELLHEAD_SOURCE_NAME", "default")
    return _follow(wellhead, wellhead.trigger(source=source).job_id, stack, terminal)


def _left_behind(wellhead: WellheadClient, stack: LocalStack, terminal: Terminal) -> Job | None:
    """The newest import when it was not published yet, at its end now."""
    newest = next(iter(wellhead.history(limit=1).rows), None)
    if newest is None or (newest.final and not _was_interrupted(newest)):
        return None
    terminal.line(
        "An earlier import (",
        (newest.job_id, "cyan"),
        f", started {_clock_time(newest.started_at)}) is not finished. It goes on now; this can take a few"
        " seconds, until its lease is over.",
    )
    if newest.final:
        return newest
    return _follow(wellhead, newest.job_id, stack, terminal)


def _was_interrupted(job: Job) -> bool:
    return (
        job.status == "FAILED"
        and job.error is not None
        and job.error["code"] in INTERRUPTED
        and job.retried_by is None
    )


def _retry(wellhead: WellheadClient, job: Job) -> str | None:
    """The job that goes on; None where the API refuses, as when its checkpoint is kept no more."""
    try:
        return wellhead.retry(job.job_id).job_id
    except ApiError:
        return None


def _follow(wellhead: WellheadClient, job_id: str, stack: LocalStack, terminal: Terminal) -> Job:
    with progress(terminal.out, least_pause=LINE_SECONDS) as show:
        for job in _views(wellhead, job_id, stack):
            show(job)
    return job


def _views(wellhead: WellheadClient, job_id: str, stack: LocalStack) -> Iterator[Job]:
    """The job again and again until it is final. When its worker is silent for too long the sweeper
    looks after it: it starts the next one, or ends a job whose lease is over.
    """
    asked_at = time.time()
    while True:
        job = wellhead.status(job_id)
        yield job
        if job.final:
            return
        if stack.trouble:
            raise DemoError(stack.trouble)
        alive_at = max(asked_at, job.heartbeat_at or job.created_at)
        if time.time() - alive_at > SILENCE_SECONDS:
            asked_at = time.time()
            stack.sweep()
        time.sleep(POLL_SECONDS)


# -- what the import brought ----------------------------------------------------------------------------


def _show_counts(job: Job, terminal: Terminal) -> bool:
    table = Table(box=None, show_header=False, padding=(0, 2))
    counts = {name: getattr(job, f"{name}_records") for name in COUNTS}
    for name, count in counts.items():
        if count or name != "skipped":
            table.add_row(OUTCOME_WORDS[name].lower(), f"{count:>12,}")
    table.add_row(style_text(("total", "bold")), style_text((f"{job.total_records:>12,}", "bold")))
    seconds = job.execution_time_seconds or 0.0
    terminal.line()
    terminal.line((job.status, STYLES[job.status]), f" in {seconds:.1f} s (job {job.job_id})")
    terminal.table(table)
    total = sum(counts.values())
    if total == job.total_records == job.fetched_records:
        terminal.line("The counts add up to every row that the source delivered.")
        return True
    terminal.line(
        (
            f"The counts do not add up: {total:,}, and {job.fetched_records:,} were fetched.",
            "red",
        )
    )
    return False


def _show_rejects(database: duckdb.DuckDBPyConnection, job: Job, terminal: Terminal) -> None:
    groups = database.execute(STATEMENTS["rejected"], {"job_id": job.job_id}).fetchall()
    if not groups:
        return
    terminal.line()
    terminal.line(
        ("Rejected rows", "bold"), ", kept raw in the table rejected_rows, one of each reason:"
    )
    for reason, count, detail, raw in groups:
        terminal.line("  ", (f"{count:,} {reason}", "yellow"), f"  {detail}")
        terminal.line("    ", (_shorten(raw), "dim"))


def _show_warnings(job: Job, terminal: Terminal) -> None:
    if not job.warnings:
        return
    terminal.line()
    terminal.line(("Warnings", "bold"), ": rows that are kept, but worth a look:")
    for warning in job.warnings:
        terminal.line(
            "  ", (f"{warning['count']:,} {warning['rule']}", "yellow"), f"  {warning['message']}"
        )


def _show_question(database: duckdb.DuckDBPyConnection, terminal: Terminal) -> None:
    statement = STATEMENTS["top_fields"].strip()
    answer = database.execute(statement)
    table = Table(box=None, padding=(0, 2))
    for column in answer.description:
        table.add_column(style_text(column[0]), justify="left" if column[0] == "field" else "right")
    for row in answer.fetchall():
        table.add_row(
            *(
                style_text(f"{cell:,}" if isinstance(cell, int | float) else str(cell))
                for cell in row
            )
        )
    terminal.line()
    terminal.line(("A question to the database", "bold"), ": the five fields with the most oil")
    for line in statement.split("\n"):
        terminal.line((line, "dim"))
    terminal.table(table)


def _show_picture(database: duckdb.DuckDBPyConnection, terminal: Terminal) -> None:
    points = [Point(*row) for row in database.execute(STATEMENTS["oil_by_period"]).fetchall()]
    if not points:
        return
    terminal.line()
    terminal.line(("A picture", "bold"), ": the oil of all wells together, thousand barrels a day")
    is_wide = "utf" in terminal.out.encoding.lower()
    for line in plot(
        points, width=min(terminal.out.width, PICTURE_COLUMNS), height=8, braille=is_wide
    ):
        terminal.line(line)


def _show_next(stack: LocalStack, terminal: Terminal) -> None:
    terminal.line()
    if stack.store == "file":
        terminal.line(
            "The database: ",
            (str(stack.database_path), "bold"),
            " (any DuckDB from 1.4 on opens it)",
        )
    else:
        terminal.line(
            "The tables: ", (str(stack.state / "lake" / "tables"), "bold"), " (Apache Iceberg)"
        )
    for line in NEXT.format(store="" if stack.store == "file" else f" STORE={stack.store}").split(
        "\n"
    ):
        terminal.line(line)


NEXT = """
Try next:
  make demo{store}                once more: nothing new. Rows of before count as duplicates,
                           files of before are not read again
  make demo{store} ROWS=1000000   and Ctrl-C midway: the next one goes on where it stopped
  make run{store}                 keeps it serving, and prints a link to the web console
                           and the curl lines that start an import"""


def _show_failure(job: Job, stack: LocalStack, terminal: Terminal) -> None:
    code = job.error["code"] if job.error else job.status
    message = job.error["message"] if job.error else "The import was cancelled."
    terminal.line()
    terminal.line((job.status, "red"), f" {code}: {message}")
    if job.error and job.error["retryable"]:
        terminal.line("Trying again can help: make demo")
    if code == "SOURCE_COLUMNS_MISSING":
        told = f"make check-source{stack.source_option}"
        terminal.line(
            f"What is there, and a draft of a definition that says which field is which: {told}"
        )
    terminal.line(f"The logs are in {stack.state / 'logs'}.")


def _show_findings(job: Job, stack: LocalStack, terminal: Terminal) -> None:
    """What was found, and the commands that help while `make run` serves, of the same source."""
    source = stack.source_option
    sentences = [f"{finding.check}: {finding.message}" for finding in job.holding]
    if not sentences and job.error:
        sentences = [job.error["message"]]
    found = " ".join(sentences)
    named = " ".join(f"--finding {finding.check}" for finding in job.holding)
    terminal.line()
    terminal.line(
        (HELD, STYLES[HELD]),
        f" {found} So nothing was published: the database is as it was. Keep the stack running with `make run{source}`"
        f" and, in another terminal, look at it with `.venv/bin/wellhead status {job.job_id}`. Then publish it all"
        f" the same with `.venv/bin/wellhead accept {job.job_id} {named}`, or let it go with"
        f" `.venv/bin/wellhead discard {job.job_id}`; or mend the source or its definition, which `make check-source"
        f"{source}` helps with, and `make demo{source}` once more.",
    )


@contextlib.contextmanager
def _open_production(stack: LocalStack, job_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    reading = stack.state / "scratch" / "reading"
    opened = (
        _database(stack.database_path, job_id, reading=reading)
        if stack.store == "file"
        else _lake(stack, reading)
    )
    with opened as database:
        yield database


@contextlib.contextmanager
def _lake(stack: LocalStack, reading: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """As anybody's DuckDB reads it: main of each table, by the names that a file has."""
    own = OwnDirectory(reading)
    session = botocore.session.get_session()
    catalog = Catalog(stack.environment["WELLHEAD_CATALOG"], session=session)
    try:
        with duckdb.connect(config=local_config(own.path, DEMO_MB) | lake_config()) as database:
            attach_lake(database, catalog, session, stack.environment)
            database.execute("USE lake.wellhead")
            yield database
    finally:
        own.remove()


@contextlib.contextmanager
def _database(path: Path, job_id: str, *, reading: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Read-only. The file with the stable name follows a moment after the job is COMPLETED.

    What does not fit into memory goes into a directory of its own: the default one, beside the
    file, is that of every other reader too.
    """
    own = OwnDirectory(reading)
    deadline = time.monotonic() + DATABASE_SECONDS
    try:
        while True:
            opening = contextlib.suppress(duckdb.IOException)
            with (
                opening,
                duckdb.connect(
                    path, read_only=True, config={"temp_directory": str(own.path)}
                ) as database,
            ):
                if database.execute(STATEMENTS["has_job"], [job_id]).fetchall():
                    yield database
                    return
            if time.monotonic() > deadline:
                raise DemoError(f"The import is COMPLETED, but {path} does not hold it.")
            time.sleep(0.1)
    finally:
        own.remove()


def _shorten(raw: str, length: int = 300) -> str:
    if len(raw) <= length:
        return raw
    return f"{raw[:length]} ..."


def _clock_time(epoch: float | None) -> str:
    if epoch:
        return time.strftime("%H:%M:%S", time.localtime(epoch))
    return "earlier"
