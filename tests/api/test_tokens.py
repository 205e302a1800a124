"""Who a token belongs to, how soon a new one works and a removed one ends,
and what the store may hold.
"""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coordination import Clock, aws_client

from chalicelib.api.tokens import FRESH_SECONDS, KEPT_SECONDS, Principal, Role, Tokens, digest_of
from chalicelib.errors import TokensUnavailable
from local.tokens import TokenBook, TokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

PATH = "/wellhead/tokens"
ADA = Principal(name="ada", role=Role.OPERATOR)


@pytest.fixture
def ssm(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "ssm")
    yield client
    client.close()


@pytest.fixture
def tokens(ssm: Any, clock: Clock) -> Tokens:
    return Tokens(ssm=ssm, path=PATH, clock=clock)


def keep(aws: LocalAws, name: str, token: str, role: str = "operator") -> None:
    aws.put_parameter(f"{PATH}/{name}", json.dumps({"sha256": digest_of(token), "role": role}))


def test_a_token_names_its_principal(tokens: Tokens, aws: LocalAws) -> None:
    keep(aws, "ada", "a")
    keep(aws, "bob", "b", role="reader")

    assert tokens.principal("Bearer a") == tokens.principal(" bearer   a ") == ADA
    assert tokens.principal("Bearer b") == Principal(name="bob", role=Role.READER)


@pytest.mark.parametrize(
    "header", ["", "a", "Bearer", "Bearer ", "Basic a", "Bearer a b", "Bearer A", "Bearer a\n\n,"]
)
def test_what_is_no_token_names_nobody(tokens: Tokens, aws: LocalAws, header: str) -> None:
    keep(aws, "ada", "a")

    assert tokens.principal(header) is None


def test_the_hash_is_no_token(tokens: Tokens, aws: LocalAws) -> None:
    keep(aws, "ada", "a")

    assert tokens.principal(f"Bearer {digest_of('a')}") is None


@given(header=st.text(max_size=300))
def test_no_header_breaks_it(header: str) -> None:
    class Empty:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> list[Any]:
            return []

    assert Tokens(ssm=Empty(), path=PATH).principal(header) is None  # type: ignore[arg-type]


def test_more_tokens_than_a_page_of_ssm(tokens: Tokens, aws: LocalAws) -> None:
    for number in range(23):
        keep(aws, f"n{number}", f"t{number}")
    aws.put_parameter(
        "/wellhead/other/eve", json.dumps({"sha256": digest_of("e"), "role": "operator"})
    )

    found = [tokens.principal(f"Bearer t{number}") for number in range(23)]

    assert [principal and principal.name for principal in found] == [
        f"n{number}" for number in range(23)
    ]
    assert tokens.principal("Bearer e") is None


def test_a_new_token_works_within_seconds_and_a_removed_one_ends(
    tokens: Tokens, aws: LocalAws, ssm: Any, clock: Clock
) -> None:
    keep(aws, "ada", "a")
    assert tokens.principal("Bearer a") == ADA
    keep(aws, "ada", "new")

    assert tokens.principal("Bearer new") is None  # asked a moment ago
    clock.advance(FRESH_SECONDS)
    assert tokens.principal("Bearer new") == ADA
    assert tokens.principal("Bearer a") is None
    ssm.delete_parameter(Name=f"{PATH}/ada")
    clock.advance(KEPT_SECONDS - 1)
    assert tokens.principal("Bearer new") == ADA
    clock.advance(1)
    assert tokens.principal("Bearer new") is None


def test_a_parameter_that_is_no_token_lets_nobody_in_and_hinders_nobody(
    tokens: Tokens, aws: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    keep(aws, "ada", "a")
    for number, value in enumerate(
        [
            "hunter2",
            "[]",
            "null",
            json.dumps({"sha256": digest_of("x")}),
            json.dumps({"sha256": digest_of("x"), "role": "root"}),
            json.dumps({"sha256": digest_of("x").upper(), "role": "operator"}),
            json.dumps({"sha256": "x", "role": "operator"}),
            json.dumps({"sha256": None, "role": "operator"}),
        ]
    ):
        aws.put_parameter(f"{PATH}/bad{number}", value)

    assert tokens.principal("Bearer a") == ADA
    assert tokens.principal("Bearer x") is None
    assert "bad7" in caplog.text
    assert "hunter2" not in caplog.text


def test_without_the_store_nobody_is_let_in(tokens: Tokens, aws: LocalAws, clock: Clock) -> None:
    keep(aws, "ada", "a")
    assert tokens.principal("Bearer a") == ADA
    aws.stop()

    assert tokens.principal("Bearer a") == ADA  # known for a while
    clock.advance(KEPT_SECONDS)
    with pytest.raises(TokensUnavailable):
        tokens.principal("Bearer a")


# --- on the laptop


def test_the_laptops_own_token_is_random_kept_and_private(tmp_path: Path) -> None:
    book = TokenBook(tmp_path / "a")

    token = book.own()

    assert TokenBook(tmp_path / "a").own() == token != TokenBook(tmp_path / "b").own()
    assert len(token) > 40
    for file in (book.own_file, tmp_path / "a" / "state" / "tokens.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in (tmp_path / "a" / "state" / "tokens.json").read_text()


def test_a_named_token_is_kept_as_a_hash_and_replaced_by_the_next(
    tmp_path: Path, tokens: Tokens, aws: LocalAws
) -> None:
    book = TokenBook(tmp_path)
    book.own()
    first = book.make("ada", Role.READER)
    second = book.make("ada", Role.OPERATOR)
    for name, value in book.parameters.items():
        aws.put_parameter(f"{PATH}/{name}", value)

    assert tokens.principal(f"Bearer {second}") == ADA
    assert tokens.principal(f"Bearer {first}") is None
    assert sorted(book.parameters) == ["ada", "laptop"]
    with pytest.raises(TokenError):
        book.make("a/b", Role.READER)
