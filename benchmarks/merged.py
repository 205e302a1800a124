"""One merge, from the published file to the new one in the warehouse, in a process of its own.

`python -m benchmarks.merged STORE SEGMENTS WORK MEMORY_MB` prints one line of JSON: CPU seconds by step, and rows. STORE is empty
for a first import. What lies in WORK afterwards is the warehouse.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

from chalicelib.imports.publication import Publication
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.store.repository import DuckDBWellProductionRepository, RunFacts
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.store.blocks import read_blocks


class Steps:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._at = self.now()

    @staticmethod
    def now() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def ended(self, name: str) -> None:
        now = self.now()
        self.seconds[name] = round(now - self._at, 2)
        self._at = now


def main() -> None:
    base_path, segments, work, memory_mb = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    scratch = work / "scratch"
    scratch.mkdir(parents=True)
    warehouse = DirectoryWarehouse(work / "warehouse")
    base = None
    if base_path:
        told = json.loads(Path(base_path + ".json").read_text())
        base = Snapshot(**told)
        (work / "warehouse" / "snapshots").mkdir(parents=True)
        (work / "warehouse" / base.name).symlink_to(base_path)
    job = replace(new_job(now=time.time(), triggered_by="benchmark", parameters={}))
    claim = Claim(job=job, holder="benchmark", fence=2)
    publication = Publication(warehouse=warehouse, directory=scratch, claim=claim)
    repository = DuckDBWellProductionRepository(directory=scratch, memory_mb=memory_mb)
    steps = Steps()
    for path in sorted(segments.glob("*.parquet")):
        repository.load_segment(path)
    from chalicelib.store.well_production import USUAL
    settled = repository.settle(USUAL)
    steps.ended("settle")
    copy = publication.working_copy(base, rows=0)
    store = copy.path
    steps.ended("fetch")
    facts = RunFacts(job_id=job.job_id, fence=2, source="s", triggered_by="b", started_at=0.0, expected_records=None)
    merged = repository.merge(store, facts, now=time.time(), warnings={})
    steps.ended("merge")
    blocks = read_blocks(store)
    steps.ended("hash")
    repository.verify(store, rows=merged.stored_records, unchanged=blocks.same_as(copy.base))
    steps.ended("verify")
    publication.put(store, rows=merged.stored_records, sha256=blocks.sha256)
    steps.ended("put")
    repository.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"steps": steps.seconds, "cpu": round(steps.now(), 2), "peak_mb": peak, **merged.counts, "bytes": store.stat().st_size}))


if __name__ == "__main__":
    main()
