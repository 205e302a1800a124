"""CloudFormation as its documentation tells it of what exists already, which no emulator does: what
a stack takes over, what stays when it goes, and what stays when its creation fails. It makes
nothing but names.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # type: ignore[import-untyped]

from infra.deployment import Deployment
from local.aws.loopback import LoopbackHandler, LoopbackServer
from support.coordination import aws_client
from support.rights import ACCOUNT, REGION, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.aws.emulator import LocalAws

KEPT = ("Retain", "RetainExceptOnCreate")
HIDDEN = {"WebhookUrl"}  # its NoEcho is true
STACK = "AWS::CloudFormation::Stack"
Named = tuple[str, str]  # type and name


@cache
def identifier(kind: str) -> str | None:
    """The property that is the name of such a resource;
    None where AWS gives it one, or there are several.
    """
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return None
    found = schema.get("primaryIdentifier", [])
    if len(found) != 1 or found[0] in schema.get("readOnlyProperties", []):
        return None
    return str(found[0]).rpartition("/")[2]


@dataclass
class Stack:
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    events: list[dict[str, str]] = field(default_factory=list)  # the oldest first

    def note(self, resource: str, kind: str, status: str, reason: str = "") -> None:
        of_stack = kind == STACK
        self.events.append(
            {
                "StackId": self.id,
                "StackName": self.id.split("/")[1],
                "EventId": f"{self.id}-{len(self.events)}",
                "LogicalResourceId": resource,
                "PhysicalResourceId": self.id if of_stack else "",
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "Timestamp": "2026-11-23T12:00:00Z",
            }
        )
        if of_stack:
            self.status = status


class Refused(Exception):
    """With CloudFormation's sentence."""

    def __init__(self, sentence: str, code: str = "ValidationError") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Account:
    """`exists`: what has a name, with the stack that it belongs to. `breaks`: what cannot be made,
    `stuck`: what cannot be deleted. `log_role`: the one that API Gateway has. `api`: the address
    that a stack says it has. `throttled`: how many looks at events are refused.
    """

    read: Callable[[str], bytes]
    exists: dict[Named, str | None] = field(default_factory=dict)
    stacks: dict[str, Stack] = field(default_factory=dict)
    change_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    breaks: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    log_role: str = ""
    api: str = ""
    throttled: int = 0
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def call(self, action: str, told: dict[str, str]) -> Any:
        self.calls.append((action, told))
        return getattr(self, f"_{action}")(told)

    def _GetCallerIdentity(self, told: Mapping[str, str]) -> Any:  # noqa: N802  the name of the operation
        return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ada", "UserId": "ada"}

    def _DescribeStacks(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        stack = self._stack(told["StackName"])
        shown = {**stack.parameters, **dict.fromkeys(stack.parameters.keys() & HIDDEN, "****")}
        parameters = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in shown.items()
        ]
        facts = {
            "StackId": stack.id,
            "StackName": stack.id.split("/")[1],
            "StackStatus": stack.status,
        }
        topic = {
            "OutputKey": "AlarmTopicArn",
            "OutputValue": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
        }
        outputs = [
            topic,
            *([{"OutputKey": "RestApiUrl", "OutputValue": self.api}] if self.api else []),
        ]
        tags = [{"Key": key, "Value": value} for key, value in stack.tags.items()]
        more = {
            "CreationTime": "2026-11-23T12:00:00Z",
            "Parameters": parameters,
            "Outputs": outputs,
            "Tags": tags,
        }
        return {
            "Stacks": [facts | more | {"EnableTerminationProtection": str(stack.protected).lower()}]
        }

    def _CreateChangeSet(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        name = told["StackName"]
        if told["ChangeSetType"] == "CREATE":
            self.stacks[name] = Stack(
                f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{len(self.calls)}"
            )
        stack, template = self._stack(name), json.loads(self.read(told["TemplateURL"]))
        imports = told.get("ImportExistingResources") == "true"
        changes = list(self._changes(stack, template, imports=imports))
        found = f"{stack.id}/{told['ChangeSetName']}"
        parameters = _pairs(told, "Parameters", "ParameterKey", "ParameterValue")
        unchanged = not changes and parameters.items() <= stack.parameters.items()
        self.change_sets[found] = {
            "stack": name,
            "template": template,
            "changes": changes,
            "parameters": parameters,
        }
        self.change_sets[found]["tags"] = _pairs(told, "Tags", "Key", "Value")
        self.change_sets[found]["status"] = "FAILED" if unchanged else "CREATE_COMPLETE"
        return {"Id": found, "StackId": stack.id}

    def _DescribeChangeSet(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        change_set = self.change_sets[told["ChangeSetName"]]
        reason = (
            "The submitted information didn't contain changes."
            if change_set["status"] == "FAILED"
            else ""
        )
        changes = [
            {"Type": "Resource", "ResourceChange": change} for change in change_set["changes"]
        ]
        return {"Status": change_set["status"], "StatusReason": reason, "Changes": changes}

    def _DeleteChangeSet(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        del self.change_sets[told["ChangeSetName"]]
        return {}

    def _ExecuteChangeSet(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        change_set = self.change_sets.pop(told["ChangeSetName"])
        name, stack = change_set["stack"], self._stack(change_set["stack"])
        creates = stack.status == "REVIEW_IN_PROGRESS"
        verb = "CREATE" if creates else "UPDATE"
        stack.note(name, STACK, f"{verb}_IN_PROGRESS")
        stack.parameters, stack.tags = (
            stack.parameters | change_set["parameters"],
            change_set["tags"],
        )
        resources = change_set["template"]["Resources"]
        made: list[str] = []
        for change in change_set["changes"]:
            resource, kind = change["LogicalResourceId"], change["ResourceType"]
            named = _named(resources.get(resource, {}), name)
            if change["Action"] == "Add" and (resource in self.breaks or named in self.exists):
                reason = (
                    f"{named[1]} already exists"
                    if named in self.exists and named
                    else "It cannot be made."
                )
                stack.note(resource, kind, "CREATE_FAILED", reason)
                self._roll_back(stack, name, resources, made, creates=creates)
                return {}
            if named:
                self.exists[named] = name
            made += (
                [resource] if change["Action"] in ("Add", "Import") else []
            )  # AWS leaves open what goes back
            stack.note(resource, kind, f"{verb}_COMPLETE")
        stack.template = change_set["template"]
        stack.note(name, STACK, f"{verb}_COMPLETE")
        return {}

    def _DeleteStack(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        stack = self._stack(told["StackName"])
        if stack.protected:
            raise Refused(
                f"Stack [{told['StackName']}] cannot be deleted while TerminationProtection is enabled"
            )
        if stuck := self.stuck - {
            name for field, name in told.items() if field.startswith("RetainResources.")
        }:
            for resource in stuck:
                stack.note(
                    resource,
                    stack.template["Resources"][resource]["Type"],
                    "DELETE_FAILED",
                    "It is in use.",
                )
            stack.note(told["StackName"], STACK, "DELETE_FAILED")
            return {}
        for resource in stack.template.get("Resources", {}).values():
            if (named := _named(resource, told["StackName"])) in self.exists and named:
                self._leave(named, kept=resource.get("DeletionPolicy") in KEPT)
        for named, owner in list(
            self.exists.items()
        ):  # what a creation that failed could not remove
            if owner == told["StackName"]:
                self._leave(named, kept=True)
        stack.note(told["StackName"], STACK, "DELETE_COMPLETE")
        return {}

    def _DescribeStackEvents(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        """Pages of a hundred."""
        if self.throttled:
            self.throttled -= 1
            raise Refused("Rate exceeded", "Throttling")
        events, first = (
            list(reversed(self._stack(told["StackName"]).events)),
            int(told.get("NextToken", 0)),
        )
        more = {"NextToken": str(first + 100)} if first + 100 < len(events) else {}
        return {"StackEvents": events[first : first + 100], **more}

    def _ListStackResources(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        events = self._stack(told["StackName"]).events
        last = {
            event["LogicalResourceId"]: event for event in events if event["ResourceType"] != STACK
        }
        fields = ("LogicalResourceId", "ResourceType", "ResourceStatus")
        return {
            "StackResourceSummaries": [
                {field: event[field] for field in fields} for event in last.values()
            ]
        }

    def _UpdateTerminationProtection(self, told: Mapping[str, str]) -> Any:  # noqa: N802
        stack = self._stack(told["StackName"])
        stack.protected = told["EnableTerminationProtection"] == "true"
        return {"StackId": stack.id}

    def _stack(self, name: str) -> Stack:
        """By its name, or by its id when it is gone."""
        for told, stack in self.stacks.items():
            if stack.id == name or (told == name and stack.status != "DELETE_COMPLETE"):
                return stack
        raise Refused(f"Stack with id {name} does not exist")

    def _changes(
        self, stack: Stack, template: dict[str, Any], *, imports: bool
    ) -> Iterator[dict[str, Any]]:
        """What is taken over needs a name without a function, and a policy by which it stays."""
        before = stack.template.get("Resources", {})
        for name, resource in template["Resources"].items():
            change = {"LogicalResourceId": name, "ResourceType": resource["Type"]}
            if name not in before:
                named = _named(resource, stack.id.split("/")[1])
                static = named and isinstance(
                    resource["Properties"][str(identifier(resource["Type"]))], str
                )
                free = named in self.exists and self.exists[named] is None
                taken = imports and static and free and resource.get("DeletionPolicy") in KEPT
                yield change | {"Action": "Import" if taken else "Add"}
            elif before[name] != resource:
                yield change | {"Action": "Modify", "Replacement": "False"}

    def _roll_back(
        self, stack: Stack, name: str, resources: dict[str, Any], made: list[str], *, creates: bool
    ) -> None:
        failed = False
        for resource in made:
            named, policy = (
                _named(resources[resource], name),
                resources[resource].get("DeletionPolicy"),
            )
            if named is None or not creates:
                continue
            if policy == "RetainExceptOnCreate" and _is_protected(
                resources[resource], stack.parameters
            ):
                stack.note(resource, named[0], "DELETE_FAILED", "It is protected against deletion.")
                failed = True
            else:
                self._leave(named, kept=policy == "Retain")
        end = "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE"
        stack.note(name, STACK, end if creates else f"UPDATE_{end}")

    def _leave(self, named: Named, *, kept: bool) -> None:
        if kept:
            self.exists[named] = None
        else:
            del self.exists[named]


def _named(resource: Mapping[str, Any], stack: str) -> Named | None:
    told = identifier(resource.get("Type", ""))
    name = resource.get("Properties", {}).get(told)
    if isinstance(name, dict):
        text = str(name.get("Fn::Sub", ""))
        for variable, value in (VALUES | {"AWS::StackName": stack}).items():
            text = text.replace(f"${{{variable}}}", value)
        name = text
    return (resource["Type"], name) if name else None


def _is_protected(resource: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    told = resource["Properties"].get("DeletionProtectionEnabled")
    return (
        told == {"Ref": "DeletionProtection"}
        and parameters.get("DeletionProtection", "true") == "true"
    )


def _pairs(told: Mapping[str, str], of: str, key: str, value: str) -> dict[str, str]:
    """Without those that keep their value."""
    return {
        name: told[field.replace(key, value)]
        for field, name in told.items()
        if field.startswith(f"{of}.")
        and field.endswith(f".{key}")
        and field.replace(key, value) in told
    }


class Formation(LoopbackHandler):
    """The query protocol before an account. Make a class of it, with `account`."""

    account: ClassVar[Account]

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        """API Gateway's account."""
        assert self.path == "/account"
        role = {"cloudwatchRoleArn": self.account.log_role} if self.account.log_role else {}
        self.answer(200, json.dumps(role).encode(), {"Content-Type": "application/json"})

    def do_POST(self) -> None:  # noqa: N802
        told = dict(parse_qsl(self.read_body().decode()))
        action = told.pop("Action")
        try:
            result = _xml(self.account.call(action, told))
        except Refused as refused:
            error = f"<Error><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message></Error>"
            self.answer(400, f"<ErrorResponse>{error}</ErrorResponse>".encode())
            return
        inner = f"<{action}Result>{result}</{action}Result>"
        self.answer(
            200,
            f"<{action}Response>{inner}</{action}Response>".encode(),
            {"Content-Type": "text/xml"},
        )


def serve(account: Account) -> LoopbackServer:
    return LoopbackServer(type("Served", (Formation,), {"account": account})).start()


def object_of(s3: Any, url: str) -> bytes:
    """What an address of S3 with the bucket in its path names."""
    bucket, _, key = urlsplit(url).path.lstrip("/").partition("/")
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def without_policies(s3: Any) -> Any:
    """Moto refuses what a policy denies under a condition also where the condition does not
    hold.
    """
    s3.meta.events.register(
        "before-call.s3.PutBucketPolicy", lambda **_: (SimpleNamespace(status_code=204), {})
    )
    return s3


@contextmanager
def formation(aws: LocalAws, stage: str) -> Iterator[tuple[Deployment, Account, list[str]]]:
    """A deployment whose CloudFormation is this one, what it finds, and what it says.
    The rest is the laptop's AWS.
    """

    @cache
    def client(service: str) -> Any:
        url = server.url if service in ("apigateway", "cloudformation", "sts") else aws.url
        made = aws_client(url, service, s3={"addressing_style": "path"})
        return without_policies(made) if service == "s3" else made

    account = Account(lambda url: object_of(client("s3"), url))
    said: list[str] = []
    server = serve(account)
    waiter = {"Delay": 0, "MaxAttempts": 20}
    yield (
        Deployment(client=client, region=REGION, stage=stage, waiter=waiter, say=said.append),
        account,
        said,
    )
    server.stop()


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(inner)}</member>" for inner in value)
    return escape(str(value))
