"""What many workers bring on one machine: `python -m benchmarks.many_workers`.

The sample source answers each request after a pause. A whole stack imports it, with the threads of
one worker and with a state machine and a process for each part: the first import of a stack starts
its processes, the next one finds them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.import_speed import child
from local.stack import LocalStack, Source

KINDS = ("lambda", "states")
SECONDS = 600.0  # for one import
HEADINGS = ("machine", "import", "parts", "whole s", "until the end s")


def imports(machine: str, url: str, workers: int, *, turns: int) -> list[tuple[Any, ...]]:
    settings = {
        "WELLHEAD_WORKERS": str(workers),
        "WELLHEAD_SOURCE_CONNECTIONS": str(workers),
        "WELLHEAD_CHECKPOINT_SECONDS": "30",
    }
    found: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, **settings}
        source = Source(url=url)
        stack = LocalStack(
            source=source, state=Path(state), port=0, machine=machine, user_environment=environment
        )
        with stack:
            for turn in range(turns):
                began = time.monotonic()
                with stack.client() as wellhead:
                    job = wellhead.wait(wellhead.trigger().job_id, timeout=SECONDS)
                assert job.status == "COMPLETED", job.error
                parts = job.parts["count"] if job.parts else 1
                whole = job.execution_time_seconds
                found.append((machine, turn + 1, parts, whole, time.monotonic() - began))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_workers", description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=400_000)
    parser.add_argument("--page-size", type=int, default=500)
    parser.add_argument(
        "--latency", type=float, default=100, help="milliseconds before each answer"
    )
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    arguments = ["--rows", str(options.rows), "--latency-ms", str(options.latency), "--port", "0"]
    with child(
        "local.source.server", *arguments, "--max-page-size", str(options.page_size)
    ) as line:
        url = line.removeprefix("ready ").strip()
        sys.stdout.write(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}\n")
        for machine in KINDS:
            for told in imports(machine, url, options.workers, turns=options.turns):
                sys.stdout.write(
                    f"| {' | '.join(f'{x:.1f}' if isinstance(x, float) else str(x) for x in told)} |\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
