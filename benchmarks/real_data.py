"""What an import of real files costs, through the presets of the agencies that publish them.

The files are no part of the project: they lie in ../shared/data, next to the checkout, or the table
is left out. They are small, so an import of one is mostly its start.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure
from benchmarks.import_speed import best, own_environment, run_import, store, work_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = "http://127.0.0.1:9/none"  # the source of the settings, which is not asked
DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True, kw_only=True)
class RealFile:
    """`stored` rows of it are stored, and none is rejected. Without a preset its fields are named
    as our columns are.
    """

    name: str
    title: str
    preset: str = ""
    stored: int
    is_read_by_duckdb: bool = True

    @property
    def path(self) -> Path:
        return DATA / self.name

    @property
    def definition(self) -> dict[str, Any]:
        """As the source that is called as its preset."""
        values = {"name": self.preset or "default", "kind": "files", "url": str(self.path)}
        return values | ({"preset": self.preset} if self.preset else {})


FILES = (
    RealFile(
        name="bsee_2024_published_2025-02.ndjson.gz",
        title="US outer continental shelf, our own columns (JSON lines, gzip)",
        stored=2_846,
    ),
    RealFile(
        name="bsee_ogora_2024_part.zip",
        title="US outer continental shelf, OGOR-A (text in a zip, several rows a well)",
        preset="bsee-ogor-a",
        stored=5_623,
        is_read_by_duckdb=False,
    ),
    RealFile(
        name="co_ecmc_adams_part.csv",
        title="Colorado (CSV)",
        preset="ecmc",
        stored=593,
    ),
    RealFile(
        name="oh_dnr_2020_q1.xls",
        title="Ohio (Excel of 1997)",
        preset="oh-dnr",
        stored=10_619,
        is_read_by_duckdb=False,
    ),
    RealFile(
        name="ab_petrinex_2021-2024_part.parquet",
        title="Alberta (Parquet, a row a product)",
        preset="petrinex",
        stored=9_230,
    ),
    RealFile(
        name="no_sodir_field_months_part.csv",
        title="Norway (CSV, fields without wells)",
        preset="sodir",
        stored=3_000,
    ),
)


def real_data(
    *, turns: int, limit: float, files: Sequence[RealFile] = FILES
) -> dict[str, dict[str, Any]]:
    """The figures of an import into an empty store, by file; of those that are there. `floor` are
    the CPU seconds of DuckDB's own read of the file into a table, where it reads such files.
    """
    return {
        file.name: _import(file, turns, limit) | {"floor": _floor(file, turns, limit)}
        for file in files
        if file.path.is_file()
    }


def _import(file: RealFile, turns: int, limit: float) -> dict[str, Any]:
    measured = []
    for _ in range(turns):
        with store() as (environment, work):
            one = run_import(
                NOBODY, environment, work, truth=None, limit=limit, definition=file.definition
            )
        measured.append(one | {"failure": one["failure"] or _difference(file, one)})
    return best(measured)


def _difference(file: RealFile, one: dict[str, Any]) -> str | None:
    found = (one["new_records"], one["failed_records"])
    if found == (file.stored, 0):
        return None
    return f"{found[0]:,} rows stored and {found[1]:,} rejected, not {file.stored:,} and none"


def _floor(file: RealFile, turns: int, limit: float) -> float | None:
    if not file.is_read_by_duckdb:
        return None
    measured = []
    for _ in range(turns):
        with work_directory() as work:
            command = [
                sys.executable,
                "-m",
                "benchmarks.own",
                "read",
                str(file.path),
                "-",
                str(work),
            ]
            measured.append(
                measure.run(command, environment=own_environment(), work=work, limit=limit)
            )
    cheapest = best(measured)
    return None if cheapest["failure"] else cheapest["cpu"]
