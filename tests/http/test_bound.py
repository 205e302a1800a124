"""A secret goes where it says itself that it may go, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from chalicelib.errors import SecretInvalid
from chalicelib.http.bound import Bound, Place
from chalicelib.http.credentials import open_credentials
from chalicelib.settings import BY_FORM, Settings
from chalicelib.sources.definition import definition_of
from chalicelib.sources.overlay import settings_of

URL = "https://data.example.org/odata/Wells"
BASE = Settings.from_environment(
    {
        "WELLHEAD_TABLE": "t",
        "WELLHEAD_IMPORT_FUNCTION": "f",
        "WELLHEAD_WAREHOUSE": "/w",
        "WELLHEAD_SOURCE_URL": "https://other.example.org/odata/Wells",
    }
)


def settings(**values: Any) -> Settings:
    told = {"name": "wells", "kind": "odata", "url": URL, "secret": "env:TOLD", **values}
    return settings_of(definition_of(told), BASE)


def auth(secret: dict[str, Any], used: Settings) -> Any:
    return open_credentials(
        used, client=lambda name: None, environment={"TOLD": json.dumps(secret)}
    )


def sent(to: str, secret: dict[str, Any], used: Settings) -> Any:
    return auth(secret, used)(requests.Request("GET", to).prepare()).headers


def test_the_form_of_the_secret_tells_how_it_is_sent() -> None:
    used = settings()

    assert used.source_auth == BY_FORM
    assert sent(URL, {"token": "t0", "origin": URL}, used)["Authorization"] == "Bearer t0"
    assert sent(URL, {"key": "k0", "origin": URL}, used)["X-API-Key"] == "k0"
    assert (
        sent(URL, {"username": "u", "password": "", "origin": URL}, used)["Authorization"]
        == "Basic dTo="
    )


@pytest.mark.parametrize("secret", [{}, {"origin": URL}, {"token": "t", "key": "k", "origin": URL}])
def test_a_secret_of_no_form_is_refused(secret: dict[str, Any]) -> None:
    with pytest.raises(SecretInvalid, match="tells no kind of credentials"):
        auth(secret, settings())


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        7,
        [],
        "data.example.org",
        "ftp://data.example.org",
        "https://u:p@data.example.org",
        [URL, 7],
    ],
)
def test_a_secret_without_an_origin_is_refused(origin: Any) -> None:
    with pytest.raises(SecretInvalid, match="does not name the origin"):
        auth({"token": "t", "origin": origin}, settings())


def test_on_the_laptop_the_origin_may_be_left_out() -> None:
    used = replace(settings(), source_reach="anywhere")

    assert (
        sent("https://anywhere.example.org/", {"token": "t"}, used)["Authorization"] == "Bearer t"
    )
    with pytest.raises(SecretInvalid):
        sent("https://anywhere.example.org/", {"token": "t", "origin": URL}, used)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://data.example.org", "https://data.example.org/odata/Wells?$skip=3"),
        ("https://data.example.org:443/", "https://DATA.example.org/"),
        ("https://data.example.org/odata", "https://data.example.org/odata"),
        ("https://data.example.org/odata/", "https://data.example.org/odata/Wells"),
        (["https://a.example.org", "https://data.example.org"], "https://data.example.org/x"),
    ],
)
def test_a_secret_is_sent_where_it_may_go(origin: Any, url: str) -> None:
    Bound.of_secret(origin, settings()).check(url)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://data.example.org", "https://data.example.org.evil.org/"),
        ("https://data.example.org", "https://evil.org/data.example.org"),
        ("https://data.example.org", "https://data.example.org:8443/"),
        ("https://data.example.org", "http://data.example.org/"),
        ("https://data.example.org", "https://data.example.org@evil.org/"),
        ("https://data.example.org", "https://evil.org\\@data.example.org/"),
        ("https://data.example.org/a", "https://data.example.org/ab"),
        ("https://data.example.org/a", "https://data.example.org/"),
        ("https://data.example.org/a", "https://data.example.org/a/../b"),
        ("https://data.example.org/a", "https://data.example.org/a/..;/b"),
        ("https://data.example.org/a", "https://data.example.org/a/%2e%2e%3bx=1/b"),
        ("https://data.example.org/a", "https://data.example.org/a/%2e%2e/b"),
        ("https://data.example.org/a", "https://data.example.org/a/%252e%252e/b"),
        ("https://data.example.org/a", "https://data.example.org/a/..\\b"),
        ("https://data.example.org", "not an address"),
    ],
)
def test_a_secret_is_sent_nowhere_else(origin: str, url: str) -> None:
    with pytest.raises(SecretInvalid, match="may not be sent"):
        Bound.of_secret(origin, settings()).check(url)


def test_a_client_secret_goes_to_no_other_token_endpoint() -> None:
    odata = {"auth": "oauth2", "token_url": "https://evil.example.net/token"}
    secret = {"client_id": "c", "client_secret": "s", "origin": "https://data.example.org"}

    with pytest.raises(SecretInvalid, match="may not be sent"):
        sent(URL, secret, settings(odata=odata))


def test_a_secret_of_the_settings_goes_where_they_say() -> None:
    assert Bound.of_secret(None, BASE) == Bound()
    assert Bound.of_secret(URL, BASE) == Bound(
        (Place("https", "data.example.org", 443, "/odata/Wells"),)
    )
