"""Lists as files, short ids and narrow terminals:
the command line in this process, before a scripted API.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import urllib.error
import urllib.request
import webbrowser
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.api_answers import JOB_ID, failure, job, success
from support.scripted_source import Answer
from support.stores import wide

from clients.api.answers import Job
from clients.api.connection import MEDIA_TYPES
from clients.cli.import_commands import JOB_COLUMNS
from clients.cli.local_sql import SqlError, _answer, _statements, open_database
from clients.cli.main import wellhead
from clients.cli.options import _day
from clients.cli.session import Exit, Session
from clients.cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from support.scripted_source import ScriptedSource, Serve

CSV = "\ufefffield_code;oil\r\n007;1,5\r\n".encode()
TWINS = (JOB_ID, JOB_ID[:-1] + "d")
OLDER = "019fffff-0000-771e-8a7b-50943f1a777c"


def file_answer(kind: str, content: bytes) -> Answer:
    return Answer(content, headers={"Content-Type": f"{MEDIA_TYPES[kind]}; charset=utf-8"})


def run(server: ScriptedSource, *arguments: str) -> Result:
    environment = {"WELLHEAD_URL": server.root, "WELLHEAD_TOKEN": "t"}
    return CliRunner(env=environment).invoke(
        wellhead, arguments, obj=Session(), standalone_mode=False
    )


# -- files ---------------------------------------------------------------------------------------------------


def test_a_file_is_what_the_api_sends_to_the_letter(serve: Serve, tmp_path: Path) -> None:
    server = serve(file_answer("csv", CSV))
    target = tmp_path / "totals.csv"

    piped = run(
        server,
        "totals",
        "--format",
        "csv",
        "--separator",
        ";",
        "--decimal",
        ",",
        "--from",
        "2024-02",
    )
    saved = run(server, "totals", "--to", "2024-02", "-o", str(target))

    assert (piped.stdout_bytes, target.read_bytes()) == (CSV, CSV)
    assert saved.stderr.strip().endswith(f"totals.csv: {len(CSV)} bytes")
    first, second = server.asked
    assert first.query == {"from": "2024-02-01", "separator": ";", "decimal": ",", "format": "csv"}
    assert second.query == {"to": "2024-02-29", "format": "csv"}
    assert first.headers["accept"].startswith("text/csv")
    assert [path.name for path in tmp_path.iterdir()] == ["totals.csv"]


def test_a_large_file_is_fetched_from_its_address_and_checked(serve: Serve, tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.write_bytes(b"PK" * 1000)
    facts: dict[str, Any] = {"url": stored.as_uri(), "bytes": 2000}
    right = hashlib.sha256(stored.read_bytes()).hexdigest()
    server = serve(success({**facts, "sha256": right}), success({**facts, "sha256": "0" * 64}))
    target = tmp_path / "all.xlsx"

    assert run(server, "production", "--output", str(target)).return_value is None
    assert target.read_bytes() == stored.read_bytes()
    assert "well_code" not in server.asked[0].query
    assert run(server, "production", "--output", str(target)).return_value == Exit.FAILED
    assert target.read_bytes() == stored.read_bytes()


def test_a_pipe_and_a_link_stay_what_they_are(serve: Serve, tmp_path: Path) -> None:
    server = serve(file_answer("csv", CSV))
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "target.csv"
    os.mkfifo(pipe)
    link.symlink_to(target)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    run(server, "totals", "--format", "csv", "-o", str(pipe))
    run(server, "totals", "-o", str(link))

    assert os.read(reader, 1000) == CSV
    os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert target.read_bytes() == CSV


@pytest.mark.parametrize(
    "arguments",
    [
        ("production",),
        ("wells", "--format", "csv", "--limit", "5"),
        ("production", "--format", "csv", "--plot"),
        ("totals", "--format", "csv", "--volumes"),
        ("wells", "--separator", ";"),
        ("wells", "--format", "xlsx", "--decimal", ","),
        ("wells", "--output", "wells.txt"),
        ("fields", "--format", "json", "--output", "fields.json"),
        ("totals", "--from", "2024-13"),
        ("totals", "--to", "soon"),
    ],
)
def test_what_makes_no_sense_is_a_wrong_use(serve: Serve, arguments: tuple[str, ...]) -> None:
    server = serve(failure(500, "X"))

    assert isinstance(run(server, *arguments).exception, click.UsageError)
    assert server.asked == []


# -- days ----------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.dates())
def test_a_month_and_a_year_reach_from_their_first_to_their_last_day(day: Any) -> None:
    year, month = day.isoformat()[:4], day.isoformat()[:7]

    assert (
        _day(day.isoformat(), is_last=False)
        == _day(day.isoformat(), is_last=True)
        == day.isoformat()
    )
    assert (
        _day(month, is_last=False) == f"{month}-01" <= day.isoformat() <= _day(month, is_last=True)
    )
    assert (_day(year, is_last=False), _day(year, is_last=True)) == (
        f"{year}-01-01",
        f"{year}-12-31",
    )
    assert _day(month, is_last=True)[:7] == month


# -- job ids -------------------------------------------------------------------------------------------------


def test_the_beginning_of_an_id_is_enough_where_it_is_one(serve: Serve) -> None:
    ids = [*TWINS, OLDER, "019ffffe-0000-771e-8a7b-50943f1a777c"]
    history = success({"jobs": [job("FAILED", job_id=each) for each in ids], "next_cursor": "n"})

    one = run(serve(history, success(job("FAILED", job_id=OLDER))), "status", "019fffff", "--json")
    assert OLDER in one.stdout
    two = run(server := serve(history), "status", JOB_ID[:13])
    assert (two.return_value, two.stderr.partition(":")[0]) == (Exit.FAILED, "SEVERAL_JOBS")
    assert all(each in two.stderr for each in TWINS)
    assert len(server.asked) == 1  # what comes after older ones is older still
    none = run(serve(history), "status", "01a300")
    assert (none.return_value, none.stderr.partition(":")[0]) == (Exit.FAILED, "NO_SUCH_JOB")
    whole = serve(success(job("FAILED", job_id=OLDER)))
    run(whole, "status", OLDER)
    assert [asked.path.rpartition("/")[2] for asked in whole.asked] == [OLDER]


# -- narrow terminals ----------------------------------------------------------------------------------------


def shown(width: int) -> str:
    screen = io.StringIO()
    terminal = Terminal(file=screen, width=width, force_terminal=True, color_system=None)
    terminal.rows(
        JOB_COLUMNS,
        [Job.from_view(job("FAILED", job_id=each, created_at=1_704_110_400.0)) for each in TWINS],
    )
    return screen.getvalue()


def test_what_does_not_fit_into_a_table_has_a_line_for_each_value() -> None:
    wide, narrow = shown(100), shown(50)

    assert wide.split()[:4] == ["job", "status", "source", "triggered"]
    assert len(wide.splitlines()) == 3
    assert narrow.count("job         01a205e6-9c31\n") == 2
    assert narrow.count("triggered   01-01 12:00Z\n") == 2
    assert "…" not in narrow
    assert all(len(line) <= 50 for line in narrow.splitlines())


# -- sql -----------------------------------------------------------------------------------------------------


def test_statements_end_at_their_semicolons_alone() -> None:
    query = "SELECT 'a;é😀b'; -- c;\nSELEC 2; SELECT $$;$$ AS \"d;\""

    assert list(_statements(query)) == [
        "SELECT 'a;é😀b';",
        " -- c;\nSELEC 2;",
        ' SELECT $$;$$ AS "d;"',
    ]


def test_a_downloaded_file_stays_as_it_is(tmp_path: Path) -> None:
    """DuckDB lets a statement reach the file that it has open,
    and EXPLAIN ANALYZE runs what it explains.
    """
    file = wide(tmp_path / "wells.duckdb", wells=3, periods=1)
    before = file.read_bytes()
    with open_database(file) as database:
        for target in (file, f"{file}.wal"):
            for how in ("", "EXPLAIN ANALYZE ", "EXPLAIN (ANALYZE, FORMAT json) "):
                forged = f"{how}COPY (SELECT 1 AS a) TO '{target}' (FORMAT csv, USE_TMP_FILE false)"
                with pytest.raises(SqlError, match="read-only"):
                    _answer(Terminal(file=io.StringIO()), database, forged)
        for setting in (
            "temp_directory = '/tmp'",
            "threads = (SELECT 1)",
            "threads = 1 -- ",
            "memory_limit = 'a'; COPY",
        ):
            with pytest.raises(SqlError):
                _answer(Terminal(file=io.StringIO()), database, f"SET {setting}")

    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


# -- the console ---------------------------------------------------------------------------------------------


def test_the_browser_is_led_to_the_console_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is started with, others can read: that holds no token, and is good for one visit."""
    server, seen = serve(failure(500, "X")), []

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    def visit(url: str) -> bool:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}", url)
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as answer:
                urllib.request.build_opener(Stay).open(url, timeout=30)
            seen.append((answer.value.code, answer.value.headers["Location"]))
            answer.value.close()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    assert run(server, "open").return_value is None
    assert seen == [(302, f"{server.root}/console#token=t"), (404, None)]
    assert run(server, "open", "--link").stdout == f"{server.root}/console#token=t\n"
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    told = run(server, "open")
    assert (told.stdout, told.stderr.endswith(f"sign in there: {server.root}/console\n")) == (
        "",
        True,
    )
