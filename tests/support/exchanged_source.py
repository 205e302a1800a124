"""A sample source whose rows are exchanged from import to import."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chalicelib.files.json_lines import NdjsonFile
from local.source.server import SampleSource
from support.coordination import a_job
from support.shelf import shelved_by

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.job import Job
    from support.imports import Worker

Row = dict[str, Any]


class Short(NdjsonFile):
    """It counts five rows more than it delivers."""

    def __len__(self) -> int:
        return super().__len__() + 5

    def page(self, skip: int, top: int) -> list[bytes]:
        there = max(0, len(self) - 5 - skip)
        return super().page(skip, min(top, there)) if there else []


class ExchangedSource:
    """Between two imports nobody listens at its address."""

    def __init__(self, worker: Worker, directory: Path) -> None:
        self._worker = worker
        self._directory = directory

    def has_imported(self, rows: list[Row]) -> None:
        """The first import, whose job no test looks at: it is made once for all of them."""
        here = replace(self._worker.settings, warehouse="", scratch="", source_url="")
        told = sha256(f"{here} {rows}".encode()).hexdigest()
        shelved_by(self._worker, f"first-{told}", lambda: self.imported(rows))

    def imported(
        self,
        rows: list[Row],
        *,
        file: type[NdjsonFile] = NdjsonFile,
        parameters: dict[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        path = self._directory / "rows.ndjson"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        worker = self._worker
        with file(path) as data, SampleSource(data) as source:
            worker.settings = replace(worker.settings, source_url=source.url)
            job = replace(
                a_job(worker.clock),
                source_id=worker.settings.source_id,
                parameters=parameters or {},
            )
            worker.manager.create(job)
            worker.run(job.job_id, **options)
            return worker.manager.get(job.job_id)
