"""Health: whether what the API stands on answers. Asked by anybody, so it is cheap and tells codes alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import __version__
from chalicelib.errors import Unhealthy, WarehouseUnavailable, WellheadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OK = "ok"
NOT_ASKED = "not asked"


def health(probes: Mapping[str, Callable[[], object]]) -> dict[str, Any]:
    """The version, and "ok" for each probe, or "not asked" where it answers so. Raises Unhealthy with the same,
    and with the code of the error where a probe raises one.
    """
    checks, failed = {}, False
    for name, probe in probes.items():
        try:
            checks[name] = NOT_ASKED if probe() is NOT_ASKED else OK
        except WellheadError as error:
            checks[name], failed = error.code, True
    if failed:
        raise Unhealthy(version=__version__, checks=checks)
    return {"version": __version__, "checks": checks}


def check_warehouse(url: str) -> str | None:
    """A bucket is not asked: the API function has no right to it, and needs none."""
    if url.startswith("s3://"):
        return NOT_ASKED
    if not Path(url).is_dir():
        raise WarehouseUnavailable
    return None
