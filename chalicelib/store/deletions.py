"""Deletions: what the rows cost that a merge deletes, and how a store is written
so that they cost little.

A revised row is deleted where it stands and stored anew behind all others. DuckDB keeps 8 bytes for
each row of a stretch with a deleted row in it, in everybody who reads the file, and cannot put them
aside. And where a checkpoint finds row groups that have become small, it joins them: all rows of
three are written anew because a few of them went.

One revised row in each of 60,000 stretches of 2,048 rows is little to write, and costs every reader
60,000 times 16 KB, about 940 MB. So such a store is written once more without its deleted rows.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import OutOfMemory

from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

STRETCH = 2_048  # rows
STRETCH_BYTES = 8 * STRETCH  # of memory
MEMORY_SHARE = 0.5  # of a merge's memory at most, for the rest is needed by whoever joins and sorts
REWRITTEN = 1.3  # of the size: the new file, and what is written into the old one before
MANY = 0.25  # of a store's rows: with more of them deleted its row groups are joined
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Deletions:
    """Of the `places` for rows in a store so many are `deleted` after a merge,
    in at most so many `stretches`.
    """

    places: int = 0
    deleted: int = 0
    stretches: int = 0

    @property
    def memory_mb(self) -> float:
        """That everybody needs for them who reads the file."""
        return self.stretches * STRETCH_BYTES / (1 << 20)

    @property
    def are_many(self) -> bool:
        return self.deleted > MANY * self.places


def find_deletions(
    connection: duckdb.DuckDBPyConnection, *, stored: int, withdraws: bool
) -> Deletions:
    """Into `gone` the stored rows that a merge deletes, which are those revised and, where it
    `withdraws`, those withdrawn. `stored` are the rows before it. Where earlier merges have
    deleted some nobody knows, so each of these is taken to have a stretch of its own. Raises
    ScratchFull, OutOfMemory.
    """
    withdrawn = _SQL["withdrawn"] if withdraws else ""
    count_gone = _SQL["count_gone"].format(stretch=STRETCH)
    with exhaustion_errors():
        connection.execute(_SQL["find_gone"].format(withdrawn=withdrawn))
        ((places, gone, stretches),) = connection.execute(count_gone).fetchall()
    deleted_before = max(0, places - stored)
    all_stretches = math.ceil(places / STRETCH)
    most_stretches = min(stretches + deleted_before, all_stretches)
    return Deletions(
        places=places,
        deleted=deleted_before + gone,
        stretches=most_stretches if gone else 0,
    )


def must_be_rewritten(deletions: Deletions, *, most_mb: float, size: int, free: int) -> bool:
    """Whether they take more than `most_mb` of whoever reads the store of this size, in
    bytes: then it is written anew without them, if so much is free. Raises OutOfMemory,
    before anything is written.
    """
    if deletions.memory_mb <= most_mb:
        return False
    if free < size * REWRITTEN:
        raise OutOfMemory(
            "The revised rows stand all over the database, and to read it afterwards takes "
            f"{deletions.memory_mb:,.0f} MB of memory for what is deleted, of which there are "
            f"{most_mb:,.0f}, half of WELLHEAD_MEMORY_MB. Set this to "
            f"{deletions.memory_mb / MEMORY_SHARE:,.0f}, or give the function "
            f"{int(size * REWRITTEN) >> 20:,} MB of free local disk instead of {free >> 20:,}: "
            "then the database is written again without them."
        )
    return True


@contextmanager
def keep_row_groups(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A checkpoint within joins none of the row groups of the attached store:
    somebody still reads the rows that were there before.
    """
    reader = connection.cursor()
    try:
        reader.execute("BEGIN")
        reader.execute(_SQL["read_one"]).fetchall()
        yield
    finally:
        reader.close()


def copy_remaining(connection: duckdb.DuckDBPyConnection) -> None:
    """All that is attached as `wells`, into the database that is attached as `compact`,
    and no row of `gone`; in the order that they have, which a join keeps on one thread alone.
    """
    connection.execute("COPY FROM DATABASE wells TO compact (SCHEMA)")
    connection.execute("SET threads = 1")
    for (table,) in connection.execute(_SQL["tables"]).fetchall():
        statement = "copy_rows" if table == "well_production" else "copy_table"
        connection.execute(_SQL[statement].format(table=table))
    connection.execute("RESET threads")
