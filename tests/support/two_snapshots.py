"""A warehouse in which two snapshots were published, and what an operator asks about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.services import Services
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from support.shelf import shelved
from support.staging import run_import

if TYPE_CHECKING:
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.sources.checks import Check, CheckKind


def publish_two(environment: dict[str, str]) -> tuple[Snapshot, Snapshot]:
    """Of 40 rows, then of 60."""
    return shelved("two snapshots", environment, lambda: _publish_two(environment))


def _publish_two(environment: dict[str, str]) -> tuple[Snapshot, Snapshot]:
    found = []
    for rows in (40, 60):
        with SampleSource(GeneratedProduction(rows)) as source:
            assert run_import(environment, source.url).error is None
        snapshot = Services(environment).job_manager.current_snapshot()
        assert snapshot
        found.append(snapshot)
    return found[0], found[1]


def asked(environment: dict[str, str], kind: CheckKind, **values: Any) -> Check:
    """As a route begins it and the import function does it."""
    services = Services(environment)
    check = services.checks.create(values, by="eve", kind=kind)
    services.check(check.check_id)
    return services.checks.read(check.check_id, kind)


def report(environment: dict[str, str], kind: CheckKind, **values: Any) -> dict[str, Any]:
    check = asked(environment, kind, **values)
    assert check.result is not None, check
    return dict(check.result)
