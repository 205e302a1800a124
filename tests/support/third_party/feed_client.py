"""What clients that no one here wrote read of Wellhead's own feed: `feed_client.py
odatapy|python-odata ROOT TOKEN`.

Each reads all rows in pages of two, the rows of a filter in an order, and how many these are, and
prints them as JSON.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Any

KEY = ("well_code", "production_period")


class Urllib:
    """odatapy sends by httpx, or by whatever is given to it in its place."""

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Any:
        from odatapy.client import ClientResponse

        request = urllib.request.Request(url, method=method, headers=headers, data=body or None)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return ClientResponse(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return ClientResponse(error.code, dict(error.headers), error.read())


def by_odatapy(root: str, token: str) -> dict[str, Any]:
    from odatapy.client import BasicAuth, EdmEnabledODataClient, Field, PolicyTransport, and_

    client = EdmEnabledODataClient(
        root, PolicyTransport(Urllib(), auth=BasicAuth("odatapy", token))
    )
    names = list(client.get_service_document().entity_sets)
    rows = client.entity_set_uri("WellProduction")
    wanted = and_(Field("field_code").eq("1"), Field("well_name").contains("Årdal"))
    asked = rows.copy().filter(wanted).orderby("production_period desc,well_code")
    one = client.entity_uri("Wells", {"source": "default", "field_code": "2", "well_code": "20"})
    return {
        "sets": names,
        "all": [key_of(row) for row in client.iter_entities(rows, max_page_size=2)],
        "filtered": [key_of(row) for row in client.iter_entities(asked, max_page_size=2)],
        "count": client.get_count(rows.copy().append_count_segment().filter(wanted)),
        "name": client.get_entity(one).get_property("well_name").value,
    }


def by_python_odata(root: str, token: str) -> dict[str, Any]:
    from odata import ODataService  # type: ignore[attr-defined]  # to mypy it is a folder of tests

    headers = {"Prefer": "odata.maxpagesize=2"}
    service = ODataService(
        root, auth=("python-odata", token), extra_headers=headers, reflect_entities=True
    )
    rows, wells = service.entities["WellProduction"], service.entities["Wells"]
    query = service.query(rows)
    asked = query.filter((rows.field_code == "1") & rows.well_name.contains("Årdal"))
    ordered = asked.order_by(rows.production_period.desc(), rows.well_code.asc())
    one = service.query(wells).get(source="default", field_code="2", well_code="20")
    return {
        "sets": sorted(service.entities),
        "all": [[row.well_code, str(row.production_period)] for row in query],
        "filtered": [[row.well_code, str(row.production_period)] for row in ordered],
        "count": asked.count(),
        "name": one.well_name,
    }


def key_of(row: Any) -> list[str]:
    return [str(row.get_property(name).value) for name in KEY]


if __name__ == "__main__":
    read = {"odatapy": by_odatapy, "python-odata": by_python_odata}[sys.argv[1]]
    print(json.dumps(read(sys.argv[2], sys.argv[3])))
