"""Freshness: whether a source has brought anything within the time that its definition gives it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .schedule import Plan, Schedule

log = logging.getLogger(__name__)


def stale_since(plan: Plan, published: Mapping[str, Any] | None, *, now: float) -> float | None:
    """When the data of the source grew too old; None while it is fresh, or may be of any age. `published` are the facts
    of its latest COMPLETED import; before the first one its age counts from its definition.
    """
    if plan.fresh_seconds is None:
        return None
    until = (float(published["at"]) if published else plan.created_at) + plan.fresh_seconds
    return until if until < now else None


def became_stale(schedule: Schedule, job_id: str | None) -> list[dict[str, Any]]:
    """Called once each time that the data of a source has grown too old. What it answers is written together with the
    schedule that says so, or not at all: here a notice of it is put.
    """
    log.warning("the data of the source is older than it may be", extra={"source": schedule.source, "job_id": job_id})
    return []
