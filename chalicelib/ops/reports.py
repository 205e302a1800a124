"""What an operator asks for and the import function does: it may take longer than a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.sources.checks import CheckKind

from .bringing_back import BringingBack
from .drill import Drill
from .looks import Looks
from .verification import Verification

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager
    from chalicelib.queries.production import Lake
    from chalicelib.sources.checks import Check
    from chalicelib.warehouse.names import Warehouse


def report(
    check: Check,
    *,
    job_manager: JobManager,
    warehouse: Warehouse,
    directory: Path,
    memory_mb: int,
    lake: Lake | None,
) -> dict[str, Any]:
    """What the check is kept with. `directory` is empty and on local disk.
    Raises what the reports do.
    """
    looks = Looks(directory=directory, memory_mb=memory_mb, lake=lake)
    if check.kind is CheckKind.VERIFY:
        verification = Verification(job_manager=job_manager, warehouse=warehouse, looks=looks)
        return verification.report(is_all=bool(check.values.get("all")))
    if check.kind is CheckKind.DRILL:
        drill = Drill(job_manager=job_manager, warehouse=warehouse, looks=looks)
        return drill.report(check.check_id)
    restoring = BringingBack(job_manager=job_manager, warehouse=warehouse, looks=looks)
    return restoring.report(str(check.values["snapshot"]))
