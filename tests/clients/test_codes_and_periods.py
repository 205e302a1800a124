"""Codes are text and periods have a length, whether the API tells so or is an older one."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.api_answers import failure, job, success
from support.program import run_at

from clients.api.client import WellheadClient
from clients.api.periods import follows, length_name, month_days, period_name
from clients.cli.plot import Point, plot

if TYPE_CHECKING:
    from pathlib import Path

    from support.scripted_source import Answer, Serve

RATES = {"gas_production_mmcfd": None, "liquids_production_kbd": 2.0, "water_production_kbd": 0.0}
NAMES = {"field_name": "Volve", "well_name": "F-12", "well_reference": None}
STARTS = st.dates(date(1950, 1, 1), date(2090, 1, 1))


def row(period: str, days: int, **more: Any) -> dict[str, Any]:
    told = {
        "source": "default",
        "field_code": "007",
        "well_code": "15/9-F-12",
        "production_period": period,
    }
    facts = {
        "period_days": days,
        "days_on_production": None,
        "oil_production_kbd": 2.0,
        "source_rows": 3,
    }
    return told | facts | RATES | NAMES | more


def older(period: str, **more: Any) -> dict[str, Any]:
    told = row(period, 0, field_code=7, well_code=770010000100, **more)
    return {
        name: value
        for name, value in told.items()
        if name not in {"source", "period_days", "source_rows"}
    }


def rows(*given: dict[str, Any]) -> Answer:
    return success({"rows": list(given), "next_cursor": None})


# -- codes ----------------------------------------------------------------------------------------------------


def test_an_older_apis_numbers_are_text_and_its_periods_months(serve: Serve) -> None:
    with WellheadClient(
        serve(rows(older("2024-02-01"), older("2023-02-01"))).root, "t"
    ) as wellhead:
        found = wellhead.production().rows

    told = {"field_code": "7", "well_code": "770010000100", "source": None, "source_rows": None}
    assert found == (
        {**older("2024-02-01"), **told, "period_days": 29},
        {**older("2023-02-01"), **told, "period_days": 28},
    )


def test_codes_and_lengths_of_a_newer_api_stay_as_they_are(serve: Serve) -> None:
    with WellheadClient(serve(rows(row("2024-02-05", 1))).root, "t") as wellhead:
        assert wellhead.production().rows == (row("2024-02-05", 1),)


def test_a_well_is_asked_for_by_its_code_as_it_is_written(serve: Serve, tmp_path: Path) -> None:
    server = serve(rows(row("2024-01-01", 31, well_code="007")))

    done = run_at(server, tmp_path, "production", "007", "--field", "0A", "--json")

    assert done.returncode == 0
    assert [asked.query["well_code"] for asked in server.asked] == ["007"]
    assert server.asked[0].query["field_code"] == "0A"
    assert json.loads(done.stdout)[0]["well_code"] == "007"


@pytest.mark.parametrize(
    "refused", [rows(), failure(400, "VALIDATION_ERROR")], ids=["nothing", "an older API"]
)
def test_what_is_no_code_is_looked_for_as_a_name(
    serve: Serve, tmp_path: Path, refused: Answer
) -> None:
    well = NAMES | {
        "field_code": "007",
        "well_code": "15/9-F-12",
        "first_period": "",
        "last_period": "",
        "periods": 1,
    }
    server = serve(refused, rows(well), rows(row("2024-01-01", 31)))

    done = run_at(server, tmp_path, "production", "f-12")

    assert (done.returncode, done.stderr) == (0, "F-12, Volve\n")
    assert [
        asked.query.get("well_code") or asked.query.get("search") for asked in server.asked
    ] == [
        "f-12",
        "f-12",
        "15/9-F-12",
    ]


def test_a_field_to_import_is_text(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(job("PENDING")))

    assert run_at(server, tmp_path, "import", "--no-wait", "--field", "007").returncode == 0
    assert server.asked[0].query == {"field_code": "007"}


# -- lengths of periods ----------------------------------------------------------------------------------------


def test_the_table_tells_length_rows_of_the_source_and_source(serve: Serve, tmp_path: Path) -> None:
    done = run_at(serve(rows(row("2024-02-01", 29))), tmp_path, "production", "15/9-F-12")

    heading, line = (text.split("\t") for text in done.stdout.splitlines())
    assert dict(zip(heading, line, strict=True)) == {
        "period": "2024-02-01", "field": "007", "days": "", "oil": "2.0", "gas": "", "liquids": "2.0", "water": "0.0",
        "period days": "29", "source rows": "3", "source": "default",
    }  # fmt: skip


def test_a_volume_is_a_rate_times_the_days_of_its_period(serve: Serve, tmp_path: Path) -> None:
    given = [
        row("2024-01-01", 1, oil_production_kbd=5.0),
        row("2024-01-02", 1, oil_production_kbd=None),
    ]
    for days, volume in [(1, "5.0"), (31, "155.0"), (91, "455.0"), (366, "1830.0")]:
        server = serve(rows(*(each | {"period_days": days} for each in given)))
        lines = run_at(server, tmp_path, "production", "15/9-F-12", "--volumes").stdout.splitlines()
        assert [line.split("\t")[3] for line in lines] == ["oil", volume, ""]


def test_volumes_are_plotted_too(serve: Serve, tmp_path: Path) -> None:
    server = serve(rows(row("2024-01-01", 366), row("2025-01-01", 365)))

    done = run_at(server, tmp_path, "production", "15/9-F-12", "--volumes", "--plot")

    lines = done.stdout.splitlines()
    assert lines[0] == "F-12: oil, thousand barrels"
    assert lines[1].split()[0] == "732"


@given(STARTS)
def test_a_period_is_followed_by_the_one_that_begins_where_it_ends(start: date) -> None:
    month = start.replace(day=1)
    after = month + timedelta(days=month_days(month))

    assert follows(start, 1, start + timedelta(days=1))
    assert not follows(start, 1, start + timedelta(days=2))
    assert follows(month, month_days(month), after)
    assert not follows(month, month_days(month), after + timedelta(days=month_days(after)))


@pytest.mark.parametrize(("days", "step"), [(1, 1), (31, 31), (91, 91), (365, 365)])
def test_a_line_breaks_where_a_period_is_missing_whatever_its_length(days: int, step: int) -> None:
    whole, broken = (
        plot(
            [
                Point(date(2020, 1, 1) + timedelta(days=step * place), 1.0, days)
                for place in range(6)
                if place != gone
            ],
            width=60,
            height=1,
        )[0]
        for gone in (None, 3)
    )

    assert " " not in whole.partition("┤")[2]
    assert " " in broken.partition("┤")[2]


@pytest.mark.parametrize(
    ("days", "kind", "name"),
    [
        (1, "day", "1 Apr 2020"),
        (30, "month", "Apr 2020"),
        (91, "quarter", "Q2 2020"),
        (366, "year", "2020"),
        (7, "period", "1 Apr 2020"),
    ],
)
def test_a_period_is_called_by_its_length(days: int, kind: str, name: str) -> None:
    assert (length_name(days), period_name(date(2020, 4, 1), days)) == (kind, name)
