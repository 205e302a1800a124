"""The routes of notices, and the function that sends them, on the laptop's AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support.api_client import ADMIN, OPERATOR, READER, Api
from support.coordination import aws_client
from support.receiver import SECRET, Receiver, status

from chalicelib.services import Services
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.aws.emulator import LocalAws

NOTICES = "/api/v1/notices"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def environment(environment: dict[str, str], aws: LocalAws, receiver: Receiver) -> dict[str, str]:
    aws.put_parameter("/webhook", SECRET)
    told = {"WELLHEAD_WEBHOOK_URL": receiver.url, "WELLHEAD_WEBHOOK_SECRET": "/webhook"}
    return environment | told | {"WELLHEAD_SOURCE_REACH": "anywhere", "WELLHEAD_STAGE": "test"}


def ask(api: Api, method: str, path: str, token: str = READER) -> Any:
    reply = api.ask(method, path, Authorization=f"Bearer {token}")
    assert reply.status < 300, reply
    return reply.envelope["data"]


def send(environment: dict[str, str]) -> dict[str, int]:
    return Services(environment).send_notices(remaining=lambda: 60.0)


class Bus(LoopbackHandler):
    """PutEvents of EventBridge:
    keeps the entries, and answers as it does for each that it takes or refuses.
    """

    entries: ClassVar[list[dict[str, Any]]]
    refuses: ClassVar[bool] = False

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        entries = json.loads(self.read_body())["Entries"]
        self.entries.extend(entries)
        told = (
            {"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow."}
            if self.refuses
            else {"EventId": "1"}
        )
        answer = {
            "FailedEntryCount": len(entries) * self.refuses,
            "Entries": [told for _ in entries],
        }
        self.answer(
            200, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"}
        )


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Bus]]:
    handler = type("Handler", (Bus,), {"entries": []})
    server = LoopbackServer(handler).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.url)
    yield handler
    server.stop()


def test_a_test_goes_the_way_of_every_notice(
    api: Api, environment: dict[str, str], receiver: Receiver, bus: type[Bus]
) -> None:
    key = ask(api, "POST", f"{NOTICES}/test", ADMIN)["key"]
    [waits] = ask(api, "GET", NOTICES)["notices"]
    assert (waits["key"], waits["state"], waits["deliveries"]) == (key, "WAITING", [])
    assert send(environment) == {"done": 1, "waiting": 0}

    [sent] = ask(api, "GET", NOTICES)["notices"]
    assert (sent["key"], sent["kind"], sent["state"]) == (key, "notice.test", "SENT")
    states = {each["channel"]: each["state"] for each in sent["deliveries"]}
    assert states == {"events": "SENT", "webhook": "SENT"}
    [entry] = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("wellhead", "Notice test")
    told = {name: sent[name] for name in ("key", "kind", "at", "text", "facts")}
    assert json.loads(entry["Detail"]) == {"stage": "test", **told}
    assert receiver.ids == [key]
    assert receiver.received[0].is_genuine
    assert receiver.received[0].body["data"]["facts"]["triggered_by"] == "eve"


def test_an_entry_that_the_bus_refuses_is_sent_again(
    environment: dict[str, str], bus: type[Bus]
) -> None:
    """It answers 200 all the same."""
    bus.refuses = True
    services = Services(environment)
    services.outbox.put(kind="source.stale", key="a", facts={})
    services.send_notices(remaining=lambda: 60.0)

    [notice] = services.outbox.latest(1)
    delivery = notice.deliveries["events"]
    assert (delivery.state, delivery.error) == (
        "WAITING",
        "EventBridge did not take the event (ThrottlingException).",
    )
    assert notice.deliveries["webhook"].state == "SENT"


def test_the_end_of_an_import_is_told_and_a_failure_shown(
    api: Api, environment: dict[str, str], receiver: Receiver
) -> None:
    receiver.turns = [status(503, Retry_After="900")]
    job_id = ask(api, "POST", "/api/v1/wells/import/trigger", OPERATOR)["job_id"]
    ask(api, "POST", f"/api/v1/wells/import/jobs/{job_id}/cancel", OPERATOR)

    assert send(environment) == {"done": 0, "waiting": 1}

    [notice] = ask(api, "GET", f"{NOTICES}?limit=5")["notices"]
    events, webhook = notice["deliveries"]
    assert (notice["key"], notice["kind"], notice["state"]) == (
        job_id,
        "import.cancelled",
        "WAITING",
    )
    assert notice["facts"]["status"] == "CANCELLED"
    assert (events["state"], webhook["state"], webhook["attempts"]) == ("SENT", "WAITING", 1)
    assert webhook["error"] == "The receiver answered with HTTP 503."
    assert receiver.url not in json.dumps(notice)


def test_mails_go_to_the_topic(environment: dict[str, str], aws: LocalAws) -> None:
    """SNS on the laptop has nobody to mail to;
    a topic that is not there shows what a refusal becomes.
    """
    topic = aws_client(aws.url, "sns").create_topic(Name="imports")["TopicArn"]
    services = Services(environment | {"WELLHEAD_NOTICES_TOPIC": topic})
    services.outbox.put(kind="source.stale", key="a", facts={"message": "gulf is stale."})
    services.send_notices(remaining=lambda: 60.0)
    gone = Services(environment | {"WELLHEAD_NOTICES_TOPIC": topic.replace("imports", "nowhere")})
    gone.outbox.put(kind="source.stale", key="b", facts={"message": "gulf is stale."})
    gone.send_notices(remaining=lambda: 60.0)

    b, a = services.outbox.latest(2)
    assert a.deliveries["mail"].state == "SENT"
    assert (b.deliveries["mail"].state, b.deliveries["mail"].error) == (
        "WAITING",
        "SNS did not take the notice (NotFound).",
    )
    assert b.deliveries["events"].state == b.deliveries["webhook"].state == "SENT"


def test_a_secret_that_is_not_there_is_told_and_looked_for_again(
    environment: dict[str, str],
) -> None:
    services = Services(environment | {"WELLHEAD_WEBHOOK_SECRET": "/none"})
    services.outbox.put(kind="source.stale", key="a", facts={})
    services.send_notices(remaining=lambda: 60.0)

    [notice] = services.outbox.latest(1)
    assert notice.deliveries["webhook"].state == "WAITING"
    assert "WELLHEAD_WEBHOOK_SECRET names no secret" in str(notice.deliveries["webhook"].error)
    assert "/none" not in str(notice.deliveries["webhook"].error)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "page=2"])
def test_the_list_refuses_what_it_does_not_know(api: Api, query: str) -> None:
    reply = api.ask("GET", f"{NOTICES}?{query}", Authorization=f"Bearer {READER}")

    assert (reply.status, reply.envelope["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_list_that_is_known_is_not_sent_again(api: Api) -> None:
    first = api.ask("GET", NOTICES, Authorization=f"Bearer {READER}")
    tag = first.headers["ETag"]

    assert (
        api.exchange("GET", NOTICES, Authorization=f"Bearer {READER}", If_None_Match=tag).status
        == 304
    )
