"""A process that creates a job for each line it reads, all at once with others: `race_worker.py
TABLE`.

It answers each line with one of JSON: the job id it won, or who holds the lock and since when.
"""

import json
import sys
import time
from typing import Any

import botocore.session

from chalicelib.errors import ImportAlreadyRunning
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table


def main(table: str) -> None:
    dynamodb: Any = botocore.session.get_session().create_client("dynamodb")
    manager = JobManager(table=Table(dynamodb=dynamodb, name=table), lease=Lease())
    print("ready", flush=True)
    for _ in sys.stdin:
        job = new_job(now=time.time(), triggered_by="race", parameters={})
        try:
            answer: dict[str, Any] = {"won": manager.create(job).job_id}
        except ImportAlreadyRunning as refused:
            answer = {"held": refused.details}
        print(json.dumps(answer), flush=True)
    dynamodb.close()


if __name__ == "__main__":
    main(sys.argv[1])
