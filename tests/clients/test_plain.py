"""Whatever a server or a source says, nothing that the command line prints commands a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.api_answers import failure, job
from support.hostile_text import EVIL, MARKUP, commands_in, hostile

from clients.api.answers import Job
from clients.api.client import WellheadClient
from clients.api.errors import AlreadyRunning, ApiError, NotFound
from clients.cli.data_commands import PRODUCTION_COLUMNS, VOLUME_COLUMNS, WELL_COLUMNS, _plot
from clients.cli.import_commands import JOB_COLUMNS, show_job
from clients.cli.local_sql import _answer
from clients.cli.plain import plain
from clients.cli.progress import progress
from clients.cli.row_commands import REJECT_COLUMNS
from clients.cli.session import Session
from clients.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.scripted_source import Serve

    from clients.api.answers import Production

SCREENS = [True, False]


def printed(
    is_terminal: bool, show: Callable[[Terminal], object], *, wants_json: bool = False
) -> str:
    screen = io.StringIO()
    terminal = Terminal(file=screen, width=100, force_terminal=is_terminal, color_system=None)
    terminal.wants_json = wants_json
    show(terminal)
    return screen.getvalue()


@given(text=hostile)
def test_what_is_plain_has_no_command_and_every_sign_its_place(text: str) -> None:
    shown = plain(text)

    assert shown.isprintable()
    assert [new for new, old in zip(shown, text, strict=True) if old.isprintable()] == list(
        filter(str.isprintable, text)
    )
    assert plain(shown) == shown
    assert plain(text, kept="\n\t") == "".join(
        old if old in "\n\t" else new for new, old in zip(shown, text, strict=True)
    )


@pytest.mark.parametrize("evil", EVIL)
def test_no_known_command_is_left(evil: str) -> None:
    assert commands_in(f"a{evil}b") or evil in ["\n", "\t", *MARKUP]
    assert not commands_in(plain(f"a{evil}b"))


def test_names_of_every_script_stay_as_they_are() -> None:
    for name in (
        "Ørsted 1-Ä",
        "北海 3",
        "شمال",
        "Скважина",
        "नदी",
        "B\N{COMBINING DIAERESIS}",
        "Block [/9] North",
        ":skull:",
    ):
        assert plain(name) == name


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=40)
@given(text=hostile)
def test_rows_facts_and_lines_have_no_command(is_terminal: bool, text: str) -> None:
    texts = (
        "well_code",
        "well_name",
        "field_code",
        "field_name",
        "first_period",
        "last_period",
        "production_period",
    )
    rates = (
        "oil_production_kbd",
        "gas_production_mmcfd",
        "liquids_production_kbd",
        "water_production_kbd",
    )
    row: dict[str, Any] = {
        "periods": 1,
        "days_on_production": 1.0,
        "period_days": 31,
        "source_rows": 1,
    }
    row |= dict.fromkeys((*texts, "source"), text)
    row |= dict.fromkeys(rates, 1.0)
    rejected = {"page": text, "position": 1, "reason": text, "detail": text, "raw": text}
    a_job = Job.from_view(
        job(text, error={"code": text, "message": text}, triggered_by=text, phase=text)
    )
    warned = replace(
        a_job, warnings=({"rule": text, "count": 1, "message": text},), status="FAILED"
    )
    finding = {
        "check": text,
        "limit": text,
        "found": text,
        "message": text,
        "examples": [{text: text}, text],
    }
    error = {"code": "HELD", "message": text}
    change = {"code": text, "name": text, "column": text, "before": 1.0, "after": 0.0}
    diff = {"new": 1, "sums": {text: {"before": 1.0, "after": 0.0}}, "fields": [change]}
    told_of = {"findings": [finding], "diff": diff, "discarded_by": text, "accepted_by": text}
    held = Job.from_view(job("FAILED", error=error, **told_of))
    gone = replace(held, discarded_at=1.0)

    def show(terminal: Terminal) -> None:
        terminal.rows(WELL_COLUMNS, [row])
        terminal.rows(PRODUCTION_COLUMNS, [row])
        terminal.rows(VOLUME_COLUMNS, [row])
        terminal.rows(REJECT_COLUMNS, [rejected])
        terminal.rows(JOB_COLUMNS, [a_job])
        terminal.facts([(text or "-", text), ("n", 1)])
        terminal.line(text, (text, "red"))
        terminal.note(text)
        terminal.csv(f"reason,raw\r\n{text},{text}\r\n")
        for each in (warned, held, gone, replace(held, retried_by=text)):
            show_job(terminal, each)
        _plot(terminal, [cast("Production", row | {"production_period": "2020-01-01"})], "water")

    told = printed(is_terminal, show)
    assert not commands_in(told.replace("\r\n", "\n"))


@settings(max_examples=40)
@given(text=hostile)
def test_json_and_its_errors_are_ascii_and_say_the_same(text: str) -> None:
    told = printed(
        False, lambda terminal: terminal.json({"name": text, text: [text]}), wants_json=True
    )
    error = ApiError(
        text or "-", status=500, code=text or "-", request_id=text, details={text: text}
    )
    failed = printed(True, lambda terminal: terminal.error(error), wants_json=True)

    assert told.isascii()
    assert not commands_in(told + failed)
    assert json.loads(told) == {"name": text, text: [text]}
    assert json.loads(failed)["error"]["details"] == {text: text}


def test_a_job_id_of_any_signs_is_asked_for(serve: Serve) -> None:
    server = serve(*[failure(404, "JOB_NOT_FOUND")] * len(EVIL))
    with WellheadClient(server.root, "t") as wellhead:
        for evil in EVIL:
            with pytest.raises(NotFound):
                wellhead.status(evil)


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=30)
@given(text=hostile)
def test_errors_and_hints_have_no_command(is_terminal: bool, text: str) -> None:
    facts: dict[str, Any] = {
        "status": 409,
        "code": text or "-",
        "request_id": text,
        "details": {"job_id": text},
    }

    def show(terminal: Terminal) -> None:
        session = Session(terminal=terminal)
        session.report(AlreadyRunning(text or "-", **facts))
        session._tell_of_retry(ApiError(text or "-", **facts), 5.0)

    assert not commands_in(printed(is_terminal, show))


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=30)
@given(text=hostile, fetched=st.integers(0, 10**9))
def test_the_progress_has_no_command_and_no_markup(
    is_terminal: bool, text: str, fetched: int
) -> None:
    facts = {"fetched_records": fetched, "expected_records": 10, "progress_percentage": 5.0}
    waiting = {"for": text, "until": 1.0, "try": 2}
    running = Job.from_view(job(text, phase=text, waiting=waiting, **facts))

    def show(terminal: Terminal) -> None:
        with progress(terminal.err) as update:
            update(running)
            update(replace(running, phase=None))

    told = printed(is_terminal, show)
    assert not commands_in(told)
    assert f"{fetched:,} of 10 rows" in told


@pytest.mark.parametrize("is_terminal", SCREENS)
@settings(max_examples=20)
@given(text=hostile)
def test_answers_in_sql_have_no_command_not_even_in_the_names_of_columns(
    is_terminal: bool, text: str
) -> None:
    held = text.encode("utf-8", "ignore").decode().replace("\x00", "") or "-"
    name = held.replace('"', '""')
    with duckdb.connect() as database:
        database.execute(f'CREATE TABLE wells AS SELECT ? AS "{name}"', [held])
        told = printed(is_terminal, lambda terminal: _answer(terminal, database, "FROM wells"))

    assert not commands_in(told)
