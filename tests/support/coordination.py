"""What the tests of the coordination share:
a clock to turn, the whole table to look at, answers that get lost.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from chalicelib.errors import DispatchFailed, StateUnavailable
from chalicelib.jobs.dispatcher import Dispatcher
from chalicelib.jobs.dynamodb_item import from_item
from chalicelib.jobs.job import Job, new_job
from chalicelib.jobs.lock import notice_key
from chalicelib.jobs.notice import end_of
from chalicelib.jobs.table import Table
from local.aws.loopback import LoopbackHandler
from local.aws.signature import Keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session
    from types_boto3_dynamodb import DynamoDBClient

KEYS = Keys(
    "local", "hunter2"
)  # of every local AWS in the tests; `hunter2` stands for a secret wherever it is
NOON = 1_735_732_800.0  # 2025-01-01 12:00 UTC


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class RecordingDispatcher(Dispatcher):
    """Keeps the dispatched job ids; with `failing`, every dispatch fails."""

    def __init__(self, *, failing: bool = False) -> None:
        self.failing = failing
        self.dispatched: list[str] = []

    def dispatch(self, job_id: str) -> None:
        if self.failing:
            raise DispatchFailed
        self.dispatched.append(job_id)


class RepeatingTable(Table):
    """Each transaction arrives twice,
    as when its first answer got lost and the client sent it again.
    """

    def transact(self, writes: list[dict[str, Any]]) -> None:
        super().transact(writes)
        super().transact(writes)


class SilentTable(Table):
    """Each transaction is done, and its answer never comes."""

    def transact(self, writes: list[dict[str, Any]]) -> None:
        super().transact(writes)
        raise StateUnavailable


class InterruptedTable(Table):
    """Before the first transaction somebody else does something."""

    def __init__(self, meanwhile: Callable[[], object], **options: Any) -> None:
        super().__init__(**options)
        self._meanwhile = [meanwhile]

    def transact(self, writes: list[dict[str, Any]]) -> None:
        if self._meanwhile:
            self._meanwhile.pop()()
        super().transact(writes)


@cache
def _session() -> Session:
    from support.aws_session import new_session

    return new_session()


def aws_client(url: str, service: str = "dynamodb", *, keys: Keys = KEYS, **config: Any) -> Any:
    from botocore.config import Config

    return _session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(**({"retries": {"total_max_attempts": 1}} | config)),
    )


def table_contents(dynamodb: DynamoDBClient, table: str) -> dict[str, dict[str, Any]]:
    """Every item whole, by its sort key; the keys themselves left out."""
    items = [
        from_item(dict(item))
        for item in dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    ]
    return {
        item["sk"]: {name: item[name] for name in item if name not in ("pk", "sk")}
        for item in items
    }


def notice_of(ended: Job) -> dict[str, dict[str, Any]]:
    """What the outbox holds of the job's end and nobody has taken yet,
    as table_contents shows it.
    """
    notice = end_of(ended)
    told = {
        "key": ended.job_id,
        "kind": notice.kind,
        "at": ended.completed_at,
        "facts": notice.facts,
    }
    return {notice_key(notice)["sk"]: {**told, "version": 0, "deliveries": {}}}


def a_job(clock: Clock, **parameters: Any) -> Job:
    return new_job(now=clock(), triggered_by="tests", parameters=parameters)


class LambdaHandler(LoopbackHandler):
    """Lambda's Invoke:
    keeps what it is asked, as (path, kind, payload), and answers with `status` and `answered`.
    """

    status: ClassVar[int] = 202
    answered: ClassVar[bytes] = b""
    invocations: ClassVar[list[Any]]

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        kind = self.headers["X-Amz-Invocation-Type"]
        self.invocations.append((self.path, kind, json.loads(self.read_body())))
        error = json.dumps({"Type": "User", "Message": "no"}).encode()
        self.answer(self.status, self.answered if self.status < 300 else error)
