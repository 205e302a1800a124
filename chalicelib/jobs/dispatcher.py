"""Starts the import function without waiting for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import DispatchFailed

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class Dispatcher:
    def __init__(self, *, lambda_client: LambdaClient, function: str) -> None:
        self._lambda = lambda_client
        self._function = function

    def dispatch(self, job_id: str) -> None:
        """Queue one invocation for the job. It may be delivered more than once: the claim sorts
        that out.

        Raises DispatchFailed.
        """
        self._invoke({"job_id": job_id})

    def dispatch_again(self, job_id: str) -> None:
        """As the sweeper does for a job that waits too long. Raises DispatchFailed."""
        self.dispatch(job_id)

    def dispatch_check(self, check_id: str) -> None:
        """Queue one invocation for the check. Raises DispatchFailed."""
        self._invoke({"check_id": check_id})

    def _invoke(self, event: dict[str, str]) -> None:
        payload = json.dumps(event).encode()
        try:
            self._lambda.invoke(
                FunctionName=self._function, InvocationType="Event", Payload=payload
            )
        except (ClientError, BotoCoreError) as exc:
            raise DispatchFailed from exc
