"""Imports of a few rows, one after the other, at moments that may go back;
and the plainest record of what they did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from chalicelib.store.outcome import Looks
from chalicelib.store.repository import BETWEEN_MERGES, DuckDBWellProductionRepository
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

if TYPE_CHECKING:
    from pathlib import Path

Key = tuple[str, str, str]  # field, well, period
State = dict[Key, float | None]  # the oil of each row that is there

FIELDS, WELLS, PERIODS = ("1", "2"), ("7", "8", "9"), ("2024-01-01", "2024-02-01")
keys = st.tuples(st.sampled_from(FIELDS), st.sampled_from(WELLS), st.sampled_from(PERIODS))
deliveries = st.dictionaries(keys, st.sampled_from([None, 0.5, 1.5]), min_size=1, max_size=6)
imports = st.lists(
    st.tuples(deliveries, st.integers(-20, 20)), min_size=1, max_size=5
)  # and seconds since the last one


@dataclass
class Replay:
    """What stood after each import, and from when on."""

    states: list[tuple[float, State]] = field(default_factory=list)

    def add(self, delivered: State, now: float) -> float:
        """The moment of the import: later than any before, whatever the clock says."""
        before = self.states[-1] if self.states else (float("-inf"), {})
        moment = round(max(now, before[0] + BETWEEN_MERGES), 3)
        self.states.append((moment, {**before[1], **delivered}))
        return moment

    def at(self, moment: float) -> State:
        return next((state for since, state in reversed(self.states) if since <= moment), {})

    def changes(self, number: int) -> dict[Key, tuple[str, float | None, float | None]]:
        """Of the import with this number, from 1 on:
        what became of each row, its oil before and after.
        """
        before = self.states[number - 2][1] if number > 1 else {}
        after = self.states[number - 1][1]
        return {
            key: ("updated" if key in before else "new", before.get(key), after[key])
            for key in after
            if key not in before or before[key] != after[key]
        }


def rows_of(delivered: State) -> list[bytes]:
    names = ("field_code", "well_code", "production_period")
    return [
        json_row(**dict(zip(names, key, strict=True)), oil_production_kbd=oil)
        for key, oil in sorted(delivered.items())
    ]


def replayed_into_a_file(directory: Path, history: list[tuple[State, int]]) -> tuple[Path, Replay]:
    """The store, and what it must hold."""
    store, replay, now = directory / "wells.duckdb", Replay(), float(NOON)
    for number, (delivered, seconds) in enumerate(history, start=1):
        now += seconds
        repository = DuckDBWellProductionRepository(
            directory=directory / f"{number}", memory_mb=200
        )
        repository.stage(batch_of(directory, rows_of(delivered)), SAME_READING)
        repository.merge(store, facts(number), **vars(Looks(now=now, warnings={})))
        repository.close()
        replay.add(delivered, now)
    return store, replay


def as_state(rows: list[dict[str, Any]]) -> State:
    return {
        (row["field_code"], row["well_code"], row["production_period"]): row["oil_production_kbd"]
        for row in rows
    }


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
