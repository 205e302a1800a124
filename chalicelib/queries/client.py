"""QueryClient: asks the query function and waits for its answer. DuckDB is loaded there, never here."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from chalicelib.errors import QueryFunctionMissing, QueryThrottled, QueryTooSlow, QueryUnavailable, error_of

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.literals import InvocationTypeType
    from types_boto3_lambda.type_defs import InvocationResponseTypeDef

    from .query import Query

# API Gateway waits 29 s; the query function has 22 s of its own. Tried once: a second try would not fit.
PATIENCE = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
_REFUSALS = {
    "ResourceNotFoundException": QueryFunctionMissing,
    "AccessDeniedException": QueryFunctionMissing,
    "TooManyRequestsException": QueryThrottled,
}

log = logging.getLogger(__name__)


class QueryClient:
    """`function` is a name or an ARN; empty when there is none."""

    def __init__(self, *, lambda_client: LambdaClient, function: str) -> None:
        self._lambda = lambda_client
        self._function = function

    def ask(self, query: Query) -> Any:
        """The answer's data. Raises what the query function raised, QueryUnavailable and its children."""
        answer = self._answer(json.dumps(query.event).encode())
        if error := answer.get("error"):
            raise error_of(error["code"], error["message"], error["details"])
        return answer["data"]

    def check(self) -> None:
        """Whether the function is there and may be called; it is not run. Raises QueryUnavailable."""
        self._invoke("DryRun", b"{}")

    def _answer(self, payload: bytes) -> dict[str, Any]:
        reply = self._invoke("RequestResponse", payload)
        try:
            answer = json.loads(reply["Payload"].read())
        except (BotoCoreError, ValueError) as exc:
            raise QueryUnavailable from exc
        if reply.get("FunctionError"):
            raise _died(answer)
        if not isinstance(answer, dict) or not answer.keys() & {"data", "error"}:
            raise QueryUnavailable
        return answer

    def _invoke(self, kind: InvocationTypeType, payload: bytes) -> InvocationResponseTypeDef:
        if not self._function:
            raise QueryFunctionMissing
        try:
            return self._lambda.invoke(FunctionName=self._function, InvocationType=kind, Payload=payload)
        except ReadTimeoutError as exc:
            raise QueryTooSlow from exc
        except ClientError as exc:
            raise _REFUSALS.get(exc.response["Error"]["Code"], QueryUnavailable) from exc
        except BotoCoreError as exc:
            raise QueryUnavailable from exc


def _died(payload: Any) -> QueryUnavailable:
    """The function answers its own errors as data: this one was killed, or never began. What Lambda says of it is
    for the log alone, and there in short: it may hold a trace.
    """
    said = payload if isinstance(payload, dict) else {}
    log.error("the query function died: %.100s", said.get("errorType"))
    slow = "Timedout" in str(said.get("errorType")) or "Task timed out" in str(said.get("errorMessage"))
    return QueryTooSlow() if slow else QueryUnavailable()
