"""SQL: a reader's own statement to the published database,
answered by a process of its own (sql_process).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import (
    QueryFailed,
    ScratchFull,
    SqlEnded,
    SqlInvalid,
    SqlTooLarge,
    SqlTooSlow,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.store.own_directory import OwnDirectory

SECONDS = 12  # the query function has 22, and may have to fetch the database first
MOST_BYTES = 2_000_000  # of an answer; the whole may have 6 MB, as JSON within JSON
LONGEST_ERROR = 20_000  # bytes of JSON
# A statement gets a quarter of what the function's own questions get, which keep theirs.
SHARE_OF_MEMORY = 4
LEAST_MEMORY_MB = 75
# Which DuckDB adds to the name of a file that it has open.
BESIDE = (".wal", ".wal.recovery", ".wal.checkpoint")
# Of the environment; the rest holds credentials and settings.
KEPT = ("LANG", "LD_LIBRARY_PATH", "PATH", "TZ")


@dataclass(frozen=True, kw_only=True)
class SqlLimits:
    memory_mb: int
    seconds: int = SECONDS
    most_bytes: int = MOST_BYTES

    @classmethod
    def beside(cls, memory_mb: int) -> SqlLimits:
        """Where the function's own questions may take so much."""
        share = memory_mb // SHARE_OF_MEMORY
        return cls(memory_mb=max(LEAST_MEMORY_MB, share))


def ask_sql(
    path: Path, statement: str, *, rows: int, own: OwnDirectory, limits: SqlLimits
) -> dict[str, Any]:
    """`columns` with their names and types, `rows` as lists, and by what they are `cut`: "rows",
    "bytes" or None. `own` is for what does not fit into memory. Raises SqlInvalid, SqlTooSlow,
    SqlTooLarge, SqlEnded, ScratchFull, and QueryFailed where the file could not be read.
    """
    with _link(path, own.path) as database:
        return _ask(
            database,
            statement,
            rows=rows,
            directory=own.path,
            limits=limits,
        )


@contextmanager
def _link(path: Path, directory: Path) -> Iterator[Path]:
    """A name of its own for the file, since DuckDB lets a statement reach the files beside the one
    that it has open, such as its log: nobody else shall ever find such a one. Another disk takes no
    link, nor one that is not ours: there what was not beside the file before goes.
    """
    link = directory / "database" / path.name
    link.parent.mkdir(exist_ok=True)
    try:
        os.link(path, link)
    except OSError:
        before = _beside(path)
        try:
            yield path
        finally:
            for left in _beside(path) - before:
                left.unlink(missing_ok=True)
        return
    try:
        yield link
    finally:
        shutil.rmtree(link.parent, ignore_errors=True)


def _beside(path: Path) -> set[Path]:
    places = [path.with_name(f"{path.name}{end}") for end in BESIDE]
    return {place for place in places if place.exists()}


def _ask(
    path: Path, statement: str, *, rows: int, directory: Path, limits: SqlLimits
) -> dict[str, Any]:
    asked = {
        "path": str(path),
        "statement": statement,
        "directory": str(directory),
        "memory_mb": limits.memory_mb,
        "seconds": limits.seconds,
        "rows": rows,
        "bytes": limits.most_bytes,
    }
    told = _ask_process(json.dumps(asked).encode(), directory, limits)
    # Which whoever lent it proves to be damaged, or opens anew.
    error = told.get("error")
    if error == "file":
        raise QueryFailed from duckdb.IOException("the database could not be read")
    if error:
        raise _error(str(error), str(told["says"]))
    return told


def _ask_process(asked: bytes, directory: Path, limits: SqlLimits) -> dict[str, Any]:
    """It is in the process group of its parent,
    so it ends with that when the function is killed.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with tempfile.TemporaryFile(dir=directory) as out:
        code = _run(asked, kept, out, limits.seconds)
        out.seek(0)
        # Twice: what the process counts of a row such as [1] is without the ", " behind it.
        told = out.read(2 * limits.most_bytes + LONGEST_ERROR)
    if code:
        raise SqlEnded(how=_how(code))
    try:
        found: dict[str, Any] = json.loads(told)  # what was longer is no JSON here
    except ValueError:
        raise QueryFailed from None
    return found


def _run(asked: bytes, kept: dict[str, str], out: IO[bytes], seconds: int) -> int:
    try:
        return subprocess.run(  # noqa: S603  nothing of it is interpreted by a shell
            [sys.executable, "-m", f"{__package__}.sql_process"],
            input=asked,
            env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=out,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        raise SqlTooSlow(seconds=seconds) from None


def _how(code: int) -> str:
    try:
        return signal.Signals(-code).name  # subprocess has a signal as a negative number
    except ValueError:
        return f"exit {code}"


def _error(error: str, says: str) -> Exception:
    if error == "memory":
        return SqlTooLarge()
    if error == "disk":
        return ScratchFull.of_question("The statement")
    return SqlInvalid(f"DuckDB says: {says}" if says else None, field="statement")
