"""What is imported where, and that importing connects to nothing and asks for nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from support.documents import names, section, table

from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import CURRENT, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.coordination import LambdaHandler

ROOT = Path(__file__).parents[1]
HEAVY = ("duckdb", "requests", "boto3", "msgspec")

SERVE = """
import sys
import app as module

def call(method, path, resource, parameters=None):
    event = {
        "requestContext": {"httpMethod": method, "resourcePath": resource, "identity": {"sourceIp": "127.0.0.1"},
                           "authorizer": {"principalId": "ann", "role": "operator"}},
        "path": path, "headers": {}, "multiValueQueryStringParameters": None, "pathParameters": parameters,
        "stageVariables": None, "body": None, "isBase64Encoded": False,
    }
    return module.app(event, None)

started = call("POST", "/t", "/api/v1/wells/import/trigger")
assert started["statusCode"] == 202, started
job_id = started["headers"]["Location"].split("/")[1]
status = call("GET", "/s", "/api/v1/wells/import/status/{job_id}", {"job_id": job_id})
assert status["statusCode"] == 200, status
"""

ASK = """
resource = "/api/v1/wells/production"
answer = call("GET", resource, resource)
assert answer["statusCode"] == 200, answer
health = call("GET", "/api/v1/health", "/api/v1/health")
assert "UNHEALTHY" in health["body"], health  # there is no warehouse yet
"""

HERMETIC = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        raise AssertionError(f"{event} {arguments}")

sys.addaudithook(refuse)
import app
"""


def run(code: str, environment: Mapping[str, str]) -> str:
    """What the code prints, in a fresh interpreter that knows no other environment."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_trigger_and_status_load_nothing_heavy(environment: dict[str, str]) -> None:
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    look = f"print([name for name in {HEAVY} if name in sys.modules])"

    assert run(SERVE + look, environment | aws) == "[]\n"


def test_asking_for_data_loads_nothing_heavy(
    environment: dict[str, str], lambda_handler: type[LambdaHandler], dynamodb: Any
) -> None:
    lambda_handler.status, lambda_handler.answered = (
        200,
        b'{"data": {"rows": [], "next_cursor": null, "snapshot": {"name": "x"}}}',
    )
    snapshot = Snapshot(name="snapshots/x", fence=1, rows=0, bytes=0, sha256="", job_id="")
    dynamodb.put_item(
        TableName=environment["WELLHEAD_TABLE"], Item=to_item(CURRENT | asdict(snapshot))
    )
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    serve = SERVE.partition("started =")[0] + ASK
    look = f"print([name for name in {HEAVY} if name in sys.modules])"

    assert run(serve + look, environment | aws | {"WELLHEAD_QUERY_FUNCTION": "query"}) == "[]\n"
    assert [kind for _, kind, _ in lambda_handler.invocations] == ["RequestResponse", "DryRun"]


def test_importing_the_app_connects_to_nothing_and_needs_no_settings() -> None:
    assert run(HERMETIC, {}) == ""


def test_the_import_function_knows_nothing_of_the_laptops_aws() -> None:
    look = "print([name for name in ('boto3', 'moto', 'local', 'tests') if name in sys.modules])"

    assert run("import sys, chalicelib.imports.worker\n" + look, {}) == "[]\n"


def test_a_test_imports_what_its_fixtures_need_alone() -> None:
    """Each process of each run of tests pays for what conftest.py imports."""
    dear = ("boto3", "botocore", "chalice", "duckdb", "flask", "hypothesis", "moto", "requests")
    look = f"print([name for name in {dear} if name in sys.modules])"

    assert run("import sys; sys.path.append('tests'); import conftest\n" + look, {}) == "[]\n"


def test_hypothesis_has_the_profile_of_these_tests() -> None:
    assert settings.get_current_profile_name() == "wellhead"
    assert settings().deadline is None


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_test_imports_another() -> None:
    tests = {path.stem: path for path in (ROOT / "tests").rglob("test_*.py")}
    imports = re.compile(r"^\s*(?:from|import) (test_\w+)", re.MULTILINE)

    assert {name: imports.findall(path.read_text("utf-8")) for name, path in tests.items()} == {
        name: [] for name in tests
    }


def test_the_map_shows_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "chalicelib").glob("*/__init__.py")}
    document = (ROOT / "docs" / "architecture.md").read_text("utf-8")

    assert rooms == names(section(document, "The rooms, one by one")) & rooms
    assert all(re.search(rf"\b{room}\b", section(document, "The map")) for room in rooms)


def test_what_the_map_names_exists() -> None:
    document = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    paths = re.findall(r"`([a-z_]+/[\w/.]+)`", document)

    assert paths
    assert [
        path
        for path in paths
        if not any((base / path).exists() for base in (ROOT, ROOT / "chalicelib"))
    ] == []


def test_the_glossary_has_one_sentence_for_each_word() -> None:
    words = table((ROOT / "docs" / "glossary.md").read_text("utf-8"))
    expected = {
        "job",
        "lock",
        "owner",
        "holder",
        "fence",
        "lease",
        "segment",
        "checkpoint",
        "cursor",
        "batch",
    }
    expected |= {"snapshot", "watermark", "survey", "finding", "source", "preset", "grain"}

    assert expected <= {word for word, _ in words}
    assert len({word for word, _ in words}) == len(words)
