"""DynamoDB, S3, SSM and Secrets Manager on one loopback port: moto behind one mutex.

The table is in SQLite and outlives the process: `kill -9` loses no acknowledged write. moto is
given, for each request, a table of just the items that the request is about; what has become of
them is in SQLite before the answer leaves. So neither the start nor a request takes longer for a
long history. moto's transactions copy and restore a table without a lock, so two threads could both
win one condition; here one request runs at a time. The bucket, the parameters and the secrets live
in memory only, because locally the warehouse is a directory and the parameters are seeded at every
start.

Over HTTP only who signs with the stack's key is answered, and only for these services: moto's own
pages, which show and reset everything, are not among them.
"""

import argparse
import copy
import json
import logging
import os
import re
import sqlite3
import sys
import threading
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from werkzeug.test import Client, TestResponse

from local.aws.disk import Disk, UnwritableError
from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.aws.parameter_store import ssm_backends
from local.aws.plain_transaction import outcome_of
from local.aws.plain_update import put_request
from local.aws.request_body import BodyTooLargeError, MalformedRequestError
from local.aws.signature import Keys, NotSignedError, Signature
from local.aws.table_journal import Item, Key, Look, TableJournal

if TYPE_CHECKING:
    from moto.dynamodb.models.table import Table

REGION = "us-east-1"
MAX_REMEMBERED_TOKENS = 10_000  # DynamoDB remembers a ClientRequestToken for ten minutes
DYNAMODB = "DynamoDB_20120810."
SERVICES = ("dynamodb", "s3", "ssm", "secretsmanager", "events", "sns", "states")
MOTO = {"states": "stepfunctions"}  # how moto calls a service that signs by another name
log = logging.getLogger(__name__)
REFUSED: dict[type[Exception], tuple[HTTPStatus, str]] = {
    NotSignedError: (HTTPStatus.FORBIDDEN, "AccessDeniedException"),
    BodyTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "ValidationException"),
    MalformedRequestError: (HTTPStatus.BAD_REQUEST, "ValidationException"),
    UnwritableError: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError"),
}


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


class LocalAws:
    """`url` answers DynamoDB (one table, key `pk` + `sk`), S3 (one bucket), SSM and Secrets Manager
    until `stop`, to requests that are signed with `keys`. `on_parameter` is given the name and
    value of each parameter that one puts.

    One at a time in a process: moto's state is global.
    """

    def __init__(
        self,
        *,
        table: str,
        journal: Path,
        keys: Keys,
        bucket: str = "wellhead-local",
        parameters: Mapping[str, str] | None = None,
        port: int = 0,
        on_parameter: Callable[[str, str], object] = lambda *_: None,
    ) -> None:
        self._on_parameter = on_parameter
        self.keys = keys
        self.disk = Disk("The local table")
        self._table_name = table
        self._mutex = threading.Lock()
        self._tokens: dict[str, tuple[bytes, Answer]] = {}
        self._journal = TableJournal(journal)
        self._tables: dict[str, Table] = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
        default_user_config.pop(
            "stepfunctions", None
        )  # until run_machines says so (machine.py), no execution runs
        for backends in (s3_backends, ssm_backends, secretsmanager_backends):
            backends[DEFAULT_ACCOUNT_ID].reset()
        self._create_table()
        self._call("PUT", f"/{bucket}", signed_for="s3")
        for name, value in (parameters or {}).items():
            self.put_parameter(name, value)
        self._server = LoopbackServer(self._handler(), port=port)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()
        with self._mutex:
            self._journal.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def put_parameter(self, name: str, value: str) -> None:
        request = {
            "Name": name,
            "Value": value,
            "Type": "SecureString",
            "Overwrite": True,
        }
        with self._mutex:
            self._call(
                "POST", "/", signed_for="ssm", target="AmazonSSM.PutParameter", request=request
            )

    def create_state_machine(self, name: str, definition: str) -> None:
        """Its executions run here from then on, and end with this process;
        local/aws/machine.py tells who they ask.
        """
        told = {
            "name": name,
            "definition": definition,
            "roleArn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/machine",
        }
        with self._mutex:
            self._call(
                "POST",
                "/",
                signed_for="states",
                target="AWSStepFunctions.CreateStateMachine",
                request=told,
            )

    def answer(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """`service` is one of SERVICES. Raises MalformedRequestError, UnwritableError."""
        operation = headers.get("X-Amz-Target", "").removeprefix(DYNAMODB)
        keys = self._keys_of(operation, body)
        whole = self._key_of_plain_get(operation, body)
        with self._mutex:
            if whole:
                return _item_answer(self._journal.item(whole))
            if operation == "TransactWriteItems":
                return self._transact(keys, path, headers, body)
            if keys:
                return self._write(keys, path, headers, body)
            if operation in READS:
                return self._read(operation, path, headers, body)
            answer = self._ask_moto(service, method, path, headers, body)
            if answer.status == HTTPStatus.OK:
                self._tell_parameter(headers.get("X-Amz-Target", ""), body)
            return answer

    def _tell_parameter(self, target: str, body: bytes) -> None:
        """To who keeps the parameters for the next start."""
        if target == "AmazonSSM.PutParameter":
            request = json.loads(body)
            self._on_parameter(request["Name"], request["Value"])

    def _key_of_plain_get(self, operation: str, body: bytes) -> Key | None:
        """Of a GetItem for a whole item.
        It is answered without moto, whose serialiser takes 6 ms for a job.
        """
        if operation != "GetItem":
            return None
        try:
            request = json.loads(body)
            plain = request.keys() <= {"TableName", "Key", "ConsistentRead"}
            is_ours = plain and request["TableName"] == self._table_name
            return Key.of(request["Key"]) if is_ours else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None  # moto knows DynamoDB's words for it

    def _transact(
        self, keys: list[Key], path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Once per ClientRequestToken."""
        token = json.loads(body).get("ClientRequestToken")
        if token in self._tokens:
            return self._repeat(token, body)
        actions = [self._plain(action) for action in json.loads(body)["TransactItems"]]
        outcome = outcome_of(actions, self._table_name, self._journal.item)
        if outcome is None:
            plain = json.dumps({"TransactItems": actions})
            answer = self._write(keys, path, _of_length(headers, plain), plain.encode())
        else:
            self._record(outcome)
            answer = Answer(HTTPStatus.OK, b"{}", {"Content-Type": "application/x-amz-json-1.0"})
        if answer.status == HTTPStatus.OK:
            self._remember(token, body, answer)
        return answer

    def _plain(self, action: dict[str, Any]) -> dict[str, Any]:
        update = action.get("Update")
        if update is None or update["TableName"] != self._table_name:
            return action
        put = put_request(update, self._journal.item(Key.of(update["Key"])))
        return {"Put": put} if put else action

    def _write(self, keys: list[Key], path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What cannot be written has not happened. Raises UnwritableError."""
        items = filter(None, map(self._journal.item, keys))
        with self._table_of(items):
            answer = self._ask_moto("dynamodb", "POST", path, headers, body)
            outcome = {key: self._outcome(key) for key in keys}
        if answer.status == HTTPStatus.OK:
            self._record(outcome)
        return answer

    def _outcome(self, key: Key) -> Item | None:
        table = self._tables[self._table_name]  # a transaction may have put another one there
        item = table.get_item(DynamoType({"S": key.pk}), DynamoType({"S": key.sk}))
        if item:
            attributes: Item = item.to_json()["Attributes"]
            return attributes
        return None

    def _read(self, operation: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._table_of(self._items_for(operation, body)):
            return self._ask_moto("dynamodb", "POST", path, headers, body)

    def _items_for(self, operation: str, body: bytes) -> Iterable[Item]:
        """A Query of a partition needs some of it, and of each item the attributes that it names;
        most other reads are given all there is.
        """
        if operation == "GetItem" and (key := _key_of(body)):
            return filter(None, [self._journal.item(key)])
        if operation == "Query" and (look := _look_of(body)):
            names = _attributes_of(body)
            return (_part_of(item, names) for item in self._journal.look(look))
        return self._journal.items()

    @contextmanager
    def _table_of(self, items: Iterable[Item]) -> Iterator[None]:
        """While it is there, moto knows just these items."""
        none = self._tables[self._table_name]
        table = copy.copy(none)
        table.items = defaultdict(dict)
        for item in items:
            table.put_item(item, overwrite=True)
        self._tables[self._table_name] = table
        try:
            yield
        finally:
            self._tables[self._table_name] = none

    def _repeat(self, token: str, body: bytes) -> Answer:
        first_body, first_answer = self._tokens[token]
        if body == first_body:
            return first_answer
        mismatch = {
            "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "Message": "The ClientRequestToken was used with another request.",
        }
        return Answer(
            400, json.dumps(mismatch).encode(), {"Content-Type": "application/x-amz-json-1.0"}
        )

    def _remember(self, token: str | None, body: bytes, answer: Answer) -> None:
        if token is not None:
            self._tokens[token] = (body, answer)
        if len(self._tokens) > MAX_REMEMBERED_TOKENS:
            del self._tokens[next(iter(self._tokens))]

    def _record(self, outcome: Mapping[Key, Item | None]) -> None:
        """Raises UnwritableError."""
        try:
            self._journal.write(outcome)
        except sqlite3.Error as exc:
            self.disk.is_unwritable(exc)
            raise UnwritableError from exc
        self.disk.is_writable()

    def _keys_of(self, operation: str, body: bytes) -> list[Key]:
        if operation not in TOUCHED:
            return []
        try:
            touched = TOUCHED[operation](json.loads(body))
            return [Key.of(attributes) for name, attributes in touched if name == self._table_name]
        except (KeyError, TypeError, ValueError) as exc:
            raise MalformedRequestError(f"{type(exc).__name__}: {exc}") from exc

    def _ask_moto(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        response: TestResponse = _moto_of(service).open(
            path, method=method, headers=dict(headers), data=body
        )
        with response:
            return Answer(response.status_code, response.get_data(), dict(response.headers))

    def _call(
        self, method: str, path: str, *, signed_for: str, target: str = "", request: Any = None
    ) -> None:
        """A request of the stack's own.
        moto reads only the service and the region off the signature.
        """
        scope = f"local/20240101/{REGION}/{signed_for}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}", "X-Amz-Target": target}
        body = b"" if request is None else json.dumps(request).encode()
        answer = self._ask_moto(signed_for, method, path, headers, body)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(
                f"{signed_for} {target or path} answered {answer.status}: {answer.body!r}"
            )

    def _create_table(self) -> None:
        self._tables.pop(self._table_name, None)
        request = {
            "TableName": self._table_name,
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        self._call(
            "POST", "/", signed_for="dynamodb", target=f"{DYNAMODB}CreateTable", request=request
        )

    def _handler(self) -> type[LoopbackHandler]:
        class Handler(AwsHandler):
            aws = self

        return Handler


class AwsHandler(LoopbackHandler):
    aws: ClassVar[LocalAws]

    def _serve(self) -> None:
        try:
            answer = self._answer()
        except tuple(REFUSED) as exc:
            answer = _refusal(*REFUSED[type(exc)], str(exc))
        except ConnectionError:
            raise
        except Exception as exc:  # noqa: BLE001  moto's own mistakes
            log.error("The local AWS could not answer: %s: %s", type(exc).__name__, exc)  # noqa: TRY400  one line
            answer = _refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", "The local AWS failed."
            )
        headers = {name: value for name, value in answer.headers.items() if not _is_kept_back(name)}
        self.answer(answer.status, answer.body, headers | {"Date": self.date_time_string()})

    def _answer(self) -> Answer:
        signature = Signature.read(self.path, self.headers, self.aws.keys)
        service = signature.scope.service
        if service not in SERVICES:
            raise NotSignedError(f"There is none of {service!r} here.")
        body = self.read_body()
        signature.check(self.command, self.path, self.headers, body, self.aws.keys)
        return self.aws.answer(service, self.command, self.path, dict(self.headers), body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815  (http.server's names)


@cache
def _moto_of(service: str) -> Client:
    """To make one takes longer than a request, and it keeps nothing: moto's state is its own."""
    backend: Any = MOTO.get(service, service)
    return Client(create_backend_app(backend), use_cookies=False)


def _attributes_of(body: bytes) -> set[str] | None:
    """Those that the expressions name; None for all of them."""
    try:
        request = json.loads(body)
        told = request.get("ExpressionAttributeNames", {})
        texts = [request.get(name, "") for name in ("KeyConditionExpression", "FilterExpression")]
        words = re.findall(r"#?\w+", " ".join([*texts, request["ProjectionExpression"]]))
        return {"pk", "sk", *(told.get(word, word) for word in words)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # moto knows DynamoDB's words for it


def _key_of(body: bytes) -> Key | None:
    try:
        return Key.of(json.loads(body)["Key"])
    except (KeyError, TypeError, ValueError):
        return None  # moto knows DynamoDB's words for it


def _look_of(body: bytes) -> Look | None:
    """Of a Query for a partition; None of any other.
    One more than it may answer with tells that there are more.
    """
    try:
        request = json.loads(body)
        name, _, value = request["KeyConditionExpression"].strip().partition(" = ")
        if (
            request.get("ExpressionAttributeNames", {}).get(name, name) != "pk"
            or "IndexName" in request
        ):
            return None
        start = request.get("ExclusiveStartKey")
        return Look(
            pk=request["ExpressionAttributeValues"][value]["S"],
            after=Key.of(start).sk if start else None,
            ascends=request.get("ScanIndexForward", True),
            most=request["Limit"] + 1 if "Limit" in request else -1,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # moto knows DynamoDB's words for it


def _part_of(item: Item, names: set[str] | None) -> Item:
    if names is None:
        return item
    return {name: value for name, value in item.items() if name in names}


def _of_length(headers: Mapping[str, str], body: str) -> dict[str, str]:
    length = len(body.encode())
    return {**headers, "Content-Length": str(length)}


def _item_answer(item: dict[str, Any] | None) -> Answer:
    body = json.dumps(
        {"Item": item} if item else {}, default=lambda binary: b64encode(binary).decode()
    )
    return Answer(HTTPStatus.OK, body.encode(), {"Content-Type": "application/x-amz-json-1.0"})


def _refusal(status: HTTPStatus, kind: str, message: str) -> Answer:
    return Answer(
        status,
        json.dumps({"__type": kind, "message": message}).encode(),
        {"x-amzn-ErrorType": kind},
    )


def _is_kept_back(header: str) -> bool:
    """What is of the connection, moto's idea of the time,
    and its leave for every page to read the answer.
    """
    name = header.lower()
    return name in ("connection", "transfer-encoding", "date") or name.startswith("access-control-")


def _one(request: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    key = request.get("Key") or request["Item"]
    yield request["TableName"], key


def _transaction(request: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for action in request["TransactItems"]:
        for part in action.values():
            yield from _one(part)


def _batch(request: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for table, writes in request["RequestItems"].items():
        for write in writes:
            for part in write.values():
                yield table, part.get("Key") or part["Item"]


READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems")

# The operations that change items, and the (table, attributes with the key) pairs that each names.
TOUCHED = {
    "PutItem": _one,
    "UpdateItem": _one,
    "DeleteItem": _one,
    "TransactWriteItems": _transaction,
    "BatchWriteItem": _batch,
}


def main() -> None:
    """`python -m local.aws.emulator --journal FILE` serves one table alone until it is killed,
    to who signs with the AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY that it has itself.
    """
    parser = argparse.ArgumentParser(prog="python -m local.aws.emulator")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--table", default="wellhead-local")
    options = parser.parse_args()
    with LocalAws(
        table=options.table,
        journal=options.journal,
        keys=Keys.of(os.environ),
    ) as aws:
        print(f"ready {aws.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
