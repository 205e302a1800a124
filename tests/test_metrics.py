"""The figures for CloudWatch:
each is written by a run of the code, in the embedded metric format.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from support.coordination import Clock, a_job
from support.held import hold_job
from support.imports import Budget, Worker
from support.log_lines import Log, logging_to_text
from support.scripted_source import Answer, Serve

from chalicelib.errors import NotStarted, SourceUnavailable
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.pulse import failed_in_a_row, take_pulse
from chalicelib.jobs.sweeper import sweep
from chalicelib.metrics import UNITS, record
from chalicelib.services import Services
from local.source.faults import Faults
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.job import Job

HOUR = 3600

# Written from the specification: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
# CloudWatch_Embedded_Metric_Format_Specification.html
NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1024,
    "pattern": r"^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$",
}
UNITS_OF_CLOUDWATCH = [
    "Seconds",
    "Count",
    "Count/Second",
    "Percent",
    "Bytes",
    "None",
]  # some of them
EMBEDDED_METRICS = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {
                    "type": "integer",
                    "minimum": 1_600_000_000_000,
                    "maximum": 9_999_999_999_999,
                },
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {**NAME, "not": {"pattern": "^AWS/"}},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {**NAME, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": NAME,
                                        "Unit": {"enum": UNITS_OF_CLOUDWATCH},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}


def check(line: dict[str, Any]) -> None:
    """The schema, and what it cannot say: whatever a directive names stands in the line itself."""
    jsonschema.validate(line, EMBEDDED_METRICS)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimension in (name for names in directive["Dimensions"] for name in names):
            assert isinstance(line[dimension], str)
            assert 0 < len(line[dimension]) <= 1024
        for metric in directive["Metrics"]:
            assert isinstance(line[metric["Name"]], int | float)
            assert not isinstance(line[metric["Name"]], bool)


def figures(log: Log) -> dict[str, list[float]]:
    """Every value of each metric, in the order of the log."""
    found: dict[str, list[float]] = {}
    for line in log.lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                found.setdefault(metric["Name"], []).append(line[metric["Name"]])
    return found


@pytest.fixture
def log() -> Iterator[Log]:
    with logging_to_text() as log:
        yield log


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(GeneratedProduction(400), max_page_size=100) as source:
        yield source


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    return Worker(
        environment | {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_PAGE_SIZE": "100"}, dynamodb
    )


def test_a_run_of_the_code_writes_every_metric_in_the_embedded_format(
    worker: Worker, source: SampleSource, environment: dict[str, str], log: Log
) -> None:
    """An import with a retry, two workers and a dead one between them; one that is cancelled; one
    that fails; a question; the sweeper. Taken together they are all that the alarms and the
    dashboard can look at.
    """
    source.faults = Faults()
    source.faults.fail_page(2)
    job_id = worker.trigger()
    worker.run(job_id, remaining=Budget(worker.clock, 4))
    worker.manager.claim(job_id, holder="dead")
    worker.clock.advance(76)
    take_pulse(job_manager=worker.manager, clock=worker.clock)
    assert sweep(job_manager=worker.manager, dispatcher=worker.dispatcher) == "restarted"
    worker.run(job_id)
    worker.clock.advance(2 * HOUR)
    take_pulse(job_manager=worker.manager, clock=worker.clock)
    services = Services(environment | {"WELLHEAD_SOURCE_URL": source.url})
    services._timetable.keep(services.sources.plans)
    worker.manager.cancel(worker.trigger())
    source.faults.fail_page(1, status=404)
    worker.import_all()
    services = Services(environment)
    services.answer({"question": "summary"})
    services.send_notices(remaining=lambda: 900.0)
    hold_job(worker.manager, worker.trigger())

    for line in log.lines:
        if "_aws" in line:
            check(line)
    found = figures(log)
    assert set(found) == set(UNITS)
    assert (found["JobsCompleted"], found["JobsCancelled"], found["JobsFailed"]) == ([1], [1], [1])
    assert (sum(found["HandOvers"]), sum(found["LeaseTakeovers"]), sum(found["HttpRetries"])) == (
        1,
        1,
        1,
    )
    assert found["SecondsSinceHeartbeat"] == [76, 0]
    assert 2 <= found["HoursSinceSuccess"][0] < 3
    completed = worker.manager.history(limit=1, status=JobStatus.COMPLETED)[0][0]
    rows = [found[name][0] for name in ("NewRows", "UpdatedRows", "DuplicateRows", "FailedRows")]
    assert sum(rows) == completed.total_records == 400
    assert found["Pages"] == [4]
    assert log.told("the job is CANCELLED")["code"] == "CANCELLED"
    assert found["QuestionErrors"] == [0]
    assert (found["NoticesGivenUp"], found["NoticeAgeSeconds"]) == ([0], [0])
    assert found["StaleSources"] == [0]


def claimed(worker: Worker) -> Job:
    return worker.manager.claim(worker.trigger(), holder="w").job


def test_every_way_to_fail_is_counted(worker: Worker, log: Log) -> None:
    """By its own worker, by the sweeper, and by the trigger that takes the lock of a dead one."""
    claim = worker.manager.claim(worker.trigger(), holder="w")
    worker.manager.finish(claim, claim.job.fail(SourceUnavailable(), at=worker.clock()))
    worker.trigger()
    worker.clock.advance(376)
    sweep(job_manager=worker.manager, dispatcher=worker.dispatcher)
    claimed(worker)
    worker.clock.advance(76)
    worker.manager.create(a_job(worker.clock))

    failed = [line for line in log.lines if "JobsFailed" in line]
    assert [line["code"] for line in failed] == [
        "SOURCE_UNAVAILABLE",
        NotStarted.code,
        "LEASE_EXPIRED",
    ]
    assert {line["level"] for line in failed} == {"ERROR"}


def test_the_rows_of_an_import_that_was_not_published_are_not_counted(
    worker: Worker, log: Log
) -> None:
    claim = worker.manager.claim(worker.trigger(), holder="w")
    worker.manager.finish(claim, claim.job.fail(SourceUnavailable(), at=worker.clock()))

    assert not set(figures(log)) & {
        "NewRows",
        "UpdatedRows",
        "DuplicateRows",
        "FailedRows",
        "RowsPerSecond",
    }


def test_a_second_worker_after_a_hand_over_is_no_takeover_and_did_not_wait(
    worker: Worker, log: Log
) -> None:
    job_id = worker.trigger()
    worker.clock.advance(5)
    first = worker.manager.claim(job_id, holder="w1")
    worker.manager.hand_over(first, first.job)
    worker.clock.advance(5)
    worker.manager.claim(job_id, holder="w2")

    assert figures(log)["PendingSeconds"] == [5]
    assert figures(log)["LeaseTakeovers"] == [0, 0]


def test_the_pulse_of_an_idle_stack_tells_no_silence_and_no_success(
    worker: Worker, log: Log
) -> None:
    take_pulse(job_manager=worker.manager, clock=worker.clock)
    worker.trigger()
    worker.clock.advance(300)
    take_pulse(job_manager=worker.manager, clock=worker.clock)

    assert figures(log) == {
        "SecondsSinceHeartbeat": [0, 0],
        "HeldImports": [0, 0],
        "FailedInARow": [0, 0],
    }


def test_a_held_import_is_no_failure_and_is_told_until_somebody_says_no(
    worker: Worker, log: Log
) -> None:
    held = hold_job(worker.manager, worker.trigger())
    take_pulse(job_manager=worker.manager, clock=worker.clock)
    worker.manager.discard(held.job_id, by="ann")
    take_pulse(job_manager=worker.manager, clock=worker.clock)

    found = figures(log)
    assert (found["HeldImports"], found["JobsHeld"], found["FailedInARow"]) == ([1, 0], [1], [0, 0])
    assert "JobsFailed" not in found


def ended(source: str, status: JobStatus) -> Job:
    job = replace(a_job(Clock()), source_name=source)
    return replace(job, status=status)


@pytest.mark.parametrize(
    ("ends", "failed"),
    [
        ("", 0),
        ("fF", 1),  # one failure each of two sources
        ("ffFF", 2),
        ("fxf", 2),  # a cancelled one says nothing
        ("cff", 0),
        ("fcf", 1),
        ("cfFFCF", 2),
    ],
)
def test_failures_in_a_row_are_those_of_a_source_since_it_completed(ends: str, failed: int) -> None:
    """Newest first: small and large letters are two sources."""
    status = {"f": JobStatus.FAILED, "c": JobStatus.COMPLETED, "x": JobStatus.CANCELLED}
    jobs = [ended("a" if end.islower() else "b", status[end.lower()]) for end in ends]
    rollback = replace(a_job(Clock()), status=JobStatus.FAILED, rollback_to="snapshots/wells-1")

    assert failed_in_a_row(jobs) == failed
    assert failed_in_a_row([rollback, *jobs, rollback]) == failed  # it says nothing of a source


@pytest.mark.parametrize(
    ("event", "errors"), [({"question": "nonsense"}, 0), ({"question": "summary"}, 1)]
)
def test_what_the_caller_does_wrong_is_no_error_of_the_query_function(
    environment: dict[str, str], log: Log, event: dict[str, str], errors: int
) -> None:
    environment["WELLHEAD_TABLE"] = "no-such-table"
    Services(environment).answer(event)

    assert figures(log)["QuestionErrors"] == [errors]


def test_figures_are_written_at_every_level_of_the_log(
    environment: dict[str, str], log: Log
) -> None:
    environment["WELLHEAD_LOG_LEVEL"] = "ERROR"
    _ = Services(environment).settings
    record("an event", {"Pages": 1})
    logging.getLogger("chalicelib.tests").warning("not told")

    assert [line["message"] for line in log.lines] == ["an event"]


def test_a_figure_that_nobody_knows_is_left_out(log: Log) -> None:
    record("an event", {"Pages": None, "NewRows": 0})

    assert figures(log) == {"NewRows": [0]}


def test_nothing_is_written_outside_of_lambda(
    worker: Worker, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Answer())
    worker.import_all()

    assert "_aws" not in capsys.readouterr().out
