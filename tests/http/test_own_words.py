"""The sentence of a source that refuses:
found in whatever form it comes, and made fit to be shown.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.scripted_source import Answer, page, rows

from chalicelib.errors import SourceError, SourceRefused
from chalicelib.http.own_words import sentence_of
from chalicelib.http.signing import basic_auth

if TYPE_CHECKING:
    from support.scripted_source import Connect, Serve

JSON, XML, TEXT, HTML = (
    "application/json;charset=utf-8",
    "application/xml",
    "text/plain",
    "text/html",
)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (JSON, '{"error": {"code": "", "message": "No $skip here."}}', "No $skip here."),
        (
            JSON,
            '{"error": {"message": {"lang": "en", "value": "No $skip here."}}}',
            "No $skip here.",
        ),
        (JSON, '{"message": "Too many"}', "Too many"),
        (JSON, '{"error": ["x"]}', ""),
        (JSON, "no JSON", ""),
        (JSON, "[" * 100_000, ""),
        (
            XML,
            '<m:error xmlns:m="x"><m:message xml:lang="en">No such option</m:message></m:error>',
            "No such option",
        ),
        (TEXT, "Bad request", "Bad request"),
        (HTML, "<html><message>nothing of a page</message>", ""),
        (TEXT, "a\r\n\x1b[31mred\u202e\u2028 b", "a [31mred b"),
        (TEXT, 'say "no"', "say 'no'"),
        (TEXT, "sent Basic abc123= to /x?key=secret today", "sent … to /x… today"),
        (TEXT, "x" * 300, "x" * 200 + "…"),
    ],
)
def test_the_sentence_of_an_error(content_type: str, body: str, expected: str) -> None:
    assert sentence_of(body.encode(), content_type) == expected


def test_what_the_source_repeats_of_a_secret_is_not_told(serve: Serve, connect: Connect) -> None:
    says = json.dumps({"error": {"message": "pa55word and qu3ry are not welcome"}}).encode()
    source = serve(Answer(says, 405))

    with pytest.raises(SourceRefused) as refused:
        connect(f"{source.url}?key=qu3ry", auth=basic_auth("reader", "pa55word")).rows()

    assert refused.value.message.endswith('It says: "… and … are not welcome"')
    assert "pa55word" not in str(refused.value.details)
    assert "qu3ry" not in str(refused.value.details)


@pytest.mark.parametrize(
    ("query", "words", "told"),
    [
        ("key=aB3%2FxY%2B9", "aB3%2FxY%2B9 is no key", "… is no key"),
        ("key=aB3%2FxY%2B9", "aB3%2fxY%2b9 is no key", "… is no key"),
        ("key=aB3%2FxY%2B9", "aB3/xY+9 is no key", "… is no key"),
        ("user=key-12&key=key-12-secret", "key-12-secret is no key", "… is no key"),
        ("key=key-12-secret&user=key-12", "key-12-secret is no key", "… is no key"),
    ],
)
def test_a_key_of_the_query_is_not_told_however_it_is_written(
    serve: Serve, connect: Connect, query: str, words: str, told: str
) -> None:
    source = serve(Answer(json.dumps({"error": {"message": words}}).encode(), 405))

    with pytest.raises(SourceRefused) as refused:
        connect(f"{source.url}?{query}").rows()

    assert refused.value.message.endswith(f'It says: "{told}"')
    assert refused.value.details["says"] == told


def test_a_key_that_a_long_sentence_is_cut_in_is_not_told(serve: Serve, connect: Connect) -> None:
    words = "x" * 185 + " k-1234567890abcdef"
    source = serve(Answer(json.dumps({"error": {"message": words}}).encode(), 405))

    with pytest.raises(SourceRefused) as refused:
        connect(f"{source.url}?key=k-1234567890abcdef").rows()

    assert refused.value.details["says"] == "x" * 185 + " …"


@pytest.mark.parametrize("status", [404, 500])
def test_a_key_in_the_path_of_a_link_is_not_told(
    serve: Serve, connect: Connect, status: int
) -> None:
    link = "/odata/Wells/k-1234567890/next"
    source = serve(Answer(page(rows(1, 2), odata_nextLink=link)), Answer(b"", status))

    with pytest.raises(SourceError) as failed:
        connect(f"{source.url}?key=k-1234567890", source_retries="0").rows()

    assert failed.value.details["url"].endswith("/odata/Wells/…/next")
    assert "k-1234567890" not in failed.value.message


def test_an_error_without_end_is_not_waited_for(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(b"x" * 1_000_000, 405, {"Content-Type": "text/plain"}))

    with pytest.raises(SourceRefused, match=r"HTTP 405 from [^ ]+\)$"):
        connect(source.url).rows()
