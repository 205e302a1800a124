"""The figures of the feed:
every page is asked of a real store, and what takes too long or fails stands in bold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.feed import MONTHS, NUMBERS, QUESTIONS, markdown, measure_all

if TYPE_CHECKING:
    from pathlib import Path


def test_every_page_is_measured_and_what_is_slow_stands_out(tmp_path: Path) -> None:
    found = measure_all(rows=400 * MONTHS, turns=1, cache=tmp_path, most=100)

    assert (found["pages"].keys(), found["numbers"].keys()) == (QUESTIONS.keys(), NUMBERS.keys())
    assert found["numbers"]["how many wells"]["count"] == 400
    assert found["pages"]["months"]["rows"] == 100
    assert "next" in found["pages"]["wells, by name"]
    assert not [name for name, told in found["pages"].items() if told["first"]["error"]]
    found["pages"]["wells"]["next"]["cpu_ms"] = 1234.0
    found["pages"]["months"]["first"]["error"] = "QUERY_TOO_LARGE"
    lines = [line for line in markdown(found).splitlines() if "**" in line]
    assert [line.split("|")[1].strip() for line in lines] == ["wells", "months"]
    assert "**1,234**" in lines[0]
    assert "**QUERY_TOO_LARGE**" in lines[1]
