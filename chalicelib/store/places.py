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
    """`pages` pages that follow one another, with `rows` rows each; the first of
    them from `position` on.
    """

    first_row: int
    page: int
    position: int
    rows: int
    pages: int = 1

    @property
    def past(self) -> int:
        return self.first_row + self.rows * self.pages

    def joined_with(self, following: Stretch) -> Stretch | None:
        """Both as one, if they are alike."""
        is_next = (following.first_row, following.page) == (self.past, self.page + self.pages)
        is_alike = following.rows == self.rows and self.position == following.position == 0
        return replace(self, pages=self.pages + following.pages) if is_next and is_alike else None


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
        later = [stretch for stretch in self._stretches if stretch.past > first_row]
        parts = [
            part for stretch in later for part in _singly(stretch) if part.first_row >= first_row
        ]
        found = type(self)()
        found._extend(replace(part, first_row=part.first_row - first_row) for part in parts)  # noqa: SLF001  its own kind
        return found

    def text(self) -> str:
        return json.dumps(
            [[s.first_row, s.page, s.position, s.rows, s.pages] for s in self._stretches]
        )

    def add_text(self, first_row: int, text: str) -> None:
        """What `text` made, of rows that are staged from that row on."""
        stretches = (Stretch(*numbers) for numbers in json.loads(text))
        self._extend(
            replace(stretch, first_row=first_row + stretch.first_row) for stretch in stretches
        )

    def columns(self) -> dict[str, str]:
        """First row, page and position of each run, as the texts of lists."""
        runs = [run for stretch in self._stretches for run in _singly(stretch)]
        return {
            "rows": str([run.first_row for run in runs]),
            "pages": str([run.page for run in runs]),
            "positions": str([run.position for run in runs]),
        }

    def _extend(self, stretches: Iterable[Stretch]) -> None:
        for stretch in stretches:
            joined = self._stretches[-1].joined_with(stretch) if self._stretches else None
            if joined:
                self._stretches[-1] = joined
            elif stretch.rows:
                self._stretches.append(stretch)


def _singly(stretch: Stretch) -> Iterator[Stretch]:
    for number in range(stretch.pages):
        first_row = stretch.first_row + number * stretch.rows
        yield replace(stretch, first_row=first_row, page=stretch.page + number, pages=1)
