"""A local stack whose state lies on a small disk that fills up and is freed again: `python
full_disk.py DIRECTORY`.

It has a mount namespace of its own, in which the directory is a disk in memory. What it saw is one
line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from local.stack import LocalStack, Source
from support.stack import TRIGGER, ask, job, job_at_its_end, trigger

ENOUGH = 40_000_000


def main(state: Path) -> dict[str, Any]:
    environment = {**os.environ, "WELLHEAD_LEASE_SECONDS": "2", "WELLHEAD_LEASE_GRACE_SECONDS": "0"}
    with LocalStack(
        source=Source(rows=500), state=state, port=0, user_environment=environment
    ) as stack:
        first = job_at_its_end(state, trigger(state))
        filler = state / "filler"
        fill(filler)
        refused = [ask(state, TRIGGER, method="POST")[0] for _ in range(3)]
        trouble, known = stack.trouble, job(state, first["job_id"]) == first
        filler.unlink()
        status, answer = ask(state, TRIGGER, method="POST")
        second = job_at_its_end(state, answer["data"]["job_id"]) if status == 202 else answer
        return {
            "first": first["status"],
            "refused": refused,
            "trouble": trouble,
            "known": known,
            "accepted": status,
            "second": second.get("status"),
            "over": stack.trouble,
        }


def fill(file: Path) -> None:
    """Until not one byte more fits."""
    with file.open("wb", buffering=0) as filler:
        for size in (1_000_000, 4_096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
