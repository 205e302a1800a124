"""A page of each list, and lists as CSV."""

from __future__ import annotations

from typing import Any

from chalicelib.queries.changed import OF_A_CHANGE
from chalicelib.queries.cursor import Cursor, write_cursor
from chalicelib.store.columns import PROVENANCE, SHOWN
from infra.openapi.errors import JOB_ID, SNAPSHOT

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

_PAIRS = {
    "cut_water_kbd": 0.024917,
    "cut_liquids_kbd": 0.028462,
    "ratio_gas_mmcfd": 0.038926,
    "ratio_oil_kbd": 0.027957,
    **{name.replace("_production_", "_producing_"): rate for name, rate in _RATES.items()},
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

_FIGURES = {
    "first_period": "2007-07-01",
    "last_period": "2020-04-01",
    "periods": 154,
    **{name: rate for name, rate in _RATES.items() if name != "liquids_production_kbd"},
    "oil_production_kb": 2_311.5,
    "gas_production_mmcf": 5_190.25,
    "water_production_kb": 804.75,
    "water_cut": 0.4668,
    "gas_oil_ratio": 1_392.4,
    "uptime": 0.9677,
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
    "revisions": _page("1 row.", {**_VALUES, "replaced_at": MADE_AT, "job_id": JOB_ID}),
    "totals": _page(
        _MORE,
        {
            "source": "default",
            "production_period": "2024-01-01",
            "period_days": 31,
            "wells": 3,
            **_RATES,
            **_PAIRS,
        },
        cursor=_cursor("totals", source="default", production_period="2024-01-01", period_days=31),
    ),
    "wells": _page(
        "1 row.",
        {**_WELL, "first_period": "2007-07-01", "last_period": "2020-04-01", "periods": 154},
    ),
    "register": success(
        {
            "rows": [{**_WELL, **_FIGURES}],
            "next_cursor": _cursor("register wells oil_production_kbd ", place=1),
            "found": {"wells": 12, "fields": 1},
            "total": {"wells": 200_000, "fields": 5_000},
            "sources": [{"source": "default", "rows": 12}],
            "fields": [
                {
                    **{name: _WELL[name] for name in ("source", "field_code", "field_name")},
                    "rows": 12,
                }
            ],
            "snapshot": NAMED,
        },
        "12 of 200,000 wells and 1 of 5,000 fields are found.",
    ),
    "changes": _page(
        "1 row.",
        {
            "change": "updated",
            **_OF_A_WELL,
            "production_period": "2024-01-01",
            "period_days": 31,
            "before": _BEFORE,
            "after": {**_BEFORE, "oil_production_kbd": 0.6},
            "differs": ["oil_production_kbd"],
        },
    ),
    "fields": _page(
        "1 row.",
        {
            **{name: _WELL[name] for name in ("source", "field_code", "field_name")},
            "wells": 3,
            "first_period": "2006-06-01",
            "last_period": "2024-12-01",
            "well_periods": 402,
        },
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
