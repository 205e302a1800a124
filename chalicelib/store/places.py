"""Places: where in the source each staged row stood, without a column for it.

Rows are staged in the order of their pages, so a few numbers tell of thousands: from which row on,
on which page, how many rows a page, over how many pages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .batch import Run


@dataclass(frozen=True)
class Stretch:
    """`pages` pages that follow one another, with `rows` rows each;
    the first of them from `position` on.
    """

    first_row: int
    page: int
    position: int
    rows: int
    pages: int = 1

    @property
    def past(self) -> int:
        """The row behind its last one."""
        all_rows = self.rows * self.pages
        return self.first_row + all_rows

    def join(self, following: Stretch) -> Stretch | None:
        """Both as one, if they are alike. Rows 0 to 499 of page 1, and rows 500 to 999 that are all
        500 of page 2, are two pages with 500 rows each; 300 rows of page 3 are a stretch of their
        own.
        """
        is_next_row = following.first_row == self.past
        is_next_page = following.page == self.page + self.pages
        are_whole_pages = self.position == following.position == 0
        if not is_next_row or not is_next_page or not are_whole_pages:
            return None
        if following.rows != self.rows:
            return None
        return replace(self, pages=self.pages + following.pages)


@dataclass
class Places:
    _stretches: list[Stretch] = field(default_factory=list)

    def add(self, first_row: int, runs: Iterable[Run]) -> None:
        """The runs were staged from that row on."""
        for run in runs:
            self._extend([Stretch(first_row, run.page, run.position, run.rows)])
            first_row += run.rows

    def since(self, first_row: int) -> Self:
        """Of the rows from there on, counted from there. A segment begins where a batch did."""
        later = type(self)()
        for stretch in self._stretches:
            if stretch.past <= first_row:
                continue
            for page in _pages_of(stretch):
                if page.first_row >= first_row:
                    counted_from_there = replace(page, first_row=page.first_row - first_row)
                    later._extend([counted_from_there])  # noqa: SLF001  its own kind
        return later

    def text(self) -> str:
        # As add_text takes them: segments in the warehouse have these numbers in this order.
        numbers = [
            [each.first_row, each.page, each.position, each.rows, each.pages]
            for each in self._stretches
        ]
        return json.dumps(numbers)

    def add_text(self, first_row: int, text: str) -> None:
        """What `text` made, of rows that are staged from that row on."""
        stretches = (Stretch(*numbers) for numbers in json.loads(text))
        self._extend(
            replace(stretch, first_row=first_row + stretch.first_row) for stretch in stretches
        )

    def columns(self) -> dict[str, str]:
        """First row, page and position of each run, as the texts of lists."""
        runs = [run for stretch in self._stretches for run in _pages_of(stretch)]
        return {
            "rows": str([run.first_row for run in runs]),
            "pages": str([run.page for run in runs]),
            "positions": str([run.position for run in runs]),
        }

    def _extend(self, stretches: Iterable[Stretch]) -> None:
        for stretch in stretches:
            joined = self._stretches[-1].join(stretch) if self._stretches else None
            if joined:
                self._stretches[-1] = joined
            elif stretch.rows:
                self._stretches.append(stretch)


def _pages_of(stretch: Stretch) -> Iterator[Stretch]:
    for number in range(stretch.pages):
        page = stretch.page + number
        first_row = stretch.first_row + number * stretch.rows
        yield replace(stretch, first_row=first_row, page=page, pages=1)
