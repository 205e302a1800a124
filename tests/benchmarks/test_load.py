"""The measurement of the API under load:
as many requests as asked for, every answer counted, what misses in bold.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from benchmarks.load import by_threads, by_wrk, markdown, percentile
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[2]
wrk_is_there = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not there")


class Refusing(LoopbackHandler):
    """Every tenth request is let through."""

    numbers: ClassVar[Iterator[int]]
    asked: ClassVar[set[tuple[str, str | None]]]

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        self.asked.add((self.path, self.headers["Authorization"]))
        self.answer(202 if next(self.numbers) % 10 == 0 else 409, b"{}")


@pytest.mark.parametrize("client", [by_threads, pytest.param(by_wrk, marks=wrk_is_there)])
def test_every_client_asks_as_often_as_it_should(client: Callable[..., dict[str, Any]]) -> None:
    attributes: dict[str, Any] = {"numbers": itertools.count(), "asked": set()}
    server = LoopbackServer(type("Handler", (Refusing,), attributes)).start()

    told = client(f"{server.url}/x", "POST", 50, 2, "t0ken")
    server.stop()

    assert (told["count"], told["lost"]) == (50, 0)
    # wrk may have sent one more than it counts, so which fifty were counted is open.
    assert told["statuses"] in ({"202": 5, "409": 45}, {"202": 6, "409": 44})
    assert attributes["asked"] == {("/x", "Bearer t0ken")}
    assert 0 < told["p50"] <= told["p90"] <= told["p99"] <= told["p100"]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], rank) for rank in (50, 90, 99, 100)] == [
        2.0,
        4.0,
        4.0,
        4.0,
    ]
    assert percentile([7.0], 50) == 7.0


def test_what_misses_stands_in_bold() -> None:
    told = {
        "count": 1000,
        "per_second": 90.4,
        "p50": 5.0,
        "p90": 9.0,
        "p99": 101.0,
        "p100": 400.0,
        "lost": 0,
    }
    status = {**told, "p99": 49.9, "statuses": {"200": 1000}}
    trigger = {**told, "statuses": {"202": 3, "409": 995, "503": 2}}
    facts = {"date": "2026-01-02", "machine": "2 cores", "load": 0.5, "versions": {"moto": "5"}}

    table = markdown(
        {
            **facts,
            "client": "wrk",
            "connections": 4,
            "requests": {"status": status, "trigger": trigger},
        }
    )

    assert "Client: wrk, 4 connections." in table
    assert "| status | 1,000 | 90 | 5.0 | 9.0 | 49.9 | 400 | 1,000 × 200 |" in table  # noqa: RUF001  times
    assert "| **101.0** | 400 | 3 × 202, 995 × 409, 2 × **503** |" in table  # noqa: RUF001  times


def test_one_run_measures_a_real_stack(tmp_path: Path) -> None:
    figures = tmp_path / "load.json"
    sizes = [
        "--statuses",
        "30",
        "--triggers",
        "5",
        "--connections",
        "2",
        "--rows",
        "100",
        "--json",
        str(figures),
    ]

    subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *sizes],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )

    found = json.loads(figures.read_text())["requests"]
    assert found["status"]["statuses"] == {"200": 30}
    assert found["trigger"]["count"] == 5
    assert set(found["trigger"]["statuses"]) <= {"202", "409"}
