"""The log of a job:
which lines are kept, in what order, at what cost, and what never gets into one.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.coordination import Clock, RecordingDispatcher, SilentTable, a_job, aws_client

from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job_log import (
    KEPT_SECONDS,
    LINES_OF_ITEM,
    LONGEST_LINE,
    MOST_LINES,
    PLACES,
    LogLine,
    LogTable,
)
from chalicelib.jobs.lock import log_key
from chalicelib.jobs.log_collection import (
    BROKEN_SECONDS,
    STORE_SECONDS,
    OthersLog,
    WorkerLog,
    collecting,
)
from chalicelib.jobs.sweeper import sweep
from chalicelib.jobs.table import Table
from chalicelib.logs import start_log_context
from chalicelib.metrics import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"
JOB, OTHER = "018cc251-f400-7000-8000-000000000001", "018cc251-f400-7000-8000-000000000002"
log = logging.getLogger("chalicelib.imports.of_a_test")


@pytest.fixture
def table(dynamodb: Any, clock: Clock) -> LogTable:
    return LogTable(Table(dynamodb=dynamodb, name=TABLE), clock=clock)


@contextmanager
def at_work(worker_log: WorkerLog, *, fence: int = 1) -> Iterator[None]:
    """As run_import has it, with the level of a function."""
    ours = logging.getLogger("chalicelib")
    before = ours.level
    ours.setLevel(logging.INFO)
    start_log_context(job_id=JOB, attempt=fence, fence=fence)
    try:
        with collecting(worker_log):
            yield
    finally:
        ours.setLevel(before)
        start_log_context()


def worker(table: LogTable, clock: Clock) -> WorkerLog:
    return WorkerLog(JOB, table=table, clock=clock)


def texts(table: LogTable) -> list[str]:
    return [line.text for line in table.read(JOB)]


def items(dynamodb: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName=TABLE)["Items"]
    return [item for item in found if item["pk"]["S"].startswith("LOG#")]


def test_what_a_worker_logs_is_read_back_in_its_order(
    table: LogTable, clock: Clock, dynamodb: Any
) -> None:
    mine = worker(table, clock)
    with at_work(mine, fence=7):
        log.info("checkpoint", extra={"page": 3, "rows": 5000})
        log.warning("the source is asked again", extra={"code": "SOURCE_UNAVAILABLE"})
        log.debug("of no interest")
        mine.store()

    first, second = (line.view() for line in table.read(JOB))
    assert (first["text"], first["level"]) == ("checkpoint (page 3, rows 5,000)", "INFO")
    assert (second["text"], second["level"]) == (
        "the source is asked again (code SOURCE_UNAVAILABLE)",
        "WARNING",
    )
    assert (first["attempt"], first["fence"]) == (7, 7)
    [item] = items(dynamodb)
    assert item["sk"]["S"] == "0000000007#worker#00"
    assert int(item["expires_at"]["N"]) == clock() + KEPT_SECONDS


def test_many_lines_are_one_write_every_few_seconds(dynamodb: Any, clock: Clock) -> None:
    writes = []

    class Counting(Table):
        def transact(self, writes_of_it: list[dict[str, Any]]) -> None:
            writes.append(len(writes_of_it))
            super().transact(writes_of_it)

    mine = worker(LogTable(Counting(dynamodb=dynamodb, name=TABLE), clock=clock), clock)
    with at_work(mine):
        for number in range(20):
            log.info("line %s", number)
            mine.store()
            clock.advance(0.5)
        assert writes == [1, 1]  # at once, and after STORE_SECONDS
        mine.store(at_once=True)
        mine.store(at_once=True)  # nothing is new
    assert writes == [1, 1, 1]
    assert STORE_SECONDS == 5


def test_of_a_long_import_the_last_lines_are_kept_in_a_few_small_items(
    table: LogTable, clock: Clock, dynamodb: Any
) -> None:
    mine = worker(table, clock)
    with at_work(mine):
        for number in range(400):
            log.info("%s %s", number, "\N{OIL DRUM}" * LONGEST_LINE)
            if number % 40 == 0:
                mine.store(at_once=True)
        mine.store(at_once=True)

    assert [int(text.split()[0]) for text in texts(table)] == list(range(200, 400))
    assert {len(text) for text in texts(table)} == {LONGEST_LINE}
    assert len(items(dynamodb)) == PLACES
    assert all(len(str(item).encode()) < 64_000 for item in items(dynamodb))


@given(batches=st.lists(st.integers(0, 60), max_size=12), fences=st.integers(1, 3))
@settings(max_examples=25)
def test_however_lines_are_batched_the_newest_are_read_in_their_order(
    batches: list[int], fences: int
) -> None:
    class Memory:
        """As the table answers: by falling sort key."""

        def __init__(self) -> None:
            self.items: dict[str, dict[str, Any]] = {}

        def put(self, item: dict[str, Any], **_: Any) -> dict[str, Any]:
            return item

        def transact(self, writes: list[dict[str, Any]]) -> None:
            self.items |= {item["sk"]: item for item in writes}

        def newest(self, _: str, *, limit: int, names: Any, before: str | None) -> Any:
            keys = [
                key for key in sorted(self.items, reverse=True) if before is None or key < before
            ]
            page = keys[:limit]
            return [self.items[key] for key in page], page[-1] if len(keys) > limit else None

    table = LogTable(Memory(), clock=Clock())  # type: ignore[arg-type]
    logged = 0
    for fence in range(1, fences + 1):
        mine = WorkerLog(JOB, table=table, clock=Clock())
        with at_work(mine, fence=fence):
            for size in batches:
                for _ in range(size):
                    log.info("%s", logged)
                    logged += 1
                mine.store(at_once=True)

    assert [int(line.text) for line in table.read(JOB)] == list(
        range(max(0, logged - MOST_LINES), logged)
    )


def test_the_lines_of_a_later_worker_come_later_whatever_its_clock_shows(table: LogTable) -> None:
    for fence, at in ((1, 5000.0), (2, 10.0)):
        table.write(
            JOB, fence, [LogLine(at=at, level="INFO", text=f"of {fence}", fence=fence)], place=0
        )

    assert texts(table) == ["of 1", "of 2"]


def test_only_lines_of_this_job_and_of_this_claim_are_kept(table: LogTable, clock: Clock) -> None:
    mine = worker(table, clock)
    with at_work(mine):
        log.info("mine")
        log.info("another's", extra={"job_id": OTHER})
        logging.getLogger("botocore.of_a_test").warning("a library's")
        record("a page is there", {"PageSeconds": 0.1}, page=1)
        start_log_context(job_id=JOB)
        log.info("before the claim")
        mine.store()

    assert texts(table) == ["mine"]


def test_of_an_error_a_line_has_its_class_or_our_own_sentence(
    table: LogTable, clock: Clock
) -> None:
    mine = worker(table, clock)
    with at_work(mine):
        try:
            dict[str, str]()["hunter2"]
        except KeyError as exc:
            log.exception("the import failed unexpectedly")
            log.warning("the dispatch failed: %s", exc)
        log.error("the import failed: %s", SourceUnavailable(page=2))
        mine.store()

    whole = texts(table)
    assert whole[:2] == [
        "the import failed unexpectedly (KeyError)",
        "the dispatch failed: KeyError",
    ]
    assert whole[2] == f"the import failed: {SourceUnavailable(page=2).message}"
    assert "Traceback" not in str(whole)


def test_what_the_import_knows_as_secret_is_taken_out_before_a_line_is_cut(
    table: LogTable, clock: Clock
) -> None:
    mine = worker(table, clock)
    mine.hide_with(lambda text: text.replace("hunter2hunter2", "…"))
    with at_work(mine):
        log.info("%s", "x" * (LONGEST_LINE - 5) + "hunter2hunter2")
        mine.store()

    assert "hunt" not in texts(table)[0]


def test_no_text_of_a_source_and_no_odd_record_breaks_the_log(
    table: LogTable, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        logging.getLogger("chalicelib"), "propagate", False
    )  # pytest cannot send half a character on
    mine = worker(table, clock)
    raised, logging.raiseExceptions = logging.raiseExceptions, False
    with at_work(mine):
        log.info("said %s", "half \ud800 and \x00 and \x1b[2J")
        log.info("%s and %s", "one")  # noqa: PLE1206  a mistake of ours
        log.info("after it")
        mine.store()
    logging.raiseExceptions = raised

    assert texts(table) == ["said half ? and \x00 and \x1b[2J", "after it"]


def test_a_write_that_fails_fails_no_import_and_loses_no_line(dynamodb: Any, clock: Clock) -> None:
    gone = aws_client("http://127.0.0.1:9")
    broken = worker(LogTable(Table(dynamodb=gone, name=TABLE), clock=clock), clock)
    with at_work(broken):
        log.info("one")
        broken.store()
        log.info("two")
        broken.store(at_once=True)  # not tried again so soon: each try may take seconds
        broken._table = LogTable(Table(dynamodb=dynamodb, name=TABLE), clock=clock)
        clock.advance(BROKEN_SECONDS)
        broken.store()

    kept = texts(LogTable(Table(dynamodb=dynamodb, name=TABLE)))
    assert [text for text in kept if text in ("one", "two")] == ["one", "two"]
    assert "the log of the job could not be stored: StateUnavailable" in kept


def test_an_answer_that_was_lost_doubles_no_line(dynamodb: Any, clock: Clock) -> None:
    mine = worker(LogTable(SilentTable(dynamodb=dynamodb, name=TABLE), clock=clock), clock)
    with at_work(mine):
        log.info("one")
        mine.store()
        mine._table = LogTable(Table(dynamodb=dynamodb, name=TABLE), clock=clock)
        clock.advance(BROKEN_SECONDS)
        mine.store()

    assert texts(LogTable(Table(dynamodb=dynamodb, name=TABLE))).count("one") == 1


def test_what_the_sweeper_does_with_a_job_stands_in_its_log(
    manager: JobManager, table: LogTable, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chalicelib")
    job = manager.create(a_job(clock))
    manager.claim(job.job_id, holder="dead")
    clock.advance(3600)
    sweeper = OthersLog("sweeper", clock=clock)
    with collecting(sweeper):
        sweep(job_manager=manager, dispatcher=RecordingDispatcher())
    sweeper.store(table=table, job_manager=manager)

    lines = table.read(job.job_id)
    told = [(line.text, line.level, line.attempt, line.fence) for line in lines]
    assert told == [
        ("the worker died, another one goes on", "WARNING", None, 1),
        ("the job is dispatched again", "INFO", None, 1),
    ]


def test_a_job_that_is_gone_gets_no_log(
    manager: JobManager, table: LogTable, dynamodb: Any
) -> None:
    sweeper = OthersLog("sweeper")
    with collecting(sweeper):
        logging.getLogger("chalicelib.jobs.of_a_test").warning("of a job", extra={"job_id": OTHER})
    sweeper.store(table=table, job_manager=manager)

    assert items(dynamodb) == []


def test_the_parts_of_a_key_are_in_the_order_of_their_numbers() -> None:
    assert log_key(JOB, 9, "worker", 0)["sk"] < log_key(JOB, 10, "worker", 0)["sk"]
    assert PLACES * LINES_OF_ITEM >= MOST_LINES + LINES_OF_ITEM
    assert to_item(log_key(JOB, 1, "worker", 8))["sk"] == {"S": "0000000001#worker#08"}
