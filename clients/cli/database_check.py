"""A look at everything in a published database:
every value, every key, and whether its tables agree.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.local_sql import SqlError, open_database
from clients.cli.statements import named_statements

if TYPE_CHECKING:
    import duckdb

VERSION = 3  # of the database that these checks know
CHECKS = {
    "repeated_keys": "no well has a period twice",
    "rows_without_key": "every row has its source, field, well and period",
    "rows_not_of_runs": "rows and history are as many as the imports tell",
    "history_of_no_run": "each row of the history tells an import that is there",
    "updated_without_history": "each row that was changed has its old values in the history",
    "rejected_beyond_runs": "no import has more rejected rows than it counted",
    "runs_twice": "no import and no fence is there twice",
    "odd_periods": "each period begins on its first day and has its days",
    "sources_of_two_lengths": "each source has one length of period",
    "odd_values": "rates are finite, and no row was changed before it came",
}
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Check:
    """`wrong` counts what is not as it should be; None where a damaged part of the file hid it."""

    name: str
    rule: str
    wrong: int | None

    @property
    def is_right(self) -> bool:
        return self.wrong == 0


@dataclass(frozen=True)
class Report:
    """`contents` has of each table the rows and a checksum, the same for the same rows in another
    order, by the same version of DuckDB; None of a table that cannot be read.
    """

    sha256: str
    contents: dict[str, tuple[int, str] | None]
    checks: list[Check]

    @property
    def is_right(self) -> bool:
        return all(check.is_right for check in self.checks)


def check_database(path: Path, *, sha256: str | None = None) -> Report:
    """All of the file. `sha256` is what it should have.
    Raises SqlError when it cannot be opened, or is of another version.
    """
    with open_database(path) as database:
        found = hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
        _refuse_other_version(database)
        contents = {
            table: _contents(database, table)
            for (table,) in database.execute(_SQL["tables"]).fetchall()
        }
        damaged = sum(told is None for told in contents.values())
        checks = [Check("damaged_tables", "every value of every table can be read", damaged)]
        if sha256:
            checks.insert(
                0,
                Check(
                    "other_file",
                    "the file has the SHA-256 it should have",
                    int(found != sha256.lower()),
                ),
            )
        checks += [Check(name, rule, _count(database, name)) for name, rule in CHECKS.items()]
    return Report(found, contents, checks)


def _refuse_other_version(database: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    try:
        ((version,),) = database.execute(_SQL["version"]).fetchall()
    except (duckdb.Error, ValueError) as exc:
        raise SqlError(
            "The file is no database of Wellhead: it says no version.", code="DATABASE_FOREIGN"
        ) from exc
    if version != VERSION:
        raise SqlError(
            f"The database has version {version}, and these checks are for version {VERSION}. The next import upgrades "
            "an older one; for a newer one install its Wellhead.",
            code="DATABASE_VERSION",
        )


def _contents(database: duckdb.DuckDBPyConnection, table: str) -> tuple[int, str] | None:
    found = _rows(database, _SQL["read_table"].format(table=table))
    if found:
        return (found[0][0], f"{int(found[0][1]):032x}")
    return None


def _count(database: duckdb.DuckDBPyConnection, name: str) -> int | None:
    found = _rows(database, _SQL[name])
    if found:
        return int(found[0][0])
    return None


def _rows(database: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[Any, ...]]:
    """None of them when a part that is needed cannot be read.
    Raises SqlError when memory or disk is short.
    """
    import duckdb

    try:
        return database.execute(statement).fetchall()
    except duckdb.OutOfMemoryException as exc:
        raise SqlError(
            "There is too little memory or disk for this check. TMPDIR names another place."
        ) from exc
    except duckdb.Error:
        return []
