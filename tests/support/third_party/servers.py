"""What can be imported from: services of the servers that others wrote, each with its own habits of
paging.

All have the same 20,000 rows, with the key declared.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import subprocess
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from local.source.production import GeneratedProduction

from . import environment
from .sharing import alone, shared

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROWS = 20_000
DATA = GeneratedProduction(
    ROWS + 2, bad_rows=False
)  # two keys come twice, and a declared key allows none to
ENTITY_SET = "WellProduction"


@dataclass(frozen=True)
class Server:
    """`prepare` fills a folder and answers the command that serves from there."""

    place: Path
    prepare: Callable[[Path], list[str]]
    root: str
    environment: tuple[tuple[str, str], ...] = ()


@cache
def rows() -> list[dict[str, Any]]:
    """The last one of each key."""
    latest = {DATA.key(position): row for position, row in enumerate(DATA.page(0, len(DATA)))}
    return [json.loads(row) for row in latest.values()]


def cap(app: Path) -> list[str]:
    shutil.copytree(HERE / "cap", app, dirs_exist_ok=True)
    (app / "node_modules").symlink_to(environment.CAP / "node_modules")
    (app / "db" / "data").mkdir()
    with (app / "db" / "data" / "wellhead-Production.csv").open("w", newline="") as file:
        table = rows()
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return [str(environment.NODE), "serve.js"]


def odatapy(app: Path) -> list[str]:
    file = app / "rows.ndjson"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows()), "utf-8")
    return [str(environment.PYTHON), str(HERE / "odatapy_service.py"), str(file)]


RELIABLE = (("CDS_CONFIG", '{"query": {"limit": {"reliablePaging": true}}}'),)
SERVERS = {
    "cap": Server(environment.CAP, cap, "/odata/v4/"),
    "cap-reliable": Server(environment.CAP, cap, "/odata/v4/", RELIABLE),
    "odatapy": Server(environment.PACKAGES, odatapy, "/"),
}
SERVICES = {
    "SAP CAP": ("cap", "plain"),
    "SAP CAP with limits of its own": ("cap", "limited"),
    "SAP CAP without a limit": ("cap", "unlimited"),
    "SAP CAP with reliable links": ("cap-reliable", "plain"),
    "odatapy": ("odatapy", "plain"),
    "odatapy with a page size": ("odatapy", "limited"),
}


@dataclass(frozen=True)
class Counted:
    """What another client found."""

    rows: int
    keys: int


@dataclass(frozen=True)
class Service:
    root: str
    directory: Path
    name: str

    @property
    def url(self) -> str:
        return self.root + ENTITY_SET

    def counted(self) -> Counted:
        """By python-odata, once in a test run."""
        found = self.directory / f"{self.name}.json"
        with alone(self.directory / f"{self.name}.lock"):
            if not found.exists():
                command = [str(environment.PYTHON), str(HERE / "client.py"), self.root]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                found.write_text(said.splitlines()[-1])
        return Counted(**json.loads(found.read_text()))

    def rows_in_the_database(self) -> int:
        """Of SAP CAP, past it."""
        with closing(sqlite3.connect(self.directory / "app" / "wells.sqlite")) as database:
            [[count]] = database.execute("SELECT count(*) FROM wellhead_Production").fetchall()
            return int(count)


class ThirdParty:
    """Starts a server when it is first asked for,
    shares it with the other workers, and lets go of it at the end.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "third-party"
        self._exits = ExitStack()
        self._addresses: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def service(self, title: str) -> Service:
        """Skips the test where it cannot be started. Raises DidNotStart."""
        name, path = SERVICES[title]
        server = SERVERS[name]
        for place in (environment.PACKAGES, server.place):  # the client is among the packages
            reason = environment.reason_without(place)
            if reason:
                pytest.skip(reason)
        if name not in self._addresses:
            running = shared(self._directory / name, server.prepare, dict(server.environment))
            self._addresses[name] = self._exits.enter_context(running)
        return Service(f"{self._addresses[name]}{server.root}{path}/", self._directory / name, path)
