"""Zips, gzips and several files: what is read, in which order, and what is refused."""

from __future__ import annotations

import gzip
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support.files import adapter_of, read, read_file, refused

from chalicelib.errors import FileFormatUnknown, FilesNotFound, FileTooLarge, FileUnreadable
from chalicelib.files.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = b"well,oil\nA-1,1\nA-2,2\n", b"well,oil,gas\nB-1,3,4\n"


def zipped(path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def wells(path: Path, **form: Any) -> list[str]:
    return [row["well"] for row in read_file(path, **form).rows]


def test_members_of_a_zip_are_files_of_their_own(tmp_path: Path) -> None:
    found = read_file(zipped(tmp_path / "2024.zip", {"b.csv": TWO, "a/a.csv": ONE}))

    assert found.rows == [
        {"well": "A-1", "oil": "1"},
        {"well": "A-2", "oil": "2"},
        {"well": "B-1", "oil": "3", "gas": "4"},
    ]
    assert found.places == [(1, 0), (1, 1), (2, 0)]
    assert found.files == ["2024.zip/a/a.csv", "2024.zip/a/a.csv", "2024.zip/b.csv"]


def test_a_member_may_be_packed_itself(tmp_path: Path) -> None:
    assert wells(zipped(tmp_path / "2024.zip", {"a.csv.gz": gzip.compress(ONE)})) == ["A-1", "A-2"]


def test_a_pattern_chooses_the_members(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "2024.zip",
        {"data/wells.TXT": ONE, "data/fields.txt": TWO, "readme.txt": b"hello"},
    )

    assert wells(path, members="wells*.txt") == ["A-1", "A-2"]
    assert wells(path, members="data/f*") == ["B-1"]
    assert wells(path) == ["B-1", "A-1", "A-2"]


def test_what_is_no_table_is_left_out(tmp_path: Path) -> None:
    beside = {
        "__MACOSX/._a.csv": b"\0",
        "Readme.txt": b"x",
        "terms.pdf": b"%PDF",
        ".hidden.csv": b"x",
    }

    assert wells(zipped(tmp_path / "2024.zip", {**beside, "a.csv": ONE})) == ["A-1", "A-2"]
    assert wells(zipped(tmp_path / "alone.zip", {"ogora2024": ONE})) == ["A-1", "A-2"]


@pytest.mark.parametrize(
    "name",
    [
        "licence_production_2024.csv",
        "licenses_2024.csv",
        "readme.csv",
        "readme.json.csv.gz",
        "licence_production_2024.txt",
        "licences.txt",
        "License 044/a.csv",
    ],
)
def test_a_table_is_one_whatever_its_name(tmp_path: Path, name: str) -> None:
    content = gzip.compress(TWO) if name.endswith(".gz") else TWO

    found = wells(zipped(tmp_path / "2024.zip", {"z.csv": ONE, name: content}))

    assert found == ["B-1", "A-1", "A-2"]


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        "licence.txt",
        "Licence_terms.TXT",
        "docs/license-nlod-2.0.txt",
        "READ ME 1.0.txt",
        "readme_2024.txt.gz",
        "__MACOSX/a.zip",
    ],
)
def test_licences_and_what_is_to_be_read_by_people_are_left_out(tmp_path: Path, name: str) -> None:
    assert wells(zipped(tmp_path / "2024.zip", {"a.csv": ONE, name: TWO})) == ["A-1", "A-2"]


@pytest.mark.parametrize("name", ["2023.zip", "2023.XLSM", "old/2023.tar.gz", "licence.7z"])
def test_an_archive_or_workbook_beside_tables_is_not_passed_over(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "all.zip", {"2024.csv": ONE, name: b"PK"})

    error = refused(FileFormatUnknown, path)

    assert error.message == (
        f"all.zip/{name} is an archive or a workbook that is not read, next to members that are. Ask for it unpacked "
        'or as CSV, or say in the definition which members to read, such as members = "*.csv".'
    )
    assert error.details == {"file": f"all.zip/{name}"}
    assert wells(path, members="*.csv") == ["A-1", "A-2"]


def test_an_archive_without_the_wanted_member_names_what_it_has(tmp_path: Path) -> None:
    error = refused(
        FilesNotFound, zipped(tmp_path / "2024.zip", {"a.csv": ONE, "b.csv": TWO}), members="c*"
    )

    assert 'no member named "c*". In it are a.csv, b.csv.' in error.message
    assert "In it are nothing" in refused(FilesNotFound, zipped(tmp_path / "empty.zip", {})).message


def test_files_of_a_directory_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "in" / "more").mkdir(parents=True)
    (tmp_path / "in" / "b.csv").write_bytes(TWO)
    (tmp_path / "in" / "a.csv").write_bytes(ONE)
    (tmp_path / "in" / "more" / "c.csv").write_bytes(TWO)
    (tmp_path / "in" / ".hidden").write_bytes(TWO)

    found = read_file(tmp_path / "in")

    assert list(zip(found.files, found.places, strict=True)) == [
        ("a.csv", (1, 0)),
        ("a.csv", (1, 1)),
        ("b.csv", (2, 0)),
        ("more/c.csv", (3, 0)),
    ]


def test_a_pattern_chooses_files(tmp_path: Path) -> None:
    for name in ("a-2023.csv", "a-2024.csv", "deep/er/a-2024.csv"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(ONE)

    assert set(read_file(tmp_path / "in" / "*-2024.csv").files) == {"a-2024.csv"}
    assert set(read_file(tmp_path / "in" / "**" / "a-202[34].csv").files) == {
        "a-2023.csv",
        "a-2024.csv",
        "deep/er/a-2024.csv",
    }
    assert "no file at" in refused(FilesNotFound, tmp_path / "in" / "*.zip").message
    assert "no file at" in refused(FilesNotFound, tmp_path / "nowhere" / "a.csv").message


def test_reading_goes_on_behind_any_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    zipped(tmp_path / "in" / "a.zip", {"a.csv": ONE, "b.csv": TWO})
    (tmp_path / "in" / "c.csv").write_bytes(ONE + b"\n \n")
    whole = read_file(tmp_path / "in", limits=Limits(piece_rows=1))

    assert [page.number for page in whole.pages] == [
        1,
        1,
        2,
        3,
        3,
        3,
    ]  # blank lines are looked at once more
    for page in whole.pages[:-1]:
        later = adapter_of(tmp_path / "in", tmp_path / "later", limits=Limits(piece_rows=1))
        rest = read(later, page.next)
        assert (rest.rows, rest.end) == (whole.rows[page.next.delivered :], whole.end)
        later.close()


def test_nothing_is_left_on_the_disk_but_the_pieces_that_were_handed_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.zip", "b.zip", "c.zip"):
        zipped(
            tmp_path / "in" / name,
            {"a.csv": ONE, "b.csv.gz": gzip.compress(TWO.decode().encode("utf-16"))},
        )
    adapter = adapter_of(tmp_path / "in", tmp_path / "work")

    rows = read(adapter).rows
    left = sum(path.is_file() for path in (tmp_path / "work").iterdir())
    adapter.close()

    assert (len(rows), left) == (9, 3)  # of the last file: what was unpacked, unzipped and decoded
    assert not (tmp_path / "work").exists()


# -- hostile ----------------------------------------------------------------------------------


def test_names_that_are_paths_are_never_written_by_them(tmp_path: Path) -> None:
    names = ("../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a\x1b[31m\n.csv")
    path = zipped(tmp_path / "in.zip", dict.fromkeys(names, ONE))

    found = read_file(path)

    assert len(found.rows) == 8
    assert [each.name for each in tmp_path.iterdir()] == ["in.zip"]
    assert {file for file in found.files if "\x1b" in file or "\n" in file} == set()


@pytest.mark.parametrize("cut", [0.2, 0.9, -1])
def test_a_gzip_that_ends_early_is_refused(tmp_path: Path, cut: float) -> None:
    whole = gzip.compress(b"well,oil\n" + b"".join(b"A-%d,%d\n" % (i, i * i) for i in range(5000)))
    path = tmp_path / "wells.csv.gz"
    path.write_bytes(whole[: int(cut * len(whole)) if cut > 0 else -1])

    error = refused(FileUnreadable, path)

    assert error.message.startswith("wells.csv.gz is damaged or ends early")
    assert error.details == {"file": "wells.csv.gz"}


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(ONE * 100))
    packed[-6] ^= 1
    (tmp_path / "wells.csv.gz").write_bytes(packed)

    refused(FileUnreadable, tmp_path / "wells.csv.gz")


def test_what_unpacks_to_too_much_is_refused_on_the_way(tmp_path: Path) -> None:
    limits = Limits(free=1 << 20, ratio=100)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * (8 << 20)))
    bomb = zipped(tmp_path / "bomb.zip", {"a.csv": b"x" * (8 << 20)})

    assert (
        "bomb.gz unpacks to more than 1 MB"
        in refused(FileTooLarge, tmp_path / "bomb.gz", limits=limits).message
    )
    assert (
        "bomb.zip unpacks to more than 1 MB" in refused(FileTooLarge, bomb, limits=limits).message
    )
    assert refused(FileTooLarge, bomb, limits=Limits(unpacked=4 << 20)).details == {
        "file": "bomb.zip"
    }


def test_a_zip_that_lies_about_its_sizes_is_stopped_on_the_way(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"a.csv": b"x" * (8 << 20)})
    content = path.read_bytes().replace(struct.pack("<L", 8 << 20), struct.pack("<L", 1000))
    path.write_bytes(content)

    refused(FileUnreadable, path, limits=Limits(free=1 << 20, ratio=100))


def test_many_small_bombs_are_one(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {f"{i}.csv": b"x" * (1 << 20) for i in range(5)})

    refused(FileTooLarge, path, limits=Limits(unpacked=4 << 20))


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {"a.csv": ONE})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    assert (
        refused(FileUnreadable, path).message
        == "in.zip/a.csv has a password. Ask for it without one."
    )


def test_a_zip_that_is_packed_in_another_way_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {"a.csv": ONE})
    content = bytearray(path.read_bytes())
    content[8] = content[content.rfind(b"PK\x01\x02") + 10] = (
        9  # deflate64, as Windows makes of large files
    )
    path.write_bytes(content)

    assert "packed in a way that is not read" in refused(FileUnreadable, path).message


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {"a.csv": ONE * 1000}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"A-2,2", b"A-2,3", 1))

    assert "in.zip/a.csv is damaged" in refused(FileUnreadable, path).message


def test_a_zip_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {"a.csv": ONE})
    path.write_bytes(path.read_bytes()[:-30])

    assert "in.zip ends early" in refused(FileUnreadable, path).message


def test_a_zip_of_too_many_members_is_refused_before_its_list_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {f"{i}.csv": b"" for i in range(100)})

    refused(FileTooLarge, path, limits=Limits(members=99))
    refused(FileTooLarge, path, limits=Limits(directory=1000))


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.csv": ONE}).read_bytes()

    refused(FileFormatUnknown, zipped(tmp_path / "outer.zip", {"inner.zip": inner}))


def test_a_gzip_in_a_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(gzip.compress(ONE)))

    refused(FileFormatUnknown, tmp_path / "a.csv.gz")


def test_several_members_of_a_gzip_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(ONE) + gzip.compress(b"A-3,3\n"))

    assert wells(tmp_path / "a.csv.gz") == ["A-1", "A-2", "A-3"]
