"""Files in a bucket, as S3 answers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import aws_client
from support.files import adapter_of, read

from chalicelib.errors import FileChanged, FilesNotFound, FileTooLarge, SourceInterrupted
from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.known import Known
from chalicelib.files.limits import Limits
from chalicelib.files.s3_place import S3Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

BUCKET = "wellhead-local"
ONE, TWO = b"well,oil\nA-1,1\nA-2,2\n", b"well,oil\nB-1,3\n"


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "s3")
    yield client
    client.close()


class Drop:
    """A folder of a bucket, in which files are dropped;
    the bucket of the local S3 lives as long as the process.
    """

    def __init__(self, s3: Any, directory: Path) -> None:
        self.s3 = s3
        self.folder = str(uuid.uuid4())
        self._directory = directory
        self.asked: list[str] = []
        s3.meta.events.register("before-call.s3", lambda model, **_: self.asked.append(model.name))

    def put(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.folder}/{name}", Body=content)

    def url(self, path: str) -> str:
        return f"s3://{BUCKET}/{self.folder}/{path}"

    def adapter(self, path: str, *, limits: Limits | None = None, **options: Any) -> FilesAdapter:
        limits = limits or Limits()
        place = S3Place(self.s3, self.url(path), limits=limits)
        return FilesAdapter(
            FileForm(), place, self._directory / str(uuid.uuid4()), limits=limits, **options
        )


@pytest.fixture
def drop(s3: Any, tmp_path: Path) -> Drop:
    drop = Drop(s3, tmp_path)
    for name, content in {
        "a.csv": ONE,
        "b.csv": TWO,
        "in/c.csv": TWO,
        "d.txt": b"x",
        "in/": b"",
    }.items():
        drop.put(name, content)
    drop.asked.clear()
    return drop


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "in/c.csv"]),
        ("in/*", ["c.csv"]),
        ("[b-z].*", ["b.csv", "d.txt"]),
        ("", ["a.csv", "b.csv", "d.txt", "in/c.csv"]),
        ("a.csv", ["a.csv"]),
    ],
)
def test_a_pattern_chooses_objects(drop: Drop, path: str, names: list[str]) -> None:
    adapter = drop.adapter(path)

    assert [listed.name for listed in adapter.files()] == names
    adapter.close()


def test_each_object_is_fetched_once(drop: Drop) -> None:
    adapter = drop.adapter("*.csv")

    found = read(adapter)

    assert [row["well"] for row in found.rows] == ["A-1", "A-2", "B-1"]
    assert found.files == ["a.csv", "a.csv", "b.csv"]
    assert drop.asked == ["ListObjectsV2", "GetObject", "GetObject"]
    adapter.close()


def test_where_there_is_nothing_it_is_told(drop: Drop, s3: Any, tmp_path: Path) -> None:
    for path in ("*.zip", "a", "c.csv"):
        with pytest.raises(FilesNotFound, match="no file at s3://"):
            drop.adapter(path).files()
    place = S3Place(s3, "s3://no-such-bucket-anywhere/x/*")
    with pytest.raises(FilesNotFound, match="no bucket no-such-bucket-anywhere"):
        adapter_of(place, tmp_path / "work").files()


def test_an_object_that_changes_after_it_was_listed_is_refused(drop: Drop) -> None:
    adapter = drop.adapter("*.csv")
    pages = adapter.pages(adapter.first_cursor([], adapter.survey()), adapter.survey())
    next(pages)
    drop.put("b.csv", TWO + b"B-2,4\n")

    with pytest.raises(FileChanged, match=r"b\.csv grew or changed"):
        list(pages)
    adapter.close()


def test_an_object_that_goes_after_it_was_listed_is_refused(drop: Drop) -> None:
    adapter = drop.adapter("*.csv")
    pages = adapter.pages(adapter.first_cursor([], adapter.survey()), adapter.survey())
    next(pages)
    drop.s3.delete_object(Bucket=BUCKET, Key=f"{drop.folder}/b.csv")

    with pytest.raises(FileChanged):
        list(pages)
    adapter.close()


def test_an_import_that_goes_on_wants_the_same_objects(drop: Drop) -> None:
    first = drop.adapter("*.csv")
    behind_one = read(first).pages[0].next
    again = drop.adapter("*.csv")
    assert [row["well"] for row in read(again, behind_one).rows] == ["B-1"]
    drop.put("c.csv", TWO)
    other = drop.adapter("*.csv")

    with pytest.raises(FileChanged, match="others than when the import began"):
        read(other, behind_one)
    for adapter in (first, again, other):
        adapter.close()


def test_what_was_read_before_is_left_out(drop: Drop) -> None:
    first = drop.adapter("*.csv")
    first.files()
    known = Known(marks=frozenset(first.marks))
    drop.put("b.csv", TWO + b"B-2,4\n")
    later, nothing_new = drop.adapter("*.csv", known=known), drop.adapter("a.csv", known=known)

    assert [row["well"] for row in read(later).rows] == ["B-1", "B-2"]
    survey = nothing_new.survey()
    cursor = nothing_new.first_cursor([], survey)
    assert (survey.fields, cursor.url, cursor.ended, list(nothing_new.pages(cursor, survey))) == (
        [],
        None,
        "files",
        [],
    )
    for adapter in (first, later, nothing_new):
        adapter.close()


def test_objects_that_are_too_large_or_too_many_are_refused(drop: Drop) -> None:
    with pytest.raises(FileTooLarge, match=r"a\.csv has"):
        drop.adapter("*.csv", limits=Limits(file=18)).files()
    with pytest.raises(FileTooLarge, match="more than 1 files"):
        drop.adapter("*.csv", limits=Limits(files=1)).files()


@pytest.mark.parametrize(("breaks", "is_read"), [(2, True), (3, False)])
def test_a_transfer_that_breaks_is_begun_anew(drop: Drop, *, breaks: int, is_read: bool) -> None:
    broken = iter(range(breaks))

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        if next(broken, None) is not None:
            parsed["Body"]._amount_read = -5  # what comes is not what was announced

    drop.s3.meta.events.register("after-call.s3.GetObject", cut)
    adapter = drop.adapter("a.csv")

    if is_read:
        assert len(read(adapter).rows) == 2
        assert adapter.retries == 2
    else:
        with pytest.raises(SourceInterrupted, match=r"a\.csv did not come whole"):
            read(adapter)
    adapter.close()
