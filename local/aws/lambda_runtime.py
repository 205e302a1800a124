"""Lambda functions on the laptop: the real handler, by the real awslambdaric, in a process of its
own.

The process asks a Runtime API for its events and posts its answers there, as in Lambda. A function
past its timeout is killed with its process group. A worker of an event serves that one and is
ended; where somebody waits for the answer, workers are kept for the next question.
"""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local.aws import child
from local.aws.runtime_api import Invocation, LambdaFunction, Outcome, RuntimeApi

if TYPE_CHECKING:
    import subprocess

WORKER = Path(__file__).with_name("lambda_worker.py")
STOP_SECONDS = 1.5
WARM_WORKERS = (
    2  # of a function: a long question holds up no short one, and a laptop has room for its imports
)
THROTTLED_SECONDS = 5.0  # until one of them is free


class RuntimeStoppedError(Exception):
    """The stack is stopping; the invocation did not come to an end."""


class ThrottledError(Exception):
    """All workers of the function stay busy."""


class LambdaRuntime:
    """`patience` is how many seconds a question waits for one of the `warm_workers` that its
    function has at most.
    """

    def __init__(
        self,
        *,
        project: Path,
        logs: Path,
        environment: Mapping[str, str],
        patience: float = THROTTLED_SECONDS,
        warm_workers: int = WARM_WORKERS,
    ) -> None:
        self._project = project
        self._logs = logs
        self._environment = environment
        self._patience = patience
        self._warm_workers = warm_workers
        self._mutex = threading.Lock()
        self._running: set[Worker] = set()
        self._places: dict[str, Places] = {}
        self._stopped = False
        logs.mkdir(parents=True, exist_ok=True)

    def invoke(self, function: LambdaFunction, *, request_id: str, payload: bytes) -> Outcome:
        """Blocks until the worker has answered, died or run out of time; by then it is gone.

        Raises RuntimeStoppedError.
        """
        worker = self._start(function)
        try:
            return self._see_through(
                worker, Invocation(function, request_id=request_id, payload=payload)
            )
        finally:
            self._end(worker)

    def invoke_warm(self, function: LambdaFunction, *, request_id: str, payload: bytes) -> Outcome:
        """The same with a worker that is kept, unless it failed.
        Raises RuntimeStoppedError, ThrottledError.
        """
        with self._mutex:
            places = self._places.setdefault(function.name, Places(self._warm_workers))
        with places.take(self._patience) as place:
            worker = place.worker = self._kept(place.worker) or self._start(function)
            failed = True
            try:
                outcome = self._see_through(
                    worker, Invocation(function, request_id=request_id, payload=payload)
                )
                failed = outcome.error is not None
            finally:
                if failed:
                    self._end(worker)
        return outcome

    def _kept(self, worker: "Worker | None") -> "Worker | None":
        """The worker, if it still waits for a question. What is left of one that died is ended."""
        if worker is None or worker.is_waiting():
            return worker
        self._end(worker)
        return None

    def stop(self) -> None:
        """Every process gets SIGTERM and a moment to hand over what it does, then it is killed."""
        with self._mutex:
            self._stopped = True
            workers = list(self._running)
        for worker in workers:
            worker.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        for worker in workers:
            worker.kill()

    def _start(self, function: LambdaFunction) -> "Worker":
        with self._mutex:
            if self._stopped:
                raise RuntimeStoppedError
            api = RuntimeApi()
            worker = Worker(
                api,
                [
                    sys.executable,
                    "-P",
                    str(WORKER),
                    function.handler,
                ],  # -P: the modules beside it are none of its own
                environment=self._lambda_environment(function, api),
                cwd=self._project,
                log=self._log(function),
            )
            self._running.add(worker)
            worker.start()
        return worker

    def _end(self, worker: "Worker") -> None:
        worker.kill()
        with self._mutex:
            self._running.discard(worker)

    def _see_through(self, worker: "Worker", invocation: "Invocation") -> Outcome:
        request_id = invocation.request_id
        with _open_log(self._log(invocation.function)) as log:
            _write(log, f"START RequestId: {request_id} Version: $LATEST")
            worker.api.give(invocation)
            outcome = invocation.outcome()
            peak_kb = worker.peak_kb()
            if self._stopped:
                raise RuntimeStoppedError
            if outcome.error:
                _write(
                    log,
                    f"{request_id} {outcome.error}: {outcome.payload.decode(errors='replace')[:2000]}",
                )
            _write(log, f"END RequestId: {request_id}\n{invocation.report(peak_kb)}")
        return outcome

    def _log(self, function: LambdaFunction) -> Path:
        return self._logs / f"{function.name}.log"

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


class Worker(threading.Thread):
    """A process of a function, from its start to its end.

    The process dies with the thread that started it (local/aws/child.py), so that thread does nothing
    but wait for it.
    """

    def __init__(
        self,
        api: RuntimeApi,
        command: list[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
    ) -> None:
        super().__init__(daemon=True)
        self.api = api
        self._command = command
        self._environment = environment
        self._cwd = cwd
        self._log = log
        self._began = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._last_peak_kb = 0

    def run(self) -> None:
        with _open_log(self._log) as log:
            process = self._process = child.start(
                self._command, environment=self._environment, cwd=self._cwd, stdout=log, stderr=log
            )
        self._began.set()
        _, status, usage = os.wait4(process.pid, 0)
        self._last_peak_kb = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.api.note_exit(process.returncode)

    def is_waiting(self) -> bool:
        """Whether the process can be given an event.

        A process that died is seen by its connection, which the kernel closes at once; this thread
        hears of it a little later.
        """
        return self.is_alive() and not self.api.has_been_left()

    def peak_kb(self) -> int:
        """The kernel's figure of a process that has ended starts at its parent's size."""
        peak = _peak_kb(self._process.pid) if self._process else 0
        return peak or self._last_peak_kb

    def ask_to_end(self) -> None:
        if self._began.wait(STOP_SECONDS) and self._process:
            child.ask_to_end(self._process)

    def kill(self) -> None:
        """Returns when the process is gone, and its group with it."""
        if self._began.wait(STOP_SECONDS) and self._process:
            child.kill(self._process)
            self.join()
        self.api.stop()


@dataclass
class Place:
    worker: Worker | None = None


class Places:
    """Where the warm workers of one function are. The one that was used last is used next."""

    def __init__(self, count: int) -> None:
        self._free: queue.LifoQueue[Place] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(Place())

    @contextmanager
    def take(self, patience: float) -> Iterator[Place]:
        """Raises ThrottledError."""
        try:
            place = self._free.get(timeout=patience)
        except queue.Empty:
            raise ThrottledError from None
        try:
            yield place
        finally:
            self._free.put(place)


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    if peaks:
        return int(peaks[0])
    return 0


def _open_log(log: Path) -> IO[bytes]:
    """Where there is no room for it, what is written goes nowhere:
    no function fails for its log.
    """
    try:
        return log.open("ab", buffering=0)
    except OSError:
        return Path(os.devnull).open("ab", buffering=0)


def _write(log: IO[bytes], line: str) -> None:
    with contextlib.suppress(OSError):
        log.write(f"{line}\n".encode())
