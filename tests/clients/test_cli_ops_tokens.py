"""`wellhead ops tokens`, as people and scripts run it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import failure, success
from support.hostile_text import EVIL, commands_in
from support.program import run_at

if TYPE_CHECKING:
    from pathlib import Path

    from support.scripted_source import Serve

MADE = {
    "name": "ada",
    "role": "operator",
    "token": "wellhead_x",
    "expires_at": None,
    "previous_until": 1.8e9,
}


def token(**more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("created_at", "expires_at", "last_used_at", "previous_until"))
    return {"name": "ada", "role": "operator", **empty, **more}


def test_a_new_token_stands_alone_on_stdout(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(MADE))

    done = run_at(server, tmp_path, "ops", "tokens", "rotate", "ada")

    assert (done.returncode, done.stdout) == (0, "wellhead_x\n")
    assert "shown this once" in done.stderr
    assert "wellhead_x" not in done.stderr
    [asked] = server.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == (
        "POST",
        "/api/v1/ops/tokens/ada/rotate",
        {},
    )


def test_what_is_asked_for_is_sent_and_json_is_the_answer(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(MADE))

    done = run_at(
        server, tmp_path, "ops", "tokens", "rotate", "a/b", "--now", "--days", "90", "--json"
    )

    assert json.loads(done.stdout) == MADE
    [asked] = server.asked
    assert (asked.path, json.loads(asked.body)) == (
        "/api/v1/ops/tokens/a%2Fb/rotate",
        {"now": True, "days": 90},
    )


def test_it_is_not_sent_twice_by_itself(serve: Serve, tmp_path: Path) -> None:
    """Each time would make another token."""
    server = serve(failure(503, "TOKENS_UNAVAILABLE", retryable=True))

    done = run_at(server, tmp_path, "ops", "tokens", "rotate", "ada")

    assert (done.returncode, len(server.asked)) == (1, 1)


def test_the_list_tells_ages_and_who_never_came(serve: Serve, tmp_path: Path) -> None:
    server = serve(
        success({"tokens": [token(last_used_at=1_700_000_000.0), token(name="bob", role=None)]})
    )

    done = run_at(server, tmp_path, "ops", "tokens", "list")

    ada, bob = (line.split("\t") for line in done.stdout.splitlines()[1:])
    assert (ada[:2], bob[:2]) == (["ada", "operator"], ["bob", "NO TOKEN"])
    assert (ada[3][:6], bob[3]) == ("2023-1", "never")


def test_no_name_moves_a_cursor(serve: Serve, tmp_path: Path) -> None:
    server = serve(success({"tokens": [token(name=name) for name in EVIL]}))

    assert commands_in(run_at(server, tmp_path, "ops", "tokens", "list").stdout) == set()


@pytest.mark.parametrize("days", ["0", "3651", "x"])
def test_an_odd_number_of_days_is_not_sent(serve: Serve, tmp_path: Path, days: str) -> None:
    server = serve(success(MADE))

    assert (
        run_at(server, tmp_path, "ops", "tokens", "rotate", "ada", "--days", days).returncode == 2
    )
    assert server.asked == []


def test_a_token_that_is_over_leads_to_a_new_one(serve: Serve, tmp_path: Path) -> None:
    done = run_at(serve(failure(401, "TOKEN_EXPIRED")), tmp_path, "jobs")

    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == "Save another one: wellhead login URL"
