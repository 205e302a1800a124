"""wellhead accept, discard: somebody's word on an import that is held."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from clients.api.errors import HeldImport, NotHeld
from clients.cli.findings import show_findings
from clients.cli.import_commands import finish, show_job
from clients.cli.job_ids import whole_id
from clients.cli.options import json_option, wait_options, with_session
from clients.cli.plain import plain
from clients.cli.session import Exit

if TYPE_CHECKING:
    from clients.api.answers import Job
    from clients.cli.session import Session

WITHOUT_RESULT = "It was accepted before, and ended without a result. Nothing was published."
NOBODY = "--all shows the findings and asks, and there is nobody to ask here. Name each one: --finding CHECK"


@click.command()
@click.argument("job_id")
@click.option(
    "--finding",
    "findings",
    multiple=True,
    metavar="CHECK",
    help="What to accept; once for each finding.",
)
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Show the findings, and ask whether to accept all of them.",
)
@wait_options(default=True)
@json_option
@with_session
def accept(
    session: Session, /, job_id: str, findings: tuple[str, ...], is_all: bool, **waiting: Any
) -> int:
    """Publish an import that is held, all the same.

    Each finding that holds JOB_ID is named. Nothing is fetched again: a new import publishes what
    was held, and is held in turn when it finds something else or something worse.
    """
    if bool(findings) == is_all:
        raise click.UsageError(
            f"Name what to accept with --finding, or use --all. See it: wellhead status {job_id}"
        )
    if is_all and not sys.stdin.isatty():
        raise click.UsageError(NOBODY)
    with session.client() as wellhead:
        job_id = whole_id(wellhead, job_id)
        accepted = [finding.upper() for finding in findings]
        if is_all:
            accepted = _confirm(session, wellhead.status(job_id))
        job = wellhead.accept(job_id, accepted)
        if job.final and job.status != "COMPLETED" and not job.is_held:
            session.terminal.note(f"{WITHOUT_RESULT} {_next_step(job)}")
        return finish(session, wellhead, job, **waiting)


def _next_step(job: Job) -> str:
    if job.retried_by:
        return f"Follow the one that goes on from it: wellhead status {job.retried_by}"
    return f"wellhead retry {job.job_id}"


@click.command()
@click.argument("job_id")
@json_option
@with_session
def discard(session: Session, job_id: str) -> None:
    """Let an import go that is held.

    What is published stays as it is; JOB_ID can then no longer be accepted.
    """
    with session.client() as wellhead:
        job = wellhead.discard(whole_id(wellhead, job_id))
        show_job(session.terminal, job)


def _confirm(session: Session, job: Job) -> list[str]:
    """What holds it, when whoever was shown it says yes.
    Raises HeldImport; ends the program when they say no.
    """
    if not job.waits_for_word:
        raise NotHeld(status=409, code="NOT_HELD", details={"job_id": job.job_id})
    show_findings(session.terminal, job)
    if not job.can_be_accepted:
        raise HeldImport(
            "What was found cannot be accepted.", status=409, code="CANNOT_BE_ACCEPTED"
        )
    if not click.confirm(f"Publish it, and accept {plain(', '.join(job.checks))}?", err=True):
        session.terminal.note("Nothing was done: it stays held.")
        raise click.exceptions.Exit(Exit.HELD)
    return job.checks
