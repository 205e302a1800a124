"""Delta: the rows of an import that the lake's production takes, and the words of the MERGE that
takes them. DuckDB and Spark are told the same: keys, bounds and columns are made here, of the
declarations that all else is made of.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.store.columns import COLUMNS, STORED_KEY
from chalicelib.store.statements import named_statements
from chalicelib.store.well_production import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.store.outcome import MergeResult

# DuckDB attaches the lake by this name, and Spark has a catalog of it
TARGET = "lake.wellhead.well_production"
STORED = (
    "source",
    *(column.name for column in COLUMNS),
    "period_days",
    "source_rows",
    "created_at",
    "updated_at",
)
STATEMENTS = named_statements(Path(__file__).with_name("merge.sql"))


def merge_lists(bounds: Mapping[str, str], target: str = TARGET) -> dict[str, str]:
    """What a MERGE into the target is filled with. `bounds` are the `first` and `last` period of
    the delta, as SQL: without them each of the lake's files would be read.
    """
    equal_keys = " AND ".join(f"stored.{name} = delta.{name}" for name in STORED_KEY)
    is_of_periods = f"stored.production_period BETWEEN {bounds['first']} AND {bounds['last']}"
    others = [name for name in STORED if name not in STORED_KEY]
    return {
        "target": target,
        "same_key": f"{equal_keys} AND {is_of_periods}",
        "assignments": ", ".join(f"{name} = delta.{name}" for name in others),
        "columns": ", ".join(STORED),
        "values": ", ".join(f"delta.{name}" for name in STORED),
    }


def merge_of(delta: str, bounds: Mapping[str, str], target: str = TARGET) -> str:
    """The MERGE of a whole delta, which stands there by this name."""
    lists = merge_lists(bounds, target)
    statement = STATEMENTS["merge_delta"].format(delta=delta, **lists)
    return statement.strip().removesuffix(";")


def delta_rows(result: MergeResult) -> str:
    """The rows of the delta that an import has come to, as SQL:
    what it takes for tables is there then.
    """
    return "UNION ALL BY NAME ".join(_rows_of_kinds(result))


def new_rows() -> dict[str, str]:
    """Lists of all new rows, in whatever parts they were matched."""
    lists = {
        "is_accepted_of_part": "TRUE",
        "that_are_new": fill("that_are_new", {"number": "part"}),
    }
    return {"new_rows": fill("new_rows", lists)}


def _rows_of_kinds(result: MergeResult) -> Iterable[str]:
    """The new rows come first even where there are none: only they name all columns."""
    yield STATEMENTS["new_of_delta"].format_map(new_rows())
    if result.updated_records:
        yield STATEMENTS["revised_of_delta"].format(revised_rows=fill("revised_rows"))
    if result.withdrawn_records:
        yield STATEMENTS["withdrawn_of_delta"]
