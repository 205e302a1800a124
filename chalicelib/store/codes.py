"""Codes that were numbers in an older file become the texts that the source writes,
when it delivers them all.

`7` and `007` are two codes now, and were one number then. So the first full import after the
upgrade renames what is stored, one to one. What cannot be told apart is refused: a well that is
stored twice, or rows of two wells in one, would be wrong in every sum.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import CodesAmbiguous, FullImportFirst

from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    import duckdb

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
TABLES = ("well_production", "well_production_history")


def match_codes(connection: duckdb.DuckDBPyConnection, *, source: str, is_full: bool) -> bool:
    """Rename the stored codes of the source that staged ones are equal to as numbers; whether there
    were any. All rows of the import are staged, and the store is attached as `wells`. Raises
    CodesAmbiguous, FullImportFirst, ScratchFull, OutOfMemory.
    """
    with exhaustion_errors():
        ((is_waiting,),) = connection.execute(_SQL["is_waiting"], {"source": source}).fetchall()
        if not is_waiting:
            return False
        connection.execute(_SQL["match_codes"], {"source": source})
        if not is_full:
            _refuse_new_codes(connection)
            return False
        _refuse_several(connection)
        is_renamed = bool(connection.execute(_SQL["renamed"]).fetchall())
        _rename(connection, source)
        return is_renamed


def _rename(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """All or nothing.
    What is taken out waits in the scratch database: one transaction writes to one database.
    """
    for table in TABLES:
        connection.execute(_SQL["take_out"].format(table=table), {"source": source})
    connection.execute("BEGIN")
    for table in TABLES:
        connection.execute(_SQL["delete_taken"].format(table=table), {"source": source})
        connection.execute(_SQL["put_back"].format(table=table))
    connection.execute(_SQL["end_waiting"], {"source": source})
    connection.execute("COMMIT")
    for table in TABLES:
        connection.execute(_SQL["drop_taken"].format(table=table))


def _refuse_several(connection: duckdb.DuckDBPyConnection) -> None:
    for field, well, delivered in connection.execute(_SQL["several"]).fetchall():
        codes = " and ".join(delivered[:3])
        raise CodesAmbiguous(
            f"The source delivers well {codes}, and the published database, which was made when "
            f"codes were numbers, holds them as one, {well} in field {field}. Whose rows these are "
            "nobody can tell, so nothing was published. Import into a new warehouse; "
            "docs/operations.md says how."
        )


def _refuse_new_codes(connection: duckdb.DuckDBPyConnection) -> None:
    renamed = connection.execute(_SQL["renamed"]).fetchall()
    for old_field, old_well, new_field, new_well in renamed:
        raise FullImportFirst(
            f"The published database holds well {old_well} in field {old_field} by the numbers of "
            f"an earlier version, and the source writes {new_well} in {new_field}. Only an import "
            "of everything can match the two, so nothing was published. Start one: a trigger with "
            "full=true and no limits."
        )
