"""The names of what outlives its stack, written out: CloudFormation takes over what exists by such
a name alone.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

GONE = (
    "ResourceNotFoundException",
    "NoSuchBucket",
    "404",
)  # how services say that something is not there
KEPT = ("Retain", "RetainExceptOnCreate")
VARIABLE = re.compile(r"\$\{([\w:.]+)\}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is."""

    stack: str
    account: str
    region: str
    partition: str

    @property
    def bucket(self) -> str:
        return f"{self.stack}-{self.account}-{self.region}"

    def variables(self) -> dict[str, str]:
        return {
            "AWS::StackName": self.stack,
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
        }


def existing_data(place: Place, *, dynamodb: Any, s3: Any) -> list[str]:
    """Which of the table and the bucket an earlier stack has left,
    by their names in the template.
    """
    looks = {
        "Table": lambda: dynamodb.describe_table(TableName=place.stack),
        "Bucket": lambda: s3.head_bucket(Bucket=place.bucket, ExpectedBucketOwner=place.account),
    }
    return [name for name, look in looks.items() if _is_there(look)]


def _is_there(look: Callable[[], Any]) -> bool:
    try:
        look()
    except ClientError as exc:
        if exc.response["Error"]["Code"] in GONE:
            return False
        raise
    return True


def with_names(
    template: Mapping[str, Any], place: Place, existing: Collection[str] = ()
) -> dict[str, Any]:
    """The template in which whatever outlives the stack has its name and the like as text. What
    joins ARNs is of this place's partition, for there a function is not allowed. What exists
    already stays also when the creation of the stack fails: AWS does not say whether taking over
    counts as creating.
    """
    resources = {
        name: {
            **resource,
            "Properties": _fill_in(resource.get("Properties", {}), place.variables()),
        }
        if resource.get("DeletionPolicy") in KEPT
        else resource
        for name, resource in template["Resources"].items()
    }
    for name in existing:
        resources[name] = {**resources[name], "DeletionPolicy": "Retain"}
    text = json.dumps({**template, "Resources": resources})
    placed: dict[str, Any] = json.loads(text.replace("arn:aws:", f"arn:{place.partition}:"))
    return placed


def _fill_in(part: Any, words: Mapping[str, str]) -> Any:
    """A text that still needs a parameter stays a function of that."""
    if isinstance(part, list):
        return [_fill_in(each, words) for each in part]
    if not isinstance(part, dict):
        return part
    match part:
        case {"Ref": str(name)} if name in words:
            return words[name]
        case {"Fn::Sub": str(text)}:
            text = VARIABLE.sub(lambda found: words.get(found[1], found[0]), text)
            if VARIABLE.search(text):
                return {"Fn::Sub": text}
            return text
    return {key: _fill_in(value, words) for key, value in part.items()}


def parameters_of(template: Mapping[str, Any], resources: list[str]) -> list[str]:
    """The parameters that decide on the properties of these resources, also through a condition."""
    found: set[str] = set()
    wanted: list[Any] = [template["Resources"][name].get("Properties", {}) for name in resources]
    conditions = dict(template.get("Conditions", {}))
    while wanted:
        for name in _references(wanted.pop()):
            if name in template["Parameters"]:
                found.add(name)
            elif name in conditions:
                wanted.append(conditions.pop(name))
    return sorted(found)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _references(each)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("Ref", "Condition") and isinstance(value, str):
                yield value
            elif key == "Fn::If":
                yield value[0]
            elif key == "Fn::Sub":
                yield from VARIABLE.findall(value if isinstance(value, str) else value[0])
            yield from _references(value)
