"""What goes when a stage goes: looked at first, said, and only then removed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.jobs.lock import Lease
from infra.deployment import Deployment, DeploymentError
from infra.names import GONE
from infra.recovery import manager_of


@dataclass(frozen=True, kw_only=True)
class KeptTable:
    items: int
    bytes: int
    protected: bool


@dataclass(frozen=True, kw_only=True)
class KeptBucket:
    """`versions` are all that it holds, the old ones too."""

    name: str
    versions: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Remains:
    """Of a stage. `job` is an import that runs, `parameters` are tokens and secrets."""

    stack: bool
    protected: bool
    table: KeptTable | None
    bucket: KeptBucket | None
    parameters: tuple[str, ...]
    job: str | None

    @property
    def nothing(self) -> bool:
        return not self.stack and not self.has_data

    @property
    def has_data(self) -> bool:
        return bool(self.table or self.bucket or self.parameters)


@dataclass(frozen=True)
class Removal:
    deployment: Deployment

    def look(self) -> Remains:
        """Raises DeploymentError when there is nothing to remove, or an import runs."""
        stack = self.deployment.description()
        table = self._table()
        remains = Remains(
            stack=stack is not None,
            protected=bool(stack and stack.get("EnableTerminationProtection")),
            table=table,
            bucket=self._bucket(),
            parameters=tuple(self._parameters()),
            job=self._job() if table else None,
        )
        if remains.nothing:
            raise DeploymentError(
                f"There is no stack {self._name} in this account and region, and no data of one. "
                "Look at STAGE, AWS_PROFILE and AWS_REGION."
            )
        if remains.job:
            raise DeploymentError(
                f"An import runs (job {remains.job}). Wait for its end, or cancel it: wellhead cancel {remains.job}"
            )
        return remains

    def lines(self, remains: Remains, *, data: bool) -> list[str]:
        """What goes and what stays.
        Raises DeploymentError when there is no stack, and the data shall stay.
        """
        if not remains.stack and not data:
            raise DeploymentError(
                f"There is no stack {self._name} any more; its data is kept. To delete that too: DATA=delete"
            )
        of_stack = (
            [f"  the stack {self._name}: functions, API, alarms, and all logs"]
            if remains.stack
            else []
        )
        if remains.protected:
            of_stack.append("    it is protected against deletion; the protection is switched off")
        if not data:
            return [
                "This goes:",
                *of_stack,
                "This stays:",
                *self._data(remains),
                "  a file system, if there is one",
            ]
        protected = remains.table is not None and remains.table.protected
        unprotected = (
            ["    it is protected against deletion; the protection is switched off"]
            if protected
            else []
        )
        facts = self._data(remains)
        tables = 1 if remains.table else 0  # it stands first
        facts_of_table = facts[:tables]
        other_facts = facts[tables:]
        return [
            "This goes, and cannot be brought back:",
            *of_stack,
            *facts_of_table,
            *unprotected,
            *other_facts,
            "This stays:",
            "  a file system, if there is one",
        ]

    def asks(self, remains: Remains, *, data: bool) -> bool:
        """Whether somebody has to say the stack's name before it goes."""
        return data or remains.protected or self.deployment.is_production

    def remove(self, remains: Remains, *, data: bool) -> None:
        """Raises DeploymentError."""
        if remains.protected:
            self.deployment.protect(protected=False)
        if remains.stack:
            self.deployment.delete_stack()
        if data:
            protected = remains.table is not None and remains.table.protected
            for delete in (partial(self._delete_table, protected=protected), self._delete_bucket):
                try:
                    delete()
                except ClientError as exc:
                    _suppress_absence(exc)
            for name in remains.parameters:
                self.deployment.client("ssm").delete_parameter(Name=name)

    @property
    def _name(self) -> str:
        return self.deployment.stack

    def _data(self, remains: Remains) -> list[str]:
        """A line each, the table first."""
        table = remains.table
        bucket = remains.bucket
        lines = []
        if table:  # DynamoDB counts some four times a day
            lines.append(
                f"  the table {self._name}: about {table.items:,} items, {_size(table.bytes)}"
            )
        if bucket:
            lines.append(
                f"  the bucket {bucket.name}: {bucket.versions:,} files and versions, {_size(bucket.bytes)}"
            )
        if remains.parameters:
            tokens = sum(name.startswith(f"/{self._name}/tokens/") for name in remains.parameters)
            lines.append(
                f"  {tokens} tokens and {len(remains.parameters) - tokens} secrets below /{self._name} in SSM"
            )
        return lines

    def _table(self) -> KeptTable | None:
        try:
            told = self.deployment.client("dynamodb").describe_table(TableName=self._name)["Table"]
        except ClientError as exc:
            _suppress_absence(exc)
            return None
        return KeptTable(
            items=told.get("ItemCount", 0),
            bytes=told.get("TableSizeBytes", 0),
            protected=bool(told.get("DeletionProtectionEnabled")),
        )

    def _bucket(self) -> KeptBucket | None:
        try:
            versions = list(self._versions())
        except ClientError as exc:
            _suppress_absence(exc)
            return None
        size = sum(
            version.get("Size", 0) for version in versions
        )  # which a delete marker does not have
        return KeptBucket(
            name=self._ours["Bucket"],
            versions=len(versions),
            bytes=size,
        )

    def _parameters(self) -> Iterator[str]:
        pages = self.deployment.client("ssm").get_paginator("get_parameters_by_path")
        for page in pages.paginate(Path=f"/{self._name}", Recursive=True):
            for parameter in page["Parameters"]:
                yield parameter["Name"]

    def _job(self) -> str | None:
        """Of a worker whose lease is over nobody knows that it lives."""
        lock = manager_of(self.deployment.client("dynamodb"), self._name).lock()
        if lock.lease_until + Lease().grace > time.time():
            return lock.owner
        return None

    @property
    def _ours(self) -> dict[str, str]:
        place = self.deployment.place()
        return {"Bucket": place.bucket, "ExpectedBucketOwner": place.account}

    def _versions(self) -> Iterator[dict[str, Any]]:
        pages = self.deployment.client("s3").get_paginator("list_object_versions")
        for page in pages.paginate(**self._ours):
            yield from page.get("Versions", [])
            yield from page.get("DeleteMarkers", [])

    def _delete_table(self, *, protected: bool) -> None:
        dynamodb = self.deployment.client("dynamodb")
        wait = {"TableName": self._name, "WaiterConfig": dict(self.deployment.waiter)}
        if protected:
            dynamodb.update_table(TableName=self._name, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(**wait)  # one that is changed refuses to go
        dynamodb.delete_table(TableName=self._name)
        dynamodb.get_waiter("table_not_exists").wait(**wait)

    def _delete_bucket(self) -> None:
        s3 = self.deployment.client("s3")
        ours = self._ours
        objects = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in self._versions()
        ]
        for first in range(0, len(objects), 1000):
            answer = s3.delete_objects(
                **ours, Delete={"Objects": objects[first : first + 1000], "Quiet": True}
            )
            errors = answer.get("Errors")
            if errors:
                raise DeploymentError(
                    f"{errors[0]['Key']} could not be deleted: {errors[0].get('Message')}"
                )
        s3.delete_bucket(**ours)


def _suppress_absence(error: ClientError) -> None:
    if error.response["Error"]["Code"] not in GONE:
        raise error


def _size(count: int) -> str:
    if count >= 10**9:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:,.1f} MB"
