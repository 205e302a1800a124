"""The process that answers one statement of a reader, on one database that is opened read-only, and
prints it as JSON.

A process of its own, because a statement may be anything: it may take all memory, never end, or
make DuckDB abort. It has no credentials and no environment, reaches no file but the database, and
nobody else's.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.store.local_duckdb import DAMAGED_BLOCK, OF_THE_FILE, is_full, local_config

from .reading import is_reading

if TYPE_CHECKING:
    from collections.abc import Iterator

# What JSON has a form for; all else becomes text by DuckDB itself, in UTC and exactly.
WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
PLAIN = {*WHOLE, "BOOLEAN", "DOUBLE", "VARCHAR"}
EXACT = 2**53  # beyond it a number of JSON is rounded by many who read it
MB = 1 << 20
OWN_MB = 300  # Python, DuckDB and the stacks of threads, beside what DuckDB may take for the data
AT_ONCE = 100  # rows
SPILL_MB = 1024
TYPE_SIGNS = 200  # of a type, which may name all fields of a struct


def main() -> None:
    request = json.load(sys.stdin)
    most_bytes = (request["memory_mb"] + OWN_MB) * MB
    resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # When nobody waits any more: two threads take two seconds of CPU in one.
    seconds = request["seconds"] * 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    json.dump(answer(request), sys.stdout)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """An object with `columns`, `rows` and why they are `cut`,
    or with the `error` that there was.
    """
    path = Path(request["path"])
    directory = Path(request["directory"])
    try:
        connection = _open_copy(path, directory, request["memory_mb"])
    except duckdb.Error as exc:
        return {"error": "disk" if is_full(exc) else "file", "says": ""}

    try:
        with connection:
            return _answer(
                connection,
                request["statement"],
                most_rows=request["rows"],
                most_bytes=request["bytes"],
            )
    except (duckdb.OutOfMemoryException, MemoryError) as exc:
        is_of_the_disk = isinstance(exc, duckdb.Error) and is_full(exc)
        return {"error": "disk" if is_of_the_disk else "memory", "says": ""}
    except duckdb.Error as exc:
        # An error of another class may hold any words that a reader chose.
        if isinstance(exc, OF_THE_FILE) and DAMAGED_BLOCK in str(exc):
            return {"error": "file", "says": ""}
        error = "disk" if is_full(exc) else "statement"
        return {"error": error, "says": _short(exc, path, directory)}


def _open_copy(path: Path, directory: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """As `wellhead sql` opens a file that was downloaded, so a question means the same there."""
    config = local_config(directory, memory_mb) | {
        "max_temp_directory_size": f"{SPILL_MB}MB",
        "python_enable_replacements": False,
        "threads": 2,
    }
    connection = duckdb.connect(path, read_only=True, config=config)
    connection.execute(
        "SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true"
    )
    return connection


def _answer(
    connection: duckdb.DuckDBPyConnection, text: str, *, most_rows: int, most_bytes: int
) -> dict[str, Any]:
    if not is_reading(connection, text):
        return {"error": "kind", "says": ""}

    relation = connection.sql(text)
    types = [str(column_type) for column_type in relation.types]
    columns = [
        {"name": name, "type": column_type[:TYPE_SIGNS]}
        for name, column_type in zip(relation.columns, types, strict=True)
    ]
    size = len(json.dumps(columns))
    if size > most_bytes:
        return {
            "error": "statement",
            "says": "The names of the columns by themselves are more than an answer may have.",
        }

    values = ", ".join(
        _as_text(place, column_type) for place, column_type in enumerate(types, start=1)
    )
    # One row more than may be told shows that there are more.
    one_too_many = relation.project(values).limit(most_rows + 1)
    rows: list[list[Any]] = []
    cut = None
    for row in _each(one_too_many):
        size += len(json.dumps(row))
        if size > most_bytes:
            cut = "bytes"
        elif len(rows) == most_rows:
            cut = "rows"
        if cut:
            break
        rows.append(row)

    return {"columns": columns, "rows": rows, "cut": cut}


def _as_text(place: int, kind: str) -> str:
    """By its place, since two columns may have one name."""
    value = f"#{place}" if kind in PLAIN else f"CAST(#{place} AS VARCHAR)"
    return f"{value} AS c{place}"


def _each(relation: duckdb.DuckDBPyRelation) -> Iterator[list[Any]]:
    while rows := relation.fetchmany(AT_ONCE):
        for row in rows:
            yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_rounded = is_whole and abs(value) > EXACT
    is_no_number = isinstance(value, float) and not math.isfinite(value)
    if is_rounded or is_no_number:
        return str(value)
    return value


def _short(exc: Exception, path: Path, directory: Path) -> str:
    """The lines below the first one show where in the statement it is.
    Where the files lie is nobody's business.
    """
    words = str(exc).strip()
    for place in (path.parent, directory):
        names = {str(place.resolve()), str(place)}
        for name in names:
            words = words.replace(f"{name}/", "")
            words = words.replace(name, "")
    return words[:2000]


if __name__ == "__main__":
    main()
