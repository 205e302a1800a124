"""Where the body of a request ends: RFC 9112, section 6.
What could be read in two ways is refused, never guessed.
"""

import re
from email.message import Message
from io import BufferedIOBase

MOST_BYTES = 5 * 1024**3  # S3 takes as much in one request
PIECE_BYTES = 1024 * 1024
MOST_TRAILERS = 100
BLANKS = " \t"  # around a value; RFC 9110, section 5.6.3


class MalformedRequestError(Exception):
    """The request's body cannot be told from the next request."""


class BodyTooLargeError(Exception):
    """The body is beyond the limit; what is left of it is unread."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request must be smaller than {limit} bytes.")


def has_body(headers: Message) -> bool:
    """Raises MalformedRequestError when two readers could disagree on where it ends."""
    if headers.defects:
        raise MalformedRequestError("A line among the headers is none.")
    lengths = headers.get_all("Content-Length", [])
    codings = headers.get_all("Transfer-Encoding", [])
    if codings and lengths:
        raise MalformedRequestError("The request has both Content-Length and Transfer-Encoding.")
    if codings and [coding.strip(BLANKS).lower() for coding in codings] != ["chunked"]:
        raise MalformedRequestError("The only Transfer-Encoding is chunked.")
    return bool(codings) or _length(lengths) > 0


def read_body(headers: Message, stream: BufferedIOBase, *, limit: int = MOST_BYTES) -> bytes:
    """Raises MalformedRequestError, BodyTooLargeError."""
    if not has_body(headers):
        return b""
    try:
        if "Transfer-Encoding" in headers:
            return _read_chunks(stream, limit)
        length = _length(headers.get_all("Content-Length", []))
        if length > limit:
            raise BodyTooLargeError(limit)
        return _read_exactly(stream, length)
    except TimeoutError as exc:
        raise MalformedRequestError("The body did not come in time.") from exc


def _length(values: list[str]) -> int:
    if not values:
        return 0
    text = values[0].strip(BLANKS)
    if len(values) > 1 or not re.fullmatch("[0-9]+", text):
        raise MalformedRequestError("Content-Length is not a number.")
    return int(
        text.lstrip("0")[:18] or "0"
    )  # Python reads no number of 5,000 digits, and none is so large


def _read_exactly(stream: BufferedIOBase, length: int) -> bytes:
    """Piece by piece: memory is taken for what has come, not for what was announced."""
    body = bytearray()
    while len(body) < length:
        piece = stream.read(min(length - len(body), PIECE_BYTES))
        if not piece:
            raise MalformedRequestError("The body ended early.")
        body += piece
    return bytes(body)


def _read_chunks(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream):
        if len(body) + size > limit:
            raise BodyTooLargeError(limit)
        body += _read_exactly(stream, size)
        if stream.readline(3) != b"\r\n":
            raise MalformedRequestError("A chunk of the body is longer than its size.")
    for _ in range(MOST_TRAILERS):
        if not stream.readline(65536).strip():
            return bytes(body)
    raise MalformedRequestError("The body has too many trailers.")


def _chunk_size(stream: BufferedIOBase) -> int:
    line = stream.readline(80)
    size = line.split(b";")[0].strip()
    if not line.endswith(b"\n") or not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
        raise MalformedRequestError("A chunk of the body has no size.")
    return int(size, 16)
