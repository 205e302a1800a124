"""What somebody hostile sends to the whole stack changes nothing,
and no secret comes out anywhere.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote

import pytest
from support.attacks import KINDS, PAYLOADS
from support.coordination import aws_client, table_contents
from support.imports import files
from support.soak import some_of
from support.stack import job_at_its_end, stack, trigger
from support.waiting import wait_until

from chalicelib.api.tokens import Role
from chalicelib.warehouse.names import LATEST_NOTE
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source
from local.tokens import TokenBook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "/api/v1/wells"
TABLE = "wellhead-local"
LINE_OF_THE_GATEWAY = re.compile(r"\S+Z [0-9a-f-]{36} [A-Z]+ '[^'\n]*' \d{3} [\d.]+ ms")


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def whole(self) -> str:
        return f"{self.headers}{self.text}"


class Victim:
    def __init__(self, running: LocalStack, job_id: str) -> None:
        self.running, self.job_id = running, job_id
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", int(running.api_url.rpartition(":")[2]), timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {self.running.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, target, body=body, headers=sent)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())

    def items(self) -> dict[str, Any]:
        client = aws_client(self.running.aws_url, keys=self.running.keys)
        try:
            return table_contents(client, TABLE)
        finally:
            client.close()

    def state(self) -> tuple[dict[str, Any], dict[str, str]]:
        """All that an attack could change. The sweeper's pulse is its own."""
        items = {
            name: item
            for name, item in self.items().items()
            if name.startswith(("JOB#", "LOCK#", "WAREHOUSE#"))
        }
        return items, files(self.running.warehouse_path)

    def logs(self) -> Iterator[tuple[str, str]]:
        for log in (self.running.state / "logs").iterdir():
            yield from ((log.name, line) for line in log.read_text("utf-8").split("\n") if line)


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    with stack(tmp_path, rows=1_000) as running:
        job_id = trigger(tmp_path)
        job_at_its_end(tmp_path, job_id)
        wait_until(
            (running.warehouse_path / LATEST_NOTE).exists
        )  # the stable name follows the job's end
        with Victim(running, job_id) as victim:
            yield victim


def test_there_are_two_hundred_payloads() -> None:
    assert len(set(PAYLOADS)) == 200
    assert [len(kind) for kind in KINDS.values()] == [40] * 5


def test_no_payload_does_anything_anywhere(victim: Victim) -> None:
    """A third of them by lot in a usual run, all in a soak."""
    before = victim.state()
    for number, payload in some_of(enumerate(PAYLOADS)):
        sent = quote(payload, safe="")
        line = "".join(sign if " " <= sign <= "~" else "?" for sign in payload)
        places: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", f"{BASE}?field_code={sent}&limit=x", {}),
            ("GET", f"{BASE}/production?cursor={sent}", {}),
            ("GET", f"{BASE}/production/totals?from={sent}", {}),
            ("GET", f"{BASE}/import/jobs?status={sent}", {}),
            ("GET", f"{BASE}/import/jobs?{sent}=1", {}),
            ("GET", f"{BASE}/import/status/{sent}", {}),
            ("GET", f"{BASE}/import/trigger?field_code={sent}&from=x", {}),
            ("POST", f"{BASE}/import/jobs/{sent}/cancel", {}),
            ("POST", f"{BASE}/import/jobs/{victim.job_id}/retry", {"Idempotency_Key": line}),
            ("GET", f"{BASE}/import/jobs?limit=x", {"X_Request_ID": line}),
            (
                "GET",
                f"{BASE}/import/jobs?limit=x",
                {"Accept": line, "If_None_Match": line, "Origin": line},
            ),
            ("GET", f"{BASE}/import/jobs", {"Authorization": f"Bearer {line}"}),
            ("GET", f"/console/{sent}", {}),
        ]
        for method, target, headers in places[number % 3 :: 3]:
            assert_refused(victim.ask(method, target, **headers), target)
        assert_refused(
            victim.ask("POST", f"{BASE}/import/trigger", json.dumps({"from": payload}).encode()),
            payload,
        )
        found = victim.ask("GET", f"{BASE}?search={sent}")
        assert found.status == 400 or json.loads(found.text)["data"]["rows"] == [], payload

    assert victim.state() == before
    assert_every_line_is_ours(victim)


def assert_refused(answer: Answer, what: str) -> None:
    assert answer.status in (400, 401, 404, 409), (what, answer)
    assert json.loads(answer.text)["success"] is False
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    forged = {"Set-Cookie", "Location", "Access-Control-Allow-Origin", "Transfer-Encoding"}
    assert not forged & set(answer.headers.keys()), what
    assert re.fullmatch(r"[A-Za-z0-9._-]+", answer.headers["X-Request-ID"])


def assert_every_line_is_ours(victim: Victim) -> None:
    for name, line in victim.logs():
        if name == "api.log":
            is_json = line.startswith("{") and {"timestamp", "level", "message"} <= set(
                json.loads(line)
            )
            assert is_json or LINE_OF_THE_GATEWAY.fullmatch(line), line
        assert not re.match(r'\{"level": "ERROR", "message": "forged"|.* root GET', line), line


# --- secrets


def canary(name: str) -> str:
    return f"canary-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


SENT = [
    "query",
    "unknown",
    "body",
    "member",
    "idempotency",
    "request",
    "header",
    "agent",
    "mark",
    "cookie",
    "accept",
]


def send_canaries(victim: Victim) -> list[Answer]:
    told = {name: canary(name) for name in SENT}
    jobs, start = f"{BASE}/import/jobs", f"{BASE}/import/trigger"
    return [
        victim.ask("GET", f"{jobs}?limit={told['query']}"),
        victim.ask("GET", f"{BASE}/production?from={told['query']}"),
        victim.ask("GET", f"{BASE}?search={told['query']}"),
        victim.ask("GET", f"{jobs}?token={told['unknown']}"),
        victim.ask("GET", jobs, Authorization=f"Bearer {canary('guessed')}"),
        victim.ask("GET", jobs, Authorization=f"Basic {canary('guessed')}"),
        victim.ask("POST", start, told["body"].encode()),
        victim.ask("POST", start, json.dumps({"from": told["member"]}).encode()),
        victim.ask("POST", f"{jobs}/{victim.job_id}/retry", Idempotency_Key=told["idempotency"]),
        victim.ask("GET", jobs, X_Request_ID=f"no id {told['request']}", X_Api_Key=told["header"]),
        victim.ask(
            "GET", jobs, User_Agent=told["agent"], If_None_Match=told["mark"], Accept=told["accept"]
        ),
        victim.ask("GET", f"{BASE}/production/summary", Cookie=told["cookie"]),
        victim.ask("GET", f"{BASE}/import/status/{victim.job_id}"),
        victim.ask("GET", "/api/v1/health"),
        victim.ask("POST", start, Idempotency_Key=told["idempotency"]),
    ]


def test_no_secret_comes_out(tmp_path: Path) -> None:
    """Not in an answer, a line of a log, an item or a file;
    the machine's own token is in the file that is for it.
    """
    password = canary("password")
    reader = TokenBook(tmp_path).make("bob", Role.READER)
    user = {**os.environ, "WELLHEAD_SOURCE_USERNAME": "ada", "WELLHEAD_SOURCE_PASSWORD": password}
    with (
        SampleSource(GeneratedProduction(1_000), credentials=("ada", password)) as source,
        LocalStack(
            source=Source(url=source.url), state=tmp_path, port=0, user_environment=user
        ) as running,
        Victim(running, trigger(tmp_path)) as victim,
    ):
        done = job_at_its_end(tmp_path, victim.job_id)
        answers = [
            *send_canaries(victim),
            victim.ask("GET", f"{BASE}/import/jobs", Authorization=f"Bearer {reader}"),
        ]
        job_at_its_end(tmp_path, json.loads(answers[-2].text)["data"]["job_id"])
        items = json.dumps(victim.items(), default=str)
        own = running.token

    secrets = [password, reader, own, canary("guessed"), *(canary(name) for name in SENT)]
    assert (done["status"], answers[-1].status) == ("COMPLETED", 200)
    assert [secret for secret in secrets for answer in answers if secret in answer.whole] == []
    assert [secret for secret in secrets if secret in items] == []
    kept = {
        str(path.relative_to(tmp_path)): [
            secret for secret in secrets if secret.encode() in path.read_bytes()
        ]
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert {path: found for path, found in kept.items() if found} == {"token": [own]}
