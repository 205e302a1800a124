"""Accepted: a held import goes on from the rows that it had fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import HeldRowsGone

from .fingerprint import is_of_this_form
from .planning import join_fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.parts import Part
    from chalicelib.store.repository import DuckDBWellProductionRepository

    from .fingerprint import Fingerprint
    from .part_reading import PartsReading
    from .planning import Planning


def load_accepted_rows(
    job: Job,
    repository: DuckDBWellProductionRepository,
    items: Sequence[Part],
    *,
    planning: Planning,
) -> tuple[PartsReading, Fingerprint]:
    """The rows that were accepted are staged again, without a word to the source: the parts at
    their ends, and what they were read with. Raises HeldRowsGone when one of them is not as it
    was, SourceChangedSince.
    """
    checkpoint = job.checkpoint
    if checkpoint is None or not is_of_this_form(checkpoint.source):
        raise HeldRowsGone
    has_lost_plan = checkpoint.plan is not None and not items
    if has_lost_plan:
        raise HeldRowsGone
    of_parts = [item.checkpoint.source or {} for item in items]
    before = join_fingerprints([checkpoint.source or {}, *of_parts])
    before.refuse_other_settings(planning.settings.source_id)
    parts = planning.load_whole(checkpoint, items, repository)
    if parts is None:
        raise HeldRowsGone
    return parts, before
