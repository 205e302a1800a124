"""Unpacking: what is in a gzip or a zip, written to local disk under names of our own and counted
on its way.

A member's own name is text for people and for the pattern of the definition, never a path.
"""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING, cast

from chalicelib.errors import FileFormatUnknown, FilesNotFound, FileTooLarge, FileUnreadable
from chalicelib.warehouse.disk import BLOCK, disk_errors

from .kind import ZIPS, beginning_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .limits import Limits

TABLES = re.compile(
    r"\.(csv|tsv|tab|txt|dat|psv|asc|json|ndjson|jsonl|geojson|xlsx|xls|parquet)(\.gz)?$",
    re.IGNORECASE,
)
# What a Mac adds, and hidden files (./ and ../ hide nothing).
HIDDEN = re.compile(r"(^|/)(__MACOSX/|\.(?!\.?/))", re.IGNORECASE)
# Read-me files and licences. LICENSE, licence_terms.txt and license-odbl.txt are such; licences.txt
# and licence_production.txt are tables of those of a country.
_OF_TEXT = r"\.(txt|md|rst|rtf|pdf|html?|xml|xsd|docx?|odt)(\.gz)?"
DOCUMENTS = re.compile(
    rf"""(^|/)
    ( read[ _-]?me ([^/.]* | [^/]* {_OF_TEXT})
    | licen[cs]e
      ( [ _-]* (agreement|terms|conditions|notice|info(rmation)?|text|file|of|and|use
               |nlod|odbl|ogl|cc|by|sa|mit|apache|v?\d\.\d) )*
      ({_OF_TEXT})?
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
# Archives and workbooks, where they are no TABLES.
UNREAD = re.compile(r"\.(zip|7z|rar|tar|tgz|gz|bz2|xz|zst|xlsm|xlsb|xltx|ods)$", re.IGNORECASE)
WORKBOOKS = {"xl/workbook.xml", "xl/workbook.bin"}
ENCRYPTED = 0x1
END = struct.Struct("<4s4H2LH")  # of central directory: APPNOTE.TXT, section 4.3.16
END_64 = struct.Struct("<4sQ2H2L4Q")  # section 4.3.14
SIZE_IN_64 = 0xFFFFFFFF
SHOWN = 5  # names in a message
LONGEST_NAME = 200  # characters of it that are shown

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError)


@dataclass(frozen=True)
class Member:
    """Of an archive; or the file itself, which has no `entry`."""

    name: str
    entry: zipfile.ZipInfo | None = None


def unpack_gzip(path: Path, target: Path, *, file: str, limits: Limits) -> None:
    """Raises FileUnreadable: damaged or cut off; FileTooLarge, ScratchFull."""
    with _damage_as_ours(file), gzip.open(path) as archive:
        source = cast("IO[bytes]", archive)
        _copy(source, target, file=file, packed=path.stat().st_size, limits=limits)


def is_archive(path: Path, *, file: str, limits: Limits) -> bool:
    """A zip that is no workbook of Excel. Raises FileUnreadable, FileTooLarge."""
    if not beginning_of(path).startswith(ZIPS):
        return False
    _check_directory(path, file, limits)
    with _damage_as_ours(file), zipfile.ZipFile(path) as archive:
        return not WORKBOOKS.intersection(archive.namelist())


def members_of(path: Path, *, file: str, pattern: str, limits: Limits) -> list[Member]:
    """Those that the pattern names, else those that look like tables;
    in the archive's order of names. Raises FileUnreadable, FileTooLarge, FilesNotFound,
    FileFormatUnknown: beside these there is one that may hold rows and is not read.
    """
    with _damage_as_ours(file), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    entries.sort(key=lambda entry: entry.filename)

    if len(entries) > limits.members:
        raise FileTooLarge(
            f"{file} has {len(entries):,} members; {limits.members:,} are read at most.", file=file
        )

    is_single = len(entries) == 1
    chosen = [entry for entry in entries if _is_chosen(entry.filename, pattern, alone=is_single)]
    if not chosen:
        raise _no_member(file, pattern, entries)
    if not pattern and not is_single:
        _check_unread(file, entries)
    _check_sizes(path, file, chosen, limits)
    return [Member(f"{file}/{_safe_name(entry.filename)}", entry) for entry in chosen]


def unpack_member(path: Path, member: Member, target: Path, *, limits: Limits) -> None:
    """Raises FileUnreadable: damaged, with a password, packed in another way;
    FileTooLarge, ScratchFull.
    """
    entry = member.entry
    if entry is None:
        raise ValueError("the file itself is no member")
    if entry.flag_bits & ENCRYPTED:
        raise FileUnreadable(
            f"{member.name} has a password. Ask for it without one.", file=member.name
        )

    with _damage_as_ours(member.name), zipfile.ZipFile(path) as archive:
        try:
            source = archive.open(entry)
        except (NotImplementedError, RuntimeError) as exc:
            raise FileUnreadable(
                f"{member.name} is packed in a way that is not read ({exc}). Ask for it as an ordinary zip.",
                file=member.name,
            ) from None
        with source:
            _copy(source, target, file=member.name, packed=entry.compress_size, limits=limits)


def _copy(source: IO[bytes], target: Path, *, file: str, packed: int, limits: Limits) -> None:
    most = _most_bytes(packed, limits)
    size = 0
    with disk_errors(), target.open("wb") as written:
        while block := source.read(BLOCK):
            size += len(block)
            if size > most:
                raise _bomb(file, most, packed)
            written.write(block)


def _most_bytes(packed: int, limits: Limits) -> int:
    """That so many may unpack to. What is small may unpack to any ratio."""
    by_ratio = packed * limits.ratio
    return min(limits.unpacked, max(limits.free, by_ratio))


def _bomb(file: str, most: int, packed: int) -> FileTooLarge:
    return FileTooLarge(
        f"{file} unpacks to more than {most >> 20:,} MB from {packed / (1 << 20):,.1f} MB, which no table does that is "
        "meant to be read. Ask for it unpacked, or in parts.",
        file=file,
    )


@contextmanager
def _damage_as_ours(file: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as exc:
        problem = " ".join(str(exc).split())[:LONGEST_NAME]
        raise FileUnreadable(
            f"{file} is damaged or ends early, and cannot be unpacked: {problem}. Ask for a new copy.",
            file=file,
        ) from exc


def _is_chosen(name: str, pattern: str, *, alone: bool) -> bool:
    if pattern:
        pattern = pattern.casefold()
        path = name.casefold()
        _, _, last_name = path.rpartition("/")
        return fnmatchcase(path, pattern) or fnmatchcase(last_name, pattern)
    if _is_beside(name):
        return False
    return alone or TABLES.search(name) is not None


def _check_unread(file: str, entries: list[zipfile.ZipInfo]) -> None:
    """Raises FileFormatUnknown: what is left out by its ending may hold as many rows as the rest."""
    for entry in entries:
        name = entry.filename
        if UNREAD.search(name) and not TABLES.search(name) and not _is_beside(name):
            member = f"{file}/{_safe_name(name)}"
            raise FileFormatUnknown(
                f"{member} is an archive or a workbook that is not read, next to members that are. Ask for it unpacked "
                'or as CSV, or say in the definition which members to read, such as members = "*.csv".',
                file=member,
            )


def _is_beside(name: str) -> bool:
    return HIDDEN.search(name) is not None or DOCUMENTS.search(name) is not None


def _no_member(file: str, pattern: str, entries: list[zipfile.ZipInfo]) -> FilesNotFound:
    first_names = [_safe_name(entry.filename) for entry in entries[:SHOWN]]
    names = ", ".join(first_names) or "nothing"
    lack = "no member that looks like a table"
    if pattern:
        lack = f'no member named "{_safe_name(pattern)}"'
    return FilesNotFound(
        f"{file} has {lack}. In it are {names}. Say in the definition which ones to read: members.",
        file=file,
    )


def _check_sizes(path: Path, file: str, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Before anything is unpacked, by what the archive says of itself;
    whoever lies is stopped on the way.
    """
    packed = path.stat().st_size
    most = _most_bytes(packed, limits)
    if sum(entry.file_size for entry in entries) > most:
        raise _bomb(file, most, packed)


def _check_directory(path: Path, file: str, limits: Limits) -> None:
    """Python reads the list of the members into memory, as long as the archive says that it is."""
    tail = _tail_of(path)
    place = tail.rfind(b"PK\x05\x06")  # the signature of the record of the end
    if place < 0 or len(tail) - place < END.size:
        raise FileUnreadable(
            f"{file} ends early: the list of its members is not there. Ask for a new copy.",
            file=file,
        )

    size = _directory_size(tail, place)
    if size > limits.directory:
        raise FileTooLarge(
            f"{file} has a list of {size >> 20:,} MB of members. Ask for it in parts.", file=file
        )


def _tail_of(path: Path) -> bytes:
    """What has room for both records of the end, and for a comment of 64 KB behind them."""
    most = END_64.size + END.size + (1 << 16)
    with path.open("rb") as opened:
        opened.seek(max(0, path.stat().st_size - most))
        return opened.read()


def _directory_size(tail: bytes, place: int) -> int:
    """By the record of the end that begins at `place`, and the one of ZIP64 before it,
    whose size stands in the place of 0xFFFFFFFF in the former.
    """
    size = int(END.unpack_from(tail, place)[5])
    place_64 = tail.rfind(b"PK\x06\x06", 0, place)
    if place_64 < 0 or len(tail) - place_64 < END_64.size:
        return size

    size_64 = int(END_64.unpack_from(tail, place_64)[8])
    if size == SIZE_IN_64:
        return size_64
    return max(size, size_64)


def _safe_name(name: str) -> str:
    """Without control characters:
    it is text of somebody else that goes into messages and into `_file`.
    """
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", name)
    return text[:LONGEST_NAME]
