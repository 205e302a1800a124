"""A page of each list, and lists as CSV."""

from __future__ import annotations

from typing import Any

from chalicelib.queries.changed import OF_A_CHANGE
from chalicelib.queries.cursor import Cursor, write_cursor
from chalicelib.store.columns import PROVENANCE, SHOWN
from infra.openapi.errors import OTHER_ID, SNAPSHOT

from .facts import NAMED, success


def _page(message: str, *rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    page = {
        "rows": list(rows),
        "next_cursor": cursor,
        "snapshot": NAMED,
    }
    return success(page, message)


def _cursor(of: str, **key: int | str) -> str:
    cursor = Cursor(key=key, snapshot=SNAPSHOT)
    return write_cursor(cursor, of=of)


_WELL = {
    "source": "default",
    "field_code": "1001",
    "field_name": "Ruskengate",
    "well_code": "770010000200",
    "well_reference": "77-001-00002-00",
    "well_name": "Ruskengate B-02",
}

_RATES = {
    "oil_production_kbd": 0.027957,
    "gas_production_mmcfd": 0.038926,
    "liquids_production_kbd": 0.028462,
    "water_production_kbd": 0.024917,
}

# Of three wells, which all tell all products.
_SUMS = {
    "oil_production_kbd": 0.605189,
    "gas_production_mmcfd": 1.571818,
    "liquids_production_kbd": 0.628578,
    "water_production_kbd": 0.731942,
    "cut_water_kbd": 0.731942,
    "cut_liquids_kbd": 0.628578,
    "ratio_gas_mmcfd": 1.571818,
    "ratio_oil_kbd": 0.605189,
    "oil_producing_kbd": 0.618211,
    "gas_producing_mmcfd": 1.60774,
    "liquids_producing_kbd": 0.642103,
    "water_producing_kbd": 0.747692,
}

_VALUES = {
    **dict.fromkeys(name for name in SHOWN if name not in PROVENANCE),
    **_WELL,
    "production_period": "2024-01-01",
    "period_days": 31,
    "source_rows": 1,
    "days_on_production": 31.0,
    **_RATES,
}

MADE_AT = "2026-11-23T04:24:39.511Z"

_PRODUCTION = {
    **dict.fromkeys(SHOWN),
    **_VALUES,
    "data_source": "SAMPLE MONTHLY REPORTS",
    "source_data": "Orrin Vale Energy|revision=0",
    "partition_0": "2024",
    "created_at": MADE_AT,
    "updated_at": MADE_AT,
}

_BEFORE = {name: _PRODUCTION[name] for name in OF_A_CHANGE}

_OF_A_WELL = {
    name: _WELL[name] for name in ("source", "field_code", "field_name", "well_code", "well_name")
}

# As a search for "north" finds it.
_NORTH = {
    "source": "default",
    "field_code": "1008",
    "field_name": "Orledfjell North",
}

_REGISTERED = {
    "source": "default",
    "field_code": "1044",
    "field_name": "Kessinmoor North",
    "well_code": "770440000100",
    "well_reference": "77-044-00001-00",
    "well_name": "Kessinmoor North A-01",
    "first_period": "2014-02-01",
    "last_period": "2024-12-01",
    "periods": 126,
    "oil_production_kbd": 0.150048,
    "gas_production_mmcfd": 0.568365,
    "water_production_kbd": 0.380541,
    "oil_production_kb": 1593.796344,
    "gas_production_mmcf": 4987.628796,
    "water_production_kb": 1094.955991,
    "water_cut": 0.7149505318809158,
    "gas_oil_ratio": 3787.887875879719,
    "uptime": 1.0,
}

_MORE = "1 row. Ask for the following ones with next_cursor."

PAGES = {
    "production": _page(
        _MORE,
        _PRODUCTION,
        cursor=_cursor(
            "production",
            source="default",
            field_code="1001",
            well_code="770010000200",
            production_period="2024-01-01",
        ),
    ),
    "revisions": _page(
        "1 row.",
        {
            **_VALUES,
            "production_period": "2024-03-01",
            "days_on_production": 3.0,
            "oil_production_kbd": 0.002564,
            "gas_production_mmcfd": 0.003575,
            "liquids_production_kbd": 0.00261,
            "water_production_kbd": 0.001967,
            "replaced_at": "2026-11-23T06:16:45.116Z",
            "job_id": OTHER_ID,
        },
    ),
    "totals": _page(
        _MORE,
        {
            "source": "default",
            "production_period": "2024-01-01",
            "period_days": 31,
            "wells": 3,
            **_SUMS,
        },
        cursor=_cursor("totals", source="default", production_period="2024-01-01", period_days=31),
    ),
    "wells": _page(
        _MORE,
        {
            **_NORTH,
            "well_code": "770080000100",
            "well_reference": "77-008-00001-00",
            "well_name": "Orledfjell North A-01",
            "first_period": "2007-07-01",
            "last_period": "2020-04-01",
            "periods": 154,
        },
        cursor=_cursor("wells", source="default", field_code="1008", well_code="770080000100"),
    ),
    "register": success(
        {
            "rows": [_REGISTERED],
            "next_cursor": None,
            "found": {"wells": 1, "fields": 0},
            "total": {"wells": 478, "fields": 84},
            "sources": [{"source": "default", "rows": 1}],
            "fields": [
                {
                    "source": "default",
                    "field_code": "1044",
                    "field_name": "Kessinmoor North",
                    "rows": 1,
                }
            ],
            "snapshot": NAMED,
        },
        "1 of 478 wells and 0 of 84 fields are found.",
    ),
    "changes": _page(
        "1 row.",
        {
            "change": "updated",
            **_OF_A_WELL,
            "production_period": "2024-01-01",
            "period_days": 31,
            "before": _BEFORE,
            "after": {**_BEFORE, "oil_production_kbd": 0.026412},
            "differs": ["oil_production_kbd"],
        },
    ),
    "fields": _page(
        _MORE,
        {
            **_NORTH,
            "wells": 7,
            "first_period": "2006-07-01",
            "last_period": "2024-12-01",
            "well_periods": 968,
        },
        cursor=_cursor("fields", source="default", field_code="1008"),
    ),
    "rejects": _page(
        "1 row.",
        {
            "page": 1,
            "position": 900,
            "reason": "MISSING_KEY",
            "detail": "well_code: field, well and period identify a row",
            "raw": '{"field_code": 1002, "well_code": null}',
            "rejected_at": MADE_AT,
        },
    ),
}

LIST_CSV = (
    "\ufeffsource;field_code;field_name;wells;first_period;last_period;well_periods\r\n"
    "default;1001;Ruskengate;3;2006-06-01;2024-12-01;402\r\n"
)

REJECTS_CSV = (
    "page,position,reason,detail,raw,rejected_at\r\n"
    '1,900,MISSING_KEY,well_code,"{""field_code"": 1002}",2026\r\n'
)

CHANGES_CSV = (
    "change,source,field_code,oil_production_kbd_before,oil_production_kbd_after\r\n"
    "updated,default,1001,0.5,0.6\r\n"
)
