"""What console and clients share with the product: written by the command, and in one place."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from chalicelib.jobs.finding import Check
from chalicelib.jobs.job import Job, JobStatus, Phase
from chalicelib.sources.checks import CheckStatus
from infra.shared import texts
from infra.words import (
    CHECK_WORDS,
    HELD,
    LISTS,
    OUTCOME_WORDS,
    STATUS_WORDS,
    STEP_WORDS,
    TONES,
)

ROOT = Path(__file__).parents[2]
# A second list of statuses, of phases, of the rates of products, or of a wait that doubles.
LISTED = re.compile(
    r'"(COMPLETED", "FAILED|DONE", "FAILED|PENDING", "RUNNING|FETCHING", "MERGING)"'
    r"|\b1, 2, 4, 8\b"
    r'|"(oil_production_kbd|gas_production_mmcfd)",\s+"\w+_production_(kb|mmcf)d"'
)


def test_what_is_shared_is_what_the_code_says() -> None:
    written = {path: path.read_text("utf-8") for path in texts()}

    assert written == texts(), "run make shared"


def test_everything_has_a_word() -> None:
    assert set(STATUS_WORDS) == set(TONES) == {*JobStatus, HELD}
    assert set(STEP_WORDS) == {JobStatus.PENDING, *Phase}
    assert set(CHECK_WORDS) == set(Check)
    assert {f"{name}_records" for name in OUTCOME_WORDS} < {each.name for each in fields(Job)}


def test_what_is_open_is_so_of_an_import_and_of_a_check() -> None:
    ended = {CheckStatus.DONE, CheckStatus.FAILED}

    assert set(LISTS["OPEN"]) == set(CheckStatus) - ended


def test_no_client_lists_them_a_second_time() -> None:
    written = {*texts(), ROOT / "clients/api/answer_types.py"}
    paths = {*ROOT.glob("chalicelib/api/console/*.js"), *ROOT.glob("clients/*/*.py")} - written

    assert len(paths) > 60
    assert [path.name for path in paths if LISTED.search(path.read_text("utf-8"))] == []
