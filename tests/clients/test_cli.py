"""`wellhead` as people and scripts run it: its own process, against the whole local stack."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID, export_of, failure, job, success
from support.documents import PROJECT, blocks, text
from support.program import PROGRAM, Done, on_a_terminal, program_environment, run, run_at
from support.scripted_source import Answer
from support.stack import SHORT_LEASE
from support.stores import wide
from support.waiting import wait_until

from clients.api.client import WellheadClient
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scripted_source import Serve

    from clients.api.answers import Job

ROWS = 1000
BAD_ROWS = 1  # of so many, the sample has one that is rejected
WELL = "770010000100"


class GatedProduction(GeneratedProduction):
    """Rows that come only while the gate is open; while they are `spoilt`, many have no period."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.gate = threading.Event()
        self.spoilt = False

    def page(self, skip: int, top: int) -> list[bytes]:
        self.gate.wait(60)
        rows = super().page(skip, top)
        return [
            spoil(row) if self.spoilt and place % 5 == 0 else row for place, row in enumerate(rows)
        ]


def spoil(row: bytes) -> bytes:
    return json.dumps({**json.loads(row), "production_period": "never"}).encode()


@dataclass(frozen=True)
class Laptop:
    """A stack that serves, what it imports, and a home of its own for the program."""

    url: str
    token: str
    home: Path
    source: SampleSource
    rows: GatedProduction

    @property
    def environment(self) -> dict[str, str]:
        return program_environment(self.home) | {
            "WELLHEAD_URL": self.url,
            "WELLHEAD_TOKEN": self.token,
        }

    def run(self, *arguments: str, **options: Any) -> Done:
        return run(*arguments, environment=self.environment, **options)

    @contextmanager
    def waits(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The program while it waits for an import that gets no rows."""
        self.rows.gate.clear()
        with started(*arguments, environment=self.environment) as process:
            yield process

    def client(self) -> WellheadClient:
        return WellheadClient(self.url, self.token)

    def newest(self) -> Job:
        with self.client() as client:
            return client.history(limit=1).rows[0]


@contextmanager
def started(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def whole_laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    state, rows = tmp_path_factory.mktemp("state"), GatedProduction(ROWS)
    rows.gate.set()
    environment = SHORT_LEASE | {"WELLHEAD_LEASE_SECONDS": "60", "WELLHEAD_SOURCE_RETRIES": "0"}
    with SampleSource(rows) as source:
        stack = LocalStack(
            source=Source(url=source.url), state=state, port=0, user_environment=environment
        )
        with stack:
            home = tmp_path_factory.mktemp("home")
            laptop = Laptop(stack.api_url, stack.token, home, source, rows)
            with laptop.client() as client:
                assert client.wait(client.trigger().job_id).status == "COMPLETED"
            yield laptop


@pytest.fixture
def laptop(whole_laptop: Laptop) -> Iterator[Laptop]:
    """Something is published, and no import runs."""
    yield whole_laptop
    whole_laptop.rows.gate.set()
    whole_laptop.rows.spoilt = False
    wait_until(lambda: whole_laptop.newest().final)


def facts(done: Done) -> dict[str, str]:
    return dict(line.split("\t") for line in done.stdout.splitlines())


def ended(process: subprocess.Popen[str]) -> Done:
    output, errors = process.communicate(timeout=60)
    return Done(process.args, process.returncode, output, errors)


# -- imports ------------------------------------------------------------------------------------------------


def test_an_import_in_a_script(laptop: Laptop) -> None:
    done = laptop.run("import", "--wait", "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["total_records"]) == (0, "COMPLETED", ROWS)
    assert told["events"][-1]["event"] == "completed"
    assert re.search(r"^COMPLETED +100 % +1,000 of 1,000 rows", done.stderr, re.MULTILINE)
    assert "\x1b" not in done.stderr
    shown = laptop.run("status", told["job_id"])
    assert (shown.returncode, shown.stderr) == (0, "")
    assert facts(shown)["total"] == str(ROWS)
    assert facts(laptop.run("status", "--wait")) == facts(shown)


def test_an_import_on_a_terminal(laptop: Laptop) -> None:
    output, errors = on_a_terminal("import", "--full", environment=laptop.environment)

    assert re.search(r"total +1,000", output)
    assert "\x1b[32mstatus" in output
    assert "━━━" in errors
    assert "100 %" in errors
    assert "\x1b[?25h" in errors  # the cursor is back

    part = ("import", "--from", "2020-01-01", "--to", "2024-12-31")
    output, errors = on_a_terminal(*part, environment=laptop.environment | {"NO_COLOR": "1"})
    assert laptop.newest().parameters == {"from": "2020-01-01", "to": "2024-12-31"}
    assert "\x1b[" not in output
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][;m]", errors)


def test_a_second_import_is_refused_and_can_follow_the_first(laptop: Laptop) -> None:
    laptop.rows.gate.clear()
    first = laptop.run("import", "--no-wait", "--json")
    job_id = json.loads(first.stdout)["job_id"]
    assert first.returncode == 0
    assert first.stderr == f"Follow it: wellhead status {job_id} --wait\n"

    refused = laptop.run("import")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith("BUSINESS_RULE_VIOLATION: An import is already running")
    assert f"wellhead status {job_id} --wait" in refused.stderr

    refused = laptop.run("import", "--json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert json.loads(refused.stderr)["error"]["details"]["job_id"] == job_id

    late = laptop.run("import", "--attach", "--timeout", "0.5")
    assert (late.returncode, late.stdout) == (5, "")
    assert "It goes on." in late.stderr
    assert job_id in late.stderr

    with laptop.waits("import", "--attach", "--json") as process:
        assert process.stderr
        assert job_id in process.stderr.readline()
        laptop.rows.gate.set()
        done = ended(process)
    assert (done.returncode, json.loads(done.stdout)["job_id"]) == (0, job_id)


def test_ctrl_c_leaves_the_import_running(laptop: Laptop) -> None:
    with laptop.waits("import") as process:
        assert process.stderr
        assert process.stderr.readline().startswith("PENDING")
        process.send_signal(signal.SIGINT)
        done = ended(process)

    assert (done.returncode, done.stdout) == (130, "")
    job_id = laptop.newest().job_id
    assert f"The import goes on. Follow it: wellhead status {job_id} --wait" in done.stderr
    laptop.rows.gate.set()
    assert laptop.run("status", job_id, "--wait").returncode == 0


def test_an_import_is_stopped_and_retried(laptop: Laptop) -> None:
    laptop.rows.gate.clear()
    job_id = json.loads(laptop.run("import", "--no-wait", "--json").stdout)["job_id"]

    stopped = laptop.run("cancel")
    assert (stopped.returncode, facts(stopped)["job"]) == (0, job_id)
    laptop.rows.gate.set()
    followed = laptop.run("status", "--wait")
    assert (followed.returncode, facts(followed)["status"]) == (1, "CANCELLED")
    nothing = laptop.run("cancel")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr == "NO_JOB_RUNS: No import runs, so there is nothing to cancel.\n"

    retried = laptop.run("retry")
    assert (retried.returncode, facts(retried)["goes on from"]) == (0, job_id)


def test_an_import_that_fails(laptop: Laptop) -> None:
    laptop.source.faults.fail_page(1, status=404)

    done = laptop.run("import")

    assert (done.returncode, facts(done)["status"]) == (1, "FAILED")
    assert done.stderr.splitlines()[-1].startswith("SOURCE_NOT_FOUND: ")
    failed = json.loads(laptop.run("jobs", "--status", "failed", "--limit", "1", "--json").stdout)
    assert [job["error"]["code"] for job in failed] == ["SOURCE_NOT_FOUND"]
    assert laptop.run("rejects", failed[0]["job_id"]).returncode == 1


def test_an_import_that_is_held_is_published_by_somebodys_word(laptop: Laptop) -> None:
    before = json.loads(laptop.run("summary", "--json").stdout)["snapshot"]
    laptop.rows.spoilt = True
    held = laptop.run("import", "--full")
    job_id = facts(held)["job"]
    assert (held.returncode, facts(held)["status"]) == (6, "HELD")
    assert f"wellhead accept {job_id} --finding REJECTED" in held.stderr
    assert "REJECTED (holds): Rows were rejected." in held.stderr
    assert json.loads(laptop.run("summary", "--json").stdout)["snapshot"] == before

    others = laptop.run("accept", job_id, "--finding", "NULLED")
    assert (others.returncode, others.stderr.partition(":")[0]) == (1, "FINDINGS_DIFFER")
    assert "What holds it: REJECTED." in others.stderr
    accepted = laptop.run("accept", job_id, "--finding", "REJECTED")
    assert (accepted.returncode, facts(accepted)["status"], facts(accepted)["goes on from"]) == (
        0,
        "COMPLETED",
        job_id,
    )
    assert json.loads(laptop.run("summary", "--json").stdout)["snapshot"] != before
    assert f"wellhead status {facts(accepted)['job']}" in laptop.run("status", job_id).stderr


def test_an_import_that_is_held_is_let_go(laptop: Laptop) -> None:
    assert (
        laptop.run("import", "--full").returncode == 0
    )  # what was accepted before is no limit any more
    laptop.rows.spoilt = True
    held = json.loads(laptop.run("import", "--full", "--json").stdout)
    assert (held["status"], held["error"]["code"]) == ("FAILED", "HELD")

    gone = laptop.run("discard", held["job_id"])
    assert (gone.returncode, "discarded" in facts(gone)) == (0, True)
    late = laptop.run("accept", held["job_id"], "--finding", "REJECTED")
    assert (late.returncode, late.stderr.partition(":")[0]) == (1, "NOT_HELD")
    assert "HELD" in laptop.run("jobs", "--limit", "1").stdout


# -- who may, and whom is asked -----------------------------------------------------------------------------


def test_a_wrong_token(laptop: Laptop) -> None:
    done = run("jobs", environment=laptop.environment | {"WELLHEAD_TOKEN": "wrong"})

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("UNAUTHORIZED: ")
    assert "wellhead login" in done.stderr


def test_a_profile_is_saved_for_nobody_else_and_used(laptop: Laptop, tmp_path: Path) -> None:
    environment = program_environment(tmp_path)
    file = tmp_path / ".config" / "wellhead" / "profiles.json"

    wrong = run("login", laptop.url, environment=environment, told="wrong\n")
    assert (wrong.returncode, file.exists()) == (4, False)

    saved = run(
        "login", laptop.url, "--name", "mine", environment=environment, told=laptop.token + "\n"
    )
    assert (saved.returncode, saved.stdout) == (0, "")
    assert saved.stderr == f"Saved as mine, with the role admin: {file}\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    listed = run("profiles", "--json", environment=environment)
    assert {"name": "mine", "url": laptop.url, "is_default": True} in json.loads(listed.stdout)
    assert laptop.token not in listed.stdout
    assert run("jobs", environment=environment).returncode == 0

    file.chmod(0o644)
    opened = run("--profile", "mine", "jobs", environment=environment)
    assert (opened.returncode, file.stat().st_mode & 0o777) == (0, 0o600)
    assert "was open to others" in opened.stderr

    unknown = run("jobs", environment=environment | {"WELLHEAD_PROFILE": "other"})
    assert (unknown.returncode, unknown.stderr.partition(":")[0]) == (2, "NO_PROFILE")
    assert run("logout", "mine", environment=environment).returncode == 0
    assert json.loads(file.read_text())["profiles"] == {}


def test_in_a_checkout_the_running_stack_is_meant(laptop: Laptop, tmp_path: Path) -> None:
    shutil.copytree(
        PROJECT / "clients", tmp_path / "clients", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = [sys.executable, "-m", "clients.cli.main", "jobs", "--limit", "1"]
    environment = program_environment(tmp_path)

    def jobs() -> Done:
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    nowhere = jobs()
    assert (nowhere.returncode, nowhere.stderr.partition(":")[0]) == (2, "NO_PROFILE")
    assert "wellhead login" in nowhere.stderr

    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "__main__.py").touch()
    assert "make run" in jobs().stderr

    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "stack.json").write_text(json.dumps({"api_url": laptop.url}))
    (tmp_path / ".local" / "token").write_text(laptop.token + "\n")
    found = jobs()
    assert (found.returncode, found.stderr) == (0, "")
    assert len(found.stdout.splitlines()) == 2


def test_what_is_no_command_is_a_wrong_use(tmp_path: Path) -> None:
    for arguments in (["nonsense"], ["import", "--timeout", "-1"]):
        done = run(*arguments, environment=program_environment(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        assert "Error: " in done.stderr


# -- the data -----------------------------------------------------------------------------------------------


def test_what_is_published(laptop: Laptop, tmp_path: Path) -> None:
    published = json.loads(laptop.run("summary", "--json").stdout)
    assert facts(laptop.run("summary"))["rows"] == str(published["rows"])

    found = laptop.run("wells", "A-01", "--json")
    assert WELL in {str(well["well_code"]) for well in json.loads(found.stdout)}
    lines = laptop.run("wells").stdout.splitlines()
    assert lines[0].split("\t")[:2] == ["well", "name"]
    assert len(lines) - 1 == published["wells"]

    by_code = json.loads(laptop.run("production", WELL, "--json").stdout)
    name = by_code[0]["well_name"]
    assert json.loads(laptop.run("production", name.lower(), "--json").stdout) == by_code
    some = json.loads(
        laptop.run("production", WELL, "--to", by_code[1]["production_period"], "--json").stdout
    )
    assert some == by_code[:2]

    plotted = laptop.run("production", WELL, "--plot", "--measure", "gas")
    assert plotted.stdout.startswith(f"{name}: gas, million standard cubic feet a day\n")
    assert re.search("[\u2801-\u28ff]", plotted.stdout)
    assert by_code[0]["production_period"] in plotted.stdout

    file = tmp_path / "all.csv"
    assert laptop.run("production", "--output", str(file)).returncode == 0
    assert file.read_text("utf-8").count("\n") - 1 == published["rows"]
    one = laptop.run("production", name.lower(), "--format", "csv").stdout
    assert len(list(csv.DictReader(io.StringIO(one)))) == len(by_code)
    fields = json.loads(laptop.run("fields", "--json").stdout)
    assert (len(fields), sum(field["wells"] for field in fields)) == (
        published["fields"],
        published["wells"],
    )
    totals = json.loads(laptop.run("totals", "--json").stdout)
    assert sum(row["wells"] for row in totals) == published["rows"]
    assert len(laptop.run("totals", "--volumes").stdout.splitlines()) == len(totals) + 1
    newest = laptop.newest().job_id
    assert json.loads(laptop.run("status", newest[:13], "--json").stdout)["job_id"] == newest

    several, none = laptop.run("production", "a"), laptop.run("production", "no such well")
    assert (several.returncode, several.stderr.partition(":")[0]) == (1, "SEVERAL_WELLS")
    assert (none.returncode, none.stderr.partition(":")[0]) == (1, "NO_SUCH_WELL")


def test_rejected_rows(laptop: Laptop) -> None:
    assert laptop.run("import", "--full").returncode == 0  # the newest one may have been of a part
    rows = json.loads(laptop.run("rejects", "--json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(laptop.run("rejects", "--csv").stdout)))

    assert len(rows) == BAD_ROWS
    assert [row["raw"] for row in as_csv] == [row["raw"] for row in rows]
    assert laptop.run("rejects").stdout.splitlines()[0] == "page\tposition\treason\tdetail\traw"


def test_rejected_rows_of_several_pages_are_one_csv(serve: Serve, tmp_path: Path) -> None:
    def page(rows: str, **headers: str) -> Answer:
        return Answer(
            f"page,raw\r\n{rows}".encode(),
            headers={"Content-Type": "text/csv; charset=utf-8", **headers},
        )

    server = serve(page('1,"a\r\nb"\r\n', **{"X-Next-Cursor": "n"}), page("2,c\r\n"))

    done = run_at(server, tmp_path, "rejects", JOB_ID, "--csv")

    assert (done.returncode, done.stdout) == (
        0,
        'page,raw\n1,"a\nb"\n2,c\n',
    )  # text=True reads any line end
    assert [asked.query.get("cursor") for asked in server.asked] == [None, "n"]


def test_the_database_is_downloaded_and_asked(laptop: Laptop, tmp_path: Path) -> None:
    done = laptop.run("download", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    file = tmp_path / "wells.duckdb"
    assert (done.returncode, told["path"]) == (0, str(file))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == told["sha256"]

    again = laptop.run("download", cwd=tmp_path)
    assert (again.returncode, again.stderr.partition(":")[0]) == (1, "FILE_EXISTS")
    assert laptop.run("download", str(tmp_path), "--force").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["wells.duckdb"]

    assert laptop.run("download", "--parquet", cwd=tmp_path).returncode == 0
    count = "SELECT count(*) AS rows FROM well_production"
    done = laptop.run("sql", count, "--file", "wells.parquet", cwd=tmp_path)
    assert done.stdout == f"rows\n{told['rows']}\n", done.stderr

    query = "SELECT count(*) AS wells, NULL AS nothing FROM well_production"
    assert laptop.run("sql", query, cwd=tmp_path).stdout == f"wells\tnothing\n{told['rows']}\t\n"
    piped = laptop.run("sql", "--json", "--file", str(file), told=query)
    assert json.loads(piped.stdout) == [{"wells": told["rows"], "nothing": None}]
    odd = "SELECT 1 AS a, 2 AS a, 3 AS a_2, 'inf'::DOUBLE AS x, [1, 'nan'::DOUBLE] AS y"
    told_apart = laptop.run("sql", "--json", "--file", str(file), told=odd).stdout
    assert json.loads(told_apart, parse_constant=pytest.fail) == [
        {"a": 1, "a_3": 2, "a_2": 3, "x": "inf", "y": [1.0, "nan"]}
    ]
    wrong = laptop.run("sql", "DELETE FROM well_production", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.partition(":")[0]) == (1, "", "SQL_ERROR")
    assert "read-only" in wrong.stderr
    missing = laptop.run("sql", query, "--file", "none.duckdb", cwd=tmp_path)
    assert (
        missing.stderr
        == "DATABASE_MISSING: There is no database none.duckdb. Get it: wellhead download\n"
    )


def test_each_statement_has_its_answer_and_reaches_that_file_alone(tmp_path: Path) -> None:
    """Times have a zone, and DuckDB needs a package more for them."""
    wide(tmp_path / "wells.duckdb", wells=3, periods=1)
    (tmp_path / "secret.csv").write_text("a\nb\n", "utf-8")

    def ask(query: str) -> Done:
        environment = program_environment(tmp_path) | {"TZ": "America/Chicago"}
        return run("sql", environment=environment, told=query, cwd=tmp_path)

    row = ask("SELECT * FROM well_production LIMIT 1").stdout.splitlines()[1]
    assert row.count("+00:00") == 2
    done = ask(
        "SELECT 1 AS one; SET threads = 1; SELECT 2 AS two; SELECT * FROM nowhere; SELECT 3 AS three"
    )
    assert (done.returncode, done.stdout) == (1, "one\n1\ntwo\n2\n")
    assert "nowhere" in done.stderr
    done = ask("SELECT 1 AS one; SELEC 2; SELECT 3 AS three")
    assert (done.returncode, done.stdout) == (1, "one\n1\n")
    assert "syntax error" in done.stderr
    for attack in (
        "FROM 'secret.csv'",
        "FROM read_text('/etc/hostname')",
        "COPY well_production TO 'mine.csv'",
        "ATTACH 'secret.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        done = ask(attack)
        assert (done.returncode, done.stderr.partition(":")[0]) == (1, "SQL_ERROR"), attack
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["secret.csv", "wells.duckdb"]


def test_several_at_once_answer_as_one_also_where_memory_is_short(tmp_path: Path) -> None:
    """Each spills into a directory of its own, which goes with it."""
    wide(tmp_path / "wells.duckdb")
    query = (
        "SET memory_limit = '45MB'; SET threads = 2; "
        "SELECT count(*) AS wells, sum(rows) AS rows, sum(periods) AS periods FROM ("
        "SELECT count(*) AS rows, count(DISTINCT production_period) AS periods, min(field_code) AS field "
        "FROM well_production GROUP BY well_code)"
    )
    command = [str(PROGRAM), "sql", "--json", "--file", str(tmp_path / "wells.duckdb"), query]
    (place := tmp_path / "temporary").mkdir()
    killed = place / "wellhead-sql-killed"
    killed.mkdir()
    environment = program_environment(tmp_path) | {"TMPDIR": str(place)}

    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    answers = [process.communicate()[0] for process in started]
    assert [json.loads(answer) for answer in answers] == [
        [{"wells": 300_000, "rows": 600_000, "periods": 600_000}]
    ] * 4
    assert [path.name for path in tmp_path.iterdir() if "wells" in path.name] == ["wells.duckdb"]
    assert list(place.iterdir()) == []


def test_the_example_for_python(laptop: Laptop, tmp_path: Path) -> None:
    [example] = blocks(text("docs/cli.md"), "python")

    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=laptop.environment | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "COMPLETED: 0 new rows, 1 rejected" in lines
    assert lines[-1] == "1 900 MISSING_KEY"
    assert (tmp_path / "wells.duckdb").exists()


def test_a_damaged_download_is_thrown_away(serve: Serve, tmp_path: Path) -> None:
    store = serve(Answer(b"something else, as long"))
    export = vars(export_of(store.root, b"what the API announced!"))
    (tmp_path / "wells.duckdb").write_bytes(b"old")

    done = run_at(serve(success(export)), tmp_path, "download", "--force", cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.partition(":")[0]) == (
        1,
        "",
        "DOWNLOAD_DAMAGED",
    )
    assert (tmp_path / "wells.duckdb").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["wells.duckdb"]


# -- the rest -----------------------------------------------------------------------------------------------


def test_a_retry_is_told_of(serve: Serve, tmp_path: Path) -> None:
    server = serve(
        failure(503, "STATE_UNAVAILABLE", headers={"Retry-After": "1"}), success(job("COMPLETED"))
    )

    done = run_at(server, tmp_path, "status", JOB_ID)

    assert (done.returncode, done.stderr) == (0, "No. Trying again in 1 s.\n")


def test_names_cannot_command_the_terminal(serve: Serve, tmp_path: Path) -> None:
    evil = "A\x1b]0;evil\x07\x9b31m\t\n\u202eB"
    well = {
        "well_code": 1,
        "field_code": 2,
        "field_name": evil,
        "well_name": evil,
        "first_period": evil,
    }
    server = serve(
        success({"rows": [{**well, "last_period": "", "periods": 3}], "next_cursor": None})
    )
    environment = program_environment(tmp_path) | {
        "WELLHEAD_URL": server.root,
        "WELLHEAD_TOKEN": "t",
    }

    piped = run("wells", environment=environment).stdout
    shown, _ = on_a_terminal("wells", environment=environment)

    assert [len(line.split("\t")) for line in piped.splitlines()] == [8, 8]
    for sign in ("\x1b]", "\x07", "\x9b", "\u202e"):
        assert sign not in piped
        assert sign not in shown


def test_the_commands_complete(tmp_path: Path) -> None:
    environment = program_environment(tmp_path)

    for shell in ("bash", "zsh", "fish"):
        script = run("completion", shell, environment=environment)
        assert (script.returncode, script.stderr) == (0, "")
        assert f"{shell}_complete" in script.stdout

    words = {"COMP_WORDS": "wellhead imp", "COMP_CWORD": "1", "_WELLHEAD_COMPLETE": "bash_complete"}
    assert run(environment=environment | words).stdout == "plain,import\n"


def test_a_source_is_checked_in_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "rows.ndjson").write_text('{"field_code": 1}\n')

    done = run(
        "check-source",
        "--source",
        "rows.ndjson",
        environment=program_environment(tmp_path),
        cwd=tmp_path,
    )

    assert done.returncode == 1
    assert "our column" in done.stdout


def test_the_version(tmp_path: Path) -> None:
    assert re.fullmatch(
        r"\d+\.\d+\.\d+\n", run("--version", environment=program_environment(tmp_path)).stdout
    )
