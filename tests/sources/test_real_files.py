"""Parts of the real files, through their presets: row by row they add up to what was computed
apart.

They lie beside the checkout, in ../shared/data; without them the tests are skipped.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from support.plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER
from support.preset_imports import Imported, PresetWorker

DATA = Path(__file__).parents[3] / "shared" / "data"
BARRELS_A_CUBIC_METRE = 6.289810770432105
CUBIC_FEET_A_CUBIC_METRE = 35.31466672148859


class Volumes:
    """Of an import:
    sums over the periods, not by day, in thousand barrels and million cubic feet.
    """

    def __init__(self, imported: Imported) -> None:
        self._imported = imported

    @cached_property
    def wells(self) -> set[str]:
        return {well for _, well, _ in self._imported.rows}

    @cached_property
    def fields(self) -> set[str]:
        return {field for field, _, _ in self._imported.rows}

    @cached_property
    def periods(self) -> list[str]:
        return sorted({period for _, _, period in self._imported.rows})

    def of(self, column: str, *, field: str | None = None) -> float:
        days = self._imported.period_days
        return sum(
            (row[column] or 0) * days[key]
            for key, row in self._imported.rows.items()
            if field in (None, key[0])
        )


@pytest.fixture
def data(
    request: pytest.FixtureRequest, environment: dict[str, str], dynamodb: Any
) -> tuple[Imported, Volumes]:
    preset, name = request.param
    if not (DATA / name).is_file():
        pytest.skip(f"there is no {name} in {DATA}: real data is not part of the project")
    imported = PresetWorker(environment, dynamodb).import_file(preset, DATA / name)
    return imported, Volumes(imported)


@pytest.mark.parametrize("data", [("bsee-ogor-a", "bsee_ogora_2024_part.zip")], indirect=True)
def test_completions_of_the_outer_continental_shelf_are_summed_by_well(
    data: tuple[Imported, Volumes],
) -> None:
    imported, volumes = data
    assert imported.counts == (6_000, 0, 0)
    assert (len(imported.rows), len(volumes.fields), volumes.periods) == (
        5_623,
        302,
        ["2024-01-01"],
    )
    assert volumes.of(LIQUIDS) == pytest.approx(51_705.564, rel=1e-9)
    assert volumes.of(OIL) == pytest.approx(50_325.260, rel=1e-9)
    assert volumes.of(GAS) == pytest.approx(57_746.419, rel=1e-9)
    assert volumes.of(WATER) == pytest.approx(32_910.732, rel=1e-9)
    largest = max(volumes.fields, key=lambda field: volumes.of(LIQUIDS, field=field))
    assert largest == "MC807"
    assert volumes.of(LIQUIDS, field=largest) == pytest.approx(5_287.162, rel=1e-9)


@pytest.mark.parametrize("data", [("ecmc", "co_ecmc_adams_part.csv")], indirect=True)
def test_wells_of_colorado_have_their_api_number(data: tuple[Imported, Volumes]) -> None:
    imported, volumes = data
    assert imported.counts == (593, 0, 0)
    assert volumes.wells == {"05-001-07727", "05-123-08053", "05-123-09456"}
    assert (len(imported.rows), volumes.periods[0], volumes.periods[-1]) == (
        593,
        "1999-01-01",
        "2021-09-01",
    )
    assert volumes.of(OIL) == pytest.approx(1.822, rel=1e-9)
    assert volumes.of(GAS) == pytest.approx(139.416, rel=1e-9)
    assert volumes.of(WATER) == pytest.approx(2.927, rel=1e-9)


@pytest.mark.parametrize("data", [("oh-dnr", "oh_dnr_2020_q1.xls")], indirect=True)
def test_owners_within_a_quarter_of_ohio_are_summed_with_their_days(
    data: tuple[Imported, Volumes],
) -> None:
    imported, volumes = data
    assert imported.counts == (10_627, 0, 0)
    assert (len(imported.rows), len(volumes.wells)) == (10_619, 2_723)
    assert volumes.periods == ["2020-01-01", "2020-04-01", "2020-07-01", "2020-10-01"]
    assert volumes.of(OIL) == pytest.approx(21_407.810, rel=1e-9)
    assert volumes.of(GAS) == pytest.approx(2_326_528.017, rel=1e-9)
    assert volumes.of(WATER) == pytest.approx(29_712.686, rel=1e-9)
    changed_hands = [
        row[DAYS]
        for key, row in imported.rows.items()
        if key[1:] == ("34067212350100", "2020-01-01")
    ]
    assert changed_hands == [31 + 60]


@pytest.mark.parametrize(
    "data", [("petrinex", "ab_petrinex_2021-2024_part.parquet")], indirect=True
)
def test_products_of_a_well_of_alberta_are_one_row(data: tuple[Imported, Volumes]) -> None:
    imported, volumes = data
    assert imported.counts == (51_367, 51_367 - 18_482, 0)
    assert (len(imported.rows), len(volumes.wells)) == (9_230, 269)
    assert volumes.of(GAS) == pytest.approx(8_401_704.4 * CUBIC_FEET_A_CUBIC_METRE / 1000, rel=1e-9)
    assert volumes.of(WATER) == pytest.approx(1_565_505.3 * BARRELS_A_CUBIC_METRE / 1000, rel=1e-9)
    assert volumes.of(OIL) == pytest.approx(28_186.8 * BARRELS_A_CUBIC_METRE / 1000, rel=1e-9)
    assert volumes.of(LIQUIDS) == pytest.approx(
        (28_186.8 + 45_555.3) * BARRELS_A_CUBIC_METRE / 1000, rel=1e-9
    )


@pytest.mark.parametrize("data", [("sodir", "no_sodir_field_months_part.csv")], indirect=True)
def test_fields_of_norway_come_without_wells(data: tuple[Imported, Volumes]) -> None:
    imported, volumes = data
    assert imported.counts == (3_000, 0, 0)
    assert (len(imported.rows), len(volumes.fields), volumes.wells) == (3_000, 20, {"*"})
    assert (volumes.periods[0][:4], volumes.periods[-1][:4]) == ("1977", "2025")
    thousand_barrels = 1000 * BARRELS_A_CUBIC_METRE  # of a million m³
    assert volumes.of(OIL) == pytest.approx(369.54411 * thousand_barrels, rel=1e-9)
    assert volumes.of(LIQUIDS) == pytest.approx((369.54411 + 0.046) * thousand_barrels, rel=1e-9)
    assert volumes.of(WATER) == pytest.approx(620.27395 * thousand_barrels, rel=1e-9)
    assert volumes.of(GAS) == pytest.approx(58.68356 * 1000 * CUBIC_FEET_A_CUBIC_METRE, rel=1e-9)
