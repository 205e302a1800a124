"""Objects in parts: whole or not there, under a new name, each part checked;
nothing stays of those that failed.
"""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from support.coordination import aws_client

from chalicelib.errors import WarehouseSilent, WarehouseUnavailable
from chalicelib.warehouse.multipart import UPLOAD_SECONDS, Multipart
from chalicelib.warehouse.names import LATEST, sha256_of, snapshot_name
from chalicelib.warehouse.s3 import S3Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

BUCKET = "wellhead-local"
PART = 5 << 20  # S3 takes no smaller one, but for the last
JOB = "018cc251-f400-7000-8000-000000000000"
SNAPSHOT = snapshot_name(7, JOB)
BEGUN = datetime(
    2010, 11, 10, 20, 48, 33, tzinfo=UTC
).timestamp()  # each upload to the local S3, whatever the time


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "s3", s3={"payload_signing_enabled": False})  # as over https
    yield client
    client.close()


@pytest.fixture
def prefix() -> str:
    """The bucket of the local S3 lives as long as the process."""
    return str(uuid.uuid4())


@pytest.fixture
def warehouse(s3: Any, prefix: str) -> S3Warehouse:
    multipart = Multipart(s3=s3, bucket=BUCKET, largest_request=100_000, part_bytes=PART)
    return S3Warehouse(multipart, prefix=prefix)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "file", b"wells" * (PART // 2))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def put(warehouse: S3Warehouse, path: Path) -> None:
    warehouse.put(SNAPSHOT, path, sha256=sha256_of(path))


def fetched(warehouse: S3Warehouse, name: str, path: Path) -> bytes:
    warehouse.fetch(name, path)
    return path.read_bytes()


def uploads(s3: Any, prefix: str) -> list[str]:
    found = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [upload["Key"] for upload in found if upload["Key"].startswith(prefix)]


def test_a_large_file_is_fetched_as_it_was(
    s3: Any, prefix: str, warehouse: S3Warehouse, tmp_path: Path, file: Path
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    def hear(request: Any, event_name: str, **_: Any) -> None:
        sent.append((event_name.rpartition(".")[2], dict(request.headers)))

    s3.meta.events.register("before-send.s3", hear)

    put(warehouse, file)

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()
    assert uploads(s3, prefix) == []
    parts = [headers for name, headers in sent if name == "UploadPart"]
    assert [int(headers["Content-Length"]) for headers in parts] == [PART, PART, PART // 2]
    assert all("x-amz-checksum-sha256" in headers for headers in parts)
    [completed] = [headers for name, headers in sent if name == "CompleteMultipartUpload"]
    assert completed["If-None-Match"] == b"*"
    assert completed["x-amz-mp-object-size"] == str(file.stat().st_size).encode()


def test_a_repeat_is_no_error_and_other_content_is_refused(
    s3: Any, prefix: str, warehouse: S3Warehouse, tmp_path: Path, file: Path
) -> None:
    put(warehouse, file)
    put(warehouse, file)

    with pytest.raises(WarehouseUnavailable, match="Another file stands"):
        put(warehouse, written(tmp_path / "other", b"other" * PART))

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()
    assert uploads(s3, prefix) == []


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
def test_what_breaks_off_is_aborted(
    s3: Any, prefix: str, warehouse: S3Warehouse, file: Path, operation: str
) -> None:
    seen: list[Any] = []

    def break_the_last(request: Any, **_: Any) -> None:
        seen.append(request)
        if operation != "UploadPart" or len(seen) == 3:
            raise ConnectionClosedError(endpoint_url=request.url)

    s3.meta.events.register(f"before-send.s3.{operation}", break_the_last)

    with pytest.raises(WarehouseSilent):
        put(warehouse, file)

    assert warehouse.names("") == []
    assert uploads(s3, prefix) == []


def test_a_part_that_changed_on_its_way_is_found(
    s3: Any, warehouse: S3Warehouse, file: Path
) -> None:
    """The real S3 refuses the part already; the local one compares nothing."""

    def change(request: Any, **_: Any) -> None:
        request.body = io.BytesIO(request.body.read()[:-1] + b"!")

    s3.meta.events.register("before-send.s3.UploadPart", change)

    with pytest.raises(WarehouseUnavailable, match="something else than was sent"):
        put(warehouse, file)


def test_a_completion_whose_answer_got_lost_is_recognised(
    s3: Any, warehouse: S3Warehouse, tmp_path: Path, file: Path
) -> None:
    """S3 knows no such upload when botocore completes it a second time."""

    def complete_and_forget(request: Any, **_: Any) -> Any:
        URLLib3Session().send(request)
        headers: Any = {}
        answer: Any = AWSResponse(request.url, 404, headers, None)
        answer._content = b"<Error><Code>NoSuchUpload</Code></Error>"
        return answer

    s3.meta.events.register("before-send.s3.CompleteMultipartUpload", complete_and_forget)

    put(warehouse, file)

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()


def test_parts_whose_completion_met_another_one_are_all_sent_again(
    s3: Any, prefix: str, tmp_path: Path, file: Path
) -> None:
    """As S3 asks for after its 409."""
    sent: list[str] = []
    left = [2]

    def meet(request: Any, **_: Any) -> Any:
        if left[0] == 0:
            return None
        left[0] -= 1
        headers: Any = {}
        answer: Any = AWSResponse(request.url, 409, headers, None)
        answer._content = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
        return answer

    s3.meta.events.register("before-send.s3.CompleteMultipartUpload", meet)
    s3.meta.events.register(
        "before-send.s3", lambda event_name, **_: sent.append(event_name.rpartition(".")[2])
    )
    multipart = Multipart(s3=s3, bucket=BUCKET, largest_request=100_000, part_bytes=PART)
    warehouse = S3Warehouse(multipart, prefix=prefix, sleep=lambda _: None)

    put(warehouse, file)

    assert fetched(warehouse, SNAPSHOT, tmp_path / "copy") == file.read_bytes()
    assert (sent.count("UploadPart"), sent.count("AbortMultipartUpload")) == (9, 2)
    assert uploads(s3, prefix) == []


def test_the_stable_name_holds_a_large_snapshot(
    s3: Any, prefix: str, warehouse: S3Warehouse, file: Path
) -> None:
    put(warehouse, file)

    for _ in range(2):
        warehouse.set_latest(SNAPSHOT)

        assert fetched(warehouse, LATEST, file.with_name("copy")) == file.read_bytes()
        assert warehouse.latest() == SNAPSHOT
    assert uploads(s3, prefix) == []


def test_the_uploads_of_dead_processes_are_aborted(
    s3: Any, prefix: str, warehouse: S3Warehouse
) -> None:
    """Not those of a living one, nor somebody else's."""
    names = [SNAPSHOT, LATEST, "notes.txt"]
    for name in names:
        s3.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}/{name}")
    s3.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}-other/{LATEST}")

    warehouse.tidy(now=BEGUN + UPLOAD_SECONDS)
    assert sorted(uploads(s3, f"{prefix}/")) == sorted(f"{prefix}/{name}" for name in names)

    warehouse.tidy(now=BEGUN + UPLOAD_SECONDS + 1)
    assert uploads(s3, prefix) == [f"{prefix}/notes.txt", f"{prefix}-other/{LATEST}"]
