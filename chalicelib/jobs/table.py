"""One DynamoDB table: plain Python values in and out, conditional writes in transactions."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.backoff import Backoff
from chalicelib.errors import StateUnavailable

from .aws_error import error_code
from .dynamodb_item import from_item, to_attribute, to_item
from .table_time import TableTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from types_boto3_dynamodb import DynamoDBClient

CONFLICT_TRIES = 8  # another transaction holds an item for milliseconds; eight tries span about 5 s
BACKOFF = Backoff(first=0.04)

log = logging.getLogger(__name__)


class ConditionRefused(Exception):
    """A condition of the transaction did not hold; nothing was written."""


@dataclass(frozen=True)
class Condition:
    """A condition expression. `#name` is an attribute, `:name` one of `values`."""

    expression: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __and__(self, other: Condition) -> Condition:
        both = f"({self.expression}) AND ({other.expression})"
        values = {**self.values, **other.values}
        return Condition(both, values)


class Table:
    """`clock` is this process's own; `time` tells how far the table's differs from it."""

    def __init__(
        self,
        *,
        dynamodb: DynamoDBClient,
        name: str,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self.name = name
        self._sleep = sleep
        self.time = TableTime(clock)

    def read(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        """The item without its key, strongly consistent. Raises StateUnavailable."""
        asked_at = self.time.clock()
        try:
            answer = self._dynamodb.get_item(
                TableName=self.name, Key=to_item(dict(key)), ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable(exc) from exc
        self.time.note(answer, asked_at=asked_at)
        if "Item" not in answer:
            return None
        return _without_key(from_item(answer["Item"]))

    def newest(
        self,
        pk: str,
        *,
        limit: int,
        names: Iterable[str],
        before: str | None = None,
        when: Condition | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One look at the items of a partition, by falling sort key from `before` on: of those
        among the next `limit` that fulfil `when`, what has one of these names, and the sort key to
        look on from; None at the end. Raises StateUnavailable.
        """
        arguments: dict[str, Any] = {
            "ExpressionAttributeNames": {},
            "ExpressionAttributeValues": {},
        }
        if when:
            arguments = _condition(when)
            arguments["FilterExpression"] = arguments.pop("ConditionExpression")
        if before:
            arguments["ExclusiveStartKey"] = to_item({"pk": pk, "sk": before})
        wanted = {f"#{name}": name for name in names}
        arguments["ProjectionExpression"] = ", ".join(wanted)
        arguments["ExpressionAttributeNames"] |= {"#pk": "pk", **wanted}
        arguments["ExpressionAttributeValues"] |= {":pk": to_attribute(pk)}
        try:
            answer = self._dynamodb.query(
                TableName=self.name,
                KeyConditionExpression="#pk = :pk",
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
                **arguments,
            )
        except (ClientError, BotoCoreError) as exc:
            raise _unavailable(exc) from exc
        items = [_without_key(from_item(dict(item))) for item in answer["Items"]]
        last_key = from_item(dict(answer.get("LastEvaluatedKey", {})))
        return items, last_key.get("sk")

    def put(self, item: Mapping[str, Any], *, when: Condition) -> dict[str, Any]:
        request = {
            "TableName": self.name,
            "Item": to_item(dict(item)),
            **_condition(when),
        }
        return {"Put": request}

    def update(
        self,
        key: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        remove: Iterable[str] = (),
        when: Condition,
    ) -> dict[str, Any]:
        sets = ", ".join(f"#{name} = :set_{name}" for name in values)
        removes = ", ".join(f"#{name}" for name in remove)
        # "SET #fence = :set_fence REMOVE #holder"; the prefix keeps new values apart from those of
        # the condition.
        expression = f"SET {sets}"
        if removes:
            expression += f" REMOVE {removes}"
        new = {f":set_{name}": value for name, value in values.items()}
        return {
            "Update": {
                "TableName": self.name,
                "Key": to_item(dict(key)),
                "UpdateExpression": expression,
                **_condition(when, expression, new),
            }
        }

    def delete(self, key: Mapping[str, str], *, when: Condition) -> dict[str, Any]:
        request = {
            "TableName": self.name,
            "Key": to_item(dict(key)),
            **_condition(when),
        }
        return {"Delete": request}

    def check(self, key: Mapping[str, str], *, when: Condition) -> dict[str, Any]:
        """No write, but a condition on an item that the transaction does not write."""
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": to_item(dict(key)),
                **_condition(when),
            }
        }

    def update_alone(
        self, key: Mapping[str, str], values: Mapping[str, Any], *, when: Condition
    ) -> None:
        """Without a transaction: half the price, and no conflict.
        Raises ConditionRefused, StateUnavailable.
        """
        try:
            self._dynamodb.update_item(**self.update(key, values, when=when)["Update"])
        except (ClientError, BotoCoreError) as exc:
            if error_code(exc) == "ConditionalCheckFailedException":
                raise ConditionRefused from exc
            raise _unavailable(exc) from exc

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """All of the writes or none. Raises ConditionRefused, StateUnavailable."""
        for attempt in range(CONFLICT_TRIES):
            asked_at = self.time.clock()
            try:
                answer = self._dynamodb.transact_write_items(TransactItems=writes)  # type: ignore[arg-type]
            except (ClientError, BotoCoreError) as exc:
                reasons = _cancellation_reasons(exc)
                if "ConditionalCheckFailed" in reasons:
                    raise ConditionRefused from exc
                # Another transaction has one of the items at this moment. Nothing is decided yet,
                # so the same writes are sent again; by lot, so that two do not meet each time.
                if "TransactionConflict" not in reasons:
                    raise _unavailable(exc) from exc
                self._sleep(BACKOFF.seconds(attempt))
            else:
                self.time.note(answer, asked_at=asked_at)
                return
        raise StateUnavailable


def _without_key(item: dict[str, Any]) -> dict[str, Any]:
    attributes = {**item}
    attributes.pop("pk", None)
    attributes.pop("sk", None)
    return attributes


def _condition(
    when: Condition, more_text: str = "", more_values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The arguments of a write; `more_text` is another expression of it, which names attributes and
    values too.

    DynamoDB refuses a name or a value that no expression uses, and one that is not declared.
    """
    placeholders = sorted(set(re.findall(r"#\w+", when.expression + more_text)))
    values = {**when.values, **(more_values or {})}
    arguments: dict[str, Any] = {"ConditionExpression": when.expression}
    if placeholders:
        names = {placeholder: placeholder.removeprefix("#") for placeholder in placeholders}
        arguments["ExpressionAttributeNames"] = names
    if values:
        arguments["ExpressionAttributeValues"] = to_item(values)
    return arguments


def _cancellation_reasons(exc: Exception) -> set[str]:
    if not isinstance(exc, ClientError):
        return set()
    reasons: list[dict[str, Any]] = exc.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return {reason.get("Code", "None") for reason in reasons}


def _unavailable(exc: Exception) -> StateUnavailable:
    log.error("the job table does not answer: %s", exc)
    return StateUnavailable()
