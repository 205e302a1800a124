"""A snapshot's file that was lost or changed comes back from what the bucket keeps of older
versions.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.two_snapshots import asked, publish_two, report
from support.warehouses import s3_client

from chalicelib.services import Services
from chalicelib.sources.checks import CheckKind, CheckStatus
from chalicelib.warehouse.names import sha256_of, snapshot_name

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from local.aws.emulator import LocalAws


@pytest.fixture
def bucket(environment: dict[str, str], aws: LocalAws) -> str:
    """As a stack has it: it keeps what was removed or replaced."""
    name, s3 = f"wellhead-{uuid.uuid4()}", s3_client(aws.url)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    environment["WELLHEAD_WAREHOUSE"] = f"s3://{name}/wells"
    return name


@pytest.fixture
def two(bucket: str, environment: dict[str, str]) -> tuple[Snapshot, Snapshot]:
    return publish_two(environment)


def content_of(environment: dict[str, str], snapshot: Snapshot, tmp_path: Path) -> str:
    path = tmp_path / "there"
    Services(environment).warehouse.fetch(snapshot.name, path)
    return sha256_of(path)


def test_a_file_that_was_removed_comes_back(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], tmp_path: Path
) -> None:
    for snapshot in two:
        Services(environment).warehouse.remove(snapshot.name)
        assert not report(environment, CheckKind.VERIFY)["is_right"] or snapshot is two[0]

        found = report(environment, CheckKind.RESTORE, snapshot=snapshot.name)

        assert (found["is_restored"], found["sha256"], found["rows"]) == (
            True,
            snapshot.sha256,
            snapshot.rows,
        )
        assert found["version"]
        assert content_of(environment, snapshot, tmp_path) == snapshot.sha256
    assert report(environment, CheckKind.VERIFY, all=True)["is_right"]


def test_a_file_that_was_replaced_comes_back_and_what_stood_there_is_kept(
    environment: dict[str, str],
    two: tuple[Snapshot, Snapshot],
    aws: LocalAws,
    bucket: str,
    tmp_path: Path,
) -> None:
    key, s3 = f"wells/{two[1].name}", s3_client(aws.url)
    s3.put_object(
        Bucket=bucket, Key=key, Body=b"of somebody else", Metadata={"sha256": two[1].sha256}
    )

    found = report(environment, CheckKind.RESTORE, snapshot=two[1].name)

    assert found["is_restored"]
    assert content_of(environment, two[1], tmp_path) == two[1].sha256
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)
    assert len(versions["Versions"]) == 3


def test_a_file_that_is_whole_is_left_alone(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], aws: LocalAws, bucket: str
) -> None:
    found = report(environment, CheckKind.RESTORE, snapshot=two[1].name)

    assert (found["is_restored"], found["version"]) == (False, None)
    listed = s3_client(aws.url).list_object_versions(Bucket=bucket, Prefix=f"wells/{two[1].name}")
    assert len(listed["Versions"]) == 1


def refused(environment: dict[str, str], name: str) -> str:
    check: Any = asked(environment, CheckKind.RESTORE, snapshot=name)
    assert check.status is CheckStatus.FAILED
    return str(check.error["code"])


def test_what_cannot_come_back_is_told(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], aws: LocalAws, bucket: str
) -> None:
    s3, key = s3_client(aws.url), f"wells/{two[0].name}"
    for version in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])

    assert refused(environment, two[0].name) == "NO_OLDER_VERSION"
    assert refused(environment, snapshot_name(7, two[0].job_id)) == "SNAPSHOT_UNKNOWN"


def test_a_directory_keeps_no_older_versions_and_says_so(environment: dict[str, str]) -> None:
    first, _ = publish_two(environment)
    Services(environment).warehouse.remove(first.name)

    check: Any = asked(environment, CheckKind.RESTORE, snapshot=first.name)

    assert check.error["code"] == "NO_OLDER_VERSION"
    assert "directory" in check.error["message"]
