"""Kind: what a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.errors import FileFormatUnknown

if TYPE_CHECKING:
    from pathlib import Path

GZIP, ZIP, OLE, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1"
ZIPS = (ZIP, b"PK\x05\x06")  # the second one has no member
BEGINNING = 4096  # bytes
NOT_READ = {
    GZIP: "a gzip in a gzip",
    b"%PDF": "a PDF",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"PARE": "a Parquet file that is encrypted",
}
_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(!doctype html|html|head|body|table|div|script|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<(\?xml|[a-z][\w:.-]*[\s>])", re.IGNORECASE)


def beginning_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING)


def is_packed_by_name(name: str) -> bool:
    """So that a large one need not be fetched to know it."""
    match = re.search(r"\.(gz|zip|xlsx?)$", name, re.IGNORECASE)
    return match is not None


def kind_of(path: Path, file: str, declared: str) -> str:
    """One of FORMATS. Raises FileFormatUnknown, which says what the file looks like."""
    beginning = beginning_of(path)
    if beginning.startswith(PARQUET):
        return "parquet"
    if beginning.startswith(ZIP):
        return "xlsx"
    if beginning.startswith(OLE):
        return "xls"
    # A zero is half a letter of UTF-16.
    text = beginning.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    _refuse(text, beginning, file, declared)
    if declared in ("csv", "json", "ndjson"):
        return declared
    return _kind_of_text(text.lstrip(b"\xff\xfe").lstrip(), file)


def _kind_of_text(text: bytes, file: str) -> str:
    if text.startswith(b"{"):
        return "ndjson" if _is_of_lines(text, file) else "json"
    # An array of objects or of lists. A header may begin with a bracket too: [Well],[Oil].
    return "json" if re.match(rb"\[\s*([{\[\]]|$)", text) else "csv"


def _is_of_lines(text: bytes, file: str) -> bool:
    """An object that ends on its line, or a name that says so."""
    if re.search(r"\.(ndjson|jsonl)(\.gz)?$", file, re.IGNORECASE):
        return True
    return re.match(rb"\{[^\n]*\}\s*\n\s*(\{|$)", text) is not None


def _refuse(text: bytes, beginning: bytes, file: str, declared: str) -> None:
    """Raises FileFormatUnknown."""
    marks = [mark for mark in NOT_READ if beginning.startswith(mark)]
    known = NOT_READ[marks[0]] if marks else ""
    if not known and _PAGE.match(text):
        known = (
            "a web page, whatever its name says. Open it: often it holds a sentence of the server"
        )
    if not known and _XML.match(text):
        known = "XML"
    if not known and declared in ("xlsx", "xls", "parquet") and text:
        known = f"text, and no {declared} file"
    if known:
        raise FileFormatUnknown(
            f"{file} is {known}. What is read is CSV, Excel, Parquet and JSON, plain, as gzip or in a zip.",
            file=file,
        )
