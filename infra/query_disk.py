"""Whether the query function of a stage has room for what is published there."""

from collections.abc import Mapping

from chalicelib.errors import StateUnavailable
from chalicelib.jobs.manager import JobManager

MOST_DISK_MB = 10_240  # of a function


def disk_warnings(manager: JobManager, parameters: Mapping[str, str], *, stage: str) -> list[str]:
    """What whoever deploys should know, a line each.
    Who may deploy may perhaps not read the table.
    """
    try:
        snapshot = manager.current_snapshot()
    except StateUnavailable:
        return []
    disk = int(parameters.get("QueryDiskMb") or 0)
    is_in_place = parameters.get("Warehouse") == "efs"
    if snapshot is None or snapshot.is_lake or is_in_place or snapshot.bytes <= disk << 20:
        return []
    needed = -(-snapshot.bytes // (1 << 20))
    advice = f"make deploy STAGE={stage} PARAMETERS='QueryDiskMb={min(MOST_DISK_MB, 2 * needed)}'"
    if needed > MOST_DISK_MB:
        advice = "Warehouse=efs, where it is read in place, or a lake (docs/scaling.md)"
    return [
        f"NO QUESTION CAN BE ANSWERED: the database has {needed:,} MB, and the query function's disk {disk:,} MB.",
        f"  To change that: {advice}",
    ]
