"""The routes by which an operator gives his word on a held import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.api_client import READER
from support.held import FINDINGS, hold_job

from chalicelib.jobs.job import JobStatus

if TYPE_CHECKING:
    from support.api_client import Api
    from support.coordination import LambdaHandler

    from chalicelib.jobs.manager import JobManager

TRIGGER, JOBS, STATUS = (f"/api/v1/wells/import/{name}" for name in ("trigger", "jobs", "status"))
ACCEPTED = b'{"findings": ["NULLED", "REJECTED"]}'


def test_a_held_job_is_accepted_once(
    api: Api, manager: JobManager, lambda_handler: type[LambdaHandler]
) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    reply = api.ask("POST", f"{JOBS}/{held.job_id}/accept", ACCEPTED)
    again = api.ask("POST", f"{JOBS}/{held.job_id}/accept", b'{"findings": ["REJECTED", "NULLED"]}')

    job = reply.envelope["data"]
    assert (reply.status, reply.headers["Location"]) == (202, f"../../status/{job['job_id']}")
    assert (job["status"], job["retry_of"], job["accepted_by"]) == ("PENDING", held.job_id, "ada")
    assert job["accepted"] == [finding.fingerprint for finding in FINDINGS if finding.holds]
    assert (again.status, again.envelope["data"]) == (202, job)
    assert api.ask("GET", f"{STATUS}/{held.job_id}").envelope["data"]["retried_by"] == job["job_id"]
    assert {payload["job_id"] for *_, payload in lambda_handler.invocations[1:]} == {job["job_id"]}


def test_who_accepts_again_after_the_end_is_told_the_way_on(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    def accept() -> str:
        message: str = api.ask("POST", f"{JOBS}/{held.job_id}/accept", ACCEPTED).envelope["message"]
        return message

    assert (
        accept()
        == "The findings are accepted. The import that publishes is at the address in Location."
    )
    job = manager.cancel(str(manager.get(held.job_id).retried_by))
    assert accept().endswith("so nothing is published: retry that one, or start a new import.")
    retried = manager.create(job.retry(now=job.created_at, triggered_by="ada"))
    assert accept().endswith(f"{retried.job_id} goes on from it: follow that one.")


def test_one_that_is_held_again_is_told_to_who_accepts_again(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])
    hold_job(
        manager,
        api.ask("POST", f"{JOBS}/{held.job_id}/accept", ACCEPTED).envelope["data"]["job_id"],
    )

    again = api.ask("POST", f"{JOBS}/{held.job_id}/accept", ACCEPTED)

    assert again.envelope["message"].endswith(
        "It is held itself, by new findings: accept or discard that one."
    )


def test_its_findings_are_shown_with_the_job_and_in_the_list(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    shown = api.ask("GET", f"{STATUS}/{held.job_id}").envelope["data"]
    [listed] = api.ask("GET", JOBS).envelope["data"]["jobs"]

    assert (
        shown["findings"] == listed["findings"] == [finding.to_attributes() for finding in FINDINGS]
    )
    assert (shown["error"]["code"], shown["accept_until"]) == ("HELD", held.accept_until)
    assert "diff" not in listed


def test_a_held_job_that_a_later_one_supersedes_says_so_in_its_status_and_in_the_list(
    api: Api, manager: JobManager
) -> None:
    old = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])
    tag = api.ask("GET", f"{STATUS}/{old.job_id}").headers["ETag"]
    new = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    known: dict[str, str | None] = {"If-None-Match": tag}
    shown = api.ask("GET", f"{STATUS}/{old.job_id}", None, **known)
    listed = api.ask("GET", JOBS).envelope["data"]["jobs"]
    refused = api.ask("POST", f"{JOBS}/{old.job_id}/accept", ACCEPTED).envelope["error"]

    late = {"message": refused["message"], "held_since": new.job_id}
    assert (shown.status, shown.envelope["data"]["too_late"]) == (200, late)
    assert [(job["job_id"], job["too_late"]) for job in listed] == [
        (new.job_id, None),
        (old.job_id, late),
    ]
    assert api.ask("GET", f"{STATUS}/{new.job_id}").envelope["data"]["too_late"] is None


def test_a_held_job_is_discarded_and_twice_is_the_same(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    reply = api.ask("POST", f"{JOBS}/{held.job_id}/discard")
    again = api.ask("POST", f"{JOBS}/{held.job_id}/discard")
    late = api.ask("POST", f"{JOBS}/{held.job_id}/accept", ACCEPTED)

    assert (reply.status, reply.envelope["data"]["discarded_by"]) == (200, "ada")
    assert again.envelope == reply.envelope
    assert (late.status, late.envelope["error"]["code"]) == (409, "NOT_HELD")
    assert manager.get(held.job_id).status is JobStatus.FAILED


def test_whoever_names_other_findings_is_told_the_right_ones(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    error = api.ask("POST", f"{JOBS}/{held.job_id}/accept", b'{"findings": ["NULLED"]}').envelope[
        "error"
    ]

    assert (error["code"], error["details"]["findings"]) == (
        "FINDINGS_DIFFER",
        ["NULLED", "REJECTED"],
    )


BODIES = [
    b"",
    b"{}",
    b"[]",
    b"x",
    b'{"findings": []}',
    b'{"findings": "NULLED"}',
    b'{"findings": [1]}',
    b'{"findings": [[]]}',
    b'{"findings": ["HUNTER2"]}',
    b'{"findings": ["NULLED"], "why": 1}',
    b"\xff",
    b"[" * 100_000,
]


def test_a_body_of_another_form_is_refused(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    for body in BODIES:
        reply = api.ask("POST", f"{JOBS}/{held.job_id}/accept", body)

        assert (reply.status, reply.envelope["error"]["code"]) == (400, "VALIDATION_ERROR"), body[
            :40
        ]
        assert "HUNTER2" not in str(reply)


@pytest.mark.parametrize("action", ["accept", "discard"])
def test_only_an_operator_gives_his_word_and_only_on_what_is_held(api: Api, action: str) -> None:
    job_id = api.ask("POST", TRIGGER).envelope["data"]["job_id"]
    body = ACCEPTED if action == "accept" else None

    reader = api.ask("POST", f"{JOBS}/{job_id}/{action}", body, Authorization=f"Bearer {READER}")
    early = api.ask("POST", f"{JOBS}/{job_id}/{action}", body)

    assert (reader.status, reader.envelope["error"]["code"]) == (403, "ROLE_REQUIRED")
    assert (early.status, early.envelope["error"]["code"]) == (409, "NOT_HELD")


def test_a_held_job_is_not_retried(api: Api, manager: JobManager) -> None:
    held = hold_job(manager, api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    error = api.ask("POST", f"{JOBS}/{held.job_id}/retry").envelope["error"]

    assert (error["rule"], error["message"]) == (
        "RETRY_RULE",
        "The job is held by its findings, and would be held again. Accept or discard it.",
    )
