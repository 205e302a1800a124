"""An import in parts tells how many of them are done:
in the terminal, in the window, and in the console.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID
from support.scripted_console import Told, visit, whole

from clients.api.answers import Job
from clients.cli.progress import facts_of
from clients.window.words import state
from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def running(**more: Any) -> dict[str, Any]:
    told = {"job_id": JOB_ID, "created_at": time.time(), "status": "RUNNING", "phase": "FETCHING"}
    rows = {"fetched_records": 2_000, "expected_records": 8_000, "progress_percentage": 22.5}
    return told | rows | {"parts": {"count": 16, "done": 5}} | more


def test_the_terminal_shows_the_parts_while_they_are_read() -> None:
    assert facts_of(Job.from_view(running())) == " 22 %  2,000 of 8,000 rows  5 of 16 parts"
    assert "parts" not in facts_of(Job.from_view(running(parts=None)))
    assert "parts" not in facts_of(Job.from_view(running(phase="MERGING")))


def test_the_window_shows_the_parts_while_they_are_read() -> None:
    assert state(Job.from_view(running())).endswith(", 5 of 16 parts done")
    assert "parts" not in state(Job.from_view(running(parts=None)))
    assert "parts" not in state(Job.from_view(running(phase="PUBLISHING")))


@pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
def test_the_console_shows_the_parts_while_they_are_read(
    scripted_console: tuple[str, Browser],
) -> None:
    now = time.time()
    job = whole(running(heartbeat_at=now, started_at=now - 9, completed_at=None))
    with visit(*scripted_console, Told([job]), f"/jobs/{JOB_ID}") as page:
        told = page.get_by_text("The source is read in 16 parts at once; 5 of them done.")
        told.first.wait_for(timeout=20_000)
