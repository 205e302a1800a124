"""The whole stack:
start, an import over HTTP, Ctrl-C, `kill -9`, restart, and nothing beyond this machine.
"""

import json
import os
import signal
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.stack import (
    SHORT_LEASE,
    addresses_listened_on,
    ask,
    facts_of,
    family,
    job,
    job_at_its_end,
    needs_proc,
    parents,
    stack,
    start_command,
    table_left,
    trigger,
)
from support.waiting import wait_until

from chalicelib.api.tokens import Role
from local.aws.signature import Keys
from local.keys_file import read_keys
from local.stack import LocalStack, StackError
from local.tokens import TokenBook, tell_running_stack

IMPORT_LOG = "logs/wellhead-local-import.log"
SLOW = {
    "page_size": "200",
    "source_rps": "0.5",  # so that a test sees it run, whoever has to wait for the machine
    "source_connections": "1",
    "checkpoint_seconds": "1",
}
QUICK = {**SLOW, "source_rps": "100"}


def test_an_import_through_the_api(tmp_path: Path) -> None:
    user = {
        **os.environ,
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "real",
        "HTTPS_PROXY": "http://proxy",
    }
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
    assert Keys.of(environment) == running.keys
    endpoints = [
        value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")
    ]
    assert len(endpoints) == 6
    assert all(url.startswith("http://127.0.0.1:") for url in endpoints)


def test_the_stack_answers_who_has_its_keys_and_nobody_else(tmp_path: Path) -> None:
    user = {**os.environ, "WELLHEAD_SOURCE_USERNAME": "ada", "WELLHEAD_SOURCE_PASSWORD": "hunter2"}
    with stack(tmp_path, user_environment=user) as running:
        for url in (running.aws_url, running.lambda_url):
            for path in ("/", "/moto-api/data.json", "/moto-api/reset"):
                with pytest.raises(urllib.error.HTTPError, match="403") as refused:
                    urllib.request.urlopen(url + path, data=b"{}", timeout=10)
                assert b"hunter2" not in refused.value.read()
                refused.value.close()
        keys_file = tmp_path / "aws-credentials"
        assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
        assert read_keys(tmp_path) == running.keys
        told = "".join(
            path.read_text() for path in (tmp_path / "stack.json", *(tmp_path / "logs").iterdir())
        )
        assert running.keys.secret_access_key not in told

        token = TokenBook(tmp_path).make("bob", Role.READER)
        kept = TokenBook(tmp_path).parameters["bob"]
        assert tell_running_stack(tmp_path, "bob", kept, path="/wellhead/local/tokens")
        assert wait_until(lambda: role_of(running.api_url, token) == "reader")
        first = running.keys
    assert not keys_file.exists()
    assert LocalStack(state=tmp_path).keys != first


def role_of(api_url: str, token: str) -> str | None:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{api_url}/api/v1/wells/import/jobs", headers=headers)
        ) as it:
            role: str = it.headers["X-Wellhead-Role"]
            return role
    except urllib.error.HTTPError as unknown_yet:
        unknown_yet.close()
        return None


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
    with start_command(tmp_path, "run", "--rows", "4000", **SLOW) as process:
        wait_until((tmp_path / "stack.json").exists)
        facts = facts_of(tmp_path)
        with (
            pytest.raises(
                StackError, match=rf"process {process.pid}\).* serves {facts['api_url']}"
            ),
            stack(tmp_path),
        ):
            pass
        job_id = trigger(tmp_path)
        wait_until(lambda: job(tmp_path, job_id)["status"] == "RUNNING")
        everyone = family(process.pid)
        assert (
            len(everyone) >= 4
        )  # the stack, the source, the API, the worker; the sweeper comes and goes
        assert set(addresses_listened_on(everyone)) == {"0100007F"}

        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

        assert not everyone & parents().keys()
    assert process.returncode == 0
    assert f"Wellhead serves {facts['api_url']} until Ctrl-C." in output
    assert f"{facts['api_url']}/console#token={(tmp_path / 'token').read_text().strip()}" in output
    assert errors == ""
    assert not (tmp_path / "stack.json").exists()


@needs_proc
def test_a_killed_stack_leaves_no_process_and_the_next_one_finishes_its_import(
    tmp_path: Path,
) -> None:
    with start_command(tmp_path, "run", "--rows", "4000", **SLOW) as process:
        wait_until((tmp_path / "stack.json").exists)
        job_id = trigger(tmp_path)
        wait_until(
            lambda: (
                job(tmp_path, job_id)["fetched_records"] or job(tmp_path, job_id)["completed_at"]
            )
        )
        everyone = family(process.pid)
        process.kill()
    wait_until(lambda: not everyone & parents().keys(), seconds=20)

    quick = {f"WELLHEAD_{name.upper()}": value for name, value in QUICK.items()}
    with stack(tmp_path, rows=4_000, user_environment=SHORT_LEASE | quick):
        view = job_at_its_end(tmp_path, job_id)

    assert view["status"] == "COMPLETED", view["error"]
    assert view["total_records"] == 4_000


def test_the_demo_shows_what_came(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--rows", "3000") as process:
        output, errors = process.communicate(timeout=90)

    assert (process.returncode, errors) == (0, "")
    assert "The counts add up to every row that the source delivered." in output
    assert "oil_thousand_barrels" in output
    assert str(tmp_path / "warehouse" / "wells.duckdb") in output


def test_a_demo_stopped_midway_goes_on_in_the_next_one(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--rows", "2000", **SLOW) as process:
        wait_until((tmp_path / "stack.json").exists)
        wait_until(
            lambda: "START" in log.read_text() if (log := tmp_path / IMPORT_LOG).exists() else ""
        )
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert "the next `make demo` goes on from there" in output

    with start_command(tmp_path, "demo", "--rows", "2000", **QUICK) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "is not finished. It goes on now" in output
    assert "The counts add up to every row that the source delivered." in output


@needs_proc
@pytest.mark.by_lot
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_goes_on_where_it_stopped_also_when_its_lease_is_over(
    tmp_path: Path, end: signal.Signals
) -> None:
    with start_command(tmp_path, "demo", "--rows", "4000", **SLOW, pending_seconds="5") as process:
        wait_until((tmp_path / "stack.json").exists)
        old = wait_until(lambda: newest(tmp_path))["job_id"]
        wait_until(
            lambda: [
                event for event in job(tmp_path, old)["events"] if event["event"] == "checkpoint"
            ]
        )
        everyone = family(process.pid)
        process.send_signal(end)
        process.communicate(timeout=60)
    wait_until(lambda: not everyone & parents().keys())
    time.sleep(7)

    with start_command(tmp_path, "demo", "--rows", "4000", **QUICK, pending_seconds="5") as process:
        output, errors = process.communicate(timeout=90)

    assert (process.returncode, errors) == (0, "")
    assert "It goes on now" in output
    with table_left(tmp_path) as manager:
        [newest_job], _ = manager.history(limit=1)
        done = manager.get(newest_job.job_id)
    assert old in (done.job_id, done.retry_of)
    [resumed] = [event for event in done.events if event.name == "resumed"]
    assert resumed.facts["records"] > 0
    assert (done.status, done.total_records) == ("COMPLETED", 4_000)


def test_a_demo_of_another_file_brings_its_rows_in_place_of_those_of_the_first(
    tmp_path: Path,
) -> None:
    """Both are the same source, by its name."""
    state = tmp_path / "state"
    for oil in (1.0, 1.5):
        file = row_file(tmp_path / f"{oil}.ndjson", oil=oil)
        with start_command(state, "demo", "--source", str(file)) as process:
            output, errors = process.communicate(timeout=90)
        assert (process.returncode, errors) == (0, ""), output

    with duckdb.connect(state / "warehouse" / "wells.duckdb", read_only=True) as wells:
        found = wells.execute(
            "SELECT oil_production_kbd, count(*) FROM well_production GROUP BY ALL"
        ).fetchall()
        replaced = wells.execute("SELECT count(*) FROM well_production_history").fetchall()
    assert (found, replaced) == ([(1.5, 2000)], [(2000,)])


def row_file(path: Path, *, oil: float) -> Path:
    rows = (
        {
            "field_code": 1,
            "well_code": number,
            "production_period": "2024-01-01",
            "oil_production_kbd": oil,
        }
        for number in range(2000)
    )
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def newest(state: Path) -> Any:
    _, answer = ask(state, "/api/v1/wells/import/jobs?limit=1")
    jobs = answer.get("data", {}).get("jobs")
    return jobs[0] if jobs else None


def test_a_source_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--source", "no-such-file.json") as process:
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (2, "")
    assert errors == (
        "There is no file no-such-file.json. SOURCE is a file (CSV, Excel, Parquet, JSON), a directory, a definition "
        "(.toml) or an http(s) URL.\n"
    )


def test_an_app_that_does_not_load_is_shown(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text('{"version": "2.0", "app_name": "broken"}')
    (tmp_path / "app.py").write_text("raise ValueError('the app is broken')")

    with pytest.raises(StackError, match=r"The api did not start:(.|\n)*the app is broken"):
        stack(tmp_path / "state", project=tmp_path).__enter__()
    assert not (tmp_path / "state" / "stack.json").exists()
