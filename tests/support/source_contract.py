"""What every behaviour of a source must end in: a whole import against it, looked at from all
sides.

A stage has a published database of three wells. Each case imports from a source of its own into a
copy of it, and then all of these are looked at: the rows in the store, the files of the warehouse,
what the job says, who saw the credentials, and how much memory the process took.
"""

from __future__ import annotations

import gc
import json
import logging
import re
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import CURRENT
from chalicelib.services import Services
from chalicelib.store.columns import COLUMNS, Column, Kind
from chalicelib.warehouse.names import OWNER, SEGMENTS
from support.coordination import aws_client
from support.credentials import TokenEndpoint
from support.imports import files, stored_rows
from support.scripted_source import Answer, ScriptedSource, Step, page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from chalicelib.jobs.job import Job
    from local.aws.emulator import LocalAws

TABLE = "wellhead-contract"
MOST_MB = 195  # a page of 100 MB and what else the process is doing; two pages would be 200
USER, PASSWORD, TOKEN, QUERY = "reader", "pa55word", "t0ken", "qu3ry"
BASIC = "cmVhZGVyOnBhNTV3b3Jk"  # reader:pa55word
SECRETS = (PASSWORD, BASIC, TOKEN, "hunter2")
SENT = {
    "basic": {"authorization": f"Basic {BASIC}"},
    "bearer": {"authorization": f"Bearer {TOKEN}"},
    "api_key": {"x-api-key": TOKEN},
    "oauth2": {"authorization": "Bearer hunter2-token-"},  # and a number
}
PUBLISHED = range(1, 4)  # the wells that are there before


def well(number: int, **more: Any) -> dict[str, Any]:
    """A row of the source; its oil is its number."""
    key = {"field_code": 1, "well_code": number, "production_period": "2024-01-01"}
    return key | {"oil_production_kbd": float(number)} | more


def wells(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    return [well(number, **more) for number in range(first, last + 1)]


def stored(row: dict[str, Any]) -> tuple[Any, ...]:
    """The row as the store has it."""
    return tuple(_value(column, row.get(column.name)) for column in COLUMNS)


def _value(column: Column, sent: Any) -> Any:
    if column.kind is Kind.CODE:
        return str(sent)
    return date.fromisoformat(sent) if column.kind is Kind.DAY else sent


def script(*steps: Step | bytes) -> list[Step]:
    """The first page twice: the first look at the fields gets it too."""
    answers = [Answer(step) if isinstance(step, bytes) else step for step in steps]
    return [answers[0], *answers]


def text_of(*rows: str, tail: str = "") -> bytes:
    """A page written by hand."""
    return ('{"value": [' + ", ".join(rows) + "]" + tail + "}").encode()


@dataclass(frozen=True, kw_only=True)
class Completed:
    """`oil` is what the wells of the source have in the store, by well;
    those published before stay beside them.
    """

    oil: Mapping[int, float | None]
    new: int | None = None  # as many as there are wells, unless it is said
    updated: int = 0
    duplicate: int = 0
    failed: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    retries: int = 0

    def check(self, stage: Stage, job: Job, before: dict[str, str]) -> None:
        new = len(self.oil) if self.new is None else self.new
        found = (
            job.status,
            job.error,
            job.new_records,
            job.updated_records,
            job.duplicate_records,
            job.failed_records,
        )
        assert found == ("COMPLETED", None, new, self.updated, self.duplicate, self.failed)
        assert {warning["rule"]: warning["count"] for warning in job.warnings} == self.warnings
        assert job.stats["http_retries"] == self.retries
        snapshot = stage.services.job_manager.current_snapshot()
        assert snapshot
        assert snapshot.job_id == job.job_id
        rows = {number: well(number) for number in PUBLISHED} | {
            number: well(number, oil_production_kbd=oil) for number, oil in self.oil.items()
        }
        assert stored_rows(stage.warehouse / snapshot.name) == sorted(map(stored, rows.values()))
        kept = {name: hashed for name, hashed in before.items() if name.startswith("snapshots/")}
        assert (
            kept.items() <= files(stage.warehouse).items()
        )  # what readers have open stays as it is


def published_files(found: dict[str, str]) -> dict[str, str]:
    """Without whose the warehouse is, and without what a failed job keeps for its retry."""
    return {
        name: sha for name, sha in found.items() if name != OWNER and not name.startswith(SEGMENTS)
    }


@dataclass(frozen=True)
class Failed:
    code: str
    page: int | None = 1
    retryable: bool = False
    says: str = ""

    def check(self, stage: Stage, job: Job, before: dict[str, str]) -> None:
        error = job.error or {}
        found = (job.status, error.get("code"), error.get("page"), error.get("retryable"))
        assert found == ("FAILED", self.code, self.page, self.retryable), job.error
        assert self.says in error["message"]
        assert 30 < len(error["message"]) < 900
        assert published_files(files(stage.warehouse)) == published_files(before)
        assert stage.services.job_manager.current_snapshot() == stage.published


@dataclass(frozen=True, kw_only=True)
class Case:
    """`steps` come in the order of the requests;
    the first one is for the first look at the fields.
    """

    steps: list[Step] | Callable[[Stage], list[Step]]
    expect: Completed | Failed
    settings: dict[str, str] = field(default_factory=dict)
    asked: int | None = None  # requests in all
    alias_asked: int = 0


class Stage:
    """An AWS, a published database, a source whose steps each case sets, and two more servers:
    one that may be an alias, and one that must never be asked.
    """

    def __init__(self, aws: LocalAws, directory: Path) -> None:
        self._directory = directory
        self._exits = ExitStack()
        self.source, self.alias, self.stranger, self.tokens = (
            self._exits.enter_context(ScriptedSource(Answer(page([])))) for _ in range(4)
        )
        self.environment = {
            "WELLHEAD_TABLE": TABLE,
            "WELLHEAD_IMPORT_FUNCTION": "none",
            "WELLHEAD_WAREHOUSE": str(directory / "published"),
            "WELLHEAD_SCRATCH": str(directory / "scratch"),
            "WELLHEAD_SOURCE_URL": f"{self.source.url}?sap-key={QUERY}",
            "WELLHEAD_SOURCE_ALIASES": f"http://localhost:{self.alias.port}",
            "WELLHEAD_SOURCE_TOKEN_URL": self.tokens.root,
            "WELLHEAD_SOURCE_AUTH": "basic",
            "WELLHEAD_SOURCE_SECRET": "env:SECRET",
            "SECRET": json.dumps(
                {"username": USER, "password": PASSWORD, "token": TOKEN, "key": TOKEN}
                | {"client_id": USER, "client_secret": PASSWORD}
            ),
            "WELLHEAD_PAGE_SIZE": "2",
            "WELLHEAD_SOURCE_RETRIES": "1",
            "WELLHEAD_LOG_LEVEL": "DEBUG",
        }
        self._dynamodb = aws_client(aws.url)
        self._exits.callback(self._dynamodb.close)
        self._shared = Services(self.environment)
        self.services = self._shared
        self.warehouse = directory / "published"
        self.source.steps = [Answer(page(wells(1, 3), odata_count=3))]
        assert self._import().status == "COMPLETED"
        published = self._shared.job_manager.current_snapshot()
        assert published
        self.published = published
        self._pointer = self._dynamodb.get_item(TableName=TABLE, Key=to_item(dict(CURRENT)))["Item"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def check(self, case: Case, caplog: pytest.LogCaptureFixture) -> None:
        """Run the case, and once more where it took too much memory: what else the process does
        at that moment is in the figure, and a second page would be in it both times.
        """
        if self._check(case, caplog) > MOST_MB:
            growth = self._check(case, caplog)
            assert growth <= MOST_MB, f"{growth} MB"

    def _check(self, case: Case, caplog: pytest.LogCaptureFixture) -> int:
        """Look at everything that the case must leave behind. The MB that it took at most."""
        caplog.set_level(logging.DEBUG, "chalicelib")
        before = self._begin(case)
        memory = Memory()
        job = self._import()
        growth = memory.growth_mb()

        case.expect.check(self, job, before)
        self._check_credentials(case)
        told = json.dumps(job.view(job.created_at)) + caplog.text
        assert [word for word in (*SECRETS, QUERY) if word in told] == []
        assert list((self._directory / "scratch").iterdir()) == []
        if case.asked is not None:
            assert len(self.source.asked) == case.asked
        return growth

    def _begin(self, case: Case) -> dict[str, str]:
        """The published database again, in a warehouse of its own; its files."""
        self.warehouse = self._directory / "warehouse"
        shutil.rmtree(self.warehouse, ignore_errors=True)
        shutil.copytree(self._directory / "published", self.warehouse)
        self._dynamodb.put_item(TableName=TABLE, Item=self._pointer)
        more = {f"WELLHEAD_{name.upper()}": value for name, value in case.settings.items()}
        self.services = Services(
            self.environment | {"WELLHEAD_WAREHOUSE": str(self.warehouse)} | more
        )
        self.services.job_manager = (
            self._shared.job_manager
        )  # its clients take a tenth of a second to make
        self.services.dispatcher = self._shared.dispatcher
        for server in (self.source, self.alias, self.stranger, self.tokens):
            server.asked.clear()
            server.asked_beside.clear()
        self.tokens.steps = [TokenEndpoint()]
        self.alias.steps = [Answer(page([]))]
        self.source.counted = None
        self.source.steps = list(case.steps if isinstance(case.steps, list) else case.steps(self))
        return files(self.warehouse)

    def _import(self) -> Job:
        manager = self.services.job_manager
        job_id = manager.create(
            new_job(now=time.time(), triggered_by="tests", parameters={})
        ).job_id
        self.services.work_on(job_id, request_id="contract", remaining=lambda: 900.0)
        return manager.get(job_id)

    def _check_credentials(self, case: Case) -> None:
        """Every request to the source and its alias carries them,
        and nobody else learns anything.
        """
        kind = case.settings.get("source_auth", "basic")
        for asked in self.source.asked + self.source.asked_beside + self.alias.asked:
            assert all(
                asked.headers.get(name, "").startswith(value) for name, value in SENT[kind].items()
            )
        assert self.stranger.asked == []
        assert len(self.alias.asked) == case.alias_asked
        assert bool(self.tokens.asked) == (kind == "oauth2")
        assert not self.source.saw(PASSWORD)


class Memory:
    """Of this process, by the kernel's own mark of the most it had."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()  # or the next one would look at all that is loaded again: a third of a second
        Path("/proc/self/clear_refs").write_text("5")  # the mark begins anew
        self._before = _status("VmRSS")

    def growth_mb(self) -> int:
        return (_status("VmHWM") - self._before) >> 10


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])
