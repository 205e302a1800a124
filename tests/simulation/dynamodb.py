"""A DynamoDB of one process: the operations the product uses, with their conditions really
evaluated.

It raises botocore's own errors. test_dynamodb_contract.py holds it against moto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from .expressions import InvalidExpression, Item, Scope, condition, placeholders, update

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_ITEM = 400 << 10  # bytes
Key = tuple[str, str]
Written = dict[Key, tuple[Item | None, Item]]  # before and after


class InMemoryDynamoDb:
    """Tables with the keys `pk` and `sk`. Stored items are never changed in place.
    `on_write` sees each transaction that was accepted.
    """

    def __init__(self, *, on_write: Callable[[Written], None] = lambda _: None) -> None:
        self.items: dict[Key, Item] = {}
        self._on_write = on_write
        self._tokens: dict[str, Any] = {}

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
    ) -> dict[str, Any]:
        item = self.items.get(_key(Key))
        return {"Item": dict(item)} if item else {}

    def query(
        self,
        *,
        TableName: str,  # noqa: N803
        KeyConditionExpression: str,  # noqa: N803
        ScanIndexForward: bool,  # noqa: N803
        Limit: int,  # noqa: N803
        FilterExpression: str | None = None,  # noqa: N803
        ProjectionExpression: str | None = None,  # noqa: N803
        ExclusiveStartKey: Item | None = None,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
        **names_and_values: Any,
    ) -> dict[str, Any]:
        """The filter comes after the limit,
        and a look that reaches its limit names its last key.
        """
        wanted = {"ConditionExpression": KeyConditionExpression, **names_and_values}
        keys = sorted(
            (key for key, item in self.items.items() if _holds(wanted, item)),
            reverse=not ScanIndexForward,
        )
        if ExclusiveStartKey:
            start = _key(ExclusiveStartKey)
            keys = [key for key in keys if (key > start if ScanIndexForward else key < start)]
        seen = keys[:Limit]
        held = [
            key
            for key in seen
            if _holds({**wanted, "ConditionExpression": FilterExpression}, self.items[key])
        ]
        pk, sk = seen[-1] if seen else ("", "")
        more = (
            {"LastEvaluatedKey": {"pk": {"S": pk}, "sk": {"S": sk}}} if len(seen) == Limit else {}
        )
        items = [_projected(self.items[key], ProjectionExpression, wanted) for key in held]
        return {"Items": items, "Count": len(held), "ScannedCount": len(seen), **more}

    def transact_write_items(
        self,
        *,
        TransactItems: list[dict[str, Any]],  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        if ClientRequestToken in self._tokens:
            if self._tokens[ClientRequestToken] != TransactItems:
                raise _error(
                    "IdempotentParameterMismatchException",
                    "The token was used with another request.",
                )
            return {}
        try:
            written = self._written(TransactItems)
        except InvalidExpression as exc:
            raise _error("ValidationException", str(exc)) from exc
        self.items |= {key: after for key, (_, after) in written.items()}
        for key in _deleted(TransactItems):
            self.items.pop(key, None)
        if ClientRequestToken is not None:
            self._tokens[ClientRequestToken] = TransactItems
        self._on_write(written)
        return {}

    def _written(self, actions: list[dict[str, Any]]) -> Written:
        """What the transaction would write; raises what DynamoDB answers when it would not."""
        pairs = [pair for action in actions for pair in action.items()]
        keys = [_key(write.get("Key") or write["Item"]) for _, write in pairs]
        if len(set(keys)) < len(keys):
            raise InvalidExpression(
                "Transaction request cannot include multiple operations on one item"
            )
        for _, write in pairs:
            _check_placeholders(write)
        before = [self.items.get(key) for key in keys]
        held = [_holds(write, item) for (_, write), item in zip(pairs, before, strict=True)]
        after = [
            _updated(write, item) if kind == "Update" else write.get("Item")
            for (kind, write), item in zip(pairs, before, strict=True)
        ]
        if not all(held):
            raise cancelled([None if holds else "ConditionalCheckFailed" for holds in held])
        written = {
            key: (old, new)
            for key, old, new in zip(keys, before, after, strict=True)
            if new is not None
        }  # a ConditionCheck writes nothing, and a Delete leaves nothing
        if any(_is_too_large(item) for _, item in written.values()):
            raise InvalidExpression("Item size has exceeded the maximum allowed size")
        return written


def _deleted(actions: list[dict[str, Any]]) -> list[Key]:
    return [_key(action["Delete"]["Key"]) for action in actions if "Delete" in action]


def cancelled(codes: list[str | None]) -> ClientError:
    """The refusal of a transaction: one reason for each of its items, in order."""
    sentences = {"ConditionalCheckFailed": "The conditional request failed"}
    reasons = [
        {"Code": code, "Message": sentences.get(code, "Transaction is ongoing")} if code else {}
        for code in codes
    ]
    names = ", ".join(code or "None" for code in codes)
    error = _error(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{names}]",
    )
    cast("Any", error.response)["CancellationReasons"] = [
        {"Code": "None"} | reason for reason in reasons
    ]
    return error


def _is_too_large(item: Item) -> bool:
    """Nearly every item is so small that the length of its text says so;
    a character is 4 bytes at most.
    """
    return 4 * len(repr(item)) > LARGEST_ITEM and size_of(item) > LARGEST_ITEM


def size_of(item: Item) -> int:
    """As DynamoDB counts it: names and texts as UTF-8, a number by its digits, 3 bytes for a list
    or map and 1 for each thing in it.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(typed: Item) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(str(value).encode())
        case "N":
            return 2 + sum(character.isdigit() for character in str(value)) // 2
        case "M":
            return 3 + size_of(value) + len(value)
        case "L":
            return 3 + len(value) + sum(_size(inner) for inner in value)
    return 1


def _projected(item: Item, names: str | None, query: dict[str, Any]) -> Item:
    """What the expression names, or the whole item."""
    if names is None:
        return dict(item)
    told = query.get("ExpressionAttributeNames", {})
    wanted = [told.get(name.strip(), name.strip()) for name in names.split(",")]
    return {name: item[name] for name in wanted if name in item}


def _holds(write: dict[str, Any], item: Item | None) -> bool:
    text = write.get("ConditionExpression")
    return text is None or condition(text)(_scope(write, item or {}))


def _updated(write: dict[str, Any], item: Item | None) -> Item:
    sets, removes = update(write["UpdateExpression"])
    scope = _scope(write, item or write["Key"])
    names = [
        scope.names.get(token, token) for token in (*(attribute for attribute, _ in sets), *removes)
    ]
    if len(set(names)) < len(names):
        raise InvalidExpression("Two document paths overlap with each other")
    if not {"pk", "sk"}.isdisjoint(names):
        raise InvalidExpression(
            "Cannot update attribute pk or sk. This attribute is part of the key"
        )
    values = {name: scope.operand(value) for name, (_, value) in zip(names, sets, strict=False)}
    if None in values.values():
        raise InvalidExpression(
            "The provided expression refers to an attribute that does not exist in the item"
        )
    gone = names[len(sets) :]
    return {name: value for name, value in {**scope.item, **values}.items() if name not in gone}


def _scope(write: dict[str, Any], item: Item) -> Scope:
    names = write.get("ExpressionAttributeNames", {})
    return Scope(item=item, names=names, values=write.get("ExpressionAttributeValues", {}))


def _check_placeholders(write: dict[str, Any]) -> None:
    used = placeholders(write.get("ConditionExpression", "")) | placeholders(
        write.get("UpdateExpression", "")
    )
    given = {
        *write.get("ExpressionAttributeNames", ()),
        *write.get("ExpressionAttributeValues", ()),
    }
    if used != given:
        raise InvalidExpression(
            f"unused or undefined in expressions: {', '.join(sorted(used ^ given))}"
        )


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "TransactWriteItems")
