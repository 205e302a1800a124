"""What it costs to merge staged rows into a store of many million, apart from any source: `make
bench-merge`.

Stores and segments are made once, by SQL in the product's own schema, and kept in the cache: 1.2 GB
for 50 million rows. Each merge is a process of its own, benchmarks/merged.py, from the copy of the
published file to the new one.
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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from benchmarks import environments, measure, report
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.batch import Run
from chalicelib.store.period import RowSource
from chalicelib.store.places import Places
from chalicelib.store.schema import prepare_store
from chalicelib.store.statements import named_statements
from chalicelib.store.well_production import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTHS = 250  # stored of each well
SEGMENT_ROWS = 200_000
STEP = 5_000_000  # rows made at a time
SAMPLE_SECONDS = 0.01
STEPS = ("settle", "fetch", "merge", "hash", "verify", "put")
HEADINGS = (
    *("rows in the store", "what is merged", "DuckDB's MB", "CPU s", *STEPS, "peak MB"),
    *("segments MB", "disk MB, the store's copy too", "load"),
)
BEGIN, END = (
    "<!-- merge figures: written by make bench-merge -->",
    "<!-- end of the merge figures -->",
)
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class Delta:
    """`new` of a hundred rows are of new months,
    and every `revised`th of the others has other values; 0: none.
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


KINDS: dict[str, dict[str, Any]] = {
    "all new": {"new": 100},
    "all new, in no order": {"new": 100, "is_shuffled": True},
    "half new, a tenth of the others revised": {"new": 50},
    "all the same": {"new": 0, "revised": 0},
    "all revised": {"new": 0, "revised": 1},
    "all revised, in no order": {"new": 0, "revised": 1, "is_shuffled": True},
    "all revised, in no order, 128 characters more": {
        "new": 0,
        "revised": 1,
        "is_shuffled": True,
        "is_wide": True,
    },
}


@dataclass
class Disk:
    """Bytes of the scratch directory, looked at every SAMPLE_SECONDS: the most at once."""

    directory: Path
    most: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watch(self) -> Iterator[None]:
        watch = threading.Thread(target=self._watch)
        watch.start()
        try:
            yield
        finally:
            self._is_over.set()
            watch.join()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            files = self.directory.rglob("*")
            now = sum(map(_blocks_of, files))
            self.most = max(self.most, now)


def _blocks_of(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512 if path.is_file() else 0
    except OSError:
        return 0


def merge(stored: int, delta: Delta, *, memory_mb: int, cache: Path) -> dict[str, Any]:
    """CPU seconds by step, MB of memory, and bytes of disk beside the segments."""
    store = store_of(stored, cache, is_wide=delta.is_wide)
    segments = segments_of(delta, stored, cache)
    work = Path(tempfile.mkdtemp(dir=cache))
    disk = Disk(work / "scratch")
    command = [
        sys.executable,
        "-m",
        "benchmarks.merged",
        str(store or ""),
        str(segments),
        str(work),
        str(memory_mb),
    ]
    load = os.getloadavg()[0]
    with disk.watch():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    shutil.rmtree(work)
    if done.returncode:
        return {"failure": measure.last_line_of(done.stderr), "load": load}
    sizes = {
        "segment_bytes": sum(path.stat().st_size for path in segments.iterdir()),
        "disk_bytes": disk.most,
    }
    return {
        **json.loads(done.stdout),
        **sizes,
        "stored_bytes": store.stat().st_size if store else 0,
        "load": load,
    }


# -- what is merged ---------------------------------------------------------------------------------


def store_of(rows: int, cache: Path, *, is_wide: bool = False, months: int = MONTHS) -> Path | None:
    """The file with so many rows in the order of the key, so many of each well; None for none."""
    each = "" if months == MONTHS else f"-{months}"
    target = cache / f"store-{rows}{each}{'-wide' if is_wide else ''}.duckdb"
    if rows and not target.exists():
        part = target.with_suffix(".part")
        part.unlink(missing_ok=True)
        with _connection() as connection:
            connection.execute(f"ATTACH '{part}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
            prepare_store(connection, is_new=True)
            for first in range(0, rows, STEP):
                numbers = _SQL["stored"].format(
                    months=months, first=first, past=min(rows, first + STEP)
                )
                connection.execute(_SQL["store"].format(rows=_rows(numbers, is_wide=is_wide)))
                connection.execute("CHECKPOINT wells")
            connection.execute("DETACH wells")
        part.rename(target)
    return target if rows else None


def segments_of(delta: Delta, stored: int, cache: Path) -> Path:
    """The directory with them: months of all wells that so many rows are stored of."""
    directory = cache / f"delta-{stored}-{delta.name}"
    if not directory.exists():
        part = directory.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with _connection() as connection:
            _write_segments(connection, delta, stored, part)
        part.rename(directory)
    return directory


def _write_segments(
    connection: duckdb.DuckDBPyConnection, delta: Delta, stored: int, directory: Path
) -> None:
    each = -(-delta.rows // max(1, (stored or delta.rows) // MONTHS))
    numbers = _SQL["staged"].format(
        months=MONTHS if stored else 0,
        each=each,
        fresh=each * delta.new // 100 if stored else each,
        revised=delta.revised,
        past=delta.rows,
        order="hash(n)" if delta.is_shuffled else "n",
    )
    connection.execute(f"CREATE TABLE staged AS {_rows(numbers, is_wide=delta.is_wide)}")
    connection.execute("SET threads = 1; SET preserve_insertion_order = false")  # as staging does
    for number, first in enumerate(range(0, delta.rows, SEGMENT_ROWS)):
        places = Places()
        places.add(0, [Run(number + 1, 0, min(SEGMENT_ROWS, delta.rows - first))])
        rows = _SQL["segment"].format(first=first, past=first + SEGMENT_ROWS)
        told = {
            "rows": rows,
            "path": str(directory / f"{number:06}.parquet"),
            "pages": places.text(),
        }
        connection.execute(
            fill("write_segment", {**told, "compression": "lz4", "row_group": "16MB"})
        )


def _rows(numbers: str, *, is_wide: bool) -> str:
    remark = _SQL["remark"] if is_wide else "CAST(NULL AS VARCHAR)"
    return _SQL["rows"].format(numbers=numbers, remark=remark)


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory() as spill:
        connection = duckdb.connect(config={"memory_limit": "1500MB", "temp_directory": spill})
        RowSource().period.define(connection)
        with connection:
            yield connection


# -- the table --------------------------------------------------------------------------------------


def markdown(found: dict[str, Any]) -> str:
    lines = [
        report.heading(found),
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---:|---|---:|" + "---:|" * 11,
    ]
    return "\n".join([*lines, *map(_line, found["merges"])]) + "\n"


def _line(one: dict[str, Any]) -> str:
    head = f"| {one['stored']:,} | {one['kind']} | {one['memory_mb']:,} |"
    if "failure" in one:
        return f"{head} {one['failure']}" + " |" * 11
    seconds = one["steps"]
    cells = [
        f"{sum(seconds.values()):.1f}",
        *(f"{seconds[name]:.2f}" for name in STEPS),
        f"{one['peak_mb']:,}",
        f"{one['segment_bytes'] >> 20:,}",
        f"{one['disk_bytes'] >> 20:,}",
        f"{one['load']:.0f}",
    ]
    return f"{head} {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merging", description=__doc__)
    parser.add_argument("--stores", default="1e6,1e7,5e7", help="rows stored before")
    parser.add_argument("--rows", type=float, default=1e6, help="rows merged")
    parser.add_argument("--memory", default="300", help="WELLHEAD_MEMORY_MB, several with commas")
    parser.add_argument(
        "--kinds",
        default="all new;half new, a tenth of the others revised",
        help=f"of {'; '.join(KINDS)}",
    )
    parser.add_argument(
        "--cache", type=Path, default=environments.CACHE / "merges", help="stores and segments"
    )
    parser.add_argument("--json", type=Path, help="the figures; by default in the cache")
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    found = {**measure.facts_of("duckdb"), "merges": list(_measurements(options))}
    (options.json or options.cache / "merges.json").write_text(json.dumps(found, indent=2) + "\n")
    if options.document:
        report.put(markdown(found), report.DOCUMENT, BEGIN, END)
    print(markdown(found))


def _measurements(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for stored in options.stores.split(","):
        for kind in options.kinds.split(";"):
            for memory in options.memory.split(","):
                told = {"stored": int(float(stored)), "kind": kind, "memory_mb": int(memory)}
                delta = Delta(rows=int(options.rows), **KINDS[kind])
                yield told | merge(
                    told["stored"], delta, memory_mb=told["memory_mb"], cache=options.cache
                )


if __name__ == "__main__":
    main()
