"""The life of a token: its end, its last use, and a new secret for its name."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.api_client import ADMIN, OPERATOR, READER
from support.coordination import NOON, Clock, aws_client, table_contents

from chalicelib.api.token_entry import (
    DAY,
    MOST_PREVIOUS,
    OVERLAP_SECONDS,
    TokenEntry,
    digest_of,
    new_token,
)
from chalicelib.api.token_list import TokenList
from chalicelib.api.token_uses import QUIET_SECONDS, TokenUses
from chalicelib.api.tokens import FRESH_SECONDS, Principal, Role, Tokens
from chalicelib.errors import TokensUnavailable, TokenUnknown
from chalicelib.jobs.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api_client import Api

    from local.aws.emulator import LocalAws

TABLE, PATH = "wellhead-test", "/wellhead/tokens"
JOBS, TOKENS = "/api/v1/wells/import/jobs", "/api/v1/ops/tokens"
AS_ADMIN: dict[str, Any] = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def ssm(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "ssm")
    yield client
    client.close()


@pytest.fixture
def listed(ssm: Any, clock: Clock) -> TokenList:
    return TokenList(ssm=ssm, path=PATH, clock=clock)


def keep(aws: LocalAws, name: str, **told: Any) -> None:
    aws.put_parameter(f"{PATH}/{name}", json.dumps(told))


# --- its end


def test_a_token_that_is_over_is_told_so_and_lets_nobody_in(api: Api, aws: LocalAws) -> None:
    keep(aws, "old", sha256=digest_of("old"), role="admin", expires_at=time.time() - 1)
    keep(aws, "young", sha256=digest_of("young"), role="reader", expires_at=time.time() + 3600)

    over = api.ask("GET", JOBS, Authorization="Bearer old")

    error = over.envelope["error"]
    assert (over.status, error["code"], error["retryable"]) == (401, "TOKEN_EXPIRED", False)
    assert error["message"].endswith("Ask those who run Wellhead for another.")
    assert over.headers["WWW-Authenticate"] == "Bearer"
    assert "X-Wellhead-Role" not in over.headers
    assert api.ask("POST", "/api/v1/wells/import/trigger", Authorization="Bearer old").status == 401
    assert api.ask("GET", JOBS, Authorization="Bearer young").status == 200


def test_who_knows_no_token_learns_of_none(api: Api, aws: LocalAws) -> None:
    """The same answer whether a name has a token that is over or none at all:
    only its holder is told.
    """
    keep(aws, "old", sha256=digest_of("old"), role="admin", expires_at=1)

    answers = [
        api.ask("GET", JOBS, Authorization=f"Bearer {sent}")
        for sent in ("older", digest_of("old"), "nobodys")
    ]

    assert {(each.status, each.envelope["error"]["code"]) for each in answers} == {
        (401, "UNAUTHORIZED")
    }


def test_a_token_ends_on_time_though_the_authorizers_answer_is_kept(
    api: Api, aws: LocalAws
) -> None:
    """The end is looked at with each request, and not when the authorizer was asked."""
    keep(aws, "brief", sha256=digest_of("brief"), role="reader", expires_at=time.time() + 8)
    assert api.ask("GET", JOBS, Authorization="Bearer brief").status == 200
    time.sleep(8)

    assert (
        api.ask("GET", JOBS, Authorization="Bearer brief").envelope["error"]["code"]
        == "TOKEN_EXPIRED"
    )


@pytest.mark.parametrize(
    "told",
    [
        {"expires_at": "2027-01-01"},
        {"expires_at": True},
        {"expires_at": float("nan")},
        {"previous": {}},
        {"previous": [{"sha256": "x", "until": 1}]},
        {"created_at": "yesterday"},
    ],
)
def test_an_end_that_cannot_be_read_is_no_endless_token(
    ssm: Any, aws: LocalAws, told: dict[str, Any]
) -> None:
    keep(aws, "ada", sha256=digest_of("a"), role="operator", **told)

    assert Tokens(ssm=ssm, path=PATH).principal("Bearer a") is None


# --- a new secret for a name


def test_after_a_renewal_both_work_for_a_day_and_then_the_new_one(
    ssm: Any, aws: LocalAws, listed: TokenList, clock: Clock
) -> None:
    keep(aws, "ada", sha256=digest_of("a"), role="operator")

    made = listed.renew("ada", is_at_once=False)

    known = Tokens(ssm=ssm, path=PATH)
    new, old = known.principal(f"Bearer {made['token']}"), known.principal("Bearer a")
    assert new == Principal(name="ada", role=Role.OPERATOR)
    assert old == Principal(name="ada", role=Role.OPERATOR, expires_at=NOON + OVERLAP_SECONDS)
    assert made["previous_until"] == NOON + OVERLAP_SECONDS
    [shown] = listed.all({})
    assert (shown["created_at"], shown["previous_until"]) == (NOON, NOON + OVERLAP_SECONDS)
    clock.advance(OVERLAP_SECONDS)
    assert listed.all({})[0]["previous_until"] is None


def test_a_renewal_at_once_ends_the_token_before(api: Api, aws: LocalAws) -> None:
    keep(aws, "cleo", sha256=digest_of("c"), role="operator")
    reply = api.ask("POST", f"{TOKENS}/cleo/rotate", b'{"now": true, "days": 30}', **AS_ADMIN)
    made = reply.envelope["data"]

    assert (reply.status, made["name"], made["role"]) == (200, "cleo", "operator")
    assert abs(made["expires_at"] - time.time() - 30 * DAY) < 300
    time.sleep(FRESH_SECONDS)
    assert api.ask("GET", JOBS, Authorization=f"Bearer {made['token']}").status == 200
    assert (
        api.ask("GET", JOBS, Authorization="Bearer c").envelope["error"]["code"] == "TOKEN_EXPIRED"
    )
    again = api.ask("GET", TOKENS, **AS_ADMIN)
    assert made["token"] not in json.dumps(again.envelope)
    assert digest_of(made["token"]) not in json.dumps(again.envelope)


def test_of_two_renewals_at_once_one_is_refused(api: Api, aws: LocalAws, dynamodb: Any) -> None:
    """Each writes what it has read: an end at once, between the two, would be undone."""
    keep(aws, "cleo", sha256=digest_of("c"), role="operator")
    uses = TokenUses(Table(dynamodb=dynamodb, name="wellhead-test"))

    with uses.renewing("cleo"):
        refused = api.ask("POST", f"{TOKENS}/cleo/rotate", b"", **AS_ADMIN)

    assert (refused.status, refused.envelope["error"]["rule"]) == (409, "TOKEN_RULE")
    assert api.ask("POST", f"{TOKENS}/cleo/rotate", b"", **AS_ADMIN).status == 200
    assert [
        token["last_used_at"]
        for token in api.ask("GET", TOKENS, **AS_ADMIN).envelope["data"]["tokens"]
    ][1] is None


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 3 * DAY), st.booleans(), st.none() | st.integers(1, 90)), max_size=6
    ),
    days=st.none() | st.integers(1, 90),
)
def test_no_renewal_makes_an_older_token_live_longer(
    steps: list[tuple[float, bool, int | None]], days: int | None
) -> None:
    now, token = NOON, new_token()
    entry = TokenEntry.new(token, Role.READER, now=now, days=days)
    ends: dict[str, float] = {digest_of(token): entry.expires_at or float("inf")}
    for pause, is_at_once, lives in steps:
        now += pause
        entry = entry.renew(
            token := new_token(),
            now=now,
            overlap=0.0 if is_at_once else OVERLAP_SECONDS,
            days=lives,
        )
        entry = TokenEntry.parse(entry.text())
        newest, *older = entry.secrets()
        assert newest.sha256 == digest_of(token)
        assert (newest.until is None) == (
            days is None and lives is None and entry.expires_at is None
        )
        assert len(older) <= MOST_PREVIOUS
        for each in older:
            assert each.until is not None
            assert each.until <= min(
                ends[each.sha256], now + (0.0 if is_at_once else OVERLAP_SECONDS)
            )
            ends[each.sha256] = each.until
        ends[newest.sha256] = newest.until or float("inf")
        assert len(entry.text()) < 1_000  # SSM takes 4 KB


def test_a_token_with_an_end_never_loses_it_by_a_renewal(listed: TokenList, aws: LocalAws) -> None:
    keep(
        aws,
        "ada",
        sha256=digest_of("a"),
        role="reader",
        created_at=NOON - 10 * DAY,
        expires_at=NOON + 20 * DAY,
    )
    keep(aws, "hand", sha256=digest_of("b"), role="reader", expires_at=NOON + 5 * DAY)

    assert (
        listed.renew("ada", is_at_once=False)["expires_at"] == NOON + 30 * DAY
    )  # it lives as long as the one before
    assert listed.renew("hand", is_at_once=False)["expires_at"] == NOON + 5 * DAY


def test_the_kind_of_the_parameter_stays(listed: TokenList, ssm: Any) -> None:
    value = json.dumps({"sha256": digest_of("a"), "role": "reader"})
    ssm.put_parameter(Name=f"{PATH}/ada", Value=value, Type="String")
    listed.renew("ada", is_at_once=False)

    assert ssm.get_parameter(Name=f"{PATH}/ada")["Parameter"]["Type"] == "String"


@pytest.mark.parametrize("name", ["nobody", "broken"])
def test_a_name_without_a_token_gets_none(listed: TokenList, aws: LocalAws, name: str) -> None:
    aws.put_parameter(f"{PATH}/broken", "hunter2")

    with pytest.raises(TokenUnknown):
        listed.renew(name, is_at_once=False)
    assert listed.all({}) == [
        {
            **dict.fromkeys(("role", "expires_at", "last_used_at", "previous_until")),
            "name": "broken",
        }
        | {"created_at": listed.all({})[0]["created_at"]}
    ]


REFUSED = pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("nobody/rotate", b"", 404, "TOKEN_UNKNOWN"),
        ("a%20b/rotate", b"", 404, "TOKEN_UNKNOWN"),
        ("%2e%2e/rotate", b"", 404, "TOKEN_UNKNOWN"),
        ("ada/rotate", b'{"now": 1}', 400, "VALIDATION_ERROR"),
        ("ada/rotate", b'{"days": 0}', 400, "VALIDATION_ERROR"),
        ("ada/rotate", b'{"days": true}', 400, "VALIDATION_ERROR"),
        ("ada/rotate", b'{"days": 3651}', 400, "VALIDATION_ERROR"),
        ("ada/rotate", b'{"role": "admin"}', 400, "VALIDATION_ERROR"),
        ("ada/rotate", b"[]", 400, "VALIDATION_ERROR"),
        ("ada/rotate?now=true", b"", 400, "VALIDATION_ERROR"),
    ],
)


@REFUSED
def test_what_is_no_renewal_is_refused_and_changes_nothing(  # noqa: PLR0917  a table's columns
    api: Api, ssm: Any, path: str, body: bytes, status: int, code: str
) -> None:
    before = ssm.get_parameter(Name=f"{PATH}/ada")["Parameter"]["Value"]

    reply = api.ask("POST", f"{TOKENS}/{path}", body, **AS_ADMIN)

    assert (reply.status, reply.envelope["error"]["code"]) == (status, code)
    assert ssm.get_parameter(Name=f"{PATH}/ada")["Parameter"]["Value"] == before


def test_without_the_store_nothing_is_renewed_or_listed(aws: LocalAws, listed: TokenList) -> None:
    aws.stop()

    with pytest.raises(TokensUnavailable):
        listed.renew("ada", is_at_once=False)
    with pytest.raises(TokensUnavailable):
        listed.all({})


# --- its last use


def test_the_first_use_of_a_day_is_noted_by_one_write(dynamodb: Any, clock: Clock) -> None:
    writes = []

    class Counting(Table):
        def update_alone(self, *key: Any, **options: Any) -> None:
            writes.append(key)
            super().update_alone(*key, **options)

    table = Counting(dynamodb=dynamodb, name=TABLE)
    uses, another = TokenUses(table, clock=clock), TokenUses(table, clock=clock)
    for _ in range(5):
        uses.note("ada")
        clock.advance(60)
    another.note("ada")  # of another process: refused by the condition
    assert (len(writes), uses.all()) == (2, {"ada": NOON})
    clock.advance(DAY)
    another.note("ada")
    uses.note("bob")

    assert uses.all() == {"ada": NOON + 300 + DAY, "bob": NOON + 300 + DAY}
    assert len(writes) == 4


def test_a_table_that_does_not_answer_hinders_no_request(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    class Gone(Table):
        def update_alone(self, *key: Any, **options: Any) -> None:
            asked.append(key)
            super().update_alone(*key, **options)

    uses = TokenUses(Gone(dynamodb=aws_client("http://127.0.0.1:9"), name=TABLE), clock=clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            uses.note("ada")
    clock.advance(QUIET_SECONDS)
    uses.note("ada")

    assert len(asked) == 2
    assert "the use of a token could not be noted" in caplog.text


def test_an_admin_sees_who_has_asked_and_who_never(api: Api, dynamodb: Any, aws: LocalAws) -> None:
    keep(aws, "idle", sha256=digest_of("i"), role="reader", expires_at=time.time() - 1)
    api.ask("GET", JOBS, Authorization=f"Bearer {READER}")
    api.ask("GET", JOBS, Authorization="Bearer i")
    api.ask("GET", f"{JOBS}/x/logs", Authorization=f"Bearer {OPERATOR}")
    assert "TOKEN#idle" not in table_contents(dynamodb, TABLE)

    told = {
        each["name"]: each for each in api.ask("GET", TOKENS, **AS_ADMIN).envelope["data"]["tokens"]
    }

    assert [name for name, each in told.items() if each["last_used_at"]] == ["bob"]
    assert sorted(told) == ["ada", "bob", "eve", "idle"]
    assert told["idle"]["expires_at"] < time.time()
