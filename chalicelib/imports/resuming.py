"""Resuming: where an import begins to read, at the first page or after the rows that are kept.

    attempt 1    pages 1 to 40 ── checkpoint at page 40 ── page 41 ── †
    attempt 2        rows of pages 1 to 40 are staged from their segments ── page 41 ── …

A checkpoint is only as good as its segments. Where a later one is damaged, the import goes on from
the last that is proved, and reads the pages behind it once more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.files.place import other_files
from chalicelib.jobs.parts import MOST_PARTS
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.reading import Way
from chalicelib.odata.survey import Survey

from .accepted import load_accepted_rows
from .fields import SourceFields
from .fingerprint import is_of_this_form
from .part_reading import PartReading, PartsReading
from .partial import is_partial
from .planning import join_fingerprints
from .publication import merge_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chalicelib.jobs.checkpoint import Checkpoint, StoredCursor
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.parts import Part
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.store.repository import DuckDBWellProductionRepository

    from .fingerprint import Fingerprint
    from .planning import Planning
    from .progress import Progress
    from .segments import Segments
    from .source_calls import SourceCalls
    from .watermark import Watermark

# Parts may be of any size: a thread that is done early takes another one.
PARTS_OF_A_THREAD = 2


@dataclass(frozen=True, kw_only=True)
class Start:
    """The parts at their first pages to come, and the source's fields as they are known there."""

    parts: PartsReading
    fields: SourceFields


@dataclass(frozen=True, kw_only=True)
class Resuming:
    """`segments` makes those of a part, by its number; `base` is what is published.
    A part with `most_runs` of segments has them joined.
    """

    settings: Settings
    source: SourceReader
    calls: SourceCalls
    planning: Planning
    progress: Progress
    watermark: Watermark
    base: Callable[[], Snapshot | None]
    segments: Callable[[int], Segments]
    directory: Path
    clock: Callable[[], float]
    most_runs: int

    @property
    def _job(self) -> Job:
        return self.progress.job

    # -- the two ways in ----------------------------------------------------------------------

    def resume(self, repository: DuckDBWellProductionRepository, *, at_once: int) -> Start:
        """What earlier workers have fetched is staged. Raises SourceChangedSince, HeldRowsGone."""
        if self._job.accepted_by:
            return self._resume_after_acceptance(repository)
        items = self._items()
        before = self._fingerprint_before(items)
        if before:
            # Before the source is asked anything: it may be another one.
            before.refuse_other_settings(self.settings.source_id)
        fields = self._survey_fields(before)
        if before:
            parts = self._load(repository, items, before, fields)
            if parts:
                fields.go_on_from(parts.cursor, before)
                self._note_resumption(parts)
                return Start(parts=parts, fields=fields)
        return self._begin(fields, at_once=at_once)

    def plan(self, *, at_once: int) -> Sequence[Part]:
        """The parts as the table has them, for workers that read one each;
        none where one worker reads all. Raises SourceChangedSince.
        """
        items = self._items()
        before = self._fingerprint_before(items)
        if before:
            before.refuse_other_settings(self.settings.source_id)
            return items
        start = self._begin(self._survey_fields(), at_once=at_once)
        return [part.item for part in start.parts.parts if part.item]

    # -- at the first page --------------------------------------------------------------------

    def _begin(self, fields: SourceFields, *, at_once: int) -> Start:
        self.progress.change(checkpoint=None, fetched_records=0, parts=None)
        first = self.first_cursor(fields)
        return Start(parts=self._cut(first, fields, at_once=at_once), fields=fields)

    def first_cursor(self, fields: SourceFields, way: str = "") -> Cursor:
        """Of all rows, or of those changed since the published snapshot's watermark."""
        since = None
        if self.settings.source_changed:
            since = self.watermark.since(self.base(), self._job)
        if since is not None:
            self.progress.set_stats(changed_since=since)
        limits = fields.part_filter(self._job.parameters)
        key = fields.key(way or self.settings.source_paging)
        return self.source.first_cursor(
            key, fields.survey, changed_since=since, limits=limits, way=way
        )

    def _cut(self, first: Cursor, fields: SourceFields, *, at_once: int) -> PartsReading:
        """The parts of all rows, where these can be cut and more than one may be read at once."""
        if at_once == 1:
            return self._as_one_part(first, self.segments(0))
        # More parts than threads: who has read a short one takes the next.
        most = min(MOST_PARTS, PARTS_OF_A_THREAD * at_once)
        question = partial(self.source.parts, first, fields.survey, most=most)
        cursors = self.calls.ask(question)
        if len(cursors) == 1:
            return self._as_one_part(cursors[0], self.segments(0))
        return self.planning.plan(first, cursors, fields.fingerprint())

    def _as_one_part(self, cursor: Cursor, segments: Segments) -> PartsReading:
        part = PartReading.of(cursor, segments, self.directory)
        return PartsReading(parts=[part])

    # -- after the rows of a checkpoint -------------------------------------------------------

    def _resume_after_acceptance(self, repository: DuckDBWellProductionRepository) -> Start:
        fields = SourceFields(survey=Survey(), settings=self.settings)  # the source is not asked
        parts, before = load_accepted_rows(
            self._job, repository, self._items(), planning=self.planning
        )
        fields.take_over(parts.cursor, before)
        self._note_resumption(parts)
        return Start(parts=parts, fields=fields)

    def _items(self) -> list[Part]:
        """Of the parts that the checkpoint names;
        none where it names no plan, or where they are of no use any more.
        """
        checkpoint = self._job.checkpoint
        if checkpoint is None or not checkpoint.plan:
            return []
        return self.planning.items(checkpoint.plan)

    def _fingerprint_before(self, items: Sequence[Part]) -> Fingerprint | None:
        """What the rows of the checkpoint were read with. None without a checkpoint, and of one
        that is too old: it proves neither its segments nor its source, or its rows have another
        form than those of today. Then the import begins at the first page.
        """
        checkpoint = self._job.checkpoint
        if checkpoint is None:
            return None
        has_lost_plan = checkpoint.plan is not None and not items
        is_unproved = checkpoint.seal is None
        if is_unproved or has_lost_plan or not is_of_this_form(checkpoint.source):
            self._note_loss(checkpoint.cursor["delivered"], None)
            return None
        of_parts = [item.checkpoint.source or {} for item in items]
        return join_fingerprints([checkpoint.source or {}, *of_parts])

    def _survey_fields(self, before: Fingerprint | None = None) -> SourceFields:
        checkpoint = self._job.checkpoint
        is_by_keys = checkpoint is not None and checkpoint.cursor.get("way") == Way.KEYS
        with_types = is_by_keys or is_partial(self._job.parameters)

        def take_survey() -> Survey:
            if before:
                self.source.go_back(before.files)
            return self.source.survey(with_types=with_types)

        return SourceFields(survey=self.calls.ask(take_survey), settings=self.settings)

    def _load(
        self,
        repository: DuckDBWellProductionRepository,
        items: Sequence[Part],
        before: Fingerprint,
        fields: SourceFields,
    ) -> PartsReading | None:
        """At the last places that are proved, the rows before them staged;
        None when that is the beginning.
        """
        checkpoint = self._job.checkpoint
        if checkpoint is None:
            return None
        if items:
            return self._load_parts(repository, checkpoint, items, before, fields)
        return self._load_whole_source(repository, checkpoint)

    def _load_whole_source(
        self, repository: DuckDBWellProductionRepository, checkpoint: Checkpoint
    ) -> PartsReading | None:
        segments = self.segments(0)
        proved = segments.load(repository, checkpoint, beat=self.progress.beat)
        if proved != checkpoint:
            self._note_loss(checkpoint.cursor["delivered"], proved.cursor if proved else None)
        if proved is None:
            return None
        joined = self._join_if_many(repository, segments, proved)
        self.progress.change(checkpoint=joined)
        if joined != proved:
            self.progress.report()  # at once: segments that no item names are as good as lost
        cursor = Cursor.from_attributes(joined.cursor, self.settings.source_url)
        return self._as_one_part(cursor, segments)

    def _load_parts(
        self,
        repository: DuckDBWellProductionRepository,
        checkpoint: Checkpoint,
        items: Sequence[Part],
        before: Fingerprint,
        fields: SourceFields,
    ) -> PartsReading:
        first = Cursor.from_attributes(checkpoint.cursor, self.settings.source_url).at_start()

        def at_start(like: Cursor) -> Cursor:
            if not fields.are_its_files(before):  # the part would be cut out of other files
                raise other_files()
            return self.source.part(first, fields.survey, like=like)

        join = partial(self._join_if_many, repository)
        parts = self.planning.load(checkpoint, items, repository, at_start=at_start, join=join)
        fetched_before = sum(item.delivered for item in items)
        if parts.cursor.delivered != fetched_before:
            self._note_loss(fetched_before, asdict(parts.cursor))
        # The job's own checkpoint may count less than the items: other workers write only these.
        cursor = parts.cursor.to_attributes(self.settings.source_url)
        self.progress.change(
            parts={"count": len(items), "done": parts.finished_parts},
            checkpoint=replace(checkpoint, cursor=cursor),
        )
        return parts

    def _join_if_many(
        self, repository: DuckDBWellProductionRepository, segments: Segments, loaded: Checkpoint
    ) -> Checkpoint:
        """One segment in place of too many that were loaded;
        these stay until the table names it, and go when the job has ended.
        """
        if len(loaded.segments) < self.most_runs:
            return loaded
        seconds = merge_seconds(None, rows=loaded.cursor["delivered"])
        self.progress.report(self.settings.lease_seconds + seconds)
        return segments.join(repository, loaded)

    # -- what the job tells of it -------------------------------------------------------------

    def _note_resumption(self, parts: PartsReading) -> None:
        cursor = parts.cursor
        self.progress.set_stats(pages=parts.pages, bytes=cursor.bytes)
        if "fetching_seconds" not in self._job.stats and self._job.started_at:
            # Workers that read one part each count no seconds: the time since the start is theirs.
            self.progress.add_seconds("fetching_seconds", self.clock() - self._job.started_at)
        self.progress.change(fetched_records=cursor.delivered, expected_records=cursor.expected)
        self.progress.note("resumed", page=cursor.page, records=cursor.delivered)

    def _note_loss(self, fetched: int, proved: StoredCursor | None) -> None:
        """Rows that had been fetched, of so many, are fetched once more."""
        kept = proved["delivered"] if proved else 0
        page = proved["page"] if proved else 1
        lost = fetched - kept
        self.progress.note("gone back", page=page, records=kept, lost_records=lost)
