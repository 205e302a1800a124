"""The settings of an import: the stack's, and over them what the definition says."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from support.sources import URL, a_definition, faulty_keys, settings

from chalicelib.errors import DefinitionInvalid
from chalicelib.settings import BY_FORM, Settings
from chalicelib.sources.definition import definition_of
from chalicelib.sources.overlay import settings_of

STACK = settings(
    source_auth="basic",
    source_secret="/of/the/stack",
    source_columns="well_code=Well",
    source_changed="Updated",
    source_aliases="https://alias.example.org",
    source_ca="/opt/house.pem",
    source_proxy="http://proxy.example.org:3128",
    source_connections="2",
    page_size="77",
)


def used(**values: Any) -> Settings:
    return settings_of(definition_of(a_definition(**values)), STACK)


def changes(found: Settings) -> dict[str, Any]:
    """What is another than in the stack."""
    names = [each.name for each in fields(Settings) if each.name != "definition"]
    return {
        name: getattr(found, name) for name in names if getattr(found, name) != getattr(STACK, name)
    }


def test_what_belongs_to_the_source_of_the_settings_is_not_taken_over() -> None:
    assert changes(used()) == {
        "source_url": URL,
        "source_name": "north-sea",
        "source_auth": "none",
        "source_secret": "",
        "source_columns": {},
        "source_changed": "",
        "source_aliases": (),
        "source_ca": "",
        "proxy_ca": "/opt/house.pem",
    }


def test_each_key_has_its_setting() -> None:
    found = used(
        secret="ssm:/wellhead/sources/north-sea",
        period="year",
        rows="sum",
        primary_key=["Id"],
        order_by="Filed",
        columns={"days_on_production": {"field": "D", "unit": "day", "aggregate": "sum"}},
        odata={
            "page_size": 500,
            "paging": "keys",
            "rps": 2.5,
            "retries": 1,
            "seconds": 60,
            "filter": "A eq 1",
        },
        gate={"rejected": "1.5 %", "nulled": "0 %", "restated": 3},
    )

    assert changes(found) == {
        "source_url": URL + "?$filter=A%20eq%201",
        "source_name": "north-sea",
        "source_auth": BY_FORM,
        "source_secret": "/wellhead/sources/north-sea",
        "source_columns": {},
        "source_changed": "",
        "source_aliases": (),
        "source_ca": "",
        "proxy_ca": "/opt/house.pem",
        "source_period": "year",
        "source_rows": "sum",
        "source_primary_key": ("Id",),
        "source_order_by": "Filed",
        "source_aggregate": "sum",
        "page_size": 500,
        "source_paging": "keys",
        "source_rps": 2.5,
        "source_retries": 1,
        "source_seconds": 60,
        "gate_rejected": 0.015,
        "gate_nulled": 0.0,
        "gate_restated": 3.0,
    }


def test_a_filter_joins_the_one_of_the_address() -> None:
    found = used(
        url=URL + "?$filter=B%20gt%200&key=k", odata={"filter": "A eq 1", "expand": "Field"}
    )

    assert found.source_url == (
        URL + "?$filter=%28B%20gt%200%29%20and%20%28A%20eq%201%29&key=k&$expand=Field"
    )


def test_an_option_that_the_address_has_twice_stays_twice() -> None:
    found = used(url=URL + "?region=1&region=2", odata={"filter": "A eq 1"})

    assert found.source_url == URL + "?region=1&region=2&$filter=A%20eq%201"


def test_the_authorities_of_the_house_are_trusted_for_its_own_host_alone() -> None:
    assert used(url="https://example.org/other").source_ca == "/opt/house.pem"
    assert used().source_ca == ""


def test_the_proxy_of_the_house_leads_to_every_source() -> None:
    assert (used().source_proxy, used().proxy_ca) == (
        "http://proxy.example.org:3128",
        "/opt/house.pem",
    )


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({"odata": {"page_size": 0}}, ["odata.page_size"]),
        ({"odata": {"auth": "basic"}}, ["secret"]),
        ({"odata": {"auth": "oauth2"}, "secret": "env:X"}, ["odata.token_url"]),
        ({"odata": {"auth": "digest"}}, ["odata.auth"]),
        ({"odata": {"aliases": ["https://a.example.org/path"]}}, ["odata.aliases"]),
        ({"odata": {"headers": "x"}}, ["odata.headers"]),
        ({"odata": {"headers": {"Authorization": "Bearer x"}}}, ["odata.headers.Authorization"]),
        ({"odata": {"headers": {"Host": "evil.org"}}}, ["odata.headers.Host"]),
        ({"odata": {"headers": {"X-A": "a\r\nHost: b"}}}, ["odata.headers.X-A"]),
        ({"url": "http://data.example.org/odata"}, ["url"]),
        ({"url": "https://data.example.org/odata#part"}, ["url"]),
    ],
)
def test_what_no_setting_takes_is_a_fault(values: dict[str, Any], keys: list[str]) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        used(**values)

    assert faulty_keys(refused.value.details["faults"]) == keys


def test_the_id_of_the_source_hangs_on_what_its_rows_hang_on() -> None:
    before = used()

    assert (
        used(schedule="0 5 * * *", secret="env:X", gate={"rejected": "1 %"}, default=True).source_id
        == before.source_id
    )
    assert used(where={"Product": ["OIL"]}).source_id != before.source_id
    assert (
        used(columns={"oil_production_kbd": {"field": "Oil", "unit": "bbl"}}).source_id
        != before.source_id
    )
    assert replace(before, definition=None).source_id != before.source_id


def test_headers_are_sent_besides_those_of_wellhead() -> None:
    assert used(odata={"headers": {"Accept-Language": "en"}}).source_headers == {
        "Accept-Language": "en"
    }
    assert STACK.source_headers == {}
