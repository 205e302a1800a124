"""The words and lists of console and clients: written by the command, whole, and in one place."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from chalicelib.jobs.finding import Check
from chalicelib.jobs.job import Job, JobStatus, Phase
from infra.words import (
    CHECK_WORDS,
    CLIENTS,
    CONSOLE,
    HELD,
    OUTCOME_WORDS,
    STATUS_WORDS,
    STEP_WORDS,
    TONES,
    module,
    script,
)

ROOT = Path(__file__).parents[2]
# A second list of statuses, of phases, or of the rates of products.
LISTED = re.compile(
    r'"(COMPLETED", "FAILED|FETCHING", "MERGING)"'
    r'|"(oil_production_kbd|gas_production_mmcfd)",\s+"\w+_production_(kb|mmcf)d"'
)


def test_the_written_modules_are_what_the_code_says() -> None:
    assert CONSOLE.read_text("utf-8") == script(), "run make words"
    assert CLIENTS.read_text("utf-8") == module(), "run make words"


def test_everything_has_a_word() -> None:
    assert set(STATUS_WORDS) == set(TONES) == {*JobStatus, HELD}
    assert set(STEP_WORDS) == {JobStatus.PENDING, *Phase}
    assert set(CHECK_WORDS) == set(Check)
    assert {f"{name}_records" for name in OUTCOME_WORDS} < {each.name for each in fields(Job)}


def test_no_client_lists_them_a_second_time() -> None:
    scripts = [path for path in CONSOLE.parent.glob("*.js") if path != CONSOLE]
    modules = [path for path in ROOT.glob("clients/*/*.py") if path != CLIENTS]

    assert len(scripts) > 30 < len(modules)
    assert [path.name for path in [*scripts, *modules] if LISTED.search(path.read_text())] == []
