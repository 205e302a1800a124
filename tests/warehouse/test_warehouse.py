"""One contract for the directory and for S3:
whole, write-once files; errors that tell no secrets.
"""

from __future__ import annotations

import base64
import hashlib
import resource
import signal
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from support.warehouses import HUNTER2, own_prefix, s3_client

from chalicelib.errors import WarehouseSilent, WarehouseUnavailable
from chalicelib.services import open_warehouse
from chalicelib.warehouse.multipart import Multipart
from chalicelib.warehouse.names import (
    LATEST,
    LATEST_NOTE,
    LATEST_PROBLEM,
    OWNER,
    StoredFile,
    Warehouse,
    segment_name,
    sha256_of,
    snapshot_name,
)
from chalicelib.warehouse.s3 import CONFLICT_TRIES, S3Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.aws.emulator import LocalAws

JOB = "018cc251-f400-7000-8000-000000000000"
SNAPSHOT = snapshot_name(7, JOB)


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = s3_client(aws.url)
    yield client
    client.close()


@pytest.fixture(params=["directory", "s3"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "directory":
        return open_warehouse(str(tmp_path / "warehouse"))
    return open_warehouse(own_prefix(), s3=request.getfixturevalue("s3"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "file", b"wells" * 100_000)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def put(warehouse: Warehouse, name: str, path: Path) -> None:
    warehouse.put(name, path, sha256=sha256_of(path))


def fetched(warehouse: Warehouse, name: str, path: Path) -> bytes:
    warehouse.fetch(name, path)
    return path.read_bytes()


# ---------------------------------------------------------------------------------------- the contract


def test_what_is_put_is_fetched_as_it_was(warehouse: Warehouse, tmp_path: Path, file: Path) -> None:
    for name in (SNAPSHOT, segment_name(JOB, 7, 0), "a name with spaces & ünïcode"):
        put(warehouse, name, file)

        assert fetched(warehouse, name, tmp_path / "copy") == file.read_bytes()


def test_other_programs_find_a_file_by_its_location(
    warehouse: Warehouse, file: Path, request: pytest.FixtureRequest
) -> None:
    put(warehouse, "segments/job/1-spark.parquet", file)

    where = urlsplit(warehouse.location("segments/job/1-spark.parquet"))

    if where.scheme == "file":
        assert Path(where.path).read_bytes() == file.read_bytes()
    else:
        s3 = request.getfixturevalue("s3")
        body = s3.get_object(Bucket=where.netloc, Key=where.path.lstrip("/"))["Body"].read()
        assert (where.scheme, body) == ("s3", file.read_bytes())


def test_fetching_replaces_what_was_there(warehouse: Warehouse, tmp_path: Path, file: Path) -> None:
    put(warehouse, SNAPSHOT, file)

    assert (
        fetched(warehouse, SNAPSHOT, written(tmp_path / "copy", b"x" * 1_000_000))
        == file.read_bytes()
    )


def test_an_empty_file_is_a_file(warehouse: Warehouse, tmp_path: Path) -> None:
    put(warehouse, SNAPSHOT, written(tmp_path / "empty", b""))

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == b""


def test_a_repeat_is_no_error_and_other_content_is_refused(
    warehouse: Warehouse, tmp_path: Path, file: Path
) -> None:
    other = written(tmp_path / "other", b"others")
    put(warehouse, SNAPSHOT, file)
    put(warehouse, SNAPSHOT, file)

    with pytest.raises(WarehouseUnavailable) as refused:
        put(warehouse, SNAPSHOT, other)

    sentence = f"Another file stands in the warehouse as {SNAPSHOT} already; remove it by hand."
    assert refused.value.message == sentence
    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()


def test_what_is_known_of_a_file_without_reading_it(warehouse: Warehouse, file: Path) -> None:
    put(warehouse, SNAPSHOT, file)

    noted = sha256_of(file) if isinstance(warehouse, S3Warehouse) else None
    assert warehouse.stat(SNAPSHOT) == StoredFile(name=SNAPSHOT, bytes=500_000, sha256=noted)
    warehouse.remove(SNAPSHOT)
    assert warehouse.stat(SNAPSHOT) is None
    assert warehouse.stat("nothing/at all") is None


def test_names_are_those_of_the_prefix_in_order(warehouse: Warehouse, file: Path) -> None:
    snapshots = [snapshot_name(fence, JOB) for fence in (1, 2, 10, 100)]
    segments = [segment_name(JOB, 7, number) for number in (0, 1, 2, 10)]
    for name in [*reversed(snapshots), *reversed(segments)]:
        put(warehouse, name, file)
    warehouse.set_latest(snapshots[-1])

    assert warehouse.names("snapshots/") == snapshots
    assert warehouse.names("segments/") == segments
    assert warehouse.names(f"segments/{JOB}/") == segments
    assert warehouse.names("") == sorted([*snapshots, *segments, LATEST])
    assert warehouse.names("nothing/") == []


def test_there_are_more_names_than_s3_lists_at_once(s3: Any, file: Path) -> None:
    warehouse = open_warehouse(own_prefix(), s3=s3)
    names = [segment_name(JOB, 7, number) for number in range(7)]
    for name in names:
        put(warehouse, name, file)

    s3.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 2}
    )

    assert warehouse.names("segments/") == names


def test_the_owner_is_written_once_and_is_no_file_of_the_warehouse(warehouse: Warehouse) -> None:
    assert warehouse.owner() is None

    assert warehouse.set_owner("mine")
    assert not warehouse.set_owner("another's")

    assert (warehouse.owner(), warehouse.names("")) == ("mine", [])
    warehouse.remove(OWNER)
    assert warehouse.owner() is None
    assert warehouse.set_owner("another's")


def test_an_empty_warehouse_has_no_names(warehouse: Warehouse) -> None:
    assert warehouse.names("snapshots/") == []


def test_what_is_removed_is_gone_and_gone_twice_is_no_error(
    warehouse: Warehouse, tmp_path: Path, file: Path
) -> None:
    put(warehouse, SNAPSHOT, file)

    warehouse.remove(SNAPSHOT)
    warehouse.remove(SNAPSHOT)

    assert warehouse.names("") == []
    with pytest.raises(WarehouseUnavailable):
        warehouse.fetch(SNAPSHOT, tmp_path / "copy")


def test_the_stable_name_holds_the_latest_snapshot(
    warehouse: Warehouse, tmp_path: Path, file: Path
) -> None:
    second = written(tmp_path / "second", b"second")
    put(warehouse, SNAPSHOT, file)
    put(warehouse, snapshot_name(8, JOB), second)

    for name, path in ((SNAPSHOT, file), (snapshot_name(8, JOB), second), (SNAPSHOT, file)):
        warehouse.set_latest(name)
        assert fetched(warehouse, LATEST, tmp_path / "copy") == path.read_bytes()

    with pytest.raises(WarehouseUnavailable):
        warehouse.set_latest(snapshot_name(9, JOB))
    assert fetched(warehouse, LATEST, tmp_path / "copy") == file.read_bytes()


# ------------------------------------------------------------------------------------------- failures


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write any file beyond this size, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_copy_that_fails_midway_leaves_nothing(tmp_path: Path, file: Path) -> None:
    warehouse = open_warehouse(str(tmp_path / HUNTER2))
    put(warehouse, snapshot_name(1, JOB), written(tmp_path / "small", b"small"))
    warehouse.set_latest(snapshot_name(1, JOB))

    with files_of_at_most(100_000), pytest.raises(WarehouseUnavailable) as failed:
        put(warehouse, SNAPSHOT, file)

    assert warehouse.names("") == [snapshot_name(1, JOB), LATEST]
    files = [path.name for path in (tmp_path / HUNTER2).rglob("*") if path.is_file()]
    assert sorted(files) == sorted([LATEST, LATEST_NOTE, Path(snapshot_name(1, JOB)).name])
    assert "File too large" in failed.value.message
    assert HUNTER2 not in failed.value.message
    assert str(tmp_path) not in failed.value.message


def test_the_stable_name_keeps_its_file_when_the_next_copy_fails(
    tmp_path: Path, file: Path
) -> None:
    warehouse = open_warehouse(str(tmp_path / "warehouse"))
    put(warehouse, snapshot_name(1, JOB), written(tmp_path / "small", b"small"))
    put(warehouse, SNAPSHOT, file)
    warehouse.set_latest(snapshot_name(1, JOB))

    with files_of_at_most(100_000), pytest.raises(WarehouseUnavailable):
        warehouse.set_latest(SNAPSHOT)

    assert fetched(warehouse, LATEST, tmp_path / "copy") == b"small"
    assert "File too large" in (tmp_path / "warehouse" / LATEST_PROBLEM).read_text()


def test_a_file_being_written_has_no_name_yet(tmp_path: Path) -> None:
    """What a killed copy leaves behind is no file of the warehouse."""
    warehouse = open_warehouse(str(tmp_path))
    (tmp_path / "snapshots").mkdir()
    written(tmp_path / f"{SNAPSHOT}.123.part", b"half")

    assert warehouse.names("") == []


def calls(warehouse: Warehouse, path: Path) -> list[Any]:
    return [
        lambda: put(warehouse, SNAPSHOT, path),
        lambda: warehouse.fetch(SNAPSHOT, path.with_name("copy")),
        lambda: warehouse.set_latest(SNAPSHOT),
    ]


def test_a_directory_that_is_none_says_what_to_check(tmp_path: Path, file: Path) -> None:
    warehouse = open_warehouse(str(written(tmp_path / HUNTER2, b"a file") / "warehouse"))

    for call in [*calls(warehouse, file), lambda: warehouse.stat(SNAPSHOT)]:
        with pytest.raises(WarehouseUnavailable) as failed:
            call()
        assert failed.value.message == (
            "The warehouse directory does not answer: Not a directory. Check that it exists, has room, and may be "
            "written by this function."
        )


def test_a_bucket_that_does_not_exist_says_so(s3: Any, file: Path) -> None:
    warehouse = open_warehouse(f"s3://no-such-{HUNTER2}/x", s3=s3)

    for call in [
        *calls(warehouse, file),
        lambda: warehouse.names(""),
        lambda: warehouse.remove(SNAPSHOT),
    ]:
        with pytest.raises(WarehouseUnavailable) as failed:
            call()
        assert "NoSuchBucket" in failed.value.message
        assert HUNTER2 not in failed.value.message


def test_a_bucket_out_of_reach_is_told_without_its_address(file: Path) -> None:
    s3 = s3_client(f"http://{HUNTER2}.localhost:9")
    warehouse = open_warehouse("s3://wells", s3=s3)

    for call in [
        *calls(warehouse, file),
        lambda: warehouse.stat(SNAPSHOT),
        lambda: warehouse.names(""),
        lambda: warehouse.remove(SNAPSHOT),
    ]:
        with pytest.raises(WarehouseUnavailable) as failed:
            call()
        assert failed.value.retryable
        assert HUNTER2 not in failed.value.message
    s3.close()


def test_s3_is_asked_to_check_the_content_and_that_the_name_is_new(s3: Any, file: Path) -> None:
    """The local S3 does not compare the checksum; the real one refuses what changed on its way."""
    sent: list[dict[str, Any]] = []
    s3.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: sent.append(dict(request.headers))
    )

    put(open_warehouse(own_prefix(), s3=s3), SNAPSHOT, file)

    [headers] = sent
    checksum = base64.b64encode(hashlib.sha256(file.read_bytes()).digest())
    assert {
        name: headers[name]
        for name in ("x-amz-checksum-sha256", "If-None-Match", "x-amz-meta-sha256")
    } == {
        "x-amz-checksum-sha256": checksum,
        "If-None-Match": b"*",
        "x-amz-meta-sha256": sha256_of(file).encode(),
    }


class Meeting:
    """S3 says so many times that the write met another one; nothing of it was done."""

    def __init__(
        self, s3: Any, times: int, code: str = "ConditionalRequestConflict", *, status: int = 409
    ) -> None:
        self.left = times
        self._code = code
        self._status = status
        s3.meta.events.register("before-send.s3.PutObject", self._answer)

    def _answer(self, request: Any, **_: Any) -> Any:
        if self.left == 0:
            return None
        self.left -= 1
        headers: Any = {}
        answer: Any = AWSResponse(request.url, self._status, headers, None)
        answer._content = f"<Error><Code>{self._code}</Code></Error>".encode()
        return answer


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_write_that_met_another_one_is_sent_again(
    s3: Any, tmp_path: Path, file: Path, code: str
) -> None:
    waited: list[float] = []
    warehouse = S3Warehouse(
        Multipart(s3=s3, bucket="wellhead-local"), prefix=str(uuid.uuid4()), sleep=waited.append
    )
    meeting = Meeting(s3, CONFLICT_TRIES - 1, code)

    put(warehouse, SNAPSHOT, file)

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()
    assert len(waited) == CONFLICT_TRIES - 1
    assert 1 < sum(waited) < 5
    meeting.left = 2
    assert warehouse.set_owner("mine")
    meeting.left = 2
    assert not warehouse.set_owner("another's")
    assert warehouse.owner() == "mine"


def test_writes_that_meet_again_and_again_end_the_attempt_and_not_the_job(
    s3: Any, file: Path
) -> None:
    warehouse = S3Warehouse(
        Multipart(s3=s3, bucket="wellhead-local"), prefix="busy", sleep=lambda _: None
    )
    Meeting(s3, CONFLICT_TRIES)

    with pytest.raises(WarehouseSilent, match="ConditionalRequestConflict"):
        put(warehouse, SNAPSHOT, file)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, "InternalError", WarehouseSilent),
        (503, "SlowDown", WarehouseSilent),
        (403, "AccessDenied", WarehouseUnavailable),
    ],
)
def test_what_s3_cannot_do_now_ends_the_attempt_and_what_it_refuses_the_job(
    s3: Any, file: Path, status: int, code: str, kind: type[WarehouseUnavailable]
) -> None:
    Meeting(s3, 1, code, status=status)

    with pytest.raises(WarehouseUnavailable, match=code) as failed:
        put(open_warehouse(own_prefix(), s3=s3), SNAPSHOT, file)

    assert type(failed.value) is kind


def test_a_bucket_needs_a_client() -> None:
    with pytest.raises(ValueError, match="needs an S3 client"):
        open_warehouse("s3://wells")
