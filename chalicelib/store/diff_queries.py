"""How a Diff is taken, before anything is written. The statements stand in diff.sql."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import MOST_EXAMPLES

from .columns import KEY, MOST_OF_A_WELL, VALUES, VOLUMES, WHOLE_FIELD
from .diff import DIGITS, MOST_FIELDS, Absence, Diff, factor_of
from .local_duckdb import exhaustion_errors
from .schema import STORE
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from .diff import Changes
    from .settle import Settled
    from .withdrawal import Withdrawal

# Wells by themselves; more are one set, of which a part is another set.
MOST_WELLS = 40
# Sums that differ less are shown without examples, which cost a join of their own.
SHOWN_FACTOR = 1.5
NEAR_CHARACTERS = 60  # a value that stands so far from the beginning is shown with it
BEFORE_CHARACTERS = 20
DAYS = "stored.period_days"
IS_OVER = "(stored.production_period + CAST(stored.period_days AS INTEGER) <= CAST($today AS DATE))"

_SQL = named_statements(Path(__file__).with_name("diff.sql"))


def take_diff(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    settled: Settled,
    changes: Changes,
    *,
    now: float,
    rejected: int = 0,
    without_field: Sequence[str] = (),
    is_renamed: bool = False,
    whole: str = STORE,
    withdrawal: Withdrawal | None = None,
) -> Diff:
    """Of the merge whose rows are `settled` and whose `changes` are found, beside so many
    `rejected` rows. `without_field` are columns to look at; `is_renamed`: some rows have another
    field in place of one; `whole`: what stands after FROM for all stored rows; `withdrawal`: those
    that are withdrawn. Raises ScratchFull, OutOfMemory.
    """
    queries = _DiffQueries(connection, source, settled, now, whole)
    diff = queries.diff(changes, rejected, without_field, is_renamed=is_renamed)
    if withdrawal is None or not withdrawal.rows:
        return diff
    examples = {**diff.examples, "WITHDRAWN": withdrawal.examples}
    return replace(diff, withdrawn=withdrawal.rows, covered=withdrawal.covered, examples=examples)


class _DiffQueries:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        settled: Settled,
        now: float,
        whole: str,
    ) -> None:
        self._connection = connection
        self._whole = whole
        self._source = source
        self._settled = settled
        self._today = datetime.fromtimestamp(now, UTC).date().isoformat()

    def diff(
        self, changes: Changes, rejected: int, without_field: Sequence[str], *, is_renamed: bool
    ) -> Diff:
        ((has_stored,),) = self._rows("has_stored")
        updated = changes.revised
        nulled = self._count_nulls() if updated else {}
        sums = self._sums() if updated else {}
        return Diff(
            new=changes.new,
            updated=updated,
            unchanged=changes.accepted - changes.new - updated,
            rejected=rejected,
            is_first=not has_stored,
            nulled=nulled,
            sums=sums,
            fields=self._fields() if updated else [],
            examples=self._examples(nulled, sums, rejected),
            absent=self._absences(without_field, is_renamed=is_renamed),
            wells=self._wells(),
        )

    # -- stored values that turn null -----------------------------------------------------------

    def _count_nulls(self) -> dict[str, dict[str, int]]:
        """By column, of those with stored values that turn null."""
        self._sum_changes()
        sums = ", ".join(f"sum(nulled_{name})" for name in VALUES)
        (counts,) = self._rows("count_nulled", sums_of_nulled=sums)
        by_column = zip(VALUES, counts, strict=True)
        nulled = {name: int(count) for name, count in by_column if count}
        if not nulled:
            return {}
        of_touched = ", ".join(f"count({name})" for name in nulled)
        of_store = ", ".join(f"count(stored.{name})" for name in nulled)
        (touched,) = self._rows("count_touched", values=of_touched, columns=", ".join(nulled))
        (in_store,) = self._rows("count_in_store", values=of_store)
        return {
            name: {"nulled": nulled[name], "stored": stored, "in_store": all_values}
            for name, stored, all_values in zip(nulled, touched, in_store, strict=True)
        }

    def _sum_changes(self) -> None:
        volumes = [
            f"sum(coalesce({table}.{name}, 0) * {DAYS}) AS {when}_{name}"
            for name in VOLUMES
            for table, when in (("stored", "before"), ("staged", "after"))
        ]
        nulled = [
            f"count(stored.{name}) FILTER (staged.{name} IS NULL) AS nulled_{name}"
            for name in VALUES
        ]
        self._rows(
            "sum_changes", is_over=IS_OVER, volumes=", ".join(volumes), nulled=", ".join(nulled)
        )

    # -- volumes ------------------------------------------------------------------------------

    def _sums(self) -> dict[str, dict[str, float]]:
        """Of the products that change: what changes is added to what is stored. Where the periods
        of the import have 1,000 barrels in the store, and a revised row says 12 instead of 10, they
        have 1,000 before and 1,002 after. New rows are in neither.
        """
        changed = ", ".join(f"sum(after_{name} - before_{name})" for name in VOLUMES)
        (deltas,) = self._rows("sum_changed_volumes", sums_of_volumes=changed)
        changes = {name: delta for name, delta in zip(VOLUMES, deltas, strict=True) if delta}
        if not changes:
            return {}
        stored = ", ".join(f"sum(coalesce({name}, 0) * {DAYS})" for name in changes)
        self._rows("find_staged_periods")
        (sums,) = self._rows("sum_stored_volumes", stored_volumes=stored, is_over=IS_OVER)
        found = {}
        for (name, delta), stored_sum in zip(changes.items(), sums, strict=True):
            before = stored_sum or 0.0  # null where all stored values are
            found[name] = {"before": _round(before), "after": _round(before + delta)}
        return found

    def _fields(self) -> list[dict[str, Any]]:
        statement = _SQL["changes_of_volume"]
        by_volume = [statement.format(volume=name) for name in VOLUMES]
        each = " UNION ALL ".join(by_volume)
        names = ("code", "name", "column", "before", "after")
        rows = self._rows("largest_changes", each_volume=each, most=str(MOST_FIELDS))
        return [_example(names, row) for row in rows]

    # -- examples -----------------------------------------------------------------------------

    def _examples(
        self, nulled: Mapping[str, Any], sums: Mapping[str, dict[str, float]], rejected: int
    ) -> dict[str, list[dict[str, Any]]]:
        examples = {
            "NULLED": self._nulled_rows(list(nulled)) if nulled else [],
            "RESTATED": self._restated_rows(sums),
            "REJECTED": self._rejected_rows() if rejected else [],
        }
        return {check: rows for check, rows in examples.items() if rows}

    def _nulled_rows(self, columns: list[str]) -> list[dict[str, Any]]:
        turn_null = [f"(staged.{name} IS NULL AND stored.{name} IS NOT NULL)" for name in columns]
        shown = {name: f"stored.{name}" for name in [*KEY, *columns]}
        some_nulled = " OR ".join(turn_null)
        return self._shown_rows("nulled_rows", shown, some_nulled=some_nulled)

    def _restated_rows(self, sums: Mapping[str, dict[str, float]]) -> list[dict[str, Any]]:
        """Of the product that differs most."""
        factors = {
            name: factor_of(change["before"], change["after"]) for name, change in sums.items()
        }
        column = max(factors, key=lambda name: factors[name], default="")
        if not column or factors[column] < SHOWN_FACTOR:
            return []
        key = {name: f"stored.{name}" for name in KEY}
        values = {f"{column} before": f"stored.{column}", f"{column} after": f"staged.{column}"}
        return self._shown_rows("restated_rows", key | values, column=column)

    def _shown_rows(
        self, statement: str, shown: Mapping[str, str], **lists: str
    ) -> list[dict[str, Any]]:
        lists["shown"] = ", ".join(shown.values())
        lists["key"] = ", ".join(f"stored.{name}" for name in KEY)
        rows = self._rows(statement, most=str(MOST_EXAMPLES), **lists)
        return [_example(shown, row) for row in rows]

    def _rejected_rows(self) -> list[dict[str, Any]]:
        """The first row of each of the most frequent problems, with how many rows have it."""
        examples = []
        for problem, rows, first in self._rows("rejected_problems", most=str(MOST_EXAMPLES)):
            ((page, position, raw),) = self._rows("rejected_row", first_row=str(first))
            example = {
                "problem": problem,
                "rows": rows,
                "page": page,
                "position": position,
                "raw": _around(raw, problem),
            }
            examples.append(example)
        return examples

    def _absences(self, columns: Sequence[str], *, is_renamed: bool) -> dict[str, Absence]:
        """Most of those asked for have no value at all:
        only of the others is it looked where the values are.
        """
        if not columns:
            return {}
        stored = ", ".join(f"count(stored.{column})" for column in columns)
        values = ", ".join(f"count({column})" for column in columns)
        ((stored_values, filled_rows, rows, length),) = self._rows(
            "look_at_columns", values_stored=stored, values=values
        )
        absences = {}
        for column, count, filled in zip(columns, stored_values, filled_rows, strict=True):
            stretch = self._stretch(column, is_renamed=is_renamed) if filled else length
            absences[column] = Absence(stored=count, rows=rows, filled=filled, stretch=stretch)
        return absences

    def _stretch(self, column: str, *, is_renamed: bool) -> int:
        ((last, longest),) = self._rows("rows_without", column=column)
        return int(longest if is_renamed else last)

    def _wells(self) -> dict[str, list[str]]:
        rows_of_checks = {}
        most = str(MOST_WELLS)
        if self._settled.conflicts.keys:
            rows_of_checks["CONFLICTS"] = self._rows("wells_in_conflict", most=most)
        if self._settled.rates_beyond_a_well:
            arms = [f"abs({name}) > {bound}" for name, bound in MOST_OF_A_WELL.items()]
            is_beyond = " OR ".join(arms)
            rows_of_checks["RATE_BEYOND_A_WELL"] = self._rows(
                "wells_beyond", most=most, is_beyond=is_beyond, whole_field=WHOLE_FIELD
            )
        return {check: [well for (well,) in rows] for check, rows in rows_of_checks.items() if rows}

    def _rows(self, name: str, **lists: str) -> list[tuple[Any, ...]]:
        all_lists = {"whole": self._whole, **lists}
        text = _SQL[name].format_map(all_lists)
        parameters = {"today": self._today, "source_name": self._source}
        values = {name: value for name, value in parameters.items() if f"${name}" in text}
        with exhaustion_errors():
            return self._connection.execute(text, values or None).fetchall()


def _around(raw: str, problem: str) -> str:
    """The row as it came, from a little before the field that the problem is about. The problem
    "OUT_OF_RANGE oil_production_kbd" is about a field such as "OilProductionKbd" or
    "oil production kbd". As it is where the field is called otherwise, or stands near the
    beginning.
    """
    first_problem = problem.split("; ", maxsplit=1)[0]
    column = first_problem.partition(" ")[2]
    if not column:
        return raw
    name = "[ _-]?".join(re.escape(word) for word in column.split("_"))
    match = re.search(f'"{name}"\\s*:', raw, re.IGNORECASE)
    if match is None or match.end() <= NEAR_CHARACTERS:
        return raw
    return f"…{raw[match.start() - BEFORE_CHARACTERS :]}"


def _round(value: float) -> float:
    return round(float(value), DIGITS) + 0.0  # 0.0 makes 0.0 of -0.0


def _example(names: Iterable[str], row: Iterable[Any]) -> dict[str, Any]:
    """Of values that JSON and the table take."""
    values = [_plain(value) for value in row]
    return dict(zip(names, values, strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return _round(value) if isinstance(value, float) else value
