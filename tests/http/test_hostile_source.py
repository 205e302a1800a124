"""A hostile source gets neither the credentials, nor the memory,
nor the time of an import, and no word of it leaks.
"""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from support.scripted_source import (
    PATH,
    Answer,
    Connect,
    ScriptedHandler,
    ScriptedSource,
    Serve,
    Step,
    page,
    rows,
    settings_for,
)

from chalicelib.errors import (
    SourceEncoding,
    SourceError,
    SourceInvalid,
    SourceRedirected,
    SourceTooLarge,
    SourceTooSlow,
    SourceUnreachable,
    WorkerTimeSpent,
)
from chalicelib.http.signing import basic_auth
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "reader", "pa55word"
AUTH = basic_auth(USER, PASSWORD)
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
        here=f"127.0.0.1:{here.port}",
        there=f"127.0.0.1:{there.port}",
        here_port=here.port,
        there_port=there.port,
    )


@pytest.mark.parametrize("link", ELSEWHERE)
def test_no_link_leads_to_another_origin(
    serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str
) -> None:
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


@pytest.mark.parametrize(
    "link", ["http://{there}/odata/Wells", "https://{here}/odata/Wells", "ftp://{here}/"]
)
def test_another_origin_has_its_own_code(
    serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str
) -> None:
    source = serve(Answer())
    source.steps = [Answer(page(rows(0, 2), odata_nextLink=written(link, source, elsewhere)))]

    with pytest.raises(SourceRedirected) as refused:
        connect(source.url).rows()

    assert (refused.value.code, refused.value.retryable) == ("SOURCE_REDIRECTED", False)
    assert refused.value.details == {"page": 1}


@pytest.mark.parametrize("link", NO_URLS)
@pytest.mark.parametrize("by_redirect", [False, True])
def test_a_link_that_is_no_url_is_no_page(
    serve: Serve, connect: Connect, link: str, by_redirect: bool
) -> None:
    step = (
        Answer(status=302, headers={"Location": link})
        if by_redirect
        else Answer(page([], odata_nextLink=link))
    )

    with pytest.raises((SourceInvalid, SourceRedirected)) as failed:
        connect(serve(step).url, auth=AUTH, source_retries="0").rows()

    assert failed.value.details["page"] == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "link", ["http://{there}/odata/Wells", "//{there}/x", "http://{there}\\@{here}/odata/Wells"]
)
def test_no_redirect_leads_to_another_origin(
    serve: Serve, connect: Connect, elsewhere: ScriptedSource, link: str, status: int
) -> None:
    source = serve(Answer())
    source.steps = [Answer(status=status, headers={"Location": written(link, source, elsewhere)})]

    with pytest.raises(SourceRedirected):
        connect(source.url, auth=AUTH).rows()

    assert elsewhere.asked == []


def test_a_redirect_within_the_origin_is_followed_with_the_credentials(
    serve: Serve, connect: Connect
) -> None:
    source = serve(Answer(status=308, headers={"Location": "/moved?$top=2"}), Answer(page([])))

    assert connect(source.url, auth=AUTH).rows() == []

    assert [(asked.path, asked.headers["authorization"]) for asked in source.asked] == [
        (PATH, BASIC),
        ("/moved", BASIC),
    ]


@pytest.mark.parametrize("by_redirect", [False, True])
def test_an_alias_is_as_good_as_the_origin(
    serve: Serve, connect: Connect, by_redirect: bool
) -> None:
    alias = serve(Answer(page(rows(2, 1))))
    there = f"http://localhost:{alias.port}{PATH}"
    first = Answer(status=307, headers={"Location": there})
    source = serve(first if by_redirect else Answer(page(rows(0, 2), odata_nextLink=there)))
    aliases = f"https://example.org , http://LOCALHOST:{alias.port}/"

    connect(source.url, auth=AUTH, source_aliases=aliases, source_paging="links").rows()

    assert [asked.headers["authorization"] for asked in alias.asked] == [BASIC]


def test_the_refusal_of_another_origin_names_the_setting(serve: Serve, connect: Connect) -> None:
    source = serve(Answer())
    source.steps = [
        Answer(page([], odata_nextLink=f"http://localhost:{source.port}{PATH}?key={TOKEN}"))
    ]

    with pytest.raises(
        SourceRedirected, match=f"http://localhost:{source.port}{PATH}, .*WELLHEAD_SOURCE_ALIASES"
    ):
        connect(source.url).rows()


def test_a_cursor_of_other_settings_leads_nowhere_else(
    serve: Serve, elsewhere: ScriptedSource
) -> None:
    connection = ODataConnection(settings=settings_for(serve(Answer()).url), auth=AUTH)

    with pytest.raises(SourceRedirected):
        connection.get_page(elsewhere.url, page=4)

    assert elsewhere.asked == []


def test_redirects_without_end_are_refused(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(status=302, headers={"Location": PATH}))

    with pytest.raises(SourceRedirected, match="without end"):
        connect(source.url).rows()

    assert len(source.asked) == 6


def test_proxies_and_netrc_of_the_environment_are_ignored(
    serve: Serve,
    connect: Connect,
    elsewhere: ScriptedSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
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


def test_a_gzip_bomb_takes_no_more_memory_than_a_page_may(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(bomb(100), headers={"Content-Encoding": "gzip"}))
    client = connect(source.url, page_mb="4")

    tracemalloc.start()
    with pytest.raises(SourceTooLarge, match="more than 4 MB"):
        client.rows()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20 << 20
    assert [asked.query.get("$top") for asked in source.asked] == [
        None,
        "2",
    ]  # once more, with a bound


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


def pour_empty_gzip(handler: ScriptedHandler) -> None:
    """Members without content: bytes arrive, and the page never grows."""
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    for _ in range(1000):
        handler.raw(gzip.compress(b"") * 500)


def pour_empty_blocks(handler: ScriptedHandler) -> None:
    """One member of empty stored blocks (RFC 1951, section 3.2.4)."""
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"")[:10])
    for _ in range(1000):
        handler.raw(b"\0\0\0\xff\xff" * 2000)


def pour_headers(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\n", *(b"X-%d: %s\r\n" % (n, b"x" * 60_000) for n in range(9)))


@pytest.mark.parametrize("step", [pour_empty_gzip, pour_empty_blocks, pour_headers])
def test_bytes_that_bring_nothing_are_counted_too(
    serve: Serve, connect: Connect, step: Step
) -> None:
    source = serve(step)

    with pytest.raises(SourceTooLarge):
        connect(source.url, page_mb="1").rows()

    assert len(source.asked) == 2  # once more, with a bound


def test_more_headers_than_any_service_sends_are_no_page(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page([]), headers={f"X-{number}": "x" for number in range(200)}))

    with pytest.raises(SourceInvalid):
        connect(source.url, source_retries="0").rows()


def test_a_page_is_in_memory_once(serve: Serve) -> None:
    body = b"x" * (24 << 20)
    source = serve(Answer(body))
    connection = ODataConnection(settings=settings_for(source.url))

    tracemalloc.start()
    assert len(connection.get_document(source.url)) == len(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 40 << 20


HEAD = b"HTTP/1.1 200 OK\r\n"


def drip(*before: bytes, byte: bytes = b" ") -> Step:
    """A little every 20 ms: no single read of it is slow."""

    def write(handler: ScriptedHandler) -> None:
        handler.raw(*before)
        for _ in range(400):
            handler.raw(byte)
            time.sleep(0.02)

    return write


def silence(handler: ScriptedHandler) -> None:
    handler.connection.settimeout(10)
    handler.connection.recv(1)  # until the client leaves


GZIP_HEAD = HEAD + b"Content-Encoding: gzip\r\n\r\n"
CHUNKED_HEAD = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DRIPS: dict[str, Step] = {
    "silence": silence,
    "the status line": drip(byte=b"H"),
    "a header": drip(HEAD + b"X-Long: ", byte=b"x"),
    "headers": drip(HEAD, byte=b"X: x\r\n"),
    "answers that say to wait": drip(byte=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": drip(HEAD + b"Content-Length: 100000\r\n\r\n"),
    "a body until the connection closes": drip(HEAD + b"\r\n"),
    "a chunk's size": drip(CHUNKED_HEAD, byte=b"0"),
    "chunks": drip(CHUNKED_HEAD, byte=b"1\r\n \r\n"),
    "trailers": drip(CHUNKED_HEAD + b"0\r\n", byte=b"X: x\r\n"),
    "empty gzip members": drip(GZIP_HEAD, byte=gzip.compress(b"")),
    "empty gzip blocks": drip(GZIP_HEAD + gzip.compress(b"")[:10], byte=b"\0\0\0\xff\xff"),
}


@pytest.mark.parametrize("step", DRIPS.values(), ids=DRIPS)
def test_a_drip_takes_no_longer_than_the_worker_may_wait(serve: Serve, step: Step) -> None:
    source = serve(step)
    connection = ODataConnection(settings=settings_for(source.url), remaining=lambda: 0.4)

    with pytest.raises(WorkerTimeSpent):
        connection.get_page(source.url, page=1)

    assert len(source.asked) <= 1


@pytest.mark.parametrize("step", [DRIPS["a body"], DRIPS["headers"], silence])
def test_a_page_takes_no_longer_than_it_may(serve: Serve, connect: Connect, step: Step) -> None:
    with pytest.raises(SourceTooSlow) as failed:
        connect(serve(step).url, page_seconds="1", source_retries="0").rows()

    assert (failed.value.code, failed.value.retryable) == ("SOURCE_TOO_SLOW", True)


def test_redirects_share_the_time_of_a_page(serve: Serve) -> None:
    def slowly(handler: ScriptedHandler) -> Answer:
        time.sleep(0.2)
        return Answer(status=302, headers={"Location": PATH})

    source = serve(slowly)
    connection = ODataConnection(settings=settings_for(source.url), remaining=lambda: 0.5)

    with pytest.raises(WorkerTimeSpent):
        connection.get_page(source.url, page=1)

    assert len(source.asked) <= 3


# --- encodings


def in_charset(charset: str, text: str, *, bom: bytes = b"", declared: bool = True) -> Answer:
    content_type = (
        f"application/json;odata.metadata=minimal; charset={charset}"
        if declared
        else "application/json"
    )
    return Answer(bom + text.encode(charset), headers={"Content-Type": content_type})


ABROAD = '{"value": [{"well_name": "Ålesund"}]}'
PLAIN = '{"value": [{"well_name": "Alesund"}]}'


@pytest.mark.parametrize(
    "answer",
    [
        in_charset("iso-8859-1", ABROAD),
        in_charset("windows-1252", ABROAD),
        in_charset("utf-16", ABROAD),
        in_charset("utf-16", PLAIN, declared=False),
        in_charset("utf-16-le", PLAIN, declared=False),
        in_charset("utf-16-be", PLAIN, declared=False),
        in_charset("utf-32", PLAIN, declared=False),
        in_charset("utf-7", PLAIN),
        in_charset("cp037", PLAIN),
        *(
            Answer(page([]), headers={"Content-Encoding": coding})
            for coding in ("br", "deflate, gzip", "zstd", "gzip, gzip", "x\x80", "x" * 5000)
        ),
    ],
)
def test_what_is_neither_utf_8_nor_gzip_is_told_and_not_guessed(
    serve: Serve, connect: Connect, answer: Answer
) -> None:
    source = serve(answer)

    with pytest.raises(SourceEncoding, match="UTF-8, plain or gzip") as failed:
        connect(source.url).rows()

    assert (failed.value.code, failed.value.retryable, len(source.asked)) == (
        "SOURCE_ENCODING",
        False,
        1,
    )
    assert len(failed.value.message) < 250


@pytest.mark.parametrize(
    "answer",
    [
        in_charset("UTF-8", ABROAD),
        in_charset("utf-8", ABROAD, bom=b"\xef\xbb\xbf"),
        in_charset("utf-8", ABROAD, declared=False),
        in_charset("iso-8859-1", PLAIN),
        in_charset("us-ascii", PLAIN),
        Answer(gzip.compress(ABROAD.encode()), headers={"Content-Encoding": "gzip"}),
        Answer(
            gzip.compress(ABROAD[:9].encode()) + gzip.compress(ABROAD[9:].encode()),
            headers={"Content-Encoding": "X-GZIP"},
        ),
        Answer(ABROAD.encode(), headers={"Content-Encoding": "identity"}),
    ],
)
def test_what_is_utf_8_is_read_as_it_is(serve: Serve, connect: Connect, answer: Answer) -> None:
    [[row]] = [
        page.rows for page in connect(serve(answer, Answer(page([]))).url).pages() if page.rows
    ]

    assert json.loads(bytes(row))["well_name"] in ("Ålesund", "Alesund")
    assert bytes(row).decode() in ABROAD + PLAIN


# --- words


LEAKS: dict[str, Step] = {
    "refused": Answer(status=400),
    "unauthorized": Answer(status=401),
    "busy": Answer(status=503),
    "HTML": Answer(b"<html>"),
    "echo": Answer(f'{{"error": {{"message": "no {BASIC} at {PATH}?key={TOKEN}&x"}}}}'.encode()),
    "closed": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
    "redirect": Answer(
        status=302, headers={"Location": f"http://{USER}:{PASSWORD}@127.0.0.2/?key={TOKEN}"}
    ),
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
