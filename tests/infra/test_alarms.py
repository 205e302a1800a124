"""Every alarm of the template rings for something that really happens, and stops ringing when that
is over.

What runs: imports by the real worker, the real sweeper's pulse, the API behind its gateway,
deployed functions, and the lines that they write. What of CloudWatch is emulated and what is the
tests' own: tests/support/alarmed_stack.py.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from simulation.dynamodb import InMemoryDynamoDb
from support.alarm_rules import ALARM, OK
from support.alarm_story import HOUR, MINUTE, Story
from support.alarmed_stack import STACK, AlarmedStack
from support.imports import Worker
from support.log_lines import logging_to_text
from support.mini_stack import MiniStack
from support.packaged import STAGE, packaged
from support.receiver import Receiver, status
from support.scripted_source import Answer, ScriptedSource

from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.schedule import Plan
from chalicelib.jobs.schedules import Schedules
from chalicelib.jobs.table import Table
from chalicelib.jobs.timetable import Timetable
from chalicelib.services import Services
from infra.fragments import merged_fragments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.api_client import Api
    from support.scripted_source import ScriptedHandler

    Tell = Callable[[Story, pytest.FixtureRequest], object]

PARAMETERS = {
    "Stage": STAGE,
    "SourceUrl": "http://127.0.0.1:9/odata",
    "NoSuccessHours": "2",
    "ApiSlowMs": "300",
}
EVERY_MINUTE = json.loads(
    (Path(__file__).parents[2] / "infra" / "events" / "sweeper.json").read_text()
)
ROWS: list[dict[str, Any]] = [
    {
        "field_code": 1,
        "well_code": well,
        "production_period": "2020-01-01",
        "oil_production_kbd": 2.0,
    }
    for well in range(100)
]
STORIES: list[tuple[str, Tell]] = []


def bad(rows: int) -> list[dict[str, Any]]:
    return [{**row, "oil_production_kbd": "much"} for row in ROWS[:rows]] + ROWS[rows:]


def rings(alarm: str) -> Callable[[Tell], Tell]:
    """What this function tells makes the alarm ring, and then stop."""

    def keep(tell: Tell) -> Tell:
        STORIES.append((alarm, tell))
        return tell

    return keep


# -- what becomes of imports


@rings("ImportFailed")
def an_import_fails(story: Story, _: pytest.FixtureRequest) -> None:
    assert story.failed().status == "FAILED"
    story.later(HOUR)


@rings("FailedTwice")
def two_imports_fail_until_one_completes(story: Story, _: pytest.FixtureRequest) -> None:
    story.failed()
    story.sweeps(minutes=10)
    story.failed()
    story.sweeps(minutes=20)
    assert story.imported(ROWS).status == "COMPLETED"
    story.sweeps(minutes=20)


@rings("ImportHeld")
def an_import_is_held_until_somebody_says_no(story: Story, _: pytest.FixtureRequest) -> None:
    story.sweeps(minutes=10)
    held = story.imported(bad(40))
    assert (held.error or {})["code"] == "HELD"
    story.sweeps(minutes=20)
    story.worker.manager.discard(held.job_id, by="ann")
    story.sweeps(minutes=20)


@rings("RejectsHigh")
def an_import_is_published_without_some_of_its_rows(story: Story, _: pytest.FixtureRequest) -> None:
    assert story.imported(bad(1)).failed_records == 1
    story.later(HOUR)
    assert story.imported(bad(3)).status == "COMPLETED"
    story.later(HOUR)
    story.imported(ROWS)
    story.later(HOUR)


@rings("NoSuccess")
def nothing_is_imported_for_hours(story: Story, _: pytest.FixtureRequest) -> None:
    story.imported(ROWS)
    story.sweeps(minutes=10)
    story.later(1.5 * HOUR)
    story.failed()
    story.sweeps(minutes=45)
    story.imported(ROWS)
    story.sweeps(minutes=20)


# -- the sweeper


@rings("NoHeartbeat")
def the_sweeper_is_silent(story: Story, _: pytest.FixtureRequest) -> None:
    story.sweeps(minutes=10, every=1)
    story.later(15 * MINUTE)
    story.sweeps(minutes=10, every=1)


@rings("NoHeartbeat")
def a_dead_worker_is_not_replaced(story: Story, _: pytest.FixtureRequest) -> None:
    story.sweeps(minutes=5, every=1)
    job_id = story.claimed()
    story.sweeps(minutes=25, every=1)
    story.worker.run(job_id)
    story.sweeps(minutes=10, every=1)


@rings("SweeperErrors")
def the_sweeper_fails_at_every_start(story: Story, _: pytest.FixtureRequest) -> None:
    """MiniStack counts three errors now; the same is put for this period and the next."""
    story.calls("Sweeper", EVERY_MINUTE, times=3)
    assert story.counted("Sweeper", "Errors") == 3
    for errors in (3, 3, 0):
        story.measures(
            "AWS/Lambda", "Errors", errors, "Count", FunctionName=story.stack.names["Sweeper"]
        )
        story.later(5 * MINUTE)
    story.later(HOUR)


@rings("EventsUntaken")
def a_failed_event_cannot_be_taken_up(story: Story, _: pytest.FixtureRequest) -> None:
    """The function fails three times, then Lambda sends the event to the queue.
    What SQS would say of its length is what MiniStack's queue says when it is asked.
    """
    queue = story.stack.client("sqs")
    url = queue.get_queue_url(QueueName=f"{STACK}-untaken-events")["QueueUrl"]

    def visible() -> int:
        told = queue.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def measured() -> None:
        dimensions = {"QueueName": url.rpartition("/")[2]}
        story.measures(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", visible(), "Count", **dimensions
        )
        story.later(5 * MINUTE)

    measured()
    payload = json.dumps({"requestPayload": {"job_id": "01a205bb-a53b-7b6c-bac8-cee37c9b7414"}})
    story.stack.client("lambda").invoke(
        FunctionName=f"{STACK}-failed-event", InvocationType="Event", Payload=payload
    )
    deadline = time.monotonic() + 60
    while not visible():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    measured()
    queue.purge_queue(QueueUrl=url)
    measured()
    story.later(HOUR)


# -- schedules and notices


@rings("StaleSources")
def nothing_comes_of_a_source_until_its_definition_lets_it(
    story: Story, _: pytest.FixtureRequest
) -> None:
    clock = story.worker.clock
    dynamodb: Any = InMemoryDynamoDb()  # the answers of moto have the real time
    table = Table(dynamodb=dynamodb, name="stale", clock=clock)
    timetable = Timetable(
        schedules=Schedules(table=table, clock=clock),
        job_manager=JobManager(table=table, lease=Lease(), clock=clock),
        dispatcher=story.worker.dispatcher,
        source_id_of=lambda plan: plan.source,
    )
    plan = Plan(
        source="gulf",
        version=1,
        created_at=clock(),
        updated_at=clock(),
        fresh_seconds=20.0 * MINUTE,
    )
    for each in (*[plan] * 8, replace(plan, version=2, fresh_seconds=10.0 * HOUR)):
        timetable.keep(lambda each=each: [each])  # type: ignore[misc]
        story.later(5 * MINUTE)
    story.later(HOUR)


@rings("NoticesGivenUp")
def a_receiver_wants_to_hear_nothing_more(story: Story, _: pytest.FixtureRequest) -> None:
    with Receiver(status(410)) as receiver:
        story.failed()
        story.sends(receiver, minutes=3)
    story.later(HOUR)


@rings("NoticesLate")
def a_receiver_is_away_for_two_hours(story: Story, _: pytest.FixtureRequest) -> None:
    with Receiver(*[status(503)] * 8) as receiver:
        story.sends(receiver, minutes=10, every=5)
        story.failed()
        story.sends(receiver, minutes=200, every=5)
        assert receiver.turns == []


# -- questions and the API


@rings("QueryErrors")
def questions_are_answered_with_errors_and_the_function_dies(
    story: Story, _: pytest.FixtureRequest
) -> None:
    """Two answers by the deployed function, as it tells them;
    a third that it does not live to give.
    """
    story.calls("Query", {"question": "summary"}, times=2)
    functions = story.stack.client("lambda")
    name = story.stack.names["Query"]
    told = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {"Variables": {**told, "WELLHEAD_LEASE_SECONDS": "never"}}
    functions.update_function_configuration(FunctionName=name, Environment=broken)
    story.calls("Query", {"question": "summary"})
    assert story.counted("Query", "Errors") == 1
    story.measures("AWS/Lambda", "Errors", 1, "Count", FunctionName=name)
    story.later(HOUR)


@rings("ApiErrors")
def the_job_table_is_gone(story: Story, request: pytest.FixtureRequest) -> None:
    """API Gateway counts 1 for an answer of 5xx and 0 for another."""
    request.getfixturevalue("environment")["WELLHEAD_TABLE"] = "no-such-table"
    api: Api = request.getfixturevalue("api")
    for number in range(6):
        status = api.exchange("GET", "/api/v1/wells/import/jobs" if number else "/console").status
        story.measures(
            "AWS/ApiGateway", "5XXError", float(status >= 500), "Count", ApiName=STACK, Stage=STAGE
        )
    story.later(HOUR)


@rings("ApiSlow")
def the_query_function_is_slow(story: Story, request: pytest.FixtureRequest) -> None:
    """API Gateway measures from having a request to having sent its answer, in milliseconds."""

    def slow(handler: ScriptedHandler) -> Answer:
        time.sleep(0.5)
        return Answer(json.dumps(services.answer(json.loads(handler.asked.body))).encode())

    def measured(path: str) -> None:
        began = time.monotonic()
        assert api.exchange("GET", path).status == 200
        taken = 1000 * (time.monotonic() - began)
        story.measures(
            "AWS/ApiGateway", "Latency", taken, "Milliseconds", ApiName=STACK, Stage=STAGE
        )
        story.later(5 * MINUTE)

    story.imported(ROWS)
    environment = request.getfixturevalue("environment")
    environment["WELLHEAD_QUERY_FUNCTION"] = "wellhead-test-query"
    services = Services(environment)
    request.getfixturevalue("lambda_handler")
    with ScriptedSource(slow) as function:
        request.getfixturevalue("monkeypatch").setenv("AWS_ENDPOINT_URL_LAMBDA", function.root)
        api: Api = request.getfixturevalue("api")
        for path in ("/console", *3 * ["/api/v1/wells/production/summary"], "/console"):
            measured(path)
    story.later(HOUR)


@rings("Throttled")
def calls_are_refused_for_their_number(story: Story, _: pytest.FixtureRequest) -> None:
    """No emulator refuses calls: this is what Lambda says it counts."""
    for function, calls in (("APIHandler", 1), ("Authorizer", 1), ("Import", 0), ("Query", 1)):
        story.measures(
            "AWS/Lambda", "Throttles", calls, "Count", FunctionName=story.stack.names[function]
        )
    story.later(HOUR)


# -- the tests


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlarmedStack]:
    """Its functions run as in Lambda, where this variable is set: they write JSON."""
    directory = tmp_path_factory.mktemp("alarms")
    with MiniStack(directory, AWS_LAMBDA_RUNTIME_API="127.0.0.1:9") as mini_stack:
        yield AlarmedStack(mini_stack, packaged(tmp_path_factory), PARAMETERS)


@pytest.mark.parametrize(
    "number", range(len(STORIES)), ids=[f"{alarm}-{tell.__name__}" for alarm, tell in STORIES]
)
def test_an_alarm_rings_and_stops(
    stack: AlarmedStack,
    number: int,
    environment: dict[str, str],
    dynamodb: Any,
    request: pytest.FixtureRequest,
) -> None:
    alarm, tell = STORIES[number]
    with logging_to_text(WELLHEAD_STAGE=STAGE) as log:
        story = Story(stack, number + 1, log, Worker(environment, dynamodb))
        tell(story, request)
        states = story.states(alarm)

    is_rung_by_silence = stack.alarms[alarm]["TreatMissingData"] == "breaching"
    assert states == [*([ALARM] if is_rung_by_silence else []), OK, ALARM, OK]


def test_every_alarm_has_a_story() -> None:
    resources = merged_fragments()["Resources"]
    alarms = {
        name for name, one in resources.items() if one.get("Type") == "AWS::CloudWatch::Alarm"
    }

    assert {alarm for alarm, _ in STORIES} == alarms
