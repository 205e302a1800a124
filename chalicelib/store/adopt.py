"""Adopting: the rows of an earlier source become those of the one that takes its place,
at its first full import.

A source has no way to another name but this one. Its codes are matched one to one as numbers, as
those of an older database are (codes.py); what the import does not deliver of the adopted wells is
counted, for it may be the same wells under codes that nobody can match.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import FullImportFirst

from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    import duckdb

    from .period import RowSource

MOST_EXAMPLES = 3
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """So many `wells` were adopted, and `unmatched` of all that are stored were not delivered."""

    source: str
    wells: int
    unmatched: int
    examples: list[dict[str, Any]] = field(default_factory=list)


def adopt(
    connection: duckdb.DuckDBPyConnection,
    source: RowSource,
    *,
    is_full: bool,
    now: float,
    job_id: str,
) -> bool:
    """Rename the rows, and those of the history; whether there were any. All rows of the import are
    staged, and the store is attached as `wells`. Raises FullImportFirst, ScratchFull, OutOfMemory.
    """
    if not source.adopts:
        return False
    both = {"source": source.name, "adopted": source.adopts}
    with exhaustion_errors():
        of_adopted = {"adopted": source.adopts}
        ((is_waiting,),) = connection.execute(_SQL["is_waiting"], of_adopted).fetchall()
        if not is_waiting:
            return False
        if not is_full:
            raise FullImportFirst(
                f"The source {source.name} takes over the rows of {source.adopts}, and only an "
                "import of everything can match the two, so nothing was published. Start one: a "
                "trigger with full=true and no limits."
            )
        connection.execute(_SQL["note_adopted"], of_adopted)
        connection.execute("BEGIN")
        connection.execute(_SQL["keep_as_history"], {**both, "now": now, "job_id": job_id})
        for name in ("delete_kept", "rename_rows", "rename_history", "end_waiting"):
            connection.execute(_SQL[name], both)
        connection.execute(_SQL["wait_for_codes"], {"source": source.name})
        connection.execute("COMMIT")
    return True


def adoption_of(connection: duckdb.DuckDBPyConnection, source: RowSource) -> Adoption:
    """Of rows that were just adopted, after their codes were matched.
    Raises ScratchFull, OutOfMemory.
    """
    values = {"source": source.name, "most": MOST_EXAMPLES}
    with exhaustion_errors():
        ((wells, unmatched, examples),) = connection.execute(_SQL["unmatched"], values).fetchall()
    return Adoption(
        source=source.adopts,
        wells=wells,
        unmatched=unmatched,
        examples=examples or [],
    )
