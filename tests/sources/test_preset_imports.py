"""The sample of each preset, imported: what is stored is what csv and decimal make of the same file."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from support.plain_rows import plain_rows, plain_sums
from support.preset_imports import Imported, import_sample
from support.preset_samples import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from support.plain_rows import Sample

EXACT = 1e-9


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Imported]:
    """Each once, whatever the order of the tests."""
    return _Imports(tmp_path_factory.mktemp("imports"))


class _Imports(dict[str, Imported]):
    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def __missing__(self, preset: str) -> Imported:
        (directory := self._directory / preset).mkdir()
        self[preset] = import_sample(preset, SAMPLES[preset].path, directory)
        return self[preset]


@pytest.mark.parametrize(("preset", "sample"), SAMPLES.items(), ids=SAMPLES)
def test_the_sums_are_those_of_plain_python(preset: str, sample: Sample, imported: dict[str, Imported]) -> None:
    sums: dict[str, float] = defaultdict(float)
    for columns in imported[preset].rows.values():
        for column, value in columns.items():
            sums[column] += value or 0
    told = {column: total for column, total in sums.items() if total}
    assert told == pytest.approx({column: total for column, total in plain_sums(sample).items() if total}, rel=EXACT)


@pytest.mark.parametrize(("preset", "sample"), SAMPLES.items(), ids=SAMPLES)
def test_each_row_is_that_of_plain_python(preset: str, sample: Sample, imported: dict[str, Imported]) -> None:
    expected, found = plain_rows(sample), imported[preset].rows
    assert sorted(found) == sorted(expected)
    for key, columns in expected.items():
        told = {
            name: None if value is None else pytest.approx(float(value), rel=EXACT) for name, value in columns.items()
        }
        assert {name: found[key][name] for name in columns} == told, key
        assert {name: value for name, value in found[key].items() if name not in columns and value is not None} == {}


@pytest.mark.parametrize(("preset", "sample"), SAMPLES.items(), ids=SAMPLES)
def test_every_row_of_the_file_is_accounted_for(preset: str, sample: Sample, imported: dict[str, Imported]) -> None:
    found = imported[preset]
    assert (found.delivered, found.passed_over, found.rejected) == (sample.rows, sample.passed_over, sample.rejected)
