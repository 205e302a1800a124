"""S3Warehouse: the warehouse as a prefix of a bucket."""

from __future__ import annotations

import base64
import time
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import botocore
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from chalicelib.backoff import Backoff
from chalicelib.errors import NoOlderVersion, RuntimeTooOld, WarehouseSilent, WarehouseUnavailable

from .disk import BLOCK
from .multipart import UPLOAD_SECONDS, Multipart
from .names import (
    LATEST,
    OWNER,
    StoredFile,
    UploadForm,
    drill_began,
    is_fenced,
    list_file_time,
    missing_file,
    name_conflict,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import HeadObjectOutputTypeDef

# A conditional write met another one of the same name, and nothing was written: S3 says to send it
# again. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
CONFLICTS = {"ConditionalRequestConflict", "OperationAborted"}
CONFLICT_TRIES = 6  # they span 2 to 3 s
BACKOFF = Backoff(first=0.1)
ABSENT = {"404", "NoSuchKey"}
# What botocore has learnt last of all that is used here: 1.34 lacks the first, 1.35 the rest.
NEEDED = (
    ("PutObject", "IfNoneMatch"),
    ("CompleteMultipartUpload", "IfNoneMatch"),
    ("CompleteMultipartUpload", "MpuObjectSize"),
    ("CreateMultipartUpload", "ChecksumType"),
)


def refuse_old_client(s3: S3Client) -> None:
    """Lambda brings a botocore of its own. Raises RuntimeTooOld."""
    model = s3.meta.service_model
    for operation, argument in NEEDED:
        shape = model.operation_model(operation).input_shape
        if shape is None or argument not in shape.members:
            raise RuntimeTooOld(
                f"The botocore {botocore.__version__} of this Python does not know {operation}.{argument}, so nothing "
                "is published with it. Deploy with a Python whose botocore is 1.36 or later."
            )


class S3Warehouse:
    """`If-None-Match: *` makes a name write-once; the checksum proves the transfer."""

    def __init__(
        self, multipart: Multipart, *, prefix: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._sleep = sleep
        self._s3 = multipart.s3
        self._bucket = multipart.bucket
        self._multipart = multipart
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        with _s3_errors():
            try:
                self._insist(lambda: self._put(name, path, sha256))
            except ClientError as exc:
                # A second try of a completion whose answer got lost finds its upload gone.
                if exc.response["Error"]["Code"] not in {"PreconditionFailed", "NoSuchUpload"}:
                    raise
                if self._sha256(name) != sha256:
                    raise name_conflict(name) from exc

    def _insist(self, write: Callable[[], None]) -> None:
        """Parts are all sent again, as S3 asks for."""
        for attempt in range(CONFLICT_TRIES - 1):
            try:
                write()
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in CONFLICTS:
                    raise
                self._sleep(BACKOFF.seconds(attempt))
            else:
                return
        write()

    def _put(self, name: str, path: Path, sha256: str) -> None:
        if path.stat().st_size > self._multipart.largest_request:
            self._multipart.send(path, self._prefix + name, metadata={"sha256": sha256})
        else:
            self._put_at_once(name, path, sha256)

    def _put_at_once(self, name: str, path: Path, sha256: str) -> None:
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with path.open("rb") as body:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._prefix + name,
                Body=body,
                IfNoneMatch="*",
                ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
            )

    def fetch(self, name: str, path: Path) -> None:
        with _s3_errors():
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "NoSuchKey":
                    raise missing_file(name) from exc
                raise
            self._save(answer["Body"], path)

    def fetch_rest(self, name: str, path: Path, *, goes_on: Callable[[], bool]) -> None:
        begun = path.stat().st_size
        with _s3_errors():
            try:
                answer = self._s3.get_object(
                    Bucket=self._bucket, Key=self._prefix + name, Range=f"bytes={begun}-"
                )
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "NoSuchKey":
                    raise missing_file(name) from exc
                if exc.response["Error"]["Code"] == "InvalidRange":  # there is no more of it
                    return
                raise
            with path.open("ab") as file, closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(BLOCK):
                    file.write(chunk)
                    if not goes_on():
                        return

    def fetch_older(self, name: str, path: Path, *, sha256: str) -> str:
        """The sum that a version was stored under tells which to fetch;
        what came is looked at all the same.
        """
        with _s3_errors():
            for version in self._versions(name):
                key = self._prefix + name
                head = self._s3.head_object(Bucket=self._bucket, Key=key, VersionId=version)
                if head["Metadata"].get("sha256") != sha256:
                    continue
                answer = self._s3.get_object(Bucket=self._bucket, Key=key, VersionId=version)
                self._save(answer["Body"], path)
                if sha256_of(path) == sha256:
                    return version
        raise NoOlderVersion(snapshot=name)

    def _versions(self, name: str) -> list[str]:
        """Newest first, without markers of deletions."""
        key = self._prefix + name
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=key
        )
        return [
            each["VersionId"]
            for page in pages
            for each in page.get("Versions", [])
            if each["Key"] == key
        ]

    @staticmethod
    def _save(body: StreamingBody, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in body.iter_chunks(BLOCK):
                file.write(chunk)

    def local_path(self, name: str) -> None:
        """Nothing of a bucket is on this machine."""

    def location(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def stat(self, name: str) -> StoredFile | None:
        with _s3_errors():
            head = self._head(name)
        if head is None:
            return None
        return StoredFile(
            name=name, bytes=head["ContentLength"], sha256=head["Metadata"].get("sha256")
        )

    def download_url(self, name: str, *, seconds: int, saved_as: str = LATEST) -> str:
        """The URL is as good as the rights of whoever signs it,
        and no longer than his credentials.
        """
        where = {"Bucket": self._bucket, "Key": self._prefix + name}
        with _s3_errors():
            if self._head(name) is None:
                raise missing_file(name)
            disposition = {"ResponseContentDisposition": f'attachment; filename="{saved_as}"'}
            return self._s3.generate_presigned_url(
                "get_object", Params=where | disposition, ExpiresIn=seconds
            )

    def upload_form(self, name: str, *, seconds: int, most_bytes: int) -> UploadForm:
        """Signed as download_url is. The policy has no condition but those of botocore, on bucket
        and key, and the length, so S3 takes no other field:
        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        with _s3_errors():
            form = self._s3.generate_presigned_post(
                self._bucket,
                self._prefix + name,
                Conditions=[["content-length-range", 1, most_bytes]],
                ExpiresIn=seconds,
            )
        return UploadForm(url=form["url"], fields=form["fields"])

    def set_latest(self, name: str) -> None:
        source = self._prefix + name
        note = {"snapshot": name}
        with _s3_errors():
            size = self._size(name)
            if size > self._multipart.largest_request:
                self._multipart.copy(source, self._prefix + LATEST, size=size, metadata=note)
                return
            # Without a directive the copy would have the snapshot's own metadata, and no note.
            self._s3.copy_object(
                Bucket=self._bucket,
                Key=self._prefix + LATEST,
                CopySource={"Bucket": self._bucket, "Key": source},
                MetadataDirective="REPLACE",
                Metadata=note,
            )

    def latest(self) -> str | None:
        with _s3_errors():
            head = self._head(LATEST)
        return head["Metadata"].get("snapshot") if head else None

    def owner(self) -> str | None:
        with _s3_errors():
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + OWNER)
            except ClientError as exc:
                if exc.response["Error"]["Code"] in ABSENT:
                    return None
                raise
            return answer["Body"].read().decode("utf-8", "replace")

    def set_owner(self, text: str) -> bool:
        def write() -> None:
            self._s3.put_object(
                Bucket=self._bucket, Key=self._prefix + OWNER, Body=text.encode(), IfNoneMatch="*"
            )

        with _s3_errors():
            try:
                self._insist(write)
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "PreconditionFailed":
                    return False
                raise
            return True

    def names(self, prefix: str) -> list[str]:
        with _s3_errors():
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            found = (
                item["Key"].removeprefix(self._prefix)
                for page in pages
                for item in page.get("Contents", [])
            )
            return sorted(name for name in found if name != OWNER)

    def remove(self, name: str) -> None:
        with _s3_errors():
            self._s3.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def tidy(self, *, now: float) -> None:
        with _s3_errors():
            self._multipart.abort_old(
                self._prefix, begun_before=now - UPLOAD_SECONDS, is_ours=self._is_ours
            )

    def _is_ours(self, key: str) -> bool:
        name = key.removeprefix(self._prefix)
        if name == LATEST or is_fenced(name):
            return True
        return drill_began(name) is not None or list_file_time(name) is not None

    def _size(self, name: str) -> int:
        """Listed and not asked for with a HEAD, whose refusal says no more than 404."""
        key = self._prefix + name
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        found = answer.get("Contents", [])
        if not found or found[0]["Key"] != key:
            raise missing_file(name)
        return found[0]["Size"]

    def _sha256(self, name: str) -> str | None:
        head = self._s3.head_object(Bucket=self._bucket, Key=self._prefix + name)
        return head["Metadata"].get("sha256")

    def _head(self, name: str) -> HeadObjectOutputTypeDef | None:
        """None when there is no such object. Who may not list the bucket is told 403 instead."""
        try:
            return self._s3.head_object(Bucket=self._bucket, Key=self._prefix + name)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return None
            raise


@contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        code = type(exc).__name__
        if isinstance(exc, ClientError):
            code = exc.response["Error"]["Code"]
        kind = WarehouseSilent if _may_pass(exc) else WarehouseUnavailable
        raise kind(
            f"The warehouse bucket does not answer: {code}. Check that it exists and that this function may use it."
        ) from exc


def _may_pass(exc: ClientError | BotoCoreError) -> bool:
    """No answer after all of botocore's tries, or S3's word that it cannot now."""
    if isinstance(exc, ClientError):
        if exc.response["Error"]["Code"] in CONFLICTS:
            return True
        status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(exc, (HTTPClientError, IncompleteReadError))
