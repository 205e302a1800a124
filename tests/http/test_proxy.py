"""What is asked of the source goes through the proxy, and nothing else;
over real sockets, TLS within TLS too.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.certificates import self_signed, serving
from support.scripted_source import PATH, Answer, ScriptedSource, page, rows, settings_for
from support.tunnel import Tunnel, TunnelProxy

from chalicelib.errors import (
    ProxyRefused,
    ProxyUnreachable,
    SecretInvalid,
    SettingsError,
    SourceError,
    SourceRedirected,
    SourceTooLarge,
    SourceTooSlow,
    SourceUnreachable,
    SourceUntrusted,
)
from chalicelib.http.access_token import TokenAuth
from chalicelib.http.proxy import Proxy, open_proxy
from chalicelib.http.session import BoundedSession
from chalicelib.http.signing import basic_auth
from chalicelib.http.trust import Trust
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "wells.example.org"  # which nobody but the proxy can find
ORIGIN = f"https://{HOST}"
URL = ORIGIN + PATH
USER, PASSWORD = "wellhead", "open sesame"
HEADER = basic_auth(USER, PASSWORD).headers["Authorization"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "certificate.pem", HOST, "127.0.0.1")


@pytest.fixture
def source(certificate: Path) -> Iterator[ScriptedSource]:
    with ScriptedSource(Answer(page(rows(0, 1))), tls=serving(certificate), name=HOST) as source:
        yield source


@pytest.fixture
def tunnel(source: ScriptedSource) -> Iterator[TunnelProxy]:
    with TunnelProxy({f"{HOST}:443": source.port}, user=USER, password=PASSWORD) as tunnel:
        yield tunnel


def connected(
    proxy: TunnelProxy | str, ca: Path | str, url: str = URL, **settings: str
) -> ODataConnection:
    """With the password that the proxy asks for,
    unless told otherwise, and without waiting between tries.
    """
    where = proxy if isinstance(proxy, str) else proxy.url
    told = {
        "source_proxy": where,
        "source_proxy_secret": "env:TOLD",
        "source_ca": str(ca),
        "source_retries": "1",
    }
    known = settings_for(url, **(told | settings))
    secret = json.dumps({"username": USER, "password": PASSWORD})
    found = open_proxy(
        known,
        client=lambda _: None,
        environment={"TOLD": secret, "WRONG": secret.replace("open", "o")},
    )
    return ODataConnection(
        settings=known, auth=basic_auth("reader", "pa55word"), proxy=found, sleep=lambda _: None
    )


def test_pages_come_through_one_tunnel(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path
) -> None:
    connection = connected(tunnel, certificate)
    for _ in range(3):
        assert len(connection.get_page(URL, page=1)[0].rows) == 1

    ((method, target, headers),) = tunnel.asked
    assert (method, target, headers["proxy-authorization"]) == ("CONNECT", f"{HOST}:443", HEADER)
    assert "authorization" not in headers  # that is the source's own
    assert source.connections == 1
    assert {asked.headers["host"] for asked in source.asked} == {HOST}
    assert not source.saw(HEADER, PASSWORD, "proxy-authorization")


def test_a_proxy_is_asked_over_tls_when_it_says_https(
    source: ScriptedSource, certificate: Path
) -> None:
    answer = Answer(page(rows(0, 1), padding="x" * 300_000))
    source.steps = [answer]
    routes = {f"{HOST}:443": source.port}
    with TunnelProxy(routes, user=USER, password=PASSWORD, tls=serving(certificate)) as tunnel:
        connection = connected(tunnel, certificate)
        sizes = [connection.get_page(URL, page=1)[1] for _ in range(2)]
        assert sizes == [len(answer.body)] * 2
        assert len(tunnel.asked) == source.connections == 1


def test_the_certificate_of_a_proxy_is_checked(
    source: ScriptedSource, certificate: Path, tmp_path: Path
) -> None:
    stranger = self_signed(tmp_path / "stranger.pem", "127.0.0.1")
    with TunnelProxy({f"{HOST}:443": source.port}, tls=serving(stranger)) as tunnel:
        with pytest.raises(SourceUntrusted, match="The proxy's certificate"):
            connected(tunnel, certificate).get_page(URL, page=1)
        assert tunnel.asked == []
    with TunnelProxy(
        {}, tls=serving(self_signed(tmp_path / "name.pem", "another.example.org"))
    ) as tunnel:
        with pytest.raises(SourceUntrusted, match="The proxy's certificate"):
            connected(tunnel, tmp_path / "name.pem").get_page(URL, page=1)
        assert tunnel.asked == []


def test_the_certificate_of_the_source_is_checked_behind_it(
    source: ScriptedSource, tunnel: TunnelProxy, tmp_path: Path
) -> None:
    """A proxy that leads somewhere else, or reads along, has no certificate of the name."""
    with pytest.raises(SourceUntrusted, match="The source's certificate"):
        connected(tunnel, self_signed(tmp_path / "another.pem", HOST)).get_page(URL, page=1)
    assert len(tunnel.asked) == 1
    assert source.asked == []


def test_a_password_that_is_wrong_is_told_and_not_tried_again(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The proxy repeats what it was sent, in its own words, which are not repeated here."""
    connection = connected(tunnel, certificate, source_proxy_secret="env:WRONG")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(ProxyRefused, match=r"\(HTTP 407 from the proxy\)") as refused,
    ):
        connection.get_page(URL, page=1)

    assert (refused.value.code, refused.value.retryable) == ("PROXY_REFUSED", False)
    assert len(tunnel.asked) == 1
    assert source.asked == []
    sent = tunnel.asked[0][2]["proxy-authorization"]
    for text in (
        str(refused.value),
        str(refused.value.details),
        str(connection._proxy),
        caplog.text,
    ):
        assert sent.split()[1] not in text
        assert "sesame" not in text


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [(403, ProxyRefused, 1), (502, SourceUnreachable, 2), (429, SourceUnreachable, 2)],
)
def test_what_a_proxy_refuses_is_told(
    tunnel: TunnelProxy, certificate: Path, status: int, error: type[SourceError], tries: int
) -> None:
    tunnel.instead = lambda handler: handler.refuse(status, "words of its own")
    with pytest.raises(error, match=f"HTTP {status} from the proxy") as refused:
        connected(tunnel, certificate).get_page(URL, page=1)
    assert "words of its own" not in refused.value.message
    assert len(tunnel.asked) == tries


def test_a_proxy_that_is_not_there_is_told(certificate: Path) -> None:
    with TunnelProxy({}) as gone:
        url = gone.url
    with pytest.raises(ProxyUnreachable) as failed:
        connected(url, certificate).get_page(URL, page=1)
    assert (failed.value.code, failed.value.retryable) == ("PROXY_UNREACHABLE", True)


def _endless(handler: Tunnel) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000)


def _silent(handler: Tunnel) -> None:
    handler.rfile.read()


@pytest.mark.parametrize(
    ("answer", "error"), [(_endless, SourceTooLarge), (_silent, SourceTooSlow)]
)
def test_a_proxy_has_no_more_bytes_and_seconds_than_the_source(
    tunnel: TunnelProxy, certificate: Path, answer: Any, error: type[SourceError]
) -> None:
    tunnel.instead = answer
    with pytest.raises(error):
        connected(tunnel, certificate, source_retries="0", page_seconds="1").get_page(URL, page=1)


def test_this_machine_is_asked_without_a_proxy(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path
) -> None:
    connected(tunnel, certificate, source.url).get_page(source.url, page=1)
    with ScriptedSource(Answer(page([]))) as plain:
        connected(tunnel, certificate, plain.url).get_page(plain.url, page=1)
    assert tunnel.asked == []
    proxy = Proxy("http://proxy.example.org:3128")
    for host in ("localhost", "127.0.0.1", "[::1]", "127.1", "169.254.169.254", "a.localhost"):
        assert not proxy.takes(f"https://{host}/x")
    assert proxy.takes("https://10.0.0.7/x")
    assert not proxy.takes("http://wells.example.org/x")  # it could read along


def test_the_proxies_of_the_environment_are_not_asked(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, tunnel.url)
    settings = settings_for(source.url, source_ca=str(certificate))
    ODataConnection(settings=settings).get_page(source.url, page=1)
    assert tunnel.asked == []
    monkeypatch.setenv("NO_PROXY", "*")
    connected(tunnel, certificate).get_page(URL, page=1)
    assert len(tunnel.asked) == 1


def test_another_origin_is_not_even_asked_for(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path
) -> None:
    source.steps = [Answer(status=302, headers={"Location": "https://elsewhere.example.org/"})]
    with pytest.raises(SourceRedirected):
        connected(tunnel, certificate).get_page(URL, page=1)
    assert [target for _, target, _ in tunnel.asked] == [f"{HOST}:443"]


def test_a_source_that_somebody_defined_goes_through_it_too(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path
) -> None:
    """It may lead nowhere inside; that the proxy is there is the word of whoever deploys."""
    proxy = Proxy(tunnel.url, basic_auth(USER, PASSWORD, header="Proxy-Authorization"))
    trust = Trust(ca=str(certificate))
    with BoundedSession(trust=trust, is_kept_outside=True, proxy=proxy) as session:
        session.allowance.grant(seconds=10, body_bytes=1000)
        assert session.ask("GET", URL).status_code == 200
    assert len(tunnel.asked) == 1


def test_a_token_is_fetched_through_it(
    source: ScriptedSource, tunnel: TunnelProxy, certificate: Path
) -> None:
    source.steps = [Answer(b'{"access_token": "t0ken"}')]

    def token(password: str) -> str:
        proxy = Proxy(tunnel.url, basic_auth(USER, password, header="Proxy-Authorization"))
        told = {
            "client_id": "ada",
            "client_secret": "hunter2",
            "ca": str(certificate),
            "proxy": proxy,
        }
        auth = TokenAuth(url=f"{ORIGIN}/token", scope="", **told)  # type: ignore[arg-type]
        return auth(requests.Request("GET", URL).prepare()).headers["Authorization"]

    assert token(PASSWORD) == "Bearer t0ken"
    with pytest.raises(ProxyRefused):
        token("wrong")
    assert [target for _, target, _ in tunnel.asked] == [f"{HOST}:443"] * 2


def test_a_secret_of_another_form_is_refused_without_being_repeated() -> None:
    settings = settings_for(
        URL, source_proxy="http://proxy.example.org:3128", source_proxy_secret="env:TOLD"
    )
    for secret in ("hunter2", '{"token": "hunter2"}', '{"username": "a:b", "password": "hunter2"}'):
        with pytest.raises(
            SecretInvalid, match="WELLHEAD_SOURCE_PROXY_SECRET needs a secret of the form"
        ) as refused:
            open_proxy(settings, client=lambda _: None, environment={"TOLD": secret})
        assert "hunter2" not in refused.value.message
    with pytest.raises(SecretInvalid, match="WELLHEAD_SOURCE_PROXY_SECRET names no secret"):
        open_proxy(settings, client=lambda _: None, environment={})
    open_one = open_proxy(
        settings_for(URL, source_proxy="http://proxy.example.org:3128/"),
        client=lambda _: None,
        environment={},
    )
    assert (open_one, open_proxy(settings_for(URL), client=lambda _: None, environment={})) == (
        Proxy("http://proxy.example.org:3128"),
        None,
    )


def test_a_secret_without_a_proxy_is_refused() -> None:
    with pytest.raises(SettingsError, match="WELLHEAD_SOURCE_PROXY is not set"):
        settings_for(URL, source_proxy_secret="/wellhead/proxy")
