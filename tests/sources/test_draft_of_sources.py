"""Drafts of files of many publishers, as who knows the source would write its definition."""

from __future__ import annotations

import csv
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.drafts import SAMPLES, asked, case_look, drafted, of_cells, sample_look, values
from support.plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER
from support.preset_imports import PresetWorker

from chalicelib.sources.definition import read_definition
from chalicelib.sources.draft import Look, draft
from chalicelib.sources.presets import preset_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# -- cases that lie beside the checkout ---------------------------------------------------------


def test_identifiers_of_many_forms_stay_as_they_are() -> None:
    found = drafted(case_look("15"))

    assert values(found)["columns"]["well_code"] == "well_code"
    assert values(found)["columns"][OIL] == {"field": OIL, "unit": "Mbbl/d"}
    assert asked(found) == {}


def test_periods_of_many_forms_say_which_are_not_read() -> None:
    found = drafted(case_look("16"))

    assert values(found)["columns"]["production_period"] == "production_period"
    assert (
        "82% of them are read as they are, not such as 1/31/2019, 2019: name a format" in found.text
    )


def test_monthly_volumes_taken_for_rates_are_asked_for() -> None:
    found = drafted(case_look("17"))

    assert values(found)["columns"][DAYS] == {"field": DAYS, "unit": "h"}
    assert list(asked(found)) == [f"columns.{OIL}", f"columns.{LIQUIDS}", f"columns.{GAS}"]
    assert asked(found)[f"columns.{OIL}"] == (
        "the name says kbd, but 3,100 would be 3,100 kbd, beyond a well: bbl or m3 a month?"
    )


def test_a_local_midnight_in_utc_suggests_its_zone() -> None:
    found = drafted(case_look("19"))

    assert '# timezone = "Europe/Oslo"' in found.text
    assert "moments such as 2023-12-31T23:00:00Z are midnights there" in found.text
    assert values(found)["period"] == "month"


@pytest.mark.parametrize(
    ("moments", "zone"),
    [
        (["2023-12-31T23:00:00Z", "2024-06-30T22:00:00Z"], "Europe/Oslo"),
        (["2024-01-01T06:00:00Z", "2024-07-01T05:00:00Z"], "America/Chicago"),
        (["2024-01-01T07:00:00Z", "2024-07-01T06:00:00Z"], "America/Denver"),
        (["2024-01-01T03:00:00Z", "2024-07-01T03:00:00Z"], "America/Argentina/Buenos_Aires"),
        (["2024-01-01T00:00:00Z", "2024-06-30T23:00:00Z"], "Europe/London"),
    ],
)
def test_the_zone_is_that_whose_midnights_all_moments_are(moments: list[str], zone: str) -> None:
    found = drafted("Well;Date;Oil (bbl)\n" + "".join(f"1;{moment};5\n" for moment in moments))

    assert {guess.key: guess.value for guess in found.guesses if guess.key == "timezone"} == {
        "timezone": zone
    }


# -- samples of the presets ---------------------------------------------------------------------

SAMPLE = {
    path.stem: path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".csv", ".txt", ".dsv")
}
VOLUMES = {OIL, LIQUIDS, GAS, WATER}
# What nobody can know without the publisher's page: units that neither a name nor an identifier
# tells, and a state.
UNKNOWN = {"nlog": VOLUMES, "nmocd": {"well_code"}}


def preset_of(sample: str) -> str:
    """Samples of other vintages have a year behind the name."""
    return max((name for name in preset_names() if sample.startswith(name)), key=len)


@pytest.mark.parametrize("sample", SAMPLE)
def test_a_sample_is_known_by_its_preset(sample: str) -> None:
    preset = preset_of(sample)
    found = draft(sample_look(preset, SAMPLE[sample]), name="wells", kind="files", url="wells.csv")

    assert values(found) == {"preset": preset}


@pytest.mark.parametrize("sample", SAMPLE)
def test_without_its_preset_a_sample_is_drafted_with_the_same_fields_and_units(sample: str) -> None:
    preset = preset_of(sample)
    seen = sample_look(preset, SAMPLE[sample])

    assert told(drafted(seen).text, seen, preset) == told(f'preset = "{preset}"', seen, preset)


def told(text: str, seen: Look, preset: str) -> dict[str, tuple[set[str], object]]:
    """Of well, period, days and volumes:
    the fields that are there, and the exact factor of the unit.
    """
    rules = read_definition(text).columns
    names = {"well_code", "production_period", DAYS, *VOLUMES} - UNKNOWN.get(preset, set())
    made = {"Month", "Volume"}
    return {
        name: (
            {*rule.sources} & {*seen.fields, *made},
            rule.unit and (rule.unit.factor, rule.unit.rate),
        )
        for name, rule in rules.items()
        if name in names
    }


# -- real data ----------------------------------------------------------------------------------

DATA = Path(__file__).parents[3] / "shared" / "data"
BSEE = (
    "LEASE_NUMBER COMPLETION_NAME PRODUCTION_DATE DAYS_ON_PROD PRODUCT_CODE MON_O_PROD_VOL MON_G_PROD_VOL "
    "MON_W_PROD_VOL API_WELL_NUMBER WELL_STAT_CD AREA_CODE_BLOCK OPERATOR_NUM SORT_NAME BOEM_FIELD INJECTION_VOLUME "
    "PROD_INTERVAL_CD FIRST_PROD_DATE UNIT_AGT_NUMBER UNIT_ALOC_SUFFIX"
)


def real(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"there is no {name} in {DATA}: real data is not part of the project")
    return DATA / name


def colorado() -> Look:
    header, *rows = csv.reader(
        real("co_ecmc_adams_part.csv").read_text(encoding="utf-8-sig").splitlines()
    )
    return of_cells(header, rows)


def norway() -> Look:
    header, *rows = csv.reader(
        real("no_sodir_field_months_part.csv").read_text(encoding="utf-8-sig").splitlines()
    )
    return of_cells(header, rows)


def gulf(names: Iterable[str] = tuple(BSEE.split())) -> Look:
    with zipfile.ZipFile(real("bsee_ogora_2024_part.zip")) as archive:
        text = archive.read("ogora2024delimit.txt").decode()
    return of_cells(names, csv.reader(text.splitlines()))


def alberta() -> Look:
    path = real("ab_petrinex_2021-2024_part.parquet")
    with duckdb.connect() as connection:
        cells = connection.read_parquet(str(path)).limit(8_000)
        kinds = {
            name: "text" if kind == "VARCHAR" else "number"
            for name, kind in zip(cells.columns, map(str, cells.types), strict=True)
        }
        rows = cells.fetchall()
    texts = [
        {name: None if cell is None else str(cell) for name, cell in zip(kinds, row, strict=True)}
        for row in rows
    ]
    return Look(fields=tuple(kinds), rows=texts, kinds=kinds)


def ohio() -> Look:
    calamine = pytest.importorskip("python_calamine")
    book = calamine.CalamineWorkbook.from_path(str(real("oh_dnr_2020_q1.xls")))
    header, *rows = book.get_sheet_by_index(0).to_python()
    return of_cells(header, [[as_text(cell) for cell in row] for row in rows])


def as_text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def test_colorado_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(colorado())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["API Sidetrack", "Formation"],
        "columns": {
            "well_code": {"template": "05-{API County:03}-{API Sequence:05}"},
            "production_period": "First of Month",
            DAYS: {"field": "Days Produced", "unit": "day"},
            OIL: {"field": "Oil Produced", "unit": "bbl"},
            LIQUIDS: {"field": "Oil Produced", "unit": "bbl"},
            GAS: {"field": "Gas Produced", "unit": "Mcf"},
            WATER: {"field": "Water Volume", "unit": "bbl"},
        },
    }


def test_norway_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(norway())) == {
        "period": "month",
        "rows": "one",
        "columns": {
            "field_code": "prfNpdidInformationCarrier",
            "field_name": "prfInformationCarrier",
            "well_code": {"value": "*"},
            "production_period": {"year": "prfYear", "month": "prfMonth"},
            OIL: {"field": "prfPrdOilNetMillSm3", "unit": "e6m3"},
            LIQUIDS: {"sum": ["prfPrdOilNetMillSm3", "prfPrdCondensateNetMillSm3"], "unit": "e6m3"},
            GAS: {"field": "prfPrdGasNetBillSm3", "unit": "e9m3"},
            WATER: {"field": "prfPrdProducedWaterInFieldMillSm3", "unit": "e6m3"},
        },
    }


def test_the_gulf_is_drafted_as_who_knows_it_would_write_it() -> None:
    """But for oil alone, which a code beside the volumes tells."""
    assert values(drafted(gulf())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["COMPLETION_NAME", "PRODUCT_CODE", "PROD_INTERVAL_CD"],
        "columns": {
            "field_code": "BOEM_FIELD",
            "well_code": "API_WELL_NUMBER",
            "production_period": {"field": "PRODUCTION_DATE", "format": "%Y%m"},
            DAYS: {"field": "DAYS_ON_PROD", "unit": "day"},
            OIL: {"field": "MON_O_PROD_VOL", "unit": "bbl"},
            LIQUIDS: {"field": "MON_O_PROD_VOL", "unit": "bbl"},
            GAS: {"field": "MON_G_PROD_VOL", "unit": "Mcf"},
            WATER: {"field": "MON_W_PROD_VOL", "unit": "bbl"},
        },
    }


def test_alberta_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(alberta())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["ProductID"],
        "where": {"ActivityID": ["PROD"]},
        "columns": {
            "well_code": "FromToID",
            "well_reference": "FromToIDIdentifier",
            "production_period": {"field": "ProductionMonth", "format": "%Y-%m"},
            DAYS: {"field": "Hours", "unit": "h"},
            OIL: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["OIL"]}},
            LIQUIDS: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["OIL", "COND"]}},
            GAS: {"field": "Volume", "unit": "e3m3", "when": {"ProductID": ["GAS"]}},
            WATER: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["WATER"]}},
        },
    }


def test_ohio_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(ohio())) == {
        "period": "quarter",
        "rows": "sum",
        "primary_key": ["OWNER NAME"],
        "columns": {
            "well_code": "API WELL NUMBER",
            "well_name": "WELL NAME",
            "well_reference": "WELL NUMBER",
            "production_period": {"year": "Production Year", "quarter": "QUARTER 1,2,3,4"},
            DAYS: {"field": "DAYS", "unit": "day", "aggregate": "sum"},
            OIL: {"field": "OIL", "unit": "bbl"},
            LIQUIDS: {"field": "OIL", "unit": "bbl"},
            GAS: {"field": "GAS", "unit": "Mcf"},
            WATER: {"field": "BRINE", "unit": "bbl"},
        },
    }


@pytest.mark.parametrize(
    ("seen", "preset"),
    [
        (colorado, "ecmc"),
        (norway, "sodir"),
        (gulf, "bsee-ogor-a"),
        (alberta, "petrinex"),
        (ohio, "oh-dnr"),
    ],
)
def test_real_files_are_known_by_their_presets(seen: Callable[[], Look], preset: str) -> None:
    found = draft(seen(), name="wells", kind="files", url="wells.csv")

    assert values(found) == {"preset": preset}
    assert read_definition(found.text).columns


def test_the_gulf_is_known_without_a_header_too() -> None:
    found = draft(
        gulf(f"column{place}" for place in range(19)), name="wells", kind="files", url="wells.zip"
    )

    assert values(found) == {"preset": "bsee-ogor-a"}


@pytest.mark.parametrize(
    ("seen", "preset", "file"),
    [
        (colorado, "ecmc", "co_ecmc_adams_part.csv"),
        (alberta, "petrinex", "ab_petrinex_2021-2024_part.parquet"),
    ],
)
def test_a_draft_imports_what_the_preset_imports(
    seen: Callable[[], Look], preset: str, file: str, environment: dict[str, str], dynamodb: Any
) -> None:
    text = drafted(seen()).text
    worker = PresetWorker(environment, dynamodb)
    by_preset = worker.import_file(preset, real(file))
    by_draft = worker.import_as(tomllib.loads(text) | {"name": preset, "url": str(real(file))})

    assert by_draft.counts == by_preset.counts
    assert by_draft.rows == by_preset.rows
    assert (by_draft.job.new_records, by_draft.job.updated_records) == (0, 0)
