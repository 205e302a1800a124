"""What it costs to merge rows that are staged into a store of many million, apart from any source.

`python -m benchmarks.merging --stores 1e7,5e7`: stores and segments are made once, by SQL in the product's own schema,
and kept in the cache. Each merge is a process of its own, benchmarks/merged.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import environments, measure
from chalicelib.store.batch import Run
from chalicelib.store.period import RowSource
from chalicelib.store.places import Places
from chalicelib.store.repository import STORAGE_VERSION
from chalicelib.store.schema import prepare_store
from chalicelib.store.statements import named_statements
from chalicelib.store.well_production import filled

MONTHS = 250  # stored of each well
SEGMENT_ROWS = 200_000
STEP = 5_000_000
REMARK = "concat_ws('', md5(concat(n1, 'a', revision)), md5(concat(n1, 'b')), md5(concat(n1, 'c')), md5(concat(n1, 'd')))"
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Delta:
    """`rows` staged rows: `new` of a hundred are of new months, and every `revised`th of the others has other values (0:
    none). `is_shuffled`: in no order. `is_wide`: with a remark of 128 characters each.
    """

    rows: int = 1_000_000
    new: int = 50
    revised: int = 10
    is_shuffled: bool = False
    is_wide: bool = False

    @property
    def name(self) -> str:
        order = "-shuffled" if self.is_shuffled else ""
        width = "-wide" if self.is_wide else ""
        return f"{self.rows}-{self.new}-{self.revised}{order}{width}"


def store_of(rows: int, cache: Path, *, is_wide: bool = False) -> Path | None:
    """The file with so many rows in the order of the key; None for none."""
    if not rows:
        return None
    target = cache / f"store-{rows}{'-wide' if is_wide else ''}.duckdb"
    if not target.exists():
        part = target.with_suffix(".part")
        part.unlink(missing_ok=True)
        with _connected() as connection:
            connection.execute(f"ATTACH '{part}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
            prepare_store(connection, is_new=True)
            for first in range(0, rows, STEP):
                numbers = _SQL["stored"].format(months=MONTHS, first=first, past=min(rows, first + STEP))
                connection.execute(_SQL["store"].format(rows=_rows(numbers, is_wide=is_wide)))
                connection.execute("CHECKPOINT wells")
            connection.execute("DETACH wells")
        part.rename(target)
    return target


def segments_of(delta: Delta, stored: int, cache: Path) -> list[Path]:
    directory = cache / f"delta-{stored}-{delta.name}"
    if not directory.exists():
        part = directory.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with _connected() as connection:
            _write_segments(connection, delta, stored, part)
        part.rename(directory)
    return sorted(directory.glob("*.parquet"))


def _write_segments(connection: duckdb.DuckDBPyConnection, delta: Delta, stored: int, directory: Path) -> None:
    wells = max(1, (stored or delta.rows) // MONTHS)
    each = -(-delta.rows // wells)
    numbers = _SQL["staged"].format(
        months=MONTHS if stored else 0,
        each=each,
        fresh=each * delta.new // 100 if stored else each,
        revised=delta.revised,
        first=0,
        past=delta.rows,
        order="hash(n)" if delta.is_shuffled else "n",
    )
    connection.execute(f"CREATE TABLE staged AS {_rows(numbers, is_wide=delta.is_wide)}")
    connection.execute("SET threads = 1; SET preserve_insertion_order = false")  # as staging does
    for number, first in enumerate(range(0, delta.rows, SEGMENT_ROWS)):
        rows = f"SELECT * FROM staged WHERE rowid BETWEEN {first} AND {first + SEGMENT_ROWS - 1}"
        places = Places()
        places.add(0, [Run(number + 1, 0, min(SEGMENT_ROWS, delta.rows - first))])
        lists = {"rows": _SQL["segment"].format(rows=rows), "path": directory / f"{number:06}.parquet"}
        told = {"pages": places.text(), "compression": "lz4", "row_group": "16MB"}
        connection.execute(filled("write_segment", {name: str(text) for name, text in (lists | told).items()}))


def _rows(numbers: str, *, is_wide: bool) -> str:
    remark = "md5(concat(well, month, revision)) || md5(concat(month, well)) || md5(concat(well, 'a', month, revision)) || md5(concat(well, 'b', month))"
    return _SQL["rows"].format(numbers=numbers, remark=remark if is_wide else "CAST(NULL AS VARCHAR)")


def _connected() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"memory_limit": "1500MB", "temp_directory": tempfile.mkdtemp()})
    connection.execute("SET preserve_insertion_order = true")
    RowSource().period.define(connection)
    return connection


def main() -> None:
    cache = Path(sys.argv[1])
    cache.mkdir(exist_ok=True, parents=True)
    for n in sys.argv[2].split(","):
        print(n, store_of(int(float(n)), cache))


if __name__ == "__main__":
    main()
