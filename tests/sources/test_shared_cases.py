"""Files that once went wrong, as `make demo SOURCE=` takes them: each is imported right, or held
with the reason.

They lie beside the checkout, in ../shared/cases; without them the tests are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.preset_imports import PresetWorker
from support.shared_cases import CASES

from chalicelib.sources.definition import definition_of
from local.definitions import made_definition

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job


class CaseWorker(PresetWorker):
    """Imports a file as the source that the demo makes of it."""

    def import_case(self, number: str, file: str = "input.ndjson", **told: Any) -> Job:
        folder = next(iter(sorted(CASES.glob(f"{number}*"))), None)
        if folder is None:
            pytest.skip(f"there is no case {number} in {CASES}")
        user = {name: told.pop(name) for name in list(told) if name.startswith("WELLHEAD_")}
        self._definition = definition_of(made_definition(str(folder / file), "", user) | told)
        job_id = self.trigger()
        self.run(job_id, build=self._new_service)
        return self.manager.get(job_id)

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        snapshot = self.manager.current_snapshot()
        assert snapshot
        with duckdb.connect(
            Path(self.settings.warehouse) / snapshot.name, read_only=True
        ) as connection:
            query = f"SELECT {', '.join(columns)} FROM well_production ORDER BY ALL"
            return [tuple(map(str, row)) for row in connection.execute(query).fetchall()]


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any) -> CaseWorker:
    return CaseWorker(environment, dynamodb)


def findings_of(job: Job) -> set[str]:
    assert job.status == "FAILED", job.error
    assert job.error
    assert job.error["code"] == "HELD", job.error
    return {str(finding["check"]) for finding in job.view(0.0)["findings"] if finding["holds"]}


def test_02_fields_with_other_names(worker: CaseWorker) -> None:
    names = "field_code=FieldNo,well_code=WellNo,production_period=Period,oil_production_kbd=Oil"
    job = worker.import_case("02", WELLHEAD_SOURCE_COLUMNS=names)
    assert (job.status, job.new_records) == ("COMPLETED", 2), job.error
    assert worker.stored("field_code", "well_code", "production_period", "oil_production_kbd") == [
        ("7", "42", "2024-01-01", "1.5"),
        ("7", "42", "2024-02-01", "1.4"),
    ]


def test_03_names_in_camel_case(worker: CaseWorker) -> None:
    job = worker.import_case("03")
    assert (job.status, job.new_records) == ("COMPLETED", 1), job.error
    assert worker.stored("field_code", "well_code", "production_period") == [
        ("7", "42", "2024-01-01")
    ]


def test_04_every_row_rejected(worker: CaseWorker) -> None:
    job = worker.import_case("04")
    assert "REJECTED" in findings_of(job)
    assert worker.manager.current_snapshot() is None


def test_04_with_the_signs_said(worker: CaseWorker) -> None:
    columns = {"oil_production_kbd": {"field": "oil_production_kbd", "unit": "bbl"}}
    job = worker.import_case("04", columns=columns, thousands=",")
    assert (job.status, job.new_records, job.failed_records) == ("COMPLETED", 2, 0), job.error
    assert worker.stored("field_code", "production_period", "round(oil_production_kbd, 6)") == [
        ("default", "2021-09-01", str(round(1.234 / 30, 6))),
        ("default", "2021-10-01", str(round(1.23 / 31, 6))),
    ]


def test_07_two_completions_of_a_well(worker: CaseWorker) -> None:
    assert findings_of(worker.import_case("07"))


def test_07_added_when_the_definition_says_so(worker: CaseWorker) -> None:
    job = worker.import_case("07", rows="sum", primary_key=["pool"])
    assert (job.status, job.new_records) == ("COMPLETED", 3), job.error
    assert worker.stored("oil_production_kbd") == [("1.25",)] * 3


def test_15_identifiers_are_as_written(worker: CaseWorker) -> None:
    job = worker.import_case("15")
    assert (job.status, job.new_records, job.failed_records) == ("COMPLETED", 7, 0), job.error
    assert {code for (code,) in worker.stored("well_code")} == {
        *(
            "05012345678000",
            "5012345678000",
            "05-012-34567-80-00",
            "100/01-02-003-04W5/0",
            "100042205618W502",
        ),
        *("NO 15/9-F-1 C", "33053012340000"),
    }


def test_16_periods_that_can_be_nothing_else_are_read(worker: CaseWorker) -> None:
    job = worker.import_case("16", gate={"rejected": "50 %"})
    assert (job.status, job.new_records, job.failed_records) == ("COMPLETED", 9, 2), job.error
    assert {period for (period,) in worker.stored("production_period")} == {"2019-01-01"}
    wells = {well for (well,) in worker.stored("well_code")}
    assert {str(n) for n in range(1, 12)} - wells == {
        "7",
        "9",
    }  # a date of the US, and a year alone


def test_16_the_others_with_their_form(worker: CaseWorker) -> None:
    forms = ["%Y-%m", "%Y%m", "%Y-M%m", "%b-%y", "%m/%Y", "%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y"]
    period = {"production_period": {"field": "production_period", "format": forms}}
    job = worker.import_case("16", columns=period, gate={"rejected": "50 %"})
    assert (job.status, job.new_records) == ("COMPLETED", 10), job.error


def test_17_a_month_s_volume_taken_for_a_rate(worker: CaseWorker) -> None:
    job = worker.import_case("17")
    assert "REJECTED" in findings_of(job) or "RATE_BEYOND_A_WELL" in str(job.view(0.0))


def test_17_with_the_units_said(worker: CaseWorker) -> None:
    columns = {
        "days_on_production": {"field": "days_on_production", "unit": "h"},
        "oil_production_kbd": {"field": "oil_production_kbd", "unit": "bbl"},
        "gas_production_mmcfd": {"field": "gas_production_mmcfd", "unit": "Mcf"},
    }
    job = worker.import_case("17", columns=columns)
    assert (job.status, job.failed_records) == ("COMPLETED", 0), job.error
    rows = worker.stored("well_code", "days_on_production", "round(oil_production_kbd, 9)")
    assert rows[0] == ("1", "31.0", "0.1")
    assert rows[-1] == ("9", "15.0", "0.1")


def test_18_a_file_of_commas(worker: CaseWorker) -> None:
    job = worker.import_case("18", "input.csv")
    assert (job.status, job.new_records) == ("COMPLETED", 1), job.error
    assert worker.stored("field_code", "well_code", "production_period", "oil_production_kbd") == [
        ("1", "2", "2024-01-01", "1.5")
    ]


def test_19_local_midnights_are_told(worker: CaseWorker) -> None:
    job = worker.import_case("19")
    assert "LOCAL_MIDNIGHT" in str(job.view(0.0))


def test_19_with_the_zone_said(worker: CaseWorker) -> None:
    job = worker.import_case("19", timezone="Europe/Oslo")
    assert (job.status, job.new_records) == ("COMPLETED", 3), job.error
    assert [period for (period,) in worker.stored("production_period")] == [
        "2024-01-01",
        "2024-02-01",
        "2024-03-01",
    ]
    assert "LOCAL_MIDNIGHT" not in str(job.view(0.0))
