"""A large file is cut into ranges of its rows:
they bring what the whole file does, row by row, from their place.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.excel import workbook
from support.files import Read, adapter_of, read

from chalicelib.errors import FileChanged, FileError
from chalicelib.files.limits import Limits
from chalicelib.files.local_place import LocalPlace
from chalicelib.odata.survey import Survey

if TYPE_CHECKING:
    from chalicelib.files.adapter import FilesAdapter
    from chalicelib.files.place import Listed, Place
    from chalicelib.odata.cursor import Cursor

SMALL = Limits(piece_rows=3, page_rows=3)


def cut(
    path: Path | Place, directory: Path, *, limits: Limits = SMALL, **form: Any
) -> FilesAdapter:
    """However small the file is."""
    adapter: Any = adapter_of(path, directory, limits=limits, **form)
    adapter._part_bytes = adapter._cut_bytes = 1
    return adapter  # type: ignore[no-any-return]


def parts_of(adapter: FilesAdapter, most: int = 4) -> list[Cursor]:
    return adapter.parts(adapter.first_cursor([], Survey()), Survey(), most=most)


def told(found: Read) -> Any:
    """Every row with its place in the file, and what could not be told apart."""
    unreadable = [each for page in found.pages if page.table for each in page.table.unreadable]
    return list(zip(found.places, found.files, found.rows, strict=True)), unreadable


def joined(readings: list[Read]) -> Any:
    rows, unreadable = zip(*map(told, readings), strict=True)
    return [row for some in rows for row in some], [each for some in unreadable for each in some]


cells = st.one_of(
    st.integers(-9, 99).map(str),
    st.sampled_from(
        [
            "",
            "é",
            "x y",
            '"a,b"',
            '"a\nb"',
            '"a\r\nb"',
            '"""q"""',
            'a"b',
            ' "c"',
            '"d"e',
            '"\n\n"',
            "#",
        ]
    ),
)
lines = st.one_of(
    st.lists(cells, min_size=3, max_size=3).map(",".join),
    st.lists(cells, min_size=1, max_size=5).map(",".join),
    st.sampled_from(["", "# a comment", ",,", '"open', "1,2,3,4"]),
)


@settings(max_examples=15)
@given(
    rows=st.lists(lines, min_size=4, max_size=24),
    end=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    skipped=st.integers(0, 2),
    most=st.integers(2, 6),
)
def test_a_cut_csv_brings_what_the_whole_one_does(  # noqa: PLR0917  what hypothesis draws
    rows: list[str], end: str, is_ended: bool, encoding: str, skipped: int, most: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        text = end.join(["a title"] * skipped + ["well,month,oil", *rows]) + (
            end if is_ended else ""
        )
        path = directory / "large.csv"
        path.write_bytes(text.encode(encoding))
        adapter = cut(
            path, directory / "work", skip_rows=skipped, comment="#", delimiter=",", header=True
        )
        try:
            whole = told(read(adapter))
        except FileError:
            assert len(parts_of(adapter, most)) == 1  # whoever reads it tells what is wrong with it
            return
        parts = parts_of(adapter, most)

        readings = [read(adapter, part) for part in parts]

        assert joined(readings) == whole
        assert len(parts) > 1 or len(whole[0]) <= SMALL.piece_rows
        assert all(found.end.url is None for found in readings)
        if len(parts) > 1:
            assert [
                adapter.part(adapter.first_cursor([], Survey()), Survey(), like=part)
                for part in parts
            ] == parts
        for found in readings[:2]:  # a worker goes on from any page
            following = found.pages[0].next
            if following.url:
                assert told(read(adapter, following))[0] == told(found)[0][following.delivered :]
        adapter.close()


def write_parquet(path: Path, rows: int = 9_000) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT 'W' || range AS well, range AS oil FROM range({rows})"
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")


def write_lines(path: Path) -> None:
    rows = [json.dumps({"well": f"W{number}", "oil": number}) for number in range(10)]
    path.write_text("\n".join([*rows[:2], " ", *rows[2:6], "", "\r", "not JSON" * 30, *rows[6:]]))


@pytest.mark.parametrize(
    ("name", "write", "limits"),
    [
        ("large.parquet", write_parquet, Limits(piece_rows=2048)),
        ("large.ndjson", write_lines, Limits(page=60)),
    ],
)
def test_other_files_that_can_be_cut(tmp_path: Path, name: str, write: Any, limits: Limits) -> None:
    write(tmp_path / name)
    adapter = cut(tmp_path / name, tmp_path / "work", limits=limits)
    whole = read_as_bytes(adapter)

    parts = parts_of(adapter, 3)

    assert len(parts) == 3
    assert [row for part in parts for row in read_as_bytes(adapter, part)] == whole
    assert parts[1].url
    assert (
        "@" in parts[1].url or "%40" in parts[1].url
    )  # a version that knows no ranges reads nothing twice
    adapter.close()


def read_as_bytes(adapter: FilesAdapter, cursor: Cursor | None = None) -> list[Any]:
    """With what is no JSON as it is."""
    survey = adapter.survey()
    found: list[Any] = []
    for page in adapter.pages(cursor or adapter.first_cursor([], survey), survey):
        if page.table:
            with duckdb.connect() as connection:
                rows: list[Any] = connection.execute(
                    f"SELECT * FROM {page.table.relation}"
                ).fetchall()
        else:
            rows = [bytes(row) for row in page.rows]
        found += [
            (page.part or 0, page.number, page.first_row + place, row)
            for place, row in enumerate(rows)
        ]
    return found


CSV = "well,month,oil\n" + "".join(f"W{number},2024-01,{number}\n" for number in range(40))


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("large.csv", CSV)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("large.csv.gz", lambda path: path.write_bytes(gzip.compress(CSV.encode()))),
        ("gzip-by-another-name", lambda path: path.write_bytes(gzip.compress(CSV.encode()))),
        ("zip-by-another-name", write_zip),
        (
            "large.xlsx",
            lambda path: workbook(
                path, {"s": [["well", "oil"], *([f"W{n}", n] for n in range(40))]}
            ),
        ),
        (
            "workbook",
            lambda path: workbook(
                path, {"s": [["well", "oil"], *([f"W{n}", n] for n in range(40))]}
            ),
        ),
        (
            "large.json",
            lambda path: path.write_text(
                json.dumps([{"well": f"W{n}", "oil": n} for n in range(40)])
            ),
        ),
    ],
)
def test_files_that_are_one_part(tmp_path: Path, name: str, write: Any) -> None:
    write(tmp_path / name)
    adapter = cut(tmp_path / name, tmp_path / "work")

    assert [part.range for part in parts_of(adapter)] == [""]
    assert len(read(adapter).rows) == 40
    adapter.close()


def test_a_file_below_128_mb_is_one_part(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text(CSV)
    adapter: Any = adapter_of(tmp_path / "small.csv", tmp_path / "work", limits=SMALL)
    adapter._part_bytes = 1

    assert len(parts_of(adapter)) == 1
    assert adapter._cut_bytes == 64 << 20
    adapter.close()


def test_a_source_that_would_be_asked_for_the_file_by_each_worker_is_not_cut(
    tmp_path: Path,
) -> None:
    (tmp_path / "large.csv").write_text(CSV)
    adapter: Any = cut(tmp_path / "large.csv", tmp_path / "work")
    assert len(parts_of(adapter)) == 4
    adapter._place.is_shared = False

    assert len(parts_of(adapter)) == 1
    adapter.close()


def test_rows_of_a_file_that_has_changed_are_not_put_together(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text(CSV)
    adapter = cut(path, tmp_path / "work")
    parts = parts_of(adapter)
    path.write_text(CSV.replace("W7", "W8"))

    with pytest.raises(FileChanged):
        read(adapter, parts[2])
    adapter.close()


def test_threads_that_read_one_file_share_a_copy_of_it(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text(CSV)
    place = Copying(path)
    adapter: Any = cut(place, tmp_path / "work")
    parts = parts_of(adapter)
    first = len(place.copies)

    readings = [adapter.pages(part, adapter.survey()) for part in parts]
    begun = [next(each) for each in readings]

    assert len(begun) == 4
    assert len(place.copies) == first + 2  # for the survey, and for all parts together
    assert place.copies[-1].exists()
    for each in readings:
        list(each)
    assert not place.copies[-1].exists()
    adapter.close()


class Copying(LocalPlace):
    """A bucket, of which each fetch is a copy on the worker's disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.copies: list[Path] = []

    def fetch(self, listed: Listed, target: Path) -> Path:
        self.copies.append(Path(shutil.copyfile(super().fetch(listed, target), target)))
        return target
