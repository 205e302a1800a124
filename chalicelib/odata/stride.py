"""Stride: how long the pages of a source are, by which the next requests are known beforehand."""

from __future__ import annotations

# Of a page that is asked for beside others: they are all in memory together.
GUESSED_BYTES = 10 << 20


class Stride:
    """How many rows the pages of this source have;
    not known until one was full or two were alike.
    """

    def __init__(self, page_size: int) -> None:
        self.rows: int | None = None
        self.is_large = False
        self._page_size = page_size
        self._last_rows = 0

    def learn(self, rows: int, size: int) -> None:
        """With 100 asked for, a page of 100 settles it.
        With 500 asked for, pages of 60 and 100 leave it open, and another one of 100 settles it.
        """
        self.is_large = size > GUESSED_BYTES
        is_full = rows == self._page_size
        is_alike = rows == self._last_rows
        if self.rows is None and rows and (is_full or is_alike):
            self.rows = rows
        self._last_rows = rows
