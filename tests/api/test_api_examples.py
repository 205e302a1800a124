"""docs/api.md by the letter: each of its curl commands is run against the whole stack,
in the order of the page, and each answer has the shape of the one that is shown below it.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.api_contract import operation_of, operations
from support.stack import job, job_at_its_end, stack, trigger
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
SHOWN_URL = "http://127.0.0.1:8000"
JOB_ID = r"JOB_ID|01a205e6-9c31-771e-8a7b-50943f1a777c"
SNAPSHOT = r"snapshots/wells-[\w-]+\.duckdb"
JOBS = "/api/v1/wells/import/jobs"
UNSHAPED = {
    "details",
    "facts",
    "deliveries",
    "parameters",
    "stats",
    "warnings",
    "checks",
    "examples",
    "result",
}  # by case, so not compared member by member


class Example(NamedTuple):
    command: str
    shown: dict[str, Any] | None


class Answer(NamedTuple):
    status: int
    body: str


def examples() -> Iterator[Example]:
    """A command, and the JSON that follows it before the next one."""
    blocks = re.findall(r"^```(json)?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    lines = [
        (kind, line) for kind, block in blocks for line in ([block] if kind else block.splitlines())
    ]
    steps = [(kind, text) for kind, text in lines if kind or text.startswith("curl ")]
    for number, (kind, text) in enumerate(steps):
        if not kind:
            following = steps[number + 1] if number + 1 < len(steps) else ("", "")
            yield Example(text, json.loads(following[1]) if following[0] else None)


def method_of(command: str) -> str:
    words = shlex.split(command)
    return words[words.index("-X") + 1] if "-X" in words else "GET"


def path_of(command: str) -> str:
    [url] = [word for word in shlex.split(command) if word.startswith(SHOWN_URL)]
    return url.removeprefix(SHOWN_URL)


def by_curl(words: list[str], directory: Path) -> Answer:
    """`-i` would put the headers before the body;
    they are written elsewhere, and the status after it.
    """
    plain = [word for word in words[1:] if word != "-i"]
    done = subprocess.run(
        [
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "--write-out",
            "\n%{http_code}",
            *plain,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return Answer(int(status), body)


def by_python(words: list[str], directory: Path) -> Answer:
    """What of curl the page uses, for machines without it."""
    told = {"-H": [], "-X": [], "-d": [], "-o": [], "-u": []}  # type: dict[str, list[str]]
    rest = iter(words[1:])
    urls = []
    for word in rest:
        if word in told:
            told[word].append(next(rest))
        elif word != "-i":
            urls.append(word)
    headers = dict(line.split(": ", 1) for line in told["-H"])
    data = told["-d"][0].encode() if told["-d"] else None
    method = told["-X"][0] if told["-X"] else "GET"
    request = urllib.request.Request(urls[0], data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = Answer(response.status, response.read().decode(errors="replace"))
    except urllib.error.HTTPError as exc:
        with exc:
            answer = Answer(exc.code, exc.read().decode())
    if told["-o"]:
        (directory / told["-o"][0]).write_text(answer.body)
    return answer


def shape(value: Any) -> Any:
    """Names and kinds; null is of any kind, and a list is like its first member."""
    if isinstance(value, dict):
        return {name: "any" if name in UNSHAPED else shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return "number" if type(value) in (int, float) else type(value).__name__


def is_like(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_like(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return all(is_like(first, second) for first, second in zip(one, other, strict=False))
    return one == other or "NoneType" in (one, other) or "any" in (one, other)


class Reader:
    """Who follows the page: what a command needs to have happened before, happens before it."""

    def __init__(self, state: Path, url: str, token: str) -> None:
        self._state, self._url = state, url
        self._authorization = ["-H", f"Authorization: Bearer {token}"]
        self.job_id = self.import_once()
        self.cancelled = ""
        self.check_id = ""
        self.older = ""

    def import_once(self) -> str:
        job_id = trigger(self._state)
        assert job_at_its_end(self._state, job_id)["status"] == "COMPLETED"
        return job_id

    def words(self, command: str, job_id: str) -> list[str]:
        command = re.sub(SNAPSHOT, self.older, command).replace(
            "\\$", "$"
        )  # as a shell reads it within quotes
        command = re.sub(
            JOB_ID, job_id, command.replace(SHOWN_URL, self._url).replace("CHECK_ID", self.check_id)
        )
        return [*shlex.split(command.replace('W/"ETAG"', "*")), *self._authorization]

    def follow(self, command: str, directory: Path) -> Answer:
        run = by_curl if shutil.which("curl") else by_python
        path = path_of(command)
        if path.endswith("/cancel"):
            return self._cancel(command, directory)
        job_id = self.cancelled if path.endswith("/retry") else self.job_id
        answer = run(self.words(command, job_id), directory)
        if answer.status in (200, 202) and (
            path.endswith(("/retry", "/rollback")) or "/trigger" in path
        ):
            job_at_its_end(self._state, json.loads(answer.body)["data"]["job_id"])
        if path.endswith(("/check", "/verify", "/restore", "/drill")):
            self.check_id = json.loads(answer.body)["data"]["check_id"]
        if path.endswith("/ops/snapshots"):
            self.older = json.loads(answer.body)["data"]["snapshots"][1]["name"]
        return answer

    def _cancel(self, command: str, directory: Path) -> Answer:
        """An import may be faster than whoever wants to stop it."""
        for _ in range(10):
            job_id = trigger(self._state)
            answer = by_python(self.words(command, job_id), directory)
            if answer.status == 202 and self._end(job_id) == "CANCELLED":
                self.cancelled = job_id
                return answer
        raise AssertionError("no import could be cancelled")

    def _end(self, job_id: str) -> str:
        def end() -> str | None:
            status = str(job(self._state, job_id)["status"])
            return status if status not in ("PENDING", "RUNNING") else None

        return str(wait_until(end))


def test_every_route_has_an_example() -> None:
    """But those of the feed, which the document leaves to `$metadata`."""
    shown = [(method_of(each.command), path_of(each.command)) for each in examples()]
    routes = {
        operation_of(method, path) for method, path in shown if not path.startswith("/odata/")
    }

    assert {
        name for name in operations() if name.startswith(("GET", "POST", "PUT", "DELETE"))
    } == routes


def test_every_example_is_answered_as_shown(tmp_path: Path) -> None:
    directory = tmp_path / "here"
    directory.mkdir()
    with stack(tmp_path / "state", rows=5_000) as running:
        reader = Reader(tmp_path / "state", running.api_url, running.token)
        compared = 0
        for command, shown in examples():
            status, body = reader.follow(command, directory)

            expected = 304 if "If-None-Match" in command else 400 if "/nope" in command else None
            if path_of(command).endswith(("/accept", "/discard", "/files")):
                expected = (
                    409  # the sample source's imports are not held, and a laptop has no bucket
                )
            if path_of(command).endswith(("/ada/rotate", "/pause", "/resume")):
                # The laptop's token has another name, and the page has deleted the source before.
                expected = 404
            assert status == expected or (expected is None and status in (200, 202)), (
                command,
                status,
                body,
            )
            # A refusal is shown too, below what goes well.
            if shown and shown.get("success", "error" not in shown) == (status < 400):
                assert is_like(shape(shown), shape(json.loads(body))), command
                compared += 1

    assert compared >= 12
    rejects = (directory / "rejects.csv").read_text("utf-8-sig")
    assert rejects.startswith("page,position,reason,detail,raw,rejected_at\n")


@pytest.mark.parametrize("other", [{"a": "x"}, {"a": 1, "b": 2}, {"a": {"c": 1}}, {"a": [1]}, {}])
def test_another_shape_is_noticed(other: Any) -> None:
    assert is_like(shape({"a": 1}), shape({"a": 2.5}))
    assert not is_like(shape({"a": 1}), shape(other))
