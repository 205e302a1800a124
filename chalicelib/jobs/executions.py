"""Executions of the state machine that runs an import with many workers: started by a name, and
asked what they do.

    trigger    StartExecution <job>-0 ── starts             sweeper   StartExecution <job>-0 ── ExecutionAlreadyExists
    hand-over  StartExecution <job>-2 ── † before a claim   sweeper   DescribeExecution <job>-2 ── FAILED
                                                                      StartExecution <job>-2-<minute> ── goes on

The name tells the job and how many workers have claimed it so far, so two deliveries of one start
are one, and the next start of the job is another one. A start that has ended before it claimed is
made again, under a name of the minute; where that is one too many, the claim sorts it out.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import DispatchFailed

from .aws_error import error_code
from .dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_lambda import LambdaClient

    from .job import Job

RUNNING = "RUNNING"
STOPPED = ("FAILED", "TIMED_OUT", "ABORTED")
ENDED = (*STOPPED, "SUCCEEDED")


class Executions:
    """`machine` is the ARN of the state machine."""

    def __init__(self, *, stepfunctions: Any, machine: str) -> None:
        self._stepfunctions = stepfunctions
        self._machine = machine

    def start(self, job: Job) -> None:
        """Of a job that may have started already: then that one counts. Raises DispatchFailed."""
        self._start(_name(job), job)

    def start_again(self, job: Job, *, at: float) -> None:
        """Of a job that waits although it may have started:
        a start that has ended has failed before its claim. Raises DispatchFailed.
        """
        name = _name(job)
        is_started = self._start(name, job)
        if is_started:
            return
        if self.status(name) in ENDED:
            minute = int(at // 60)
            self._start(f"{name}-{minute}", job)

    def _start(self, name: str, job: Job) -> bool:
        """False where there is, or was, one of this name."""
        event = json.dumps({"job_id": job.job_id})
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._machine,
                name=name,
                input=event,
            )
        except (ClientError, BotoCoreError) as exc:
            if error_code(exc) != "ExecutionAlreadyExists":
                raise DispatchFailed from exc
            return False
        return True

    def status(self, name: str) -> str | None:
        """As Step Functions has it, such as RUNNING or ABORTED;
        None where it knows no such execution. Raises DispatchFailed.
        """
        arn = self._machine.replace(":stateMachine:", ":execution:")
        try:
            answer = self._stepfunctions.describe_execution(executionArn=f"{arn}:{name}")
        except (ClientError, BotoCoreError) as exc:
            if error_code(exc) == "ExecutionDoesNotExist":
                return None
            raise DispatchFailed from exc
        return str(answer["status"])


class MachineDispatcher(Dispatcher):
    """Starts an execution for a job, and the import function for a check."""

    def __init__(
        self,
        *,
        lambda_client: LambdaClient,
        function: str,
        executions: Executions,
        find: Callable[[str], Job | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(lambda_client=lambda_client, function=function)
        self._executions = executions
        self._find = find
        self._clock = clock

    def dispatch(self, job_id: str) -> None:
        """Raises DispatchFailed, StateUnavailable."""
        job = self._find(job_id)
        if job:
            self._executions.start(job)

    def dispatch_again(self, job_id: str) -> None:
        """Raises DispatchFailed, StateUnavailable."""
        job = self._find(job_id)
        if job:
            self._executions.start_again(job, at=self._clock())


def _name(job: Job) -> str:
    return f"{job.job_id}-{job.attempt}"
