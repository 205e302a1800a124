"""A local stack whose state lies on a small disk that fills up and is freed again: `python
full_disk.py DIRECTORY`.

It has a mount namespace of its own, in which the directory is a disk in memory. What it saw is one
line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from local.commands.demo import FINAL, Api
from local.stack import LocalStack, Source

ENOUGH = 40_000_000


def main(state: Path) -> dict[str, Any]:
    environment = {**os.environ, "WELLHEAD_LEASE_SECONDS": "2", "WELLHEAD_LEASE_GRACE_SECONDS": "0"}
    with LocalStack(
        source=Source(rows=500), state=state, port=0, user_environment=environment
    ) as stack:
        api = Api(stack.api_url, stack.token)
        first = ended(api, api.trigger()[1]["data"]["job_id"])
        filler = state / "filler"
        fill(filler)
        refused = [api.trigger()[0] for _ in range(3)]
        trouble, known = stack.trouble, api.job(first["job_id"]) == first
        filler.unlink()
        status, answer = api.trigger()
        second = ended(api, answer["data"]["job_id"]) if status == 202 else answer
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


def ended(api: Api, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (job := api.job(job_id))["status"] not in FINAL:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
