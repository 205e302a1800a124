"""One suite for two DynamoDBs: the simulation's own, and moto's over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulation.dynamodb import InMemoryDynamoDb

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE = "wellhead-test"
KEY = {"pk": {"S": "JOB"}, "sk": {"S": "JOB#1"}}
OTHER = {"pk": {"S": "LOCK"}, "sk": {"S": "LOCK"}}


@pytest.fixture(params=["in memory", "moto"])
def database(request: pytest.FixtureRequest) -> Any:
    return (
        InMemoryDynamoDb() if request.param == "in memory" else request.getfixturevalue("dynamodb")
    )


def put(item: dict[str, Any], when: str | None = None, **arguments: Any) -> dict[str, Any]:
    condition = {"ConditionExpression": when} if when else {}
    return {"Put": {"TableName": TABLE, "Item": {**KEY, **item}, **condition, **arguments}}


def update(
    expression: str, when: str | None = None, key: Any = None, **arguments: Any
) -> dict[str, Any]:
    condition = {"ConditionExpression": when} if when else {}
    what = {"TableName": TABLE, "Key": key or KEY, "UpdateExpression": expression}
    return {"Update": {**what, **condition, **arguments}}


def names(*attributes: str) -> dict[str, str]:
    return {f"#{name}": name for name in attributes}


def item(database: Any, key: Any = None) -> Any:
    stored = database.get_item(TableName=TABLE, Key=key or KEY, ConsistentRead=True).get("Item")
    return stored and {name: value for name, value in stored.items() if name not in ("pk", "sk")}


def refusal(database: Any, writes: list[dict[str, Any]], **options: Any) -> tuple[str, Any]:
    """The error's code, and the reason for each write."""
    with pytest.raises(ClientError) as refused:
        database.transact_write_items(TransactItems=writes, **options)
    response: Any = refused.value.response
    return response["Error"]["Code"], [
        reason.get("Code") for reason in response.get("CancellationReasons", [])
    ]


def test_an_absent_item_has_no_item(database: Any) -> None:
    assert "Item" not in database.get_item(TableName=TABLE, Key=KEY)


def test_put_and_read(database: Any) -> None:
    values = {
        "n": {"N": "1.5"},
        "l": {"L": [{"BOOL": True}, {"NULL": True}]},
        "m": {"M": {"a": {"S": "x"}}},
    }

    database.transact_write_items(TransactItems=[put(values)])

    assert item(database) == values


def test_an_update_creates_sets_and_removes(database: Any) -> None:
    database.transact_write_items(
        TransactItems=[
            update(
                "SET #a = :a, #b = :b",
                ExpressionAttributeNames=names("a", "b"),
                ExpressionAttributeValues={":a": {"N": "1"}, ":b": {"S": "x"}},
            )
        ]
    )
    database.transact_write_items(
        TransactItems=[
            update(
                "SET #a = :a REMOVE #b, #absent",
                "#a = :one",
                ExpressionAttributeNames=names("a", "b", "absent"),
                ExpressionAttributeValues={":a": {"N": "2"}, ":one": {"N": "1.0"}},
            )
        ]
    )

    assert item(database) == {"a": {"N": "2"}}


def test_one_refused_condition_refuses_all_and_is_told_in_its_place(database: Any) -> None:
    writes = [
        put({"a": {"N": "1"}}, "attribute_not_exists(pk)"),
        update(
            "SET a = :a",
            "attribute_exists(pk)",
            key=OTHER,
            ExpressionAttributeValues={":a": {"N": "1"}},
        ),
    ]

    assert refusal(database, writes) == (
        "TransactionCanceledException",
        ["None", "ConditionalCheckFailed"],
    )
    assert (item(database), item(database, OTHER)) == (None, None)


def test_a_token_makes_a_transaction_happen_once(database: Any) -> None:
    write = [put({"a": {"N": "1"}}, "attribute_not_exists(pk)")]

    for _ in range(2):
        database.transact_write_items(TransactItems=write, ClientRequestToken="t")

    code, _ = refusal(database, [put({"a": {"N": "2"}})], ClientRequestToken="t")
    assert code == "IdempotentParameterMismatchException"
    assert item(database) == {"a": {"N": "1"}}


@pytest.mark.parametrize(
    "writes",
    [
        [put({}), update("SET a = :a", ExpressionAttributeValues={":a": {"N": "1"}})],
        [update("SET owner = :a", ExpressionAttributeValues={":a": {"N": "1"}})],
        [
            update(
                "SET #a = :a REMOVE #a",
                ExpressionAttributeNames=names("a"),
                ExpressionAttributeValues={":a": {"N": "1"}},
            )
        ],
        [update("SET sk = :a", ExpressionAttributeValues={":a": {"S": "1"}})],
        [put({}, "((attribute_exists(pk)))")],
    ],
    ids=["one item twice", "reserved word", "set and removed", "part of the key", "parentheses"],
)
def test_a_malformed_transaction_is_refused(database: Any, writes: list[dict[str, Any]]) -> None:
    assert refusal(database, writes)[0] == "ValidationException"
    assert item(database) is None


@pytest.mark.parametrize(
    "write",
    [
        update("SET a = :a", ExpressionAttributeValues={":a": {"N": "1"}, ":unused": {"N": "1"}}),
        put({}, "attribute_exists(pk"),
        put({}, "attribute_exists(owner)"),
        put({}, "pk ? sk"),
    ],
    ids=["unused value", "no end", "reserved word", "no operator"],
)
def test_what_moto_lets_pass_is_refused_all_the_same(write: dict[str, Any]) -> None:
    """As DynamoDB does."""
    assert refusal(InMemoryDynamoDb(), [write])[0] == "ValidationException"


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">=", "="])
def test_values_of_two_types_have_no_order(comparator: str) -> None:
    """As in DynamoDB; moto orders them."""
    write = put({}, f"a {comparator} :one", ExpressionAttributeValues={":one": {"N": "1"}})
    database = InMemoryDynamoDb()
    database.transact_write_items(TransactItems=[put({"a": {"S": "1"}})])

    assert refusal(database, [write])[0] == "TransactionCanceledException"


@pytest.mark.parametrize(
    "write",
    [
        put({"a": {"S": "x" * 420_000}}),
        put({"a": {"L": [{"M": {"n": {"N": "12345678"}, "é": {"S": "é" * 100}}}] * 2_000}}),
        update("SET a = :a", ExpressionAttributeValues={":a": {"S": "x" * 420_000}}),
        update("SET a = :a", ExpressionAttributeValues={":a": {"S": "é" * 210_000}}),
    ],
    ids=["a text", "a list", "an update", "two bytes a character"],
)
def test_an_item_beyond_400_kb_is_refused(database: Any, write: dict[str, Any]) -> None:
    database.transact_write_items(TransactItems=[put({"a": {"S": "x" * 390_000}})])

    assert refusal(database, [write])[0] == "ValidationException"
    assert item(database) == {"a": {"S": "x" * 390_000}}


# --- conditions made at random

NUMBERS = st.sampled_from(["0", "1", "1.0", "1.5", "-2", "10", "1704110400.123"]).map(
    lambda text: {"N": text}
)
STRINGS = st.sampled_from(["", "a", "b", "10", "é"]).map(lambda text: {"S": text})
ATTRIBUTES = st.sampled_from(["#n", "#s", "#x"])
VALUES = {":one": {"N": "1"}, ":ten": {"N": "10"}, ":a": {"S": "a"}, ":text": {"S": "10"}}
OPERANDS = st.sampled_from(list(VALUES))
ORDERS = st.sampled_from(
    [" < ", " <= ", " > ", " >= "]
)  # of one type: moto orders a string and a number too


def joined(parts: Iterable[str]) -> str:
    return "".join(parts)


ORDERED = st.tuples(st.sampled_from(["#n", "#x"]), ORDERS, st.sampled_from([":one", ":ten"])).map(
    joined
)
ORDERED |= st.tuples(st.sampled_from(["#s", "#x"]), ORDERS, st.sampled_from([":a", ":text"])).map(
    joined
)
COMPARISONS = ORDERED | st.tuples(ATTRIBUTES, st.sampled_from([" = ", " <> "]), OPERANDS).map(
    joined
)
EXISTENCES = st.tuples(
    st.sampled_from(["attribute_exists(", "attribute_not_exists("]), ATTRIBUTES
).map(lambda parts: f"{joined(parts)})")
MEMBERSHIPS = st.tuples(ATTRIBUTES, OPERANDS, OPERANDS).map(
    lambda parts: f"{parts[0]} IN ({parts[1]}, {parts[2]})"
)
CONDITIONS = st.recursive(
    COMPARISONS | EXISTENCES | MEMBERSHIPS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(joined),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"NOT ({text})"),
    ),
    max_leaves=6,
)


@given(number=st.none() | NUMBERS, text=st.none() | STRINGS, when=CONDITIONS)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_hold_the_same_conditions(dynamodb: Any, number: Any, text: Any, when: str) -> None:
    stored = {name: value for name, value in (("n", number), ("s", text)) if value}
    used = {name: value for name, value in VALUES.items() if re.search(rf"{name}\b", when)}
    attributes = {f"#{name}": name for name in "nsx" if f"#{name}" in when}
    arguments: dict[str, Any] = {"ExpressionAttributeNames": attributes}
    if used:
        arguments["ExpressionAttributeValues"] = used

    assert verdict(InMemoryDynamoDb(), stored, when, arguments) == verdict(
        dynamodb, stored, when, arguments
    )


def verdict(database: Any, stored: dict[str, Any], when: str, arguments: dict[str, Any]) -> str:
    database.transact_write_items(TransactItems=[put(stored)])
    try:
        database.transact_write_items(
            TransactItems=[put({"done": {"BOOL": True}}, when, **arguments)]
        )
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    return "holds"


# --- query


def looks(database: Any, limit: int, **arguments: Any) -> list[tuple[list[str], str | None]]:
    """The numbers of the jobs in each look, newest first, and where it ended."""
    found: list[tuple[list[str], str | None]] = []
    start: dict[str, Any] = {}
    names = {"#pk": "pk", **arguments.pop("names", {})}
    values = {":pk": {"S": "JOB"}, **arguments.pop("values", {})}
    while True:
        answer = database.query(
            TableName=TABLE,
            KeyConditionExpression="#pk = :pk",
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            **start,
            **arguments,
        )
        last = answer.get("LastEvaluatedKey")
        found.append(([item["sk"]["S"] for item in answer["Items"]], last and last["sk"]["S"]))
        if not last:
            return found
        start = {"ExclusiveStartKey": last}


def fill(database: Any, jobs: str) -> None:
    for number, status in enumerate(jobs):
        item = {"pk": {"S": "JOB"}, "sk": {"S": str(number)}, "status": {"S": status}}
        database.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item}}])
    database.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": OTHER}}])


def test_a_query_sees_one_partition_by_falling_key(database: Any) -> None:
    fill(database, "abcde")

    assert looks(database, 10) == [(["4", "3", "2", "1", "0"], None)]
    assert looks(database, 2) == [(["4", "3"], "3"), (["2", "1"], "1"), (["0"], None)]


def test_a_look_that_ends_at_the_last_item_does_not_know_it() -> None:
    """As DynamoDB says of LastEvaluatedKey; moto knows more."""
    database = InMemoryDynamoDb()
    fill(database, "abcd")

    assert looks(database, 2) == [(["3", "2"], "2"), (["1", "0"], "0"), ([], None)]


def test_a_query_brings_what_its_projection_names(database: Any) -> None:
    fill(database, "ab")

    answer = database.query(
        TableName=TABLE,
        KeyConditionExpression="#pk = :pk",
        ProjectionExpression="#status, #absent",
        ScanIndexForward=False,
        Limit=1,
        ExpressionAttributeNames=names("pk", "status", "absent"),
        ExpressionAttributeValues={":pk": {"S": "JOB"}},
    )

    assert answer["Items"] == [{"status": {"S": "b"}}]
    assert answer["LastEvaluatedKey"] == {"pk": {"S": "JOB"}, "sk": {"S": "1"}}


def test_a_filter_comes_after_the_limit(database: Any) -> None:
    fill(database, "abaab")

    filtered = {
        "FilterExpression": "#status = :wanted",
        "names": names("status"),
        "values": {":wanted": {"S": "b"}},
    }
    assert looks(database, 2, **filtered) == [(["4"], "3"), (["1"], "1"), ([], None)]
