"""The webhook, to a receiver of its own on this machine; and where a deployed one sends nothing."""

from __future__ import annotations

import base64
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.receiver import SECRET, Receiver, dripping, silent, status

from chalicelib.errors import NoticeUnsent, SecretInvalid
from chalicelib.http.inside import NotPublic, public_address
from chalicelib.jobs.notice import Notice, new_notice
from chalicelib.notices.signature import keys_of, signature
from chalicelib.notices.webhook import Webhook
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = {
    "WELLHEAD_TABLE": "table",
    "WELLHEAD_IMPORT_FUNCTION": "import",
    "WELLHEAD_WAREHOUSE": "/warehouse",
    "WELLHEAD_SOURCE_URL": "http://127.0.0.1/source",
    "WELLHEAD_WEBHOOK_SECRET": "/webhook",
}
FACTS = {
    "job_id": "018cc251",
    "text": "The import of gulf is complete: <!channel> [5](http://evil.example) & more.",
}


def a_notice(**facts: Any) -> Notice:
    return new_notice(
        kind="import.completed", key="018cc251-f400", at=1_735_732_800.25, facts=FACTS | facts
    )


def a_webhook(
    url: str, *, reach: str = "anywhere", form: str = "standard", **options: Any
) -> Webhook:
    told = {
        "WELLHEAD_WEBHOOK_URL": url,
        "WELLHEAD_WEBHOOK_FORM": form,
        "WELLHEAD_SOURCE_REACH": reach,
    }
    return Webhook(
        settings=Settings.from_environment(LEAST | told), keys=lambda: keys_of(SECRET), **options
    )


def send_to(receiver: Receiver, **options: Any) -> None:
    a_webhook(receiver.url, **options).send(a_notice())


def test_it_is_genuine_to_who_verifies_it_by_the_specification() -> None:
    with Receiver() as receiver:
        send_to(receiver)

    [received] = receiver.received
    assert received.is_genuine
    assert (received.id, received.headers["content-type"]) == ("018cc251-f400", "application/json")
    assert received.body == {
        "type": "import.completed",
        "timestamp": "2025-01-01T12:00:00.250Z",
        "text": FACTS["text"],
        "data": {
            "stage": "local",
            "key": "018cc251-f400",
            "kind": "import.completed",
            "at": 1_735_732_800.25,
            "facts": FACTS,
        },
    }


def test_the_signature_is_that_of_the_known_vector() -> None:
    """Which the libraries of Standard Webhooks test themselves with."""
    made = signature(
        keys_of(SECRET),
        key="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_gives_way_to_another_it_is_signed_by_both() -> None:
    other = f"whsec_{base64.b64encode(bytes(32)).decode()}"
    with Receiver() as receiver:
        webhook = a_webhook(receiver.url)
        webhook._keys = lambda: keys_of(f"{other} {SECRET}")
        webhook.send(a_notice())

    assert receiver.received[0].is_genuine
    assert len(receiver.received[0].headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"]
)
def test_a_secret_of_another_form_is_told_without_itself(secret: str) -> None:
    with pytest.raises(SecretInvalid, match="secret of the webhook") as told:
        keys_of(secret)

    assert secret in ("", "whsec_") or secret not in told.value.message


def test_slack_gets_a_text_without_markup() -> None:
    with Receiver() as receiver:
        send_to(receiver, form="slack")

    text = "Wellhead (local): The import of gulf is complete: <!channel> [5](http://evil.example) & more."
    assert receiver.received[0].body == {
        "text": "Wellhead (local): Import completed",
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_teams_gets_a_card_whose_text_is_no_markdown() -> None:
    with Receiver() as receiver:
        send_to(receiver, form="teams")

    [received] = receiver.received
    [attachment] = received.body["attachments"]
    assert received.body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert attachment["content"]["type"] == "AdaptiveCard"
    runs = [run for line in attachment["content"]["body"] for run in line["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert [run["text"] for run in runs] == ["Import completed (local)", FACTS["text"]]


ANSWERS = {
    "204": (status(204), None),
    "500": (status(500), {"is_busy": True, "is_final": False, "retry_after": None}),
    "429": (
        status(429, Retry_After="120"),
        {"is_busy": True, "is_final": False, "retry_after": 120.0},
    ),
    "400": (status(400), {"is_busy": False, "is_final": False, "retry_after": None}),
    "410": (status(410), {"is_busy": False, "is_final": True, "retry_after": None}),
    "302": (
        status(302, Location="/elsewhere"),
        {"is_busy": False, "is_final": False, "retry_after": None},
    ),
    "silence": (silent(60.0), {"is_busy": True}),
    "a drip": (dripping, {"is_busy": True}),
}


@pytest.mark.parametrize(("turn", "details"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_means(turn: Callable[[Any], None], details: dict[str, Any] | None) -> None:
    """Redirects are not followed, and no answer takes longer than it may."""
    began = time.monotonic()
    with Receiver(turn) as receiver:
        if details is None:
            send_to(receiver)
        else:
            with pytest.raises(NoticeUnsent) as failed:
                send_to(receiver, seconds=30.0 if len(details) > 1 else 0.5)
            assert failed.value.details == details
            assert receiver.url not in failed.value.message
        assert len(receiver.received) == 1
        assert time.monotonic() - began < 30  # of the minute without an answer


def test_a_receiver_that_is_not_there_is_unreached() -> None:
    with Receiver() as receiver:
        pass

    with pytest.raises(NoticeUnsent, match="cannot be reached"):
        send_to(receiver)


# -- where nothing is sent -----------------------------------------------------------------------------

NOT_PUBLIC = [
    *(
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.254",
    ),
    *(
        "169.254.169.254",
        "169.254.170.2",
        "192.0.0.8",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.2.3",
        "255.255.255.255",
    ),
    *(
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
    ),
    *(
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:0a00:0001::",
        "::127.0.0.1",
    ),
]


def leading_to(*addresses: str) -> Callable[..., Any]:
    return lambda host, port, *_: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses
    ]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_inside_is_sent_nothing(address: str) -> None:
    """Nothing is connected to either: the tests' own watch over sockets would tell."""
    webhook = a_webhook("https://hooks.example.com/x", reach="outside", resolve=leading_to(address))

    with pytest.raises(NoticeUnsent, match="not public"):
        webhook.send(a_notice())


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(NotPublic):
        public_address("hooks.example.com", 443, leading_to("93.184.215.14", "10.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://localhost/x",
        "https://0x7f.1/x",
    ],
)
def test_an_address_in_the_url_is_looked_at_too(url: str) -> None:
    with pytest.raises(NoticeUnsent, match="not public"):
        a_webhook(url, reach="outside").send(a_notice())


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the watch leaves the socket open
def test_the_connection_is_made_to_the_address_that_was_looked_at() -> None:
    """Another answer to a second question would not matter, for there is none."""
    answers = iter([leading_to("93.184.215.14"), leading_to("127.0.0.1")])

    def resolve(*asked: Any) -> Any:
        return next(answers)(*asked)

    webhook = a_webhook("https://hooks.example.com/x", reach="outside", resolve=resolve)

    with pytest.raises(AssertionError, match=r"a test reaches for 93\.184\.215\.14"):
        webhook.send(a_notice())


def test_a_deployed_stack_sends_nothing_in_the_open() -> None:
    with Receiver() as receiver, pytest.raises(NoticeUnsent, match="not https"):
        send_to(receiver, reach="outside")

    assert receiver.received == []
