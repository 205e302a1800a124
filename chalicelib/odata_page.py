"""The body of one OData page: the rows as untouched JSON texts, the count and the link to the next page.

OData v4 has the rows in `value`, v2 in `d` or `d.results`.

msgspec reads the envelope and leaves each row as the bytes it is: DuckDB reads the rows, so they are parsed
once. What msgspec refuses but Python's parser takes (NaN, Infinity, lone surrogates) is a page with bad
rows in it, not a bad page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

_NEWLINES = bytes.maketrans(b"\r\n", b"  ")  # legal between JSON tokens only, so a row becomes one line


_MOST_ROWS = 2**63 - 1  # what import_runs can note


class BrokenPage(ValueError):
    """The body is no OData page; says why in a few words."""


class _Results(msgspec.Struct):
    """What OData v2 has in `d`."""

    results: list[msgspec.Raw]
    count: int | str | None = msgspec.field(name="__count", default=None)
    next_link: str | None = msgspec.field(name="__next", default=None)


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    d: _Results | list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    count_v4: int | str | None = msgspec.field(name="@odata.count", default=None)
    count_v401: int | str | None = msgspec.field(name="@count", default=None)
    next_v4: str | None = msgspec.field(name="@odata.nextLink", default=None)
    next_v401: str | None = msgspec.field(name="@nextLink", default=None)


_DECODER = msgspec.json.Decoder(_Envelope)
_PYTHON = json.JSONDecoder()


@dataclass(frozen=True, kw_only=True)
class PageBody:
    rows: list[Any]  # bytes-like, one JSON text each, without a line break
    count: int | None
    next_link: str | None
    is_v2: bool = False


def read_page(body: bytes) -> PageBody:
    """Raises BrokenPage: not JSON, cut off, no list of values, or an error in place of or after the rows."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\n" in body or b"\r" in body:
        body = body.translate(_NEWLINES)
    try:
        page = _DECODER.decode(body)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc
    except (msgspec.DecodeError, RecursionError):
        return _read_leniently(body)
    return _page_body(page)


def _page_body(page: _Envelope, rows: list[Any] | None = None) -> PageBody:
    """`rows` take the place of those in the envelope."""
    if page.error is not msgspec.UNSET:
        raise BrokenPage(f"an error instead of rows: {_excerpt(bytes(page.error))}")
    if isinstance(page.value, list):
        count = page.count_v4 if page.count_v4 is not None else page.count_v401
        return PageBody(rows=rows or page.value, count=_count(count), next_link=page.next_v4 or page.next_v401)
    if isinstance(page.d, list):
        return PageBody(rows=rows or page.d, count=None, next_link=None, is_v2=True)
    if isinstance(page.d, _Results):
        results = page.d
        return PageBody(
            rows=rows or results.results, count=_count(results.count), next_link=results.next_link, is_v2=True
        )
    raise BrokenPage("it holds no list named value, d or d.results")


def _read_leniently(body: bytes) -> PageBody:
    text = body.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BrokenPage(f"it is no complete JSON: {exc}") from exc
    path = _path_of_rows(document)
    if path is None:
        raise BrokenPage("it holds no list named value, d or d.results")
    if "error" in document:
        raise BrokenPage(f"an error instead of rows: {_excerpt(json.dumps(document['error']).encode())}")
    (document["d"] if path == ("d", "results") else document)[path[-1]] = []
    try:
        page = msgspec.convert(document, _Envelope, strict=True)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc
    rows = [row.encode("utf-8", "surrogateescape") for row in _row_texts(text, 0, path)]
    return _page_body(page, rows)


def _path_of_rows(document: Any) -> tuple[str, ...] | None:
    for path in (("value",), ("d",), ("d", "results")):
        found = document
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, list):
            return path
    return None


def _row_texts(text: str, at: int, path: tuple[str, ...]) -> list[str]:
    """The rows as they are written, cut out of a document that Python's parser has found whole. The last of
    several members of one name counts, as it does for the parser.
    """
    at = _after(text, at - 1)
    if not path:
        return _element_texts(text, at)
    rows: list[str] = []
    at = _after(text, at)
    while text[at] != "}":
        name, end = _PYTHON.raw_decode(text, at)
        at = _after(text, _after(text, end - 1))
        _, end = _PYTHON.raw_decode(text, at)
        if name == path[0]:
            rows = _row_texts(text, at, path[1:])
        at = _next_item(text, end)
    return rows


def _element_texts(text: str, at: int) -> list[str]:
    """The elements of the list that begins at `at`."""
    elements = []
    at = _after(text, at)
    while text[at] != "]":
        _, end = _PYTHON.raw_decode(text, at)
        elements.append(text[at:end])
        at = _next_item(text, end)
    return elements


def _next_item(text: str, end: int) -> int:
    """Where the next item begins, or the bracket that closes the list or object."""
    at = _after(text, end - 1)
    return _after(text, at) if text[at] == "," else at


def _after(text: str, at: int) -> int:
    """The first place after `at` that is no white space."""
    at += 1
    while text[at] in " \t\r\n":
        at += 1
    return at


def _count(count: int | str | None) -> int | None:
    """Int64 may come as a string (OData JSON with IEEE754Compatible=true). Nonsense counts as no count."""
    try:
        number = int(count) if count is not None else -1
    except ValueError:
        return None
    return number if 0 <= number <= _MOST_ROWS else None


def _excerpt(text: bytes, most: int = 200) -> str:
    return text[:most].decode("utf-8", "replace")
