"""The routes of the sources:
who may define them, what is refused, and which one a trigger means.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.api_client import ADMIN, OPERATOR, READER, Reply
from support.coordination import table_contents
from support.sources import URL, a_definition, faulty_keys

if TYPE_CHECKING:
    from support.api_client import Api
    from support.coordination import LambdaHandler

TABLE = "wellhead-test"
SOURCES = "/api/v1/sources"
TRIGGER = "/api/v1/wells/import/trigger"
JOBS = "/api/v1/wells/import/jobs"


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


def put(api: Api, name: str = "north-sea", *, if_match: str = '"0"', **values: Any) -> Reply:
    return ask(api, "PUT", f"{SOURCES}/{name}", a_definition(name, **values), If_Match=if_match)


def told(reply: Reply) -> tuple[int, str, Any]:
    error = reply.envelope["error"]
    return reply.status, error["code"], error.get("details")


def faults(reply: Reply) -> list[str]:
    status, code, details = told(reply)
    assert (status, code) == (400, "SOURCE_DEFINITION_INVALID")
    return faulty_keys(details["faults"])


def test_a_source_is_defined_read_replaced_and_deleted(api: Api, dynamodb: Any) -> None:
    created = put(api, default=True)
    assert (created.status, created.headers["ETag"]) == (200, '"1"')
    assert created.envelope["data"]["definition"] == a_definition(default=True)
    assert created.envelope["data"]["created_by"] == "eve"

    replaced = put(api, default=True, period="year", if_match='"1"')
    assert (replaced.status, replaced.headers["ETag"]) == (200, '"2"')
    read = ask(api, "GET", f"{SOURCES}/north-sea", token=READER)
    assert (read.headers["ETag"], read.envelope["data"]) == ('"2"', replaced.envelope["data"])
    before = ask(api, "GET", f"{SOURCES}/north-sea?version=1", token=READER)
    assert before.envelope["data"] == created.envelope["data"]

    gone = ask(api, "DELETE", f"{SOURCES}/north-sea")
    assert (gone.status, gone.envelope["data"]) == (200, {"name": "north-sea", "version": 2})
    assert "Its rows stay" in gone.envelope["message"]
    assert told(ask(api, "GET", f"{SOURCES}/north-sea")) == (
        404,
        "SOURCE_UNKNOWN",
        {"source": "north-sea"},
    )
    versions = [f"SOURCE#north-sea#00000{number}" for number in (1, 2)]
    assert set(table_contents(dynamodb, TABLE)) == {
        "SOURCE#north-sea",
        *versions,
        "TOKEN#bob",
        "TOKEN#eve",
    }


def test_the_list_shows_the_settings_and_what_is_defined(api: Api) -> None:
    put(api)

    reply = ask(api, "GET", SOURCES, token=READER)
    again = api.exchange(
        "GET", SOURCES, Authorization=f"Bearer {READER}", If_None_Match=reply.headers["ETag"]
    )

    shown = [
        (each["name"], each["version"], each["is_of_settings"])
        for each in reply.envelope["data"]["sources"]
    ]
    assert shown == [("default", None, True), ("north-sea", 1, False)]
    assert again.status == 304


def test_a_definition_may_be_toml(api: Api) -> None:
    body = f'kind = "odata"\nurl = "{URL}"\n[odata]\npage_size = 50\n'.encode()

    reply = ask(
        api, "PUT", f"{SOURCES}/north-sea", body, Content_Type="application/toml; charset=utf-8"
    )

    assert reply.envelope["data"]["definition"] == {
        "kind": "odata",
        "url": URL,
        "odata": {"page_size": 50},
        "name": "north-sea",
    }


@pytest.mark.parametrize("token", [READER, OPERATOR])
def test_only_an_admin_defines_sources(api: Api, dynamodb: Any, token: str) -> None:
    for method, path in [("PUT", "/north-sea"), ("DELETE", "/north-sea"), ("POST", "/check")]:
        reply = ask(api, method, SOURCES + path, a_definition(), token=token)
        assert told(reply) == (403, "ROLE_REQUIRED", {"needed": "admin"})
    assert table_contents(dynamodb, TABLE) == {}


def test_the_query_of_an_address_is_shown_to_admins_alone(api: Api) -> None:
    secret = URL + "?key=hunter2hunter2&$filter=A%20eq%201"
    put(api, url=secret)

    shown = {
        token: ask(api, "GET", f"{SOURCES}/north-sea", token=token).envelope["data"]["definition"][
            "url"
        ]
        for token in (ADMIN, OPERATOR, READER)
    }

    assert shown[ADMIN] == secret
    assert shown[READER] == shown[OPERATOR] == URL + "?key=***&$filter=A%20eq%201"


def test_every_fault_is_told_and_nothing_stored(api: Api, dynamodb: Any) -> None:
    values: dict[str, Any] = {
        "nmae": "x",
        "period": "monthly",
        "secret": "hunter2",
        "odata": {"pages": 1},
    }

    assert faults(put(api, **values)) == ["nmae", "secret", "period", "odata.pages"]
    assert faults(put(api, url="https://169.254.169.254/latest", secret="env:X")) == [
        "url",
        "secret",
    ]
    assert faults(put(api, kind="files", url="/etc/passwd")) == ["url"]
    assert table_contents(dynamodb, TABLE) == {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"{", "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b"[" * 20_000, "application/json"),
        (b"a = ", "application/toml"),
        (b"\xff\xfe", "application/toml"),
        (b"a = nan", "application/toml"),
        (b"a = " + b"[" * 5_000, "application/toml"),
        (b"# " + b"x" * (3 << 20), "application/toml"),
        (b'kind = "odata"', "application/json"),
    ],
)
def test_what_is_no_definition_is_a_fault_of_the_whole(
    api: Api, body: bytes, content_type: str
) -> None:
    for method, path in (("PUT", "/north-sea"), ("POST", "/check")):
        assert faults(ask(api, method, SOURCES + path, body, Content_Type=content_type)) == [""]


def test_check_lists_what_a_put_would_refuse(
    api: Api, dynamodb: Any, lambda_handler: type[LambdaHandler]
) -> None:
    bad = ask(api, "POST", f"{SOURCES}/check", a_definition(period="monthly"))
    inside = ask(api, "POST", f"{SOURCES}/check", a_definition(url="https://localhost/x"))

    assert (faults(bad), faults(inside)) == (["period"], ["url"])
    assert (table_contents(dynamodb, TABLE), lambda_handler.invocations) == ({}, [])


def test_a_check_is_begun_and_can_be_asked_for(
    api: Api, lambda_handler: type[LambdaHandler]
) -> None:
    begun = ask(api, "POST", f"{SOURCES}/check", a_definition())

    check_id = begun.envelope["data"]["check_id"]
    assert (begun.status, begun.headers["Location"]) == (202, f"check/{check_id}")
    assert [sent for *_, sent in lambda_handler.invocations] == [{"check_id": check_id}]
    assert ask(api, "GET", f"{SOURCES}/check/{check_id}").envelope["data"] == begun.envelope["data"]
    other_id = check_id[:-1] + ("1" if check_id.endswith("0") else "0")
    assert told(ask(api, "GET", f"{SOURCES}/check/{other_id}"))[1] == "SOURCE_CHECK_UNKNOWN"
    assert told(ask(api, "GET", f"{SOURCES}/check/nope"))[:2] == (404, "SOURCE_CHECK_UNKNOWN")


@pytest.mark.parametrize("name", ["North", "a" * 41, "a_b", "a%2Fb", "..", "a b", "%00"])
def test_a_name_of_another_form_is_no_source(api: Api, dynamodb: Any, name: str) -> None:
    path = f"{SOURCES}/{name.replace(' ', '%20')}"
    for method in ("GET", "PUT", "DELETE"):
        reply = ask(api, method, path, a_definition() if method == "PUT" else None)
        assert reply.status in (400, 404), (method, reply)
    assert table_contents(dynamodb, TABLE) == {}


@pytest.mark.parametrize("name", ["North Sea", "NORTH", "nord-sjø"])
def test_a_definition_with_a_name_of_another_form_is_told_what_a_name_is(
    api: Api, name: str
) -> None:
    definition = a_definition(name)

    reply = ask(api, "PUT", f"{SOURCES}/{quote(name)}", definition)

    assert (reply.status, reply.envelope["error"]["code"]) == (400, "SOURCE_DEFINITION_INVALID")
    assert reply.envelope["error"]["details"]["faults"] == [
        {
            "key": "name",
            "problem": f'is "{name}"',
            "instead": "1 to 40 small letters, digits and hyphens",
        }
    ]


def test_a_name_that_an_address_has_is_taken(api: Api) -> None:
    assert ask(api, "PUT", f"{SOURCES}/check", a_definition("check")).status == 405
    assert [
        preset["name"]
        for preset in ask(api, "GET", f"{SOURCES}/presets").envelope["data"]["presets"]
    ]


@pytest.mark.parametrize("if_match", ["1", "W/1", '"x"', '"1', '"1", "2"', '"0000001"'])
def test_an_if_match_of_another_form_is_refused(api: Api, if_match: str) -> None:
    assert told(put(api, if_match=if_match)) == (400, "VALIDATION_ERROR", {"field": "If-Match"})


def test_who_has_not_seen_a_version_does_not_overwrite_it(api: Api) -> None:
    put(api)

    unseen = ask(api, "PUT", f"{SOURCES}/north-sea", a_definition(period="year"))
    stale = ask(api, "DELETE", f"{SOURCES}/north-sea", If_Match='"7"')

    assert (
        told(unseen)
        == told(stale)
        == (412, "SOURCE_VERSION_DIFFERS", {"source": "north-sea", "version": 1})
    )


def test_the_source_of_the_settings_is_changed_there(api: Api) -> None:
    status, code, _ = told(ask(api, "DELETE", f"{SOURCES}/default"))

    assert (status, code) == (409, "BUSINESS_RULE_VIOLATION")


# -- imports of a source -----------------------------------------------------------------------------


def trigger(api: Api, query: str = "", **options: Any) -> Reply:
    return ask(api, "POST", f"{TRIGGER}{query}", **options)


def test_a_trigger_names_its_source(api: Api, dynamodb: Any) -> None:
    put(api)
    put(api, "gulf")

    assert told(trigger(api)) == (
        400,
        "SOURCE_NOT_NAMED",
        {"field": "source", "sources": ["default", "gulf", "north-sea"]},
    )
    assert told(trigger(api, "?source=nowhere")) == (404, "SOURCE_UNKNOWN", {"source": "nowhere"})
    for query in ("?source=*", "?source=", "?source=North", "?source=a&source=b"):
        assert told(trigger(api, query))[:2] == (400, "VALIDATION_ERROR")
    started = trigger(api, values={"source": "gulf", "full": True}).envelope["data"]

    job = ask(api, "GET", f"/api/v1/wells/import/status/{started['job_id']}").envelope["data"]
    assert (job["source"], job["source_version"], job["parameters"]) == ("gulf", 1, {"full": True})
    assert table_contents(dynamodb, TABLE)[f"JOB#{job['job_id']}"]["source_name"] == "gulf"
    assert told(ask(api, "DELETE", f"{SOURCES}/gulf"))[2] == {
        "source": "gulf",
        "job_id": job["job_id"],
    }
    assert told(trigger(api, "?source=north-sea"))[0] == 409


def test_without_a_name_the_default_one_is_imported(api: Api) -> None:
    put(api, default=True)

    assert trigger(api).envelope["data"]["source"] == "north-sea"


def test_the_same_key_for_another_source_is_refused(api: Api) -> None:
    put(api)
    first = trigger(api, "?source=north-sea", Idempotency_Key="mine")

    again = trigger(api, "?source=north-sea", Idempotency_Key="mine")
    other = trigger(api, "?source=default", Idempotency_Key="mine")

    assert again.envelope["data"]["job_id"] == first.envelope["data"]["job_id"]
    assert told(other) == (400, "VALIDATION_ERROR", {"field": "Idempotency-Key"})


def test_the_history_is_that_of_one_source(api: Api) -> None:
    put(api)
    jobs: dict[str, list[str]] = {}
    for name in ("north-sea", "default", "north-sea"):
        job_id = trigger(api, f"?source={name}").envelope["data"]["job_id"]
        ask(api, "POST", f"{JOBS}/{job_id}/cancel")
        jobs.setdefault(name, []).append(job_id)

    for name, ids in jobs.items():
        listed = ask(api, "GET", f"{JOBS}?source={name}&status=CANCELLED").envelope["data"]["jobs"]
        assert [job["job_id"] for job in listed] == ids[::-1]
    assert ask(api, "GET", f"{JOBS}?source=nowhere").envelope["data"]["jobs"] == []


def test_a_retry_is_of_the_same_source_and_refused_when_it_reads_otherwise_now(api: Api) -> None:
    put(api)
    job_id = trigger(api, "?source=north-sea").envelope["data"]["job_id"]
    ask(api, "POST", f"{JOBS}/{job_id}/cancel")
    put(api, schedule="0 5 * * *", if_match='"1"')

    retried = ask(api, "POST", f"{JOBS}/{job_id}/retry").envelope["data"]
    again = ask(api, "GET", f"/api/v1/wells/import/status/{retried['job_id']}").envelope["data"]
    assert (again["source"], again["source_version"]) == ("north-sea", 2)
    ask(api, "POST", f"{JOBS}/{retried['job_id']}/cancel")
    assert ask(api, "DELETE", f"{SOURCES}/north-sea").status == 200
    assert told(ask(api, "POST", f"{JOBS}/{retried['job_id']}/retry"))[:2] == (
        404,
        "SOURCE_UNKNOWN",
    )
