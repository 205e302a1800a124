"""Holding: which held import can be accepted, by naming what, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.errors import AcceptTooLate, FindingsDiffer, NotHeld

from .finding import holding

if TYPE_CHECKING:
    from collections.abc import Collection

    from .job import Job
    from .lock import Snapshot


def refuse_other_findings(held: Job, named: Collection[str]) -> None:
    """Nobody accepts what he has not seen. Raises NotHeld, FindingsDiffer."""
    refuse_without_hold(held)
    names = {str(finding.check) for finding in holding(held.findings)}
    checks = sorted(names)
    if sorted(set(named)) != checks:
        raise FindingsDiffer(job_id=held.job_id, findings=checks)


def refuse_without_hold(job: Job) -> None:
    """Raises NotHeld."""
    if not job.is_held:
        raise NotHeld(job_id=job.job_id, status=job.status)
    if job.discarded_at is not None:
        raise NotHeld(
            "The job was discarded. Start a new import.", job_id=job.job_id, status=job.status
        )


def refuse_late(held: Job, *, now: float, newest: str | None, current: Snapshot | None) -> None:
    """`newest` is the job that was held last, `current` what is published. Raises AcceptTooLate.

    Called after the lock was read: what is held or published since then has changed the lock, and
    the write fails.
    """
    job_id = held.job_id
    until = held.accept_until or 0.0
    if now > until:
        raise AcceptTooLate(
            "A held import can be accepted for seven days, and its rows are not kept any longer. Start a new import.",
            job_id=job_id,
            accept_until=until,
        )
    if newest not in (None, job_id):
        raise AcceptTooLate(
            "A later import was held since, with newer rows. Look at that one.",
            job_id=job_id,
            held_since=newest,
        )
    if current and current.fence_of(held.source_name) > held.fence:
        raise AcceptTooLate(
            "Another import has been published since, or an older snapshot once more, and the rows of this one may not "
            "belong to it. Start a new import.",
            job_id=job_id,
            published_by=current.job_of(held.source_name),
        )


def lateness(
    held: Job, *, now: float, newest: str | None, current: Snapshot | None
) -> dict[str, Any] | None:
    """Why nobody can accept it any more, as `message` and what the refusal of an accept tells;
    null while he can.
    """
    try:
        refuse_late(held, now=now, newest=newest, current=current)
    except AcceptTooLate as refusal:
        reason = {"message": refusal.message, **refusal.details}
        reason.pop("job_id", None)
        return reason
    return None


def is_of_use(held: Job, *, now: float, newest: str | None, current: Snapshot | None) -> bool:
    """Whether the rows of a held job are still worth their place."""
    if held.discarded_at is not None:
        return False
    return lateness(held, now=now, newest=newest, current=current) is None
