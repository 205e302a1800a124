"""An import that is odd as a whole is held: nothing of it is published until an operator accepts
it.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.exchanged_source import ExchangedSource, Short
from support.imports import Worker, files, published_rows
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.errors import NotRetryable, SourceChangedSince
from chalicelib.jobs.clearing import ACCEPT_GRACE_SECONDS, clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.starting import accept_import, retry_import

Row = dict[str, Any]
pytestmark = FILE_AND_LAKE_IN_SOAK
WELLS = [
    {
        "field_code": 1,
        "field_name": "North",
        "well_code": well,
        "production_period": "2020-01-01",
        "oil_production_kbd": 2.0,
        "gas_production_mmcfd": 1.0,
    }
    for well in range(12)
]


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any) -> Worker:
    return Worker(environment, dynamodb)


@pytest.fixture
def source(worker: Worker, tmp_path: Path) -> ExchangedSource:
    return ExchangedSource(worker, tmp_path)


def accept(worker: Worker, held: Job) -> Job:
    """Accepted, and published; nobody listens at the source's address any more."""
    checks = [finding.check for finding in held.findings if finding.holds]
    new = accept_import(
        held.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        findings=checks,
        by="ann",
        source_id=worker.settings.source_id,
    )
    worker.run(new.job_id)
    return worker.manager.get(new.job_id)


def checks(job: Job) -> list[str]:
    return [finding.check for finding in job.findings if finding.holds]


def segments(worker: Worker) -> list[str]:
    return [name for name in files(worker.settings.warehouse) if name.startswith("segments/")]


def renamed(rows: list[Row], old: str = "oil_production_kbd") -> list[Row]:
    return [
        {("crude" if name == old else name): value for name, value in row.items()} for row in rows
    ]


def without(rows: list[Row], *names: str) -> list[Row]:
    return [row | dict.fromkeys(names) for row in rows]


# --- what is held


@file_or_lake
def test_a_column_that_turns_null_holds_the_import_and_keeps_what_is_stored(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    before = published_rows(worker)

    held = source.imported(without(WELLS, "oil_production_kbd"))

    assert (held.status, (held.error or {})["code"], held.updated_records) == (
        JobStatus.FAILED,
        "HELD",
        0,
    )
    assert checks(held) == ["NULLED", "RESTATED"]
    assert (held.diff or {})["nulled"] == {
        "oil_production_kbd": {"nulled": 12, "stored": 12, "in_store": 12}
    }
    assert (held.diff or {})["sums"]["oil_production_kbd"] == {"before": 744.0, "after": 0.0}
    assert (held.diff or {})["fields"][0] == {
        "code": "1",
        "name": "North",
        "column": "oil_production_kbd",
        "before": 744.0,
        "after": 0.0,
    }
    assert published_rows(worker) == before
    assert segments(worker)


def test_a_field_that_has_another_name_now_holds_the_import(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)

    held = source.imported(renamed(WELLS))

    assert checks(held) == ["NULLED", "RESTATED", "COLUMN_GONE"]
    assert "oil_production_kbd: no field, and 12 stored values" in (held.error or {})["message"]


def test_a_field_that_vanishes_in_the_middle_holds_a_first_import(
    worker: Worker, source: ExchangedSource
) -> None:
    rows = [WELLS[0] | {"well_code": well} for well in range(1000)]

    held = source.imported(rows[:300] + renamed(rows[300:]))

    assert checks(held) == ["COLUMN_GONE"]
    assert "no value in 700 neighbouring rows, of 1,000" in held.findings[0].message
    assert worker.manager.current_snapshot() is None


@pytest.mark.parametrize(("first", "last"), [(0, 700), (200, 800), (900, 1000)])
def test_a_field_that_has_another_name_for_a_while_holds_the_import(
    worker: Worker, source: ExchangedSource, first: int, last: int
) -> None:
    rows = [WELLS[0] | {"well_code": well} for well in range(1000)]
    source.imported(rows[:20])

    held = source.imported(
        [*rows[:20], *rows[20:first], *renamed(rows[max(20, first) : last]), *rows[last:]]
    )

    assert checks(held) == ["COLUMN_GONE"]


def test_a_long_stretch_of_wells_without_gas_is_not_held(
    worker: Worker, source: ExchangedSource
) -> None:
    """The source leaves out what has no value, and there is nothing in its place."""
    rows = [WELLS[0] | {"well_code": well} for well in range(1000)]
    for row in rows[300:600]:
        del row["gas_production_mmcfd"]

    assert source.imported(rows).status is JobStatus.COMPLETED


def test_a_source_that_leaves_out_what_has_no_value_is_not_held(
    worker: Worker, source: ExchangedSource
) -> None:
    rows = [WELLS[0] | {"well_code": well} for well in range(1000)]
    for row in rows[::3]:
        del row["gas_production_mmcfd"]

    assert source.imported(rows).status is JobStatus.COMPLETED
    assert source.imported(rows[3:]).status is JobStatus.COMPLETED


def test_rows_that_are_all_rejected_are_no_success(worker: Worker, source: ExchangedSource) -> None:
    held = source.imported([row | {"production_period": "9/30/2021"} for row in WELLS[:2]])

    assert checks(held) == ["REJECTED"]
    [finding] = held.findings
    assert (finding.found, finding.examples[0]["problem"]) == (
        "2 of 2 rows",
        "NOT_A_DATE production_period",
    )
    assert (held.failed_records, worker.manager.current_snapshot()) == (2, None)


@file_or_lake
def test_a_source_without_a_row_that_had_some_is_held(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)

    held = source.imported([])

    assert (checks(held), segments(worker)) == (["REJECTED"], [])
    assert accept(worker, held).status is JobStatus.COMPLETED
    assert len(published_rows(worker)) == 12


def test_another_unit_holds_the_import_and_more_wells_do_not(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    more = [WELLS[0] | {"well_code": well} for well in range(12, 200)]
    assert source.imported(WELLS + more).status is JobStatus.COMPLETED

    held = source.imported([row | {"oil_production_kbd": 2000.0} for row in WELLS])

    assert checks(held) == ["RESTATED", "RATE_BEYOND_A_WELL"]
    assert "oil_production_kbd from" in held.findings[0].found


def test_what_the_present_month_becomes_is_no_restatement(
    worker: Worker, source: ExchangedSource
) -> None:
    now = [
        row | {"production_period": "2025-01-01"} for row in WELLS
    ]  # the clock of the tests stands in that month
    source.has_imported(now)

    assert (
        source.imported([row | {"oil_production_kbd": 9.0} for row in now]).status
        is JobStatus.COMPLETED
    )


def test_a_few_values_that_turn_null_are_an_update(worker: Worker, source: ExchangedSource) -> None:
    source.has_imported(WELLS)

    job = source.imported(without(WELLS[:2], "gas_production_mmcfd") + WELLS[2:])

    assert (job.status, job.updated_records, job.findings) == (JobStatus.COMPLETED, 2, [])
    assert (job.diff or {})["nulled"] == {
        "gas_production_mmcfd": {"nulled": 2, "stored": 12, "in_store": 12}
    }


def test_a_short_source_is_held_and_once_accepted_moves_no_watermark(
    worker: Worker, source: ExchangedSource
) -> None:
    worker.settings = replace(worker.settings, source_changed="updated_at")
    dated = [row | {"updated_at": "2024-06-01T00:00:00Z"} for row in WELLS]

    held = source.imported(dated, file=Short)

    assert (checks(held), worker.manager.current_snapshot()) == (["SOURCE_INCOMPLETE"], None)
    assert held.completeness == {
        "state": "disproved",
        "reason": "The source counts 17 rows and delivered 12.",
        "announced": 17,
        "counted_again": 17,
        "delivered": 12,
    }
    done = accept(worker, held)
    snapshot = worker.manager.current_snapshot()
    assert (done.status, done.new_records, len(published_rows(worker))) == (
        JobStatus.COMPLETED,
        12,
        12,
    )
    assert snapshot
    assert (snapshot.job_id, snapshot.changed_until) == (done.job_id, None)
    assert checks(source.imported(dated, file=Short)) == [
        "SOURCE_INCOMPLETE"
    ]  # missing rows are not accepted for good


# --- what becomes of it


@file_or_lake
def test_an_accepted_import_asks_the_source_nothing_and_publishes_the_same_rows(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    held = source.imported(renamed(WELLS))

    done = accept(worker, held)

    assert (done.status, done.retry_of, done.updated_records) == (
        JobStatus.COMPLETED,
        held.job_id,
        12,
    )
    assert [row[7] for row in published_rows(worker)] == [None] * 12
    assert (done.warnings, checks(done)) == (held.warnings, [])
    assert [warning["rule"] for warning in done.warnings] == ["UNKNOWN_FIELDS"]
    assert [finding.check for finding in done.findings] == ["NULLED", "RESTATED", "COLUMN_GONE"]
    assert segments(worker) == []


def test_what_was_accepted_is_what_the_next_import_is_compared_with(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    accept(worker, source.imported(renamed(WELLS)))

    assert source.imported(renamed(WELLS)).status is JobStatus.COMPLETED
    assert source.imported(renamed(WELLS)).status is JobStatus.COMPLETED


def test_an_accepted_share_of_rejected_rows_is_not_found_again_until_it_grows(
    worker: Worker, source: ExchangedSource
) -> None:
    rows = [WELLS[0] | {"well_code": well} for well in range(100)]

    def with_bad(count: int) -> Job:
        return source.imported(
            [row | {"production_period": "never"} for row in rows[:count]] + rows[count:]
        )

    done = accept(worker, with_bad(30))

    assert (done.status, done.new_records, done.failed_records) == (JobStatus.COMPLETED, 70, 30)
    assert with_bad(30).status is JobStatus.COMPLETED
    assert checks(with_bad(40)) == ["REJECTED"]
    assert with_bad(10).status is JobStatus.COMPLETED  # it is forgotten
    assert checks(with_bad(30)) == ["REJECTED"]


def test_accepted_rejects_are_those_of_one_column_and_no_more_than_were_found_last(
    worker: Worker, source: ExchangedSource
) -> None:
    rows = [WELLS[0] | {"well_code": well} for well in range(400)]

    def with_bad(column: str, count: int) -> Job:
        return source.imported([row | {column: "none"} for row in rows[:count]] + rows[count:])

    oil, gas = "oil_production_kbd", "gas_production_mmcfd"
    assert accept(worker, with_bad(oil, 240)).status is JobStatus.COMPLETED
    assert with_bad(oil, 240).status is JobStatus.COMPLETED
    assert checks(with_bad(gas, 240)) == ["REJECTED"]
    assert with_bad(oil, 24).status is JobStatus.COMPLETED
    assert checks(with_bad(oil, 236)) == ["REJECTED"]


def test_rejects_that_were_accepted_of_a_part_hold_an_import_of_all_rows(
    worker: Worker, source: ExchangedSource
) -> None:
    worker.settings = replace(worker.settings, source_changed="updated_at")
    rows = [
        WELLS[0] | {"well_code": well, "updated_at": f"2024-06-0{1 + well // 250}T00:00:00Z"}
        for well in range(500)
    ]
    part = {"field_code": "1"}
    source.imported(rows, parameters=part)

    def all_bad(column: str, parameters: dict[str, Any]) -> Job:
        return source.imported([row | {column: "none"} for row in rows], parameters=parameters)

    assert accept(worker, all_bad("oil_production_kbd", part)).status is JobStatus.COMPLETED
    assert all_bad("oil_production_kbd", part).status is JobStatus.COMPLETED
    assert checks(all_bad("gas_production_mmcfd", {"full": True})) == ["REJECTED"]
    assert checks(all_bad("oil_production_kbd", {"full": True})) == ["REJECTED"]


def test_rates_beyond_a_well_that_were_accepted_are_those_of_the_same_wells(
    worker: Worker, source: ExchangedSource
) -> None:
    def with_odd(*wells: int) -> Job:
        water = {well: 900.0 if well in wells else 1.0 for well in range(len(WELLS))}
        return source.imported(
            [row | {"water_production_kbd": water[well]} for well, row in enumerate(WELLS)]
        )

    assert accept(worker, with_odd(1, 2)).status is JobStatus.COMPLETED
    assert with_odd(1, 2).status is JobStatus.COMPLETED
    assert checks(with_odd(3, 4)) == ["RATE_BEYOND_A_WELL"]


def test_conflicts_that_were_accepted_are_those_of_the_same_wells(
    worker: Worker, source: ExchangedSource
) -> None:
    def with_two(*wells: int) -> Job:
        twice = [row | {"oil_production_kbd": 5.0} for row in WELLS if row["well_code"] in wells]
        return source.imported(WELLS + twice)

    assert accept(worker, with_two(1, 2, 3)).status is JobStatus.COMPLETED
    assert with_two(1, 2, 3).status is JobStatus.COMPLETED
    assert checks(with_two(7, 8)) == ["CONFLICTS"]


def test_a_held_job_is_not_retried(worker: Worker, source: ExchangedSource) -> None:
    source.has_imported(WELLS)
    held = source.imported([])

    with pytest.raises(NotRetryable):
        retry_import(
            held.job_id,
            job_manager=worker.manager,
            dispatcher=worker.dispatcher,
            warehouse=worker.warehouse,
            triggered_by="ann",
            source_id=held.source_id or "",
        )


def test_damaged_rows_are_not_published_whoever_accepts_them(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    held = source.imported(without(WELLS, "oil_production_kbd"))
    [name] = segments(worker)
    path = Path(worker.settings.warehouse) / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])

    failed = accept(worker, held)

    assert (failed.status, (failed.error or {})["code"]) == (JobStatus.FAILED, "HELD_ROWS_GONE")
    assert [row[7] for row in published_rows(worker)] == [2.0] * 12


def test_other_settings_of_the_source_since_are_not_overridden(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    held = source.imported(without(WELLS, "oil_production_kbd"))
    worker.settings = replace(worker.settings, source_columns={"oil_production_kbd": "Oil"})
    with pytest.raises(SourceChangedSince):
        accept(worker, held)

    forced = worker.manager.accept(held.job_id, findings=checks(held), by="ann")
    worker.run(forced.job_id)

    failed = worker.manager.get(forced.job_id)
    assert (failed.status, (failed.error or {})["code"]) == (
        JobStatus.FAILED,
        "SOURCE_CHANGED_SINCE",
    )


def test_the_sweeper_keeps_the_rows_of_a_held_job_as_long_as_it_can_be_accepted(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(WELLS)
    held = source.imported(without(WELLS, "oil_production_kbd"))
    kept = segments(worker)

    def sweep() -> list[str]:
        clear_orphans(
            job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
        )
        return segments(worker)

    worker.clock.now = (held.accept_until or 0.0) + ACCEPT_GRACE_SECONDS - 1
    assert sweep() == kept != []
    worker.clock.advance(2)
    assert sweep() == []


@pytest.mark.parametrize("by", ["discard", "a later held one", "a later published one"])
def test_the_sweeper_removes_the_rows_that_nobody_can_accept(
    worker: Worker, source: ExchangedSource, by: str
) -> None:
    source.has_imported(WELLS)
    held = source.imported(without(WELLS, "oil_production_kbd"))
    if by == "discard":
        worker.manager.discard(held.job_id, by="ann")
    else:
        source.imported(WELLS if "published" in by else renamed(WELLS))

    clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
    )

    assert [name for name in segments(worker) if held.job_id in name] == []
    assert bool(segments(worker)) == (by == "a later held one")
