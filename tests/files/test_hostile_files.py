"""Files that were made to hurt, or by accident:
each ends in a sentence that names the file, and its row where there is one, in bounded memory.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.files import adapter_of, pages, read, read_file, refused

from chalicelib.errors import (
    FileChanged,
    FileError,
    FileFormatUnknown,
    FilesNotFound,
    FileTooLarge,
    FileUnreadable,
)
from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.limits import Limits
from chalicelib.files.local_place import LocalPlace

CSV = b"well,oil\nA-1,1\nA-2,2\n"
MB = 1 << 20


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def peak_of_refusal(error: type[FileError], path: Path, **options: Any) -> tuple[Any, int]:
    """The error, and the bytes that Python took at most on the way to it."""
    tracemalloc.start()
    try:
        told = refused(error, path, **options)
        return told, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["wells.csv", "wells.xls", "wells.xlsx", "wells.parquet", "wells.json", "wells.zip"]
)
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert (
        refused(FileUnreadable, written(tmp_path / name, b"")).message
        == f"{name} is empty. Ask for a new copy."
    )


@pytest.mark.parametrize("content", [b"\n\n \n", b"\xef\xbb\xbf\r\n", gzip.compress(b" ", mtime=0)])
def test_a_file_of_blanks_is_empty(tmp_path: Path, content: bytes) -> None:
    error = refused(FileUnreadable, written(tmp_path / "wells.csv", content))

    assert error.message == "wells.csv is empty: it has not even a header. Ask for a new copy."
    assert error.details == {"file": "wells.csv", "row": 0}


def test_a_file_of_comments_alone_has_no_header(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", b'# a "\n# b\n')

    assert "has not even a header" in refused(FileUnreadable, path, comment="#").message


def test_a_quote_that_nothing_closes_is_told(tmp_path: Path) -> None:
    error = refused(FileUnreadable, written(tmp_path / "wells.csv", b'"Well,Oil\nA-1,2\n'))

    assert error.message == (
        'The header of wells.csv opens a quote (") that nothing closes, or has a name of more than '
        "128 KB. Ask for a new copy, or name another quote in the definition."
    )


def test_a_beginning_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", "Brønn;Øl\n".encode("cp1252"))

    error = refused(FileUnreadable, path, encoding="utf-8")

    assert error.message.startswith(
        "The beginning of wells.csv is not UTF-8. Say in the definition"
    )


@pytest.mark.parametrize(("quote", "opened"), [('"', 'opens a quote (") that'), ("", "has a name")])
def test_a_name_without_end_is_told(tmp_path: Path, quote: str, opened: str) -> None:
    path = written(tmp_path / "wells.csv", b"a,%s\n1,2\n" % (b"x" * 200_000))

    error = refused(FileUnreadable, path, quote=quote)

    assert error.message.startswith(f"The header of wells.csv {opened}")


def test_rows_of_empty_quotes_have_no_header(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", b'"",""\n"",""\n')

    assert "has not even a header" in refused(FileUnreadable, path).message


def test_a_header_beyond_the_end_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", CSV)

    assert "Line 9 of wells.csv" in refused(FileUnreadable, path, header=9).message
    assert "has not even a header" in refused(FileUnreadable, path, skip_rows=9).message


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    line = b",".join(b"c%d" % i for i in range(10_000)) + b"\n"

    error, peak = peak_of_refusal(FileTooLarge, written(tmp_path / "wells.csv", line * 200))

    assert error.message.startswith("wells.csv has 10,000 columns, and 2,000 are read at most.")
    assert peak < 64 * MB


def test_a_line_of_a_hundred_megabytes_is_refused_at_its_row(tmp_path: Path) -> None:
    path = tmp_path / "wells.csv"
    with path.open("wb") as file:
        file.write(CSV)
        for _ in range(100):
            file.write(b"x" * MB)

    error, peak = peak_of_refusal(FileUnreadable, path)

    assert error.message.startswith("Row 3 of wells.csv has more than 1 MB")
    assert error.details == {"file": "wells.csv", "row": 2}
    assert peak < 32 * MB


def test_a_first_line_without_an_end_is_no_table(tmp_path: Path) -> None:
    error, peak = peak_of_refusal(
        FileUnreadable, written(tmp_path / "wells.csv", b"a," * (10 * MB))
    )

    assert error.message.startswith("The first line of wells.csv has more than 1 MB")
    assert peak < 32 * MB


def test_a_quote_that_opens_a_hundred_megabytes_is_refused_at_its_row(tmp_path: Path) -> None:
    path = tmp_path / "wells.csv"
    with path.open("wb") as file:
        file.write(CSV + b'A-3,"\n')
        for _ in range(100):
            file.write(b"A-4,4\n" * (MB // 6))

    error, peak = peak_of_refusal(FileUnreadable, path)

    assert error.message.startswith(
        "Row 3 of wells.csv opens a quote that nothing closes, or has a value of more than"
    )
    assert peak < 32 * MB


def test_mixed_encodings_are_told_with_the_line(tmp_path: Path) -> None:
    text = "well,oil\n" + "Ærfugl,1\n" * 5
    path = written(tmp_path / "wells.csv", text.encode() + text.encode("cp1252"))

    error = refused(FileUnreadable, path)

    assert error.message.startswith("Line 8 of wells.csv is not UTF-8, and other lines are")
    assert error.details == {"file": "wells.csv", "line": 8}
    assert len(read_file(path, encoding="cp1252").rows) == 11


@pytest.mark.parametrize("quoted", [b"A-2", b'"A-2"'])
def test_a_row_that_is_not_of_the_declared_encoding_is_named(tmp_path: Path, quoted: bytes) -> None:
    path = written(tmp_path / "wells.csv", CSV.replace(b"A-2", quoted) + b"\xc6-3,1\n")

    assert refused(FileUnreadable, path, encoding="utf-8").message.startswith(
        "Row 3 of wells.csv is not UTF-8"
    )
    utf16 = written(tmp_path / "utf16.csv", CSV.decode().encode("utf-16") + b"\x00\xd8\x00\x00")
    assert refused(FileUnreadable, utf16).message.startswith(
        "Line 4 of utf16.csv is not of the encoding utf-16"
    )
    neither = written(tmp_path / "neither.csv", CSV + b"\x81,1\n")
    assert refused(FileUnreadable, neither).message.startswith(
        "Line 4 of neither.csv is neither UTF-8 nor cp1252"
    )
    assert "none that is known" in refused(FileFormatUnknown, path, encoding="klingon").message
    assert "none that is known" in refused(FileFormatUnknown, path, encoding="zlib").message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"<!-- x --><html>", "is a web page"),
        (b"<?xml version='1.0'?><rows/>", "is XML"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (b"BZh91AY", "is packed with bzip2"),
        (b"SQLite format 3\0", "is an SQLite database"),
    ],
)
def test_what_is_no_table_is_told_by_what_it_looks_like(
    tmp_path: Path, content: bytes, words: str
) -> None:
    error = refused(FileFormatUnknown, written(tmp_path / "wells.csv", content))

    assert error.message.startswith(f"wells.csv {words}")
    refused(FileFormatUnknown, written(tmp_path / "wells.csv", content), format="csv")


def test_two_files_have_headers_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    written(tmp_path / "in" / "2023.csv", CSV)
    written(tmp_path / "in" / "2024.csv", b"gas;well\n9;B-1\n")

    assert read_file(tmp_path / "in").rows[2] == {"gas": "9", "well": "B-1"}


# -- files that change ------------------------------------------------------------------------


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", CSV)
    adapter = adapter_of(path, tmp_path / "work", limits=Limits(piece_rows=1))
    reading = pages(adapter)
    next(reading)
    with path.open("ab") as file:
        file.write(b"A-3,3\n")

    with pytest.raises(FileChanged, match=r"wells\.csv grew or changed while it was read"):
        list(reading)
    adapter.close()


@pytest.mark.parametrize("name", ["wells.json", "wells.parquet", "wells.csv.gz"])
def test_a_file_that_is_cut_while_it_is_read_ends_no_process(tmp_path: Path, name: str) -> None:
    """In a process of its own, which a mapped file could end."""
    script = f"""
import duckdb, gzip, json, sys
from pathlib import Path
from chalicelib.errors import FileError
from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.limits import Limits
from chalicelib.files.local_place import LocalPlace

path = Path({str(tmp_path / name)!r})
rows = [{{"well": f"W{{i}}", "oil": i}} for i in range(300_000)]
if name := path.name.endswith("json"):
    path.write_text(json.dumps(rows))
elif path.name.endswith("parquet"):
    duckdb.sql(f"COPY (SELECT 'W' || i AS well, i FROM range(300000) AS t (i)) TO '{{path}}'")
else:
    path.write_bytes(gzip.compress(b"well,oil\\n" + b"".join(b"W%d,%d\\n" % (i, i) for i in range(300_000))))
adapter = FilesAdapter(FileForm(), LocalPlace(path), Path({str(tmp_path / "work")!r}), limits=Limits(piece_rows=1000))
survey = adapter.survey()
reading = adapter.pages(adapter.first_cursor([], survey), survey)
next(reading)
path.open("r+b").truncate(100)
try:
    list(reading)
except FileError as exc:
    print(exc.code)
"""
    assert printed_by(script) == "FILE_CHANGED"


def printed_by(script: str) -> str:
    command, checkout = [sys.executable, "-c", script], Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=checkout, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv", "a.json", "a.parquet"])
def test_a_full_disk_is_told_as_such(tmp_path: Path, name: str) -> None:
    """By a process that may write no file of more than 50 kB."""
    path = tmp_path / name
    lines = b"well,oil\n" + b"".join(b"W%d,%d\n" % (i, i) for i in range(50_000))
    if name == "a.parquet":
        duckdb.sql(f"COPY (SELECT 'W' || i AS well, i FROM range(50000) AS t (i)) TO '{path}'")
    elif name == "a.json":
        path.write_bytes(json.dumps([{"well": line} for line in lines.decode().split()]).encode())
    else:
        path.write_bytes(gzip.compress(lines) if name == "a.csv.gz" else lines)
    script = f"""
import resource
from pathlib import Path
from chalicelib.errors import WellheadError
from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.local_place import LocalPlace

resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
adapter = FilesAdapter(FileForm(), LocalPlace({str(path)!r}), Path({str(tmp_path / "work")!r}))
try:
    survey = adapter.survey()
    list(adapter.pages(adapter.first_cursor([], survey), survey))
except WellheadError as exc:
    print(exc.code)
"""

    assert printed_by(script) == "SCRATCH_FULL"


def test_a_file_that_is_replaced_before_it_is_its_turn_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        written(tmp_path / "in" / name, CSV)
    adapter = adapter_of(tmp_path / "in", tmp_path / "work")
    reading = pages(adapter)
    next(reading)
    (tmp_path / "in" / "b.csv").unlink()

    with pytest.raises(FileChanged, match=r"b\.csv grew or changed"):
        list(reading)
    adapter.close()


def test_an_import_that_goes_on_wants_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        written(tmp_path / "in" / name, CSV)
    first = adapter_of(tmp_path / "in", tmp_path / "1")
    behind_one = read(first).pages[0].next
    written(tmp_path / "in" / "c.csv", CSV)
    other = adapter_of(tmp_path / "in", tmp_path / "2")

    with pytest.raises(FileChanged, match="others than when the import began"):
        read(other, behind_one)
    first.close()
    other.close()


def test_what_is_no_ordinary_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    written(tmp_path / "in" / "a.csv", CSV)

    assert len(read_file(tmp_path / "in").rows) == 2
    refused(FilesNotFound, tmp_path / "in" / "pipe.csv")


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", CSV)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")

    assert "may not be read" in refused(FileUnreadable, path).message


def test_files_that_are_too_many_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        written(tmp_path / "in" / f"{number}.csv", CSV)
    adapter = FilesAdapter(
        FileForm(), LocalPlace(tmp_path / "in", limits=Limits(files=2)), tmp_path / "work"
    )

    with pytest.raises(FileTooLarge, match="more than 2 files"):
        adapter.files()
    assert (
        "has 0 MB"
        in refused(FileTooLarge, tmp_path / "in" / "1.csv", limits=Limits(file=3)).message
    )


@pytest.mark.parametrize("value", ["12345.5", '"12345.5"'])
def test_memory_does_not_grow_with_a_csv(tmp_path: Path, value: str) -> None:
    path = tmp_path / "wells.csv"
    with path.open("w") as file:
        file.write("well,period,oil,gas,water\n")
        file.writelines(f"W{i},2024-01-01,{value},1,2\n" for i in range(600_000))
    tracemalloc.start()

    adapter = adapter_of(path, tmp_path / "work")
    rows = sum(page.table.rows for page in pages(adapter) if page.table)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    adapter.close()
    assert rows == 600_000
    assert peak < 24 * MB
