"""The rows of a source under another name: taken over once, one to one, with their history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables

from chalicelib.errors import CodesAmbiguous, FullImportFirst, PeriodChanged
from chalicelib.imports.completeness import Completeness, Verdict
from chalicelib.imports.gate import judge
from chalicelib.settings import Settings
from chalicelib.store.adopt import Adoption
from chalicelib.store.diff import Diff
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.settle import Settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.store.outcome import MergeResult

    Merge = Callable[..., MergeResult]

OLD, NEW = RowSource(name="default"), RowSource(name="gulf", adopts="default")


def row(well: object, oil: float, period: str = "2024-01-01") -> bytes:
    return json_row(well_code=well, oil_production_kbd=oil, production_period=period)


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    """Into one store, import by import."""
    numbers = iter(range(1, 99))

    def merge(source: RowSource, *rows: bytes, is_full: bool = True) -> MergeResult:
        number = next(numbers)
        directory = tmp_path / str(number)
        repository = DuckDBWellProductionRepository(
            directory=directory, memory_mb=200, source=source
        )
        repository.stage(batch_of(directory, list(rows)), SAME_READING)
        told = replace(facts(number), is_full=is_full)
        try:
            result = repository.merge(
                tmp_path / "wells.duckdb", told, now=NOON + number * 1000, warnings={}
            )
            repository.verify(tmp_path / "wells.duckdb", rows=result.stored_records)
        finally:
            repository.close()
        return result

    return merge


def stored(directory: Path, table: str = "well_production") -> list[tuple[Any, ...]]:
    names = ("source", "well_code", "production_period", "oil_production_kbd")
    rows = tables(directory / "wells.duckdb")[table]
    return sorted(tuple(str(each[name]) for name in names) for each in rows)


def test_the_rows_and_their_history_become_those_of_the_new_source(
    merge: Merge, tmp_path: Path
) -> None:
    merge(OLD, row("A", 1.0), row("B", 2.0))
    merge(OLD, row("A", 1.5))

    result = merge(NEW, row("A", 1.5), row("B", 2.5))

    assert (result.new_records, result.updated_records, result.duplicate_records) == (0, 1, 1)
    assert result.adoption == Adoption(source="default", wells=2, unmatched=0)
    assert stored(tmp_path) == [
        ("gulf", "A", "2024-01-01", "1.5"),
        ("gulf", "B", "2024-01-01", "2.5"),
    ]
    assert stored(tmp_path, "well_production_history") == [
        ("gulf", "A", "2024-01-01", "1.0"),
        ("gulf", "B", "2024-01-01", "2.0"),
    ]
    assert not result.diff.is_first


def test_it_happens_once(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row("A", 1.0))
    merge(NEW, row("A", 1.0))

    assert merge(NEW, row("A", 1.0), is_full=False).adoption is None
    assert merge(NEW, row("C", 1.0)).adoption is None


def test_codes_that_are_equal_as_numbers_become_what_the_new_source_writes(
    merge: Merge, tmp_path: Path
) -> None:
    merge(OLD, row(7, 1.0), row(8, 2.0))

    result = merge(NEW, row("007", 1.0), row("08", 3.0))

    assert (result.duplicate_records, result.updated_records) == (1, 1)
    assert stored(tmp_path) == [
        ("gulf", "007", "2024-01-01", "1.0"),
        ("gulf", "08", "2024-01-01", "3.0"),
    ]
    assert result.adoption == Adoption(source="default", wells=2, unmatched=0)


def test_codes_that_match_several_are_refused(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row(7, 1.0))
    before = stored(tmp_path)

    with pytest.raises(CodesAmbiguous):
        merge(NEW, row("007", 1.0), row("07", 1.0))

    assert [line[0] for line in before] == ["default"]


@pytest.mark.parametrize("code", ["A", "007"])
def test_only_an_import_of_everything_adopts(merge: Merge, tmp_path: Path, code: str) -> None:
    merge(OLD, row("A", 1.0), row(7, 1.0))
    before = stored(tmp_path)

    with pytest.raises(FullImportFirst):
        merge(NEW, row(code, 1.0), is_full=False)

    assert stored(tmp_path) == before


def test_wells_that_did_not_come_are_told(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row("77-001", 1.0), row("B", 2.0), row("C", 3.0))

    result = merge(NEW, row("77001", 1.0), row("B", 2.0))

    left = [{"field_code": "1", "well_code": "77-001"}, {"field_code": "1", "well_code": "C"}]
    assert result.adoption == Adoption(source="default", wells=3, unmatched=2, examples=left)
    assert {line[0] for line in stored(tmp_path)} == {"gulf"}


def test_what_both_have_told_stays_as_the_new_source_told_it(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row("A", 1.0), row("A", 1.0, "2024-02-01"))
    merge(replace(NEW, adopts=""), row("A", 9.0))

    merge(NEW, row("A", 9.0), row("A", 1.0, "2024-02-01"))

    assert stored(tmp_path) == [
        ("gulf", "A", "2024-01-01", "9.0"),
        ("gulf", "A", "2024-02-01", "1.0"),
    ]
    assert stored(tmp_path, "well_production_history") == [("gulf", "A", "2024-01-01", "1.0")]


def test_other_sources_keep_their_rows(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row("A", 1.0))
    merge(RowSource(name="north"), row("A", 5.0))

    merge(NEW, row("A", 1.0))

    assert stored(tmp_path) == [
        ("gulf", "A", "2024-01-01", "1.0"),
        ("north", "A", "2024-01-01", "5.0"),
    ]


def test_rows_of_another_length_of_period_are_not_adopted(merge: Merge, tmp_path: Path) -> None:
    merge(OLD, row("A", 1.0))

    with pytest.raises(PeriodChanged):
        merge(replace(NEW, period=Period.YEAR), row("A", 1.0))


def test_wells_that_did_not_come_hold_the_import() -> None:
    settings = Settings.from_environment(
        {
            "WELLHEAD_TABLE": "t",
            "WELLHEAD_IMPORT_FUNCTION": "f",
            "WELLHEAD_WAREHOUSE": "/w",
            "WELLHEAD_SOURCE_URL": "https://example.org/odata/Wells",
        }
    )
    proved = Completeness(state=Verdict.PROVED, delivered=10)
    adoption = Adoption(source="default", wells=3, unmatched=2, examples=[{"well_code": "C"}])

    [finding] = judge(Diff(is_first=False), Settled(), proved, settings, adoption=adoption)

    assert (finding.check, finding.holds, finding.found) == (
        "ADOPTED_UNMATCHED",
        True,
        "2 of 3 wells",
    )
    assert finding.examples == [{"well_code": "C"}]
    assert (
        judge(
            Diff(is_first=False),
            Settled(),
            proved,
            settings,
            adoption=replace(adoption, unmatched=0),
        )
        == []
    )
    [accepted] = judge(
        Diff(is_first=False), Settled(), proved, settings, [finding.fingerprint], adoption=adoption
    )
    assert not accepted.holds
