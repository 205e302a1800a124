"""Several sources in one store: each has a watermark, a memory of what was accepted and a held
import of its own.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import a_job
from support.imports import Budget, Worker, opened
from support.scripted_source import KEY
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.errors import AcceptTooLate, NotResumable
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.starting import accept_import, retry_import
from chalicelib.sources.definition import definition_of
from chalicelib.sources.overlay import settings_of
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.settings import Settings

pytestmark = FILE_AND_LAKE_IN_SOAK
JANUARY, FEBRUARY = "2023-01-10T06:00:00Z", "2023-02-10T06:00:00Z"


class Wells:
    """Rows (well, oil, changed) of one field and month;
    `short` of them are counted and do not come.
    """

    ordered = True

    def __init__(self, *rows: tuple[int, float | None, str], short: int = 0) -> None:
        self.rows = rows
        self.short = short

    def __len__(self) -> int:
        return len(self.rows) + self.short

    def key(self, position: int) -> Any:
        return 1, self.rows[position][0] if position < len(self.rows) else 10**9, "2023-01-01"

    def page(self, skip: int, top: int) -> list[bytes]:
        return [
            json.dumps(self._row(place)).encode()
            for place in range(len(self.rows))[skip : skip + top]
        ]

    def _row(self, place: int) -> dict[str, Any]:
        _, oil, changed = self.rows[place]
        return dict(zip(KEY, self.key(place), strict=True)) | {
            "oil_production_kbd": oil,
            "updated_at": changed,
        }


class Lab:
    """The source `default` of the settings and the source `gulf` of a definition,
    with one worker.
    """

    def __init__(self, worker: Worker, sources: dict[str, SampleSource]) -> None:
        self.worker = worker
        self.sources = sources
        worker.settings = replace(
            worker.settings, source_reach="anywhere", source_changed="updated_at"
        )
        base = replace(worker.settings, source_url=sources["default"].url)
        told = {
            "name": "gulf",
            "kind": "odata",
            "url": sources["gulf"].url,
            "increment": "updated_at",
        }
        self.settings: dict[str, Settings] = {
            "default": base,
            "gulf": settings_of(definition_of(told), base),
        }

    def imported(self, name: str, *, full: bool = False) -> Job:
        self.sources[name].requests.clear()
        job = replace(
            a_job(self.worker.clock),
            source_id=self.settings[name].source_id,
            source_name=name,
            parameters={"full": True} if full else {},
        )
        return self.run(self.worker.manager.create(job))

    def run(self, job: Job) -> Job:
        self.worker.settings = self.settings[str(job.source_name)]
        self.worker.run(job.job_id)
        return self.worker.manager.get(job.job_id)

    def filters(self, name: str) -> set[str | None]:
        """What was asked of the source: the first page of each import."""
        return {
            asked.query.get("$filter")
            for asked in self.sources[name].requests
            if "$count" in asked.query
        }

    @property
    def snapshot(self) -> Snapshot:
        current = self.worker.manager.current_snapshot()
        assert current
        return current

    def stored(self) -> dict[tuple[str, str], float]:
        with opened(self.worker.settings, self.snapshot) as connection:
            rows = connection.execute(
                "SELECT source, well_code, oil_production_kbd FROM well_production"
            ).fetchall()
        return {(source, well): oil for source, well, oil in rows}

    def accept(self, held: Job) -> Job:
        job = accept_import(
            held.job_id,
            job_manager=self.worker.manager,
            dispatcher=self.worker.dispatcher,
            findings=[finding.check for finding in held.findings if finding.holds],
            by="ada",
            source_id=self.settings[str(held.source_name)].source_id,
        )
        return self.run(job)


@pytest.fixture
def lab(environment: dict[str, str], dynamodb: Any) -> Iterator[Lab]:
    rows = {
        "default": Wells((1, 1.0, JANUARY), (2, 2.0, FEBRUARY)),
        "gulf": Wells((1, 10.0, JANUARY)),
    }
    with SampleSource(rows["default"]) as first, SampleSource(rows["gulf"]) as second:
        yield Lab(Worker(environment, dynamodb), {"default": first, "gulf": second})


@file_or_lake
def test_an_import_of_one_source_makes_no_other_ask_for_everything(lab: Lab) -> None:
    for name in ("default", "gulf"):
        job = lab.imported(name)
        assert (job.status, job.error, lab.filters(name)) == (JobStatus.COMPLETED, None, {None})

    lab.imported("default")
    assert lab.filters("default") == {"updated_at ge 2023-02-10T05:00:00Z"}
    lab.imported("gulf")
    assert lab.filters("gulf") == {"updated_at ge 2023-01-10T05:00:00Z"}
    assert lab.stored() == {("default", "1"): 1.0, ("default", "2"): 2.0, ("gulf", "1"): 10.0}
    sources = lab.snapshot.sources or {}
    assert {name: told["fence"] for name, told in sources.items()} == {"default": 3, "gulf": 4}


def test_a_source_without_increments_leaves_the_watermarks_of_others(lab: Lab) -> None:
    lab.imported("default")
    told = {"name": "gulf", "kind": "odata", "url": lab.sources["gulf"].url}
    lab.settings["gulf"] = settings_of(definition_of(told), lab.settings["default"])
    lab.imported("gulf")

    lab.imported("default")

    assert lab.filters("default") == {"updated_at ge 2023-02-10T05:00:00Z"}


def held(lab: Lab, name: str) -> Job:
    lab.sources[name].rows = Wells((1, 1.2, FEBRUARY), short=5)
    job = lab.imported(name, full=True)
    assert (job.status, job.is_held) == (JobStatus.FAILED, True), job.error
    return job


@file_or_lake
def test_a_held_import_can_be_accepted_after_another_source_was_published(lab: Lab) -> None:
    lab.imported("default")
    waiting = held(lab, "default")
    lab.imported("gulf")
    clear_orphans(
        job_manager=lab.worker.manager,
        warehouse=lab.worker.warehouse,
        kept=3,
        clock=lab.worker.clock,
    )

    done = lab.accept(waiting)

    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    assert lab.stored()["default", "1"] == 1.2
    assert lab.stored()["gulf", "1"] == 10.0


def test_a_held_import_of_another_source_supersedes_none(lab: Lab) -> None:
    lab.imported("default")
    lab.imported("gulf")
    first, second = held(lab, "default"), held(lab, "gulf")

    assert lab.worker.manager.lateness([first, second]) == {}
    assert lab.accept(first).status is JobStatus.COMPLETED
    assert lab.accept(second).status is JobStatus.COMPLETED


def test_a_held_import_is_too_late_when_its_own_source_was_published(lab: Lab) -> None:
    lab.imported("default")
    waiting = held(lab, "default")
    lab.sources["default"].rows = Wells((1, 1.1, FEBRUARY))
    published = lab.imported("default")

    with pytest.raises(AcceptTooLate) as refused:
        lab.accept(waiting)

    assert refused.value.details["published_by"] == published.job_id


def test_a_retry_goes_on_when_another_source_was_published_meanwhile(lab: Lab) -> None:
    def failed() -> Job:
        job = replace(
            a_job(lab.worker.clock),
            source_id=lab.settings["default"].source_id,
            source_name="default",
        )
        lab.worker.manager.create(job)
        lab.worker.settings = replace(lab.settings["default"], page_size=1)
        assert (
            lab.worker.run(job.job_id, remaining=Budget(lab.worker.clock, 8))["outcome"]
            == "handed over"
        )
        return lab.worker.manager.cancel(job.job_id)

    def retry(old: Job) -> Job:
        return retry_import(
            old.job_id,
            job_manager=lab.worker.manager,
            dispatcher=lab.worker.dispatcher,
            warehouse=lab.worker.warehouse,
            triggered_by="ada",
            source_id=lab.settings["default"].source_id,
            clock=lab.worker.clock,
        )

    lab.sources["default"].rows = Wells(*((well, 1.0, JANUARY) for well in range(40)))
    stopped = failed()
    assert stopped.checkpoint
    lab.imported("gulf")
    again = lab.run(retry(stopped))
    assert (again.status, again.source_name, again.error) == (JobStatus.COMPLETED, "default", None)

    stopped = failed()
    lab.imported("default")
    with pytest.raises(NotResumable):
        retry(stopped)


def test_what_was_accepted_of_one_source_is_not_accepted_of_another(lab: Lab) -> None:
    """More rows are rejected than may be, in both."""
    bad = Wells(
        *((well, 1e9, JANUARY) for well in range(40)),
        *((well, 1.0, JANUARY) for well in range(40, 100)),
    )
    for name in ("default", "gulf"):
        lab.sources[name].rows = bad
    waiting = lab.imported("default")
    assert waiting.is_held
    assert lab.accept(waiting).status is JobStatus.COMPLETED

    assert lab.imported("default", full=True).status is JobStatus.COMPLETED
    other = lab.imported("gulf")
    assert other.is_held
    assert lab.accept(other).status is JobStatus.COMPLETED
    assert lab.imported("default", full=True).status is JobStatus.COMPLETED
    assert lab.imported("gulf", full=True).status is JobStatus.COMPLETED
