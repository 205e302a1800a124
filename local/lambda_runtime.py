"""One invocation of a Lambda function: the real handler, by the real awslambdaric, in its own process.

The process asks a Runtime API for its event and posts its answer there, as in Lambda:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. A function past its timeout is killed with
its process group. There is no warm pool: a process serves one event and is ended.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, ClassVar

from local import child
from local.loopback import LoopbackHandler, LoopbackServer

STOP_SECONDS = 1.5
INIT_SECONDS = 30.0  # Lambda gives an init 10 s; a busy laptop is slower
ACCOUNT_AND_REGION = "us-east-1:123456789012"


@dataclass(frozen=True, kw_only=True)
class LambdaFunction:
    """`name` as deployed, `handler` as module.function, `timeout` in seconds, `memory_mb` as announced.

    `schedule` is the expression of its EventBridge rule, such as `rate(1 minute)`.
    """

    name: str
    handler: str
    timeout: float = 60.0
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    schedule: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{ACCOUNT_AND_REGION}:function:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came back. `error` is None when the handler returned, else Lambda's error type."""

    payload: bytes
    error: str | None = None


class RuntimeStoppedError(Exception):
    """The stack is stopping; the invocation did not come to an end."""


class LambdaRuntime:
    def __init__(self, *, project: Path, logs: Path, environment: Mapping[str, str]) -> None:
        self._project = project
        self._logs = logs
        self._environment = environment
        self._mutex = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        logs.mkdir(parents=True, exist_ok=True)

    def invoke(self, function: LambdaFunction, *, request_id: str, payload: bytes) -> Outcome:
        """Blocks until the process has answered, died or run out of time; by then it is gone.

        Raises RuntimeStoppedError.
        """
        with (self._logs / f"{function.name}.log").open("ab", buffering=0) as log:
            _log(log, f"START RequestId: {request_id} Version: $LATEST")
            api = RuntimeApi(function, request_id=request_id, payload=payload)
            process = self._start(function, api, log)
            outcome, peak_kb = self._see_through(process, api, function)
            if self._stopped:
                raise RuntimeStoppedError
            if outcome.error:
                _log(log, f"{request_id} {outcome.error}: {outcome.payload.decode(errors='replace')[:2000]}")
            _log(log, f"END RequestId: {request_id}\n{api.report(peak_kb)}")
        return outcome

    def stop(self) -> None:
        """Every process gets SIGTERM and a moment to hand over what it does, then it is killed."""
        self._signal_all(child.ask_to_end)
        deadline = time.monotonic() + STOP_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        self._signal_all(child.kill)

    def _signal_all(self, send: Callable[[subprocess.Popen[bytes]], None]) -> None:
        with self._mutex:
            self._stopped = True
            for process in self._running:
                send(process)

    def _start(self, function: LambdaFunction, api: "RuntimeApi", log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "awslambdaric", function.handler]
        environment = self._lambda_environment(function, api)
        with self._mutex:
            if self._stopped:
                api.stop()
                raise RuntimeStoppedError
            process = child.start(command, environment=environment, cwd=self._project, stdout=log, stderr=log)
            self._running.add(process)
        return process

    def _see_through(
        self, process: subprocess.Popen[bytes], api: "RuntimeApi", function: LambdaFunction
    ) -> tuple[Outcome, int]:
        reaper = Reaper(process, api)
        try:
            outcome = api.outcome(function.timeout)
            peak_kb = _peak_kb(process.pid)
        finally:
            child.kill(process)
            reaper.join()
            with self._mutex:
                self._running.discard(process)
            api.stop()
        return outcome, peak_kb or reaper.peak_kb

    def _lambda_environment(self, function: LambdaFunction, api: "RuntimeApi") -> dict[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return {
            **function.environment,
            **self._environment,
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": datetime.now(UTC).strftime("%Y/%m/%d/[$LATEST]local"),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(self._project),
            "PYTHONPATH": str(self._project),
            "TZ": ":UTC",
        }


class RuntimeApi:
    """Lambda's Runtime API for one process and one event."""

    def __init__(self, function: LambdaFunction, *, request_id: str, payload: bytes) -> None:
        self.function = function
        self.request_id = request_id
        self.payload = payload
        self.stopped = threading.Event()
        self._signals: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._created = self._fetched = time.monotonic()
        self._handed_out = threading.Lock()
        handler = type("Handler", (RuntimeApiHandler,), {"api": self})
        self._server = LoopbackServer(handler).start()

    @property
    def address(self) -> str:
        return self._server.url.removeprefix("http://")

    def stop(self) -> None:
        self.stopped.set()
        self._server.stop()

    def hand_out(self) -> bool:
        """True for the first asker. The clock of the timeout starts here, as in Lambda."""
        if not self._handed_out.acquire(blocking=False):
            return False
        self._fetched = time.monotonic()
        self._signals.put(None)
        return True

    def post(self, outcome: Outcome) -> None:
        self._signals.put(outcome)

    def outcome(self, timeout: float) -> Outcome:
        try:
            return self._signals.get(timeout=INIT_SECONDS) or self._answer(timeout)
        except queue.Empty:
            return self._failure("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS:.2f} seconds")

    def _answer(self, timeout: float) -> Outcome:
        try:
            outcome = self._signals.get(timeout=timeout)
        except queue.Empty:
            outcome = None
        return outcome or self._failure("Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds")

    def exited(self, code: int) -> None:
        how = f"signal: {-code}" if code < 0 else f"exit status {code}"
        self.post(self._failure("Runtime.ExitError", f"Error: Runtime exited with error: {how}"))

    def _failure(self, error: str, message: str) -> Outcome:
        body = {"errorType": error, "errorMessage": f"RequestId: {self.request_id} {message}"}
        return Outcome(payload=json.dumps(body).encode(), error=error)

    def report(self, peak_kb: int) -> str:
        return "\t".join(
            [
                f"REPORT RequestId: {self.request_id}",
                f"Duration: {1000 * (time.monotonic() - self._fetched):.2f} ms",
                f"Memory Size: {self.function.memory_mb} MB",
                f"Max Memory Used: {peak_kb // 1024} MB",
                f"Init Duration: {1000 * (self._fetched - self._created):.2f} ms",
            ]
        )


class RuntimeApiHandler(LoopbackHandler):
    api: ClassVar[RuntimeApi]

    def do_GET(self) -> None:  # noqa: N802
        if not self.path.endswith("/runtime/invocation/next"):
            self.answer(404, b"")
        elif self.api.hand_out():
            self.answer(200, self.api.payload, self._event_headers())
        else:
            self.api.stopped.wait()  # Lambda would freeze the process here
            self.close_connection = True

    def do_POST(self) -> None:  # noqa: N802
        body = self.read_body()
        self.answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
        self.wfile.flush()
        error = None
        if self.path.endswith("/error"):
            error = self.headers.get("Lambda-Runtime-Function-Error-Type") or "Unhandled"
        self.api.post(Outcome(payload=body, error=error))

    def _event_headers(self) -> dict[str, str]:
        deadline = int(1000 * (time.time() + self.api.function.timeout))
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.api.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self.api.function.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }


class Reaper(threading.Thread):
    """Waits for the process and keeps its peak memory."""

    def __init__(self, process: subprocess.Popen[bytes], api: RuntimeApi) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._api = api
        self.peak_kb = 0
        self.start()

    def run(self) -> None:
        _, status, usage = os.wait4(self._process.pid, 0)
        self.peak_kb = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._api.exited(self._process.returncode)


def _peak_kb(pid: int) -> int:
    """The kernel's `ru_maxrss` of a child starts at its parent's size; this figure is the process's own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) if peaks else 0


def _log(log: IO[bytes], line: str) -> None:
    log.write(f"{line}\n".encode())
