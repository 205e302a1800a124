"""`wellhead logs`, as people and scripts run it: once, and until the import ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.api_answers import JOB_ID, job, success
from support.hostile_text import EVIL, commands_in
from support.program import run_at

if TYPE_CHECKING:
    from pathlib import Path

    from support.scripted_source import Answer, ScriptedHandler, Serve


def line(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "at": 1_700_000_000.0 + number,
        "level": "INFO",
        "text": text,
        "attempt": 1,
        "fence": 3,
        **more,
    }


def log_of(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"job_id": JOB_ID, "lines": list(lines)}


CLAIMED, MERGING = line(1, "attempt 1 has claimed the job"), line(2, "merging")
DEAD = line(3, "the worker died, another one goes on", level="WARNING", attempt=None)


def test_the_lines_are_printed_in_their_order(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(log_of(CLAIMED, DEAD)))

    done = run_at(server, tmp_path, "logs", JOB_ID)

    first, second = done.stdout.splitlines()
    assert first.endswith(" 1:3 INFO    attempt 1 has claimed the job")
    assert second.endswith(" -:3 WARNING the worker died, another one goes on")
    assert (done.returncode, done.stderr) == (0, "")
    assert [asked.path for asked in server.asked] == [f"/api/v1/wells/import/jobs/{JOB_ID}/logs"]


def test_without_an_id_it_is_the_newest_import(serve: Serve, tmp_path: Path) -> None:
    server = serve(success({"jobs": [job()], "next_cursor": None}), success(log_of()))

    done = run_at(server, tmp_path, "logs")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Nothing is logged of it, or no longer.\n"


def test_following_prints_each_line_once_and_ends_with_the_import(
    serve: Serve, tmp_path: Path
) -> None:
    logs = iter([log_of(CLAIMED), log_of(CLAIMED, MERGING), log_of(CLAIMED, MERGING, DEAD)])
    states = iter(["RUNNING", "RUNNING", "COMPLETED"])

    def answer(handler: ScriptedHandler) -> Answer:
        if "/status/" in handler.path:
            return success(job(status=next(states)), Retry_After="0")
        return success(next(logs))

    done = run_at(serve(answer), tmp_path, "logs", JOB_ID, "--follow", "--json")

    assert [json.loads(text)["text"] for text in done.stdout.splitlines()] == [
        each["text"] for each in (CLAIMED, MERGING, DEAD)
    ]
    assert done.returncode == 0


def test_what_a_source_has_said_moves_no_cursor(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(log_of(*(line(number, text) for number, text in enumerate(EVIL)))))

    done = run_at(server, tmp_path, "logs", JOB_ID)

    assert done.stdout.count("\n") == len(EVIL)
    assert commands_in(done.stdout, kept="\n") == set()
