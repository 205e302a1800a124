"""The routes of the data on the whole local stack:
the real query function in its own process, also when it dies.
"""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from support.stack import ask, family, job_at_its_end, needs_proc, stack, trigger
from support.waiting import wait_until

BASE = "/api/v1"
ROUTES = [
    "/wells/production?limit=5",
    "/wells/production/totals",
    "/wells/production/summary",
    "/wells?search=a",
]


def loads_duckdb(pid: int) -> bool:
    return "duckdb" in Path(f"/proc/{pid}/maps").read_text()


def commands() -> dict[int, str]:
    """What each process of this stack runs."""
    return {
        pid: Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        for pid in family(os.getpid())
    }


def running(part: str) -> int:
    [pid] = [pid for pid, command in commands().items() if part in command]
    return pid


@needs_proc
def test_the_data_is_asked_for_through_a_function_that_may_die(tmp_path: Path) -> None:
    with stack(tmp_path, rows=2000):
        assert ask(tmp_path, f"{BASE}/health")[1]["data"]["checks"]["query_function"] == "ok"
        job = job_at_its_end(tmp_path, trigger(tmp_path))
        rejects = f"/wells/import/jobs/{job['job_id']}/rejects"

        told = {route: data(tmp_path, route) for route in [*ROUTES, rejects, "/wells/export"]}
        assert len(told[ROUTES[0]]["rows"]) == 5
        assert told[ROUTES[2]]["rows"] == job["new_records"] == told["/wells/export"]["rows"]
        assert len(told[rejects]["rows"]) == job["failed_records"]
        assert (
            Path(told["/wells/export"]["url"].removeprefix("file://")).stat().st_size
            == told["/wells/export"]["bytes"]
        )

        worker = running("app.answer_question")
        assert_logged(tmp_path / "logs", job["job_id"])
        assert loads_duckdb(worker)
        assert not loads_duckdb(running("local.api_gateway"))

        os.kill(worker, signal.SIGSTOP)
        log = tmp_path / "logs" / "wellhead-local-query.log"
        asked = log.read_text().count("START")
        with ThreadPoolExecutor() as threads:
            midway = threads.submit(ask, tmp_path, BASE + ROUTES[0])
            wait_until(lambda: log.read_text().count("START") > asked)
            os.kill(worker, signal.SIGKILL)
            status, answer = midway.result()
        assert (status, answer["error"]["code"], answer["error"]["retryable"]) == (
            503,
            "QUERY_UNAVAILABLE",
            True,
        )
        assert data(tmp_path, ROUTES[0]) == told[ROUTES[0]]


def assert_logged(logs: Path, job_id: str) -> None:
    """Each function under awslambdaric, and the API,
    writes lines of JSON beside what the runtime writes.
    """
    texts = {function: logs / f"wellhead-local-{function}.log" for function in ("import", "query")}
    texts["api"] = logs / "api.log"
    lines = {
        function: [
            json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")
        ]
        for function, path in texts.items()
    }

    [ended] = [line for line in lines["import"] if line["message"] == "the job is COMPLETED"]
    assert (ended["job_id"], ended["function"], ended["JobsCompleted"]) == (
        job_id,
        "wellhead-local-import",
        1,
    )
    assert ended["request_id"] in texts["import"].read_text().partition("START RequestId: ")[2][:36]
    assert {line["question"] for line in lines["query"]} == {
        "production",
        "totals",
        "summary",
        "wells",
        "rejects",
        "export",
    }
    assert {line["route"] for line in lines["api"]} >= {
        f"{BASE}/health",
        f"{BASE}/wells/import/trigger",
    }


def data(state: Path, route: str) -> Any:
    status, answer = ask(state, BASE + route)
    assert status == 200, answer
    return answer["data"]
