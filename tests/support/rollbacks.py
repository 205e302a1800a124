"""A rollback as an operator asks for it, done by a worker of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session

from chalicelib.imports.rollback import Rollback
from chalicelib.jobs.starting import start_rollback
from chalicelib.lake.catalog import Catalog

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim
    from support.imports import Worker


def ask_for(worker: Worker, name: str, **asked: Any) -> Job:
    return start_rollback(
        name,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        warehouse=worker.warehouse,
        triggered_by="eve",
        clock=worker.clock,
        **asked,
    )


def run_rollback(worker: Worker, job_id: str) -> Job:
    """As Services does it."""
    settings = worker.settings

    def build(claim: Claim) -> Any:
        return Rollback(
            claim=claim,
            job_manager=worker.manager,
            warehouse=worker.warehouse,
            directory=Path(settings.scratch) / str(claim.fence),
            lease_seconds=settings.lease_seconds,
            catalog=Catalog(settings.catalog, session=botocore.session.get_session())
            if settings.catalog
            else None,
            clock=worker.clock,
        )

    worker.run(job_id, build=build)
    return worker.manager.get(job_id)


def roll_back(worker: Worker, name: str) -> Job:
    return run_rollback(worker, ask_for(worker, name).job_id)
