"""The figures of the register:
every question is asked of a real store, and what takes too long stands in bold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.register import MONTHS, QUESTIONS, markdown, measure_all

if TYPE_CHECKING:
    from pathlib import Path


def test_every_question_is_measured_and_what_is_slow_stands_out(tmp_path: Path) -> None:
    found = measure_all(rows=400 * MONTHS, turns=1, cache=tmp_path)

    assert [found["wells"], *(first["found"] for first in found["first"])] == [400] * 3
    counts = {name: told["found"] for name, told in found["questions"].items()}
    assert len(counts) == len(QUESTIONS) + 1
    assert counts["a word that all of them have"] == 400
    assert counts["a word that none has"] == 0
    assert counts["all fields, by their wells"] == 4
    found["questions"]["all wells, by name"]["cpu_ms"] = 1234.0
    lines = markdown(found).splitlines()
    assert [line for line in lines if "**" in line] == [line for line in lines if "by name" in line]
    assert "| all wells, by name | 400 | **1,234** |" in markdown(found)
