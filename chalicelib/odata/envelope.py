"""The body of one OData page: the rows as untouched JSON texts, the count and the link to the next
page.

OData v4 has the rows in `value`, v2 in `d` or `d.results`.

msgspec reads the envelope and leaves each row as the bytes it is: DuckDB reads the rows, so they
are parsed once. What msgspec refuses but Python's parser takes (lenient_json.py) is a page with bad
rows in it, not a bad page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from .hostile_pages import has_more_rows, repeated_member
from .lenient_json import NoJson, read_leniently

_HIGHEST_COUNT = 2**63 - 1  # what import_runs can note


class BrokenPage(ValueError):
    """The body is no OData page; says why in a few words."""


class _Results(msgspec.Struct):
    """What OData v2 has in `d`."""

    results: list[msgspec.Raw]
    count: int | float | str | None = msgspec.field(name="__count", default=None)
    next_link: str | None = msgspec.field(name="__next", default=None)


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # looked into where there is no `value`
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    count_v4: int | float | str | None = msgspec.field(name="@odata.count", default=None)
    count_v401: int | float | str | None = msgspec.field(name="@count", default=None)
    next_v4: str | None = msgspec.field(name="@odata.nextLink", default=None)
    next_v401: str | None = msgspec.field(name="@nextLink", default=None)


_NAMES = {
    field.encode_name
    for struct in (_Envelope, _Results)
    for field in msgspec.structs.fields(struct)
}
_NAMES |= {"code", "message"}  # of an error
_DECODER = msgspec.json.Decoder(_Envelope)
_RESULTS = _Results | list[msgspec.Raw]
_RESULTS_DECODER = msgspec.json.Decoder(_RESULTS)
_NO_ROWS = "it holds no list named value, d or d.results"


@dataclass(frozen=True, kw_only=True)
class PageBody:
    rows: list[Any]  # bytes-like, one JSON text each, without a line break
    count: int | None
    next_link: str | None
    is_v2: bool = False


def read_page(body: bytes | bytearray, *, most_rows: int = 500_000) -> PageBody:
    """`body` is without line breaks. Raises BrokenPage: not JSON, cut off, no list of values,
    the list twice, more than about `most_rows` of them, or an error in place of or after the rows.
    """
    if has_more_rows(body, most_rows):
        raise BrokenPage(f"it holds more than {most_rows:,} rows")
    try:
        page = _read(body)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc

    names = ("d", "results") if page.is_v2 else ("value",)
    repeated = repeated_member(body, page.rows, names)
    if repeated:
        raise BrokenPage(f'it holds "{repeated}" twice')
    return page


def _read(body: bytes | bytearray) -> PageBody:
    try:
        return _read_strictly(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, RecursionError):
        return _read_leniently(body)


def _read_strictly(body: bytes | bytearray) -> PageBody:
    page = _DECODER.decode(body)
    if page.error is not msgspec.UNSET:
        raise BrokenPage(f"an error instead of rows: {_excerpt(bytes(page.error))}")
    if isinstance(page.value, list):
        return _v4_body(page, page.value)
    if isinstance(page.d, msgspec.Raw):
        return _v2_body(_RESULTS_DECODER.decode(page.d))
    raise BrokenPage(_NO_ROWS)


def _v4_body(page: _Envelope, rows: list[Any]) -> PageBody:
    count = page.count_v4 if page.count_v4 is not None else page.count_v401
    next_link = page.next_v4 or page.next_v401
    return PageBody(rows=rows, count=count_of(count), next_link=next_link)


def _v2_body(results: _Results | list[msgspec.Raw], rows: list[Any] | None = None) -> PageBody:
    """`rows` take the place of those in the results."""
    if isinstance(results, list):
        return PageBody(rows=rows or results, count=None, next_link=None, is_v2=True)
    return PageBody(
        rows=rows or results.results,
        count=count_of(results.count),
        next_link=results.next_link,
        is_v2=True,
    )


def _read_leniently(body: bytes | bytearray) -> PageBody:
    try:
        document = read_leniently(body, _NAMES)
    except NoJson as exc:
        raise BrokenPage(str(exc)) from exc

    envelope = document.members
    path = _path_of_rows(envelope)
    if path is None:
        raise BrokenPage(_NO_ROWS)
    if "error" in envelope:
        error = json.dumps(envelope["error"]).encode()
        raise BrokenPage(f"an error instead of rows: {_excerpt(error)}")

    # The rows are left out of what is converted: they stay the text that they are.
    holder = envelope["d"] if path == ("d", "results") else envelope
    holder[path[-1]] = []
    results = envelope.pop("d", None)

    rows = document.elements(path)
    if path == ("value",):
        return _v4_body(msgspec.convert(envelope, _Envelope), rows)
    return _v2_body(msgspec.convert(results, _RESULTS), rows)


def _path_of_rows(document: Any) -> tuple[str, ...] | None:
    for path in (("value",), ("d",), ("d", "results")):
        value = document
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, list):
            return path
    return None


def count_of(count: float | str | None) -> int | None:
    """Int64 may come as a string (OData JSON with IEEE754Compatible=true).
    Nonsense counts as no count.
    """
    try:
        number = int(count) if count is not None else -1
    except (ValueError, OverflowError):
        return None
    if isinstance(count, float) and number != count:
        return None
    return number if 0 <= number <= _HIGHEST_COUNT else None


def _excerpt(text: bytes, most: int = 200) -> str:
    return text[:most].decode("utf-8", "replace")
