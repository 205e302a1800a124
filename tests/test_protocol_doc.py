"""docs/protocol.md names the tests that show what it says; each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(
        r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "protocol.md").read_text("utf-8")
    )
    assert len(named) > 30

    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (
            (ROOT / file).exists()
            and re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        )
    ]
    assert missing == []


def test_every_test_file_that_is_named_exists() -> None:
    named = set(re.findall(r"tests/[\w/]+\.py", (ROOT / "docs" / "protocol.md").read_text("utf-8")))

    assert [file for file in sorted(named) if not (ROOT / file).exists()] == []
