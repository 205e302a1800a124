"""What DuckDB raises of a question, as errors of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from chalicelib.errors import (
    QueryFailed,
    QueryTooLarge,
    QueryTooSlow,
    ScratchFull,
    WarehouseForeign,
    WarehouseTooNew,
)
from chalicelib.lake.connection import raise_if_not_there
from chalicelib.store.local_duckdb import (
    ANOTHER_FORMAT,
    LATER_FORMAT,
    is_full,
    raise_if_corrupt,
    raise_if_forbidden,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.errors import WellheadError


@contextmanager
def duckdb_errors() -> Iterator[None]:
    """The questions are right and their values bound:
    what fails is the file, the machine, or DuckDB. Which of them, its text alone tells.
    """
    try:
        yield
    except duckdb.Error as exc:
        raise_if_corrupt(exc)
        raise_if_forbidden(exc)
        raise_if_not_there(exc)
        raise _error_of(exc) from exc


def _error_of(exc: duckdb.Error) -> WellheadError:
    words = str(exc)
    # First: where DuckDB may not spill, its memory is at an end too.
    if is_full(exc):
        return ScratchFull.of_question("Answering")
    if isinstance(exc, duckdb.OutOfMemoryException):
        return QueryTooLarge()
    if isinstance(exc, duckdb.InterruptException):
        return QueryTooSlow()
    if LATER_FORMAT in words:
        return WarehouseTooNew()
    if ANOTHER_FORMAT in words:
        return WarehouseForeign()
    return QueryFailed()
