"""What docs/sources.md says of definitions:
its examples import what it says, and every key is there.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support.documents import PROJECT
from support.excel import workbook
from support.preset_imports import PresetWorker
from support.staging import as_dicts, batch_of

from chalicelib.settings import Settings
from chalicelib.sources.column_rules import _OF_DAYS, _OF_PERIOD, _OF_VOLUMES
from chalicelib.sources.definition import TOP, definition_of
from chalicelib.sources.definition_keys import GATE, ODATA
from chalicelib.sources.expressions import reading_of
from chalicelib.sources.file_form import _KEYS
from chalicelib.sources.overlay import settings_of
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
EXAMPLES = {block["name"]: block for block in BLOCKS if "name" in block}
PARTS = [
    block for block in BLOCKS if "name" not in block
]  # a few lines of a definition, under their heading
BARRELS = 6.289810770432105  # a cubic metre
CUBIC_FEET = 35.31466672148859


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_no_fault(name: str) -> None:
    assert definition_of(EXAMPLES[name]).name == name


@pytest.mark.parametrize("lines", PARTS, ids=lambda lines: next(iter(lines)))
def test_a_few_lines_fit_into_any_definition(lines: dict[str, Any]) -> None:
    for whole in EXAMPLES.values():
        definition_of(whole | lines)


def test_every_key_is_explained() -> None:
    keys = {*TOP, *GATE, *ODATA, *_KEYS, *_OF_VOLUMES, *_OF_DAYS, *_OF_PERIOD} - {
        "columns",
        "file",
        "fields",
    }
    told = set(re.findall(r"`\[?([a-z_]+)\]?`", PAGE)) | set(re.findall(r"\{ ([a-z_]+) =", PAGE))

    assert sorted(keys - told) == []


def test_the_service_in_cubic_metres(tmp_path: Path, environment: dict[str, str]) -> None:
    told = settings_of(definition_of(EXAMPLES["north"]), Settings.from_environment(environment))
    row = (
        b'{"FieldNo": 7, "FieldName": "Ost", "WellBore": "7/1-A", "Month": "2023-12-31T23:00:00Z",'
        b' "HoursOnStream": 372, "OilVolume": 3100, "CondensateVolume": null, "GasVolume": 310.0,'
        b' "WaterVolume": "12.5"}'
    )
    repository = DuckDBWellProductionRepository(
        directory=tmp_path / "scratch",
        memory_mb=300,
        source=RowSource(name="north", period=Period.MONTH),
    )
    segment = repository.stage(batch_of(tmp_path, [row]), reading_of(told, []))
    [stored] = as_dicts(
        repository._connection.execute("SELECT * FROM read_parquet(?)", [str(segment)])
    )
    repository.close()

    assert stored["problem"] is None
    assert (stored["well_code"], str(stored["production_period"])) == ("7/1-A", "2024-01-01")
    assert stored["days_on_production"] == 15.5
    assert stored["oil_production_kbd"] == pytest.approx(3100 * BARRELS / 1000 / 31, rel=1e-12)
    assert stored["liquids_production_kbd"] == stored["oil_production_kbd"]
    assert stored["gas_production_mmcfd"] == pytest.approx(
        310 * 1000 * CUBIC_FEET / 1e6 / 31, rel=1e-12
    )


def test_the_zip_of_csv_files(tmp_path: Path, environment: dict[str, str], dynamodb: Any) -> None:
    lines = [
        "L1,C1,202401,31,O,310,620,31,170000000001,MC807,S01",
        "L1,C2,202401,20,G,31,3100,0,170000000001,MC807,S02",
        "L1,C2,202401,20,G,31,3100,0,170000000001,MC807,S02",  # once more
        "L2,C1,202401,31,W,0,0,999,170000000002,MC807,S01",  # a product that is not meant
    ]
    with zipfile.ZipFile(tmp_path / "2024.zip", "w") as archive:
        archive.writestr("ogora.txt", "\n".join(lines) + "\n")
    imported = PresetWorker(environment, dynamodb).import_as(
        {**EXAMPLES["gulf"], "url": str(tmp_path / "*.zip")}
    )

    assert imported.counts == (4, 1, 0)
    [(key, row)] = imported.rows.items()
    assert key == ("MC807", "170000000001", "2024-01-01")
    assert row["oil_production_kbd"] == pytest.approx(0.01)
    assert row["liquids_production_kbd"] == pytest.approx(341 / 1000 / 31)
    assert row["gas_production_mmcfd"] == pytest.approx(0.12)
    assert row["days_on_production"] == 31


def test_the_sheet_by_quarter(tmp_path: Path, environment: dict[str, str], dynamodb: Any) -> None:
    header = ["County", "Permit", "Owner", "Year", "Quarter", "Days", "Oil (bbl)", "Gas (Mcf)"]
    rows = [[59, 27077, "A", 2020, 2, 31, 91, 0], [59, 27077, "B", 2020, 2, 60, 0, 182]]
    workbook(tmp_path / "quarters.xlsx", {"Production": [header, *rows]})
    values = {**EXAMPLES["state"], "url": str(tmp_path / "quarters.xlsx")}
    imported = PresetWorker(environment, dynamodb).import_as(values)

    [(key, row)] = imported.rows.items()
    assert key == ("state", "34-059-27077", "2020-04-01")
    assert (row["days_on_production"], imported.period_days[key]) == (91, 91)
    assert row["oil_production_kbd"] == pytest.approx(0.001)
    assert row["gas_production_mmcfd"] == pytest.approx(0.002)
