"""A process that reads a published store: it says that it is ready, waits for a line, and prints
its answers as JSON, and whether one of the readers has spilled.

    python reader.py WAREHOUSE SNAPSHOT READING MEMORY_MB

SNAPSHOT is the pointer as JSON, READING the directory that all readers share.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chalicelib.errors import WellheadError
from chalicelib.jobs.lock import Snapshot
from chalicelib.queries.published import PublishedProduction
from chalicelib.warehouse.directory import DirectoryWarehouse


def read(warehouse: Path, snapshot: Snapshot, reading: Path, memory_mb: int) -> str:
    published = PublishedProduction(
        current=lambda: snapshot,
        was_published=lambda _: False,
        warehouse=DirectoryWarehouse(warehouse),
        directory=reading,
        memory_mb=memory_mb,
    )
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        summary = published.summary()
        with published.query() as production:
            rows = [
                production.wells(field_code="1"),
                production.totals(),
                production.production(limit=3),
            ]
            # DuckDB makes this at its first block, and it stays until the database is closed.
            spilled = any(reading.glob("own-*/spill"))
        return json.dumps({"answers": [summary, *map(asdict, rows)], "spilled": spilled})
    except WellheadError as error:
        return json.dumps({"answers": [error.code], "spilled": False})


if __name__ == "__main__":
    print(
        read(
            Path(sys.argv[1]),
            Snapshot(**json.loads(sys.argv[2])),
            Path(sys.argv[3]),
            int(sys.argv[4]),
        )
    )
