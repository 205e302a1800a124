"""The body of an HTTP answer as UTF-8 bytes: unpacked while it arrives, counted, and refused when
it is neither UTF-8 nor plain nor gzip nor deflate.

It comes without a byte order mark and on one line. In JSON and XML a line break between tokens is
as good as a blank, and JSON has none within them. Done piece by piece, because a second copy of a
page is memory that nobody has.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import IO, TYPE_CHECKING, TypeVar

from urllib3.exceptions import IncompleteRead

from .allowance import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests

    from .allowance import Allowance

CHUNK_BYTES = 1 << 18
PIECE_BYTES = 1 << 16  # of a page that is gone through: such need no fresh memory from the system
JOINED_BYTES = 16 << 20  # of pieces that wait in a list; a body below that is joined once
# Such a block the C library takes from the system by itself: it grows where it is and goes back whole.
# One that grows below that, 32 MB in glibc, may leave a hole at each step.
LARGE_BYTES = 33 << 20
ROOM_BITS = 4  # of a length, that tell its room, which is larger by an eighth at most
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_MEMBERS = 10_000  # of a gzip stream: programs that write many make one of each 64 KB
GZIP = 16 + zlib.MAX_WBITS  # zlib's number for a gzip header and trailer
_UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff")
# Such as iso-8859-1, windows-1252, cp1252 and latin-1.
_BELOW_128_AS_ASCII = re.compile(
    r"us-ascii|ascii|(iso[-_]?8859[-_]|windows-125|cp-?125|latin-?)\d+"
)

T = TypeVar("T", bytes, bytearray)


class Unreadable(Exception):
    """A compression or a character set that is not read; says which."""


class Broken(Exception):
    """The compressed body is damaged or ends early."""


def read_body(response: requests.Response, allowance: Allowance, *, most: int) -> bytearray:
    """Of `most` bytes at most. Raises TooSlow, TooLarge, Unreadable, Broken, urllib3's HTTPError.

    `read1` returns with what is there; `read` would wait for a full chunk, however long that takes.
    """
    gzip = _unpacking(response.headers.get("Content-Encoding", ""), allowance)
    length: int | None = response.raw.length_remaining
    if gzip or length is None:
        content = _read_pieces(response, gzip, most)
    else:
        content = _read_at_once(response, allowance, length, most)
    _refuse_mojibake(response.headers.get("Content-Type", ""), content)
    return content


def save_body(response: requests.Response, file: IO[bytes], *, most: int) -> str:
    """Its bytes as they were sent, a compression of the transfer included, and their SHA-256.
    Raises TooSlow, TooLarge, urllib3's HTTPError, OSError.
    """
    size = 0
    digest = hashlib.sha256()
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
        size += len(chunk)
        if size > most:
            raise TooLarge
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


def _read_at_once(
    response: requests.Response, allowance: Allowance, length: int, most: int
) -> bytearray:
    """What tells its length goes from the socket to its place:
    to join pieces takes as long as to receive them.
    """
    if length > most:
        raise TooLarge
    body = _in_usual_room(length)
    received = allowance.fill(body)
    response.raw.read1()  # its end, which gives the connection back
    if received < length:
        raise IncompleteRead(received, length - received)
    _put_on_one_line(body)
    return _without_mark(body)


def _in_usual_room(length: int) -> bytearray:
    """So many bytes, in the memory of a few more: pages of about one length take the same room,
    and each goes where an earlier one was. In rooms to measure a page that is a little longer than
    those before it fits into none of the holes that they left, and after 1,000 pages of 5 MB the
    holes are 70 MB.
    """
    step = 1 << max(0, length.bit_length() - ROOM_BITS)
    body = bytearray(-(-length // step) * step)
    del body[length:]  # the room stays
    return body


def _without_mark(body: bytearray) -> bytearray:
    if body.startswith(BYTE_ORDER_MARK):
        del body[: len(BYTE_ORDER_MARK)]
    return body


def _put_on_one_line(body: bytearray) -> None:
    if b"\n" not in body and b"\r" not in body:
        return
    # A break becomes one blank, so each piece keeps its length and its place.
    for start in range(0, len(body), PIECE_BYTES):
        piece = slice(start, start + PIECE_BYTES)
        body[piece] = _on_one_line(body[piece])


def _on_one_line(piece: T) -> T:
    """A break now and then is found faster than each byte is looked up."""
    for line_break in (b"\n", b"\r"):
        if line_break in piece:
            piece = piece.replace(line_break, b" ")
    return piece


def _read_pieces(response: requests.Response, gzip: _Gzip | None, most: int) -> bytearray:
    body = _Body(most)
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
        pieces: Iterable[bytes] = gzip.pieces(chunk) if gzip else (chunk,)
        for piece in pieces:
            body.append(piece)
    if gzip:
        gzip.end()
    return body.whole()


def _unpacking(encoding: str, allowance: Allowance) -> _Gzip | None:
    """Nothing but gzip is asked for, and some send deflate all the same."""
    parts = [part.strip().lower() for part in encoding.split(",")]
    names = [part for part in parts if part not in ("", "identity")]
    if names and names not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise Unreadable(f"it is compressed as {_quoted_name(encoding)}")
    if names == ["deflate"]:
        return _Deflate(allowance)
    return _Gzip(allowance) if names else None


class _Body:
    """Joined from its pieces. A large one goes to a room that grows in place, because joining
    takes its memory twice; for a small one that would cost more time than all the rest of reading.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._pieces: list[bytes] = []
        self._waiting = 0  # bytes of them
        self._room: bytearray | None = None

    def append(self, piece: bytes) -> None:
        self._pieces.append(_on_one_line(piece))
        self._size += len(piece)
        self._waiting += len(piece)
        if self._size > self._most:
            raise TooLarge
        if self._waiting > JOINED_BYTES:
            self._join(self._room or bytearray(LARGE_BYTES))

    def whole(self) -> bytearray:
        room = self._join(self._room or _in_usual_room(self._size))
        if len(room) > self._size:
            rest = memoryview(room)[: self._size]
            room = _in_usual_room(self._size)
            room[:] = rest
        return _without_mark(room)

    def _join(self, room: bytearray) -> bytearray:
        place = self._size - self._waiting
        for piece in self._pieces:
            past = place + len(piece)
            room[place:past] = piece  # past its end, the room grows
            place = past
        self._pieces.clear()
        self._waiting = 0
        self._room = room
        return room


class _Gzip:
    """A gzip stream, member by member and in bounded pieces. Time is looked at for each of them. A
    member may be empty, so that their number is bounded too: a hundred MB of those would be a
    minute of work.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._member = zlib.decompressobj(GZIP)
        self._members = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            self._allowance.seconds()
            if self._member.eof:
                self._begin_member()
            try:
                yield self._member.decompress(data, CHUNK_BYTES)
            except zlib.error as exc:
                raise Broken("its gzip is damaged") from exc
            # Either CHUNK_BYTES were full and the member goes on, or it has ended before these.
            data = self._member.unconsumed_tail or self._member.unused_data

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise TooLarge
        self._member = zlib.decompressobj(GZIP)

    def end(self) -> None:
        if not self._member.eof:
            raise Broken("its gzip ends early")


class _Deflate(_Gzip):
    """One stream, in zlib's wrapping as RFC 9110 has it (8.4.1.2),
    or bare as some servers send it.
    """

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(allowance)
        self._is_begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if data and not self._is_begun:
            # The low four bits are 8 in zlib's wrapping. A bare stream that begins so is a stored
            # block with a bit set in its padding, which nobody writes.
            method = data[0] & 0x0F
            window = data[0] >> 4
            is_wrapped = method == zlib.DEFLATED and window <= 7  # noqa: PLR2004  RFC 1950, section 2.2
            window_bits = zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS
            self._member = zlib.decompressobj(window_bits)
            self._is_begun = True
        yield from super().pieces(data)

    def _begin_member(self) -> None:
        raise Broken("something follows its end")


def _refuse_mojibake(content_type: str, body: bytearray) -> None:
    """JSON begins with two characters of ASCII, so a zero byte among the first four tells UTF-16
    and UTF-32. Another character set does no harm while all of the text is ASCII.
    """
    declared = re.search(r"charset\s*=\s*[\"']?([^\s;\"',]+)", content_type, re.IGNORECASE)
    charset = declared[1].lower() if declared else "utf-8"
    if body.startswith(_UTF_16_OR_32) or b"\0" in body[:4]:
        raise Unreadable("it is written in UTF-16 or UTF-32")
    if charset in ("utf-8", "utf8"):
        return
    if _BELOW_128_AS_ASCII.fullmatch(charset) and body.isascii():
        return
    raise Unreadable(f"it is written in {_quoted_name(charset)}")


def _quoted_name(name: str) -> str:
    plain = re.sub(r"[^\w.,+ -]", "", name, flags=re.ASCII)
    return repr(plain[:40])
