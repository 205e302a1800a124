"""Parts: ranges of the key, each with so few rows that a merge of them fits the memory,
whatever the import holds.

Bounds are (field_code, well_code), so all periods of a well are in one part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .local_duckdb import quoted_text

if TYPE_CHECKING:
    import duckdb

ROWS_PER_MB = 3_000  # of memory: 330 bytes a row, for its key on both sides of a join
SAMPLES = 100  # to a part

Bound = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """From one bound, which is in it, to another, which is not. None: to the end on that side."""

    low: Bound | None = None
    high: Bound | None = None

    def condition(self, table: str) -> str:
        """Whether a row of the table is in the part, as SQL. From (F1, W200) to (F3,
        W100) it has the wells of F1 from W200 on, all wells of F2, and those of F3 before W100.
        """
        field = f"{table}.field_code"
        well = f"{table}.well_code"
        # A part of one field has plain bounds, by which DuckDB leaves out row groups.
        if self.low and self.high and self.low[0] == self.high[0]:
            code = quoted_text(self.low[0])
            low = quoted_text(self.low[1])
            high = quoted_text(self.high[1])
            return f"({field} = {code} AND {well} >= {low} AND {well} < {high})"
        # So has each arm, of the field, in front of what tells the wells of that field apart.
        arms = []
        if self.low:
            code, low = map(quoted_text, self.low)
            arms.append(f"{field} >= {code} AND ({field} > {code} OR {well} >= {low})")
        if self.high:
            code, high = map(quoted_text, self.high)
            arms.append(f"{field} <= {code} AND ({field} < {code} OR {well} < {high})")
        if not arms:
            return "true"
        return f"({' AND '.join(arms)})"


def split(connection: duckdb.DuckDBPyConnection, *, rows: int, most: int) -> list[Part]:
    """Parts that hold all rows of the view `staged`,
    of which there are so many, about `most` each.
    """
    wanted = math.ceil(rows / most)
    if wanted <= 1:
        return [Part()]
    step = max(1, rows // (wanted * SAMPLES))
    is_sample = f"problem IS NULL AND arrival % {step} = 0"
    query = f"SELECT field_code, well_code FROM staged WHERE {is_sample} ORDER BY ALL"  # noqa: S608
    samples: list[Bound] = connection.execute(query).fetchall()
    if not samples:
        return [Part()]
    # Of 300 samples for 3 parts the 100th and the 200th are bounds; a large well may be both.
    chosen = [samples[len(samples) * number // wanted] for number in range(1, wanted)]
    bounds: list[Bound | None] = [*dict.fromkeys(chosen)]
    lows = [None, *bounds]
    highs = [*bounds, None]
    return [Part(low, high) for low, high in zip(lows, highs, strict=True)]
