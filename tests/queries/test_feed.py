"""The OData feed, over HTTP:
its documents, its pages on one snapshot, its errors, and who may read it.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from support.api_client import ADMIN, OPERATOR, READER
from support.data_api import ROWS, Wells, source_of
from support.staging import run_import
from support.store_kinds import FILE_AND_LAKE

import app
from chalicelib.odata.metadata import read_entity_type
from chalicelib.queries.feed_filter import CASES, TESTS
from chalicelib.services import Services

if TYPE_CHECKING:
    from support.scripted_source import Serve

ROOT = "/odata/v4"


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        assert self.headers["OData-Version"] == "4.0"
        assert self.headers["Content-Type"] == "application/json;odata.metadata=minimal"
        return self.told["error"]


def ask(
    wells: Wells,
    path: str,
    *,
    method: str = "GET",
    authorization: str | None = None,
    **headers: str,
) -> Answer:
    """`path` is relative to the feed, or an address that the feed has told."""
    connection = http.client.HTTPConnection("127.0.0.1", wells.port, timeout=20)
    sent = {"Authorization": authorization or f"Bearer {READER}", **headers}
    target = path.partition(f"127.0.0.1:{wells.port}")[2] or ROOT + path
    connection.request(
        method,
        target,
        headers={name.replace("_", "-"): value for name, value in sent.items() if value},
    )
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read().decode())
    connection.close()
    return answer


def basic(password: str, name: str = "excel") -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def query(**options: str) -> str:
    return "&".join(f"${name}={quote(value)}" for name, value in options.items())


def pages(wells: Wells, path: str, **headers: str) -> list[Any]:
    found, following = [], path
    while following:
        answer = ask(wells, following, **headers)
        assert answer.status == 200, answer.body
        found.append(answer.told)
        following = answer.told.get("@odata.nextLink", "")
    return found


def values(wells: Wells, path: str) -> list[Any]:
    return [row for page in pages(wells, path) for row in page["value"]]


# -- documents ----------------------------------------------------------------------------------------------


@FILE_AND_LAKE
def test_the_feed_tells_the_rows_of_each_of_its_sets(wells: Wells) -> None:
    root = f"http://127.0.0.1:{wells.port}{ROOT}"
    service = ask(wells, "/")
    names = [each["url"] for each in service.told["value"]]
    production, found, monthly = (values(wells, f"/{name}") for name in names)

    assert service.told["@odata.context"] == f"{root}/$metadata"
    assert names == ["WellProduction", "Wells", "Monthly"]
    assert [row["well_code"] for row in production] == [row["well_code"] for row in ROWS]
    assert [row["oil_production_kbd"] for row in production] == [1.5] * 9
    assert production[0]["production_period"] == "2024-01-01"
    assert production[0]["updated_at"].endswith("Z")
    assert [
        (row["well_name"], row["first_period"], row["last_period"], row["periods"]) for row in found
    ] == [(f"Årdal {well}", "2024-01-01", "2024-03-01", 3) for well in (10, 11, 20)]
    assert [
        (row["calendar_month"], row["days"], row["oil_production_kb"]) for row in monthly[:3]
    ] == [
        ("2024-01-01", 31, 46.5),
        ("2024-02-01", 29, 43.5),
        ("2024-03-01", 31, 46.5),
    ]
    metadata = ask(wells, "/$metadata")
    assert metadata.headers["Content-Type"] == "application/xml"
    assert ask(wells, "/%24metadata").body == metadata.body
    for name, rows in zip(names, (production, found, monthly), strict=True):
        assert ask(wells, f"/{name}/$count").body == str(len(rows))
        declared = read_entity_type(metadata.body.encode(), name)
        assert declared
        assert list(declared.types) == list(rows[0])


@FILE_AND_LAKE
def test_pages_stay_on_the_snapshot_of_the_first(wells: Wells, serve: Serve) -> None:
    options = query(
        filter="well_code ne '11'",
        orderby="production_period desc",
        count="true",
        top="5",
        skip="1",
    )
    first = ask(wells, f"/WellProduction?{options}", Prefer="odata.maxpagesize=2")
    later = run_import(
        wells.environment, source_of(serve, [{**row, "oil_production_kbd": 2} for row in ROWS])
    )
    rest = pages(wells, first.told["@odata.nextLink"], Prefer="odata.maxpagesize=2")

    assert first.headers["Preference-Applied"] == "odata.maxpagesize=2"
    assert [page["@odata.count"] for page in [first.told, *rest]] == [6, 6, 6]
    assert [
        (row["production_period"], row["well_code"])
        for page in [first.told, *rest]
        for row in page["value"]
    ] == [
        ("2024-03-01", "20"),
        ("2024-02-01", "10"),
        ("2024-02-01", "20"),
        ("2024-01-01", "10"),
        ("2024-01-01", "20"),
    ]
    assert {row["oil_production_kbd"] for page in rest for row in page["value"]} == {1.5}
    anew = ask(wells, f"/WellProduction?{options}")
    assert anew.headers["X-Wellhead-Snapshot"] == wells.snapshot_of(later)["name"]
    assert {row["oil_production_kbd"] for row in anew.told["value"]} == {2}


def test_one_entity_is_asked_for_by_its_key(wells: Wells) -> None:
    key = "source='default',field_code='2',well_code='20'"
    whole = ask(wells, f"/Wells({key})")
    part = ask(
        wells,
        f"/WellProduction({key},production_period=2024-02-01)?$select=production_period,well_name",
    )

    assert whole.told["@odata.context"].endswith("/$metadata#Wells/$entity")
    assert whole.told["well_name"] == "Årdal 20"
    told = part.told
    assert told.pop("@odata.context").endswith(
        "#WellProduction(production_period,well_name)/$entity"
    )
    assert told == {"well_name": "Årdal 20", "production_period": "2024-02-01"}
    assert ask(wells, f"/Wells({key.replace('20', '21')})").error["code"] == "NOT_IN_FEED"
    assert ask(wells, "/Wells('20')").error["target"] == "key"


def test_an_answer_that_the_caller_has_is_not_sent_again(wells: Wells) -> None:
    first = ask(wells, "/Wells?$top=1")
    asked = len(wells.questions)
    again = ask(wells, "/Wells?$top=1", If_None_Match=first.headers["ETag"])

    assert (again.status, again.body, again.headers["OData-Version"]) == (304, "", "4.0")
    assert len(wells.questions) == asked
    assert ask(wells, "/Wells?$top=2", If_None_Match=first.headers["ETag"]).status == 200
    assert ask(wells, "/Wells", method="HEAD").body == ""


def test_the_form_of_the_answer_is_what_the_caller_takes(wells: Wells) -> None:
    excel = "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,*/*;q=0.1"
    brief = ask(
        wells,
        "/Wells?$top=2&$format=application/json%3Bodata.metadata%3Dnone",
        Prefer="maxpagesize=1",
    )

    assert set(brief.told) == {"value", "@odata.nextLink"}
    assert set(ask(wells, brief.told["@odata.nextLink"]).told) == {"value"}
    assert (
        ask(wells, "/Wells", Accept=excel).headers["Content-Type"]
        == "application/json;odata.metadata=minimal"
    )
    assert ask(wells, "/Wells/$count", Accept="text/plain").headers["Content-Type"] == "text/plain"
    for refused in (
        ask(wells, "/Wells", Accept="application/atom+xml"),
        ask(wells, "/Wells?$format=xml"),
        ask(wells, "/", Accept="application/json;odata.metadata=full"),
    ):
        assert (refused.status, refused.error["code"]) == (406, "FORMAT_NOT_SERVED")


def test_power_query_is_answered_with_what_it_sends(wells: Wells) -> None:
    """Its headers, of Excel and Power BI:
    versions of both protocols, and forms of both in the order it likes.
    """
    headers = {
        "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
        "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
        "MaxDataServiceVersion": "3.0",
        "OData-MaxVersion": "4.0",
        "Accept-Encoding": "gzip, deflate",
    }
    month = query(
        filter="production_period ge 2024-02-01 and production_period lt 2024-03-01",
        select="well_code,oil_production_kbd",
        orderby="oil_production_kbd desc",
        top="1000",
    )

    service, metadata, preview, rows, count = (
        ask(wells, path, **headers)
        for path in (
            "/",
            "/$metadata",
            "/Wells?$top=1000",
            f"/WellProduction?{month}",
            "/Wells/$count",
        )
    )

    minimal = "application/json;odata.metadata=minimal"
    assert [each.headers["Content-Type"] for each in (service, preview, rows)] == [minimal] * 3
    assert {
        each.headers["OData-Version"] for each in (service, metadata, preview, rows, count)
    } == {"4.0"}
    assert metadata.headers["Content-Type"] == "application/xml"
    assert re.findall("<String>(.*?)</String>", metadata.body) == sorted(TESTS | CASES)
    assert (len(preview.told["value"]), count.body) == (3, "3")
    assert [row["well_code"] for row in rows.told["value"]] == ["10", "11", "20"]
    grouped = ask(wells, "/Wells?$apply=groupby((field_code))", **headers)
    assert (grouped.status, grouped.error["target"]) == (501, "$apply")
    older = ask(wells, "/Wells?$inlinecount=allpages", **headers)
    assert (older.status, older.error["target"]) == (400, "$inlinecount")


# -- what is not understood -------------------------------------------------------------------------------------


REFUSALS = [
    ("/Wells?$filter=well_name", 400, "VALIDATION_ERROR", "$filter"),
    ("/Wells?$top=-1", 400, "VALIDATION_ERROR", "$top"),
    ("/Wells?$count=yes", 400, "VALIDATION_ERROR", "$count"),
    ("/Wells?limit=1", 400, "VALIDATION_ERROR", "limit"),
    ("/Wells?$top=1&$top=2", 400, "VALIDATION_ERROR", "$top"),
    ("/Wells?$skiptoken=AAAA", 400, "VALIDATION_ERROR", "cursor"),
    ("/Wells/$count?$top=1", 400, "VALIDATION_ERROR", "$top"),
    ("/?$top=1", 400, "VALIDATION_ERROR", "$top"),
    ("/Wells?$expand=x", 501, "NOT_IMPLEMENTED", "$expand"),
    ("/Wells?$filter=year(first_period)%20eq%202024", 501, "NOT_IMPLEMENTED", "$filter"),
    ("/Wells/well_name", 501, "NOT_IMPLEMENTED", None),
    ("/$batch", 501, "NOT_IMPLEMENTED", None),
    ("/Fields", 404, "NOT_IN_FEED", None),
]


def test_errors_have_the_form_of_odata(wells: Wells) -> None:
    for path, *told in REFUSALS:
        answer = ask(wells, path)

        assert [answer.status, answer.error["code"], answer.error.get("target")] == told, path
        assert answer.error["message"]


def test_a_client_of_an_older_version_is_refused(wells: Wells) -> None:
    assert ask(wells, "/Wells", OData_MaxVersion="3.0").error["target"] == "OData-MaxVersion"
    assert ask(wells, "/Wells", OData_MaxVersion="4.01").status == 200


# -- who may read it --------------------------------------------------------------------------------------------


def test_a_readers_token_is_taken_as_a_password(wells: Wells) -> None:
    for name in ("", "excel", "Zoë"):
        assert ask(wells, "/Wells/$count", authorization=basic(READER, name)).body == "3"
    for role in (READER, OPERATOR, ADMIN):
        assert ask(wells, "/", authorization=f"Bearer {role}").status == 200
    for path in ("", "/$metadata", "/Wells", "/Wells/$count"):
        for refused in (basic("another"), basic(""), "Basic !", "Basic", f"Digest {READER}", ""):
            answer = ask(wells, path, authorization=refused or " ")
            assert (answer.status, answer.error["code"]) == (401, "UNAUTHORIZED"), (path, refused)
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="Wellhead", charset="UTF-8"'


def test_a_password_is_no_more_than_a_readers(wells: Wells) -> None:
    for token in (OPERATOR, ADMIN):
        answer = ask(wells, "/Wells", authorization=basic(token))

        assert (answer.status, answer.error["code"]) == (403, "ROLE_REQUIRED")
        assert answer.headers["WWW-Authenticate"] is None
        assert token not in answer.body


def test_no_other_route_takes_a_password_or_asks_for_one(wells: Wells) -> None:
    for path, methods in app.app.routes.items():
        if path.startswith(ROOT) or all(route.authorizer is None for route in methods.values()):
            continue
        connection = http.client.HTTPConnection("127.0.0.1", wells.port, timeout=20)
        method = next(method for method, route in methods.items() if route.authorizer)
        connection.request(
            method, path.replace("{", "").replace("}", ""), headers={"Authorization": basic(READER)}
        )
        response = connection.getresponse()
        response.read()
        connection.close()
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer"), path


def test_the_use_of_a_token_is_noted(wells: Wells) -> None:
    assert ask(wells, "/Wells", authorization=basic(READER)).status == 200

    assert list(Services(wells.environment).token_uses.all()) == ["bob"]
