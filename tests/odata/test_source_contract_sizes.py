"""The contract of the source, sizes:
nothing it sends takes more memory than a page may, however it is wrapped.
"""

from __future__ import annotations

import gzip
import json
import zlib
from functools import cache
from typing import TYPE_CHECKING

import pytest
from support.scripted_source import Answer, ScriptedHandler, Step, page
from support.source_contract import Case, Completed, Failed, Stage, script, text_of, well, wells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"
TWO = {10: 10.0, 11: 11.0}
FIRST = page(wells(10, 11), odata_nextLink="?$skiptoken=2")
TOO_LARGE, INVALID = "SOURCE_LIMIT_EXCEEDED", "SOURCE_INVALID_RESPONSE"


def pouring(head: bytes, pieces: Iterable[bytes]) -> Step:
    """Piece by piece, so that the server holds none of it."""

    def write(handler: ScriptedHandler) -> None:
        handler.raw(OK, head, b"\r\n")
        for piece in pieces:
            handler.raw(piece)

    return write


def pouring_head(pieces: Iterable[bytes]) -> Step:
    return lambda handler: handler.raw(OK, *pieces)


class Repeated:
    """The same bytes many times, again for each request."""

    def __init__(self, piece: bytes, times: int, *, first: bytes = b"", last: bytes = b"") -> None:
        self._piece, self._times, self._first, self._last = piece, times, first, last

    def __len__(self) -> int:
        return len(self._first) + self._times * len(self._piece) + len(self._last)

    def __iter__(self) -> Iterator[bytes]:
        at_once = max(1, MB // len(self._piece))
        yield self._first
        for _ in range(self._times // at_once):
            yield self._piece * at_once
        yield self._piece * (self._times % at_once) + self._last


def whole(body: Repeated) -> Step:
    return pouring(b"Content-Length: %d\r\n" % len(body), body)


@cache
def blanks() -> bytes:
    """1 MB of blanks, packed so that it may stand anywhere in a stream."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH)


GIGABYTE = Repeated(blanks(), 1024, first=gzip.compress(b"")[:10])
GIGABYTE_IN_MEMBERS = Repeated(gzip.compress(b" " * MB), 1024)
EMPTY_MEMBERS = Repeated(gzip.compress(b""), 8_000_000)
PACKED = b"Content-Encoding: gzip\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"

START, END = b'{"value": [', b"]}"
FILLED = json.dumps(well(10, remark="x" * MB)).encode() + b","
LAST = json.dumps(well(11)).encode() + END
PRETTY = json.dumps(well(10, remark="x" * 1000), indent=1).replace("\n", "\r\n").encode() + b",\r\n"
# One key, so that a page of a hundred MB leaves one row; the others count as duplicates.
LARGE = Repeated(FILLED, 97, first=START, last=LAST)
LARGE_AND_PRETTY = Repeated(PRETTY, 90_000, first=b"\xef\xbb\xbf" + START, last=LAST)
LARGE_WITH_NAN = Repeated(FILLED, 97, first=START + b'{"a": NaN},', last=LAST)
MANY_ROWS = Repeated(b"{},", 30_000_000, first=START, last=LAST)
MANY_NUMBERS = Repeated(b"1,", 45_000_000, first=START, last=LAST)


def refused(step: Step, code: str = TOO_LARGE, *, says: str = "", retryable: bool = False) -> Case:
    """It comes as the second page; with the limits as they are when nobody sets any."""
    return Case(
        steps=[Answer(FIRST), Answer(FIRST), step],
        expect=Failed(code, page=2, retryable=retryable, says=says),
        settings={"source_retries": "0"},
        asked=4 if code == TOO_LARGE else 3,  # once more by $skip, with a bound
    )


def read(body: Repeated, rows: int) -> Case:
    return Case(
        steps=[Answer(FIRST), Answer(FIRST), whole(body)],
        expect=Completed(
            oil=TWO, duplicate=rows, warnings={"UNKNOWN_FIELDS": 1, "SAME_KEY_ON_TWO_PAGES": 2}
        ),
    )


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def failing_at_length(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 500 Oops\r\n\r\n")
    for _ in range(500):
        handler.raw(b" " * MB)


def cut_by_skip(handler: ScriptedHandler) -> object:
    """Five pages of sixty rows, 58 MB each, and nothing between them."""
    number, between = divmod(int(handler.asked.query.get("$skip", "0")), 60)
    if between or handler.asked.query.get("$top") == "0":
        return Answer(status=400)
    if number == 5:
        return Answer(page([]))
    last = LAST[:-1] + b',"@odata.count":300}'
    return whole(Repeated(FILLED, 58, first=START + b'{"page": %d},' % number, last=last))(handler)  # type: ignore[operator]


CASES = {
    # --- compressed
    "a gzip bomb of 1 GB": refused(pouring(PACKED, GIGABYTE), says="more than 100 MB"),
    "a gzip bomb of 1 GB in members": refused(pouring(PACKED, GIGABYTE_IN_MEMBERS)),
    "gzip members without content and end": refused(pouring(PACKED, EMPTY_MEMBERS)),
    "a gzip bomb as the first answer": Case(
        steps=[pouring(PACKED, GIGABYTE)],
        expect=Failed(TOO_LARGE),
        settings={"source_retries": "0"},
        asked=1,
    ),
    "a gzip bomb from the token endpoint": Case(
        steps=lambda stage: (
            stage.tokens.steps.__setitem__(0, pouring(PACKED, GIGABYTE)),
            script(FIRST),
        )[1],
        expect=Failed("TOKEN_UNAVAILABLE", retryable=True),
        settings={"source_retries": "0", "source_auth": "oauth2"},
    ),
    # --- plain
    "a page of 1 GB": refused(pouring(b"", Repeated(b" " * MB, 1024))),
    "chunks without end": refused(pouring(CHUNKED, Repeated(CHUNK, 16_000))),
    "headers without end": refused(pouring_head(Repeated(b"X: " + b"x" * 60_000 + b"\r\n", 1000))),
    "a header line without end": refused(
        pouring_head(Repeated(b"x" * 60_000, 1000, first=b"X: ")), INVALID, retryable=True
    ),
    "an error of 500 MB": refused(failing_at_length, "SOURCE_UNAVAILABLE", retryable=True),
    "a page of 100 MB": read(LARGE, 98),
    "a page of 100 MB with line breaks everywhere": read(LARGE_AND_PRETTY, 90_001),
    "a page of 100 MB with NaN in it": refused(
        whole(LARGE_WITH_NAN), INVALID, says="16 MB", retryable=True
    ),
    "several pages of 50 MB": Case(
        steps=[
            Answer(FIRST),
            Answer(FIRST),
            *(
                whole(
                    Repeated(
                        FILLED,
                        45,
                        first=START + b'{"page": %d},' % n,
                        last=LAST[:-1] + b',"@odata.nextLink":"?%d"}' % n,
                    )
                )
                for n in range(3)
            ),
            Answer(page([])),
        ],
        expect=Completed(
            oil=TWO,
            duplicate=138,
            failed=3,
            warnings={"UNKNOWN_FIELDS": 2, "SAME_KEY_ON_TWO_PAGES": 2},
        ),
    ),
    "several pages of 50 MB over four connections": Case(
        steps=[cut_by_skip],
        expect=Completed(
            oil=TWO,
            duplicate=293,
            failed=5,
            warnings={"UNKNOWN_FIELDS": 2, "SAME_KEY_ON_TWO_PAGES": 2},
        ),
        settings={"page_size": "60", "source_paging": "skip", "source_connections": "4"},
    ),
    # --- many and deep
    "30 million rows on a page": refused(
        whole(MANY_ROWS), INVALID, says="more than 500,000 rows", retryable=True
    ),
    "45 million numbers on a page": refused(
        whole(MANY_NUMBERS), INVALID, says="rows", retryable=True
    ),
    "a million levels": refused(
        Answer(START + nested(1_000_000).encode() + END), INVALID, retryable=True
    ),
    "a million levels in a field": refused(
        Answer(text_of(f'{{"field_code": {nested(1_000_000)}}}')), INVALID, retryable=True
    ),
    "a million levels of objects": refused(
        Answer(START + b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000 + END),
        INVALID,
        retryable=True,
    ),
    "a row of 5 MB": Case(
        steps=script(page([well(12, well_name="x" * 5 * MB), *wells(10, 11)], odata_count=3)),
        expect=Completed(oil=TWO, failed=1),
    ),
    "a first row of 90 MB": Case(
        steps=script(
            whole(Repeated(b"x" * MB, 90, first=START + b'{"a": "', last=b'"}' + END)),
            Answer(page([])),
        ),
        expect=Failed("SOURCE_COLUMNS_MISSING", page=None),
    ),
    "a row of 20,000 fields": Case(
        steps=script(
            page([{f"f{n}": n for n in range(20_000)} | well(10), well(11)], odata_count=2)
        ),
        expect=Completed(oil=TWO, warnings={"UNKNOWN_FIELDS": 20_000}),
    ),
    "a field whose name has 3 MB": Case(
        steps=script(page([{"x" * 3 * MB: 1} | well(10), well(11)], odata_count=2)),
        expect=Completed(oil=TWO, warnings={"UNKNOWN_FIELDS": 1}),
    ),
    "a link of 1 MB": refused(
        Answer(page(wells(12, 13), odata_nextLink="?" + "x" * MB)),
        INVALID,
        says="16,384 bytes",
        retryable=True,
    ),
    "a link of 6,000 characters of three bytes": refused(
        Answer(page(wells(12, 13), odata_nextLink="?" + "\u3042" * 6_000)),
        INVALID,
        says="16,384 bytes",
        retryable=True,
    ),
    "a link of 15 kB to another host": refused(
        Answer(page([], odata_nextLink="http://127.0.0.1:1/" + "x" * 15_000)), "SOURCE_REDIRECTED"
    ),
    "a count of 5,000 digits": Case(
        steps=script(
            text_of(json.dumps(well(10)), tail=f', "@odata.count": "{"9" * 5_000}"'), page([])
        ),
        expect=Completed(oil={10: 10.0}),
    ),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_contract_holds(stage: Stage, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    stage.check(case, caplog)
