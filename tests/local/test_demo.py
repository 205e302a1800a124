"""Whatever the source's rows say,
`make demo` and `make check-source` end as they should and command no terminal.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from support.api_answers import job, success
from support.hostile_text import EVIL, commands_in, hostile
from support.scripted_source import ScriptedSource
from support.stack import ROOT, SHORT_LEASE, start_command

from clients.api.client import WellheadClient
from clients.cli.session import Exit
from clients.cli.terminal import Terminal
from local.commands.demo import DemoError, run_demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCREENS = [True, False]
STYLE = re.compile(r"\x1b\[[012]?m")  # bold and dim, which NO_COLOR leaves
COUNTS = dict.fromkeys(("updated_records", "duplicate_records", "skipped_records"), 0) | {
    "new_records": 1,
    "failed_records": 1,
    "total_records": 2,
}
SQL_TABLES = """
CREATE TABLE import_runs (job_id VARCHAR);
CREATE TABLE rejected_rows (job_id VARCHAR, reason VARCHAR, detail VARCHAR, raw VARCHAR, page INT, position INT);
CREATE TABLE well_production (
    field_name VARCHAR, well_code VARCHAR, production_period DATE, period_days SMALLINT, oil_production_kbd DOUBLE,
    field_code VARCHAR
);
"""


@dataclass(frozen=True)
class Made:
    """What the demo reads of a stack."""

    api_url: str
    database_path: Path
    shown_source: str
    state: Path
    store: str = "file"
    source_option: str = ""
    source_name: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    token: str = "t"
    trouble: str | None = None
    console_link: str = "http://127.0.0.1:8000/console"

    def client(self) -> WellheadClient:
        return WellheadClient(self.api_url, self.token)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with duckdb.connect(tmp_path_factory.mktemp("made") / "wells.duckdb") as database:
        database.execute(SQL_TABLES)
    return Path(tmp_path_factory.getbasetemp()) / "made0"


def shown(directory: Path, text: str, *answers: Any, is_terminal: bool) -> str:
    """The demo on a screen without colours, where every word that is not ours is `text`."""
    held = text.encode("utf-8", "ignore").decode().replace("\x00", "")
    with duckdb.connect(directory / "wells.duckdb") as database:
        for table in ("import_runs", "rejected_rows", "well_production"):
            database.execute(f"DELETE FROM {table}")
        database.execute("INSERT INTO import_runs VALUES (?)", [JOB])
        database.execute(
            "INSERT INTO rejected_rows VALUES (?, ?, ?, ?, 1, 1)", [JOB, held, held, held]
        )
        database.execute(
            "INSERT INTO well_production VALUES (?, '1', '2024-01-01', 31, 1.0, '7')", [held]
        )
    screen = io.StringIO()
    with ScriptedSource(*answers) as api:
        stack: Any = Made(
            api.root.rstrip("/"),
            directory / "wells.duckdb",
            text,
            directory / text.replace("\x00", ""),
        )
        try:
            run_demo(
                stack,
                Terminal(file=screen, width=100, force_terminal=is_terminal, color_system=None),
            )
        except DemoError as exc:
            screen.write(str(exc).replace(text, ""))
    return screen.getvalue()


JOB = str(job()["job_id"])


def jobs(*views: dict[str, Any]) -> dict[str, Any]:
    return {"jobs": list(views), "next_cursor": None}


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=6)
@given(text=hostile)
def test_a_demo_has_no_command_of_the_data_and_no_markup(
    directory: Path, is_terminal: bool, text: str
) -> None:
    text = text.encode(
        "utf-8", "ignore"
    ).decode()  # halves of characters are in no answer and in no database
    facts = {
        "phase": text,
        "progress_percentage": 1.0,
        "expected_records": 2,
        "records_per_second": 1.0,
    }
    facts |= COUNTS | {
        "fetched_records": 2,
        "execution_time_seconds": 1.0,
        "error": None,
        "heartbeat_at": None,
    }
    warnings = [{"rule": text, "count": 1, "message": text}]
    ended = success(job("COMPLETED", warnings=warnings, **facts))
    told = shown(
        directory,
        text,
        success(jobs()),
        success(job("PENDING")),
        ended,
        is_terminal=is_terminal,
    )

    assert not commands_in(told)
    assert "The counts add up" in told
    assert "A question to the database" in told


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=6)
@given(text=hostile)
def test_a_demo_that_fails_has_none_either(directory: Path, is_terminal: bool, text: str) -> None:
    facts: dict[str, Any] = {
        "phase": None,
        "progress_percentage": None,
        "expected_records": None,
        "records_per_second": None,
    }
    facts |= {"warnings": [], "fetched_records": 0, "heartbeat_at": None, "retried_by": None}
    left = success(jobs(job(job_id=text or "-", started_at=1.0)))
    lost = success(job("FAILED", error={"code": "LEASE_EXPIRED", "message": text}, **facts))
    failed = success(
        job("FAILED", error={"code": text or "-", "message": text, "retryable": True}, **facts)
    )
    told = shown(
        directory,
        text,
        left,
        lost,
        success(job("PENDING", job_id=text or "-")),
        failed,
        is_terminal=is_terminal,
    )

    assert not commands_in(told)
    assert "The logs are in" in told


HELD = {"code": "HELD", "message": "The import is held.", "retryable": False}


def held_job(text: str) -> Any:
    facts = dict.fromkeys(
        ("phase", "progress_percentage", "expected_records", "records_per_second", "heartbeat_at")
    )
    found = [
        {"check": "REJECTED", "message": text, "holds": True},
        {"check": "OTHER", "message": "-", "holds": False},
    ]
    return success(
        job("FAILED", error=HELD, findings=found, fetched_records=0, warnings=[], **facts)
    )


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=6)
@given(text=hostile)
def test_a_demo_that_is_held_has_none_either(directory: Path, is_terminal: bool, text: str) -> None:
    started = [success(jobs()), success(job("PENDING"))]
    told = shown(directory, text, *started, held_job(text), is_terminal=is_terminal)

    assert not commands_in(told)
    assert "nothing was published" in told


def test_a_demo_that_is_held_says_in_one_paragraph_what_to_do(directory: Path) -> None:
    screen = io.StringIO()
    with ScriptedSource(success(jobs()), success(job("PENDING")), held_job("Too many.")) as api:
        stack: Any = Made(api.root, directory / "wells.duckdb", "source", directory)
        code = run_demo(stack, Terminal(file=screen, width=100, force_terminal=False))

    assert code == Exit.HELD
    *_, blank, paragraph = screen.getvalue().splitlines()
    assert blank == ""
    assert paragraph.startswith("HELD REJECTED: Too many. So nothing was published")
    assert f"wellhead accept {JOB} --finding REJECTED`" in paragraph
    assert f"wellhead discard {JOB}`" in paragraph


# ------------------------------------------------------------------------------------- the real commands


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A row for each of the known commands, in every name;
    and some that are rejected, too few to hold the import.
    """

    def rows() -> Iterator[dict[str, Any]]:
        for number, evil in enumerate(
            evil for evil in EVIL if evil != "\ud800"
        ):  # a file holds no half signs
            names = {
                "field_name": f"Block {evil} North",
                "well_name": evil,
                "well_reference": f"a{evil}",
            }
            period = "2024-01-01" if number % 6 else f"no period {evil}"
            yield {
                "field_code": number,
                "well_code": number,
                "production_period": period,
                "oil_production_kbd": number / 100,
            } | names

    path = tmp_path_factory.mktemp("source") / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return path


def test_a_real_demo_of_such_rows_ends_well(hostile_file: Path, tmp_path: Path) -> None:
    with start_command(tmp_path, "demo", "--source", str(hostile_file)) as process:
        output, errors = process.communicate(timeout=90)

    assert (process.returncode, errors) == (0, "")
    assert "The counts add up to every row that the source delivered." in output
    assert "Block [/9] North" in output or "Block [" in output
    assert not commands_in(output)


def test_a_demo_at_a_terminal_goes_on_serving_when_somebody_wants_it(tmp_path: Path) -> None:
    """In a terminal of its own:
    Enter keeps the link alive, Ctrl-C ends it, and the demo was a success.
    """
    child, screen = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        start = ["-m", "local", "demo", "--rows", "300", "--state", str(tmp_path), "--port", "0"]
        os.execve(
            sys.executable, [sys.executable, *start], {**os.environ, **SHORT_LEASE, "TERM": "dumb"}
        )
    told = read_until(screen, "Enter keeps it")
    assert "A picture: the oil of all wells" in told
    os.write(screen, b"\n")
    told = read_until(screen, "#token=", "\n")
    link = re.findall(r"http://\S+#token=\S+", told)[-1]
    with urllib.request.urlopen(link.partition("#")[0], timeout=20) as answer:
        assert answer.status == 200
    os.write(screen, b"\x03")
    read_until(screen, "Stopped.")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(screen)


def read_until(screen: int, *texts: str) -> str:
    """What is written on the screen until these stand there, one after the other."""
    told, deadline = "", time.monotonic() + 90
    while not re.search(".*".join(map(re.escape, texts)), told, re.DOTALL):
        assert time.monotonic() < deadline, told
        if select.select([screen], [], [], 1.0)[0]:
            told += os.read(screen, 65_536).decode(errors="replace")
    return told


def test_a_real_demo_of_a_lake_answers_its_question_out_of_the_tables(tmp_path: Path) -> None:
    """Twice: the second one finds every row again."""
    told = []
    for _ in range(2):
        with start_command(tmp_path, "demo", "--store", "iceberg", "--rows", "1000") as process:
            output, errors = process.communicate(timeout=90)
        assert (process.returncode, errors) == (0, ""), output
        told.append(dict(re.findall(r"(new|duplicate|rejected) +([0-9,]+)", output)))

    assert told[0]["new"] == str(int(told[1]["duplicate"]) - int(told[0]["duplicate"]))
    assert (told[1]["new"], told[0]["rejected"]) == ("0", told[1]["rejected"])
    assert "A question to the database" in output
    assert f"The tables: {tmp_path / 'lake' / 'tables'} (Apache Iceberg)" in " ".join(
        output.split()
    )


def test_a_real_demo_that_is_held_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    row = {"field_code": 1, "production_period": "never", "oil_production_kbd": 1.0}
    rows = [{**row, "well_code": number} for number in range(30)]
    file = tmp_path / "rows.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    with start_command(tmp_path / "state", "demo", "--source", str(file)) as process:
        output, errors = process.communicate(timeout=90)

    assert (process.returncode, errors) == (Exit.HELD, "")
    assert "HELD REJECTED: " in output
    assert f"`make run SOURCE={file}`" in output
    assert f"`make demo SOURCE={file}` once more" in output
    assert "Traceback" not in output


def test_a_real_demo_on_a_terminal_sends_it_no_command_but_rich_s(
    hostile_file: Path, tmp_path: Path
) -> None:
    written = on_a_terminal(
        "demo", "--source", str(hostile_file), "--state", str(tmp_path), "--port", "0"
    )

    assert "Try next:" in written
    assert not commands_in(written)


def test_a_real_check_of_such_rows_sends_a_terminal_no_command(hostile_file: Path) -> None:
    written = on_a_terminal("check-source", "--source", str(hostile_file))

    assert "An import can begin" in written
    assert not commands_in(written)


def test_a_check_of_a_file_of_commas_drafts_a_definition(tmp_path: Path) -> None:
    file = tmp_path / "wells.csv"
    file.write_text("well,oil\n1,2.5\n")

    written = on_a_terminal("check-source", "--source", str(file), ends=1)

    assert "Nothing of the source fills well_code, production_period." in written
    assert "A definition to start from." in written
    assert "Traceback" not in written


def on_a_terminal(*arguments: str, ends: int = 0) -> str:
    """All that `python -m local` writes, to stdout and stderr, on a terminal without colours."""
    near, far = os.openpty()
    environment = SHORT_LEASE | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"}
    command = [sys.executable, "-m", "local", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=far, stdout=far, stderr=far
    )
    os.close(far)
    written = bytearray()
    reader = threading.Thread(target=read_all, args=(near, written))
    reader.start()
    assert process.wait(90) == ends
    reader.join()
    return STYLE.sub("", written.decode().replace("\r\n", "\n"))


def read_all(terminal: int, into: bytearray) -> None:
    try:
        while piece := os.read(terminal, 65536):
            into += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(terminal)
