"""The body of one OData page: the rows as untouched JSON texts, the count and the link to the next page.

OData v4 has the rows in `value`, v2 in `d` or `d.results`.

msgspec reads the envelope and leaves each row as the bytes it is: DuckDB reads the rows, so they are parsed
once. What msgspec refuses but Python's parser takes (NaN, Infinity, lone surrogates) is a page with bad
rows in it, not a bad page.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import msgspec

_HIGHEST_COUNT = 2**63 - 1  # what import_runs can note
_COUNTED_BYTES = 1 << 20  # at a time, of the rows of a page that may have too many
_STRIDES = (61, 67, 71, 73, 79, 83, 89, 97)  # primes: none falls in step with short rows
_LENIENT_BYTES = 16 << 20  # Python's parser takes several times the memory of what it reads


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


class _Outline(msgspec.Struct):
    """The rows as one text, so that any number of them takes no memory."""

    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    results: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_NAMES = {field.encode_name for struct in (_Envelope, _Results) for field in msgspec.structs.fields(struct)}
_TOLD = {"code", "message"}  # of an error
_OUTLINE = msgspec.json.Decoder(_Outline)
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_DECODER = msgspec.json.Decoder(_Envelope)
_PYTHON = json.JSONDecoder()


@dataclass(frozen=True, kw_only=True)
class PageBody:
    rows: list[Any]  # bytes-like, one JSON text each, without a line break
    count: int | None
    next_link: str | None
    is_v2: bool = False


def read_page(body: bytes | bytearray, *, most_rows: int = 500_000) -> PageBody:
    """`body` is without line breaks. Raises BrokenPage: not JSON, cut off, no list of values, the list twice, more
    than about `most_rows` of them, or an error in place of or after the rows.
    """
    _refuse_many(body, most_rows)
    try:
        page = _DECODER.decode(body)
    except msgspec.ValidationError as exc:
        raise BrokenPage(str(exc)) from exc
    except (msgspec.DecodeError, RecursionError):
        found = _read_leniently(body)
    else:
        found = _page_body(page)
    _refuse_repeated(body, found)
    return found


def _refuse_many(body: bytes | bytearray, most: int) -> None:
    """A hundred MB of `{},` would be 33 million rows, and 2 GB of memory. Only a page with so many commas is looked at
    closely; a random sample tells of most pages that they have not.
    """
    stride = random.choice(_STRIDES)  # noqa: S311
    if 2 * stride * body[::stride].count(b",") < most or body.count(b",") < most:
        return
    try:
        outline = _OUTLINE.decode(body)
        if isinstance(outline.d, msgspec.Raw) and bytes(memoryview(outline.d)[:1]) == b"{":
            outline = _OUTLINE.decode(memoryview(outline.d))
    except (msgspec.DecodeError, RecursionError):
        return  # and will be refused
    for rows in (outline.value, outline.results, outline.d):
        if isinstance(rows, msgspec.Raw) and _has_more(memoryview(rows), most):
            raise BrokenPage(f"it holds more than {most:,} rows")


def _has_more(rows: memoryview, most: int) -> bool:
    """Rows are counted piece by piece, each cut after what looks like the end of a row and then is one."""
    at, size, found = 1, _COUNTED_BYTES, 0
    while at < len(rows) - 1 and found <= most:
        piece = bytes(rows[at : at + size])
        is_enlarged = size > _COUNTED_BYTES
        if is_enlarged and (piece.count(b",") > most or size > _LENIENT_BYTES):
            return True  # or rows so long that they are none
        length, count = _whole_rows(piece)
        at, found, size = at + length, found + count, _COUNTED_BYTES if count else size * 8
        while bytes(rows[at : at + 1]) in (b" ", b"\t", b","):
            at += 1
    return found > most


def _whole_rows(piece: bytes, tries: int = 8) -> tuple[int, int]:
    """How long the whole rows at the beginning of the piece are, and how many; nothing when their end is not found."""
    end = len(piece)
    for _ in range(tries):
        end = piece.rfind(b"}", 0, end)
        if end < 0:
            break
        try:
            return end + 1, len(_RAW_ROWS.decode(b"[" + piece[: end + 1] + b"]"))
        except (msgspec.DecodeError, RecursionError):
            continue
    return 0, 0


def _refuse_repeated(body: bytes | bytearray, page: PageBody) -> None:
    """Of a member that stands twice the parser keeps the last, and the rows of the first would be lost in silence."""
    for name in (b'"d"', b'"results"') if page.is_v2 else (b'"value"',):
        rest = _without_rows(body, page.rows)
        found = rest.count(name)
        if found > 1 and rest is body:
            found -= sum(bytes(row).count(name) for row in page.rows)
        if found > 1 and (len(body) > _LENIENT_BYTES or _has_twice(body, json.loads(name))):
            raise BrokenPage(f"it holds {name.decode()} twice")


def _without_rows(body: bytes | bytearray, rows: list[Any]) -> bytes | bytearray:
    """What stands around the rows, which is little to search; all of it when there are blanks between them."""
    size = sum(map(len, rows)) + len(rows) - 1
    start = body.find(memoryview(rows[0])) if rows else 0
    end = start + size
    if not rows or memoryview(body)[end - len(rows[-1]) : end] != memoryview(rows[-1]):
        return body
    return body[:start] + body[end:]


def _has_twice(body: bytes | bytearray, name: str) -> bool:
    """Whether the outermost object has the member twice; the results of v2, which stand further in, any object."""
    twice = []

    def look(members: list[tuple[str, Any]]) -> None:
        twice.append(sum(each == name for each, _ in members) > 1)

    json.loads(body.decode("utf-8", "surrogateescape"), object_pairs_hook=look)
    return any(twice) if name == "results" else twice[-1]


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


def _read_leniently(body: bytes | bytearray) -> PageBody:
    if len(body) > _LENIENT_BYTES:
        raise BrokenPage(
            f"it is no complete JSON, or holds NaN, Infinity or halves of characters, which are read in pages of "
            f"{_LENIENT_BYTES >> 20} MB at most"
        )
    text = body.decode("utf-8", "surrogateescape")
    try:
        document = json.loads(text, object_pairs_hook=_known_members)
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


def _known_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of an object what an envelope has: rows are looked at and not kept."""
    return {name: value for name, value in members if name in _NAMES or name in _TOLD}


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
    return number if 0 <= number <= _HIGHEST_COUNT else None


def _excerpt(text: bytes, most: int = 200) -> str:
    return text[:most].decode("utf-8", "replace")
