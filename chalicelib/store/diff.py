"""Diff: what an import would change in the stored data, in a few KB. It is taken
before anything is written.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import MOST_EXAMPLES, few_examples, with_short_texts

from .columns import KEY, MOST_OF_A_WELL, VALUES, VOLUMES, WHOLE_FIELD
from .local_duckdb import exhaustion_told
from .schema import STORE
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from .settle import Settled
    from .withdrawal import Withdrawal

MOST_FIELDS = 10
MOST_WELLS = 40  # told one by one; more are told as one set, of which a part is another set
# of a sum; more are noise, and not everything that a double holds can stand in the job's item
DIGITS = 6
# sums that differ less are shown without examples, which cost a join of their own
SHOWN_FACTOR = 1.5
NEAR_CHARACTERS = 60  # a value that stands so far from the beginning is shown with it
BEFORE_CHARACTERS = 20
DAYS = "stored.period_days"
IS_OVER = "(stored.production_period + CAST(stored.period_days AS INTEGER) <= CAST($today AS DATE))"

_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Of the `accepted` rows, one a key: how many are `new`, and how many `revised`.
    The others change nothing.
    """

    accepted: int
    new: int
    revised: int


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A column whose field the source lacks, or lacked on some page: `stored` values of it, `rows`
    that came, those `filled` of them, and the `stretch` of rows beside each other that were not:
    the last one, which may be of no length, or the longest where another field stood in its place.
    """

    stored: int
    rows: int
    filled: int
    stretch: int


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Rows that are `new`, `updated`, `unchanged`, `rejected` and `withdrawn`, these of the
    `covered` ones, which are stored of the periods that came; `is_first`: nothing was stored.

    `nulled` tells how many stored values of a column would turn null, of how many in the rows that
    the import touches, and of how many in the store: {"nulled", "stored", "in_store"}. `sums` are
    stored volumes by column, rate by days, of the periods that the import covers and that are over,
    where they change: {"before", "after"}. New rows are left out, because more wells are no
    restatement. `fields` are the ten largest changes of a field's volume, `examples` a few rows to
    a check. `absent` are the columns that were asked for, see Absence. `wells` are digests of the
    wells that a check has found something at, so that the same wells are known again.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    withdrawn: int = 0
    covered: int = 0
    is_first: bool = True
    nulled: dict[str, dict[str, int]] = field(default_factory=dict)
    sums: dict[str, dict[str, float]] = field(default_factory=dict)
    fields: list[dict[str, Any]] = field(default_factory=list)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    absent: dict[str, Absence] = field(default_factory=dict)
    wells: dict[str, list[str]] = field(default_factory=dict)

    def to_attributes(self) -> dict[str, Any]:
        """As the job's item keeps it and the API shows it: long texts are cut, a
        name may have megabytes.
        """
        examples = {check: few_examples(rows) for check, rows in self.examples.items()}
        shown = asdict(self) | {
            "examples": examples,
            "fields": [with_short_texts(each) for each in self.fields],
        }
        del shown["wells"]  # they stand in the fingerprints
        return shown


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
    found = _DiffQueries(connection, source, settled, now, whole).diff(
        changes, rejected, without_field, is_renamed=is_renamed
    )
    if withdrawal is None or not withdrawal.rows:
        return found
    examples = {**found.examples, "WITHDRAWN": withdrawal.examples}
    return replace(found, withdrawn=withdrawal.rows, covered=withdrawal.covered, examples=examples)


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
        ((is_known,),) = self._rows("has_stored")
        updated = changes.revised
        nulled = self._nulled() if updated else {}
        sums = self._sums() if updated else {}
        return Diff(
            new=changes.new,
            updated=updated,
            unchanged=changes.accepted - changes.new - updated,
            rejected=rejected,
            is_first=not is_known,
            nulled=nulled,
            sums=sums,
            fields=self._fields() if updated else [],
            examples=self._examples(nulled, sums, rejected),
            absent=self._absences(without_field, is_renamed=is_renamed),
            wells=self._wells(),
        )

    # -- stored values that turn null -----------------------------------------------------------

    def _nulled(self) -> dict[str, dict[str, int]]:
        self._sum_changes()
        (counts,) = self._rows(
            "count_nulled", sums_of_nulled=", ".join(f"sum(nulled_{name})" for name in VALUES)
        )
        found = {name: int(count) for name, count in zip(VALUES, counts, strict=True) if count}
        if not found:
            return {}
        touched = ", ".join(f"count({name})" for name in found)
        (values,) = self._rows("count_touched", values=touched, columns=", ".join(found))
        (all_values,) = self._rows(
            "count_in_store", values=", ".join(f"count(stored.{name})" for name in found)
        )
        return {
            name: {"nulled": count, "stored": touched, "in_store": in_store}
            for (name, count), touched, in_store in zip(
                found.items(), values, all_values, strict=True
            )
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
        """Of the products that change: what changes is added to what is stored."""
        changed = ", ".join(f"sum(after_{name} - before_{name})" for name in VOLUMES)
        (deltas,) = self._rows("sum_changed_volumes", sums_of_volumes=changed)
        changes = {name: delta for name, delta in zip(VOLUMES, deltas, strict=True) if delta}
        if not changes:
            return {}
        stored = ", ".join(f"sum(coalesce({name}, 0) * {DAYS})" for name in changes)
        (sums,) = self._rows("sum_stored_volumes", stored_volumes=stored, is_over=IS_OVER)
        return {
            name: {"before": _rounded(before or 0.0), "after": _rounded((before or 0.0) + delta)}
            for (name, delta), before in zip(changes.items(), sums, strict=True)
        }

    def _fields(self) -> list[dict[str, Any]]:
        each = " UNION ALL ".join(_SQL["changes_of_volume"].format(volume=name) for name in VOLUMES)
        names = ("code", "name", "column", "before", "after")
        found = self._rows("largest_changes", each_volume=each, most=str(MOST_FIELDS))
        return [_shown(dict(zip(names, row, strict=True))) for row in found]

    # -- examples -----------------------------------------------------------------------------

    def _examples(
        self, nulled: Mapping[str, Any], sums: Mapping[str, dict[str, float]], rejected: int
    ) -> dict[str, list[dict[str, Any]]]:
        found = {
            "NULLED": self._nulled_rows(list(nulled)) if nulled else [],
            "RESTATED": self._restated_rows(sums),
            "REJECTED": self._rejected_rows() if rejected else [],
        }
        return {check: rows for check, rows in found.items() if rows}

    def _nulled_rows(self, columns: list[str]) -> list[dict[str, Any]]:
        some = " OR ".join(
            f"(staged.{name} IS NULL AND stored.{name} IS NOT NULL)" for name in columns
        )
        shown = {name: f"stored.{name}" for name in [*KEY, *columns]}
        return self._shown_rows("nulled_rows", shown, some_nulled=some)

    def _restated_rows(self, sums: Mapping[str, dict[str, float]]) -> list[dict[str, Any]]:
        """Of the product that differs most."""
        factors = {name: factor_of(told["before"], told["after"]) for name, told in sums.items()}
        column = max(factors, key=lambda name: factors[name], default="")
        if not column or factors[column] < SHOWN_FACTOR:
            return []
        key = {name: f"stored.{name}" for name in KEY}
        values = {f"{column} before": f"stored.{column}", f"{column} after": f"staged.{column}"}
        return self._shown_rows("restated_rows", key | values, column=column)

    def _shown_rows(
        self, statement: str, shown: Mapping[str, str], **lists: str
    ) -> list[dict[str, Any]]:
        told = {
            "shown": ", ".join(shown.values()),
            "key": ", ".join(f"stored.{name}" for name in KEY),
        }
        found = self._rows(statement, most=str(MOST_EXAMPLES), **told, **lists)
        return [_shown(dict(zip(shown, row, strict=True))) for row in found]

    def _rejected_rows(self) -> list[dict[str, Any]]:
        """The first row of each of the most frequent problems, with how many rows have it."""
        found = []
        for problem, rows, first in self._rows("rejected_problems", most=str(MOST_EXAMPLES)):
            ((page, position, raw),) = self._rows("rejected_row", first_row=str(first))
            found.append(
                {
                    "problem": problem,
                    "rows": rows,
                    "page": page,
                    "position": position,
                    "raw": _around(raw, problem),
                }
            )
        return found

    def _absences(self, columns: Sequence[str], *, is_renamed: bool) -> dict[str, Absence]:
        """Most of those asked for have no value at all: only of the others is it
        looked where the values are.
        """
        if not columns:
            return {}
        stored = ", ".join(f"count(stored.{column})" for column in columns)
        values = ", ".join(f"count({column})" for column in columns)
        ((counts, filled, rows, length),) = self._rows(
            "look_at_columns", values_stored=stored, values=values
        )
        return {
            column: Absence(
                stored=count,
                rows=rows,
                filled=with_value,
                stretch=self._stretch(column, is_renamed=is_renamed) if with_value else length,
            )
            for column, count, with_value in zip(columns, counts, filled, strict=True)
        }

    def _stretch(self, column: str, *, is_renamed: bool) -> int:
        ((last, longest),) = self._rows("rows_without", column=column)
        return int(longest if is_renamed else last)

    def _wells(self) -> dict[str, list[str]]:
        found = {}
        most = str(MOST_WELLS)
        if self._settled.conflicts.keys:
            found["CONFLICTS"] = self._rows("wells_in_conflict", most=most)
        if self._settled.rates_beyond_a_well:
            beyond = " OR ".join(f"abs({name}) > {bound}" for name, bound in MOST_OF_A_WELL.items())
            found["RATE_BEYOND_A_WELL"] = self._rows(
                "wells_beyond", most=most, is_beyond=beyond, whole_field=WHOLE_FIELD
            )
        return {check: [well for (well,) in wells] for check, wells in found.items() if wells}

    def _rows(self, name: str, **lists: str) -> list[tuple[Any, ...]]:
        text = _SQL[name].format_map({"whole": self._whole, **lists})
        bound = {"today": self._today, "source_name": self._source}
        values = {name: value for name, value in bound.items() if f"${name}" in text}
        with exhaustion_told():
            done = (
                self._connection.execute(text, values) if values else self._connection.execute(text)
            )
            return done.fetchall()


def _around(raw: str, problem: str) -> str:
    """The row as it came, from a little before the field that the problem is about: by the
    column's own name, in whatever spelling. As it is where the field is called otherwise, or
    stands near the beginning.
    """
    column = problem.split("; ", maxsplit=1)[0].partition(" ")[2]
    name = "[ _-]?".join(map(re.escape, column.split("_")))
    found = re.search(f'"{name}"\\s*:', raw, re.IGNORECASE) if column else None
    if found is None or found.end() <= NEAR_CHARACTERS:
        return raw
    return f"…{raw[found.start() - BEFORE_CHARACTERS :]}"


def factor_of(before: float, after: float) -> float:
    """By how much a sum grows or shrinks, from 1 on; 1 where nothing was before.
    LARGEST where nothing is left.
    """
    if before == after or abs(before) < 10**-DIGITS:
        return 1.0
    part = after / before
    if part <= 1 / LARGEST:
        return LARGEST
    return min(LARGEST, max(part, 1 / part))


LARGEST = 1_000_000.0  # a factor beyond it is told as this


def _rounded(value: float) -> float:
    return round(float(value), DIGITS) + 0.0  # a minus before a zero is none


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Values that JSON and the table take."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return _rounded(value) if isinstance(value, float) else value
