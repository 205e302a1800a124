"""Read-back: whether a finished store, closed and opened anew,
is what was there before and what a merge wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import PublishRefused

from .columns import COLUMNS, STORED_KEY
from .local_duckdb import exhaustion_errors, quoted_text
from .parts import Part
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import duckdb

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_NAMES = [column.name for column in COLUMNS]
_WRITTEN = ["source", *_NAMES, "period_days", "source_rows"]
_LISTS = {
    "stored_key": ", ".join(STORED_KEY),
    "written": ", ".join(_WRITTEN),
    "stored": ", ".join([*_WRITTEN, "created_at", "updated_at"]),
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What the merge of a job wrote for the `source`: `rows` into the production, behind all
    others, all that were accepted where it `is_all`; `history` rows into the history, of which
    there are then `all_history`, and `rejected` ones.
    """

    job_id: str
    source: str
    rows: int
    history: int
    is_all: bool
    all_history: int
    rejected: int
    parts: Sequence[Part]


@dataclass(frozen=True)
class RowGroup:
    """`rows` includes those that are deleted."""

    first: int
    rows: int
    blocks: frozenset[int]

    @property
    def past(self) -> int:
        return self.first + self.rows


def read_back(
    connection: duckdb.DuckDBPyConnection,
    *,
    rows: int,
    written: Written | None,
    unchanged: Collection[int],
) -> None:
    """The store is attached as `wells`, read-only. Without `written` all keys are looked at, else
    those that the merge touched. Blocks that are `unchanged` are proved elsewhere, all others are
    read. Raises PublishRefused when it does not hold `rows` rows and no key twice, or what was
    written is not all there; duckdb.Error at a damaged block.
    """
    _ReadBack(connection, written, frozenset(unchanged)).run(rows)


class _ReadBack:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        written: Written | None,
        unchanged: frozenset[int],
    ) -> None:
        self._connection = connection
        self._written = written
        self._unchanged = unchanged

    def run(self, rows: int) -> None:
        groups = {table: self._row_groups(table) for (table,) in self._rows("tables")}
        written = self._written
        if written is None:
            self._read_changed_groups(groups)
            self._check_keys(0, rows)
            return
        # What was written stands behind all that was there before.
        first = _rows_of(groups["well_production"]) - written.rows
        # Row groups of nothing else are read whole when their rows are summed.
        before_it = [group for group in groups["well_production"] if group.first < first]
        self._read_changed_groups({**groups, "well_production": before_it})
        first_of_history = _rows_of(groups["well_production_history"]) - written.history
        self._check_keys(max(first, 0), rows)
        self._check_written_rows(written, first)
        self._check_history(written, first_of_history)
        self._check_job(written)

    # -- blocks -----------------------------------------------------------------------------------

    def _row_groups(self, table: str) -> list[RowGroup]:
        groups = []
        first = 0
        for rows, blocks in self._rows("row_groups", table=table):
            on_disk = frozenset(block for block in blocks if block >= 0)
            groups.append(RowGroup(first, int(rows), on_disk))
            first = groups[-1].past
        return groups

    def _read_changed_groups(self, groups: Mapping[str, Sequence[RowGroup]]) -> None:
        """Of each table. A group all of whose blocks are unchanged is proved by their checksums."""
        for table, groups_of_table in groups.items():
            changed = [group for group in groups_of_table if not group.blocks <= self._unchanged]
            for first, past in _stretches(changed):
                self._rows("read_rows", table=table, first=str(first), past=str(past))

    # -- keys -------------------------------------------------------------------------------------

    def _check_keys(self, first: int, rows: int) -> None:
        (stored,) = self._one("count_rows", table="well_production")
        repeated = self._count_repeats(str(first))
        if (stored, repeated) != (rows, 0):
            raise PublishRefused(
                f"The new database holds {stored:,} rows and {repeated:,} keys twice instead of "
                f"{rows:,} rows and none, so it was not published. Start the import again."
            )

    def _count_repeats(self, first: str) -> int:
        """Of the rows from there on, among them and with those before."""
        parts = list(self._parts())
        repeated = 0
        (unordered,) = self._one("count_unordered", first=first)
        if unordered > 0:  # rows in order have no key twice among them
            for part in parts:
                repeated += self._one("count_repeated", first=first, **part)[0]
        if first != "0":
            for part in parts:
                repeated += self._one("count_met", first=first, **part)[0]
        return int(repeated)

    def _parts(self) -> Iterator[dict[str, str]]:
        parts = self._written.parts if self._written else [Part()]
        are_some_unchanged = self._written is not None and not self._written.is_all
        for number, part in enumerate(parts):
            that_change = ""
            if are_some_unchanged:
                that_change = _SQL["that_change"].format(number=number)
            yield {
                "that_change": that_change,
                "is_accepted_of_part": part.condition("accepted"),
                "is_stored_of_part": part.condition("stored"),
                "is_written_of_part": part.condition("written"),
            }

    # -- what was written -------------------------------------------------------------------------

    def _check_written_rows(self, written: Written, first: int) -> None:
        """Against the rows that were staged, which may differ from those read back in nothing."""
        source = quoted_text(written.source)
        days = "CAST(days_of_period(production_period) AS SMALLINT)"
        expected = ", ".join([source, *_NAMES, days, "source_rows"])
        all_rows = all_digests = 0
        if written.rows:
            for part in self._parts():
                rows, digest = self._one("sum_expected", expected=expected, **part)
                all_rows += rows
                all_digests += digest or 0  # null of a part without rows
        *in_store, _ = self._one("sum_written", first=str(first))
        self._compare("rows", in_store, (all_rows, all_digests))

    def _check_history(self, written: Written, first: int) -> None:
        all_rows = self._one("count_rows", table="well_production_history")
        self._compare("history rows", all_rows, (written.all_history,))
        if written.history:
            in_history = self._one("sum_kept", first=str(first))
            self._compare("history rows", in_history, self._one("sum_replaced"))

    def _check_job(self, written: Written) -> None:
        statement = _SQL["count_of_job"]
        (counts,) = self._answer(statement, job_id=written.job_id, rejected=written.rejected)
        self._compare("runs and rejected rows", counts, (1, written.rejected))

    def _compare(self, what: str, in_store: Sequence[Any], expected: tuple[Any, ...]) -> None:
        """The first value is how many there are, a second one their digest: null of none."""
        found = [value or 0 for value in in_store]
        if found != [value or 0 for value in expected]:
            raise PublishRefused(
                f"The {what} of the new database are not those that the import wrote "
                f"({in_store[0]:,}, and {expected[0]:,} were to be written), so it was not "
                "published. Start the import again."
            )

    # -- statements -------------------------------------------------------------------------------

    def _one(self, name: str, **lists: str) -> tuple[Any, ...]:
        (row,) = self._rows(name, **lists)
        return row

    def _rows(self, name: str, **lists: str) -> list[tuple[Any, ...]]:
        text = _SQL[name].format_map(_LISTS | lists)
        return self._answer(text)

    def _answer(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        with exhaustion_errors():
            return self._connection.execute(text, values or None).fetchall()


def _rows_of(groups: Sequence[RowGroup]) -> int:
    return groups[-1].past if groups else 0


def _stretches(groups: Sequence[RowGroup]) -> Iterator[tuple[int, int]]:
    """First and past row of those that follow one another:
    groups of the rows 0 to 9, 10 to 19 and 40 to 49 are the stretches (0, 20) and (40, 50).
    """
    first = past = 0
    for group in groups:
        if group.first != past:
            if past > first:
                yield first, past
            first = group.first
        past = group.past
    if past > first:
        yield first, past
