"""The laptop's DynamoDB:
one winner per condition under threads, nothing acknowledged lost by `kill -9`.
"""

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aws_session import new_session
from support.coordination import KEYS
from support.waiting import wait_until

from local.aws.emulator import LocalAws
from local.aws.table_journal import Key, TableJournal

TABLE = "wells"
NUMBERS = itertools.count()


def client(url: str, service: str = "dynamodb") -> Any:
    return new_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEYS.access_key_id,
        aws_secret_access_key=KEYS.secret_access_key,
        config=Config(
            retries={"total_max_attempts": 1}, signature_version="s3v4" if service == "s3" else None
        ),
    )


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    with LocalAws(table=TABLE, journal=tmp_path / "table.sqlite", keys=KEYS) as aws:
        yield aws


@pytest.fixture
def dynamodb(aws: LocalAws) -> Iterator[Any]:
    dynamodb = client(aws.url)
    yield dynamodb
    dynamodb.close()


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": "JOB"}, "sk": {"S": name}}


def put(name: str, **attributes: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": key(name) | attributes}}


def all_items(dynamodb: Any) -> dict[str, dict[str, Any]]:
    items = dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {item["sk"]["S"]: item for item in items}


def test_every_kind_of_write_survives_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "table.sqlite"
    attributes = {
        "n": {"N": "1.50"},
        "b": {"B": b"\x00\xff"},
        "m": {"M": {"l": {"L": [{"NULL": True}]}}},
    }
    with LocalAws(table=TABLE, journal=journal, keys=KEYS) as aws:
        dynamodb = client(aws.url)
        for name in "abcdef":
            dynamodb.put_item(TableName=TABLE, Item=key(name) | attributes)
        change = {":v": {"S": "new"}}
        dynamodb.update_item(
            TableName=TABLE,
            Key=key("a"),
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues=change,
        )
        dynamodb.delete_item(TableName=TABLE, Key=key("b"))
        gone = {"Delete": {"TableName": TABLE, "Key": key("d")}}
        dynamodb.transact_write_items(TransactItems=[put("c", v={"S": "t"}), gone])
        batch = [{"PutRequest": {"Item": key("g")}}, {"DeleteRequest": {"Key": key("e")}}]
        dynamodb.batch_write_item(RequestItems={TABLE: batch})
        before = all_items(dynamodb)
        dynamodb.close()
    with LocalAws(table=TABLE, journal=journal, keys=KEYS) as aws:
        dynamodb = client(aws.url)
        after = all_items(dynamodb)
        dynamodb.close()

    assert sorted(after) == ["a", "c", "f", "g"]
    assert after == before
    assert after["a"] == key("a") | attributes | {"v": {"S": "new"}}


def test_a_whole_item_and_a_part_of_it_are_read(dynamodb: Any) -> None:
    item = key("a") | {"n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}}
    dynamodb.put_item(TableName=TABLE, Item=item)

    assert dynamodb.get_item(TableName=TABLE, Key=key("a"), ConsistentRead=True)["Item"] == item
    part = dynamodb.get_item(TableName=TABLE, Key=key("a"), ProjectionExpression="n")["Item"]
    assert part == {"n": {"N": "1.50"}}
    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=key("b"))


def test_a_refused_write_leaves_the_table_as_it_was(aws: LocalAws, dynamodb: Any) -> None:
    dynamodb.put_item(TableName=TABLE, Item=key("a"))
    exists = put("a", v={"N": "1"})
    exists["Put"] |= {"ConditionExpression": "attribute_not_exists(pk)"}
    exists["Put"] |= {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=[put("b"), exists])

    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == key("a")
    assert all_items(dynamodb) == {"a": key("a")}


def test_a_repeated_transaction_is_answered_and_not_done_again(dynamodb: Any) -> None:
    add = {
        "Update": {
            "TableName": TABLE,
            "Key": key("count"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="the same")

    assert all_items(dynamodb)["count"]["n"] == {"N": "1"}
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        dynamodb.transact_write_items(TransactItems=[put("other")], ClientRequestToken="the same")


def test_exactly_one_of_eight_threads_wins_each_round(dynamodb: Any) -> None:
    """Each round moves the fence from n to n + 1 and leaves one job; all threads try it at once."""
    rounds, threads = 40, 8
    dynamodb.put_item(TableName=TABLE, Item=key("lock") | {"fence": {"N": "0"}})
    start = threading.Barrier(threads)

    def win(fence: int, who: int) -> bool:
        move = {
            "TableName": TABLE,
            "Key": key("lock"),
            "UpdateExpression": "SET fence = :next",
            "ConditionExpression": "fence = :now",
            "ExpressionAttributeValues": {
                ":now": {"N": str(fence)},
                ":next": {"N": str(fence + 1)},
            },
        }
        try:
            dynamodb.transact_write_items(TransactItems=[{"Update": move}, put(f"{fence}-{who}")])
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    def compete(who: int) -> list[int]:
        return [fence for fence in range(rounds) if start.wait() >= 0 and win(fence, who)]

    with ThreadPoolExecutor(threads) as pool:
        won = list(pool.map(compete, range(threads)))

    assert sorted(fence for fences in won for fence in fences) == list(range(rounds))
    items = all_items(dynamodb)
    assert items["lock"]["fence"] == {"N": str(rounds)}
    assert set(items) - {"lock"} == {
        f"{fence}-{who}" for who, fences in enumerate(won) for fence in fences
    }


def write_until_the_end(dynamodb: Any, acknowledged: list[int]) -> None:
    for number in itertools.count():
        dynamodb.transact_write_items(
            TransactItems=[put(f"{number}"), put("last", n={"N": str(number)})]
        )
        acknowledged.append(number)


def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path: Path) -> None:
    journal = tmp_path / "table.sqlite"
    command = [
        sys.executable,
        "-m",
        "local.aws.emulator",
        "--table",
        TABLE,
        "--journal",
        str(journal),
    ]
    root = Path(__file__).parents[2]
    own = os.environ | KEYS.environment
    with subprocess.Popen(
        command, cwd=root, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        dynamodb = client(process.stdout.readline().split()[1])
        acknowledged: list[int] = []
        with ThreadPoolExecutor(1) as writer:
            writing = writer.submit(write_until_the_end, dynamodb, acknowledged)
            wait_until(lambda: len(acknowledged) > 20)
            process.kill()  # in the midst of some write
            with pytest.raises(HTTPClientError):
                writing.result()
        dynamodb.close()

    with LocalAws(table=TABLE, journal=journal, keys=KEYS) as aws:
        dynamodb = client(aws.url)
        items = all_items(dynamodb)
        dynamodb.close()
    last = int(items.pop("last")["n"]["N"])
    assert acknowledged
    assert last in {
        acknowledged[-1],
        acknowledged[-1] + 1,
    }  # the one in flight may have been written
    assert sorted(map(int, items)) == list(range(last + 1))


def test_a_write_that_does_not_reach_the_disk_has_not_happened(
    aws: LocalAws, dynamodb: Any
) -> None:
    """SQLite's own limit on a file stands for a full disk; the error is the same."""
    database = aws._journal._db
    dynamodb.put_item(TableName=TABLE, Item=key("lock") | {"fence": {"N": "1"}})
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    large = {"large": {"S": "x" * 100_000}}
    move = {
        "Key": key("lock"),
        "UpdateExpression": "SET fence = :n",
        "ExpressionAttributeValues": {":n": {"N": "2"}},
    }
    transaction = [{"Update": {"TableName": TABLE, **move}}, put("job", **large)]

    for _ in range(2):
        with pytest.raises(ClientError, match="InternalServerError"):
            dynamodb.put_item(TableName=TABLE, Item=key("job") | large)
        with pytest.raises(ClientError, match="InternalServerError"):
            dynamodb.transact_write_items(TransactItems=transaction, ClientRequestToken="the same")
        assert all_items(dynamodb) == {"lock": key("lock") | {"fence": {"N": "1"}}}
    assert isinstance(aws.disk.trouble, sqlite3.OperationalError)

    database.execute("PRAGMA max_page_count = 1000000")
    dynamodb.transact_write_items(TransactItems=transaction, ClientRequestToken="the same")
    assert set(all_items(dynamodb)) == {"lock", "job"}
    assert aws.disk.trouble is None


def test_a_long_history_costs_the_start_nothing(tmp_path: Path) -> None:
    """By the CPU that the start takes: with every item in memory it was above two seconds.
    What a process loads at its first start is not counted.
    """
    with LocalAws(table=TABLE, journal=tmp_path / "empty", keys=KEYS):
        pass
    journal = TableJournal(tmp_path / "t")
    facts = {f"fact_{number}": {"M": {"n": {"N": "1"}, "s": {"S": "x"}}} for number in range(40)}
    journal.write(
        {Key("JOB", f"{number:05}"): key(f"{number:05}") | facts for number in range(4_000)}
    )
    journal.close()

    before = time.process_time()
    with LocalAws(table=TABLE, journal=tmp_path / "t", keys=KEYS) as aws:
        assert time.process_time() - before < 0.5
        dynamodb = client(aws.url)
        assert dynamodb.get_item(TableName=TABLE, Key=key("03999"))["Item"] == key("03999") | facts
        dynamodb.close()


@given(
    names=st.lists(st.text("aBé\uffff😀", min_size=1, max_size=2), unique=True, max_size=8),
    limit=st.none() | st.integers(1, 4),
    ascends=st.booleans(),
    named=st.booleans(),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_partition_is_read_page_by_page_in_the_order_of_its_keys(
    dynamodb: Any, names: list[str], limit: int | None, ascends: bool, named: bool
) -> None:
    partition = str(next(NUMBERS))
    for name in names:
        item = {"pk": {"S": partition}, "sk": {"S": name}, "n": {"N": "1"}, "other": {"S": "x"}}
        dynamodb.put_item(TableName=TABLE, Item=item)
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "KeyConditionExpression": "#pk = :pk" if named else "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": partition}},
        "ProjectionExpression": "sk, n",
        "ScanIndexForward": ascends,
    }
    asked |= {"ExpressionAttributeNames": {"#pk": "pk"}} if named else {}
    asked |= {"Limit": limit} if limit else {}
    found, most = [], 0
    for page in dynamodb.get_paginator("query").paginate(**asked):
        most = max(most, page["Count"])
        found += page["Items"]

    ordered = sorted(names, key=str.encode, reverse=not ascends)
    assert found == [{"sk": {"S": name}, "n": {"N": "1"}} for name in ordered]
    assert most <= (limit or len(names))


def test_a_query_by_more_than_the_partition_is_answered_too(dynamodb: Any) -> None:
    for name in ("a1", "a2", "b1"):
        dynamodb.put_item(TableName=TABLE, Item=key(name))
    found = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": "JOB"}, ":sk": {"S": "a"}},
    )

    assert found["Items"] == [key("a1"), key("a2")]


def test_a_bucket_and_parameters_are_there(tmp_path: Path) -> None:
    with LocalAws(
        table=TABLE, journal=tmp_path / "t", keys=KEYS, bucket="wells", parameters={"/a": "{}"}
    ) as aws:
        ssm, s3 = client(aws.url, "ssm"), client(aws.url, "s3")
        assert ssm.get_parameter(Name="/a", WithDecryption=True)["Parameter"]["Value"] == "{}"
        s3.put_object(Bucket="wells", Key="a/b c.duckdb", Body=b"wells", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="wells", Key="a/b c.duckdb", Body=b"others", IfNoneMatch="*")
        assert s3.head_object(Bucket="wells", Key="a/b c.duckdb")["ContentLength"] == 5
        url = s3.generate_presigned_url(
            "get_object", Params={"Bucket": "wells", "Key": "a/b c.duckdb"}
        )
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"wells"
        ssm.close()
        s3.close()


def test_a_malformed_request_is_refused(aws: LocalAws, dynamodb: Any) -> None:
    headers = {"X-Amz-Target": "DynamoDB_20120810.TransactWriteItems"}
    signed = AWSRequest("POST", f"{aws.url}/", headers, b"{")
    SigV4Auth(Credentials(*KEYS), "dynamodb", "us-east-1").add_auth(signed)
    request = urllib.request.Request(aws.url, data=b"{", headers=dict(signed.headers.items()))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    refused.value.close()
    assert all_items(dynamodb) == {}
