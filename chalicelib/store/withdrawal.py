"""Withdrawal: stored rows that an import of everything did not bring, where the definition of the
source says that these are withdrawn.

A row is missing when it is one of the source's, of a period of which some row came, and no row of
the import has its key. A rejected row is not missing, only wrong: it spares the row of its key, and
where a part of the key cannot be read, all rows that agree in the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import MOST_EXAMPLES

from .columns import KEY
from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """`rows` are withdrawn of the `covered` ones,
    those stored of the periods that the import brought.
    """

    rows: int = 0
    covered: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


def prepare_withdrawal(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables, with no row to withdraw, and the periods that the import covers.
    Raises ScratchFull, OutOfMemory.
    """
    for name in ("withdraw_none", "covered_periods"):
        _run(connection, name)


def find_withdrawn_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    source: str,
    parts: Iterable[Mapping[str, str]],
    whole: str,
) -> Withdrawal:
    """Into `withdrawn`, of the stored rows that are attached. `parts` are the lists of the
    statements, one a part of the keys; `whole` is what stands after FROM for all stored rows.
    Raises ScratchFull, OutOfMemory.
    """
    for lists in parts:
        _run(connection, "find_missing", source_name=source, key=", ".join(KEY), **lists)
    _spare_rejected_keys(connection)
    ((rows,),) = _run(connection, "count_withdrawn")
    if not rows:
        return Withdrawal()
    ((covered,),) = _run(connection, "count_covered", source_name=source, whole=whole)
    keys = _run(connection, "examples", most=str(MOST_EXAMPLES))
    examples = [dict(zip(KEY, key, strict=True)) for key in keys]
    return Withdrawal(rows=rows, covered=covered, examples=examples)


def _spare_rejected_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """One join for each choice of the columns that could be read, so that each joins by equality.

    A rejected row of field F1 and well W7 whose period cannot be read spares all periods of that
    well: its choice is (field, well), and what it does not read must be null.
    """
    _run(connection, "rejected_keys", key=", ".join(KEY))
    for choice in product((True, False), repeat=len(KEY)):
        legible = [name for name, is_legible in zip(KEY, choice, strict=True) if is_legible]
        illegible = [name for name in KEY if name not in legible]
        are_equal = [f"withdrawn.{name} = rejected_keys.{name}" for name in legible]
        are_null = [f"rejected_keys.{name} IS NULL" for name in illegible]
        _run(
            connection,
            "spare_rejected",
            are_equal=" AND ".join(are_equal) or "TRUE",
            is_unread=" AND ".join(are_null) or "TRUE",
        )


def _run(connection: duckdb.DuckDBPyConnection, name: str, **lists: str) -> list[tuple[Any, ...]]:
    text = _SQL[name].format_map(lists)
    values = {key: value for key, value in lists.items() if f"${key}" in text}
    with exhaustion_errors():
        return connection.execute(text, values or None).fetchall()
