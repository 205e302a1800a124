"""Which field fills which column: what the survey found, and what rows show later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.staging import batch_of, json_row

from chalicelib.errors import SourceColumns
from chalicelib.imports.fields import SourceFields
from chalicelib.imports.fingerprint import Fingerprint
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.survey import Survey
from chalicelib.settings import Settings
from chalicelib.store.columns import KEY, VALUES
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OIL = "oil_production_kbd"
REQUIRED = {
    "WELLHEAD_TABLE": "table",
    "WELLHEAD_IMPORT_FUNCTION": "import",
    "WELLHEAD_WAREHOUSE": "/warehouse",
    "WELLHEAD_SOURCE_URL": "http://127.0.0.1/source",
}
SETTINGS = Settings.from_environment(REQUIRED)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DuckDBWellProductionRepository]:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=100)
    yield repository
    repository.close()


def fields_of(*names: str, **settings: Any) -> SourceFields:
    return SourceFields(survey=Survey(fields=list(names)), settings=replace(SETTINGS, **settings))


def test_the_fields_of_the_survey_fill_the_columns() -> None:
    fields = fields_of("FieldCode", "WellCode", "ProductionPeriod", OIL, "created_at", "colour")

    assert fields.mapping() == {
        "field_code": "FieldCode",
        "well_code": "WellCode",
        "production_period": "ProductionPeriod",
        OIL: OIL,
    }
    assert fields.key() == ["FieldCode", "WellCode", "ProductionPeriod"]
    assert fields.unknown() == ["colour"]


def test_an_empty_source_has_no_names_to_show() -> None:
    fields = fields_of()

    assert (fields.key(), fields.unknown(), fields.part_filter({"field_code": 7})) == ([], [], "")
    with pytest.raises(SourceColumns):
        fields.mapping()


def test_a_field_that_rows_show_late_is_learnt(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    fields = fields_of(*KEY, OIL)

    fields.learn(repository, batch_of(tmp_path, [json_row(gas_production_mmcfd=1, colour="red")]))

    assert fields.mapping()["gas_production_mmcfd"] == "gas_production_mmcfd"
    assert fields.unknown() == ["colour"]


def test_nothing_is_looked_for_when_every_column_has_its_field(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    fields = fields_of(*KEY, *VALUES)

    fields.learn(repository, batch_of(tmp_path, [json_row(colour="red")]))

    assert fields.unknown() == []


def test_the_latest_change_and_the_undated_rows_are_told_of_a_batch_and_kept_of_all(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    fields = fields_of(*KEY, OIL, "updated_at", source_changed="updated_at")
    fields.go_on_from(Cursor(url=None, changed_until=100.0, undated=2), fields.fingerprint())
    rows = [
        json.dumps({"updated_at": moment}).encode() for moment in ("1970-01-01T00:03:20Z", None)
    ]

    told = fields.note_changes(repository, batch_of(tmp_path, rows))

    assert told == (200.0, 1)
    assert (fields.changed_until, fields.undated) == (200.0, 3)


@pytest.mark.parametrize(
    ("own", "warned"),
    [
        ([], 1),  # who merges reads no row
        (["2024-01-31T23:00:00Z"], 2),
        (["2024-01-31T00:00:00Z"], 0),
        (["\ud800" * 100], 0),
    ],
)
def test_a_local_midnight_that_another_worker_saw_is_not_forgotten(
    own: list[str], warned: int
) -> None:
    names = (*KEY, *VALUES)
    other = fields_of(*names)
    other.look_at([json_row(production_period="2023-12-31T23:00:00Z")])
    before = Fingerprint(**json.loads(json.dumps(other.fingerprint().to_attributes())))
    fields = fields_of(*names)

    fields.go_on_from(Cursor(url=None), before)
    fields.look_at_periods(json.dumps({"production_period": text}) for text in own)

    assert fields.local_midnights == warned
    json.dumps(fields.fingerprint().to_attributes()).encode("ascii")


def test_without_a_change_field_no_change_is_noted(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    fields = fields_of(*KEY, OIL, "updated_at")

    told = fields.note_changes(
        repository, batch_of(tmp_path, [json_row(updated_at="2024-01-01T00:00:00Z")])
    )

    assert told == (None, 0)
    assert (fields.changed_until, fields.undated) == (None, 0)


def test_an_order_by_that_no_row_has_is_named() -> None:
    fields = fields_of(*KEY, OIL, source_order_by="edition")

    with pytest.raises(SourceColumns, match="WELLHEAD_SOURCE_ORDER_BY names edition"):
        fields.grain()


def test_where_rows_are_added_pages_are_cut_by_what_tells_them_apart() -> None:
    named = fields_of(
        *KEY, OIL, "completion", source_rows="sum", source_primary_key=("well_code", "completion")
    )
    unnamed = fields_of(*KEY, OIL, source_rows="sum")

    assert named.key("keys") == [*KEY, "completion"]
    assert named.key("auto") == list(KEY)
    assert unnamed.key("auto") == unnamed.key() == list(KEY)
    with pytest.raises(SourceColumns, match="WELLHEAD_SOURCE_PRIMARY_KEY"):
        unnamed.key("keys")


def test_a_part_of_sums_is_asked_for_in_whole_periods() -> None:
    rows = {name: "2024-01-01" if name == "production_period" else "7" for name in KEY}
    for mode, first in (("sum", "2024-02-01"), ("one", "2024-02-10")):
        survey = Survey(fields=[*KEY, OIL], values=rows)
        fields = SourceFields(survey=survey, settings=replace(SETTINGS, source_rows=mode))
        assert first in fields.part_filter({"from": "2024-02-10"})
