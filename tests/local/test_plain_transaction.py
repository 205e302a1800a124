"""A transaction that moto need not copy its table for leads to what DynamoDB makes of it;
any other is left to moto.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.aws.plain_transaction import MOST_ACTIONS, outcome_of
from local.aws.table_journal import Key

TABLE = "wellhead-test"
THERE = {"pk": {"S": "p"}, "sk": {"S": "there"}, "n": {"N": "1"}}


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def put(sk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": key(sk), **more}}


def delete(sk: str, **more: Any) -> dict[str, Any]:
    return {"Delete": {"TableName": TABLE, "Key": key(sk), **more}}


def check(sk: str, condition: str, **more: Any) -> dict[str, Any]:
    return {
        "ConditionCheck": {
            "TableName": TABLE,
            "Key": key(sk),
            "ConditionExpression": condition,
            **more,
        }
    }


def outcome(*actions: dict[str, Any]) -> dict[Key, Any] | None:
    return outcome_of(actions, TABLE, lambda key: THERE if key.sk == "there" else None)


ONE = {"ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":one": {"N": "1"}}}


def test_what_holds_is_done() -> None:
    assert outcome(
        put("new", ConditionExpression="attribute_not_exists(pk)"),
        delete("there", ConditionExpression="#n = :one", **ONE),
        check("absent", "attribute_not_exists(#n)", ExpressionAttributeNames={"#n": "n"}),
    ) == {Key("p", "new"): key("new"), Key("p", "there"): None}


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [put(f"{number}") for number in range(MOST_ACTIONS + 1)],
        [put("new") | delete("there")],
        [put("new"), put("new")],
        [put("")],
        [put("there", ConditionExpression="attribute_not_exists(pk)")],
        [put("new"), delete("there", ConditionExpression="#n <> :one", **ONE)],
        [put("new", ConditionExpression="((attribute_not_exists(pk)))")],
        [put("new", ConditionExpression="attribute_not_exists(pk)", **ONE)],
        [put("new", ReturnValuesOnConditionCheckFailure="ALL_OLD")],
        [put("new", Item=key("new") | {"text": {"S": "x" * 400_000}})],
        [put("new", Item=key("new") | {"bytes": {"B": "eA=="}})],
        [put("new", TableName="another")],
        [delete("there", Key=key("there") | {"n": {"N": "1"}})],
        [{"Update": {"TableName": TABLE, "Key": key("there"), "UpdateExpression": "ADD n :one"}}],
    ],
)
def test_what_does_not_hold_or_is_odd_is_left_to_moto(actions: list[dict[str, Any]]) -> None:
    assert outcome(*actions) is None
