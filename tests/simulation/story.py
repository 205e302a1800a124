"""A seed's story, for people: virtual time, actor, call, outcome."""

from __future__ import annotations

import re
from typing import Any

from .scheduler import NOON

Event = tuple[
    float, str, str, object
]  # time, actor, what it did, what came of it; or a stored job or lock


def readable(story: list[Event]) -> list[str]:
    """Job ids are random:
    they are numbered as they appear, so a seed tells the same story each time.
    """
    numbers: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"job {len(numbers) + 1}")

    lines = (
        f"{now - NOON:8.2f} {actor:12} {_line(what, outcome, now)}"
        for now, actor, what, outcome in story
    )
    return [re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", numbered, line) for line in lines]


def _line(what: str, outcome: object, now: float) -> str:
    if not isinstance(outcome, dict):
        return f"{what}: {outcome}"
    return _job(outcome) if "job_id" in outcome else _lock(outcome, now)


def _job(job: dict[str, Any]) -> str:
    page = (job.get("cursor") or {}).get("page", 1)
    asked = ", asked to stop" if "cancel_requested_at" in job else ""
    error = f", {job['error']['code']}" if "error" in job else ""
    return f"  = {job['job_id']}: {job['status']}, fence {job['fence']}, from page {page}{asked}{error}"


def _lock(lock: dict[str, Any], now: float) -> str:
    if "owner" not in lock:
        return f"  = lock: free, fence {lock['fence']}"
    state = "held" if "holder" in lock else "waits for a worker"
    return f"  = lock: {lock['owner']}, fence {lock['fence']}, {state}, lease {lock['lease_until'] - now:.0f} s"
