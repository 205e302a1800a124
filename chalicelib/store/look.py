"""Look: what staged rows look like, for a check that stores nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import COLUMNS, MOST_OF_A_WELL, VOLUMES
from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import duckdb

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_NAMES = [column.name for column in COLUMNS]
_LISTS = {
    "nulls": ", ".join(f"count(*) FILTER (problem IS NULL AND {name} IS NULL)" for name in _NAMES),
    "columns": ", ".join(_NAMES),
    "filled": " + ".join(
        f"CAST(coalesce(CAST({name} AS VARCHAR) <> '0.0', false) AS INTEGER)" for name in _NAMES
    ),
    "largest": ", ".join(f"max(abs({name}))" for name in MOST_OF_A_WELL),
    "volumes": ", ".join(VOLUMES),
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`reasons` as "REASON column; REASON column", of that many rows;
    `example` is the first one's text.
    """

    reasons: str
    rows: int
    example: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """Of `rows`, `sound` ones. `nulls` tells how many of these lack a value, `largest` the largest
    rates, in our units. `example` is one row as it would be stored, the `arrival`-th. `keys` are
    wells with their periods; `repeated` of them have several rows, `most_rows` at most, and
    `repeated_equal` the same volumes in all of them. `distance` is the usual one between two
    periods of a well, in days.
    """

    rows: int = 0
    sound: int = 0
    nulls: Mapping[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    example: Mapping[str, Any] = field(default_factory=dict)
    arrival: int | None = None
    largest: Mapping[str, float] = field(default_factory=dict)
    keys: int = 0
    repeated: int = 0
    most_rows: int = 0
    repeated_equal: int = 0
    first: date | None = None
    last: date | None = None
    wells: int = 0
    distance: float | None = None


def look_at(connection: duckdb.DuckDBPyConnection) -> Look:
    """At all that is staged. Raises ScratchFull, OutOfMemory."""

    def rows(name: str) -> list[tuple[Any, ...]]:
        text = _SQL[name].format_map(_LISTS)
        return connection.execute(text).fetchall()

    with exhaustion_errors():
        [(total, sound, *nulls)] = rows("shares")
        problems = [
            Problem(reasons=reasons, rows=count, example=raw or "")
            for reasons, count, raw in rows("problems")
        ]
        if not sound:
            return Look(rows=total, problems=problems)
        nothing = [None] * len(_NAMES)
        examples = rows("example") or [(*nothing, None)]
        *example, arrival = examples[0]
        [largest_rates] = rows("largest")
        [(keys, repeated, most_rows, equal)] = rows("keys")
        [(first, last, wells, distance)] = rows("periods")
    rates = zip(MOST_OF_A_WELL, largest_rates, strict=True)
    largest = {name: rate for name, rate in rates if rate is not None}
    return Look(
        rows=total,
        sound=sound,
        nulls=dict(zip(_NAMES, nulls, strict=True)),
        problems=problems,
        example=dict(zip(_NAMES, example, strict=True)),
        arrival=arrival,
        largest=largest,
        keys=keys,
        repeated=repeated,
        most_rows=most_rows or 0,
        repeated_equal=equal,
        first=first,
        last=last,
        wells=wells,
        distance=distance,
    )
