"""What the tests of the whole local stack share:
starting one, asking it, and looking at its processes.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table
from clients.api.words import FINAL
from local.aws.emulator import LocalAws
from local.stack import DEFAULTS, LocalStack, Source
from support.coordination import KEYS, aws_client
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status/"
SHORT_LEASE = {**os.environ, "WELLHEAD_LEASE_SECONDS": "2", "WELLHEAD_LEASE_GRACE_SECONDS": "0"}
needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")


def ask(state: Path, path: str, *, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """With the token of the stack that runs on this state directory."""
    token = {"Authorization": f"Bearer {(state / 'token').read_text().strip()}"}
    request = urllib.request.Request(
        facts_of(state)["api_url"] + path, method=method, headers=token
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


def trigger(state: Path) -> str:
    status, answer = ask(state, TRIGGER, method="POST")
    assert status == 202, answer
    job_id: str = answer["data"]["job_id"]
    return job_id


def job(state: Path, job_id: str) -> dict[str, Any]:
    status, answer = ask(state, STATUS + job_id)
    assert status == 200, answer
    view: dict[str, Any] = answer["data"]
    return view


def job_at_its_end(state: Path, job_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        view = job(state, job_id)
        return view if view["status"] in FINAL else None

    view: dict[str, Any] = wait_until(ended, seconds=60)
    return view


def stack(state: Path, *, rows: int = 1000, **options: Any) -> LocalStack:
    return LocalStack(source=Source(rows=rows), state=state, port=0, **options)


@contextmanager
def table_left(state: Path) -> Iterator[JobManager]:
    """What a stack that has ended has in its table."""
    name = DEFAULTS["WELLHEAD_TABLE"]
    with (
        LocalAws(table=name, journal=state / "state" / "table.sqlite", keys=KEYS) as aws,
        closing(aws_client(aws.url)) as dynamodb,
    ):
        yield JobManager(table=Table(dynamodb=dynamodb, name=name), lease=Lease())


def start_command(state: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """`settings` without WELLHEAD_ in lower case."""
    environment = SHORT_LEASE | {
        f"WELLHEAD_{name.upper()}": value for name, value in settings.items()
    }
    command = [sys.executable, "-m", "local", *arguments, "--state", str(state), "--port", "0"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def facts_of(state: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((state / "stack.json").read_text())
    return facts


def parents() -> dict[int, int]:
    """Process → parent, of everything that runs and is no zombie."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            found[int(status.parent.name)] = int(parent)
    return found


def family(pid: int) -> set[int]:
    known, found = parents(), {pid}
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found


def addresses_listened_on(pids: set[int]) -> list[str]:
    sockets = {
        str(fd.readlink())
        for pid in pids
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if fd.is_symlink()
    }
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()
    ]
    return [
        line[1].split(":")[0]
        for line in lines
        if line[3] == "0A" and f"socket:[{line[9]}]" in sockets
    ]
