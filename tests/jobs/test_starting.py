"""An accepted job is in the table whatever becomes of its dispatch,
and no browser starts one by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import NOON, Clock, RecordingDispatcher, table_contents

from chalicelib.api.import_request import parse_parameters, refuse_browser
from chalicelib.errors import (
    ImportAlreadyRunning,
    RequestForbidden,
    StateUnavailable,
    ValidationError,
)
from chalicelib.jobs.event import Event
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.starting import start_import

if TYPE_CHECKING:
    from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"


@pytest.mark.parametrize("failing", [False, True])
def test_an_accepted_job_is_stored_and_dispatched(
    manager: JobManager, clock: Clock, dynamodb: Any, failing: bool
) -> None:
    dispatcher = RecordingDispatcher(failing=failing)

    job = start_import(
        job_manager=manager,
        dispatcher=dispatcher,
        triggered_by="ann",
        parameters={"a": 1},
        clock=clock,
    )

    assert dispatcher.dispatched == ([] if failing else [job.job_id])
    assert (job.created_at, job.triggered_by, job.parameters) == (NOON, "ann", {"a": 1})
    assert job.events == [Event(at=NOON, name="created", facts={"by": "ann"})]
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(job),
        "LOCK#import": {"owner": job.job_id, "since": NOON, "fence": 0, "lease_until": NOON + 360},
    }


def test_a_refused_trigger_stores_and_dispatches_nothing(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    dispatcher = RecordingDispatcher()
    running = start_import(job_manager=manager, dispatcher=dispatcher, clock=clock)
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(ImportAlreadyRunning) as refused:
        start_import(job_manager=manager, dispatcher=dispatcher, clock=clock)

    assert refused.value.details == {"job_id": running.job_id, "started_at": NOON}
    assert dispatcher.dispatched == [running.job_id]
    assert table_contents(dynamodb, TABLE) == before


def test_nothing_is_dispatched_that_is_not_in_the_table(
    manager: JobManager, clock: Clock, aws: Any
) -> None:
    dispatcher = RecordingDispatcher()
    aws.stop()

    with pytest.raises(StateUnavailable):
        start_import(job_manager=manager, dispatcher=dispatcher, clock=clock)

    assert dispatcher.dispatched == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"sec-fetch-site": "Cross-Site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Site": "same-origin"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
    ],
)
def test_what_a_browser_sends_by_itself_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RequestForbidden):
        refuse_browser(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Accept": "application/json", "Authorization": "Bearer x"},
    ],
)
def test_what_was_asked_for_is_let_through(headers: dict[str, str]) -> None:
    refuse_browser(headers)


@pytest.mark.parametrize(
    ("query", "body", "parameters"),
    [
        ({}, "", {}),
        ({}, b" {} ", {}),
        ({"full": ["true"]}, "", {"full": True}),
        ({"full": ["false"]}, "", {}),
        ({}, '{"full": true}', {"full": True}),
        ({}, b'{"full": false}', {}),
        ({"full": ["true"]}, '{"full": true}', {"full": True}),
        (
            {"field_code": ["-7"], "from": ["2024-01-01"]},
            "",
            {"field_code": "-7", "from": "2024-01-01"},
        ),
        ({"to": ["2024-01-31"]}, '{"field_code": 7}', {"field_code": "7", "to": "2024-01-31"}),
        (
            {"from": ["2024-01-31"]},
            '{"to": "2024-01-31", "full": false}',
            {"from": "2024-01-31", "to": "2024-01-31"},
        ),
        ({"field_code": ["7"]}, '{"field_code": 7}', {"field_code": "7"}),
        ({}, '{"field_code": "007"}', {"field_code": "007"}),
    ],
)
def test_what_is_asked_for_is_read(
    query: dict[str, list[str]], body: str | bytes, parameters: dict[str, Any]
) -> None:
    assert parse_parameters(query, body) == parameters


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ({"full": ["yes"]}, "", "full"),
        ({"full": [""]}, "", "full"),
        ({"full": ["true", "true"]}, "", "full"),
        ({"ful": ["true"]}, "", "ful"),
        ({"full": ["true"]}, '{"full": false}', "full"),
        ({}, '{"full": "true"}', "full"),
        ({}, '{"full": null}', "full"),
        ({}, '{"since": 1}', "body"),
        ({}, '["full"]', "body"),
        ({"field_code": [""]}, "", "field_code"),
        ({"field_code": ["7" * 101]}, "", "field_code"),
        ({}, '{"field_code": true}', "field_code"),
        ({}, '{"field_code": 1.5}', "field_code"),
        ({"from": ["2024-02-30"]}, "", "from"),
        ({}, '{"to": 20240101}', "to"),
        ({"from": ["2024-02-01"]}, '{"to": "2024-01-31"}', "from"),
        ({"field_code": ["1"]}, '{"field_code": 2}', "field_code"),
    ],
)
def test_what_is_not_understood_is_refused(
    query: dict[str, list[str]], body: str, field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_parameters(query, body)

    assert refused.value.details["field"] == field


def test_a_key_is_not_sent_again_with_other_parameters(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    dispatcher = RecordingDispatcher()
    job = start_import(
        job_manager=manager, dispatcher=dispatcher, parameters={"full": True}, key="k", clock=clock
    )
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(ValidationError) as refused:
        start_import(job_manager=manager, dispatcher=dispatcher, key="k", clock=clock)

    assert refused.value.details == {"field": "Idempotency-Key"}
    assert (table_contents(dynamodb, TABLE), dispatcher.dispatched) == (before, [job.job_id])
