"""The routes of the data as somebody else's program asks them, over HTTP;
and what was published before.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from chalicelib.warehouse.names import snapshot_name
from local.aws.loopback import LoopbackHandler
from support.api_client import READER
from support.api_contract import hold
from support.scripted_source import Answer as SourceAnswer
from support.scripted_source import page
from support.staging import KEY_OF_A_ROW

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.services import Services
    from support.scripted_source import Serve

BASE = "/api/v1"
FORMULA = '=HYPERLINK("http://example.org")'
ROWS: list[dict[str, Any]] = [
    {
        **KEY_OF_A_ROW,
        "field_code": f"{field}",
        "well_code": f"{well}",
        "production_period": f"2024-0{month}-01",
    }
    | {"well_name": f"Årdal {well}", "oil_production_kbd": 1.5}
    for field, well in ((1, 10), (1, 11), (2, 20))
    for month in (1, 2, 3)
]
BAD: list[Any] = [{"well_code": 1}, {**KEY_OF_A_ROW, "oil_production_kbd": "much"}, FORMULA]
DATA_ROUTES = [
    "/wells/production",
    "/wells/production/revisions",
    "/wells/production/totals",
    "/wells/production/summary",
    "/wells/fields",
    "/wells",
    "/wells/register",
    "/wells/import/jobs/{job}/rejects",
]


class QueryFunction(LoopbackHandler):
    """Lambda's Invoke, with the product's own answers; counts the questions."""

    services: ClassVar[Services]
    questions: ClassVar[list[dict[str, Any]]]

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        body = self.read_body()
        if self.headers["X-Amz-Invocation-Type"] == "DryRun":
            self.answer(204, b"")
            return
        self.questions.append(json.loads(body))
        self.answer(200, json.dumps(self.services.answer(json.loads(body))).encode())


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: str
    content: bytes = b""

    @property
    def data(self) -> Any:
        assert self.status == 200, self.body
        return json.loads(self.body)["data"]

    @property
    def error(self) -> Any:
        assert self.status >= 400, self.body
        return json.loads(self.body)["error"]


class Wells:
    """The API, with what was published and what the query function was asked."""

    def __init__(
        self, port: int, environment: dict[str, str], questions: list[dict[str, Any]]
    ) -> None:
        self.port = port
        self.environment = environment
        self.scratch = Path(environment["WELLHEAD_SCRATCH"])
        self.questions = questions
        self.job: Job

    def snapshot_of(self, job: Job) -> dict[str, Any]:
        """As an answer names it."""
        name = snapshot_name(job.fence, job.job_id, is_lake="WELLHEAD_CATALOG" in self.environment)
        return {"name": name, "fence": job.fence, "job_id": job.job_id}

    def ask(self, path: str, *, token: str | None = READER, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        target = BASE + path.format(job=self.job.job_id)
        connection.request("GET", target, headers=sent)
        response = connection.getresponse()
        content = response.read()
        answer = Answer(
            response.status, response.headers, content.decode(errors="replace"), content
        )
        connection.close()
        assert answer.headers["Cache-Control"] == "no-store"
        is_json = "json" in answer.headers["Content-Type"] and answer.status != 304
        hold(
            "GET",
            target,
            answer.status,
            answer.headers["Content-Type"],
            json.loads(answer.body) if is_json else "",
        )
        return answer


def source_of(serve: Serve, rows: list[Any]) -> str:
    """All rows are on the first page."""
    return serve(
        lambda handler: SourceAnswer(page([] if "$skip" in handler.asked.query else rows))
    ).url
