"""QueryClient: asks the query function and waits for its answer.
DuckDB is loaded there, never here.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from chalicelib.errors import (
    DatabaseFetching,
    QueryFunctionMissing,
    QueryThrottled,
    QueryTooSlow,
    QueryUnavailable,
    error_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.literals import InvocationTypeType
    from types_boto3_lambda.type_defs import InvocationResponseTypeDef

    from .query import Query

# API Gateway waits 29 s; a question has 12 s for a fetch of the database before it (published.py),
# and is stopped after 22 (production.py). Tried once: a second try would not fit.
PATIENCE = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
_REFUSALS = {
    "ResourceNotFoundException": QueryFunctionMissing,
    "AccessDeniedException": QueryFunctionMissing,
    "TooManyRequestsException": QueryThrottled,
}

log = logging.getLogger(__name__)


class QueryClient:
    """`function` is a name or an ARN; empty when there is none."""

    def __init__(
        self,
        *,
        lambda_client: LambdaClient,
        function: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lambda = lambda_client
        self._function = function
        self._clock = clock
        # By the name of the snapshot, of the last one alone.
        self._fetched_until: dict[str, float] = {}

    def ask(self, query: Query) -> Any:
        """The answer's data.
        Raises what the query function raised, QueryUnavailable and its children.
        """
        answer = self._answer(json.dumps(query.event).encode())
        error = answer.get("error")
        if error:
            failed = error_of(error["code"], error["message"], error["details"])
            if isinstance(failed, DatabaseFetching):
                self._fetch_ahead(failed)
            raise failed
        return answer["data"]

    def _fetch_ahead(self, error: DatabaseFetching) -> None:
        """Have the function fetch it while nobody waits:
        once for as long as that takes, by all that ask here.
        """
        name = str(error.details["snapshot"])
        now = self._clock()
        if now < self._fetched_until.get(name, 0.0):
            return
        self._fetched_until = {name: now + error.details["retry_after_seconds"]}
        try:
            self._invoke("Event", json.dumps({"fetch": name}).encode())
        except QueryUnavailable as exc:
            log.warning("the fetch of the database could not be started: %s", exc.code)

    def check(self) -> None:
        """Whether the function is there and may be called; it is not run.
        Raises QueryUnavailable.
        """
        self._invoke("DryRun", b"{}")

    def _answer(self, payload: bytes) -> dict[str, Any]:
        reply = self._invoke("RequestResponse", payload)
        try:
            answer = json.loads(reply["Payload"].read())
        except (BotoCoreError, ValueError) as exc:
            raise QueryUnavailable from exc
        if reply.get("FunctionError"):
            raise _death_of(answer)
        if not isinstance(answer, dict) or not answer.keys() & {"data", "error"}:
            raise QueryUnavailable
        return answer

    def _invoke(self, kind: InvocationTypeType, payload: bytes) -> InvocationResponseTypeDef:
        if not self._function:
            raise QueryFunctionMissing
        try:
            return self._lambda.invoke(
                FunctionName=self._function, InvocationType=kind, Payload=payload
            )
        except ReadTimeoutError as exc:
            raise QueryTooSlow from exc
        except ClientError as exc:
            raise _REFUSALS.get(exc.response["Error"]["Code"], QueryUnavailable) from exc
        except BotoCoreError as exc:
            raise QueryUnavailable from exc


def _death_of(payload: Any) -> QueryUnavailable:
    """The function answers its own errors as data: this one was killed, or never began.
    What Lambda says of it is for the log alone, and there in short: it may hold a trace.
    """
    said = payload if isinstance(payload, dict) else {}
    log.error("the query function died: %.100s", said.get("errorType"))
    # Its own time was over. Lambda says so in one of two places.
    kind = str(said.get("errorType"))
    message = str(said.get("errorMessage"))
    is_slow = "Timedout" in kind or "Task timed out" in message
    return QueryTooSlow() if is_slow else QueryUnavailable()
