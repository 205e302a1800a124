"""Updates that set and remove whole attributes, as the put that leads to the same item.

moto looks through an UpdateExpression four times over and copies it: 35 ms of CPU for the forty
attributes of a job, where a put takes 3. Any other update, and every condition, is left to moto.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

NAME = r"#\w+"  # a plain word may be one that DynamoDB reserves
PLAIN = re.compile(
    rf"SET (?P<sets>{NAME} = :\w+(?:, {NAME} = :\w+)*)(?: REMOVE (?P<removes>{NAME}(?:, {NAME})*))?"
)
UNDERSTOOD = {
    *("TableName", "Key", "UpdateExpression", "ConditionExpression"),
    *("ExpressionAttributeNames", "ExpressionAttributeValues"),
}
Item = Mapping[str, Any]


class Plain(NamedTuple):
    sets: dict[str, str]
    removes: list[str]


def put_request(update: Mapping[str, Any], item: Item | None) -> dict[str, Any] | None:
    """The same as a Put, where `item` is what is there now.
    None where it is more than plain, or faulty.
    """
    plain = _plain(str(update.get("UpdateExpression")))
    if plain is None or not update.keys() <= UNDERSTOOD:
        return None
    names = update.get("ExpressionAttributeNames", {})
    values = update.get("ExpressionAttributeValues", {})
    try:
        sets = {names[name]: values[value] for name, value in plain.sets.items()}
        removes = [names[name] for name in plain.removes]
    except KeyError:
        return None
    changed = [*sets, *removes]
    key = update["Key"]
    is_faulty = len(changed) != len(set(changed)) or not key.keys().isdisjoint(changed)
    if is_faulty or len(sets) != len(plain.sets):
        return None
    kept = {name: value for name, value in (item or key).items() if name not in removes}
    return {
        "TableName": update["TableName"],
        "Item": {**kept, **sets},
        **_condition(update, names, values),
    }


@lru_cache(maxsize=200)
def _plain(expression: str) -> Plain | None:
    found = PLAIN.fullmatch(expression)
    if found is None:
        return None
    sets = [pair.split(" = ") for pair in found["sets"].split(", ")]
    names = [name for name, _ in sets]
    if len(names) != len(set(names)):
        return None
    return Plain(dict(map(tuple, sets)), found["removes"].split(", ") if found["removes"] else [])


def _condition(
    update: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """With the names and values that it uses: moto refuses others."""
    text = update.get("ConditionExpression")
    if text is None:
        return {}
    words = set(re.findall(r"[#:]\w+", text))
    used = {
        "ExpressionAttributeNames": {name: names[name] for name in names if name in words},
        "ExpressionAttributeValues": {name: values[name] for name in values if name in words},
    }
    return {"ConditionExpression": text, **{what: told for what, told in used.items() if told}}
