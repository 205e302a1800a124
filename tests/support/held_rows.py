"""Rows of a source that come when a test lets them go: an import of them is seen to run, however
long the one that looks at it, or the machine, takes.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.files.json_lines import Key
    from local.source.odata_query import Rows
    from local.source.server import SampleSource

PATIENCE = 90  # seconds: a test that fails lets nobody wait for ever


class HeldRows:
    """`holds(end)` says of a page whether it waits; `end` is the position behind its rows."""

    def __init__(self, rows: Rows, holds: Callable[[int], bool]) -> None:
        self.ordered = rows.ordered
        self.let_go = threading.Event()
        self._rows = rows
        self._holds = holds

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, position: int) -> Key:
        return self._rows.key(position)

    def page(self, skip: int, top: int) -> list[bytes]:
        if not self.let_go.is_set() and self._holds(skip + top):
            self.let_go.wait(PATIENCE)
        return self._rows.page(skip, top)


@contextmanager
def held(source: SampleSource, holds: Callable[[int], bool] | None = None) -> Iterator[None]:
    """Within it, of the source's rows those do not come that are held: else the last page."""
    rows = source.rows
    held_rows = HeldRows(rows, holds or (lambda end: end >= len(rows)))
    source.rows = held_rows
    try:
        yield
    finally:
        held_rows.let_go.set()
        source.rows = rows
