"""Runs imports that die where they are told: one order of JSON a line, one answer of JSON a line.

An order is {"do": "import" | "trigger" | "sweep" | "notices", "job_id", "pages", "at": [kind,
number, how]}. Each is carried out in a fork of this process, which has loaded everything and
connected to nothing. `kind` is "call", an AWS call; "file", a step that changes a file of the
warehouse or the scratch; "time", and then it dies after so many microseconds; or "stage", and then
it is killed from outside so many microseconds after the stage `how` began, at its `turn`. `pages`
is the time budget of an import: after so many pages it is used up. The answer is {"ended": exit
code or minus the signal, "said": …, "trail": [[kind, name]]}; a stage's name comes with the second
when it began.

    how       a call                                      a file step
    before    dies; nothing was sent                      dies; nothing was done
    unseen    it happened; dies without its answer
    after     it happened; dies with its answer
    once      it happened, the connection broke; botocore asks again
    lost      it happened, and no answer ever comes
    torn                                                  dies before a rename; half of the file was written
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

import chalicelib.imports.service
import chalicelib.jobs.clearing
import chalicelib.jobs.sweeper
import chalicelib.lake.repository  # noqa: F401  loaded before the first fork
from chalicelib.jobs.starting import start_import
from chalicelib.lake.extensions import load_extensions
from chalicelib.services import Services
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.names import SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.imports.service import WellProductionImportService
    from chalicelib.settings import Settings
    from chalicelib.store.outcome import MergeResult

SERVICES = ("dynamodb", "s3", "lambda", "ssm", "events")
TRIES = 3  # of botocore, as services.py configures it
CHANGES = {"os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "os.mkdir", "os.rmdir"}
ENOUGH = 900.0


class EagerServices(Services):
    """A checkpoint after every page: the number of steps does not hang on the clock.
    The import tells its stages.
    """

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    @cached_property
    def settings(self) -> Settings:
        return replace(super().settings, checkpoint_seconds=0)

    @cached_property
    def warehouse(self) -> Any:
        return TellingWarehouse(super().warehouse, self._fate)

    def _import_service(self, *details: Any) -> WellProductionImportService:
        service = super()._import_service(*details)
        if self.settings.store == "file":
            service._new_repository = partial(TellingRepository, self._fate)
        return service


class TellingWarehouse:
    """A checkpoint lasts until its segment is stored."""

    def __init__(self, warehouse: Any, fate: Fate) -> None:
        self._warehouse = warehouse
        self._fate = fate

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        if name.startswith(SEGMENTS):
            self._fate.enters("checkpointing")
        self._warehouse.put(name, path, sha256=sha256)
        if name.startswith(SEGMENTS):
            self._fate.enters("fetching")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


class TellingRepository(DuckDBWellProductionRepository):
    def __init__(self, fate: Fate, **options: Any) -> None:
        super().__init__(**options)
        self._fate = fate

    def stage(self, *details: Any, **more: Any) -> Path:
        self._fate.enters("staging")
        segment = super().stage(*details, **more)
        self._fate.enters("fetching")
        return segment

    def merge(self, *details: Any, **more: Any) -> MergeResult:
        self._fate.enters("merging")
        return super().merge(*details, **more)

    def verify(self, *details: Any, **more: Any) -> None:
        self._fate.enters("publishing")
        super().verify(*details, **more)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """What this process does at the chosen step.
    Without a choice it only writes down what it does.
    """

    def __init__(self) -> None:
        self._counted = {"call": 0, "file": 0}
        self._is_due = self._sent = False

    def choose(
        self, kind: str = "", number: int = -1, how: str = "", *, turn: int = 0, trail: int
    ) -> None:
        self._kind = kind
        self._number = number
        self._how = how
        self._turns = turn
        self._trail = trail
        if kind == "time":  # the kernel ends the process wherever it is
            signal.setitimer(signal.ITIMER_REAL, number / 1e6)

    def comes_to(self, kind: str, name: str) -> bool:
        """Whether this step is the chosen one."""
        self._tell(kind, name)
        number = self._counted[kind]
        self._counted[kind] += 1
        return (kind, number) == (self._kind, self._number)

    def enters(self, stage: str) -> None:
        self._tell("stage", [stage, time.monotonic()])
        if (self._kind, self._how) == ("stage", stage):
            if self._turns == 0:
                self._tell("kill", self._number)
            self._turns -= 1

    def _tell(self, *what: Any) -> None:
        os.write(self._trail, json.dumps(what).encode() + b"\n")

    def before_call(self, event_name: str, **_: Any) -> None:
        self._is_due = self.comes_to("call", event_name.partition(".")[2])
        self._sent = False
        if self._is_due and self._how == "before":
            die()

    def before_send(self, request: Any, **_: Any) -> None:
        if not self._is_due or (self._sent and self._how == "once"):
            return
        if self._how in ("unseen", "once", "lost") and not self._sent:
            self._sent = True
            URLLib3Session().send(request)
        if self._how == "unseen":
            die()
        if self._how in ("once", "lost"):
            raise ConnectionClosedError(endpoint_url=request.url)

    def after_call(self, **_: Any) -> None:
        if self._is_due and self._how == "after":
            die()

    def file_step(self, event: str, path: str, target: str) -> None:
        if self.comes_to("file", f"{event} {target}"):
            if self._how == "torn":
                assert "os.rename" in event, event
                Path(path).chmod(0o600)
                os.truncate(path, Path(path).stat().st_size // 2)
            die()


def hook_calls(services: Services, fate: Fate) -> None:
    events = services._session.get_component("event_emitter")
    events.register("before-call", fate.before_call)
    events.register("before-send", fate.before_send)
    events.register("after-call", fate.after_call)
    for service in SERVICES:
        events.register_first(f"needs-retry.{service}", _at_once)


def _at_once(attempts: int, caught_exception: Exception | None, **_: Any) -> float | None:
    """The retries of botocore without the pauses between them."""
    return 0.0 if caught_exception and attempts < TRIES else None


def hook_files(roots: dict[str, str], fate: Fate) -> None:
    """The steps below these directories, by their names.
    Audit events come before what they tell of: https://docs.python.org/3/library/audit_events.html
    """

    def hear(event: str, details: tuple[Any, ...]) -> None:
        if (
            event == "open"
            and isinstance(details[0], str)
            and details[2] & (os.O_WRONLY | os.O_RDWR)
        ):
            path = target = details[0]
        elif event in CHANGES:
            path, target = _place(details[0], details[-1]), _place(details[0], details[-1])
            if event == "os.rename":
                target = os.fspath(details[1])
        else:
            return
        for name, root in roots.items():
            if path.startswith(root):
                fate.file_step(f"{name} {event}", path, target)

    sys.addaudithook(hear)


def _place(name: Any, directory: Any) -> str:
    """Where it is: `shutil.rmtree` names what it removes relative to an open directory."""
    path = Path(os.fsdecode(name))
    if isinstance(directory, int) and directory > 0 and not path.is_absolute():
        path = Path(f"/proc/self/fd/{directory}").readlink() / path
    return str(path)


def carry_out(services: Services, order: dict[str, Any]) -> Any:
    if order["do"] == "trigger":
        return start_import(job_manager=services.job_manager, dispatcher=services.dispatcher).job_id
    if order["do"] == "sweep":
        return services.sweep()
    if order["do"] == "notices":
        return services.send_notices(remaining=lambda: ENOUGH)
    pages = iter(range(order.get("pages") or 10_000))
    return services.work_on(
        order["job_id"],
        request_id=str(os.getpid()),
        remaining=lambda: 0.0 if next(pages, None) is None else ENOUGH,
    )


def in_a_fork(work: Callable[[int], Any]) -> tuple[int, list[Any]]:
    """The exit code or minus the signal of a child that does the work, and what it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            os.write(writing, json.dumps(["said", work(writing)]).encode() + b"\n")
            code = 0
        except Exception as exc:  # noqa: BLE001  told to the parent; Lambda would deliver again
            os.write(writing, json.dumps(["said", repr(exc)]).encode() + b"\n")
        finally:
            os._exit(code)
    os.close(writing)
    told = []
    with os.fdopen(reading) as pipe:
        for line in pipe:
            told.append(json.loads(line))
            if told[-1][0] == "kill":
                time.sleep(told.pop()[1] / 1e6)
                os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), told


def main() -> None:
    fate = Fate()
    services = EagerServices(fate)
    hook_calls(services, fate)
    _ = services.job_manager, services.dispatcher, services.warehouse, services._client("ssm")
    if services.settings.store != "file":
        with duckdb.connect(
            config={"threads": 1}
        ) as connection:  # or each fork would look at the signatures anew
            load_extensions(connection)
    roots = {"warehouse": services.settings.warehouse, "scratch": services.settings.scratch}
    gc.freeze()  # or each fork would copy what it looks through for garbage
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)

        def work(trail: int, order: dict[str, Any] = order) -> Any:
            hook_files(roots, fate)
            fate.choose(*order.get("at") or (), turn=order.get("turn", 0), trail=trail)
            return carry_out(services, order)

        ended, told = in_a_fork(work)
        said = [step[1] for step in told if step[0] == "said"]
        answer = {
            "ended": ended,
            "said": said,
            "trail": [step for step in told if step[0] != "said"],
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
