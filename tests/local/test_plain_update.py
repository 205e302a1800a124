"""A plain update in a transaction leads to the item that moto's own update leads to."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.aws.plain_update import put_request

TABLE = "wellhead-test"
NAMES = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.sampled_from(
    [{"S": ""}, {"S": "é"}, {"N": "1"}, {"BOOL": True}, {"L": []}, {"M": {"x": {"NULL": True}}}]
)
ITEMS = st.none() | st.dictionaries(NAMES, VALUES)


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def update_of(
    sk: str, sets: dict[str, Any], removes: list[str], condition: str | None
) -> dict[str, Any]:
    names = sorted({*sets, *removes, *(condition or "")[-2:-1]})
    update: dict[str, Any] = {
        "TableName": TABLE,
        "Key": key(sk),
        "UpdateExpression": "SET "
        + ", ".join(f"#{name} = :{name}" for name in sets)
        + (" REMOVE " + ", ".join(f"#{name}" for name in removes) if removes else ""),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": {f":{name}": value for name, value in sets.items()},
    }
    return update | ({"ConditionExpression": condition} if condition else {})


@given(
    item=ITEMS,
    sets=st.dictionaries(NAMES, VALUES, min_size=1),
    removes=st.lists(NAMES, unique=True),
    condition=st.sampled_from([None, "attribute_exists(#a)", "attribute_not_exists(#b)"]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_leads_to_the_same(
    dynamodb: Any,
    item: dict[str, Any] | None,
    sets: dict[str, Any],
    removes: list[str],
    condition: str | None,
) -> None:
    for sk in ("alone", "transaction"):
        dynamodb.delete_item(TableName=TABLE, Key=key(sk))
        if item is not None:
            dynamodb.put_item(TableName=TABLE, Item=key(sk) | item)
    outcomes = []
    for sk, write in (
        ("alone", dynamodb.update_item),
        (
            "transaction",
            lambda **update: dynamodb.transact_write_items(TransactItems=[{"Update": update}]),
        ),
    ):
        try:
            write(**update_of(sk, sets, removes, condition))
            refused = False
        except ClientError:
            refused = True
        found = dynamodb.get_item(TableName=TABLE, Key=key(sk)).get("Item", {})
        outcomes.append((refused, {name: value for name, value in found.items() if name != "sk"}))

    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "expression",
    [
        "SET #a = #a + :a",
        "SET #a = if_not_exists(#a, :a)",
        "SET #a.#b = :a",
        "SET #a = :a, #a = :b",
        "SET #a = :a REMOVE #a",
        "SET #a = :missing",
        "SET owner = :a",
        "SET #pk = :a",
        "ADD #a :a",
        "REMOVE #a",
    ],
)
def test_what_is_more_than_plain_is_left_to_moto(expression: str) -> None:
    update = {
        "TableName": TABLE,
        "Key": key("s"),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {"#a": "a", "#b": "b", "#pk": "pk"},
        "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "2"}},
    }

    assert put_request(update, None) is None
