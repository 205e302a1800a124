"""One merge as an import makes it, from the published file to the new one in the warehouse, in a
process of its own.

`python -m benchmarks.merged STORE SEGMENTS WORK MEMORY_MB` prints one line of JSON: CPU seconds by
step, memory, counts. STORE is empty for a first import; WORK holds the local disk and the
warehouse.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.imports.publication import FilePublication
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.store.blocks import read_blocks
from chalicelib.store.outcome import RunFacts
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.well_production import USUAL
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import snapshot_name


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Steps:
    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=cpu_seconds)

    def end(self, name: str) -> None:
        now = cpu_seconds()
        self.seconds[name] = round(now - self._since, 3)
        self._since = now


def publish(store: Path, warehouse: Path) -> Snapshot:
    """The store under the name of a snapshot, as another import would have left it."""
    name = snapshot_name(1, new_job(now=0.0, triggered_by="benchmark", parameters={}).job_id)
    (warehouse / name).parent.mkdir(parents=True)
    (warehouse / name).symlink_to(store)
    return Snapshot(
        name=name,
        fence=1,
        rows=0,
        bytes=store.stat().st_size,
        sha256=read_blocks(store).sha256,
        job_id="benchmark",
    )


def merge(
    base: Snapshot | None, segments: Path, publication: FilePublication, memory_mb: int
) -> dict[str, object]:
    facts = RunFacts(
        job_id=publication.claim.job.job_id,
        fence=2,
        source="benchmark",
        triggered_by="benchmark",
        started_at=0.0,
        expected_records=None,
    )
    repository = DuckDBWellProductionRepository(
        directory=publication.directory, memory_mb=memory_mb
    )
    steps = Steps()
    files = sorted(segments.glob("*.parquet"))
    for path in files:
        repository.load_segment(path)
    repository.settle(USUAL)
    steps.end("settle")
    copy = publication.working_copy(base, staged_bytes=sum(path.stat().st_size for path in files))
    steps.end("fetch")
    result = repository.merge(copy, facts, now=time.time(), warnings={})
    steps.end("merge")
    blocks = read_blocks(copy)
    steps.end("hash")
    repository.verify(
        copy, rows=result.stored_records, unchanged=blocks.same_as(publication.base_blocks)
    )
    steps.end("verify")
    publication.put(copy, rows=result.stored_records, sha256=blocks.sha256)
    steps.end("put")
    repository.close()
    return {
        "steps": steps.seconds,
        "bytes": copy.stat().st_size,
        **result.counts,
    }


def peak_mb() -> int:
    """Of this program alone: getrusage tells what the one had that started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found:
        return int(found[1]) >> 10
    return 0


def main() -> None:
    store, segments, work, memory_mb = sys.argv[1:]
    scratch = Path(work) / "scratch"
    warehouse = Path(work) / "warehouse"
    scratch.mkdir()
    base = publish(Path(store), warehouse) if store else None
    job = new_job(now=time.time(), triggered_by="benchmark", parameters={})
    claim = Claim(job=job, holder="benchmark", fence=2)
    publication = FilePublication(
        warehouse=DirectoryWarehouse(warehouse), directory=scratch, claim=claim
    )
    told = merge(base, Path(segments), publication, int(memory_mb))
    print(json.dumps({**told, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
