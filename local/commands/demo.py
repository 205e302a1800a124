"""The demo: one import through the API, and what it brought."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chalicelib.store.own_directory import OwnDirectory
from local.stack import LocalStack

TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status/"
JOBS = "/api/v1/wells/import/jobs"
POLL_SECONDS = 0.2
SILENCE_SECONDS = 15.0  # longer than the stack's lease and grace: whoever held the job is gone
ACCEPTED = (200, 202)
DATABASE_SECONDS = 30.0
FINAL = ("COMPLETED", "FAILED", "CANCELLED")
INTERRUPTED = ("LEASE_EXPIRED", "DISPATCH_FAILED")  # how an import ends whose stack was away
COUNTS = ("new_records", "updated_records", "duplicate_records", "failed_records")


def _statements() -> dict[str, str]:
    parts = Path(__file__).with_suffix(".sql").read_text().split("-- name: ")[1:]
    return {name: text.strip() for name, _, text in (part.partition("\n") for part in parts)}


STATEMENTS = _statements()


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Api:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def trigger(self) -> tuple[int, dict[str, Any]]:
        return self._ask(urllib.request.Request(self._url + TRIGGER, data=b"", method="POST"))

    def retry(self, job_id: str) -> tuple[int, dict[str, Any]]:
        return self._ask(urllib.request.Request(f"{self._url}{JOBS}/{job_id}/retry", data=b"", method="POST"))

    def newest(self) -> dict[str, Any] | None:
        status, answer = self._ask(urllib.request.Request(f"{self._url}{JOBS}?limit=1"))
        if status not in ACCEPTED:
            raise DemoError(_sentence(answer))
        jobs: list[dict[str, Any]] = answer["data"]["jobs"]
        return jobs[0] if jobs else None

    def job(self, job_id: str) -> dict[str, Any]:
        status, answer = self._ask(urllib.request.Request(self._url + STATUS + job_id))
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


def run_demo(stack: LocalStack, console: Console) -> int:
    """The exit code: 0 when the import is COMPLETED and its counts add up."""
    api = Api(stack.api_url, stack.token)
    console.print(f"[bold]Wellhead[/] imports {escape(stack.source_url)}", soft_wrap=True)
    console.print(f"Watch it in a browser: {escape(stack.console_link)}", soft_wrap=True, highlight=False)
    job = _import(api, stack, console)
    if job["status"] != "COMPLETED":
        _show_failure(job, stack, console)
        return 1
    adds_up = _show_counts(job, console)
    with _database(stack.database_path, job["job_id"], reading=stack.state / "scratch" / "reading") as database:
        _show_rejected(database, job, console)
        _show_warnings(job, console)
        _show_question(database, console)
    _show_next(stack, console)
    return 0 if adds_up else 1


def _import(api: Api, stack: LocalStack, console: Console) -> dict[str, Any]:
    """A job at its end: a new one, or one that an interrupted demo left behind and that goes on now."""
    left = _left_behind(api, stack, console)
    if left and left["status"] == "COMPLETED":
        return left
    if left and _was_interrupted(left):
        status, answer = api.retry(left["job_id"])
        if status in ACCEPTED:
            console.print("It had ended when its stack was away. Its retry goes on after the last checkpoint.")
            return _follow(api, answer["data"]["job_id"], stack, console)
    status, answer = api.trigger()
    if status not in ACCEPTED:
        raise DemoError(f"The trigger was refused ({status}): {_sentence(answer)}")
    return _follow(api, answer["data"]["job_id"], stack, console)


def _left_behind(api: Api, stack: LocalStack, console: Console) -> dict[str, Any] | None:
    """The newest import when it was not published yet, at its end now."""
    newest = api.newest()
    if newest is None or (newest["status"] in FINAL and not _was_interrupted(newest)):
        return None
    console.print(
        f"An earlier import ([cyan]{newest['job_id']}[/], started {_clock_time(newest['started_at'])}) is not"
        " finished. It goes on now; this can take a few seconds, until its lease is over.",
        soft_wrap=True,
    )
    return newest if newest["status"] in FINAL else _follow(api, newest["job_id"], stack, console)


def _was_interrupted(job: dict[str, Any]) -> bool:
    return job["status"] == "FAILED" and job["error"]["code"] in INTERRUPTED and job["retried_by"] is None


def _follow(api: Api, job_id: str, stack: LocalStack, console: Console) -> dict[str, Any]:
    job: dict[str, Any] = {}
    with _progress(console) as show:
        for job in _views(api, job_id, stack):
            show(job)
    return job


def _views(api: Api, job_id: str, stack: LocalStack) -> Iterator[dict[str, Any]]:
    """The job again and again until it is final. When its worker is silent for too long the sweeper looks after it: it
    starts the next one, or ends a job whose lease is over.
    """
    asked_at = time.time()
    while True:
        job = api.job(job_id)
        yield job
        if job["status"] in FINAL:
            return
        alive_at = max(asked_at, job.get("heartbeat_at") or job["created_at"])
        if time.time() - alive_at > SILENCE_SECONDS:
            asked_at = time.time()
            stack.sweep()
        time.sleep(POLL_SECONDS)


# -- the progress ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar on a terminal; elsewhere a line when something changed, about one a second."""
    if not console.is_terminal:
        yield _line_by_line(console)
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), TextColumn("{task.fields[facts]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("PENDING", total=100, facts="")

        def show(job: dict[str, Any]) -> None:
            percentage = job["progress_percentage"]
            progress.update(
                task,
                description=job["phase"] or job["status"],
                completed=percentage or 0,
                total=None if percentage is None and job["status"] == "RUNNING" else 100,
                facts=_facts(job),
            )

        yield show


def _line_by_line(console: Console) -> Callable[[dict[str, Any]], None]:
    last_at, last = 0.0, ""

    def show(job: dict[str, Any]) -> None:
        nonlocal last_at, last
        line = f"{job['phase'] or job['status']:<10} {_facts(job)}"
        if line != last and (time.monotonic() - last_at >= 1 or job["status"] in FINAL):
            last_at, last = time.monotonic(), line
            console.print(line, highlight=False)

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


def _show_counts(job: dict[str, Any], console: Console) -> bool:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name in COUNTS:
        table.add_row(name.removesuffix("_records"), f"{job[name]:>12,}")
    table.add_row("[bold]total[/]", f"[bold]{job['total_records']:>12,}[/]")
    seconds = job["execution_time_seconds"] or 0.0
    console.print(f"\n[green]COMPLETED[/] in {seconds:.1f} s (job {job['job_id']})")
    console.print(table)
    total = sum(job[name] for name in COUNTS)
    if total == job["total_records"] == job["fetched_records"]:
        console.print("The counts add up to every row that the source delivered.")
        return True
    console.print(f"[red]The counts do not add up: {total:,}, and {job['fetched_records']:,} were fetched.[/]")
    return False


def _show_rejected(database: duckdb.DuckDBPyConnection, job: dict[str, Any], console: Console) -> None:
    groups = database.execute(STATEMENTS["rejected"], {"job_id": job["job_id"]}).fetchall()
    if not groups:
        return
    console.print("\n[bold]Rejected rows[/], kept raw in the table rejected_rows, one of each reason:")
    for reason, count, detail, raw in groups:
        console.print(f"  [yellow]{count:,} {reason}[/]  {escape(detail)}", soft_wrap=True, highlight=False)
        console.print(f"    [dim]{escape(_shortened(raw))}[/]", soft_wrap=True, highlight=False)


def _show_warnings(job: dict[str, Any], console: Console) -> None:
    if not job["warnings"]:
        return
    console.print("\n[bold]Warnings[/]: rows that are kept, but worth a look:")
    for warning in job["warnings"]:
        line = f"  [yellow]{warning['count']:,} {warning['rule']}[/]  {escape(warning['message'])}"
        console.print(line, soft_wrap=True, highlight=False)


def _show_question(database: duckdb.DuckDBPyConnection, console: Console) -> None:
    statement = STATEMENTS["top_fields"]
    answer = database.execute(statement)
    table = Table(box=None, padding=(0, 2))
    for column in answer.description:
        table.add_column(column[0], justify="left" if column[0] == "field_name" else "right")
    for row in answer.fetchall():
        table.add_row(*[f"{cell:,}" if isinstance(cell, int | float) else str(cell) for cell in row])
    console.print("\n[bold]A question to the database[/]: the five fields with the most oil")
    console.print(f"[dim]{escape(statement)}[/]", soft_wrap=True, highlight=False)
    console.print(table)


def _show_next(stack: LocalStack, console: Console) -> None:
    console.print(
        f"\nThe database: [bold]{escape(str(stack.database_path))}[/] (any DuckDB from 1.4 on opens it)\n"
        f"The API was at {stack.api_url} and stops now; `make run` keeps it serving.\n\n"
        "Try next:\n"
        "  make demo                once more: 0 new, every row is a duplicate\n"
        "  make demo ROWS=1000000   and Ctrl-C midway: the next one goes on where it stopped\n"
        "  make run                 keeps it serving, and prints a link to the web console\n"
        "                           and the curl lines that start an import",
        highlight=False,
        soft_wrap=True,
    )


def _show_failure(job: dict[str, Any], stack: LocalStack, console: Console) -> None:
    error = job.get("error") or {"code": job["status"], "message": "The import was cancelled."}
    console.print(f"\n[red]{job['status']}[/] {error['code']}: {escape(error['message'])}")
    if error.get("retryable"):
        console.print("Trying again can help: make demo")
    console.print(f"The logs are in {escape(str(stack.state / 'logs'))}.")


@contextlib.contextmanager
def _database(path: Path, job_id: str, *, reading: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Read-only. The file with the stable name follows a moment after the job is COMPLETED.

    What does not fit into memory goes into a directory of its own: the default one, beside the file, is that of every
    other reader too.
    """
    own = OwnDirectory(reading)
    deadline = time.monotonic() + DATABASE_SECONDS
    try:
        while True:
            opening = contextlib.suppress(duckdb.IOException)
            with opening, duckdb.connect(path, read_only=True, config={"temp_directory": str(own.path)}) as database:
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


def _sentence(answer: dict[str, Any]) -> str:
    error = answer.get("error") or {}
    return f"{error.get('code', 'no code')}: {error.get('message', answer)}"


def _clock_time(epoch: float | None) -> str:
    return time.strftime("%H:%M:%S", time.localtime(epoch)) if epoch else "earlier"
