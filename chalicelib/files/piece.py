"""Piece: what is read of a file at once; its reader goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.store.table import Table


@dataclass(frozen=True)
class Mark:
    """A place between two rows of a file:
    how many come before it, and the byte where the next one begins; 0 where that is not known.
    """

    row: int = 0
    byte: int = 0

    def is_at(self, until: int | None) -> bool:
        return until is not None and self.row >= until


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One table, or `rows` as JSON texts. `mark` is behind it; `is_last`: nothing comes there."""

    mark: Mark
    is_last: bool
    size: int  # bytes
    table: Table | None = None
    rows: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        if self.table:
            return self.table.rows
        return len(self.rows)


class Reader(Protocol):
    """Of one table: a file, a member of an archive, a sheet.
    `examples` has a value of each field that shows one.
    """

    @property
    def file(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def examples(self) -> dict[str, Any]: ...

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        """From the mark to the end, or to the row `until`.
        Raises FileError, ScratchFull, OutOfMemory.
        """

    def marks(self) -> Iterator[Mark]:
        """Behind each of its pieces, when all is read from the first row on; none where the reading
        cannot begin in the midst. It costs a look at each row. Raises what `pieces` does.
        """
