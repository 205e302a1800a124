"""A day that runs by itself: four sources whose schedules collide, one broken, one held, one late.

docs/a-day.md shows the tables that this test makes.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.day import HOUR, MIDNIGHT, MINUTE, Day, answering_after, table, time_of_day
from support.receiver import Receiver, silent, status
from support.scripted_source import Answer, ScriptedSource, page
from support.staging import KEY_OF_A_ROW
from support.store_kinds import FILE_AND_LAKE

from chalicelib.jobs.cron import Cron
from chalicelib.jobs.notice import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.day import Import

    from chalicelib.jobs.notice import Notice

pytestmark = [FILE_AND_LAKE, pytest.mark.by_lot, pytest.mark.timeout(300)]

DOCUMENT = Path(__file__).parents[1] / "docs" / "a-day.md"
SCHEDULES = {
    "north-sea": "0 5,17 * * *",
    "permian": "0 5,17 * * *",
    "gulf": "0 1-17 * * *",
    "brazos": "30 11 * * *",
}
OUTAGE = (10.5 * HOUR, 14.2 * HOUR)
WELLS = 30


def rows_of(field: str, *, bad: int = 0) -> list[dict[str, Any]]:
    names = {"field_code": field, "production_period": "2026-02-01"}
    volumes = [{"oil_production_kbd": "much" if number < bad else 1.5} for number in range(WELLS)]
    return [
        {**KEY_OF_A_ROW, **names, "well_code": f"{number}", **volumes[number]}
        for number in range(WELLS)
    ]


def answered(rows: list[dict[str, Any]]) -> Any:
    return lambda handler: Answer(page([] if "$skip" in handler.asked.query else rows))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """At first it is not there, then it takes one and breaks off before it has said so."""
    with Receiver(status(503), silent(0.0)) as receiver:
        yield receiver


@pytest.fixture
def day(tmp_path: Path, catalog: dict[str, str], receiver: Receiver) -> Day:
    told = {
        "WELLHEAD_TABLE": "day",
        "WELLHEAD_IMPORT_FUNCTION": "import",
        "WELLHEAD_WAREHOUSE": str(tmp_path / "warehouse"),
        "WELLHEAD_SOURCE_URL": "http://127.0.0.1:9/the-one-of-the-settings-has-no-schedule",
        "WELLHEAD_SCRATCH": str(tmp_path / "scratch"),
        # A request that takes twelve minutes of this clock is one sign of life.
        "WELLHEAD_LEASE_SECONDS": "900",
        "WELLHEAD_WEBHOOK_URL": receiver.url,
        "WELLHEAD_WEBHOOK_SECRET": "/webhook",
        "WELLHEAD_SOURCE_REACH": "anywhere",
        "WELLHEAD_WORKERS": "1",
    }
    return Day(catalog | told, outages=(OUTAGE,))


def test_each_import_comes_once_and_each_notice_at_least_once(
    day: Day, receiver: Receiver, store_kind: str
) -> None:
    north_sea, permian, gulf, brazos = (ScriptedSource(Answer(status=403)) for _ in SCHEDULES)
    north_sea.steps = [answering_after(day, 12, answered(rows_of("north-sea")))]
    permian.steps = [answered(rows_of("permian", bad=20))]
    brazos.steps = [answering_after(day, 3, answered(rows_of("brazos")))]
    more: dict[str, dict[str, Any]] = {"gulf": {"pause_after": 3, "fresh_for": "6 h"}}
    with north_sea, permian, gulf, brazos:
        for name, source in zip(SCHEDULES, (north_sea, permian, gulf, brazos), strict=True):
            told = {
                "kind": "odata",
                "url": source.url,
                "schedule": SCHEDULES[name],
                "timezone": "UTC",
            }
            day.define(name, told | more.get(name, {}))
        day.run_until(9.5)
        gulf.steps = [answered(rows_of("gulf"))]
        day.operator.change_schedule("gulf", day.operator.schedules.resume)
        day.run_until(23.9)

    assert_each_due_time_is_started_or_skipped(day)
    assert_each_notice_is_heard(day, receiver)
    assert_published(day, {"north-sea": WELLS, "gulf": WELLS, "brazos": WELLS}, store_kind)
    shown = f"{imports_table(day.imports)}\n\n{notices_table(day.notices(), receiver)}\n"
    assert shown in DOCUMENT.read_text("utf-8"), shown


def assert_each_due_time_is_started_or_skipped(day: Day) -> None:
    """By the schedules as anybody reads them."""
    for name, cron in SCHEDULES.items():
        due, at = [], Cron(cron, "UTC").next(MIDNIGHT)
        while at is not None and at <= day.clock.now:
            due.append(at)
            at = Cron(cron, "UTC").next(at)
        started = [each for each in day.imports if each.job.source_name == name]
        schedule = day.operator.schedules.all()[name]
        assert len({each.due for each in started}) == len(started)
        assert {each.due for each in started} <= set(due)
        waits = [at for at in due if schedule.due is not None and at >= schedule.due]
        assert len(started) + schedule.skipped + len(waits) == len(due), (name, schedule)


def assert_each_notice_is_heard(day: Day, receiver: Receiver) -> None:
    assert all(received.is_genuine for received in receiver.received)
    notices = day.notices()
    assert [notice.state for notice in notices] == [State.SENT] * len(notices)
    assert set(receiver.ids) == {notice.key for notice in notices}
    assert Counter(day.bus.types) == Counter(notice.title for notice in notices)
    assert {each.job.job_id for each in day.imports} <= {notice.key for notice in notices}


def assert_published(day: Day, wanted: dict[str, int], store_kind: str) -> None:
    snapshot = day.operator.job_manager.current_snapshot()
    assert snapshot is not None
    assert snapshot.rows == sum(wanted.values())
    if store_kind == "file":
        with duckdb.connect(
            Path(day.environment["WELLHEAD_WAREHOUSE"], snapshot.name), read_only=True
        ) as database:
            found = database.execute(
                "SELECT source, count(*) FROM well_production GROUP BY source"
            ).fetchall()
        assert dict(found) == wanted


def imports_table(imports: list[Import]) -> str:
    return table(
        ["due", "source", "started", "skipped before", "ended", "outcome"],
        [line_of(each) for each in imports],
    )


def line_of(each: Import) -> list[str]:
    job = each.job
    assert job.completed_at is not None
    outcome = f"{job.status} `{job.error['code']}`" if job.error else job.status
    late = (job.created_at - each.due) / MINUTE
    started = time_of_day(job.created_at) + (f", {late:.0f} min late" if late >= 1 else "")
    skipped = str(each.skipped or "")
    return [
        time_of_day(each.due),
        str(job.source_name),
        started,
        skipped,
        time_of_day(job.completed_at),
        outcome,
    ]


def notices_table(notices: list[Notice], receiver: Receiver) -> str:
    heard = Counter(receiver.ids)
    lines = [
        [time_of_day(each.at), f"`{each.kind}`", str(each.facts["source"]), str(heard[each.key])]
        for each in notices
    ]
    return table(["at", "notice", "source", "requests that brought it"], lines)
