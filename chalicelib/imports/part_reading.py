"""PartReading: one part of the source on its way into segments.
A source that is read as a whole is one part.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chalicelib.odata.reading import End
from chalicelib.store.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chalicelib.jobs.parts import Part
    from chalicelib.odata.cursor import Cursor, Page
    from chalicelib.warehouse.names import SegmentRun

    from .segments import Segments

# Numbers of pages tell the part too: 3,000,017 is page 17 of part 3.
PAGES_OF_A_PART = 1_000_000


@dataclass(kw_only=True)
class PartReading:
    """`cursor` stands behind the rows that were taken, and the segments with the batch hold these.
    While a step between the two is under way, `is_in_step` is false.

    `item` is what the table has of the part, None of a source that is read as a whole.
    """

    number: int
    cursor: Cursor
    segments: Segments
    lines: Batch
    item: Part | None = None
    rejected: int = 0
    pages: int = 0
    changed_until: float | None = None
    undated: int = 0
    is_in_step: bool = True
    is_staged_early: bool = False
    batch: Batch = field(init=False)
    stored_to: Cursor = field(init=False)

    def __post_init__(self) -> None:
        self.batch = self.lines
        self.stored_to = self.cursor
        self.pages = self.cursor.page - 1
        self.changed_until = self.cursor.changed_until
        self.undated = self.cursor.undated

    @classmethod
    def of(
        cls, cursor: Cursor, segments: Segments, directory: Path, *, item: Part | None = None
    ) -> PartReading:
        lines = Batch(directory / f"batch-{segments.part}.ndjson")
        rejected = item.rejected if item else 0
        return cls(
            number=segments.part,
            cursor=cursor,
            segments=segments,
            lines=lines,
            item=item,
            rejected=rejected,
        )

    @property
    def is_at_end(self) -> bool:
        return self.cursor.url is None

    @property
    def is_well_on(self) -> bool:
        """Whether no more rows are to come than those in its batch."""
        if self.is_at_end or self.cursor.expected is None or self.batch.table:
            return False
        # A part that brings more than was counted does not tell how much is still to come.
        to_come = self.cursor.expected - self.cursor.delivered
        return 0 <= to_come <= self.batch.rows

    @property
    def has_news(self) -> bool:
        """Whether the table does not know yet how far it has come."""
        return self.cursor != self.stored_to

    def take(self, page: Page) -> None:
        """The page's rows leave it for the batch:
        a large page leaves the memory before it is staged.
        """
        self.is_in_step = False
        part = self.number if page.part is None else page.part
        number = part * PAGES_OF_A_PART + page.number
        if page.table:
            self.batch = Batch.of_table(page.table, number)
        else:
            self.batch.append(number, page.rows, first_row=page.first_row)
        self.cursor = page.next
        self.pages = page.number
        self.is_in_step = True
        page.rows.clear()

    def clear(self) -> None:
        """The batch is staged."""
        if self.batch.table:
            self.batch.table.path.unlink(missing_ok=True)
        self.batch.clear()
        self.batch = self.lines

    def note_changes(self, newest: float | None, undated: int) -> None:
        """Of the rows of a batch: the latest change, and how many do not tell theirs."""
        self.undated += undated
        if newest is not None:
            self.changed_until = max(newest, self.changed_until or newest)

    def cursor_to_store(self) -> Cursor:
        """With the changes among the rows before it."""
        return replace(
            self.cursor,
            changed_until=self.changed_until,
            undated=self.undated,
        )


@dataclass(kw_only=True)
class PartsReading:
    """All parts, in the order of their rows. `first` stands before the first row of all of them;
    it is None of a source that is read as a whole.
    """

    parts: Sequence[PartReading]
    first: Cursor | None = None

    @property
    def finished_parts(self) -> int:
        """How many parts are read to their end."""
        return sum(part.is_at_end for part in self.parts)

    @property
    def pages(self) -> int:
        return sum(part.pages for part in self.parts)

    @property
    def stored_segments(self) -> list[SegmentRun]:
        """That the items of the parts name."""
        items = [part.item for part in self.parts if part.item]
        checkpoints = [item.checkpoint for item in items]
        return [run for checkpoint in checkpoints for run in checkpoint.segments]

    @property
    def cursor(self) -> Cursor:
        """As one: what has come of all parts together.
        Without a URL when all of them were read to their end.
        """
        cursors = [part.cursor for part in self.parts]
        if self.first is None:
            return cursors[0]
        is_at_end = not any(cursor.url for cursor in cursors)
        are_all_ended = all(cursor.ended for cursor in cursors)
        # Part by part: ten rows too many in one are not the ten that another lacks.
        missing = sum(cursor.reading.missing for cursor in cursors) if are_all_ended else 0
        changes = [part.changed_until for part in self.parts if part.changed_until is not None]
        return replace(
            self.first,
            url=None if is_at_end else self.first.url,
            page=1 + sum(cursor.page - 1 for cursor in cursors),  # each stands before its next one
            delivered=sum(cursor.delivered for cursor in cursors),
            bytes=sum(cursor.bytes for cursor in cursors),
            expected=_sum([cursor.expected for cursor in cursors]),
            counted_again=_last_count(cursors),
            by_link=any(cursor.by_link for cursor in cursors),
            by_own_key=all(cursor.by_own_key for cursor in cursors),
            recounted=any(cursor.recounted for cursor in cursors),
            ended=_end_of([cursor.ended for cursor in cursors]),
            missing=missing,
            has_shrunk=any(_has_shrunk(cursor) for cursor in cursors),
            changed_until=max(changes, default=None),
            undated=sum(part.undated for part in self.parts),
        )


def _has_shrunk(cursor: Cursor) -> bool:
    if cursor.expected is None or cursor.counted_again is None:
        return False
    return cursor.counted_again < cursor.expected


def _last_count(cursors: Sequence[Cursor]) -> int | None:
    """All rows, as the source counts them at the end.
    A part that was not counted again has the rows that were expected of it; None where no part was.

    Of two parts of 60 and 40 rows the second was counted again, and has 41: that makes 101.
    """
    if all(cursor.counted_again is None for cursor in cursors):
        return None
    counts = [
        cursor.expected if cursor.counted_again is None else cursor.counted_again
        for cursor in cursors
    ]
    return _sum(counts)


def _sum(counts: Sequence[int | None]) -> int | None:
    """None where one of them is not known."""
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    return sum(known)


def _end_of(ends: Sequence[str]) -> str:
    """What they have in common; a part that came short tells of the whole."""
    if not all(ends):
        return ""
    if End.SHORT in ends:
        return str(End.SHORT)
    # Of different ends: the one that proves nothing by itself, as those by key and of files do.
    is_one = len(set(ends)) == 1
    return ends[0] if is_one else str(End.MARKER)
