"""A field of a file may be called whatever: also as the statements call things of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.preset_imports import PresetWorker

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    *("part", "x", "v", "type", "high"),
    *("field", "found", "position", "row", "told"),
    *("production_period", "well_code", "problem", "version", "year"),
    *("_file", "_row", "_sheet", "select", "value_of_production_period"),
)


@pytest.mark.by_lot
@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("first", range(0, len(NAMES), 5))
def test_a_field_may_have_any_name(
    first: int, turn: int, environment: dict[str, str], dynamodb: Any, tmp_path: Path
) -> None:
    names = NAMES[first : first + 5]
    well, period, oil, key, product = names[turn:] + names[:turn]
    header = f"{well},{period},{oil},{key},{product}"
    (tmp_path / "wells.csv").write_text(
        f'{header}\n007,202401,"1,310.0",k1,7\n007,202401,310.0,k2,7\n008,never,1,k3,7\n'
    )

    imported = PresetWorker(environment, dynamodb).import_as(
        {
            "name": "any",
            "kind": "files",
            "url": str(tmp_path / "wells.csv"),
            "rows": "sum",
            "primary_key": [key],
            "thousands": ",",
            "null_values": ["n/a"],
            "where": {product: {"pattern": "[0-9]"}},
            "columns": {
                "field_code": {"coalesce": [product]},
                "well_code": {"template": "05-{" + well + ":05}"},
                "production_period": {"field": period, "format": ["%Y%m", "%b-%y"]},
                "oil_production_kbd": {"sum": [oil], "unit": "bbl"},
                "water_production_kbd": {
                    "field": oil,
                    "unit": "bbl",
                    "when": {product: "7"},
                    "pattern": "(.*)",
                },
            },
        }
    )

    assert imported.counts == (3, 0, 1)
    [(found, row)] = imported.rows.items()
    assert found == ("7", "05-00007", "2024-01-01")
    assert (
        row["oil_production_kbd"] == row["water_production_kbd"] == pytest.approx(1620 / 1000 / 31)
    )
