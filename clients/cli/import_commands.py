"""wellhead import, status, jobs, cancel, retry: imports, and what became of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import click

from clients.api.client import WellheadClient, every
from clients.api.durations import duration
from clients.api.errors import AlreadyRunning, NotFound
from clients.api.words import FINAL, OUTCOME_WORDS, STATUSES
from clients.cli.findings import show_findings
from clients.cli.job_ids import short_id, whole_id
from clients.cli.options import day_option, json_option, limit_option, wait_options, with_session
from clients.cli.progress import parts_of, waiting_of
from clients.cli.session import Exit, Session
from clients.cli.terminal import Column, Terminal, count, moment, short_moment

if TYPE_CHECKING:
    from clients.api.answer_types import Status
    from clients.api.answers import Job

JOBS_SHOWN = 20
JOB_COLUMNS = [
    Column("job", lambda job: job.job_id, short_id),
    Column("status", lambda job: job.state),
    Column("source", lambda job: "(rollback)" if job.rollback_to else job.source),
    Column("triggered", lambda job: moment(job.created_at), short_moment),
    Column("took", lambda job: duration(job.execution_time_seconds)),
    Column(
        "rows",
        lambda job: job.total_records if job.status == "COMPLETED" else job.fetched_records,
        count,
        is_number=True,
    ),
    Column(
        "held until",
        lambda job: moment(job.accept_until) if job.can_be_accepted else None,
        short_moment,
    ),
    Column("error", lambda job: job.error and job.error["code"], is_cut=True),
]


@click.command("import")
@click.option(
    "--full", is_flag=True, help="Ask the source for everything, also where increments are set up."
)
@click.option(
    "--source",
    metavar="NAME",
    help="The source to import; without it the only one, or the default one.",
)
@click.option("--field", "field_code", metavar="CODE", help="Only the rows of this field.")
@day_option("--from", "first", "Only the production periods from this one on.")
@day_option("--to", "last", "Only the production periods up to this one.")
@click.option("--attach", is_flag=True, help="When an import runs already, follow that one.")
@wait_options(default=True)
@json_option
@with_session
def start(
    session: Session, /, attach: bool, wait: bool, timeout: float | None, **asked: Any
) -> int:
    """Start an import and follow it to its end."""
    with session.client() as wellhead:
        try:
            job = wellhead.trigger(**asked)
        except AlreadyRunning as running:
            if not attach:
                raise
            session.terminal.note(
                f"An import runs already: {running.job_id}. This is how it goes on."
            )
            job = wellhead.status(running.job_id)
        return finish(session, wellhead, job, wait=wait, timeout=timeout)


@click.command()
@click.argument("job_id", required=False)
@wait_options(default=False)
@json_option
@with_session
def status(session: Session, job_id: str | None, wait: bool, timeout: float | None) -> int:
    """Show an import: the newest one, or JOB_ID.

    With --wait the exit code tells how it ended.
    """
    with session.client() as wellhead:
        job = wellhead.status(job_of(wellhead, job_id))
        if wait:
            return finish(session, wellhead, job, wait=True, timeout=timeout)
    show_job(session.terminal, job)
    return Exit.DONE


@click.command()
@click.option(
    "--status",
    type=click.Choice(STATUSES, case_sensitive=False),
    help="Only those with this status.",
)
@click.option("--source", metavar="NAME", help="Only those of this source.")
@limit_option(f"How many at most; {JOBS_SHOWN} by default.")
@json_option
@with_session
def jobs(session: Session, status: Status | None, source: str | None, limit: int | None) -> None:
    """List the imports, newest first."""
    most = limit or JOBS_SHOWN
    with session.client() as wellhead:
        pages = every(
            lambda cursor: wellhead.history(
                status=status, source=source, limit=min(most, 100), cursor=cursor
            )
        )
        found = list(itertools.islice(pages, most))
    if session.terminal.wants_json:
        session.terminal.json([job.raw for job in found])
    else:
        session.terminal.rows(JOB_COLUMNS, found)


@click.command()
@click.argument("job_id", required=False)
@json_option
@with_session
def cancel(session: Session, job_id: str | None) -> None:
    """Cancel an import: the one that runs, or JOB_ID.

    What was published before stays; a cancelled import can be retried.
    """
    with session.client() as wellhead:
        job = wellhead.cancel(whole_id(wellhead, job_id) if job_id else _running(wellhead).job_id)
    if not job.final:
        session.terminal.note("It ends at its next report.")
    show_job(session.terminal, job)


@click.command()
@click.argument("job_id", required=False)
@wait_options(default=True)
@json_option
@with_session
def retry(session: Session, job_id: str | None, wait: bool, timeout: float | None) -> int:
    """Go on with an import that ended early.

    That is the newest one, or JOB_ID. It FAILED or was CANCELLED, and goes on from its last
    checkpoint.
    """
    with session.client() as wellhead:
        job = wellhead.retry(job_of(wellhead, job_id))
        return finish(session, wellhead, job, wait=wait, timeout=timeout)


def finish(
    session: Session, wellhead: WellheadClient, job: Job, *, wait: bool, timeout: float | None
) -> int:
    """The exit code: of an import that ended, whether it completed, or is held."""
    if wait and not job.final:
        job = session.follow(wellhead, job.job_id, timeout)
    show_job(session.terminal, job)
    if not wait:
        session.terminal.note(f"Follow it: wellhead status {job.job_id} --wait")
    if job.is_held:
        return Exit.HELD
    if job.final and job.status != "COMPLETED":
        return Exit.FAILED
    return Exit.DONE


def job_of(wellhead: WellheadClient, job_id: str | None, status: Status | None = None) -> str:
    """The id that was meant: by its beginning, or without one the newest with this status.
    Raises NotFound.
    """
    if job_id:
        return whole_id(wellhead, job_id)
    return newest_import(wellhead, status).job_id


def newest_import(wellhead: WellheadClient, status: Status | None = None) -> Job:
    """Raises NotFound."""
    jobs = every(lambda cursor: wellhead.history(status=status, limit=1, cursor=cursor))
    found = next((job for job in jobs if not status or job.rollback_to is None), None)
    if found is None:
        kind = f"{status} import" if status else "import"
        raise NotFound(
            f"There is no {kind} yet. Start one: wellhead import", status=404, code="NO_JOB_YET"
        )
    return found


def _running(wellhead: WellheadClient) -> Job:
    """Raises NotFound. One runs at a time, so the newest tells."""
    newest = newest_import(wellhead)
    if newest.status in FINAL:
        raise NotFound(
            "No import runs, so there is nothing to cancel.", status=404, code="NO_JOB_RUNS"
        )
    return newest


COUNTS = ("new", "updated", "duplicate", "failed", "skipped", "total", "withdrawn")
IF_ANY = ("skipped", "withdrawn")


def show_job(terminal: Terminal, job: Job) -> None:
    if terminal.wants_json:
        terminal.json(job.raw)
        return
    terminal.facts(_facts(job))
    for warning in job.warnings:
        terminal.note(f"{warning['count']:,} {warning['rule']}: {warning['message']}", "yellow")
    show_findings(terminal, job)
    if job.error and not job.is_held:
        terminal.note(f"{job.error['code']}: {job.error['message']}", "red")


def _count_name(name: str) -> str:
    return OUTCOME_WORDS.get(name, name).lower()


def _facts(job: Job) -> list[tuple[str, object]]:
    counts = {name: getattr(job, f"{name}_records") for name in COUNTS}
    counts = {name: count for name, count in counts.items() if count or name not in IF_ANY}
    is_counted = job.status == "COMPLETED"
    return [
        ("job", job.job_id),
        ("status", job.state),
        ("phase", job.phase),
        ("triggered", moment(job.created_at)),
        ("by", job.triggered_by),
        ("source", job.source),
        ("version", job.source_version),
        ("rollback to", job.rollback_to),
        ("goes on from", job.retry_of),
        ("retried by", job.retried_by),
        ("held until", moment(job.accept_until) if job.can_be_accepted else None),
        ("accepted by", job.accepted_by),
        ("discarded", moment(job.discarded_at)),
        ("discarded by", job.discarded_by),
        ("took", duration(job.execution_time_seconds)),
        ("waits", waiting_of(job) or None),
        ("read", parts_of(job) or None),
        ("tries again", job.stats.get("http_retries") or None),
        (
            "progress",
            None
            if job.progress_percentage is None or job.final
            else f"{job.progress_percentage:.0f} %",
        ),
        ("fetched", job.fetched_records if job.fetched_records and not is_counted else None),
        *((_count_name(name), value) for name, value in counts.items() if is_counted),
    ]
