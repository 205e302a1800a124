"""What the pictures of the console show:
a local stack, whose imports have ended in every way there is.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local.applying import apply_definition
from local.source.faults import Faults
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source

ROWS = 60_000
PAGE_SIZE = 5_000
SLOW_SECONDS = 1.5  # for each page of the source, so that the progress can be seen
MISSING = 404  # what the source answers when it has lost a page
FOR_EVER = 1_000
HEADER = "Campo;Pozo;Fecha;Petroleo (m3);Gas (e3m3);Agua;Dias"
LOMA: dict[str, Any] = {
    "name": "loma-alta",
    "kind": "files",
    "period": "month",
    "decimal": ",",
    "columns": {
        "field_code": "Campo",
        "well_code": "Pozo",
        "production_period": {"field": "Fecha", "format": "%Y%m"},
        "oil_production_kbd": {"field": "Petroleo (m3)", "unit": "m3"},
        "gas_production_mmcfd": {"field": "Gas (e3m3)", "unit": "e3m3"},
        "water_production_kbd": {"field": "Agua", "unit": "m3"},
        "days_on_production": {"field": "Dias", "unit": "day"},
    },
}


class SpoiltRows(GeneratedProduction):
    """Every fifth without a period: too many for an import that nobody looks at."""

    def page(self, skip: int, top: int) -> list[bytes]:
        rows = super().page(skip, top)
        for place in range(0, len(rows), 5):
            rows[place] = spoilt(rows[place])
        return rows


def spoilt(row: bytes) -> bytes:
    values = json.loads(row)
    values["production_period"] = "never"
    return json.dumps(values).encode()


@dataclass
class Scene:
    """`jobs` has those that have ended, by how: completed, failed, held."""

    stack: LocalStack
    source: SampleSource
    file: Path
    jobs: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def set(cls, state: Path) -> Iterator[Self]:
        """Nothing is published yet."""
        environment = {**os.environ, "WELLHEAD_PAGE_SIZE": str(PAGE_SIZE)}
        with SampleSource(GeneratedProduction(ROWS)) as source:
            stack = LocalStack(
                source=Source(url=source.url), state=state, port=0, user_environment=environment
            )
            with stack:
                yield cls(stack, source, written_file(state))

    def play(self) -> None:
        """Two imports, the second with revised months;
        a small source; one that fails, and one that is held.
        """
        self._import("completed", GeneratedProduction(ROWS))
        self._import("completed", GeneratedProduction(ROWS, revision=1))
        definition = {**LOMA, "url": str(self.file)}
        with self.stack.client() as wellhead:
            apply_definition(definition, wellhead)
        self._import_to_end(source=LOMA["name"])
        self.source.faults = Faults()
        self.source.faults.fail_page(3, status=MISSING, times=FOR_EVER)
        self._import("failed", GeneratedProduction(ROWS, revision=2))
        self.source.faults = Faults()
        self._import("held", SpoiltRows(ROWS, revision=2))
        self.source.rows = GeneratedProduction(ROWS, revision=2)

    def slow_down(self) -> None:
        self.source.latency = SLOW_SECONDS

    def _import(self, name: str, rows: GeneratedProduction) -> None:
        self.source.rows = rows
        self.jobs[name] = self._import_to_end(source="default")

    def _import_to_end(self, source: str) -> str:
        with self.stack.client() as wellhead:
            job = wellhead.trigger(source=source)
            return wellhead.wait(job.job_id).job_id


def written_file(directory: Path) -> Path:
    """A small table as a ministry may publish one."""
    months = [f"2023{month:02}" for month in range(1, 13)]
    rows = [
        f"Loma Alta;LA-{well};{month};{1200 - 40 * place + 90 * well},5;{310 - 9 * place};{55 + place};{31 - well}"
        for well in (1, 2, 3)
        for place, month in enumerate(months)
    ]
    path = directory / "pozos.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
    return path
