"""The whole stack: start, an import over HTTP, Ctrl-C, `kill -9`, restart, and nothing beyond this machine."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.stack import LocalStack, Source, StackError

ROOT = Path(__file__).parents[1]
TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status/"
IMPORT_LOG = "logs/wellhead-local-import.log"
SHORT_LEASE = {**os.environ, "WELLHEAD_LEASE_SECONDS": "2", "WELLHEAD_LEASE_GRACE_SECONDS": "0"}
needs_proc = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")


def wait_until(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def ask(state: Path, path: str, *, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """With the token of the stack that runs on this state directory."""
    token = {"Authorization": f"Bearer {(state / 'token').read_text().strip()}"}
    request = urllib.request.Request(facts_of(state)["api_url"] + path, method=method, headers=token)
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
        return view if view["status"] in ("COMPLETED", "FAILED") else None

    view: dict[str, Any] = wait_until(ended, seconds=60)
    return view


def stack(state: Path, *, rows: int = 1000, **options: Any) -> LocalStack:
    return LocalStack(source=Source(rows=rows), state=state, port=0, **options)


def start_command(state: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local", *arguments, "--state", str(state), "--port", "0"]
    return subprocess.Popen(
        command, cwd=ROOT, env=SHORT_LEASE, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
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
    sockets = {str(fd.readlink()) for pid in pids for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path("/proc/net", table).read_text().splitlines()]
    return [line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]


def test_an_import_through_the_api(tmp_path: Path) -> None:
    user = {**os.environ, "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "HTTPS_PROXY": "http://proxy"}
    with stack(tmp_path, user_environment=user | {"WELLHEAD_PAGE_SIZE": "300"}) as running:
        view = job_at_its_end(tmp_path, trigger(tmp_path))
        environment = dict(running.environment)
        wait_until(running.database_path.exists)
        assert view["status"] == "COMPLETED", view["error"]
        assert view["total_records"] == view["fetched_records"] == 1000
        assert view["stats"]["pages"] == 4
        assert "password" not in (tmp_path / "stack.json").read_text()

    with duckdb.connect(running.database_path, read_only=True) as database:
        stored = database.execute("SELECT count(*) FROM well_production").fetchall()
    assert stored == [(view["new_records"],)]
    assert not any(name.lower().endswith("_proxy") and name != "NO_PROXY" for name in environment)
    assert not environment.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN"}
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "local"
    endpoints = [value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")]
    assert len(endpoints) == 5
    assert all(url.startswith("http://127.0.0.1:") for url in endpoints)


def test_history_survives_a_restart_and_nothing_is_new_the_second_time(tmp_path: Path) -> None:
    with stack(tmp_path):
        first = job_at_its_end(tmp_path, trigger(tmp_path))
    with stack(tmp_path):
        assert job(tmp_path, first["job_id"]) == first
        second = job_at_its_end(tmp_path, trigger(tmp_path))

    assert (first["status"], second["status"]) == ("COMPLETED", "COMPLETED")
    assert second["new_records"] == second["updated_records"] == 0
    assert second["total_records"] == first["total_records"]


@needs_proc
def test_a_second_stack_is_refused_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with start_command(tmp_path, "run", "--rows", "300000") as process:
        wait_until((tmp_path / "stack.json").exists)
        facts = facts_of(tmp_path)
        with pytest.raises(StackError, match=rf"process {process.pid}\).* serves {facts['api_url']}"), stack(tmp_path):
            pass
        job_id = trigger(tmp_path)
        wait_until(lambda: job(tmp_path, job_id)["status"] == "RUNNING")
        everyone = family(process.pid)
        assert len(everyone) >= 4  # the stack, the source, the API, the worker; the sweeper comes and goes
        assert set(addresses_listened_on(everyone)) == {"0100007F"}

        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)

        assert not everyone & parents().keys()
    assert process.returncode == 0
    assert f"Wellhead serves {facts['api_url']} until Ctrl-C." in output
    assert f"{facts['api_url']}/console#token={(tmp_path / 'token').read_text().strip()}" in output
    assert errors == ""
    assert not (tmp_path / "stack.json").exists()


@needs_proc
def test_a_killed_stack_leaves_no_process_and_the_next_one_finishes_its_import(tmp_path: Path) -> None:
    with start_command(tmp_path, "run", "--rows", "100000") as process:
        wait_until((tmp_path / "stack.json").exists)
        job_id = trigger(tmp_path)
        wait_until(lambda: job(tmp_path, job_id)["fetched_records"] or job(tmp_path, job_id)["completed_at"])
        everyone = family(process.pid)
        process.kill()
    wait_until(lambda: not everyone & parents().keys(), seconds=5)

    with stack(tmp_path, rows=100_000, user_environment=SHORT_LEASE):
        view = job_at_its_end(tmp_path, job_id)

    assert view["status"] == "COMPLETED", view["error"]
    assert view["total_records"] == 100_000


def test_the_demo_shows_what_came(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--rows", "3000") as process:
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert "The counts add up to every row that the source delivered." in output
    assert "oil_thousand_barrels" in output
    assert str(tmp_path / "warehouse" / "wells.duckdb") in output


def test_a_demo_stopped_midway_goes_on_in_the_next_one(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--rows", "100000") as process:
        wait_until((tmp_path / "stack.json").exists)
        wait_until(lambda: "START" in log.read_text() if (log := tmp_path / IMPORT_LOG).exists() else "")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
    assert "the next `make demo` goes on from there" in output

    with start_command(tmp_path, "demo", "--rows", "100000") as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "is not finished. It goes on now" in output
    assert "The counts add up to every row that the source delivered." in output


def test_a_source_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--source", "no-such-file.json") as process:
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (2, "")
    assert errors == "There is no file no-such-file.json. SOURCE is a file of JSON rows or an http(s) URL.\n"


def test_an_app_that_does_not_load_is_shown(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text('{"version": "2.0", "app_name": "broken"}')
    (tmp_path / "app.py").write_text("raise ValueError('the app is broken')")

    with pytest.raises(StackError, match=r"The api did not start:(.|\n)*the app is broken"):
        stack(tmp_path / "state", project=tmp_path).__enter__()
    assert not (tmp_path / "state" / "stack.json").exists()
