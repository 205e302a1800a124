"""A token that the API has renewed is the same after the stack was started anew,
and so is the end of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.program import program_environment, run
from support.stack import stack

from chalicelib.api.tokens import Role
from clients.api.client import WellheadClient
from clients.api.errors import AuthFailed
from local.tokens import TokenBook

if TYPE_CHECKING:
    from pathlib import Path


def role_of(url: str, token: str) -> str | None:
    """Or the code of the refusal."""
    with WellheadClient(url, token) as client:
        try:
            client.history(limit=1)
        except AuthFailed as refused:
            return refused.code
        return client.role


def test_a_renewed_token_outlives_the_stack_and_the_one_before_does_not(tmp_path: Path) -> None:
    book = TokenBook(tmp_path)
    bobs, brief = book.make("bob", Role.READER), book.make("brief", Role.OPERATOR, days=1)
    with stack(tmp_path) as running:
        environment = program_environment(tmp_path) | {
            "WELLHEAD_URL": running.api_url,
            "WELLHEAD_TOKEN": running.token,
        }
        done = run("ops", "tokens", "rotate", "bob", "--now", environment=environment)
        assert done.returncode == 0, done.stderr
        again = run("ops", "tokens", "rotate", "laptop", environment=environment)
        new, laptops, own = done.stdout.strip(), again.stdout.strip(), running.token
        listed = run("ops", "tokens", "list", environment=environment)
        assert [line.split("\t")[:2] for line in listed.stdout.splitlines()[1:]] == [
            ["bob", "reader"],
            ["brief", "operator"],
            ["laptop", "admin"],
        ]
        assert new.startswith("wellhead_")
        assert new not in (tmp_path / "state" / "tokens.json").read_text()

    with stack(tmp_path) as running:
        url = running.api_url
        assert {token: role_of(url, token) for token in (new, bobs, brief)} == {
            new: "reader",
            bobs: "TOKEN_EXPIRED",
            brief: "operator",
        }
        assert running.token not in (own, laptops)
        assert role_of(url, running.token) == "admin"
        assert {role_of(url, token) for token in (own, laptops)} == {"UNAUTHORIZED"}


@pytest.mark.parametrize("days", [None, 30])
def test_the_machines_own_token_keeps_what_was_noted_of_it(
    tmp_path: Path, days: int | None
) -> None:
    book = TokenBook(tmp_path)
    token = book.own()
    first = book.parameters["laptop"]

    assert (TokenBook(tmp_path).own(), TokenBook(tmp_path).parameters["laptop"]) == (token, first)
    book.make(
        "laptop", Role.READER, days=days
    )  # by whoever may write here: the file says which one is the machine's
    assert TokenBook(tmp_path).own() == token
