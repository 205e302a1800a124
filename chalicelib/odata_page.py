"""The body of one OData page: the rows as untouched JSON texts, the count and the link to the next page.

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


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
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
        page = _decode_leniently(body)
    if page.error is not msgspec.UNSET:
        raise BrokenPage(f"an error instead of rows: {_excerpt(bytes(page.error))}")
    if page.value is msgspec.UNSET:
        raise BrokenPage("it holds no list named value")
    return PageBody(
        rows=list(page.value),
        count=_count(page.count_v4 if page.count_v4 is not None else page.count_v401),
        next_link=page.next_v4 or page.next_v401,
    )


def _decode_leniently(body: bytes) -> _Envelope:
    text = body.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BrokenPage(f"it is no complete JSON: {exc}") from exc
    if not isinstance(document, dict) or not isinstance(document.get("value"), list):
        raise BrokenPage("it holds no list named value")
    if "error" in document:
        raise BrokenPage(f"an error instead of rows: {_excerpt(json.dumps(document['error']).encode())}")
    try:
        page = msgspec.convert({**document, "value": []}, _Envelope, strict=True)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc
    page.value = [msgspec.Raw(row.encode("utf-8", "surrogateescape")) for row in _row_texts(text)]
    return page


def _row_texts(text: str) -> list[str]:
    """The rows as they are written, cut out of a document that Python's parser has found whole."""
    rows: list[str] = []
    at = _after(text, text.index("{"))
    while text[at] != "}":
        name, end = _PYTHON.raw_decode(text, at)
        at = _after(text, _after(text, end - 1))
        if name == "value":
            rows, end = _element_texts(text, at)
        else:
            _, end = _PYTHON.raw_decode(text, at)
        at = _next_item(text, end)
    return rows


def _element_texts(text: str, at: int) -> tuple[list[str], int]:
    """The elements of the list that begins at `at`, and where it ends."""
    elements = []
    at = _after(text, at)
    while text[at] != "]":
        _, end = _PYTHON.raw_decode(text, at)
        elements.append(text[at:end])
        at = _next_item(text, end)
    return elements, at + 1


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
