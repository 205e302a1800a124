"""Questions in SQL to one downloaded file, read-only, by DuckDB in this process.

A statement may come from anywhere, so it reaches that file and nothing else: it reads no other
file, writes none, and calls nobody. What is answered goes to the terminal or into a pipe.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import sys
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from clients.api.errors import ClientError
from clients.cli.own_directory import own_directory
from clients.cli.terminal import Column, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    Config = dict[str, str | bool | int | float | list[str]]

PROMPT, MORE = "wellhead> ", "     ...> "
ROWS_SHOWN = 200
# What a machine may need; the configuration stays unlocked for it, and no other statement gets that
# far.
OWN_SETTING = re.compile(
    r"\s*SET\s+(memory_limit|threads)\s*=\s*('[\w. ]*'|\d+)\s*;?\s*", re.ASCII | re.IGNORECASE
)
ROWS_OF_PARQUET = "well_production"


class SqlError(ClientError):
    """The question could not be answered."""

    default_code = "SQL_ERROR"


def run_sql(terminal: Terminal, path: Path, query: str | None) -> None:
    """Raises SqlError."""
    with open_database(path) as database:
        if query is None and sys.stdin.isatty():
            _converse(terminal, database)
        else:
            _answer(terminal, database, sys.stdin.read() if query is None else query)


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database, or a Parquet file as `wellhead download --parquet` brings it. Raises SqlError."""
    try:
        import duckdb
    except ImportError:
        raise SqlError(
            "This needs DuckDB for Python: pip install duckdb, or pip install '.[sql]' in the checkout.",
            code="DUCKDB_MISSING",
        ) from None
    if not path.is_file():
        raise SqlError(
            f"There is no database {path}. Get it: wellhead download", code="DATABASE_MISSING"
        )
    with own_directory() as own:
        connect = _parquet if path.suffix == ".parquet" else _database
        try:
            database = connect(path, {"temp_directory": str(own / "spill")})
            database.execute("SET TimeZone = 'UTC'; SET enable_external_access = false")
        except duckdb.Error as exc:
            raise SqlError(f"{path} cannot be opened: {_first_line(exc)}") from exc
        with database:
            yield database


def _database(path: Path, config: Config) -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(path, read_only=True, config=config)


def _parquet(path: Path, config: Config) -> duckdb.DuckDBPyConnection:
    """The rows of production alone, under the name that they have in a database."""
    import duckdb

    database = duckdb.connect(config=config)
    file = str(path.resolve()).replace("'", "''")
    database.execute(f"SET allowed_paths = ['{file}']")
    database.execute(f"CREATE VIEW {ROWS_OF_PARQUET} AS FROM read_parquet('{file}')")
    return database


def _converse(terminal: Terminal, database: duckdb.DuckDBPyConnection) -> None:
    """Statement by statement, each up to its semicolon, until the end of the input."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  gives `input` a history and editing
    terminal.note("Read-only. A statement ends with ; and Ctrl-D leaves.")
    text = ""
    while True:
        try:
            text += input(MORE if text.strip() else PROMPT) + "\n"
        except EOFError:
            terminal.note("")
            return
        if text.rstrip().endswith(";"):
            try:
                _answer(terminal, database, text)
            except SqlError as error:
                terminal.error(error)
            text = ""


def _answer(terminal: Terminal, database: duckdb.DuckDBPyConnection, query: str) -> None:
    """Statement by statement: where one fails, those before it have had their answers.
    Raises SqlError.
    """
    import duckdb

    from clients.cli.reading import is_reading

    try:
        for part in _statements(query):
            if not database.extract_statements(part):
                continue
            if OWN_SETTING.fullmatch(part):
                database.execute(part)
                continue
            # DuckDB would let it write the file that it has open.
            if not is_reading(database, part):
                raise SqlError(
                    "This is read-only, and what was asked is not one statement that reads."
                )
            _show(terminal, database.execute(part))
    except duckdb.Error as exc:
        raise SqlError(_first_line(exc)) from exc


def _statements(query: str) -> Iterator[str]:
    """Each up to its semicolon.
    DuckDB would read all of them first, and answer none where one makes no sense.
    """
    import duckdb

    text = query.encode()  # where a token begins is told in bytes
    ends = [place + 1 for place, _ in duckdb.tokenize(query) if text[place : place + 1] == b";"]
    for begin, end in itertools.pairwise([0, *ends, len(text)]):
        yield text[begin:end].decode()


def _show(terminal: Terminal, answer: duckdb.DuckDBPyConnection) -> None:
    names = [column[0] for column in answer.description or []]
    if terminal.wants_json:
        keys = _told_apart(names)
        rows = [map(_for_json, row) for row in answer.fetchall()]
        terminal.json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    columns = [Column(name, itemgetter(place)) for place, name in enumerate(names)]
    if not terminal.out.is_terminal:
        terminal.rows(columns, _each(answer))
        return
    terminal.rows(columns, answer.fetchmany(ROWS_SHOWN))
    if answer.fetchone():
        terminal.note(f"There are more than {ROWS_SHOWN} rows. A pipe or --json gets all of them.")


def _told_apart(names: Sequence[str]) -> list[str]:
    """An object of JSON has each key once: of a, a and b, a, a_2 and b."""
    keys: list[str] = []
    for name in names:
        key, number = name, 1
        while key in keys or (key != name and key in names):
            number += 1
            key = f"{name}_{number}"
        keys.append(key)
    return keys


def _for_json(value: Any) -> Any:
    """JSON has no number for `nan` and `inf`, which become these words."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_for_json(each) for each in value]
    if isinstance(value, dict):
        return {name: _for_json(each) for name, each in value.items()}
    return value


def _each(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(10_000):
        yield from rows


def _first_line(exc: Exception) -> str:
    """Of what DuckDB says; the lines below draw where in the statement it is."""
    first, _, _ = str(exc).partition("\n")
    return first
