"""How far an import or a download is: a bar on a terminal; elsewhere of an import a line when
something has changed, and nothing of a download.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from clients.api.durations import duration
from clients.cli.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from clients.api.answers import Job


@contextlib.contextmanager
def progress(console: Console, *, least_pause: float = 0.0) -> Iterator[Callable[[Job], None]]:
    """Shows each view of the job that it is called with. Lines have `least_pause` seconds between
    them, for whoever looks more often than that.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield _line_by_line(console, least_pause)
        return
    bars = BarColumn(complete_style="cyan", finished_style="green")
    texts = [
        TextColumn(text, markup=False)
        for text in ("{task.description:<10}", "{task.fields[facts]}")
    ]
    columns = (texts[0], bars, texts[1])
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("PENDING", total=100, facts="")

        def show(job: Job) -> None:
            is_unknown = job.progress_percentage is None and job.status == "RUNNING"
            bar.update(
                task,
                description=plain(job.phase or job.status),
                completed=job.progress_percentage or 0,
                total=None if is_unknown else 100,
                facts=plain(facts_of(job)),
            )

        yield show


@contextlib.contextmanager
def download_progress(console: Console) -> Iterator[Callable[[int, int], None] | None]:
    """Shows the bytes that are there, of so many."""
    if not console.is_terminal:
        yield None
        return
    with Progress(BarColumn(), DownloadColumn(), console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def facts_of(job: Job) -> str:
    expected = f" of {job.expected_records:,}" if job.expected_records else ""
    parts = [
        f"{job.progress_percentage:3.0f} %" if job.progress_percentage is not None else "",
        f"{job.fetched_records:,}{expected} rows",
        parts_of(job) if job.phase == "FETCHING" else "",
        f"{job.records_per_second:,.0f} rows/s" if job.records_per_second else "",
        f"{left} left" if (left := duration(remaining_seconds(job))) else "",
        waiting_of(job),
    ]
    return "  ".join(part for part in parts if part)


def parts_of(job: Job) -> str:
    if job.parts:
        return f"{job.parts['done']} of {job.parts['count']} parts"
    return ""


def waiting_of(job: Job) -> str:
    """Until when is told as a time, which stays the same from line to line."""
    if not job.waiting:
        return ""
    waiting = job.waiting
    until = time.strftime("%H:%M:%SZ", time.gmtime(waiting["until"]))
    return f"waits until {until} after {waiting['for']}, for try {waiting['try']}"


def remaining_seconds(job: Job) -> float | None:
    """By the progress so far.
    The API's own estimate is a time of its clock, which may not be ours.
    """
    seconds = job.execution_time_seconds
    percent = job.progress_percentage
    if job.status != "RUNNING" or not seconds or not percent:
        return None
    return seconds * (100 - percent) / percent


def _line_by_line(console: Console, least_pause: float) -> Callable[[Job], None]:
    last = ""
    last_at = -math.inf

    def show(job: Job) -> None:
        nonlocal last, last_at
        line = plain(f"{job.phase or job.status:<10} {facts_of(job)}")
        is_due = job.final or time.monotonic() - last_at >= least_pause
        if line != last and is_due:
            last = line
            last_at = time.monotonic()
            console.print(line)

    return show
