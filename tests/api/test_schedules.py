"""The routes of schedules: what is shown of them, and who pauses and resumes one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import ADMIN, OPERATOR, READER
from support.sources import a_definition

from chalicelib.jobs.cron import Cron
from chalicelib.jobs.lock import source_key

if TYPE_CHECKING:
    from support.api_client import Api, Reply

SOURCES = "/api/v1/sources"
NAME = f"{SOURCES}/north-sea"
YEARLY = "0 5 1 1 *"


def define(api: Api, **values: Any) -> Reply:
    body = json.dumps(a_definition(**values)).encode()
    return api.ask("PUT", NAME, body, Authorization=f"Bearer {ADMIN}")


def test_a_schedule_is_shown_with_its_next_due_time_at_once(api: Api) -> None:
    put = define(api, schedule=YEARLY, timezone="Europe/Oslo", fresh_for="26 h", pause_after=3)

    next_due = Cron(YEARLY, "Europe/Oslo").next(time.time())
    (listed,) = [
        each
        for each in api.ask("GET", SOURCES).envelope["data"]["sources"]
        if each["name"] == "north-sea"
    ]
    state = {
        "next_due": next_due,
        "last_due": None,
        "last_due_job_id": None,
        "skipped": 0,
        "paused": None,
    }
    facts = {
        "schedule": YEARLY,
        "timezone": "Europe/Oslo",
        "fresh_for": "26 h",
        "pause_after": 3,
        "stale_since": None,
    }
    for shown in (put.envelope["data"], api.ask("GET", NAME).envelope["data"], listed):
        assert (facts | state).items() <= shown.items()


def test_a_source_without_a_schedule_has_no_due_time_and_nothing_to_pause(api: Api) -> None:
    shown = define(api).envelope["data"]
    assert (shown["schedule"], shown["next_due"], shown["timezone"], shown["fresh_for"]) == (
        "",
        None,
        "",
        "",
    )

    for name, code in (
        ("north-sea", "BUSINESS_RULE_VIOLATION"),
        ("default", "BUSINESS_RULE_VIOLATION"),
    ):
        refused = api.ask("POST", f"{SOURCES}/{name}/pause").envelope["error"]
        assert (refused["code"], refused["rule"]) == (code, "SCHEDULE_RULE")
    assert api.ask("POST", f"{SOURCES}/nobody/pause").envelope["error"]["code"] == "SOURCE_UNKNOWN"


def test_an_operator_pauses_and_resumes_it(api: Api) -> None:
    define(api, schedule=YEARLY)
    due = api.ask("GET", NAME).envelope["data"]["next_due"]

    paused = api.ask("POST", f"{NAME}/pause")
    assert paused.status == 200
    assert paused.envelope["message"] == "The schedule of north-sea is paused."
    told = paused.envelope["data"]
    assert (told["next_due"], told["paused"]["by"], told["paused"]["reason"]) == (
        None,
        "ada",
        "ada has paused it.",
    )
    assert api.ask("POST", f"{NAME}/pause").envelope["data"] == told
    assert api.ask("GET", NAME).envelope["data"]["paused"] == told["paused"]

    resumed = api.ask("POST", f"{NAME}/resume").envelope["data"]
    assert (resumed["next_due"], resumed["paused"]) == (due, None)
    assert api.ask("POST", f"{NAME}/resume").envelope["data"] == resumed


@pytest.mark.parametrize(("token", "status"), [(READER, 403), (OPERATOR, 200), (ADMIN, 200)])
def test_readers_pause_nothing(api: Api, token: str, status: int) -> None:
    define(api, schedule=YEARLY)

    for act in ("pause", "resume"):
        assert api.ask("POST", f"{NAME}/{act}", Authorization=f"Bearer {token}").status == status


def test_data_that_is_too_old_is_shown_so(api: Api, dynamodb: Any) -> None:
    created = define(api, fresh_for="1 min").envelope["data"]["created_at"]
    for moved, since in ((0.0, None), (90.0, created - 30)):
        dynamodb.update_item(
            TableName="wellhead-test",
            Key={name: {"S": value} for name, value in source_key("north-sea").items()},
            UpdateExpression="SET created_at = :at",
            ExpressionAttributeValues={":at": {"N": str(created - moved)}},
        )
        assert api.ask("GET", NAME).envelope["data"]["stale_since"] == since


@pytest.mark.parametrize(
    ("key", "value", "problem", "instead"),
    [
        (
            "schedule",
            "0 5 30 2 *",
            'is "0 5 30 2 *", which never comes',
            "a day that one of its months has",
        ),
        (
            "schedule",
            "0 25 * * *",
            'is "0 25 * * *", whose hour "25" is none',
            "five fields of cron: minute, hour, day of",
        ),
        (
            "timezone",
            "America/Houston",
            'is "America/Houston", which is no time zone',
            "a name of the IANA list such as",
        ),
        (
            "fresh_for",
            "a day",
            'is "a day"',
            'a time such as "26 h", "3 d" or "90 min", or an empty text',
        ),
        ("pause_after", 0, "is 0", "a whole number from 1 to 100"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(
    api: Api, key: str, value: Any, problem: str, instead: str
) -> None:
    (fault,) = define(api, **{key: value}).envelope["error"]["details"]["faults"]

    assert (fault["key"], fault["problem"]) == (key, problem)
    assert fault["instead"].startswith(instead)
