"""A check of a source:
begun by a request, done by the import function, asked for until it is at its end.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import ADMIN, OPERATOR, READER, Reply
from support.coordination import Clock, table_contents
from support.sources import faulty_keys

from chalicelib.errors import CheckUnknown, WellheadError
from chalicelib.jobs.table import Table
from chalicelib.services import Services
from chalicelib.sources.checks import (
    KEPT,
    LONGEST_RESULT,
    LONGEST_WORK,
    PLACES,
    Checks,
    CheckStatus,
)
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from pathlib import Path

    from support.api_client import Api
    from support.coordination import LambdaHandler

CHECK = "/api/v1/sources/check"
TABLE = "wellhead-test"
CSV = "API,Month,Oil (bbl)\n05-001-1,2024-01,310\n05-001-1,2024-02,290\n"
RESULT: dict[str, Any] = {"fields": [], "unknown": [], "hints": [], "rows": [], "draft": None}


@pytest.fixture
def services(environment: dict[str, str]) -> Services:
    """Of a laptop, where sources may be anywhere;
    asked for before `api`, which reads the same environment.
    """
    environment["WELLHEAD_SOURCE_REACH"] = "anywhere"
    return Services(environment)


@pytest.fixture
def checks(dynamodb: Any) -> Checks:
    return Checks(Table(dynamodb=dynamodb, name=TABLE), clock=Clock())


def ask(
    api: Api, method: str, path: str, values: Any = None, *, token: str = ADMIN, **headers: str
) -> Reply:
    body = (
        values
        if isinstance(values, bytes)
        else None
        if values is None
        else json.dumps(values).encode()
    )
    return api.ask(method, path, body, Authorization=f"Bearer {token}", **headers)


def begun(api: Api, values: Any) -> str:
    reply = ask(api, "POST", CHECK, values)
    assert reply.status == 202, reply.envelope
    return str(reply.envelope["data"]["check_id"])


def shown(api: Api, check_id: str) -> dict[str, Any]:
    reply = ask(api, "GET", f"{CHECK}/{check_id}")
    assert reply.status == 200, reply.envelope
    data: dict[str, Any] = reply.envelope["data"]
    return data


def test_a_check_of_a_file_waits_is_done_and_has_a_draft(
    services: Services, api: Api, tmp_path: Path
) -> None:
    file = tmp_path / "wells.csv"
    file.write_text(CSV)
    check_id = begun(api, {"name": "colorado", "kind": "files", "url": str(file)})
    waiting = shown(api, check_id)
    assert {name: waiting[name] for name in ("status", "error", "result")} == {
        "status": "PENDING",
        "error": None,
        "result": None,
    }

    assert services.check(check_id) == {"check_id": check_id}

    done = shown(api, check_id)
    assert (done["status"], done["error"]) == ("DONE", None)
    result = done["result"]
    assert result["fields"] == ["API", "Month", "Oil (bbl)"]
    assert result["rows"][0] == {"API": "05-001-1", "Month": "2024-01", "Oil (bbl)": "310"}
    assert "Nothing of the source fills well_code" in result["problems"][0]
    assert 'name = "colorado"' in result["draft"]["text"]


def test_a_check_of_a_whole_definition_shows_what_would_be_stored(
    services: Services, api: Api, tmp_path: Path
) -> None:
    file = tmp_path / "wells.csv"
    file.write_text(CSV)
    text = f"""
        kind = "files"
        url = "{file}"
        [columns]
        well_code = "API"
        production_period = "Month"
        oil_production_kbd = {{ field = "Oil (bbl)", unit = "bbl" }}
    """
    check_id = str(
        ask(api, "POST", CHECK, text.encode(), Content_Type="application/toml").envelope["data"][
            "check_id"
        ]
    )
    services.check(check_id)

    result = shown(api, check_id)["result"]
    assert (result["problems"], result["hints"], result["draft"]) == ([], [], None)
    assert (result["rows_looked_at"], result["sound"], result["skipped"]) == (2, 2, 0)
    oil = next(column for column in result["columns"] if column["name"] == "oil_production_kbd")
    assert oil == {
        "name": "oil_production_kbd",
        "unit": "thousand barrels per day",
        "field": "Oil (bbl)",
        "type": "Edm.String",
        "source_unit": "bbl",
        "example": "310",
        "stored": "0.01",
        "empty": 0.0,
    }


def test_a_check_of_a_service_stores_nothing(services: Services, api: Api, dynamodb: Any) -> None:
    with SampleSource(GeneratedProduction(50)) as source:
        check_id = begun(api, {"name": "gulf", "url": source.url})
        services.check(check_id)
    result = shown(api, check_id)["result"]
    assert (result["problems"], result["rows_looked_at"], result["expected"]) == ([], 50, 50)
    stored = table_contents(dynamodb, TABLE)
    assert stored.pop("TOKEN#eve")  # that eve has asked
    assert [item["check_id"] for item in stored.values()] == [check_id]
    assert ask(api, "GET", "/api/v1/sources/gulf").status == 404


def test_a_source_that_does_not_answer_fails_the_check_in_a_sentence(
    services: Services, api: Api
) -> None:
    check_id = begun(
        api, {"name": "gulf", "url": "http://127.0.0.1:9/odata/Wells", "odata": {"retries": 0}}
    )
    services.check(check_id)
    found = shown(api, check_id)
    assert (found["status"], found["error"]["code"], found["result"]) == (
        "FAILED",
        "SOURCE_UNREACHABLE",
        None,
    )


def test_faults_are_told_at_once_and_nothing_is_begun(
    api: Api, lambda_handler: type[LambdaHandler]
) -> None:
    reply = ask(
        api, "POST", CHECK, {"nmae": "x", "period": "monthly", "where": {"A": {"pattern": "("}}}
    )
    assert reply.status == 400
    keys = faulty_keys(reply.envelope["error"]["details"]["faults"])
    assert keys == ["nmae", "period", "where.A.pattern"]
    assert lambda_handler.invocations == []


@pytest.mark.parametrize("token", [READER, OPERATOR])
def test_only_an_admin_looks_at_sources(api: Api, token: str, dynamodb: Any) -> None:
    for method, path in (("POST", CHECK), ("GET", f"{CHECK}/{uuid.uuid4()}")):
        reply = ask(api, method, path, {} if method == "POST" else None, token=token)
        assert (reply.status, reply.envelope["error"]["code"]) == (403, "ROLE_REQUIRED")
    assert table_contents(dynamodb, TABLE) == {}


UNKNOWN = "0b7c1f5e-6d2a-4c3b-9e8f-1a2b3c4d5e6f"


@pytest.mark.parametrize("check_id", [UNKNOWN, UNKNOWN.upper(), "x", "1", "%2e%2e", "0" * 36])
def test_an_id_that_nobody_knows_is_not_found(api: Api, check_id: str) -> None:
    reply = ask(api, "GET", f"{CHECK}/{check_id}")
    assert (reply.status, reply.envelope["error"]["code"]) == (404, "SOURCE_CHECK_UNKNOWN")


def test_a_check_whose_function_died_has_failed(services: Services, api: Api) -> None:
    check_id = begun(api, {"name": "gulf", "url": "http://127.0.0.1:9/odata/Wells"})
    services.checks.begin(check_id)
    assert shown(api, check_id)["status"] == "RUNNING"

    services.give_up_check(check_id)

    found = shown(api, check_id)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "SOURCE_CHECK_FAILED")


# -- the items ------------------------------------------------------------------------------------


def test_one_that_is_done_stays_so_when_its_function_dies_later(checks: Checks) -> None:
    check = checks.create({"name": "a"}, by="eve")
    checks.begin(check.check_id)
    checks.finish(check.check_id, RESULT)
    checks.give_up(check.check_id)
    assert checks.read(check.check_id).status is CheckStatus.DONE


def test_what_is_never_done_has_failed_and_is_forgotten_after_a_day(dynamodb: Any) -> None:
    clock = Clock()
    checks = Checks(Table(dynamodb=dynamodb, name=TABLE), clock=clock)
    check = checks.create({"name": "a"}, by="eve")
    clock.advance(LONGEST_WORK + 1)
    assert checks.read(check.check_id).view()["error"]["code"] == "SOURCE_CHECK_FAILED"
    clock.advance(KEPT)
    with pytest.raises(CheckUnknown):
        checks.read(check.check_id)


def test_one_that_has_lost_its_place_changes_nothing_of_the_new_one(checks: Checks) -> None:
    old = checks.create({"name": "old"}, by="eve")
    new = old
    for _ in range(20 * PLACES):
        new = checks.create({"name": "new"}, by="bob")
        if uuid.UUID(new.check_id).int % PLACES == uuid.UUID(old.check_id).int % PLACES:
            break
    checks.finish(old.check_id, RESULT)
    checks.give_up(old.check_id)
    assert checks.read(new.check_id) == new
    with pytest.raises(WellheadError):
        checks.begin(old.check_id)


@pytest.mark.parametrize(
    "long",
    [
        {"fields": [f"field {i} {'x' * 200}" for i in range(2_000)]},
        {"unknown": [f"field {i} {'é' * 200}" for i in range(2_000)]},
        {"rows": [{f"{i}": "€" * 200 for i in range(2_000)}] * 5},
        {"draft": {"text": "x" * LONGEST_RESULT, "guesses": []}},
        {"problems": ["é" * 100_000] * 3},
        {"columns": [{"name": "a", "field": "x" * 500_000}]},
    ],
)
def test_a_result_that_is_too_long_is_kept_shorter(checks: Checks, long: dict[str, Any]) -> None:
    check = checks.create({"name": "a"}, by="eve")
    checks.finish(check.check_id, RESULT | {"sound": 7} | long)
    found = checks.read(check.check_id)
    assert found.status is CheckStatus.DONE
    assert found.result is not None
    assert (found.result.keys() >= RESULT.keys(), found.result["sound"]) == (True, 7)
    assert len(json.dumps(found.result)) <= LONGEST_RESULT
