"""Freshness: whether a source has brought anything within the time that its definition gives it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .dynamodb_item import without_none
from .notice import STALE, new_notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .notice import Notice
    from .schedule import Plan, Schedule

log = logging.getLogger(__name__)


def stale_since(plan: Plan, published: Mapping[str, Any] | None, *, now: float) -> float | None:
    """When the data of the source grew too old; None while it is fresh, or may be of any age.
    `published` are the facts of its latest COMPLETED import; before the first one its age counts
    from its definition.
    """
    if plan.fresh_seconds is None:
        return None
    brought_at = float(published["at"]) if published else plan.created_at
    until = brought_at + plan.fresh_seconds
    return until if until < now else None


def notice_of_age(
    plan: Plan, published: Mapping[str, Any] | None, schedule: Schedule, *, at: float
) -> Notice:
    """Told once each time that the data of a source has grown too old. `schedule` is as it was
    before the write, whose turn makes the key: after a rollback the data is as old as it was once
    before.
    """
    source = plan.source
    job_id = published["job_id"] if published else None
    names = {"source": source, "job_id": job_id}
    log.warning("the data of the source is older than it may be", extra=names)
    hours = f"{(plan.fresh_seconds or 0.0) / 3600:,.6g} h"
    last = f"The last one is job {job_id}." if job_id else "There was none yet."
    facts = {
        "source": source,
        "stale_since": schedule.stale_since,
        "fresh_seconds": plan.fresh_seconds,
        "last_job_id": job_id,
        "text": f"No import of {source} is complete for more than {hours}. {last}",
    }
    key = f"stale-{source}-{schedule.turn + 1}"
    return new_notice(
        kind=STALE,
        key=key,
        at=at,
        facts=without_none(facts),
    )
