"""Extensions: those of DuckDB that a lake needs. They are files on this machine; nothing
is fetched while it runs.

Whenever a connection loads the three, DuckDB reads all of their 84 MB for the signatures: half a
second. Once a process is enough, as long as the files stay the same.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from chalicelib.errors import LakeUnprepared

if TYPE_CHECKING:
    from chalicelib.store.local_duckdb import Config

EXTENSIONS = ("avro", "httpfs", "iceberg")  # in the order in which one needs the other
UNSIGNED = "allow_unsigned_extensions"

# The files whose signature this process has seen, as _state tells them.
_checked_files: set[tuple[str, int, int, int]] = set()


def lake_config() -> Config:
    """What a connection is opened with that attaches the lake: it need not look at signatures
    again. Only load_extensions loads anything with that, and puts an end to it.
    """
    try:
        paths = _extensions()
    except LakeUnprepared:
        return {}
    return {UNSIGNED: True} if _are_signed(paths) else {}


def load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    """Raises LakeUnprepared,
    and what DuckDB raises for a file that is no extension of its makers.
    """
    ((trusts,),) = connection.execute(f"SELECT current_setting('{UNSIGNED}')").fetchall()
    try:
        paths = _extensions()
        if trusts and not _are_signed(paths):
            raise LakeUnprepared("DuckDB's extensions were just exchanged. Start the import again.")
        states = [_state(path) for path in paths]  # as they were before DuckDB read them
        for path in paths:
            connection.execute(f"LOAD '{path}'")
    finally:
        connection.execute(f"SET {UNSIGNED} = false")  # DuckDB refuses to set it back
    _checked_files.update(states)


def _are_signed(paths: list[Path]) -> bool:
    return all(_state(path) in _checked_files for path in paths)


def _state(path: Path) -> tuple[str, int, int, int]:
    """Another one when the file is written once more."""
    stat = path.stat()
    return str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns


def _extensions() -> list[Path]:
    return [_extension(name) for name in EXTENSIONS]


def _extension(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    directories = package.submodule_search_locations if package else None
    for directory in directories or ():
        path = Path(directory, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        if path.exists():
            return path
    raise LakeUnprepared(
        f"DuckDB's extension {name} for {duckdb.__version__} is not installed, and a lake needs "
        "it. Give the function the layer of requirements-lake.txt."
    )
