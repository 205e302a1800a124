"""The bucket of code and templates: this account's own, and looked at before anything is read from
it.

One for all stages of an account and region. Its name is of a kind that S3 gives to this account
alone, where it does: https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

NOT_FOUND = 404
WITHOUT_NAMESPACES = ("me-south-1", "me-central-1")
OLD_DAYS = 30  # how long what was removed can be brought back
PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)
LIFECYCLE = [
    {
        "ID": "old-versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_DAYS},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    }
]


class CodeBucketError(Exception):
    """Nothing may be uploaded or read; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class CodeBucket:
    """Every call names the account that must own the bucket;
    S3 refuses it where another one does.
    """

    s3: Any
    account: str
    region: str
    partition: str = "aws"

    @property
    def name(self) -> str:
        shared = f"wellhead-code-{self.account}-{self.region}"
        if self.region in WITHOUT_NAMESPACES:
            return shared
        return f"{shared}-an"

    def make_ready(self) -> None:
        """It is there, ours and set up. Raises CodeBucketError."""
        try:
            self.s3.head_bucket(**self._ours)
        except ClientError as exc:
            if not _is_absent(exc):
                raise CodeBucketError(
                    f"The bucket {self.name} is not this account's, or you may not use it: {exc}. "
                    "Nothing was uploaded, and nothing is deployed from it."
                ) from exc
            self._create()
        self._set_up()

    def upload(self, path: Path, *, stack: str) -> str:
        """Its key, which tells the content, so that the same code is no change."""
        content = path.read_bytes()
        return self.put(content, stack=stack, ending=path.suffix)

    def put(self, content: bytes, *, stack: str, ending: str) -> str:
        key = f"{stack}/{hashlib.sha256(content).hexdigest()}{ending}"
        try:
            self.s3.head_object(**self._ours, Key=key)
        except ClientError as exc:
            if not _is_absent(exc):
                raise
            self.s3.put_object(**self._ours, Key=key, Body=content)
        return key

    def address(self, key: str) -> str:
        """As CloudFormation reads it, with the rights of who deploys: at the region's own S3,
        for the common address does not lead to regions that are newer than March 2019.
        """
        endpoint = self.s3.meta.endpoint_url
        return f"{endpoint}/{self.name}/{key}"

    def remove_others(self, keys: set[str], *, stack: str) -> int:
        """How many files of the stack went that its template does not name any more.
        A change that fails goes back to what it names, so this is for after a change.
        """
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self._ours, Prefix=f"{stack}/")
        old = [
            item["Key"]
            for page in pages
            for item in page.get("Contents", [])
            if item["Key"] not in keys
        ]
        for key in old:
            self.s3.delete_object(**self._ours, Key=key)
        return len(old)

    @property
    def _ours(self) -> dict[str, str]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.account}

    def _create(self) -> None:
        options: dict[str, Any] = {"Bucket": self.name}
        if self.name.endswith("-an"):
            options["BucketNamespace"] = "account-regional"
        if self.region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        self.s3.create_bucket(**options)

    def _set_up(self) -> None:
        """At each deploy, for somebody may have changed it."""
        encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        self.s3.put_public_access_block(**self._ours, PublicAccessBlockConfiguration=PRIVATE)
        self.s3.put_bucket_encryption(**self._ours, ServerSideEncryptionConfiguration=encryption)
        self.s3.put_bucket_versioning(**self._ours, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_lifecycle_configuration(
            **self._ours, LifecycleConfiguration={"Rules": LIFECYCLE}
        )
        self.s3.put_bucket_policy(**self._ours, Policy=json.dumps(self._policy()))

    def _policy(self) -> dict[str, Any]:
        arn = f"arn:{self.partition}:s3:::{self.name}"
        only_tls = {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return {"Version": "2012-10-17", "Statement": [only_tls]}


def _is_absent(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return bool(status == NOT_FOUND)
