"""What becomes of several rows of one key within an import, in the plainest Python."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS, KEY, VALUES, VOLUMES, Role
from chalicelib.store.grain import Aggregate, Grain, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
PROVENANCE = [column.name for column in COLUMNS if column.role is Role.PROVENANCE]


@dataclass(frozen=True)
class Delivered:
    """A row with all columns, where it came, and what the grain reads of it."""

    columns: Row
    page: int = 1
    position: int = 0
    primary_key: str = ""
    version: int | None = None
    is_rejected: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(str(self.columns[name]) for name in KEY)

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(self.columns[name] for name in VALUES)

    @property
    def raw(self) -> str:
        """What is kept of a row that is sound by itself."""
        return json.dumps(self.columns, separators=(",", ":"), default=str)


@dataclass
class Outcome:
    """`rows` come with the number of rows of the source in them,
    `refused` ones with their problem.
    """

    rows: list[tuple[Row, int]] = field(default_factory=list)
    refused: list[tuple[Delivered, str]] = field(default_factory=list)
    conflict_keys: int = 0


def settled(delivered: Iterable[Delivered], grain: Grain) -> Outcome:
    outcome = Outcome()
    by_key: dict[tuple[str, ...], list[Delivered]] = {}
    for row in delivered:
        by_key.setdefault(row.key, []).append(row)
    for rows in by_key.values():
        _settle_key(outcome, rows, grain)
    return outcome


def _settle_key(outcome: Outcome, rows: list[Delivered], grain: Grain) -> None:
    sound = [row for row in rows if not row.is_rejected]
    parts = [_newest(editions, grain) for editions in _by_identity(sound, grain).values()]
    if any(part is None for part in parts) or (len(parts) > 1 and grain.rows is Rows.ONE):
        outcome.conflict_keys += 1
        outcome.refused += [(row, _differences(sound)) for row in sound]
    elif len(sound) < len(rows) and grain.rows is Rows.SUM:
        outcome.refused += [(row, "PART_REJECTED row") for row in sound]
    elif parts:
        outcome.rows.append((_sum([part.columns for part in parts if part], grain), len(parts)))


def _by_identity(rows: list[Delivered], grain: Grain) -> dict[Any, list[Delivered]]:
    found: dict[Any, list[Delivered]] = {}
    for row in rows:
        identity: Any = row.values if grain.rows is Rows.SUM else ""
        found.setdefault(row.primary_key if grain.primary_key else identity, []).append(row)
    return found


def _newest(editions: list[Delivered], grain: Grain) -> Delivered | None:
    """None when nobody can tell which one it is."""
    latest = max(_age(row) for row in editions)
    rows = [row for row in editions if not grain.order_by or _age(row) == latest]
    if len({row.values for row in rows}) > 1:
        return None
    return min(
        rows,
        key=lambda row: json.dumps(
            [row.columns[name] for name in PROVENANCE], separators=(",", ":")
        ),
    )


def _age(row: Delivered) -> float:
    return float("-inf") if row.version is None else row.version


def _differences(rows: list[Delivered]) -> str:
    names = [name for name in VALUES if len({row.columns[name] for row in rows}) > 1]
    return "; ".join(f"SAME_KEY_OTHER_VALUES {name}" for name in names or ["row"])


def _sum(parts: list[Row], grain: Grain) -> Row:
    if len(parts) == 1:
        return parts[0]
    return {
        column.name: _added(column.name, [part[column.name] for part in parts], grain)
        for column in COLUMNS
    }


def _added(name: str, values: list[Any], grain: Grain) -> Any:
    present = [value for value in values if value is not None]
    if not present:
        return None
    is_added = name in VOLUMES or (
        name == "days_on_production" and grain.aggregate is Aggregate.SUM
    )
    if is_added:
        return float(sum(map(Decimal, map(repr, present)), Decimal(0)))
    return max(present) if name == "days_on_production" else min(present)
