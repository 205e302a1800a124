"""A transaction whose conditions all hold, without moto's copies of the table: they take 15 ms of
CPU, this takes one.

moto judges the conditions here too. What does not hold, and what is in any way odd, is left to moto
as a whole: it knows DynamoDB's words for it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as MotoItem

from local.aws.table_journal import Item, Key

KNOWN = {
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "TableName",
}
MOST_ACTIONS = 100
SAFE_SIZE = 100_000  # characters of JSON; DynamoDB takes items of 400 KB
BINARY = ('"B": ', '"BS": ')  # moto keeps their bytes


def outcome_of(
    actions: Sequence[Mapping[str, Any]], table: str, item_at: Callable[[Key], Item | None]
) -> dict[Key, Item | None] | None:
    """What each item becomes, None where it goes; None as a whole for moto."""
    if not 0 < len(actions) <= MOST_ACTIONS or any(len(action) != 1 for action in actions):
        return None
    outcome: dict[Key, Item | None] = {}
    seen: set[Key] = set()
    for action in actions:
        ((kind, told),) = action.items()
        if not _is_plain(kind, told) or told["TableName"] != table:
            return None
        key = Key.of(told["Item" if kind == "Put" else "Key"])
        if key in seen or not all(key) or not _holds(told, item_at(key)):
            return None
        seen.add(key)
        if kind != "ConditionCheck":
            outcome[key] = told["Item"] if kind == "Put" else None
    return outcome


def _is_plain(kind: str, told: Mapping[str, Any]) -> bool:
    if kind == "Put":
        text = json.dumps(told["Item"])
        has_binary = any(binary in text for binary in BINARY)
        if len(text) >= SAFE_SIZE or has_binary:
            return False
        return told.keys() <= KNOWN | {"Item"}
    if kind not in ("Delete", "ConditionCheck"):
        return False
    return told.keys() <= KNOWN | {"Key"} and told["Key"].keys() == {"pk", "sk"}


def _holds(told: Mapping[str, Any], item: Item | None) -> bool:
    """False too where it is faulty: DynamoDB refuses names and values that nobody uses."""
    text = told.get("ConditionExpression")
    names = told.get("ExpressionAttributeNames")
    values = told.get("ExpressionAttributeValues")
    if text is None:
        return names is None and values is None
    words = set(re.findall(r"[#:]\w+", text))
    if words != {*(names or {}), *(values or {})} or names == {} or values == {}:
        return False
    attributes = {*re.findall(r"\w+", text), *(names or {}).values()}
    known = _known_to_moto(item, attributes)
    with suppress(Exception):  # moto's answer to the faulty, which it gives again as one of HTTP
        return bool(get_filter_expression(text, names, values).expr(known))
    return False


def _known_to_moto(item: Item | None, attributes: set[str]) -> MotoItem | None:
    """With these attributes alone: moto measures the whole item again for each."""
    if item is None:
        return None
    some = {name: value for name, value in item.items() if name in attributes}
    return MotoItem(DynamoType(item["pk"]), DynamoType(item["sk"]), some)
