"""The OData feed, over HTTP: its documents, its pages on one snapshot, its errors, and who may read it."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import quote

from support.api_client import READER
from support.data_api import ROWS, Wells
from support.store_kinds import FILE_AND_LAKE

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


def ask(wells: Wells, path: str, *, method: str = "GET", authorization: str | None = None, **headers: str) -> Answer:
    """`path` is relative to the feed, or an address that the feed has told."""
    connection = http.client.HTTPConnection("127.0.0.1", wells.port, timeout=20)
    sent = {"Authorization": authorization or f"Bearer {READER}", **headers}
    target = path.partition(f"127.0.0.1:{wells.port}")[2] or ROOT + path
    connection.request(method, target, headers={name.replace("_", "-"): value for name, value in sent.items() if value})
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
    assert [(row["well_name"], row["first_period"], row["last_period"], row["periods"]) for row in found] == [
        (f"Årdal {well}", "2024-01-01", "2024-03-01", 3) for well in (10, 11, 20)
    ]
    assert [(row["calendar_month"], row["days"], row["oil_production_kb"]) for row in monthly[:3]] == [
        ("2024-01-01", 31, 46.5),
        ("2024-02-01", 29, 43.5),
        ("2024-03-01", 31, 46.5),
    ]
    for name, rows in zip(names, (production, found, monthly), strict=True):
        assert ask(wells, f"/{name}/$count").body == str(len(rows))
        assert set(rows[0]) == {
            each.partition('"')[0]
            for each in ask(wells, "/%24metadata")
            .body.partition(f'Name="{TYPES[name]}"')[2]
            .partition("</EntityType>")[0]
            .split('<Property Name="')[1:]
        }


TYPES = {"WellProduction": "WellProduction", "Wells": "Well", "Monthly": "WellMonth"}
