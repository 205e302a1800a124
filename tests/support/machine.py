"""The states of the machine one after the other, in this process: what tests of its parts share."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.imports.part_import import PartImport, settings_of_a_part
from chalicelib.imports.states import fetch_part, plan
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection
from support.imports import ENOUGH, Budget, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader

EXECUTION = "execution-1"


class StatesWorker(Worker):
    """As the functions of the machine do it, each with a directory of its own."""

    def plan(self, job_id: str, *, execution: str = EXECUTION, **options: Any) -> dict[str, Any]:
        planned: dict[str, Any] = self.run(job_id, execution=execution, work=plan, **options)
        return planned

    def fetch(
        self,
        planned: dict[str, Any],
        number: int,
        *,
        remaining: Callable[[], float] = lambda: ENOUGH,
        **options: Any,
    ) -> dict[str, Any]:
        def new_part(claim: Claim) -> PartImport:
            settings = settings_of_a_part(self.settings_of_import(), planned["at_once"])
            directory = _made(Path(self.settings.scratch) / "parts" / uuid.uuid4().hex)
            return PartImport(
                number,
                claim=claim,
                settings=settings,
                job_manager=self.manager,
                source=self.new_source(settings, directory),
                warehouse=self.warehouse,
                directory=directory,
                remaining=remaining,
                clock=self.clock,
                **options,
            )

        return fetch_part(
            planned["job_id"],
            holder=planned["holder"],
            fence=planned["fence"],
            job_manager=self.manager,
            new_part=new_part,
            clock=self.clock,
        )

    def settings_of_import(self) -> Settings:
        return self.settings

    def new_source(self, settings: Settings, directory: Path) -> SourceReader:
        connection = ODataConnection(settings=settings, sleep=self.clock.advance)
        return ExternalApiAdapter(settings=settings, connection=connection)

    def fetch_all(self, planned: dict[str, Any]) -> None:
        for number in planned["parts"]:
            while (outcome := self.fetch(planned, number)["outcome"]) == "more":
                pass
            assert outcome == "read"

    def merge(self, job_id: str, *, execution: str = EXECUTION, **options: Any) -> dict[str, Any]:
        merged: dict[str, Any] = self.run(job_id, execution=execution, **options)
        return merged

    def import_all(self) -> Job:
        job_id = self.trigger()
        self.fetch_all(self.plan(job_id))
        self.merge(job_id)
        return self.manager.get(job_id)

    def set(self, **settings: Any) -> None:
        self.settings = replace(self.settings, **settings)


def read_by_two(worker: StatesWorker, planned: dict[str, Any], number: int) -> tuple[str, str]:
    """What the worker of a part is told that froze midway,
    and what the next one was told that read it meanwhile.
    """
    meanwhile: list[str] = []

    def thaw_after_the_next_one() -> float:
        if not meanwhile:
            meanwhile.append("")
            meanwhile.append(worker.fetch(planned, number)["outcome"])
        return ENOUGH

    late = worker.fetch(planned, number, remaining=Budget(worker.clock, 6, thaw_after_the_next_one))
    return late["outcome"], meanwhile[1]


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory
