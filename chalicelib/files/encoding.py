"""Encoding: the text of a file as UTF-8. What is UTF-8 already stays as it lies;
anything else is decoded block by block into a file of its own.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import FileFormatUnknown, FileUnreadable
from chalicelib.warehouse.disk import BLOCK, disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# UTF-32 first: its mark (FF FE 00 00) begins with that of UTF-16 (FF FE).
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
BYTE_ORDER_MARK = "\ufeff"
BEGINNING = 4096  # bytes, enough to tell a text of two bytes a character
# What a text is in that is not UTF-8, and has not said so: what Windows writes, a superset of
# Latin-1.
OTHER = "cp1252"
REPLACED = "\ufffd"
_VALID = re.compile("[^\x00-\x7f\ufffd]")  # what was read out of two bytes or more


@dataclass(frozen=True)
class Text:
    """Of a file from the byte `start` on. What `as_utf8` gives is UTF-8, with line feeds at the ends
    of lines, perhaps after a carriage return.
    """

    path: Path
    start: int = 0


def as_utf8(path: Path, declared: str, *, target: Path, file: str) -> Text:
    """The file itself, or `target` where it had to be written anew.
    Raises FileUnreadable, FileFormatUnknown.
    """
    with path.open("rb") as opened:
        beginning = opened.read(BEGINNING)

    encoding = _name_of(declared, file) or _by_mark(beginning) or _of_two_bytes(beginning)
    is_guessed = not encoding
    encoding = encoding or _by_content(path, file)
    # Whatever comes behind it: some programs write it before text of another encoding.
    start = len(codecs.BOM_UTF8) if beginning.startswith(codecs.BOM_UTF8) else 0
    if encoding == "utf-8" and not _has_old_ends(path):
        return Text(path, start)

    with disk_errors():
        _write_anew(Text(path, start), encoding, target, file, is_guessed=is_guessed)
    return Text(target)


def _name_of(declared: str, file: str) -> str:
    if not declared:
        return ""
    try:
        name = codecs.lookup(declared).name
        "".encode(name)  # raises LookupError for what is no encoding of text
    except LookupError:
        raise FileFormatUnknown(
            f'The encoding "{declared[:40]}" of {file} is none that is known. Write utf-8, utf-16, cp1252 or another '
            "of Python's.",
            file=file,
        ) from None
    return {"utf-8-sig": "utf-8", "ascii": "utf-8"}.get(name, name)


def _by_mark(beginning: bytes) -> str:
    for mark, name in MARKS:
        if beginning.startswith(mark):
            return name
    return ""


def _of_two_bytes(beginning: bytes) -> str:
    """Text of UTF-16 without a mark: nearly every other byte is zero."""
    half = len(beginning) // 2
    for name, zeros in (("utf-16-le", beginning[1::2]), ("utf-16-be", beginning[::2])):
        if half and zeros.count(0) > 0.7 * half:
            return name
    return ""


def _by_content(path: Path, file: str) -> str:
    """UTF-8 when all of the file is, else the other.
    Raises FileUnreadable: some lines are UTF-8, and some are not.
    """
    broken_line = 0  # the first one that is no UTF-8
    has_valid = False
    for first_line, lines in _blocks_of_lines(path):
        if lines.isascii():
            continue

        text = lines.decode("utf-8", "replace")
        has_valid = has_valid or _VALID.search(text) is not None
        # The sign of what was replaced may stand in the file itself.
        if not broken_line and REPLACED in text:
            bad_byte = _first_bad_byte(lines)
            if bad_byte is not None:
                broken_line = first_line + lines.count(b"\n", 0, bad_byte)

        if broken_line and has_valid:
            raise mixed_encodings(file, broken_line)
    return OTHER if broken_line else "utf-8"


def mixed_encodings(file: str, line: int) -> FileUnreadable:
    return FileUnreadable(
        f"Line {line:,} of {file} is not UTF-8, and other lines are: the file was put together from several. Ask for "
        'it in one encoding, or say in the definition which one to read it by: encoding = "cp1252".',
        file=file,
        line=line,
    )


def _first_bad_byte(lines: bytes) -> int | None:
    try:
        lines.decode("utf-8")
    except UnicodeDecodeError as exc:
        return exc.start
    return None


def _blocks_of_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines, but for lines that are longer than a block;
    each with the number of its first line, from 1.
    """
    number = 1
    rest = b""
    with path.open("rb") as opened:
        while block := opened.read(BLOCK):
            block = rest + block
            end = block.rfind(b"\n") + 1 or _end_of_character(block)
            lines = block[:end]
            rest = block[end:]
            yield number, lines
            number += lines.count(b"\n")
    if rest:
        yield number, rest


def _end_of_character(block: bytes) -> int:
    """Where a block may be cut that has no line feed:
    before a character of UTF-8 that may not be whole.
    """
    end = len(block)
    # The bytes behind the first one of a character are 10xxxxxx, and three at most.
    while end > len(block) - 4 and end > 1 and block[end - 1] & 0xC0 == 0x80:  # noqa: PLR2004
        end -= 1
    is_first_of_several = block[end - 1] >= 0xC0  # noqa: PLR2004
    if is_first_of_several and end > 1:
        return end - 1
    return len(block)


def _has_old_ends(path: Path) -> bool:
    """Whether carriage returns alone end the lines, as in files of an old Macintosh."""
    with path.open("rb") as opened:
        beginning = opened.read(BLOCK)
    # The block may have cut a \r\n in two, so its last byte says nothing.
    return b"\r" in beginning[:-1] and b"\n" not in beginning


def _write_anew(source: Text, encoding: str, target: Path, file: str, *, is_guessed: bool) -> None:
    line = 1
    decoder = codecs.getincrementaldecoder(encoding)()
    with source.path.open("rb") as opened, target.open("wb") as written:
        opened.seek(source.start)
        block = opened.read(BLOCK)
        ends = None
        # Once for an empty file too. And once more where bytes are left behind the last block: with
        # `final` the decoder takes these for the error that they are.
        while block or ends is None or decoder.getstate()[0]:
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as exc:
                broken = line + _lines_before(exc)
                raise _not_of(encoding, file, broken, is_guessed=is_guessed) from None

            if ends is None:
                ends = _line_end(text)
                text = text.removeprefix(BYTE_ORDER_MARK)
            text = text.replace(ends, "\n")
            line += text.count("\n")
            written.write(text.encode(errors="replace"))
            block = opened.read(BLOCK)


def _line_end(text: str) -> str:
    is_old = "\r" in text[:-1] and "\n" not in text
    return "\r" if is_old else "\n"


def _lines_before(exc: UnicodeError) -> int:
    if not isinstance(exc, UnicodeDecodeError):
        return 0
    return exc.object.count(b"\n", 0, exc.start)


def _not_of(encoding: str, file: str, line: int, *, is_guessed: bool) -> FileUnreadable:
    lack = "neither UTF-8 nor" if is_guessed else "not of the encoding"
    return FileUnreadable(
        f'Line {line:,} of {file} is {lack} {encoding}. Say in the definition how it is written, such as encoding = "'
        'cp850", or ask for it in UTF-8.',
        file=file,
        line=line,
    )
