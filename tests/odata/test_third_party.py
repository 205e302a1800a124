"""Whole imports from SAP CAP and odatapy: every row that they have, whatever their rules of paging.

How many rows there are is what a client counts that no one here wrote. `make third-party` installs
them all.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Worker, expected_rows, stored_rows
from support.third_party import environment as packages
from support.third_party.servers import DATA, ROWS, SERVICES, Counted, Service, ThirdParty, rows
from support.third_party.sharing import DidNotStart, shared

from chalicelib.jobs.job import JobStatus
from chalicelib.odata.addresses import PageAddresses
from chalicelib.odata.connection import ODataConnection
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.ranges import RangeFinder
from chalicelib.odata.survey import survey_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(300)  # odatapy takes some five CPU seconds for all its rows

HOUR, YEAR = 3_600, 365 * 86_400


@pytest.fixture
def worker_on(environment: dict[str, str], dynamodb: Any) -> Callable[..., Worker]:
    def worker_on(service: Service, **settings: str) -> Worker:
        more = {f"WELLHEAD_{name.upper()}": value for name, value in settings.items()}
        return Worker(environment | {"WELLHEAD_SOURCE_URL": service.url} | more, dynamodb)

    return worker_on


@pytest.fixture(scope="module")
def expected() -> list[tuple[Any, ...]]:
    return expected_rows(DATA)


def published_rows(worker: Worker) -> list[tuple[Any, ...]]:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return stored_rows(Path(worker.settings.warehouse, snapshot.name))


def import_all_of(service: Service, worker: Worker, expected: list[tuple[Any, ...]]) -> None:
    counted = service.counted()
    job = worker.import_all()

    assert (job.status, job.error, job.failed_records) == (JobStatus.COMPLETED, None, 0)
    assert (job.fetched_records, job.new_records) == (counted.rows, counted.keys)
    assert published_rows(worker) == expected
    assert job.warnings == []


# -- whole imports ------------------------------------------------------------------------------------------


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("title", "paging"),
    [
        ("SAP CAP", "auto"),
        ("SAP CAP", "skip"),
        ("SAP CAP with limits of its own", "auto"),
        ("SAP CAP with limits of its own", "keys"),
        ("SAP CAP without a limit", "auto"),
        ("SAP CAP with reliable links", "auto"),
        ("odatapy", "auto"),
        ("odatapy", "links"),
        ("odatapy with a page size", "auto"),
    ],
)
def test_every_row_that_another_client_counts_is_stored(
    third_party: ThirdParty,
    worker_on: Callable[..., Worker],
    expected: list[tuple[Any, ...]],
    title: str,
    paging: str,
) -> None:
    service = third_party.service(title)

    import_all_of(service, worker_on(service, source_paging=paging), expected)


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("title", "paging"),
    [
        ("SAP CAP with limits of its own", "auto"),
        ("SAP CAP with limits of its own", "skip"),
        ("SAP CAP with reliable links", "links"),
        ("SAP CAP", "keys"),
    ],
)
def test_a_source_of_others_is_read_in_parts(
    third_party: ThirdParty,
    worker_on: Callable[..., Worker],
    expected: list[tuple[Any, ...]],
    title: str,
    paging: str,
) -> None:
    service = third_party.service(title)
    worker = worker_on(service, source_paging=paging, workers="4", page_size="250")

    import_all_of(service, worker, expected)

    [job], _ = worker.manager.history(limit=1)
    assert (job.parts or {})["count"] == (job.parts or {})["done"] > 1


@pytest.mark.parametrize("title", ["SAP CAP", "odatapy"])
def test_the_ranges_of_a_source_of_others_hold_all_its_rows(
    third_party: ThirdParty, worker_on: Callable[..., Worker], title: str
) -> None:
    """By rank and, as if it knew no $skip, by halving; each is read by its own filter then."""
    settings = worker_on(third_party.service(title)).settings
    connection = ODataConnection(settings=settings)
    survey = survey_of(connection, settings.source_url, with_types=True)
    order = ["field_code", "well_code", "production_period"]
    finder = RangeFinder(
        connection=connection,
        addresses=PageAddresses(settings, survey),
        survey=survey,
        cursor=Cursor(url=settings.source_url, order=order),
        expected=ROWS,
        at_once=5,
    )
    for keys in (finder.keys_by_rank(5), finder.keys_by_halving(5)):
        ranges = finder.count_ranges(keys)
        assert len(ranges) > 1
        assert sum(each.rows for each in ranges) == ROWS
    connection.close()


@pytest.mark.by_lot
@pytest.mark.parametrize("title", ["SAP CAP", "odatapy with a page size"])
def test_after_an_import_by_key_the_next_one_asks_for_what_changed(
    third_party: ThirdParty,
    worker_on: Callable[..., Worker],
    expected: list[tuple[Any, ...]],
    title: str,
) -> None:
    service = third_party.service(title)
    worker = worker_on(service, source_paging="keys", source_changed="updated_at")
    worker.clock.advance(YEAR)  # to when all the changes are past
    import_all_of(service, worker, expected)

    job = worker.import_all()

    changes = [datetime.fromisoformat(row["updated_at"]).timestamp() for row in rows()]
    changed = sum(change >= max(changes) - HOUR for change in changes)
    assert 0 < changed < ROWS
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert (job.fetched_records, job.duplicate_records) == (changed, changed)
    assert published_rows(worker) == expected


# -- what they are held against -----------------------------------------------------------------------------


@pytest.mark.parametrize("title", SERVICES)
def test_the_other_client_finds_the_rows_that_were_given(
    third_party: ThirdParty, title: str
) -> None:
    assert third_party.service(title).counted() == Counted(rows=ROWS, keys=ROWS)


def test_the_database_of_sap_cap_has_the_rows_that_were_given(third_party: ThirdParty) -> None:
    assert third_party.service("SAP CAP").rows_in_the_database() == ROWS


# -- the packages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", [packages.CAP_LOCK, packages.NODE_CLIENT_LOCK])
def test_the_packages_of_npm_are_pinned_by_their_content_and_run_no_script(lock: Path) -> None:
    [(_, asked), *locked] = json.loads(lock.read_text("utf-8"))["packages"].items()
    asked_for = json.loads(lock.with_name("package.json").read_text("utf-8"))

    assert all(
        asked.get(kind) == asked_for.get(kind) for kind in ("dependencies", "optionalDependencies")
    )
    for name, package in locked:
        assert package["integrity"].startswith("sha512-"), name
        assert not {"resolved", "hasInstallScript"} & set(package), name


def test_the_packages_of_python_are_pinned_by_their_content() -> None:
    lines = re.sub(r"\\\n\s*", "", packages.PYTHON_LOCK.read_text("utf-8")).splitlines()
    locked = [line for line in lines if not line.startswith("#")]

    assert {"odatapy==5.3.0", "python-odata==0.8.1"} <= {line.split()[0] for line in locked}
    assert [line for line in locked if "--hash=sha256:" not in line] == []


# -- one server for all the workers -------------------------------------------------------------------------

SERVE = "import os, time; print('ready', os.getpid(), flush=True); time.sleep(60)"
USE = """
import sys, time
from pathlib import Path
from support.third_party.sharing import shared
with shared(Path(sys.argv[1]), lambda app: [sys.executable, "-c", sys.argv[2]]) as pid:
    print(pid, flush=True)
    time.sleep(60)
"""


def serve(app: Path) -> list[str]:
    return [sys.executable, "-c", SERVE]


def has_ended(pid: str) -> bool:
    for _ in range(3_000):
        if not Path("/proc", pid).exists():
            return True
        time.sleep(0.02)
    return False


def test_users_share_a_server_and_the_last_one_ends_it(tmp_path: Path) -> None:
    with shared(tmp_path, serve) as first:
        with shared(tmp_path, serve) as second:
            assert second == first
        assert Path("/proc", first).exists()
    assert has_ended(first)

    with shared(tmp_path, serve) as third:
        assert third != first
        assert Path("/proc", third).exists()


def test_a_server_ends_with_a_user_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", USE, str(tmp_path), SERVE]
    with subprocess.Popen(
        command, cwd=packages.HERE.parents[1], stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout
        pid = user.stdout.readline().strip()
        assert Path("/proc", pid).exists()
        user.send_signal(signal.SIGKILL)

    assert has_ended(pid)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(DidNotStart, match="no such model"),
        shared(tmp_path, lambda app: ["sh", "-c", "echo no such model"]),
    ):
        pass
