"""Accepted: a held import goes on from the rows that it had fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import HeldRowsGone
from chalicelib.odata.cursor import Cursor

from .fingerprint import Fingerprint, is_of_this_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.job import Job
    from chalicelib.settings import Settings
    from chalicelib.store.repository import DuckDBWellProductionRepository

    from .segments import Segments


def load_accepted(
    job: Job,
    repository: DuckDBWellProductionRepository,
    *,
    segments: Segments,
    settings: Settings,
    beat: Callable[[], None],
) -> tuple[Cursor, Fingerprint]:
    """The rows that were accepted are staged again, without a word to the source: the cursor at their end, and what
    they were read with. Raises HeldRowsGone when one of them is not as it was, SourceChangedSince.
    """
    checkpoint = job.checkpoint
    if checkpoint is None or checkpoint.source is None or not is_of_this_form(checkpoint.source):
        raise HeldRowsGone
    before = Fingerprint(**checkpoint.source)
    before.refuse_other_settings(settings.source_id)
    if segments.load(repository, checkpoint, beat=beat) != checkpoint:
        raise HeldRowsGone
    return Cursor.restored(checkpoint.cursor, settings.source_url), before
