"""A verification looks at everything that is pointed at,
and finds what is not as it was written.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.exchanged_source import ExchangedSource
from support.imports import Worker
from support.store_kinds import LAKE
from support.two_snapshots import asked, publish_two, report

from chalicelib.errors import CheckUnknown, ReportUnknown
from chalicelib.ops.looks import Looks
from chalicelib.ops.verification import Verification
from chalicelib.services import Services
from chalicelib.sources.checks import CheckKind, CheckStatus
from chalicelib.warehouse.names import LATEST, OWNER, SEGMENTS

if TYPE_CHECKING:
    from chalicelib.jobs.lock import Snapshot


def flip(path: Path, place: float = 0.5) -> None:
    """One bit of the file."""
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 4
    path.write_bytes(content)


def wrong(found: dict[str, Any]) -> dict[str, list[str]]:
    return {file["name"]: file["problems"] for file in found["files"] if file["problems"]}


@pytest.fixture
def two(environment: dict[str, str]) -> tuple[Snapshot, Snapshot]:
    return publish_two(environment)


def test_what_imports_left_is_right(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot]
) -> None:
    first, second = two

    found = report(environment, CheckKind.VERIFY)
    everything = report(environment, CheckKind.VERIFY, all=True)

    assert (found["is_right"], found["looked_at"], found["wrong"]) == (True, 3, 0)
    assert [(file["kind"], file["name"], file["rows"]) for file in found["files"]] == [
        ("snapshot", second.name, second.rows),
        ("stable name", LATEST, second.rows),
        ("owner", OWNER, None),
    ]
    assert [file["name"] for file in everything["files"]] == [
        second.name,
        first.name,
        LATEST,
        OWNER,
    ]
    assert everything["is_right"]
    scratch = Path(environment["WELLHEAD_SCRATCH"])
    assert not list(scratch.glob("looking/*"))


def test_a_flipped_bit_is_found_in_each_file(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot]
) -> None:
    warehouse = Path(environment["WELLHEAD_WAREHOUSE"])
    for name in (two[0].name, two[1].name, LATEST):
        path = warehouse / name
        before = path.read_bytes()
        flip(path)

        found = report(environment, CheckKind.VERIFY, all=True)

        assert found["is_right"] is False
        assert any("SHA-256" in text or "does not hold" in text for text in wrong(found)[name]), (
            found
        )
        path.write_bytes(before)


def test_a_file_that_is_gone_and_a_strange_owner_are_told(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot]
) -> None:
    warehouse = Path(environment["WELLHEAD_WAREHOUSE"])
    (warehouse / two[1].name).unlink()
    (warehouse / OWNER).write_text("{}")

    found = wrong(report(environment, CheckKind.VERIFY))

    assert found[two[1].name] == [
        f"The warehouse has no {two[1].name}. Restore it; docs/operations.md says how."
    ]
    assert found[OWNER] == ["The warehouse does not say that it belongs to this table."]


WRONG = {
    "INSERT INTO well_production SELECT * FROM well_production LIMIT 1": "each key once",
    "DELETE FROM well_production WHERE rowid = 3": "does not hold",
    "DELETE FROM import_runs WHERE fence = 1": "than all imports have counted",
}


@pytest.mark.parametrize("change", WRONG)
def test_a_database_whose_tables_do_not_agree_is_wrong_also_under_the_right_checksum(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], change: str, tmp_path: Path
) -> None:
    """As a fault of our own would leave it."""
    path = Path(environment["WELLHEAD_WAREHOUSE"], two[1].name)
    path.chmod(0o644)
    with duckdb.connect(path) as store:
        store.execute(change)
    told = replace(two[1], bytes=path.stat().st_size)

    problems = Looks(directory=tmp_path, memory_mb=100).at_state(path, told.name, told)

    assert any(WRONG[change] in text for text in problems), problems


def test_the_segments_of_a_held_job_are_looked_at(
    environment: dict[str, str], dynamodb: Any, tmp_path: Path
) -> None:
    worker = Worker(environment, dynamodb)
    worker.clock.now = time.time()
    source = ExchangedSource(worker, tmp_path)
    row = {"field_code": 1, "production_period": "2020-01-01", "oil_production_kbd": 2.0}
    rows = [{**row, "well_code": well} for well in range(12)]
    source.imported(rows)
    held = source.imported([{**each, "oil_production_kbd": 900.0} for each in rows])
    assert held.is_held, held
    names = Services(environment).warehouse.names(SEGMENTS)
    assert names

    right = report(environment, CheckKind.VERIFY)
    assert right["is_right"], right
    assert [file["kind"] for file in right["files"]][-1] == "segments"
    for name in names:
        flip(Path(environment["WELLHEAD_WAREHOUSE"], name))
    assert list(wrong(report(environment, CheckKind.VERIFY))) == [f"{SEGMENTS}{held.job_id}/"]
    for name in names:
        Path(environment["WELLHEAD_WAREHOUSE"], name).unlink()
    assert list(wrong(report(environment, CheckKind.VERIFY))) == [f"{SEGMENTS}{held.job_id}/"]


def test_what_is_published_meanwhile_is_no_fault(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], tmp_path: Path
) -> None:
    """A large snapshot is looked at for minutes:
    then another one is current, and the sweeper clears an old one.
    """
    services = Services(environment)

    class Slow(Looks):
        def at_state(self, path: Path, name: str, told: Snapshot | None) -> list[str]:
            if name == two[1].name:
                third.append(publish_two(environment)[1])
                services.warehouse.remove(two[0].name)
            return super().at_state(path, name, told)

    third: list[Snapshot] = []
    looks = Slow(directory=tmp_path, memory_mb=100)
    found = Verification(
        job_manager=services.job_manager, warehouse=services.warehouse, looks=looks
    ).report(is_all=True)

    assert third
    assert wrong(found) == {}


@LAKE
def test_a_lake_is_looked_at_where_it_lies(environment: dict[str, str]) -> None:
    first, second = publish_two(environment)
    right = report(environment, CheckKind.VERIFY, all=True)
    assert (right["is_right"], [file["kind"] for file in right["files"]]) == (
        True,
        ["snapshot", "snapshot", "owner"],
    )

    flip(Path(environment["WELLHEAD_WAREHOUSE"], second.name), 0.3)
    found = wrong(report(environment, CheckKind.VERIFY, all=True))
    assert list(found) == [second.name]
    assert first.name not in found


def test_before_the_first_import_there_is_nothing_to_look_at(environment: dict[str, str]) -> None:
    check = asked(environment, CheckKind.VERIFY)

    assert (check.status, (check.error or {})["code"]) == (CheckStatus.FAILED, "NO_DATA_YET")


def test_a_report_is_shown_as_what_it_is_alone(environment: dict[str, str]) -> None:
    checks = Services(environment).checks
    check = checks.create({"all": False}, by="eve", kind=CheckKind.VERIFY)

    with pytest.raises(CheckUnknown):
        checks.read(check.check_id)
    with pytest.raises(ReportUnknown):
        checks.read(check.check_id, CheckKind.DRILL)
    checks.give_up(check.check_id)
    assert (checks.read(check.check_id, CheckKind.VERIFY).error or {})[
        "code"
    ] == "OPS_REPORT_FAILED"
