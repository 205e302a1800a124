"""What fills which column, why a row is rejected, and what is odd in one."""

from __future__ import annotations

import calendar
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.staging import (
    KEY_OF_A_ROW,
    NOON,
    NOTHING,
    SAME_READING,
    batch_of,
    facts,
    json_row,
    published,
    run_import,
    stage,
)

from chalicelib.errors import SourceColumns
from chalicelib.files.json_lines import NdjsonFile
from chalicelib.sources.mapping import map_columns
from chalicelib.store.columns import COLUMNS, REJECTION_REASONS, WARNING_RULES
from chalicelib.store.repository import DuckDBWellProductionRepository
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.files.json_lines import Key

KEY_AND_OIL = ["field_code", "well_code", "production_period", "oil_production_kbd"]

# ------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "style",
    [
        str,
        lambda name: f"_{name}",
        lambda name: name.title().replace("_", ""),
        lambda name: name.upper(),
        lambda name: name.replace("_", "-"),
        lambda name: name.replace("_", " ").capitalize(),
    ],
)
def test_a_source_in_one_style_needs_no_settings(style: Any) -> None:
    fields = [style(column.name) for column in COLUMNS]

    assert map_columns([*fields, "Operator"], {}) == {
        column.name: field for column, field in zip(COLUMNS, fields, strict=True)
    }


def test_overrides_name_a_field_exactly_and_one_field_may_fill_two_columns() -> None:
    fields = ["Area", "ApiNumber", "WellCode", "ProductionPeriod", "gas_production_mmcfd"]

    mapping = map_columns(
        fields,
        {
            "field_code": "Area",
            "well_code": "ApiNumber",
            "well_name": "ApiNumber",
            "well_reference": "WellCode",
        },
    )

    assert mapping == {
        "field_code": "Area",
        "well_code": "ApiNumber",
        "well_reference": "WellCode",
        "well_name": "ApiNumber",
        "production_period": "ProductionPeriod",
        "gas_production_mmcfd": "gas_production_mmcfd",
    }


def test_the_field_written_as_the_column_wins_over_its_likes() -> None:
    assert map_columns([*KEY_AND_OIL, "WellCode", "_well_code"], {})["well_code"] == "well_code"


@pytest.mark.parametrize(
    ("fields", "overrides", "says"),
    [
        (["well_code", "oil_production_kbd"], {}, "no field for field_code, production_period"),
        (KEY_AND_OIL[:3], {}, "no field for any of oil_production_kbd, gas_production_mmcfd"),
        ([], {}, "It has: none."),
        (
            [*KEY_AND_OIL, "WellName", "_well_name"],
            {},
            "several fields for well_name: WellName, _well_name",
        ),
        (KEY_AND_OIL, {"well_name": "Name"}, "names what is not there: Name"),
        (KEY_AND_OIL, {"wellname": "field_code"}, "names what is not there: wellname"),
        ([*(f"f{i}" * 50 for i in range(40))], {}, "and 10 more"),
    ],
)
def test_missing_and_ambiguous_fields_are_named(
    fields: list[str], overrides: dict[str, str], says: str
) -> None:
    with pytest.raises(SourceColumns) as refused:
        map_columns(fields, overrides)

    assert says in refused.value.message
    assert len(refused.value.message) < 2_500


# -------------------------------------------------------------------------------------------- reasons


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DuckDBWellProductionRepository]:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=200)
    yield repository
    repository.close()


REASONS = {
    "MISSING_KEY": (b'{"field_code":1,"production_period":"2024-01-01"}', "MISSING_KEY well_code"),
    "NOT_A_WHOLE_NUMBER": (json_row(field_code=1.5), "NOT_A_WHOLE_NUMBER field_code"),
    "NOT_A_NUMBER": (json_row(days_on_production="NaN"), "NOT_A_NUMBER days_on_production"),
    "NOT_A_DATE": (json_row(production_period="2024-02-30"), "NOT_A_DATE production_period"),
    "NOT_TEXT": (json_row(field_name=["A"]), "NOT_TEXT field_name"),
    "OUT_OF_RANGE": (json_row(days_on_production=400.5), "OUT_OF_RANGE days_on_production"),
    "TOO_LONG": (json_row(well_code="7" * 101), "TOO_LONG well_code"),
    "UNREADABLE": (b'{"field_code":1,"field_code":2}', "UNREADABLE row"),
}


# Told by rows of other kinds: in test_settle.py, and in sources/test_expressions.py.
BESIDE_OTHERS = {
    "SAME_KEY_OTHER_VALUES",
    "PART_REJECTED",
    "WITHOUT_DAYS",
}


def test_every_reason_has_its_row() -> None:
    assert {*REASONS, *BESIDE_OTHERS} == set(REJECTION_REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_a_rejected_row_keeps_its_reason_place_and_text(
    repository: DuckDBWellProductionRepository, tmp_path: Path, reason: str
) -> None:
    raw, problem = REASONS[reason]
    good = json_row(well_name="A")

    staged = stage(repository, tmp_path, [good], [good, good, raw, good], first=11)

    [rejected] = [row for row in staged if row["problem"]]
    place = {"problem": problem, "page": 12, "position": 2, "raw": raw.decode()}
    assert {name: rejected[name] for name in place} == place
    accepted = NOTHING | KEY_OF_A_ROW | {"production_period": date(2024, 1, 1), "well_name": "A"}
    assert [row for row in staged if not row["problem"]] == [accepted] * 4


# ------------------------------------------------------------------------------------------- warnings


@pytest.mark.parametrize(
    ("rule", "odd", "even"),
    [
        ("NEGATIVE_VOLUME", {"water_production_kbd": -0.001}, {"water_production_kbd": 0}),
        ("DAYS_BEYOND_PERIOD", {"days_on_production": 31.06}, {"days_on_production": 31.04}),
        ("FUTURE_PERIOD", {"production_period": "2024-02-01"}, {"production_period": "2024-01-31"}),
        (
            "LIQUIDS_BELOW_OIL",
            {"liquids_production_kbd": 1, "oil_production_kbd": 1.1},
            {"liquids_production_kbd": 1, "oil_production_kbd": 1},
        ),
        (
            "WELL_WITH_TWO_NAMES",
            {"field_code": "9", "well_name": "B"},
            {"field_code": "9", "well_name": "A"},
        ),
    ],
)
def test_what_is_odd_is_kept_and_counted(
    tmp_path: Path, rule: str, odd: dict[str, Any], even: dict[str, Any]
) -> None:
    assert calendar.timegm((2024, 1, 1, 12, 0, 0)) == NOON
    for name, fields, warnings in (("odd", odd, {rule: 1}), ("even", even, {})):
        repository = DuckDBWellProductionRepository(directory=tmp_path / name, memory_mb=200)
        rows = [
            json_row(well_name="A", production_period="2023-12-01"),
            json_row(**{"well_name": "A"} | fields),
        ]
        repository.stage(batch_of(tmp_path, rows), SAME_READING)

        result = repository.merge(tmp_path / f"{name}.duckdb", facts(), now=NOON, warnings={})

        repository.close()
        assert (result.warnings, result.new_records) == (warnings, 2)


class ShrinkingRows:
    """Announces one row more than it has."""

    ordered = True

    def __len__(self) -> int:
        return 3

    def key(self, position: int) -> Key:
        return 1, 2, f"2024-01-0{position + 1}"

    def page(self, skip: int, top: int) -> list[bytes]:
        rows = [
            json_row(production_period=f"2024-01-0{day}", oil_production_kbd=1) for day in (1, 2)
        ]
        return rows[skip : skip + top]


def test_a_source_that_delivers_less_than_announced_is_not_published(
    environment: dict[str, str],
) -> None:
    with SampleSource(ShrinkingRows()) as source:
        job = run_import(environment, source.url)

    assert job.error is not None
    assert (job.status, job.error["code"], job.expected_records) == ("FAILED", "HELD", 3)


def test_fields_that_no_column_takes_are_counted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(
        json_row(oil_production_kbd=1, operator="X", basin="Y", created_at="2024-01-01T00:00:00Z")
    )

    with NdjsonFile(path) as rows, SampleSource(rows) as source:
        job = run_import(environment, source.url)

    assert job.warnings == [
        {"rule": "UNKNOWN_FIELDS", "count": 2, "message": WARNING_RULES["UNKNOWN_FIELDS"]}
    ]
    assert published(environment).exists()
