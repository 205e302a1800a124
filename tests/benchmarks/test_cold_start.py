"""The measurement of the cold start:
every contender really answers, and the table says what was measured.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.stack import needs_proc

from benchmarks import cold_start
from benchmarks.cold_start import (
    BARE,
    NOTHING,
    TRIGGER,
    contenders,
    environment,
    markdown,
    start_once,
)
from chalicelib.api.tokens import digest_of

if TYPE_CHECKING:
    from local.aws.emulator import LocalAws

ROOT = Path(__file__).parents[2]
FACTS = {"date": "today", "machine": "here", "load": 0.5, "versions": {"Python": "3"}, "turns": 3}


@needs_proc
@pytest.mark.usefixtures("lambda_handler")
def test_every_contender_starts_and_answers(aws: LocalAws, tmp_path: Path) -> None:
    """The trigger before the status and the authorizer; each asserts its own answer."""
    aws.put_parameter(
        "/wellhead/tokens/ada",
        json.dumps({"sha256": digest_of(cold_start.TOKEN), "role": "operator"}),
    )
    known = environment(aws, os.environ["AWS_ENDPOINT_URL_LAMBDA"], "wellhead-test")
    spent = {
        one.name: start_once(one, known, tmp_path / "log")
        for one in contenders(ROOT, tmp_path)
        if one.name != NOTHING
    }

    assert all(initialised > 0 and answered > 0 for initialised, answered in spent.values())
    assert set(spent) >= {BARE, TRIGGER}


def test_the_table_tells_medians_and_marks_what_was_not_expected() -> None:
    starts = {
        NOTHING: [[30.0, 0.0]] * 3,
        BARE: [[100.0, 0.0], [180.0, 20.0], [200.0, 100.0]],
        TRIGGER: [[200.0, 30.0], [210.0, 30.0], [900.0, 30.0]],
        "the status": [[100.0, 100.0]] * 3,
    }

    assert markdown({**FACTS, "starts": starts}).splitlines()[3:] == [
        "|---|---:|---:|---:|---:|",
        "| a handler that does nothing | 30 | 0 | 30 | 0.15 |",
        "| a bare boto3 handler | 180 | 20 | 200 | 1.00 |",
        "| the trigger | 210 | 30 | 240 | **1.20** |",
        "| the status | 100 | 100 | 200 | 1.00 |",
    ]
