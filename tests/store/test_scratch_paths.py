"""A folder above the scratch is no value of a column:
DuckDB reads `name=value` in a path as one by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables

from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from pathlib import Path


FOLDERS = [
    "field_code=zzz",
    "problem=x",
    "page=7",
    "version=2",
    "oil_production_kbd=9",
    "it's",
    "a[1]",
    "{b}",
]


def test_folders_with_any_names_change_nothing(tmp_path: Path) -> None:
    scratch = tmp_path.joinpath(*FOLDERS, "scratch")
    repository = DuckDBWellProductionRepository(directory=scratch, memory_mb=100)
    rows = [
        json_row(oil_production_kbd=1.5),
        json_row(well_code=3, oil_production_kbd="much"),
        b"5",
    ]
    repository.stage(batch_of(scratch, rows, first=4), SAME_READING)

    result = repository.merge(tmp_path / "wells.duckdb", facts(), now=NOON, warnings={})

    repository.close()
    found = tables(tmp_path / "wells.duckdb")
    assert (result.new_records, result.failed_records) == (1, 2)
    assert [(row["field_code"], row["oil_production_kbd"]) for row in found["well_production"]] == [
        ("1", 1.5)
    ]
    assert [(row["page"], row["position"], row["reason"]) for row in found["rejected_rows"]] == [
        (4, 1, "NOT_A_NUMBER"),
        (4, 2, "UNREADABLE"),
    ]


def test_rows_may_be_staged_and_loaded_after_they_were_settled(tmp_path: Path) -> None:
    first, other = (
        DuckDBWellProductionRepository(directory=tmp_path / name, memory_mb=100)
        for name in ("first", "other")
    )
    segment = other.stage(batch_of(tmp_path, [json_row(well_code=9)]), SAME_READING)
    first.stage(batch_of(tmp_path, [json_row(well_code=1)]), SAME_READING)
    first.merge(tmp_path / "unused.duckdb", facts(), now=NOON, warnings={})

    first.stage(batch_of(tmp_path, [json_row(well_code=2)]), SAME_READING)
    assert first.load_segment(segment)
    assert not first.load_segment(tmp_path / "batch.ndjson")

    result = first.merge(tmp_path / "wells.duckdb", facts(2), now=NOON, warnings={})
    assert (result.new_records, result.duplicate_records) == (3, 0)
    first.close()
    other.close()
