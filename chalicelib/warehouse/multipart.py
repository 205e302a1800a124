"""Large objects of S3, sent or copied in parts: one request takes 5 GB at most, and a broken one
begins anew.

S3 checks the SHA-256 of each part as it comes, and tells one of these for the whole: it knows no
SHA-256 of the bytes of an object that came in parts
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html). What
fails is aborted. The parts of a process that died stay, unseen and paid for, until `abort_old`.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import WarehouseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from types_boto3_s3 import S3Client

LARGEST_REQUEST = 1 << 30  # bytes; what is larger goes in parts
PART_BYTES = 64 << 20  # one is in memory while it is sent; S3 takes 10,000 of them
UPLOAD_SECONDS = 86_400  # no living process sends one object for longer


@dataclass(frozen=True, kw_only=True)
class Multipart:
    """Every method raises what botocore raises."""

    s3: S3Client
    bucket: str
    largest_request: int = LARGEST_REQUEST
    part_bytes: int = PART_BYTES

    def send(self, path: Path, key: str, *, metadata: dict[str, str]) -> None:
        """As a new object: PreconditionFailed when the key is taken.
        Raises WarehouseUnavailable too, when S3 then holds something else than was sent.
        """
        size = path.stat().st_size
        begun = self._upload(
            key, Metadata=metadata, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE"
        )
        with begun as upload:
            parts = [self._send_part(upload, path, *part) for part in self._cut(size)]
            self._complete(upload, parts, size, IfNoneMatch="*")
        checksums = [part["ChecksumSHA256"] for part in parts]
        self._compare(key, size, whole_of(checksums))

    def copy(self, source: str, key: str, *, size: int, metadata: dict[str, str]) -> None:
        """From one key of the bucket to another, in place of what that one holds."""
        with self._upload(key, Metadata=metadata) as upload:
            parts = [self._copy_part(upload, source, *part) for part in self._cut(size)]
            self._complete(upload, parts, size)

    def abort_old(
        self, prefix: str, *, begun_before: float, is_ours: Callable[[str], bool]
    ) -> None:
        """The uploads below the prefix that no living process goes on with.
        `begun_before` is in epoch seconds.
        """
        paginator = self.s3.get_paginator("list_multipart_uploads")
        for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix):
            for upload in page.get("Uploads", []):
                is_old = upload["Initiated"].timestamp() < begun_before
                if is_old and is_ours(upload["Key"]):
                    self.s3.abort_multipart_upload(
                        Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    @contextmanager
    def _upload(self, key: str, **options: Any) -> Iterator[dict[str, Any]]:
        """Begun, and thrown away when the block fails."""
        answer = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **options)
        upload: dict[str, Any] = {
            "Bucket": self.bucket,
            "Key": key,
            "UploadId": answer["UploadId"],
        }
        try:
            yield upload
        except BaseException:
            with suppress(ClientError, BotoCoreError):  # what failed first is what is told
                self.s3.abort_multipart_upload(**upload)
            raise

    def _cut(self, size: int) -> Iterator[tuple[int, int, int]]:
        """The number, the first byte and the length of each part."""
        first_bytes = range(0, size, self.part_bytes)
        for number, first in enumerate(first_bytes, start=1):
            length = min(self.part_bytes, size - first)
            yield number, first, length

    def _send_part(
        self, upload: dict[str, Any], path: Path, number: int, first: int, length: int
    ) -> dict[str, Any]:
        with path.open("rb") as file:
            file.seek(first)
            body = file.read(length)
        digest = hashlib.sha256(body).digest()
        checksum = base64.b64encode(digest).decode()
        answer = self.s3.upload_part(
            **upload, PartNumber=number, Body=body, ChecksumSHA256=checksum
        )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _copy_part(
        self, upload: dict[str, Any], source: str, number: int, first: int, length: int
    ) -> dict[str, Any]:
        last = first + length - 1
        answer = self.s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource={"Bucket": self.bucket, "Key": source},
            CopySourceRange=f"bytes={first}-{last}",
        )
        result = answer["CopyPartResult"]
        checksums = {name: value for name, value in result.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": result["ETag"], **checksums}

    def _complete(
        self, upload: dict[str, Any], parts: list[Any], size: int, **conditions: Any
    ) -> None:
        self.s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": parts}, MpuObjectSize=size, **conditions
        )

    def _compare(self, key: str, size: int, checksum: str) -> None:
        head = self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        # With the number of parts behind it: that of three ends with "=-3".
        stored_checksum, _, _parts = head.get("ChecksumSHA256", "").partition("-")
        if (head["ContentLength"], stored_checksum) != (size, checksum):
            raise WarehouseUnavailable(
                "The warehouse bucket holds something else than was sent. Start the import again."
            )


def whole_of(checksums: list[str]) -> str:
    """The checksum of an object of parts with these checksums."""
    digests = b"".join(base64.b64decode(checksum) for checksum in checksums)
    digest = hashlib.sha256(digests).digest()
    return base64.b64encode(digest).decode()
