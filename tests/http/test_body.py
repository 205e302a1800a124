"""The memory of a body, which must not grow with the number of pages."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING

import pytest
from support.resident import resident_mb
from support.scripted_source import Answer, ScriptedSource

from chalicelib.http.body import read_body
from chalicelib.http.session import BoundedSession
from chalicelib.imports.heap import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.scripted_source import ScriptedHandler, Step

MARK = b"\xef\xbb\xbf"
SMALLEST, LARGEST = 2_000_000, 2_080_000  # pages of about one length


def plain(body: bytes) -> Step:
    return Answer(body)


def packed(body: bytes) -> Step:
    return Answer(gzip.compress(body, compresslevel=1), headers={"Content-Encoding": "gzip"})


def unannounced(body: bytes) -> Step:
    def send(handler: ScriptedHandler) -> None:
        handler.raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body)

    return send


FORMS = pytest.mark.parametrize("form", [plain, packed, unannounced])


def read(step: Step, *, most: int = 1 << 22) -> bytearray:
    with ScriptedSource(step) as source, BoundedSession() as session:
        session.allowance.grant(seconds=30.0, body_bytes=most)
        with session.ask("GET", source.url) as response:
            return read_body(response, session.allowance, most=most)


@FORMS
def test_pages_of_about_one_length_take_the_same_room(form: Callable[[bytes], Step]) -> None:
    texts = [b"7" * length for length in range(SMALLEST, LARGEST, 9_973)]

    bodies = [read(form(text)) for text in texts]

    assert bodies == texts
    assert len({sys.getsizeof(body) for body in bodies}) == 1


@FORMS
@pytest.mark.parametrize("length", [0, 1, 100, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_room_is_an_eighth_larger_at_most(form: Callable[[bytes], Step], length: int) -> None:
    text = b"7" * length

    body = read(form(text))

    assert body == text
    assert sys.getsizeof(body) - sys.getsizeof(bytearray()) <= length * 9 / 8 + 1


@FORMS
def test_a_byte_order_mark_is_no_part_of_it(form: Callable[[bytes], Step]) -> None:
    assert read(form(MARK + b"[1,\n2]")) == b"[1, 2]"


@pytest.mark.parametrize("megabytes", [15, 17, 31, 34, 60])
def test_so_is_the_room_of_a_large_body_of_unknown_length(megabytes: int) -> None:
    text = b"7" * (megabytes << 20)

    body = read(unannounced(text), most=1 << 26)

    assert body == text
    assert sys.getsizeof(body) - sys.getsizeof(bytearray()) <= len(text) * 9 / 8 + 8


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no resident memory so")
def test_a_large_body_of_unknown_length_leaves_no_holes() -> None:
    """Whatever the process has done before: once a block of 31 MB was given back, glibc takes
    blocks of that size from the heap.
    """
    block = bytearray(31 << 20)
    del block
    text = b"7" * (60 << 20)
    give_back_memory()
    before = resident_mb()

    body = read(unannounced(text), most=1 << 26)

    assert resident_mb() - before <= 90
    assert body == text
