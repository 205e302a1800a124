"""A deployed stage: its stack and its tokens, over AWS clients that are passed in."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError, WaiterError
from botocore.exceptions import ConnectionError as NotConnected

from chalicelib.api.token_entry import NAME, Role, TokenEntry, new_token
from infra.changes import Change, Prepared, Progress, lines_of
from infra.code_bucket import CodeBucket, CodeBucketError
from infra.failed import failure_of, said_before, stuck_resources
from infra.names import Place, existing_data, with_names
from infra.package import Package
from infra.query_disk import disk_warnings
from infra.recovery import manager_of

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
# Stages whose stacks are protected: prod, eu-prod2, live-blue; not preprod.
PRODUCTION = re.compile(r"(.*-)?(prod|prd|production|live)\d*(-.*)?")
THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
)
UNCONFIRMED = ("PendingConfirmation", "Deleted")  # in place of the ARN of a subscription
UNCHANGED = ("didn't contain changes", "No updates are to be performed")


class DeploymentError(Exception):
    """AWS refused, or something is missing; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`client` makes an AWS client by its service. `waiter`: how many seconds between two looks at
    a change, and how many looks. `say` tells whoever deploys how it goes on.
    """

    client: Callable[[str], Any]
    region: str
    stage: str
    waiter: Mapping[str, int] = field(default_factory=lambda: {"Delay": 5, "MaxAttempts": 360})
    say: Callable[[str], Any] = print

    @property
    def stack(self) -> str:
        return f"wellhead-{self.stage}"

    @property
    def is_production(self) -> bool:
        return PRODUCTION.fullmatch(self.stage) is not None

    def place(self) -> Place:
        caller = self.client("sts").get_caller_identity()
        partition = str(caller["Arn"]).split(":")[1]
        return Place(
            stack=self.stack,
            account=str(caller["Account"]),
            region=self.region,
            partition=partition,
        )

    def deploy(
        self, package: Package, parameters: Mapping[str, str], tags: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Create the stack or change it; its outputs. What is not among `parameters` and `tags`
        keeps its value. What is left of a first deploy or a deletion that failed goes before,
        without the data. Raises DeploymentError.
        """
        before = self.description()
        tags = tags or {}
        if before and (what := failure_of(before)):
            # What was given for the failed stack is kept, since that goes with all that it says.
            template = json.loads(package.template.read_text())
            repeated, hidden = said_before(template["Parameters"], before)
            parameters = {**repeated, **parameters}
            tags = self._tags(before, tags)
            # Looked at before anything is removed: it raises where a value is missing or unknown.
            self._parameters(template, parameters, {})
            self.say(f"The {what} of {self.stack} failed; what is left of it is removed.")
            lost = [name for name in hidden if name not in parameters]
            if lost:
                self.say(
                    f"Give {', '.join(lost)} again, where it had a value: it is not shown to anybody."
                )
            self.delete_stack()
            before = None
        prepared = self._prepare(package, parameters, before, tags)
        if prepared.change_set:
            self._execute(prepared)
        if self.is_production:
            self.protect(protected=True)
        # Not before: until the change is through, a way back reads the files of the last deploy.
        self._code_bucket().remove_others(set(prepared.keys), stack=self.stack)
        return self.outputs()

    def plan(
        self, package: Package, parameters: Mapping[str, str], tags: Mapping[str, str] | None = None
    ) -> list[str]:
        """What a deploy would do, a line each; nothing is done. Raises DeploymentError."""
        before = self.description()
        if before and (what := failure_of(before)):
            return [
                f"The {what} of {self.stack} failed: the next one removes what is left, and creates it again."
            ]
        try:
            prepared = self._prepare(package, parameters, before, tags or {})
            if prepared.change_set is None:
                return ["Nothing would change."]
            self._cloudformation.delete_change_set(ChangeSetName=prepared.change_set)
        finally:
            # A change set that would create a stack leaves an empty one in REVIEW_IN_PROGRESS.
            if before is None:
                self._remove_review()
        return [*lines_of(prepared.changes), *prepared.remarks()]

    def outputs(self) -> dict[str, str]:
        """Raises DeploymentError when there is no stack."""
        description = self.description()
        if description is None:
            raise DeploymentError(
                f"There is no stack {self.stack} in this account and region: make deploy makes it."
            )
        return {
            output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])
        }

    def description(self) -> dict[str, Any] | None:
        """None when there is no stack."""
        stack = self._describe()
        if stack is None or stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
            return None
        return stack

    def warnings(self) -> list[str]:
        """What whoever deploys should know of the stack as it is, a line each.
        Raises DeploymentError when there is no stack.
        """
        outputs = self.outputs()
        told = (self.description() or {}).get("Parameters", [])
        values = {each["ParameterKey"]: each.get("ParameterValue", "") for each in told}
        manager = manager_of(self.client("dynamodb"), outputs["TableName"])
        return [
            *self._of_alarms(outputs["AlarmTopicArn"]),
            *disk_warnings(manager, values, stage=self.stage),
        ]

    def _of_alarms(self, topic: str) -> list[str]:
        paginator = self.client("sns").get_paginator("list_subscriptions_by_topic")
        pages = paginator.paginate(TopicArn=topic)
        arns = [told["SubscriptionArn"] for page in pages for told in page["Subscriptions"]]
        if not arns:
            return [
                "ALARMS GO TO NOBODY: no mail is sent and no one is called when imports fail or stop. To change that:",
                f"  make deploy STAGE={self.stage} PARAMETERS='AlarmEmail=you@example.com'",
                f"or subscribe something else to {topic}",
            ]
        if all(arn in UNCONFIRMED for arn in arns):
            return [
                "ALARMS GO TO NOBODY YET: AWS has sent a mail to the address in AlarmEmail; open the link in it."
            ]
        return []

    def delete_stack(self) -> None:
        """Table, bucket, file system, tokens and secret stay, and so does what could not be deleted
        the last time. Raises DeploymentError when there is no stack.
        """
        description = self.description()
        if description is None:
            raise DeploymentError(f"There is no stack {self.stack} in this account and region.")
        # By its id: a stack that is deleted has no name any more, and is looked at to the end.
        progress = self._progress(description["StackId"])
        options = {}
        left = stuck_resources(self._cloudformation, description)
        if left:
            self.say(f"It could not be deleted, so look at it yourself: {', '.join(left)}.")
            options = {"RetainResources": left}
        self._cloudformation.delete_stack(StackName=self.stack, **options)
        self._follow(progress)

    def protect(self, *, protected: bool) -> None:
        """Against deletion, the stack itself; the table has a protection of its own."""
        self._cloudformation.update_termination_protection(
            StackName=self.stack, EnableTerminationProtection=protected
        )

    def make_token(self, name: str, role: Role, *, days: int | None = None) -> str:
        """A new token, of so many days; one that the name had before ends within a minute.
        Its hash alone is kept. Raises DeploymentError.
        """
        if not NAME.fullmatch(name):
            raise DeploymentError("The name may have 1 to 64 of letters, digits, `.`, `_` and `-`.")
        self.outputs()  # raises where there is no stack: nobody would read the token
        token = new_token()
        entry = TokenEntry.new(token, role, now=time.time(), days=days)
        self.client("ssm").put_parameter(
            Name=f"/{self.stack}/tokens/{name}", Value=entry.text(), Type="String", Overwrite=True
        )
        return token

    @property
    def _cloudformation(self) -> Any:
        return self.client("cloudformation")

    def _describe(self) -> dict[str, Any] | None:
        """Also a stack that is not yet one."""
        try:
            answer = self._cloudformation.describe_stacks(StackName=self.stack)
        except ClientError as exc:
            # What CloudFormation says of a name that no stack has.
            if exc.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        stack: dict[str, Any] = answer["Stacks"][0]
        return stack

    def _remove_review(self) -> None:
        """What a plan makes is a name for its change set alone;
        somebody may have deployed meanwhile.
        """
        stack = self._describe()
        if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            self._cloudformation.delete_stack(StackName=stack["StackId"])

    def _parameters(
        self, template: dict[str, Any], given: Mapping[str, str], before: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """`before` is the stack as it is. Raises DeploymentError."""
        known: dict[str, Any] = template["Parameters"]
        values = {"Stage": self.stage, **given}
        # A parameter of an older template that this one has no more is not given again.
        before_names = {each["ParameterKey"] for each in before.get("Parameters", [])}
        kept = before_names & known.keys() - values.keys()
        unknown = sorted(values.keys() - known.keys())
        if unknown:
            raise DeploymentError(
                f"There is no parameter {unknown[0]}; infra/README.md lists them."
            )
        required = [name for name, facts in known.items() if "Default" not in facts]
        missing = [name for name in required if name not in {*values, *kept}]
        if missing:
            raise DeploymentError(
                f"The first deploy needs {missing[0]}: make deploy PARAMETERS='{missing[0]}=...'"
            )
        return [
            *({"ParameterKey": name, "ParameterValue": value} for name, value in values.items()),
            *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
        ]

    def _prepare(
        self,
        package: Package,
        parameters: Mapping[str, str],
        before: dict[str, Any] | None,
        tags: Mapping[str, str],
    ) -> Prepared:
        """`before` is the stack as it is."""
        if before is None and "ApiLogRole" not in parameters:
            parameters = {**parameters, "ApiLogRole": self._log_role()}
        template = json.loads(package.template.read_text())
        values = self._parameters(template, parameters, before or {})
        template, keys, url = self._upload(package, new=before is None)
        created = self._create_change_set(
            url, values, self._tags(before or {}, tags), exists=before is not None
        )
        found = self._changes(created["Id"])
        return Prepared(
            template=template,
            keys=keys,
            change_set=None if found is None else created["Id"],
            stack_id=created["StackId"],
            given=frozenset(parameters),
            changes=tuple(found or ()),
        )

    def _log_role(self) -> str:
        """API Gateway has one role for all logs of an account and region:
        another one is nobody's to replace.
        """
        if self.client("apigateway").get_account().get("cloudwatchRoleArn"):
            return "existing"
        return "create"

    def _tags(self, before: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
        """Of the stack; CloudFormation puts them on all that it makes and that can have tags.
        Two that differ in case alone are one for IAM, which refuses both. Raises DeploymentError.
        """
        if len({key.casefold() for key in given}) < len(given):
            raise DeploymentError(
                "Two of the tags have the same key but for small and capital letters: keep one."
            )
        kept = {tag["Key"]: tag["Value"] for tag in before.get("Tags", [])}
        usual = {"application": "wellhead", "stage": self.stage}
        # Later ones take the place of earlier ones, whatever their case: Stage=x replaces stage.
        tags: dict[str, str] = {}
        for more in (usual, kept, given):
            replaced = {key.casefold() for key in more}
            others = {key: value for key, value in tags.items() if key.casefold() not in replaced}
            tags = {**others, **more}
        return tags

    def _upload(self, package: Package, *, new: bool) -> tuple[dict[str, Any], frozenset[str], str]:
        """The template as it is deployed,
        the files that it and CloudFormation read, and its own address.
        """
        bucket = self._code_bucket()
        try:
            bucket.make_ready()
        except CodeBucketError as exc:
            raise DeploymentError(str(exc)) from exc
        paths = (package.bundle, package.layer, package.job)
        code, layer, job = (bucket.upload(path, stack=self.stack) for path in paths)
        template = package.template_with_code(
            bucket=bucket.name,
            key=code,
            layer=layer,
            job=job,
        )
        place = self.place()
        # Only a new stack can take over what an older one has left.
        clients = {name: self.client(name) for name in ("dynamodb", "s3")}
        existing = existing_data(place, **clients) if new else ()
        template = with_names(template, place, existing)
        key = bucket.put(json.dumps(template).encode(), stack=self.stack, ending=".json")
        return template, frozenset({code, layer, job, key}), bucket.address(key)

    def _code_bucket(self) -> CodeBucket:
        place = self.place()
        return CodeBucket(
            s3=self.client("s3"),
            account=place.account,
            region=self.region,
            partition=place.partition,
        )

    def _create_change_set(
        self, url: str, parameters: list[dict[str, Any]], tags: Mapping[str, str], *, exists: bool
    ) -> dict[str, str]:
        """A new stack takes over the table and the bucket that an older one left."""
        options = {} if exists else {"ImportExistingResources": True}
        created: dict[str, str] = self._cloudformation.create_change_set(
            StackName=self.stack,
            ChangeSetName=f"deploy-{secrets.token_hex(4)}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=url,
            Parameters=parameters,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            Capabilities=CAPABILITIES,
            **options,
        )
        return created

    def _changes(self, change_set: str) -> list[Change] | None:
        """None when nothing would change. Raises DeploymentError."""
        try:
            self._cloudformation.get_waiter("change_set_create_complete").wait(
                ChangeSetName=change_set, WaiterConfig=self.waiter
            )
        except WaiterError as exc:
            # CloudFormation counts a change set without changes as one that has failed.
            reason = exc.last_response.get("StatusReason", "")
            if any(words in reason for words in UNCHANGED):
                self._cloudformation.delete_change_set(ChangeSetName=change_set)
                return None
            raise DeploymentError(f"CloudFormation refuses the template: {reason}") from exc
        pages = self._cloudformation.get_paginator("describe_change_set").paginate(
            ChangeSetName=change_set
        )
        return [Change.of(told["ResourceChange"]) for page in pages for told in page["Changes"]]

    def _execute(self, prepared: Prepared) -> None:
        for line in prepared.remarks():
            self.say(line)
        # Before the change begins: what has happened to the stack by now is no part of it.
        progress = self._progress(prepared.stack_id)
        self._cloudformation.execute_change_set(ChangeSetName=prepared.change_set)
        self._follow(progress)

    def _progress(self, stack_id: str) -> Progress:
        return Progress(self._cloudformation, stack_id, self.say)

    def _look(self, progress: Progress) -> str | None:
        """What does not answer now is looked at again."""
        try:
            return progress.follow()
        except (HTTPClientError, NotConnected):
            return None
        except ClientError as exc:
            if exc.response["Error"]["Code"] in THROTTLED:
                return None
            raise

    def _follow(self, progress: Progress) -> None:
        """Raises DeploymentError, first with the reason."""
        for _ in range(self.waiter["MaxAttempts"]):
            state = self._look(progress)
            if state in DONE:
                return
            if state:
                raise DeploymentError(
                    f"{progress.reason()}\n{self.stack} is in the state {state} now."
                )
            time.sleep(self.waiter["Delay"])
        raise DeploymentError(f"{self.stack}: {progress.reason()}")
