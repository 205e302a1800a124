"""Delivers import events one after the other: `delivery_worker.py JOB_ID...`, and prints what came
of each.

A duplicate looks at the lease of the living worker more often than in production, so a thousand of
them are quick.
"""

import sys
import time

from chalicelib.imports.worker import run_import
from chalicelib.services import Services

ENOUGH = 900.0
LOOK_SECONDS = 0.05


def main(job_ids: list[str]) -> None:
    services = Services()
    _ = services.job_manager, services.warehouse
    print("ready", flush=True)
    sys.stdin.readline()
    for number, job_id in enumerate(job_ids):
        said = run_import(
            job_id,
            request_id=str(number),
            job_manager=services.job_manager,
            dispatch=services.dispatcher.dispatch,
            warehouse=services.warehouse,
            new_service=lambda claim: services._import_service(
                claim, lambda: ENOUGH, lambda: False
            ),
            max_attempts=services.settings.max_attempts,
            sleep=lambda _: time.sleep(LOOK_SECONDS),
        )
        print(said["job_id"], said["outcome"], sep="\t", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
