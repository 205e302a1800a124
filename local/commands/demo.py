"""The demo: one import through the API, and what it brought."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore.session
import duckdb
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chalicelib.lake.catalog import Catalog
from chalicelib.lake.connection import attach_lake
from chalicelib.lake.extensions import lake_config
from chalicelib.store.local_duckdb import local_config
from chalicelib.store.own_directory import OwnDirectory
from clients.cli.plain import plain
from clients.cli.plot import Point, plot
from clients.cli.terminal import Terminal, style_text
from local.stack import LocalStack

TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status/"
JOBS = "/api/v1/wells/import/jobs"
POLL_SECONDS = 0.2
SILENCE_SECONDS = 15.0  # longer than the stack's lease and grace: whoever held the job is gone
ACCEPTED = (200, 202)
DATABASE_SECONDS = 30.0
FINAL = ("COMPLETED", "FAILED", "CANCELLED")
HELD = "HELD"  # how one ends that waits for somebody's word
PICTURE_COLUMNS = 80
DEMO_MB = 300  # of memory, for its questions
HELD_CODE = 6  # the exit code, as that of `wellhead import`
INTERRUPTED = ("LEASE_EXPIRED", "DISPATCH_FAILED")  # how an import ends whose stack was away
COUNTS = {
    "new_records": "new",
    "updated_records": "updated",
    "duplicate_records": "duplicate",
    "failed_records": "rejected",
    "skipped_records": "skipped",
}


def _statements() -> dict[str, str]:
    parts = Path(__file__).with_suffix(".sql").read_text().split("-- name: ")[1:]
    return {name: text.strip() for name, _, text in (part.partition("\n") for part in parts)}


STATEMENTS = _statements()


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Api:
    def __init__(self, url: str, token: str, source: str | None = None) -> None:
        self._url = url
        self._source = source
        self._token = token
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def trigger(self) -> tuple[int, dict[str, Any]]:
        named = f"?source={_part(self._source)}" if self._source else ""
        return self._ask(
            urllib.request.Request(self._url + TRIGGER + named, data=b"", method="POST")
        )

    def retry(self, job_id: str) -> tuple[int, dict[str, Any]]:
        return self._ask(
            urllib.request.Request(
                f"{self._url}{JOBS}/{_part(job_id)}/retry", data=b"", method="POST"
            )
        )

    def newest(self) -> dict[str, Any] | None:
        status, answer = self._ask(urllib.request.Request(f"{self._url}{JOBS}?limit=1"))
        if status not in ACCEPTED:
            raise DemoError(_sentence(answer))
        jobs: list[dict[str, Any]] = answer["data"]["jobs"]
        return jobs[0] if jobs else None

    def job(self, job_id: str) -> dict[str, Any]:
        status, answer = self._ask(urllib.request.Request(self._url + STATUS + _part(job_id)))
        if status not in ACCEPTED:
            raise DemoError(_sentence(answer))
        job: dict[str, Any] = answer["data"]
        return job

    def _ask(self, request: urllib.request.Request) -> tuple[int, dict[str, Any]]:
        request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.load(exc)
        except (OSError, ValueError) as exc:
            raise DemoError(f"The API at {self._url} does not answer: {exc}") from exc


def run_demo(stack: LocalStack, terminal: Terminal) -> int:
    """The exit code: 0 when the import is COMPLETED and its counts add up, 6 when it is held."""
    api = Api(
        stack.api_url,
        stack.token,
        stack.source_name or stack.environment.get("WELLHEAD_SOURCE_NAME", "default"),
    )
    terminal.line(("Wellhead", "bold"), f" imports {stack.shown_source}")
    terminal.line(f"Watch it in a browser: {stack.console_link}")
    job = _import(api, stack, terminal)
    if _is_held(job):
        _show_held(job, stack, terminal)
        return HELD_CODE
    if job["status"] != "COMPLETED":
        _show_failure(job, stack, terminal)
        return 1
    adds_up = _show_counts(job, terminal)
    with _published(stack, job["job_id"]) as database:
        _show_rejected(database, job, terminal)
        _show_warnings(job, terminal)
        _show_question(database, terminal)
        _show_picture(database, terminal)
    _show_next(stack, terminal)
    return 0 if adds_up else 1


def _import(api: Api, stack: LocalStack, terminal: Terminal) -> dict[str, Any]:
    """A job at its end:
    a new one, or one that an interrupted demo left behind and that goes on now.
    """
    left = _left_behind(api, stack, terminal)
    if left and left["status"] == "COMPLETED":
        return left
    if left and _was_interrupted(left):
        status, answer = api.retry(left["job_id"])
        if status in ACCEPTED:
            terminal.line(
                "It had ended when its stack was away. Its retry goes on after the last checkpoint."
            )
            return _follow(api, answer["data"]["job_id"], stack, terminal)
    status, answer = api.trigger()
    if status not in ACCEPTED:
        raise DemoError(stack.trouble or f"The trigger was refused ({status}): {_sentence(answer)}")
    return _follow(api, answer["data"]["job_id"], stack, terminal)


def _left_behind(api: Api, stack: LocalStack, terminal: Terminal) -> dict[str, Any] | None:
    """The newest import when it was not published yet, at its end now."""
    newest = api.newest()
    if newest is None or (newest["status"] in FINAL and not _was_interrupted(newest)):
        return None
    terminal.line(
        "An earlier import (",
        (newest["job_id"], "cyan"),
        f", started {_clock_time(newest['started_at'])}) is not finished. It goes on now; this can take a few"
        " seconds, until its lease is over.",
    )
    return newest if newest["status"] in FINAL else _follow(api, newest["job_id"], stack, terminal)


def _was_interrupted(job: dict[str, Any]) -> bool:
    return (
        job["status"] == "FAILED"
        and job["error"]["code"] in INTERRUPTED
        and job["retried_by"] is None
    )


def _follow(api: Api, job_id: str, stack: LocalStack, terminal: Terminal) -> dict[str, Any]:
    job: dict[str, Any] = {}
    with _progress(terminal) as show:
        for job in _views(api, job_id, stack):
            show(job)
    return job


def _views(api: Api, job_id: str, stack: LocalStack) -> Iterator[dict[str, Any]]:
    """The job again and again until it is final. When its worker is silent for too long the sweeper
    looks after it: it starts the next one, or ends a job whose lease is over.
    """
    asked_at = time.time()
    while True:
        job = api.job(job_id)
        yield job
        if job["status"] in FINAL:
            return
        if stack.trouble:
            raise DemoError(stack.trouble)
        alive_at = max(asked_at, job.get("heartbeat_at") or job["created_at"])
        if time.time() - alive_at > SILENCE_SECONDS:
            asked_at = time.time()
            stack.sweep()
        time.sleep(POLL_SECONDS)


# -- the progress ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress(terminal: Terminal) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar on a terminal; elsewhere a line when something changed, about one a second."""
    if not terminal.out.is_terminal:
        yield _line_by_line(terminal)
        return
    texts = [
        TextColumn(text, markup=False)
        for text in ("{task.description:<10}", "{task.fields[facts]}")
    ]
    columns = (texts[0], BarColumn(), texts[1])
    with Progress(*columns, TimeElapsedColumn(), console=terminal.out) as progress:
        task = progress.add_task("PENDING", total=100, facts="")

        def show(job: dict[str, Any]) -> None:
            percentage = job["progress_percentage"]
            progress.update(
                task,
                description=plain(job["phase"] or job["status"]),
                completed=percentage or 0,
                total=None if percentage is None and job["status"] == "RUNNING" else 100,
                facts=plain(_facts(job)),
            )

        yield show


def _line_by_line(terminal: Terminal) -> Callable[[dict[str, Any]], None]:
    last_at, last = 0.0, ""

    def show(job: dict[str, Any]) -> None:
        nonlocal last_at, last
        line = f"{job['phase'] or job['status']:<10} {_facts(job)}"
        if line != last and (time.monotonic() - last_at >= 1 or job["status"] in FINAL):
            last_at, last = time.monotonic(), line
            terminal.line(line)

    return show


def _facts(job: dict[str, Any]) -> str:
    percentage, expected = job["progress_percentage"], job["expected_records"]
    parts = [
        f"{percentage:3.0f} %" if percentage is not None else "",
        f"{job['fetched_records']:,}" + (f" of {expected:,}" if expected else "") + " rows",
        f"{job['records_per_second']:,.0f} rows/s" if job["records_per_second"] else "",
    ]
    return "  ".join(part for part in parts if part)


# -- what the import brought ----------------------------------------------------------------------------


def _show_counts(job: dict[str, Any], terminal: Terminal) -> bool:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name, shown in COUNTS.items():
        if name == "skipped_records" and not job[name]:
            continue
        table.add_row(shown, f"{job[name]:>12,}")
    table.add_row(
        style_text(("total", "bold")), style_text((f"{job['total_records']:>12,}", "bold"))
    )
    seconds = job["execution_time_seconds"] or 0.0
    terminal.line()
    terminal.line(("COMPLETED", "green"), f" in {seconds:.1f} s (job {job['job_id']})")
    terminal.table(table)
    total = sum(job[name] for name in COUNTS)
    if total == job["total_records"] == job["fetched_records"]:
        terminal.line("The counts add up to every row that the source delivered.")
        return True
    terminal.line(
        (
            f"The counts do not add up: {total:,}, and {job['fetched_records']:,} were fetched.",
            "red",
        )
    )
    return False


def _show_rejected(
    database: duckdb.DuckDBPyConnection, job: dict[str, Any], terminal: Terminal
) -> None:
    groups = database.execute(STATEMENTS["rejected"], {"job_id": job["job_id"]}).fetchall()
    if not groups:
        return
    terminal.line()
    terminal.line(
        ("Rejected rows", "bold"), ", kept raw in the table rejected_rows, one of each reason:"
    )
    for reason, count, detail, raw in groups:
        terminal.line("  ", (f"{count:,} {reason}", "yellow"), f"  {detail}")
        terminal.line("    ", (_shortened(raw), "dim"))


def _show_warnings(job: dict[str, Any], terminal: Terminal) -> None:
    if not job["warnings"]:
        return
    terminal.line()
    terminal.line(("Warnings", "bold"), ": rows that are kept, but worth a look:")
    for warning in job["warnings"]:
        terminal.line(
            "  ", (f"{warning['count']:,} {warning['rule']}", "yellow"), f"  {warning['message']}"
        )


def _show_question(database: duckdb.DuckDBPyConnection, terminal: Terminal) -> None:
    statement = STATEMENTS["top_fields"]
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


def _show_failure(job: dict[str, Any], stack: LocalStack, terminal: Terminal) -> None:
    error = job.get("error") or {"code": job["status"], "message": "The import was cancelled."}
    terminal.line()
    terminal.line((job["status"], "red"), f" {error['code']}: {error['message']}")
    if error.get("retryable"):
        terminal.line("Trying again can help: make demo")
    if error["code"] == "SOURCE_COLUMNS_MISSING":
        told = f"make check-source{stack.source_option}"
        terminal.line(
            f"What is there, and a draft of a definition that says which field is which: {told}"
        )
    terminal.line(f"The logs are in {stack.state / 'logs'}.")


def _is_held(job: dict[str, Any]) -> bool:
    return job["status"] == "FAILED" and (job.get("error") or {}).get("code") == HELD


def _show_held(job: dict[str, Any], stack: LocalStack, terminal: Terminal) -> None:
    """What was found, and the commands that help while `make run` serves, of the same source."""
    source = stack.source_option
    holding = [finding for finding in job.get("findings", []) if finding.get("holds", True)]
    found = (
        " ".join(f"{finding['check']}: {finding['message']}" for finding in holding)
        or job["error"]["message"]
    )
    named = " ".join(f"--finding {finding['check']}" for finding in holding)
    terminal.line()
    terminal.line(
        (HELD, "yellow"),
        f" {found} So nothing was published: the database is as it was. Keep the stack running with `make run{source}`"
        f" and, in another terminal, look at it with `.venv/bin/wellhead status {job['job_id']}`. Then publish it all"
        f" the same with `.venv/bin/wellhead accept {job['job_id']} {named}`, or let it go with"
        f" `.venv/bin/wellhead discard {job['job_id']}`; or mend the source or its definition, which `make check-source"
        f"{source}` helps with, and `make demo{source}` once more.",
    )


@contextlib.contextmanager
def _published(stack: LocalStack, job_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
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


def _shortened(raw: str, length: int = 300) -> str:
    return raw if len(raw) <= length else f"{raw[:length]} ..."


def _part(job_id: str) -> str:
    """As one part of a path."""
    return quote(job_id, safe="", errors="replace")


def _sentence(answer: dict[str, Any]) -> str:
    error = answer.get("error") or {}
    return f"{error.get('code', 'no code')}: {error.get('message', answer)}"


def _clock_time(epoch: float | None) -> str:
    return time.strftime("%H:%M:%S", time.localtime(epoch)) if epoch else "earlier"
