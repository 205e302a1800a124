"""Health: whether what the API stands on answers.
Asked by anybody, so it is cheap and tells codes alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import __version__
from chalicelib.errors import DatabaseTooLarge, Unhealthy, WarehouseUnavailable, WellheadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.settings import Settings

OK = "ok"
NOT_ASKED = "not asked"


def health(probes: Mapping[str, Callable[[], object]]) -> dict[str, Any]:
    """The version, and "ok" for each probe, or "not asked" where it answers so.
    Raises Unhealthy with the same, and with the code of the error where a probe raises one.
    """
    checks = {}
    is_healthy = True
    for name, probe in probes.items():
        try:
            checks[name] = NOT_ASKED if probe() is NOT_ASKED else OK
        except WellheadError as error:
            checks[name] = error.code
            is_healthy = False
    if not is_healthy:
        raise Unhealthy(version=__version__, checks=checks)
    return {"version": __version__, "checks": checks}


def check_warehouse(url: str) -> str | None:
    """A bucket is not asked: the API function has no right to it, and needs none."""
    if url.startswith("s3://"):
        return NOT_ASKED
    if not Path(url).is_dir():
        raise WarehouseUnavailable
    return None


def check_room(settings: Settings, current: Callable[[], Snapshot | None]) -> None:
    """Whether the query function's local disk holds what is published,
    where that has to be fetched and the size of the disk is known. Raises DatabaseTooLarge.
    """
    if not settings.query_disk_mb or not settings.warehouse.startswith("s3://"):
        return
    snapshot = current()
    if snapshot is None or snapshot.is_lake:
        return
    disk_bytes = settings.query_disk_mb << 20
    if snapshot.bytes > disk_bytes:
        raise DatabaseTooLarge(bytes=snapshot.bytes, disk_bytes=disk_bytes)
