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
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BrokenPage(f"it is no complete JSON: {exc}") from exc
    if not isinstance(document, dict) or not isinstance(document.get("value"), list):
        raise BrokenPage("it holds no list named value")
    rows = [json.dumps(row).encode() for row in document.pop("value")]
    try:
        page = msgspec.convert({**document, "value": []}, _Envelope, strict=True)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc
    page.value = [msgspec.Raw(row) for row in rows]
    return page


def _count(count: int | str | None) -> int | None:
    """Int64 may come as a string (OData JSON with IEEE754Compatible=true). Nonsense counts as no count."""
    try:
        number = int(count) if count is not None else -1
    except ValueError:
        return None
    return number if number >= 0 else None


def _excerpt(text: bytes, most: int = 200) -> str:
    return text[:most].decode("utf-8", "replace")
