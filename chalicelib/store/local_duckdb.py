"""DuckDB on a function's own disk:
its settings, and its words for a full disk, too little memory and a file that is no database.
"""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import duckdb

from chalicelib.errors import (
    OutOfMemory,
    ScratchFull,
    WarehouseCorrupt,
    WarehouseTooNew,
    WarehouseUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATER_FORMAT = "database file with version number"
ANOTHER_FORMAT = "not a valid DuckDB database file"
DAMAGED_BLOCK = "does not match stored checksum"
SPILL_FILE = "duckdb_temp"
# What DuckDB raises of a file in which something is not as it was written.
OF_THE_FILE = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)
FULL = ("No space left", "Disk quota exceeded", "File too large", "max_temp_directory_size")
NOT_WRITTEN = re.compile(r"Could not (write|truncate|f?sync|allocate space for) ")
STOP_SECONDS = 0.05
Config = dict[str, str | bool | int | float | list[str]]  # as duckdb.connect takes it
MEMORY_USED = re.compile(r"\([\d.]+ \w+/[\d.]+ \w+ used\)")

# DuckDB looks for pandas at each value that it binds. Where there is none, to search the path again
# takes longer than most of our statements; Python gives up at once where it finds None.
if "pandas" not in sys.modules and find_spec("pandas") is None:
    sys.modules["pandas"] = None  # type: ignore[assignment]


def local_config(directory: Path, memory_mb: int) -> Config:
    """All that DuckDB writes by itself goes into `directory`; it loads nothing from elsewhere."""
    return {
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(directory / "spill"),
        "home_directory": str(directory),
        "extension_directory": str(directory / "extensions"),
        "autoinstall_known_extensions": False,
        # A checkpoint at each commit would write the row groups again and again.
        "checkpoint_threshold": "1TB",
    }


def lock_down(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """From here on a statement reaches the databases that are attached and the files in
    `directory`, and nothing else: no other file, no network, no extension, no setting. Nothing
    takes that back, and a cursor inherits it.
    """
    connection.execute(f"SET allowed_directories = ['{sql_path(directory)}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, *, seconds: float) -> Iterator[None]:
    """What nobody waits for any more comes to an end, by a duckdb.InterruptException;
    the process goes on.
    """
    done = threading.Event()

    def stop() -> None:
        """Again and again: between two statements nothing would hear of it."""
        pause = max(0.0, seconds)
        while not done.wait(pause):
            pause = STOP_SECONDS
            with suppress(duckdb.Error):  # it has just ended by itself
                connection.interrupt()

    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    try:
        yield
    finally:
        done.set()
        stopper.join()


def sql_path(path: Path) -> str:
    """For a text in single quotes: /tmp/well's.parquet is /tmp/well''s.parquet there."""
    return str(path).replace("'", "''")


def quoted_name(name: str) -> str:
    """As a name of SQL: 8" oil is "8"" oil" there."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def plain_text(text: str) -> str:
    """As a text of SQL where no expression is taken, and so without a zero byte: in ATTACH, and in
    the options of read_csv.
    """
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def quoted_text(text: str) -> str:
    """As a text of SQL, with its quotes. A zero byte would end the statement."""
    pieces = [piece.replace("'", "''") for piece in text.split("\0")]
    literals = [f"'{piece}'" for piece in pieces]
    return "(" + " || chr(0) || ".join(literals) + ")"


def is_full(exc: duckdb.Error) -> bool:
    message = str(exc)
    return any(words in message for words in FULL)


def is_of_the_disk(exc: duckdb.Error) -> bool:
    """Whether a file failed, and not what is in it.
    A commit that cannot be written is no IOException.
    """
    if isinstance(exc, duckdb.IOException):
        return True
    return NOT_WRITTEN.search(str(exc)) is not None


def raise_if_full(exc: duckdb.Error) -> None:
    if is_full(exc):
        raise ScratchFull from exc


@contextmanager
def exhaustion_errors() -> Iterator[None]:
    """Raises ScratchFull, OutOfMemory; what else DuckDB raises goes on."""
    try:
        yield
    except duckdb.Error as exc:
        raise_if_full(exc)  # first, because DuckDB is out of memory, too, when it may not spill
        raise_if_out_of_memory(exc)
        raise


def raise_if_out_of_memory(exc: duckdb.Error) -> None:
    """A commit that lacks memory is no OutOfMemoryException,
    but it too tells how much is used of how much.
    """
    is_failed_commit = isinstance(exc, duckdb.TransactionException) and MEMORY_USED.search(str(exc))
    if is_failed_commit or isinstance(exc, duckdb.OutOfMemoryException):
        raise OutOfMemory from exc


def raise_if_unreadable(exc: duckdb.Error) -> None:
    """A file of a later DuckDB, of another program,
    a damaged one, or one that this function may not open.
    """
    raise_if_forbidden(exc)
    if LATER_FORMAT in str(exc):
        raise WarehouseTooNew from exc
    is_of_ours = SPILL_FILE in str(exc) or NOT_WRITTEN.search(str(exc))
    if isinstance(exc, duckdb.IOException) and not is_of_ours:
        raise WarehouseCorrupt from exc


def raise_if_corrupt(exc: duckdb.Error) -> None:
    """DuckDB has read a block whose checksum is another one.
    Its words alone tell: 2.0 has no class for it.
    """
    if DAMAGED_BLOCK in str(exc):
        raise WarehouseCorrupt from exc


def raise_if_forbidden(exc: duckdb.Error) -> None:
    if "Permission denied" in str(exc) and SPILL_FILE not in str(exc):
        raise WarehouseUnavailable(
            "This function may not open the published database. Give it the right to read and "
            "write the warehouse directory and the files in it."
        ) from exc
