"""The configured URL's own query stays, whatever is asked for beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.scripted_source import settings_for

from chalicelib.errors import SourceColumns
from chalicelib.odata.addresses import PageAddresses, entity_set, metadata_url, rows_url
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.survey import Survey

URL = "http://127.0.0.1:1/odata/Wells"
CHANGED = Cursor(url=None, order=["a", "b"], changed_since=86_400.9, limits="a eq 7")


@pytest.mark.parametrize(
    ("source", "options", "filters", "expected"),
    [
        (URL, {}, [], URL),
        (URL, {"$top": "2", "$orderby": "a,b"}, ["", ""], f"{URL}?$top=2&$orderby=a,b"),
        (
            f"{URL}?key=x%2Fy",
            {"$top": "2"},
            ["a eq 'ü'"],
            f"{URL}?key=x%2Fy&$filter=a%20eq%20%27%C3%BC%27&$top=2",
        ),
        (
            f"{URL}?$filter=a eq 1&empty=",
            {},
            ["b gt 2"],
            f"{URL}?$filter=%28a%20eq%201%29%20and%20%28b%20gt%202%29&empty=",
        ),
        (f"{URL}?$top=9", {"$top": "2"}, [], f"{URL}?$top=2"),
        (f"{URL}?$top=9&$skip=2&$skiptoken=x&a=1", {}, [], f"{URL}?a=1"),
        (
            f"{URL}?region=1&$filter=a eq 1&region=2",
            {"$skip": "4"},
            ["b gt 2"],
            f"{URL}?region=1&$filter=%28a%20eq%201%29%20and%20%28b%20gt%202%29&region=2&$skip=4",
        ),
    ],
)
def test_options_and_filters_stand_beside_the_urls_own(
    source: str, options: dict[str, str], filters: list[str], expected: str
) -> None:
    assert rows_url(source, options, *filters) == expected


@pytest.mark.parametrize("source", [URL, f"{URL}/", f"{URL}?$filter=a eq 1"])
def test_the_metadata_of_the_service(source: str) -> None:
    assert (metadata_url(source), entity_set(source)) == (
        "http://127.0.0.1:1/odata/$metadata",
        "Wells",
    )
    assert (
        metadata_url(f"{URL}?$filter=a eq 1&tenant=7")
        == "http://127.0.0.1:1/odata/$metadata?tenant=7"
    )


@pytest.mark.parametrize(
    ("version", "value", "moment", "count"),
    [
        (4, "2024-01-01", "1970-01-02", "$count=true"),
        (4, "2024-01-01T00:00:00Z", "1970-01-02T00:00:00Z", "$count=true"),
        (2, "/Date(0)/", "datetime'1970-01-02T00:00:00'", "$inlinecount=allpages"),
    ],
)
def test_a_page_has_the_order_the_limits_and_the_changes(
    version: int, value: str, moment: str, count: str
) -> None:
    survey = Survey(fields=["changed"], values={"changed": value}, version=version)
    addresses = PageAddresses(settings_for(URL, source_changed="changed"), survey)

    limits = f"(a eq 7) and (changed ge {moment})"
    order = {"$orderby": "a,b", "$top": "2"}
    counted = dict([count.split("=")])
    assert addresses.first(CHANGED) == rows_url(URL, {"$orderby": "a,b", **counted}, limits)
    for by_place_or_key in ("skip", "keys"):
        assert addresses.first(replace(CHANGED, way=by_place_or_key)) == rows_url(
            URL, {**order, **counted}, limits
        )
    assert addresses.first(replace(CHANGED, way="skip", counts=False, top=7)) == rows_url(
        URL, {**order, "$top": "7"}, limits
    )
    assert addresses.counts(CHANGED)[0] == rows_url(URL, {"$top": "0", **counted}, limits)
    assert addresses.counts(CHANGED)[1] == rows_url(f"{URL}/$count", {}, limits)
    assert addresses.of(CHANGED, {"$skip": "4"}) == rows_url(URL, {**order, "$skip": "4"}, limits)
    assert addresses.of(Cursor(url=None), {"$top": "1"}, "b gt 1") == rows_url(
        URL, {"$top": "1"}, "b gt 1"
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [({"changed": "no date"}, "is Edm.String"), ({"a": "1"}, "is no field of the source")],
)
def test_changes_are_told_by_a_date_alone(values: dict[str, Any], says: str) -> None:
    addresses = PageAddresses(
        settings_for(URL, source_changed="changed"), Survey(fields=list(values), values=values)
    )

    with pytest.raises(SourceColumns, match=says):
        addresses.first(Cursor(url=None))


def test_a_source_without_rows_shows_no_field_of_changes() -> None:
    addresses = PageAddresses(settings_for(URL, source_changed="changed"), Survey())

    assert addresses.first(CHANGED) == rows_url(
        URL, {"$orderby": "a,b", "$count": "true"}, "a eq 7"
    )
