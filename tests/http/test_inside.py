"""Addresses that lead into the machine, in every form that a resolver takes."""

from __future__ import annotations

import socket

import pytest
import requests

from chalicelib.errors import SourceInside
from chalicelib.http.inside import is_inside, is_inside_address
from chalicelib.http.session import BoundedSession
from local.source.production import GeneratedProduction
from local.source.server import SampleSource


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "wells.localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "017700000001",
        "2130706433",
        "0",
        "0.0.0.0",
        "[::1]",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "224.0.0.1",
        "metadata.google.internal",
        "instance-data",
    ],
)
def test_it_is_inside(host: str) -> None:
    assert is_inside(host)


@pytest.mark.parametrize(
    "host",
    [
        "data.example.org",
        "10.0.0.7",
        "192.168.1.9",
        "8.8.8.8",
        "2600::1",
        "localhost.example.org",
        "127.example",
    ],
)
def test_it_is_outside(host: str) -> None:
    assert not is_inside(host)


def test_an_address_that_nobody_can_read_counts_as_inside() -> None:
    assert is_inside_address("nowhere")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_connection_that_leads_inside_is_given_up_before_a_byte_is_sent(name: str) -> None:
    """Whatever name was asked for: what counts is where the connection has led."""
    with SampleSource(GeneratedProduction(10)) as source:
        kept, free = BoundedSession(is_kept_outside=True), BoundedSession()
        url = source.url.replace("127.0.0.1", name)
        for session in (kept, free):
            session.allowance.grant(seconds=10, body_bytes=1 << 20)
        with pytest.raises(SourceInside):
            kept.ask("GET", url)
        if name == "127.0.0.1":
            assert free.ask("GET", url).status_code == 200


def test_not_even_tls_begins_with_what_is_inside() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        session = BoundedSession(is_kept_outside=True)
        session.allowance.grant(seconds=10, body_bytes=1 << 20)

        with pytest.raises(SourceInside):
            session.ask("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/")

        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(1) == b""


def test_a_public_name_is_asked_for_at_its_address() -> None:
    """The pool of connections is that of the address; certificate and Host are those of the name."""
    session = BoundedSession(
        is_kept_public=True, resolve=lambda *_: [(0, 0, 0, "", ("2600::1", 0))]
    )
    request = requests.Request("POST", "https://hooks.example.com:8443/x").prepare()
    adapter = session.adapter

    place, tls = adapter.build_connection_pool_key_attributes(request, True)
    adapter.add_headers(request)

    assert place == {"scheme": "https", "host": "2600::1", "port": 8443}
    assert dict(tls).get("server_hostname") == "hooks.example.com"
    assert request.headers["Host"] == "hooks.example.com:8443"
