"""S3Place: the objects of a bucket under a prefix, or those of a pattern."""

from __future__ import annotations

from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import (
    FilesNotFound,
    FileUnreadable,
    SourceForbidden,
    SourceInterrupted,
    SourceRefused,
    SourceThrottled,
    SourceUnavailable,
    SourceUnreachable,
)
from chalicelib.warehouse.disk import BLOCK, disk_errors

from .limits import USUAL
from .place import Listed, changed_file, is_pattern, listed_in_order, pattern_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from types_boto3_s3 import S3Client

    from chalicelib.errors import SourceError

    from .limits import Limits

TRIES = 3  # of an object whose transfer breaks; botocore itself repeats what was not answered
FORBIDDEN = {
    "AccessDenied",
    "403",
    "Forbidden",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
}
GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}  # or another one under the same name
BUSY = {"SlowDown", "Throttling", "RequestLimitExceeded"}


class S3Place:
    """`s3://bucket/folder/*.zip`, `s3://bucket/folder/` for all below it, or one object.
    An object is read as it was listed or not at all: its ETag is asked for with it.
    """

    is_shared = True
    waiting: dict[str, Any] | None = None

    def __init__(self, s3: S3Client, url: str, *, limits: Limits = USUAL) -> None:
        self._s3 = s3
        self._url = url
        self._bucket, _, self._path = url.removeprefix("s3://").partition("/")
        self._limits = limits
        self.retries = 0

    def files(self) -> list[Listed]:
        files = []
        with _errors_as_ours(self._bucket):
            for item in self._objects():
                if self._is_meant(item["Key"]):
                    name = item["Key"].removeprefix(self._folder)
                    version = item["ETag"].strip('"')
                    since = int(item["LastModified"].timestamp())
                    files.append(Listed(name, item["Size"], version, since=since))
                if len(files) > self._limits.files:
                    break
        return listed_in_order(files, self._url, self._limits)

    def fetch(self, listed: Listed, target: Path) -> Path:
        """Raises FileChanged: the object is another one than when it was listed."""
        for attempt in range(TRIES):
            try:
                self._fetch(listed, target)
            except SourceInterrupted:
                if attempt + 1 == TRIES:
                    raise
                self.retries += 1
            else:
                break
        return target

    def check(self, listed: Listed) -> None:
        """What is read is our own copy."""

    def close(self) -> None:
        """The client is the caller's."""

    @property
    def _prefix(self) -> str:
        """What all the keys begin with."""
        for place, sign in enumerate(self._path):
            if sign in "*?[":
                return self._path[:place]
        return self._path

    @property
    def _folder(self) -> str:
        """What is no part of the names."""
        end = self._prefix.rfind("/") + 1
        return self._prefix[:end]

    def _objects(self) -> Iterator[Any]:
        paginator = self._s3.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self._bucket, Prefix=self._prefix):
            yield from page.get("Contents", [])

    def _is_meant(self, key: str) -> bool:
        if key.endswith("/"):
            return False  # a folder, as the S3 console makes them
        if is_pattern(self._path):
            return pattern_of(self._path).fullmatch(key) is not None
        is_folder = self._path.endswith("/") or not self._path
        return is_folder or key == self._path

    def _fetch(self, listed: Listed, target: Path) -> None:
        with _errors_as_ours(self._bucket, listed.name):
            key = self._folder + listed.name
            tag = f'"{listed.version}"'
            answer = self._s3.get_object(Bucket=self._bucket, Key=key, IfMatch=tag)
            with disk_errors(), closing(answer["Body"]) as body, target.open("wb") as file:
                for chunk in body.iter_chunks(BLOCK):
                    file.write(chunk)
        if target.stat().st_size != listed.size:
            raise changed_file(listed.name)


@contextmanager
def _errors_as_ours(bucket: str, name: str = "") -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        raise _refusal(exc, bucket, name) from exc
    except BotoCoreError as exc:
        if name:
            raise SourceInterrupted(
                f"{name} did not come whole from the bucket. Start the import again."
            ) from exc
        raise SourceUnreachable(
            f"The bucket {bucket} cannot be reached ({type(exc).__name__}). Check its name and the network."
        ) from exc


def _refusal(exc: ClientError, bucket: str, name: str) -> SourceError:
    code = exc.response["Error"]["Code"]
    status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
    if code == "NoSuchBucket":
        return FilesNotFound(f"There is no bucket {bucket}. Check the address.")
    if code in GONE and name:
        return changed_file(name)
    if code == "InvalidObjectState":
        problem = f"{name} lies in an archive of S3. Restore it there before."
        return FileUnreadable(problem, file=name)
    if code in FORBIDDEN:
        return SourceForbidden(
            f"S3 does not let this function read the bucket {bucket} ({code}). Give it the rights s3:ListBucket and "
            "s3:GetObject there."
        )
    if code in BUSY:
        return SourceThrottled(
            f"S3 takes no more requests for the bucket {bucket} for now. Start again later."
        )
    kind = SourceUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else SourceRefused
    return kind(
        f"S3 refuses to read the bucket {bucket} ({code}). Check the address, or start again later."
    )
