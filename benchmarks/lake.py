"""What an import costs in a lake of many rows: CPU seconds and memory by step. Half of its rows are
new.

    python -m benchmarks.lake --stored 50e6 --rows 1e6 --memory 300 --directory build/lake

The lake in the directory is made once (50 million rows take some minutes) and is as it was
afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import duckdb

from chalicelib.lake.catalog import Catalog
from chalicelib.lake.repository import LakeRepository
from chalicelib.lake.settling import Maker, settle_lake
from chalicelib.lake.versions import PRODUCTION, TABLES, Versions
from chalicelib.queries.production import Lake, ProductionQuery
from chalicelib.store.columns import COLUMNS
from chalicelib.store.grain import Grain
from chalicelib.store.outcome import Looks, RunFacts
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.store.statements import named_statements
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from botocore.session import Session

WELLS = 100_000
MADE = Maker("made", 1)
MB = 1024  # of the kB that the kernel counts memory in
ASKED = "00000000077777"
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def main() -> None:
    options = _options()
    directory: Path = options.directory.resolve()
    with CatalogServer(directory / "lake") as server:
        session = botocore.session.get_session()
        catalog = Catalog(server.url, session=session)
        months = int(options.stored) // WELLS
        base = _base(catalog, session, directory, months)
        segment = _segment(directory, months, rows=int(options.rows))
        try:
            _measure(catalog, session, base, segment, directory / "work", memory_mb=options.memory)
        finally:
            settle_lake(catalog, base, fence=2)
            shutil.rmtree(directory / "work", ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stored", type=float, default=5e6, help="rows in the lake")
    parser.add_argument("--rows", type=float, default=1e6, help="of the import")
    parser.add_argument("--memory", type=int, default=300, help="DuckDB's limit in MB")
    parser.add_argument("--directory", type=Path, default=Path("build/lake"))
    return parser.parse_args()


def _base(catalog: Catalog, session: Session, directory: Path, months: int) -> Versions:
    """The lake, filled if it is not."""
    head = catalog.head(PRODUCTION)
    if head is None or head.rows != months * WELLS:
        _fill(catalog, session, directory / "filling", months)
    heads = {table: catalog.head(table) for table in TABLES}
    snapshots = {table: head.snapshot for table, head in heads.items() if head and head.snapshot}
    return Versions(snapshots=snapshots, rows=months * WELLS)


def _fill(catalog: Catalog, session: Session, directory: Path, months: int) -> None:
    repository = LakeRepository(
        catalog=catalog, session=session, directory=directory, memory_mb=2000
    )
    repository._attach_lake()  # noqa: SLF001  the tables of an import
    connection = repository._connection  # noqa: SLF001
    connection.execute("BEGIN")
    for first in range(0, months, 12):
        places = {
            "wells": WELLS,
            "first": first,
            "last": min(first + 12, months),
        }
        connection.execute(_SQL["fill"].format(row=_SQL["row"].format(revision=0), **places))
    connection.execute("COMMIT")
    repository.close()
    shutil.rmtree(directory)


def _segment(directory: Path, months: int, *, rows: int) -> Path:
    """Rows of the newest months, and of as many that follow them."""
    half = max(1, rows // WELLS // 2)
    path = directory / "segment.parquet"
    lists = {
        "row": _SQL["row"].format(revision=0.5),
        "columns": ", ".join(column.name for column in COLUMNS),
        "wells": WELLS,
        "first": months - half,
        "last": months + half,
        "path": path,
        "pages": json.dumps([[0, 1, 0, rows, 1]]),
    }
    with duckdb.connect() as connection:
        connection.execute(_SQL["segment"].format_map(lists))
    return path


def _measure(
    catalog: Catalog,
    session: Session,
    base: Versions,
    segment: Path,
    directory: Path,
    *,
    memory_mb: int,
) -> None:
    step = Steps()
    repository = LakeRepository(
        catalog=catalog, session=session, directory=directory, memory_mb=memory_mb
    )
    repository.load_segment(segment)
    repository.settle(Grain())
    step.end("settle")
    facts = RunFacts(
        job_id="measured",
        fence=2,
        source="",
        triggered_by="",
        started_at=time.time(),
        expected_records=None,
    )
    compared = repository.compare(base, facts, Looks(now=time.time(), warnings={}))
    step.end("compare")
    versions = repository.commit(compared, beat=lambda: None)
    step.end("commit")
    repository.check(versions)
    step.end("check")
    repository.close()
    result = compared.result
    print(
        f"{result.new_records:,} new, {result.updated_records:,} updated, {result.stored_records:,} stored"
    )
    lake = Lake(catalog=catalog, session=session)
    own = OwnDirectory(directory / "reading")
    query = ProductionQuery.of_lake(versions, lake, directory=own, memory_mb=memory_mb)
    step.end("open")
    found = query.production(well_code=ASKED, limit=1000)
    step.end(f"{len(found.rows)} rows of a well")
    query.close()


class Steps:
    """Prints what each has taken of this process, which serves the catalog too."""

    def __init__(self) -> None:
        self._cpu = _cpu()
        self._wall = time.perf_counter()

    def end(self, name: str) -> None:
        cpu = _cpu()
        wall = time.perf_counter()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
        print(
            f"{name:20} {cpu - self._cpu:6.2f} CPU s {wall - self._wall:7.2f} s {memory:6.0f} MB",
            flush=True,
        )
        self._cpu = cpu
        self._wall = wall


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


if __name__ == "__main__":
    main()
