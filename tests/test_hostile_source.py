"""A hostile source gets neither the credentials, nor the memory, nor the time of an import, and no word of it leaks."""

from __future__ import annotations

import gzip
import logging
import socket
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from requests.auth import HTTPBasicAuth
from scripted_source import PATH, Answer, Connect, ScriptedHandler, ScriptedSource, Serve, Step, page, rows

from chalicelib.errors import (
    SourceError,
    SourceInvalid,
    SourceRedirected,
    SourceTooLarge,
    SourceUnavailable,
    SourceUnreachable,
)

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "reader", "pa55word"
AUTH = HTTPBasicAuth(USER, PASSWORD)
BASIC = "Basic cmVhZGVyOnBhNTV3b3Jk"
TOKEN = "t0ken"

# {here} and {there} are host and port of the source and of another server.
ELSEWHERE = [
    "http://{there}/odata/Wells",
    "//{there}/odata/Wells",
    "http://localhost:{here_port}/odata/Wells",
    "https://{here}/odata/Wells",
    "http://127.0.0.1/odata/Wells",
    "http://{here}@{there}/odata/Wells",
    "http://{there}\\@{here}/odata/Wells",
    "http://{there}\\.{here}/odata/Wells",
    "\\\\{there}/odata/Wells",
    "/\\{there}/odata/Wells",
    "http:\\\\{there}/odata/Wells",
    "http://{there}#@{here}/odata/Wells",
    "http://{there}?@{here}/odata/Wells",
    "http://{there} @{here}/odata/Wells",
    "http://{there}\t@{here}/odata/Wells",
    "http://",
    "file:///etc/hostname",
    "ftp://{here}/odata/Wells",
]
NO_URLS = ["http://[::1/odata", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[zz]/"]


@pytest.fixture
def elsewhere(serve: Serve) -> ScriptedSource:
    return serve(Answer(page(rows(50, 1))))


def written(link: str, here: ScriptedSource, there: ScriptedSource) -> str:
    return link.format(
        here=f"127.0.0.1:{here.port}", there=f"127.0.0.1:{there.port}", here_port=here.port, there_port=there.port
    )


@pytest.mark.parametrize("link", ELSEWHERE)
def test_no_link_leads_to_another_origin(serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str) -> None:
    source = serve(Answer())
    source.steps = [Answer(page(rows(0, 2), odata_nextLink=written(link, source, elsewhere)))]

    with pytest.raises(SourceError) as refused:
        connect(source.url, auth=AUTH, source_retries="0").rows()

    assert elsewhere.asked == []
    assert refused.value.code in (
        "SOURCE_REDIRECTED",
        "SOURCE_INVALID_RESPONSE",
        "SOURCE_PAGING_LOOP",
        "SOURCE_REFUSED",
    )


@pytest.mark.parametrize("link", ["http://{there}/odata/Wells", "https://{here}/odata/Wells", "ftp://{here}/"])
def test_another_origin_has_its_own_code(serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str) -> None:
    source = serve(Answer())
    source.steps = [Answer(page(rows(0, 2), odata_nextLink=written(link, source, elsewhere)))]

    with pytest.raises(SourceRedirected) as refused:
        connect(source.url).rows()

    assert (refused.value.code, refused.value.retryable) == ("SOURCE_REDIRECTED", False)
    assert refused.value.details == {"page": 1}


@pytest.mark.parametrize("link", NO_URLS)
@pytest.mark.parametrize("by_redirect", [False, True])
def test_a_link_that_is_no_url_is_no_page(serve: Serve, connect: Connect, link: str, by_redirect: bool) -> None:
    step = Answer(status=302, headers={"Location": link}) if by_redirect else Answer(page([], odata_nextLink=link))

    with pytest.raises((SourceInvalid, SourceRedirected)) as failed:
        connect(serve(step).url, auth=AUTH, source_retries="0").rows()

    assert failed.value.details == {"page": 1}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("link", ["http://{there}/odata/Wells", "//{there}/x", "http://{there}\\@{here}/odata/Wells"])
def test_no_redirect_leads_to_another_origin(
    serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str, status: int
) -> None:
    source = serve(Answer())
    source.steps = [Answer(status=status, headers={"Location": written(link, source, elsewhere)})]

    with pytest.raises(SourceRedirected):
        connect(source.url, auth=AUTH).rows()

    assert elsewhere.asked == []


def test_a_redirect_within_the_origin_is_followed_with_the_credentials(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(status=308, headers={"Location": "/moved?$top=2"}), Answer(page([])))

    assert connect(source.url, auth=AUTH).rows() == []

    assert [(asked.path, asked.headers["authorization"]) for asked in source.asked] == [
        (PATH, BASIC),
        ("/moved", BASIC),
    ]


def test_redirects_without_end_are_refused(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(status=302, headers={"Location": PATH}))

    with pytest.raises(SourceRedirected, match="without end"):
        connect(source.url).rows()

    assert len(source.asked) == 6


def test_proxies_and_netrc_of_the_environment_are_ignored(
    serve: Serve, connect: Connect, elsewhere: ScriptedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = serve(Answer(page([])))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, elsewhere.root)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    connect(source.url).rows()

    assert elsewhere.asked == []
    assert [asked.headers.get("authorization") for asked in source.asked] == [None]


# --- memory and time


def bomb(megabytes: int) -> bytes:
    """A page of blanks, as gzip."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b'{"value": [')]
    parts += [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return b"".join([*parts, packer.compress(b"]}"), packer.flush()])


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gzip_bomb_takes_no_more_memory_than_a_page_may(serve: Serve, connect: Connect, layers: int) -> None:
    body = bomb(100) if layers == 1 else gzip.compress(bomb(100))
    source = serve(Answer(body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)}))
    client = connect(source.url, page_mb="4")

    tracemalloc.start()
    with pytest.raises(SourceTooLarge, match="more than 4 MB"):
        client.rows()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20 << 20
    assert len(source.asked) == 1


def test_the_body_of_a_redirect_is_not_read(serve: Serve, connect: Connect) -> None:
    body = Answer(bomb(100), status=302, headers={"Content-Encoding": "gzip", "Location": PATH})
    client = connect(serve(body).url, page_mb="4")

    tracemalloc.start()
    with pytest.raises(SourceRedirected):
        client.rows()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20 << 20


def test_a_page_without_end_is_cut_at_its_limit(serve: Serve, connect: Connect) -> None:
    sent = []

    def pour(handler: ScriptedHandler) -> None:
        handler.raw(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            handler.raw(b" " * (1 << 16))
            sent.append(1 << 16)

    with pytest.raises(SourceTooLarge):
        connect(serve(pour).url, page_mb="2").rows()

    assert sum(sent) < 40 << 20  # what the buffers of two sockets take beyond the limit


def drip(handler: ScriptedHandler) -> None:
    """A byte every 20 ms: no single read of it is slow."""
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(500):
        handler.raw(b" ")
        time.sleep(0.02)


def silence(handler: ScriptedHandler) -> None:
    handler.connection.settimeout(10)
    handler.connection.recv(1)  # until the client leaves


@pytest.mark.parametrize(("step", "error"), [(drip, SourceUnavailable), (silence, SourceUnreachable)])
def test_a_page_takes_no_longer_than_it_may(
    serve: Serve, connect: Connect, step: Step, error: type[SourceError]
) -> None:
    client = connect(serve(step).url, page_seconds="1", source_retries="0")
    started = time.monotonic()

    with pytest.raises(error):
        client.rows()

    assert time.monotonic() - started < 6


# --- words


LEAKS: dict[str, Step] = {
    "refused": Answer(status=400),
    "unauthorized": Answer(status=401),
    "busy": Answer(status=503),
    "HTML": Answer(b"<html>"),
    "echo": Answer(f'{{"error": {{"message": "no {BASIC} at {PATH}?key={TOKEN}&x"}}}}'.encode()),
    "closed": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
    "redirect": Answer(status=302, headers={"Location": f"http://{USER}:{PASSWORD}@127.0.0.2/?key={TOKEN}"}),
    "link": Answer(page([], odata_nextLink=f"http://{USER}:{PASSWORD}@127.0.0.2/?key={TOKEN}")),
    "loop": Answer(page([], odata_nextLink=f"?key={TOKEN}")),
    "no URL": Answer(page([], odata_nextLink=f"http://{USER}:{PASSWORD}@[x/?key={TOKEN}")),
}


@pytest.mark.parametrize("step", LEAKS.values(), ids=LEAKS)
def test_no_error_and_no_log_holds_credentials_or_the_query(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, step: Step
) -> None:
    caplog.set_level(logging.DEBUG, "chalicelib")
    client = connect(f"{serve(step).url}?key={TOKEN}", auth=AUTH, source_retries="1")

    with pytest.raises(SourceError) as failed:
        client.rows()

    words = f"{failed.value.message} {failed.value.details} {caplog.text}"
    assert [secret for secret in (TOKEN, PASSWORD, BASIC.split()[1]) if secret in words] == []


def test_an_unreachable_source_is_told_without_its_query(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}{PATH}?key={TOKEN}"

        with pytest.raises(SourceUnreachable) as failed:
            connect(url, auth=AUTH, source_retries="0").rows()

    assert TOKEN not in failed.value.message
