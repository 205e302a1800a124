"""Versions: which snapshot of each of the lake's tables a published state consists of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCTION = "well_production"
HISTORY = "well_production_history"
REJECTS = "rejected_rows"
RUNS = "import_runs"
# In the order of their commits: whoever reads main sees an import's rows not before what they
# replaced, and its run not before its rows.
TABLES = (REJECTS, HISTORY, PRODUCTION, RUNS)


@dataclass(frozen=True, kw_only=True)
class Versions:
    """`snapshots` by the table's name; one that holds nothing yet has none.
    `rows` are those of production.
    """

    snapshots: Mapping[str, int]
    rows: int = 0

    def of(self, table: str) -> int | None:
        return self.snapshots.get(table)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any] | None, *, rows: int) -> Self:
        """As the pointer keeps them; of none, those of a lake in which nothing was published."""
        numbers = attributes or {}
        snapshots = {name: int(number) for name, number in numbers.items()}
        return cls(snapshots=snapshots, rows=rows)

    @classmethod
    def read(cls, text: str) -> Self:
        """As the warehouse keeps them. Raises ValueError."""
        document = json.loads(text)
        if not isinstance(document, dict) or not isinstance(document.get("tables"), dict):
            # One error for all that cannot be read.
            raise ValueError("these are no versions")  # noqa: TRY004
        return cls.from_attributes(document["tables"], rows=int(document["rows"]))

    def text(self) -> str:
        tables = dict(sorted(self.snapshots.items()))
        document = {"tables": tables, "rows": self.rows}
        return json.dumps(document, indent=1) + "\n"
