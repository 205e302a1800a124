"""A deployed stage: its stack, its code, its tokens, over AWS clients that are passed in."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from chalicelib.api.token_entry import NAME, Role, TokenEntry, new_token
from infra.package import Package

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
FAILED_FIRST = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")  # such a stack can only be deleted
GONE = ("ResourceNotFoundException", "NoSuchBucket")
UNCONFIRMED = ("PendingConfirmation", "Deleted")  # in place of the ARN of a subscription
UNCHANGED = ("didn't contain changes", "No updates are to be performed")


class DeploymentError(Exception):
    """AWS refused, or something is missing; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`client` makes an AWS client by its service. `waiter`: how many seconds between two looks at a change, and how
    many looks.
    """

    client: Callable[[str], Any]
    region: str
    stage: str
    waiter: Mapping[str, int] = field(default_factory=lambda: {"Delay": 5, "MaxAttempts": 360})

    @property
    def stack(self) -> str:
        return f"wellhead-{self.stage}"

    def deploy(self, package: Package, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create the stack or change it; its outputs. What is not among `parameters` keeps its value. Raises
        DeploymentError.
        """
        before = self._description()
        if before and before["StackStatus"] in FAILED_FIRST:
            raise DeploymentError(f"The first deploy of {self.stack} failed: make destroy, then make deploy again.")
        exists = before is not None
        values = self._parameters(json.loads(package.template.read_text()), parameters, before or {})
        change = self._change_set(self._upload(package), values, exists=exists)
        if change:
            self._cloudformation.execute_change_set(ChangeSetName=change)
            self._wait("stack_update_complete" if exists else "stack_create_complete")
        return self.outputs()

    def outputs(self) -> dict[str, str]:
        """Raises DeploymentError when there is no stack."""
        description = self._description()
        if description is None:
            raise DeploymentError(f"There is no stack {self.stack} in this account and region: make deploy makes it.")
        return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}

    def warnings(self) -> list[str]:
        """What whoever deploys should know of the stack as it is, a line each. Raises DeploymentError when there is no
        stack.
        """
        topic = self.outputs()["AlarmTopicArn"]
        pages = self.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        arns = [told["SubscriptionArn"] for page in pages for told in page["Subscriptions"]]
        if not arns:
            return [
                "ALARMS GO TO NOBODY: no mail is sent and no one is called when imports fail or stop. To change that:",
                f"  make deploy STAGE={self.stage} PARAMETERS='AlarmEmail=you@example.com'",
                f"or subscribe something else to {topic}",
            ]
        if all(arn in UNCONFIRMED for arn in arns):
            return ["ALARMS GO TO NOBODY YET: AWS has sent a mail to the address in AlarmEmail; open the link in it."]
        return []

    def destroy(self) -> None:
        """Delete the stack, if there is one. Table, bucket, file system, tokens and secret stay. Raises
        DeploymentError.
        """
        if self._description():
            self._cloudformation.delete_stack(StackName=self.stack)
            self._wait("stack_delete_complete")

    def delete_data(self) -> None:
        """What is left of table, bucket with all its versions, tokens and secret. A file system stays in any case."""
        with _unless_gone():
            self._delete_table()
        with _unless_gone():
            self._delete_bucket(f"{self.stack}-{self._account}-{self.region}")
        self._delete_parameters()

    def make_token(self, name: str, role: Role, *, days: int | None = None) -> str:
        """A new token, of so many days; one that the name had before ends within a minute. Its hash alone is kept.
        Raises DeploymentError.
        """
        if not NAME.fullmatch(name):
            raise DeploymentError("The name may have 1 to 64 of letters, digits, `.`, `_` and `-`.")
        self.outputs()
        token = new_token()
        entry = TokenEntry.new(token, role, now=time.time(), days=days)
        self.client("ssm").put_parameter(
            Name=f"/{self.stack}/tokens/{name}", Value=entry.text(), Type="String", Overwrite=True
        )
        return token

    @property
    def _cloudformation(self) -> Any:
        return self.client("cloudformation")

    @property
    def _account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    def _description(self) -> dict[str, Any] | None:
        """None when there is no stack."""
        try:
            (stack,) = self._cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        return None if stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else stack

    def _parameters(
        self, template: dict[str, Any], given: Mapping[str, str], before: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """`before` is the stack as it is. Raises DeploymentError."""
        known: dict[str, Any] = template["Parameters"]
        values = {"Stage": self.stage, **given}
        kept = {told["ParameterKey"] for told in before.get("Parameters", [])} & known.keys() - values.keys()
        if unknown := sorted(values.keys() - known.keys()):
            raise DeploymentError(f"There is no parameter {unknown[0]}; infra/README.md lists them.")
        if missing := [name for name, told in known.items() if "Default" not in told and name not in {*values, *kept}]:
            raise DeploymentError(f"The first deploy needs {missing[0]}: make deploy PARAMETERS='{missing[0]}=...'")
        return [
            *({"ParameterKey": name, "ParameterValue": value} for name, value in values.items()),
            *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
        ]

    def _change_set(self, url: str, parameters: list[dict[str, Any]], *, exists: bool) -> str | None:
        """None when nothing would change. A new stack takes over the table and the bucket that an older one left."""
        options = {} if exists else {"ImportExistingResources": True}
        change: str = self._cloudformation.create_change_set(
            StackName=self.stack,
            ChangeSetName=f"deploy-{secrets.token_hex(4)}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=url,
            Parameters=parameters,
            Capabilities=CAPABILITIES,
            **options,
        )["Id"]
        try:
            self._cloudformation.get_waiter("change_set_create_complete").wait(
                ChangeSetName=change, WaiterConfig=self.waiter
            )
        except WaiterError as exc:
            reason = exc.last_response.get("StatusReason", "")
            if any(words in reason for words in UNCHANGED):
                return None
            raise DeploymentError(f"CloudFormation refuses the template: {reason}") from exc
        return change

    def _wait(self, state: str) -> None:
        try:
            self._cloudformation.get_waiter(state).wait(StackName=self.stack, WaiterConfig=self.waiter)
        except WaiterError as exc:
            raise DeploymentError(f"{self.stack}: {self._first_failure()}") from exc

    def _first_failure(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self.stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        if not failed:
            return "the change did not end in time; look at the stack's events in the AWS console."
        return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', 'failed')}"

    def _upload(self, package: Package) -> str:
        """The template's URL. Names tell the content, so that the same code is no change."""
        bucket = self._code_bucket()
        s3 = self.client("s3")
        code, layer = (self._upload_zip(s3, bucket, path) for path in (package.bundle, package.layer))
        template = json.dumps(package.template_with_code(bucket=bucket, key=code, layer=layer)).encode()
        key = f"{self.stack}/{hashlib.sha256(template).hexdigest()}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=template)
        return str(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}).partition("?")[0])

    def _upload_zip(self, s3: Any, bucket: str, path: Path) -> str:
        """Its key, if it is there already too."""
        content = path.read_bytes()
        key = f"{self.stack}/{hashlib.sha256(content).hexdigest()}.zip"
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            s3.put_object(Bucket=bucket, Key=key, Body=content)
        return key

    def _code_bucket(self) -> str:
        """One for all stages of the account and region, made by the first deploy."""
        s3, bucket = self.client("s3"), f"wellhead-code-{self._account}-{self.region}"
        where = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError:
            s3.create_bucket(Bucket=bucket, **({} if self.region == "us-east-1" else where))
            names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True))
        return bucket

    def _delete_table(self) -> None:
        dynamodb = self.client("dynamodb")
        dynamodb.update_table(TableName=self.stack, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=self.stack)

    def _delete_bucket(self, bucket: str) -> None:
        s3 = self.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)

    def _delete_parameters(self) -> None:
        ssm = self.client("ssm")
        for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=f"/{self.stack}", Recursive=True):
            for parameter in page["Parameters"]:
                ssm.delete_parameter(Name=parameter["Name"])


@contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in GONE:
            raise
