"""The bounds hold over TLS too, where the socket is another one."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING

import certifi
import pytest
import requests
from support.certificates import self_signed, serving
from support.scripted_source import (
    PATH,
    Answer,
    ScriptedHandler,
    ScriptedSource,
    page,
    settings_for,
)

from chalicelib.errors import (
    SettingsError,
    SourceRedirected,
    SourceUnreachable,
    SourceUntrusted,
    TokenUnavailable,
)
from chalicelib.http.access_token import TokenAuth
from chalicelib.http.allowance import TooLarge, TooSlow
from chalicelib.http.body import Broken, read_body
from chalicelib.http.session import BoundedSession
from chalicelib.http.trust import Trust
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "certificate.pem", "127.0.0.1")


@pytest.fixture
def source(certificate: Path) -> Iterator[ScriptedSource]:
    with ScriptedSource(Answer(page([])), tls=serving(certificate)) as source:
        yield source


@pytest.fixture
def session(certificate: Path) -> Iterator[BoundedSession]:
    with BoundedSession(trust=Trust(ca=str(certificate))) as session:
        yield session


def fetch(
    session: BoundedSession, url: str, *, seconds: float = 30.0, most: int = 1 << 20
) -> bytes | bytearray:
    session.allowance.grant(seconds=seconds, body_bytes=most)
    with session.ask("GET", url) as response:
        return read_body(response, session.allowance, most=most)


def test_pages_come_over_one_connection(source: ScriptedSource, session: BoundedSession) -> None:
    assert [fetch(session, source.url) for _ in range(5)] == [page([])] * 5
    assert source.connections == 1


def test_a_drip_is_cut(source: ScriptedSource, session: BoundedSession) -> None:
    def drip(handler: ScriptedHandler) -> None:
        for _ in range(400):
            handler.raw(b"H")
            time.sleep(0.02)

    source.steps = [drip]

    with pytest.raises(TooSlow):
        fetch(session, source.url, seconds=0.3)


@pytest.mark.parametrize("size", [70_000, 2_000_000])
def test_a_body_is_counted(source: ScriptedSource, session: BoundedSession, size: int) -> None:
    source.steps = [Answer(b"x" * size)]

    assert len(fetch(session, source.url, most=size)) == size
    with pytest.raises(TooLarge):
        fetch(session, source.url, most=size - 1)


def test_a_certificate_of_no_known_authority_is_told(source: ScriptedSource) -> None:
    connection = ODataConnection(settings=settings_for(source.url))

    with pytest.raises(SourceUntrusted) as failed:
        connection.get_page(source.url, page=1)

    assert (failed.value.code, failed.value.retryable) == ("SOURCE_CERTIFICATE_INVALID", False)
    assert (source.asked, connection.retries) == ([], 0)


def test_a_server_without_tls_is_unreachable_as_https() -> None:
    with ScriptedSource(Answer(page([]))) as plain:
        url = f"https://127.0.0.1:{plain.port}{PATH}"
        with pytest.raises(SourceUnreachable):
            ODataConnection(settings=settings_for(url, source_retries="0")).get_page(url, page=1)


def test_a_private_authority_is_trusted_where_it_is_named(
    source: ScriptedSource, certificate: Path
) -> None:
    connection = ODataConnection(settings=settings_for(source.url, source_ca=str(certificate)))

    assert connection.get_page(source.url, page=1)[0].rows == []


def test_an_authority_that_is_not_there_is_told_at_once(source: ScriptedSource) -> None:
    with pytest.raises(SettingsError, match="WELLHEAD_SOURCE_CA names no file"):
        ODataConnection(settings=settings_for(source.url, source_ca="/nowhere/ca.pem"))


def test_a_file_without_a_certificate_is_told_at_once(
    source: ScriptedSource, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    with pytest.raises(SettingsError, match="a file without a certificate"):
        ODataConnection(settings=settings_for(source.url, source_ca=str(tmp_path / "ca.pem")))


def test_a_token_endpoint_may_be_of_the_private_authority(
    source: ScriptedSource, certificate: Path
) -> None:
    source.steps = [Answer(b'{"access_token": "t0ken"}')]

    def token(ca: str) -> str:
        auth = TokenAuth(url=source.url, scope="", client_id="ada", client_secret="hunter2", ca=ca)
        return auth(requests.Request("GET", "https://wells.test/").prepare()).headers[
            "Authorization"
        ]

    with pytest.raises(TokenUnavailable):
        token("")
    assert token(str(certificate)) == "Bearer t0ken"


def test_an_authority_is_trusted_beside_the_others(
    source: ScriptedSource, certificate: Path
) -> None:
    public = certifi.where()
    session = BoundedSession(trust=Trust(ca=public, ca_too=str(certificate)))
    session.allowance.grant(seconds=10, body_bytes=1000)

    assert session.ask("GET", source.url).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        BoundedSession(trust=Trust(ca=public)).ask("GET", source.url)


def test_the_authorities_are_read_once_for_all_sessions(
    source: ScriptedSource, certificate: Path, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    file.write_bytes(certificate.read_bytes())
    trust = Trust(ca=str(file))

    with BoundedSession(trust=trust) as first, BoundedSession(trust=trust) as second:
        fetch(first, source.url)
        file.unlink()
        assert fetch(second, source.url)
    with pytest.raises(OSError, match="No such file"):
        fetch(BoundedSession(trust=Trust(ca=str(file))), source.url)


def test_a_name_and_a_password_in_a_url_are_shown() -> None:
    with ScriptedSource(Answer(page([]))) as source, BoundedSession() as session:
        fetch(session, source.url.replace("://", "://ada:hunter2@"))
        fetch(session, source.url)

    shown = [asked.headers.get("authorization") for asked in source.asked]
    assert shown == ["Basic YWRhOmh1bnRlcjI=", None]


def test_a_link_by_the_http_name_of_the_service_is_asked_by_https(
    source: ScriptedSource, certificate: Path
) -> None:
    """As what stands behind a proxy writes them. Without the alias it is another origin."""
    link = "http://127.0.0.1/odata/Wells?$skiptoken=2"
    trusted = {"source_ca": str(certificate)}
    plain = ODataConnection(settings=settings_for(source.url, **trusted))
    aliased = ODataConnection(
        settings=settings_for(source.url, source_aliases="http://127.0.0.1", **trusted)
    )

    assert aliased.follow(source.url, link) == f"{source.url}?$skiptoken=2"
    assert aliased.get_page(link, page=1)[0].rows == []
    with pytest.raises(SourceRedirected):
        plain.follow(source.url, link)


@pytest.mark.parametrize("bits", [zlib.MAX_WBITS, -zlib.MAX_WBITS], ids=["wrapped", "bare"])
def test_deflate_is_read_in_both_of_its_forms(
    source: ScriptedSource, session: BoundedSession, bits: int
) -> None:
    packer = zlib.compressobj(wbits=bits)
    packed = packer.compress(page([1, 2])) + packer.flush()
    source.steps = [Answer(packed, headers={"Content-Encoding": "deflate"})]

    assert fetch(session, source.url) == page([1, 2])


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-6], lambda packed: packed + b"more"], ids=["cut", "more"]
)
def test_deflate_that_is_damaged_is_refused(
    source: ScriptedSource, session: BoundedSession, damage: Callable[[bytes], bytes]
) -> None:
    source.steps = [
        Answer(damage(zlib.compress(page([1, 2]))), headers={"Content-Encoding": "deflate"})
    ]

    with pytest.raises(Broken):
        fetch(session, source.url)
