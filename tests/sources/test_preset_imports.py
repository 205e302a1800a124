"""The sample of each preset, imported:
what is stored is what csv and decimal make of the same file.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from support.plain_rows import plain_rows, plain_sums
from support.preset_imports import PresetWorker
from support.preset_samples import OLDER, SAMPLES

if TYPE_CHECKING:
    from support.plain_rows import Key, Sample

EXACT = 1e-9
CASES = [*SAMPLES.items(), *OLDER.items()]


@pytest.mark.parametrize(("preset", "sample"), CASES, ids=[sample.file for _, sample in CASES])
def test_a_sample_is_stored_as_plain_python_reads_it(
    preset: str, sample: Sample, environment: dict[str, str], dynamodb: Any
) -> None:
    imported = PresetWorker(environment, dynamodb).import_file(preset, sample.path)
    assert imported.counts == (sample.rows, sample.passed_over, sample.rejected)
    assert _sums(imported.rows) == pytest.approx(plain_sums(sample), rel=EXACT)
    expected = plain_rows(sample)
    assert sorted(imported.rows) == sorted(expected)
    for key, columns in expected.items():
        told = {name: float(value) for name, value in columns.items() if value is not None}
        found = {name: value for name, value in imported.rows[key].items() if value is not None}
        assert found == pytest.approx(told, rel=EXACT), key


def _sums(rows: dict[Key, dict[str, float | None]]) -> dict[str, float]:
    """Of the columns that some row fills."""
    sums: dict[str, float] = defaultdict(float)
    for columns in rows.values():
        for column, value in columns.items():
            if value is not None:
                sums[column] += value
    return dict(sums)
