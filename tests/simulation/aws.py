"""The clients of AWS that the product is given, on the simulated network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from .dynamodb import cancelled
from .weather import Fault

if TYPE_CHECKING:
    import random

    from .dynamodb import InMemoryDynamoDb
    from .scheduler import Scheduler
    from .weather import Network, Storm

Work = Callable[[str, str, Callable[[], None]], None]
"""Of a job, by a request; with what follows when it fails."""

MAX_EVENT_AGE = 300.0
RETRY_SECONDS = (
    60.0,
    120.0,
)  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
STEADY = tuple(fault for fault in Fault if fault is not Fault.CONFLICT)


class TableClient:
    """Half of the repeated transactions carry their token, as botocore's do; the others come when
    DynamoDB has forgotten it. Each answer tells the true time, `now`, in whole seconds.
    """

    def __init__(
        self,
        *,
        dynamodb: InMemoryDynamoDb,
        network: Network,
        draw: random.Random,
        now: Callable[[], float],
    ) -> None:
        self._dynamodb = dynamodb
        self._now = now
        self._network = network
        self._draw = draw

    def get_item(self, **request: Any) -> Any:
        what = f"read {request['Key']['sk']['S']}"
        return self._network.call(
            "table",
            what,
            lambda: self._dated(self._dynamodb.get_item(**request)),
            error=_no_answer,
            faults=STEADY,
        )

    def query(self, **request: Any) -> Any:
        pk = request["ExpressionAttributeValues"][":pk"]["S"]
        return self._network.call(
            "table",
            f"list {pk}",
            lambda: self._dated(self._dynamodb.query(**request)),
            error=_no_answer,
            faults=STEADY,
        )

    def transact_write_items(self, **request: Any) -> Any:
        token = str(self._draw.random()) if self._draw.random() < 0.5 else None
        kinds = (_kind(write) for action in request["TransactItems"] for write in action.values())

        def error(fault: Fault) -> Exception:
            count = len(request["TransactItems"])
            return (
                cancelled(["TransactionConflict"] * count)
                if fault is Fault.CONFLICT
                else _no_answer(fault)
            )

        return self._network.call(
            "table",
            f"write {' '.join(kinds)}",
            lambda: self._transact(request, token),
            error=error,
        )

    def _dated(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer | dated(self._now())

    def _transact(self, request: Any, token: str | None) -> dict[str, Any]:
        try:
            return self._dated(
                self._dynamodb.transact_write_items(**request, ClientRequestToken=token)
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "TransactionCanceledException":
                raise TypeError(f"DynamoDB would not take {request}") from exc
            raise


class LambdaQueue:
    """Delivers each event at least once or, in a storm, never; a failed one twice more with its
    request id. One that always failed, or grew too old, is an event for `take_up`.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        network: Network,
        storm: Storm,
        draw: random.Random,
        work: Work,
        take_up: Work,
        on_given_up: Callable[[str], None],
    ) -> None:
        self._scheduler = scheduler
        self._network = network
        self._storm = storm
        self._draw = draw
        self._work = work
        self._take_up = take_up
        self._on_given_up = on_given_up
        self._accepted = 0

    def invoke(self, *, Payload: bytes, **_: Any) -> None:  # noqa: N803
        job_id = json.loads(Payload)["job_id"]
        self._network.call(
            "queue",
            "dispatch",
            lambda: self._accept(job_id, self._work),
            error=_no_answer,
            faults=STEADY,
        )

    def _accept(self, job_id: str, work: Work) -> None:
        self._accepted += 1
        request_id = f"request-{self._accepted}"
        event = Event(
            job_id=job_id, request_id=request_id, accepted_at=self._scheduler.now, work=work
        )
        is_stormy = self._scheduler.now < self._storm.clears_at
        if is_stormy and self._draw.random() < self._storm.frequency:
            self._network.note(event.request_id, "lost in the queue")
            return
        copies = 2 if is_stormy and self._draw.random() < 2 * self._storm.frequency else 1
        for _ in range(copies):
            slow = is_stormy and self._draw.random() < self._storm.frequency
            self._deliver_after(self._draw.uniform(0.05, 200.0 if slow else 3.0), event, 0)

    def _deliver_after(self, seconds: float, event: Event, tries: int) -> None:
        self._scheduler.after(seconds, lambda: self._deliver(event, tries))

    def _deliver(self, event: Event, tries: int) -> None:
        if self._scheduler.now - event.accepted_at > MAX_EVENT_AGE:
            self._give_up(event, "too old")
            return

        def failed() -> None:
            if tries < len(RETRY_SECONDS):
                self._deliver_after(RETRY_SECONDS[tries], event, tries + 1)
            else:
                self._give_up(event, "failed each time")

        event.work(event.job_id, event.request_id, failed)

    def _give_up(self, event: Event, why: str) -> None:
        self._network.note(event.request_id, f"given up: {why}")
        if event.work == self._work:
            self._on_given_up(event.job_id)
            self._accept(event.job_id, self._take_up)


def dated(now: float) -> dict[str, Any]:
    """What botocore adds to an answer that was given at this time."""
    return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(now, usegmt=True)}}}


@dataclass(frozen=True)
class Event:
    job_id: str
    request_id: str
    accepted_at: float
    work: Work


def _no_answer(_: Fault) -> Exception:
    return ReadTimeoutError(endpoint_url="the simulated AWS")


def _kind(write: Any) -> str:
    return str((write.get("Key") or write["Item"])["pk"]["S"])
