"""The bucket of code is this account's own, and nobody else's is read or written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support.aws_session import new_session
from support.coordination import aws_client
from support.formation import without_policies
from support.rights import ACCOUNT

from infra.code_bucket import CodeBucket, CodeBucketError
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

OWNER, NAMESPACE = "x-amz-expected-bucket-owner", "x-amz-bucket-namespace"
NAME = f"wellhead-code-{ACCOUNT}-us-east-1-an"


@pytest.fixture
def sent() -> list[Any]:
    """Every request to S3."""
    return []


@pytest.fixture
def bucket(aws: LocalAws, sent: list[Any]) -> CodeBucket:
    s3 = aws_client(aws.url, "s3", s3={"addressing_style": "path"})
    s3.meta.events.register("before-send.s3", lambda request, **_: sent.append(request))
    return CodeBucket(s3=s3, account=ACCOUNT, region="us-east-1")


def test_it_is_made_in_the_namespace_of_the_account_and_set_up(bucket: CodeBucket) -> None:
    for _ in range(2):  # the second finds it
        bucket.make_ready()
    s3, ours = bucket.s3, {"Bucket": NAME}
    assert s3.get_bucket_versioning(**ours)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(**ours)["PublicAccessBlockConfiguration"].values())
    [rule] = s3.get_bucket_encryption(**ours)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [kept] = s3.get_bucket_lifecycle_configuration(**ours)["Rules"]
    assert kept["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert "Days" not in kept.get("Expiration", {})  # what a template names never goes by its age
    [only_tls] = json.loads(s3.get_bucket_policy(**ours)["Policy"])["Statement"]
    assert only_tls["Effect"] == "Deny"
    assert only_tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert only_tls["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]


def test_every_request_names_who_must_own_it(
    bucket: CodeBucket, sent: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "wellhead.zip").write_bytes(b"code")
    without_policies(bucket.s3)
    bucket.make_ready()
    key = bucket.upload(tmp_path / "wellhead.zip", stack="wellhead-dev")
    bucket.put(b"old", stack="wellhead-dev", ending=".json")
    bucket.put(b"of another", stack="wellhead-devil", ending=".json")
    assert bucket.remove_others({key}, stack="wellhead-dev") == 1
    created = [request for request in sent if NAMESPACE in request.headers]
    assert [request.headers[NAMESPACE] for request in created] == [b"account-regional"]
    others = [request for request in sent if request not in created]
    assert len(others) > 10
    assert {request.headers.get(OWNER) for request in others} == {ACCOUNT.encode()}
    left = {item["Key"] for item in bucket.s3.list_objects_v2(Bucket=NAME)["Contents"]}
    assert key in left
    assert len(left) == 2


def test_where_s3_has_no_such_names_it_has_the_common_one(bucket: CodeBucket) -> None:
    for region in ("me-south-1", "me-central-1"):
        other = CodeBucket(s3=bucket.s3, account=ACCOUNT, region=region)
        assert other.name == f"wellhead-code-{ACCOUNT}-{region}"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "s3.amazonaws.com"),
        ("eu-central-1", "s3.eu-central-1.amazonaws.com"),
        ("eu-south-2", "s3.eu-south-2.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_template_is_read_at_the_address_of_its_region(region: str, host: str) -> None:
    s3 = new_session().create_client("s3", region_name=region)
    code = CodeBucket(s3=s3, account=ACCOUNT, region=region)
    assert (
        code.address("wellhead-dev/1.json")
        == f"https://{host}/wellhead-code-{ACCOUNT}-{region}-an/wellhead-dev/1.json"
    )


class NotYours(LoopbackHandler):
    """S3 before a bucket of another account."""

    def do_HEAD(self) -> None:  # noqa: N802  http.server's name
        self.answer(403, b"")

    do_PUT = do_HEAD  # noqa: N815


@pytest.fixture
def squatted() -> Iterator[CodeBucket]:
    server = LoopbackServer(NotYours).start()
    s3 = aws_client(server.url, "s3", s3={"addressing_style": "path"})
    yield CodeBucket(s3=s3, account=ACCOUNT, region="me-south-1")
    server.stop()


def test_the_bucket_of_somebody_else_is_refused_before_anything_is_sent(
    squatted: CodeBucket,
) -> None:
    with pytest.raises(CodeBucketError, match=r"is not this account's.*Nothing was uploaded"):
        squatted.make_ready()
    with pytest.raises(ClientError):
        squatted.put(b"code", stack="wellhead-dev", ending=".zip")
