"""A job that was held, without an import."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.errors import Held
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.finding import Check, Finding, fingerprint_of
from chalicelib.warehouse.names import SegmentRun

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.manager import JobManager


def a_finding(check: Check, *, holds: bool = True) -> Finding:
    return Finding(
        check=check,
        limit="5 %",
        found="7 of 9",
        message="Odd.",
        fingerprint=fingerprint_of(check, {"rows": 7}),
        examples=[{"well_code": 12}],
        holds=holds,
    )


FINDINGS = [
    a_finding(Check.REJECTED),
    a_finding(Check.NULLED),
    a_finding(Check.COMPLETENESS_UNKNOWN, holds=False),
]


def hold_job(manager: JobManager, job_id: str) -> Job:
    """Its worker claims it, fetches a segment, and ends it."""
    claim = manager.claim(job_id, holder="w1")
    checkpoint = Checkpoint(
        cursor={"page": 9},
        segments=[SegmentRun(job_id=job_id, fence=claim.fence)],
        seal="ab",
        source={"settings": "a"},
    )
    warnings = [{"rule": "UNKNOWN_FIELDS", "count": 1, "message": "Fields."}]
    worked = replace(claim.job, checkpoint=checkpoint, findings=FINDINGS, warnings=warnings)
    return manager.finish(claim, worked.hold(Held(), at=claim.job.created_at))
