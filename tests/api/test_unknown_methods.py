"""A method that an address does not know is refused by the app,
in the envelope, with those that it knows.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.api_client import Api

EVENT = Path(__file__).parents[2] / "infra" / "events" / "api-status.json"


def ask(path: str, method: str, **headers: str) -> dict[str, Any]:
    """As API Gateway passes it on."""
    event = json.loads(EVENT.read_text())
    event["httpMethod"] = method
    event["headers"] = {**event["headers"], **headers}
    event["requestContext"] |= {"httpMethod": method, "resourcePath": path}
    answer: dict[str, Any] = importlib.import_module("app").app(event, None)
    return answer


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/wells/import/trigger", "GET, OPTIONS, POST"),
        ("/api/v1/wells/import/status/{job_id}", "GET, HEAD, OPTIONS"),
        ("/api/v1/health", "GET, HEAD, OPTIONS"),
    ],
)
def test_it_names_the_methods_that_it_knows(path: str, allow: str, api: Api) -> None:
    answer = ask(path, "PATCH")
    body = json.loads(answer["body"])
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, allow)
    assert body["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert body.keys() == {"success", "error", "request_id", "timestamp"}
    assert answer["headers"]["X-Request-ID"] == body["request_id"]
    assert answer["headers"]["Cache-Control"] == "no-store"


def test_it_does_so_as_problem_details_too(api: Api) -> None:
    answer = ask("/api/v1/health", "DELETE", accept="application/problem+json")
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"])["status"] == 405
