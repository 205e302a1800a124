"""What a change set would do and what a stack does, in words."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.names import parameters_of

STACK = "AWS::CloudFormation::Stack"
WORDS = {
    "Add": "create",
    "Modify": "change",
    "Remove": "remove",
    "Import": "take over",
    "Dynamic": "may change",
}
OF_DATA = {
    "AWS::DynamoDB::Table": "the jobs, the sources and what is published are in it",
    "AWS::S3::Bucket": "the published data is in it",
    "AWS::EFS::FileSystem": "the published data is in it",
}
NETWORK = "FunctionSecurityGroup"  # there is one where functions are in a network
STAYS = ("Retain", "ReplaceAndRetain")
CANCELLED = (
    "Resource creation cancelled",
    "Resource update cancelled",
)  # for what failed beside it


@dataclass(frozen=True)
class Change:
    """Of one resource.
    `properties` are those that are changed, `fate` is what becomes of the old resource.
    """

    resource: str
    kind: str
    action: str
    replacement: str = ""
    fate: str = ""
    properties: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Change":
        """Of a ResourceChange of CloudFormation."""
        return cls(
            resource=told["LogicalResourceId"],
            kind=told["ResourceType"],
            action=told["Action"],
            replacement=told.get("Replacement") or "",
            fate=told.get("PolicyAction") or "",
            properties=tuple(sorted(_properties(told.get("Details", [])))),
        )

    @property
    def replaces(self) -> bool:
        is_change = self.action in ("Modify", "Dynamic")
        return is_change and self.replacement in ("True", "Conditional")

    @property
    def risk(self) -> str:
        """Why data is at risk; empty when none is."""
        what = OF_DATA.get(self.kind)
        if what is None or not (self.replaces or self.action == "Remove"):
            return ""
        fate = "it stays, but belongs to no stack" if self.fate in STAYS else "IT IS DELETED"
        return f"DATA AT RISK: {what}, and {fate}"

    def line(self) -> str:
        verb = WORDS.get(self.action, self.action.lower())
        if self.replaces:
            verb = "replace" if self.replacement == "True" else "change or replace"
        line = f"{verb:<18}{self.resource}"
        if self.properties:
            line += f" ({', '.join(self.properties)})"
        if self.risk:
            line += f"\n    {self.risk}"
        return line


def _properties(details: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for detail in details:
        target = detail.get("Target", {})
        yield target.get("Name") or target.get("Attribute") or ""


def lines_of(changes: Iterable[Change]) -> list[str]:
    """What endangers data comes first, then what replaces or removes something, then the rest."""

    def weight(change: Change) -> tuple[bool, bool, str]:
        is_heavy = change.replaces or change.action == "Remove"
        return not change.risk, not is_heavy, change.resource

    by_weight = sorted(changes, key=weight)
    return [f"  {change.line()}" for change in by_weight]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a deploy would do: the change set, unless nothing changes,
    and the files that its template names. `given` are the parameters that were said now.
    """

    template: Mapping[str, Any]
    keys: frozenset[str]
    change_set: str | None
    stack_id: str
    given: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()

    def remarks(self) -> list[str]:
        """What the changes themselves do not tell."""
        return [*self._of_imports(), *self._of_network()]

    def _of_imports(self) -> list[str]:
        """CloudFormation takes over what exists as it is, whatever its template says."""
        imported = [change.resource for change in self.changes if change.action == "Import"]
        if not imported:
            return []
        parameters = ", ".join(parameters_of(self.template, imported))
        return [
            f"Taken over, with the data and the settings that they have: {', '.join(imported)}.",
            f"Of the parameters {parameters} they keep what they had before, whatever you say now.",
            "To change one of these: deploy with another value than now, then with the one that you want.",
        ]

    def _of_network(self) -> list[str]:
        """A stack that was on EFS once may still name the network of then."""
        added = {change.resource for change in self.changes if change.action == "Add"}
        if NETWORK not in added or "VpcId" in self.given:
            return []
        return [
            "FUNCTIONS GET A NETWORK: what reads a source moves into the VPC of an earlier deploy.",
            """If it shall not: PARAMETERS="VpcId= SubnetA= SubnetB=".""",
        ]


@dataclass
class Progress:
    """Tells of each resource of a stack when it is done, and in the end whether all went well."""

    cloudformation: Any
    stack_id: str
    say: Callable[[str], Any]
    _seen: set[str] = field(default_factory=set)
    _failed: list[dict[str, Any]] = field(default_factory=list)
    _since: Any = None  # the moment of the newest event of before
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """What has happened so far is no part of it: the newest of it, for reading stops there."""
        page = self.cloudformation.describe_stack_events(StackName=self.stack_id)
        newest = page["StackEvents"]
        self._seen = {event["EventId"] for event in newest}
        times = [event["Timestamp"] for event in newest]
        self._since = max(times, default=None)

    def follow(self) -> str | None:
        """The state that the stack has come to; None while it is on its way."""
        state = None
        for event in reversed(list(self._new_events())):
            self._seen.add(event["EventId"])
            status = event["ResourceStatus"]
            if status.endswith("_FAILED"):
                self._failed.append(event)
            if status.endswith("_IN_PROGRESS"):
                continue
            if (
                event["ResourceType"] == STACK
                and event.get("PhysicalResourceId", "") == self.stack_id
            ):
                state = status
            else:
                words = status.replace("_", " ").lower()
                self.say(
                    f"  {time.monotonic() - self._began:4.0f} s  {event['LogicalResourceId']}: {words}"
                )
        return state

    def reason(self) -> str:
        """The first failure, which the others follow from."""
        told = [
            event
            for event in self._failed
            if not event.get("ResourceStatusReason", "").startswith(CANCELLED)
        ]
        of_resources = [event for event in told if event["ResourceType"] != STACK] or told
        if not of_resources:
            return "the change did not end in time; look at the stack's events in the AWS console."
        first = of_resources[0]
        return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason') or 'failed'}"

    def _new_events(self) -> Iterator[dict[str, Any]]:
        """The newest first, to the page that has one that was seen: the history of an old stack has
        thousands, and reading them each time is throttled. Those of one moment come in any order.
        """
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(
            StackName=self.stack_id
        )
        for page in pages:
            events = page["StackEvents"]
            new = [
                event
                for event in events
                if event["EventId"] not in self._seen and not self._is_old(event)
            ]
            yield from new
            if len(new) < len(events):
                return

    def _is_old(self, event: Mapping[str, Any]) -> bool:
        return self._since is not None and event["Timestamp"] < self._since
