"""What an import works with:
a source of a few rows, and a repository that keeps them in dictionaries.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import chain, pairwise, zip_longest
from typing import TYPE_CHECKING, Any

from chalicelib.errors import PublishRefused, SourceUnavailable
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.cursor import Cursor, Page
from chalicelib.odata.survey import Survey
from chalicelib.store.columns import KEY, VALUES
from chalicelib.store.diff import Diff
from chalicelib.store.outcome import MergeResult, RunFacts
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.settle import Settled

from .weather import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from chalicelib.store.batch import Batch
    from chalicelib.store.row_reading import RowReading

    from .weather import Network

Row = tuple[int, int, str, int, int]  # page, position, well, oil, version of the source
FIELDS = [*KEY, *VALUES]
NOTHING: Any = object()


@dataclass(frozen=True)
class Contents:
    """What the source holds: another version after each published import,
    and now and then during one. Every second version has a row more.
    """

    pages: int
    rows: int
    page_seconds: float
    cuts: int = 1  # into so many parts
    odd: frozenset[int] = frozenset()  # versions whose rows would wipe what is stored

    def page(self, number: int, version: int) -> list[Row]:
        more = version % 2 if number == self.pages else 0
        return [self._row(number, position, version) for position in range(self.rows + more)]

    def _row(self, page: int, position: int, version: int) -> Row:
        """Of five rows one has a new key in each version,
        and the last of them comes twice in a source.
        """
        row = (page - 1) * self.rows + position
        is_repeated = row == self.pages * self.rows - 1
        well = f"well {0 if is_repeated else row}" + (f" of {version}" if row % 5 == 3 else "")
        return page, position, well, version if row % 2 else 0, version

    def count(self, version: int) -> int:
        return self.count_of(range(1, self.pages + 1), version)

    def count_of(self, pages: range, version: int) -> int:
        return len(pages) * self.rows + (version % 2 if self.pages in pages else 0)

    @property
    def parts(self) -> list[range]:
        """Of the pages, as they are read at once."""
        bounds = [1 + number * self.pages // self.cuts for number in range(self.cuts + 1)]
        return [range(low, high) for low, high in pairwise(bounds) if low < high]


class SimulatedSource(ExternalApiAdapter):
    def __init__(self, *, contents: Contents, network: Network, version: Callable[[], int]) -> None:
        self._contents = contents
        self._network = network
        self._version = version

    @property
    def retries(self) -> int:
        return 0

    @property
    def waiting(self) -> None:
        return None

    def close(self) -> None:
        pass

    def go_back(self, listing: str) -> None:
        """It has no files."""

    def survey(self, *, with_types: bool = False) -> Survey:
        self._ask("fields", list)
        return Survey(fields=FIELDS)

    def first_cursor(
        self,
        key: Iterable[str],
        survey: Survey,
        *,
        changed_since: float | None = None,
        limits: str = "",
        way: str = "",
    ) -> Cursor:
        return Cursor(url="page 1")

    @property
    def most_at_once(self) -> int:
        return 8

    @property
    def most_workers(self) -> int:
        return 8

    def parts(self, cursor: Cursor, survey: Survey, *, most: int) -> list[Cursor]:
        """Of neighbouring pages, as the contents are cut."""
        if self._contents.cuts == 1:
            return [cursor]
        version = self._version()
        self._ask("counts", list)
        return [
            self._part(cursor, pages, self._contents.count_of(pages, version))
            for pages in self._contents.parts
        ]

    def part(self, cursor: Cursor, survey: Survey, *, like: Cursor) -> Cursor:
        first, last = map(int, like.range.split("-"))
        return self._part(cursor, range(first, last + 1), like.expected)

    def _part(self, cursor: Cursor, pages: range, rows: int | None) -> Cursor:
        if len(pages) == self._contents.pages:
            return cursor
        return replace(
            cursor, url=f"page {pages[0]}", range=f"{pages[0]}-{pages[-1]}", expected=rows
        )

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:
        while cursor.url:
            page = self._made(cursor)
            yield page
            cursor = page.next

    def _made(self, cursor: Cursor) -> Page:
        number = int(cursor.url.removeprefix("page ")) if cursor.url else 0
        last = int(cursor.range.partition("-")[2] or self._contents.pages)
        pages = range(int(cursor.range.partition("-")[0] or 1), last + 1)
        self._network.work(f"page {number}", self._contents.page_seconds)
        rows = self._ask(f"page {number}", lambda: self._contents.page(number, self._version()))
        announced = self._contents.count_of(pages, rows[0][-1])
        following = replace(
            cursor,
            url=f"page {number + 1}" if number < last else None,
            page=cursor.page + 1,
            delivered=cursor.delivered + len(rows),
            bytes=cursor.bytes + 1,
            expected=announced if cursor.expected is None else cursor.expected,
            counted_again=None if number < last else announced,
        )
        return Page(
            number=number, rows=[json.dumps(row[2:]).encode() for row in rows], next=following
        )

    def _ask(self, what: str, do: Callable[[], list[Row]]) -> list[Row]:
        faults = (Fault.REFUSED, Fault.FREEZE, Fault.CRASH)
        rows: list[Row] = self._network.call(
            "source", what, do, error=lambda _: SourceUnavailable(), faults=faults
        )
        return rows


class Unhurried:
    """Takes the place of Prefetch: the pages are made when they are asked for,
    in the worker's own thread, one of each source in turn.
    """

    def __init__(
        self, *sources: Iterable[Any], while_waiting: Callable[[], None], **_: Any
    ) -> None:
        self._items = chain.from_iterable(zip_longest(*sources, fillvalue=NOTHING))
        self._while_waiting = while_waiting

    def __enter__(self) -> Iterator[Any]:
        for item in self._items:
            self._while_waiting()
            if item is not NOTHING:
                yield item

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class InMemoryRepository(DuckDBWellProductionRepository):
    """Stores are JSON files: {"wells": {well: oil}, "runs":
    [[job, page, position and version of its rows]]}.
    """

    rejected_rows = 0
    passed_over_rows = 0
    staged_bytes = 0

    def __init__(self, *, network: Network, directory: Path, contents: Contents, **_: Any) -> None:
        directory.mkdir(parents=True)
        self._contents = contents
        self._network = network
        self._directory = directory
        self._rows: list[Row] = []
        self._segments = 0

    def close(self) -> None:
        pass

    def field_names(self, batch: Batch) -> list[str]:
        return FIELDS

    def stage(self, batch: Batch, reading: RowReading, *_: object, **__: object) -> Path:
        self._network.work("stage", 0.1)
        rows: list[Row] = [
            (page, position, *json.loads(line)) for page, position, line in batch.lines()
        ]
        self._rows += rows
        self._segments += 1
        segment = self._directory / f"staged-{self._segments}.parquet"
        segment.write_text(json.dumps(rows))
        return segment

    def load_segment(self, path: Path, **_: object) -> bool:
        self._rows += [tuple(row) for row in json.loads(path.read_text())]
        return True

    def settle(self, *_: object) -> Settled:
        return Settled()

    def merge(
        self, store: Path, facts: RunFacts, *, now: float, warnings: dict[str, int], **_: Any
    ) -> MergeResult:
        self._network.work("merge", 2.0)
        stored = json.loads(store.read_text()) if store.exists() else {"wells": {}, "runs": []}
        wells: dict[str, int] = stored["wells"]
        latest = {well: oil for _, _, well, oil, _ in self._rows}
        new = sum(well not in wells for well in latest)
        updated = sum(well in wells and wells[well] != oil for well, oil in latest.items())
        runs = [*stored["runs"], [facts.job_id, sorted((*row[:2], row[-1]) for row in self._rows)]]
        store.write_text(json.dumps({"wells": wells | latest, "runs": runs}))
        return MergeResult(
            new_records=new,
            updated_records=updated,
            duplicate_records=len(self._rows) - new - updated,
            failed_records=0,
            stored_records=len(wells | latest),
            warnings=warnings,
            diff=Diff(is_first=False, nulled=self._nulled()),
        )

    def _nulled(self) -> dict[str, dict[str, int]]:
        """As many more values as the version is odder:
        what was accepted of one is not of another.
        """
        odd = [version for *_, version in self._rows if version in self._contents.odd]
        count = 1000 + max(odd, default=0)
        return (
            {"oil_production_kbd": {"nulled": count, "stored": count, "in_store": count}}
            if odd
            else {}
        )

    def rejected_by_reason(self) -> dict[str, int]:
        return {}

    def verify(self, store: Path, *, rows: int, **_: object) -> None:
        if len(json.loads(store.read_text())["wells"]) != rows:
            raise PublishRefused
