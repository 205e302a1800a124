"""Periods in the forms that sources write:
each is the day that a calendar gives, and what is none is told.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mapped import Mapped
from support.soak import longer, some_of

from chalicelib.sources.periods import NAMES, FormatUnknown, format_parts, pivot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERIOD = "production_period"
WRONG = f"NOT_A_DATE {PERIOD}"
BEYOND = f"OUT_OF_RANGE {PERIOD}"
FIRST_YEAR, LAST_YEAR = 1859, 2199
MISSING = f"MISSING_KEY {PERIOD}"
OIL = {"oil_production_kbd": {"value": 1, "unit": "bbl"}}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapped]:
    """Of days, so that nothing is cut to the first of a month."""
    mapped = Mapped(tmp_path_factory.mktemp("mapped"), "day")
    yield mapped
    mapped.close()


def days_of(mapped: Mapped, rule: Any, *texts: Any, **told: Any) -> list[str]:
    rows = [text if isinstance(text, dict) else {"Month": text} for text in texts]
    return [
        row["problem"] or str(row[PERIOD])
        for row in mapped.json({PERIOD: rule} | OIL, *rows, **told)
    ]


def day_of(mapped: Mapped, form: str | list[str], *texts: Any) -> list[str]:
    return days_of(mapped, {"field": "Month", "format": form}, *texts)


# -- forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *(
            ("%Y-%m", "2019-01"),
            ("%Y-%m", "2019-1"),
            ("%Y%m", "201901"),
            ("%Y-M%m", "2019-M01"),
            ("%b-%y", "Jan-19"),
        ),
        *(
            ("%b-%Y", "JAN-2019"),
            ("%B %Y", "january 2019"),
            ("%m/%Y", "01/2019"),
            ("%m/%Y", "1/2019"),
        ),
        *(
            ("%Y/%m", "2019/01"),
            ("%Y-%m-%d", "2019-1-1"),
            ("%Y%m%d", "20190101"),
            ("%d.%m.%Y", "1.1.2019"),
        ),
        *(
            ("%m/%d/%Y", "1/1/2019"),
            ("%d/%m/%Y", "01/01/2019"),
            ("%YQ%q", "2019Q1"),
            ("Q%q %Y", "Q1 2019"),
            ("%Y", "2019"),
        ),
        *(
            ("%y%m", "1901"),
            ("%d%b%Y", "01JAN2019"),
            ("%d-%b-%y", "1-Jan-19"),
            ("%-m-%Y", "1-2019"),
            ("%B%Y", "Jan.2019"),
        ),
        *(
            ("%Y-%m-%d %H:%M:%S", "2019-01-01 23:59:59"),
            ("%m/%d/%Y %H:%M", "1/1/2019 0:00"),
            ("(%Y) %m", "(2019) 01"),
        ),
        *(
            ("%Y-%m", " 2019-01 "),
            ("%Y-%m", "\xa02019-01"),
            ("%h %Y", "Jan 2019"),
            ("%Y.%m+", "2019.01+"),
        ),
    ],
)
@pytest.mark.by_lot
def test_a_form_is_read(mapped: Mapped, form: str, text: str) -> None:
    assert day_of(mapped, form, text) == ["2019-01-01"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *(
            ("%Y%m", "20241"),
            ("%Y%m", "2024013"),
            ("%Y%m", "202413"),
            ("%Y%m", "202400"),
            ("%Y%m", "2_2401"),
        ),
        *(
            ("%Y%m%d", "20240230"),
            ("%Y%m%d", "2024123"),
            ("%Y-%m-%d", "2023-02-29"),
            ("%Y-%m", "24-01"),
            ("%Y-%m", "x"),
        ),
        *(
            ("%Y-%m", "2024-01-01"),
            ("%Y-%m", "epoch"),
            ("%Y-%m", "infinity"),
            ("%Y", "0024"),
            ("%Y", "12024"),
        ),
        *(
            ("%Y", "999"),
            ("%d/%m/%Y", "1/31/2024"),
            ("%m/%d/%Y", "31/1/2024"),
            ("%b-%y", "Jam-19"),
            ("%b-%y", "1-19"),
        ),
        *(
            ("%YQ%q", "2024Q5"),
            ("%YQ%q", "2024Q0"),
            ("%Y-%m-%d %H:%M", "2024-01-01 99:99"),
            ("%Y-%m", "\uff12024-01"),
        ),
        *(
            ("%Y-%m-%d %H:%M", "2024-01-01 24:00"),
            ("%b %Y", "Jan  2024x"),
            ("%Y-%m", "2024-01\x002"),
            ("%Y.%m", "2024x01"),
        ),
    ],
)
@pytest.mark.by_lot
def test_what_is_not_of_the_form_or_no_date_is_told(mapped: Mapped, form: str, text: str) -> None:
    assert day_of(mapped, form, text, "", None) == [WRONG, MISSING, MISSING]


def test_with_a_form_no_other_one_is_taken(mapped: Mapped) -> None:
    assert day_of(mapped, "%d/%m/%Y", "2024-01-31", "31/01/2024", 202401) == [
        WRONG,
        "2024-01-31",
        WRONG,
    ]


def test_the_first_of_several_forms_that_fits_is_taken(mapped: Mapped) -> None:
    forms = ["%d/%m/%Y", "%m/%d/%Y", "%Y%m"]
    assert day_of(mapped, forms, "02/01/2024", "01/31/2024", 202402, "2024") == [
        *("2024-01-02", "2024-01-31", "2024-02-01", WRONG)
    ]


@pytest.mark.parametrize("number", range(1, 13))
def test_months_have_names_in_five_languages(mapped: Mapped, number: int) -> None:
    names = NAMES[number].split()
    texts = [
        f"{each} 2024" for name in names for each in (name, name.upper(), name.title(), f"{name}.")
    ]
    assert set(day_of(mapped, "%B %Y", *texts)) == {f"2024-{number:02}-01"}


def test_names_have_accents_too_and_mean_one_month(mapped: Mapped) -> None:
    texts = [
        "Février 2024",
        "févr. 2024",
        "Août 2024",
        "décembre 2024",
        "março 2024",
        "DÉCEMBRE 2024",
    ]
    assert day_of(mapped, "%b %Y", *texts) == [
        f"2024-{month:02}-01" for month in (2, 2, 8, 12, 3, 12)
    ]
    words = [word for names in NAMES.values() for word in names.split()]
    assert len(words) == len(set(words))


def test_a_year_of_two_digits_is_at_most_the_next_one(mapped: Mapped) -> None:
    last = pivot()
    years = [0, last, last + 1, 68, 69, 99]
    expected = [f"{2000 + year if year <= last else 1900 + year}-01-01" for year in years]
    assert day_of(mapped, "%b-%y", *(f"Jan-{year:02}" for year in years)) == expected
    assert pivot(datetime(2098, 6, 1, tzinfo=UTC)) == 99


@settings(max_examples=longer(8, 200))
@given(
    st.lists(st.dates(date(1900, 1, 1), date(2199, 12, 31)), min_size=1, max_size=10),
    st.sampled_from(
        [
            "%Y-%m-%d",
            "%Y%m%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%d %B %Y",
            "%b %d, %Y",
            "%Y/%m/%d %H:%M",
            "%d%m%Y",
        ]
    ),
)
def test_what_strftime_writes_is_read(mapped: Mapped, days: list[date], form: str) -> None:
    assert day_of(mapped, form, *(day.strftime(form) for day in days)) == [str(day) for day in days]


@settings(max_examples=longer(12, 200))
@given(
    st.lists(st.text("0123456789-/.QM Jan_", max_size=10), min_size=1, max_size=10),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m", "%Y-%m", "%Y"]),
)
def test_what_strptime_refuses_is_refused(mapped: Mapped, texts: list[str], form: str) -> None:
    for text, found in zip(texts, day_of(mapped, form, *texts), strict=True):
        if not text.strip():
            assert found == MISSING
            continue
        try:
            day = datetime.strptime(text.strip(" "), form).date()  # noqa: DTZ007  a date alone
        except ValueError:
            assert found == WRONG
        else:
            assert found in (str(day) if FIRST_YEAR <= day.year <= LAST_YEAR else BEYOND, WRONG)


@pytest.mark.parametrize(
    "form",
    [
        "",
        "x" * 61,
        "%m",
        "%Y %Y",
        "%Y %y",
        "%m %B %Y",
        "%q %m %Y",
        "%Y %d",
        "%j %Y",
        "%Y%",
        "%%Y",
        "%Y %%",
        "%s",
        "Y-m",
    ],
)
def test_what_is_no_form_is_refused(form: str) -> None:
    with pytest.raises(FormatUnknown):
        format_parts(form)


# -- the usual forms ------------------------------------------------------------------------------


MONTHS = [
    "2019-01",
    "201901",
    "2019-M01",
    "Jan-19",
    "Jan-2019",
    "01/2019",
    "2019/01",
    "January 2019",
]


def test_a_month_is_no_day(mapped: Mapped) -> None:
    assert days_of(mapped, "Month", *MONTHS, 201901) == [WRONG] * (len(MONTHS) + 1)


def test_usual_forms_need_no_definition(mapped: Mapped) -> None:
    told = {
        "2019-1-1": "2019-01-01",
        **dict.fromkeys(
            ["31.01.2019", "20190131", "2019-01-31", "2019-01-31T00:00:00.0000000"], "2019-01-31"
        ),
        **dict.fromkeys(
            ["1/31/2019", "1/2/2019", "2019", "20191", "2019-13", "19-01", "epoch", "2019-01-31x"],
            WRONG,
        ),
        "/Date(1546300800000)/": "2019-01-01",
    }
    assert dict(zip(told, days_of(mapped, "Month", *told), strict=True)) == told
    assert days_of(mapped, "Month", 20190131, 201901.5) == ["2019-01-31", WRONG]


@pytest.mark.parametrize(
    ("period", "texts", "first"),
    [
        ("year", ["2019", 2019, "2019-05", "2019-05-03"], "2019-01-01"),
        (
            "quarter",
            ["2019Q2", "2019-Q2", "2019 Q2", "Q2 2019", "2019-05", "2019-06-30"],
            "2019-04-01",
        ),
        ("month", ["2019-05", "2019-05-31T23:59:59Z"], "2019-05-01"),
        ("month", [*MONTHS, 201901], "2019-01-01"),
    ],
)
def test_the_first_day_of_the_period_is_stored(
    tmp_path: Path, period: str, texts: list[Any], first: str
) -> None:
    mapped = Mapped(tmp_path, period)
    assert set(days_of(mapped, "Month", *texts)) == {first}
    mapped.close()


# -- parts ----------------------------------------------------------------------------------------


def parts_of(mapped: Mapped, rule: dict[str, Any], *values: tuple[Any, ...]) -> list[str]:
    names = list(rule)
    rows = [dict(zip(names, row, strict=True)) for row in values]
    return days_of(mapped, {name: name for name in names}, *rows)


def test_year_and_month_and_day_are_fields_by_themselves(mapped: Mapped) -> None:
    rows = [
        *(
            ("2024", "2", "29"),
            (2024, 2.0, "1.0"),
            (" 2024 ", "Feb", 3),
            ("2024", "FÉVRIER", "3"),
            ("2023", "2", "29"),
        ),
        *(
            ("2024", "13", "1"),
            ("2024", "3.7", "1"),
            ("2024.5", "3", "1"),
            ("24", "3", "1"),
            ("2_024", "3", "1"),
        ),
        *(
            ("2024", "1e0", "1"),
            ("2024", "", "1"),
            (None, "1", "1"),
            ("2024", "1", "2.5"),
            ("2024", "-1", "1"),
        ),
    ]
    good = ["2024-02-29", "2024-02-01", "2024-02-03", "2024-02-03"]
    bad = [WRONG] * 7 + [MISSING, MISSING, WRONG, WRONG]
    assert parts_of(mapped, {"year": 0, "month": 0, "day": 0}, *rows) == good + bad


def test_a_quarter_is_written_in_many_ways_and_is_one_number(tmp_path: Path) -> None:
    mapped = Mapped(tmp_path, "quarter")
    texts = ["3", 3, 3.0, "Q3", "3Q", "T3", "3rd quarter", " 3 "]
    assert set(
        parts_of(mapped, {"year": 0, "quarter": 0}, *(("2024", text) for text in texts))
    ) == {"2024-07-01"}
    wrong = ["0", "5", "2024Q3", "13", "Q", "3.5", "Q3 2024", "33"]
    assert set(
        parts_of(mapped, {"year": 0, "quarter": 0}, *(("2024", text) for text in wrong))
    ) == {WRONG}
    mapped.close()


def test_a_part_may_be_a_constant_or_stand_in_a_text(mapped: Mapped) -> None:
    rule = {"year": {"field": "F", "pattern": "([0-9]{4})"}, "month": 6}
    assert days_of(mapped, rule, {"F": "prod_2021.csv"}, {"F": "prod.csv"}, {"F": None}) == [
        *("2021-06-01", MISSING, MISSING)
    ]
    assert days_of(mapped, {"year": {"value": 2021}, "month": "M"}, {"M": "dez"}) == ["2021-12-01"]


# -- moments --------------------------------------------------------------------------------------

ZONES = [
    "Europe/Oslo",
    "America/Denver",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "America/St_Johns",
    "UTC",
]


@pytest.mark.by_lot
@pytest.mark.parametrize("zone", ZONES)
def test_a_local_midnight_in_utc_is_the_day_of_the_place_in_summer_and_winter(
    mapped: Mapped, zone: str
) -> None:
    firsts = [date(year, month, 1) for year in (1990, 2024) for month in range(1, 13)]
    moments = [
        datetime(day.year, day.month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in firsts
    ]
    rule = {"field": "Month", "timezone": zone}
    expected = [str(day) for day in firsts]

    assert (
        days_of(mapped, rule, *(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments)) == expected
    )
    assert (
        days_of(mapped, rule, *(f"/Date({int(moment.timestamp()) * 1000})/" for moment in moments))
        == expected
    )
    assert (
        days_of(
            mapped,
            "Month",
            *(f"{moment:%Y-%m-%d %H:%M:%S+00:00}" for moment in moments),
            timezone=zone,
        )
        == expected
    )


def test_around_a_change_of_the_clock_a_moment_is_of_its_day(mapped: Mapped) -> None:
    zone = ZoneInfo("Europe/Oslo")
    begin = datetime(2024, 3, 30, 20, tzinfo=UTC)
    moments = [begin + timedelta(hours=hours) for hours in range(60)]
    found = days_of(
        mapped, {"field": "Month", "timezone": "Europe/Oslo"}, *(m.isoformat() for m in moments)
    )
    assert found == [str(moment.astimezone(zone).date()) for moment in moments]


def test_a_date_without_a_time_is_what_it_says_in_every_zone(mapped: Mapped) -> None:
    for zone in some_of(ZONES):
        assert days_of(mapped, "Month", "2024-01-01", "1.2.2024", timezone=zone) == [
            "2024-01-01",
            "2024-02-01",
        ]
        rule = {"field": "Month", "timezone": zone}
        assert days_of(mapped, rule, "2024-01-01", "x", "2024-13-01T00:00:00Z") == [
            "2024-01-01",
            WRONG,
            WRONG,
        ]


def test_midnight_in_utc_is_a_date_unless_the_period_itself_has_a_zone(mapped: Mapped) -> None:
    texts = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00.000"]
    assert days_of(mapped, "Month", *texts, timezone="America/Denver") == ["2024-01-01"] * 3
    rule = {"field": "Month", "timezone": "America/Denver"}
    assert days_of(mapped, rule, *texts, timezone="UTC") == ["2023-12-31"] * 3


@settings(max_examples=longer(8, 200))
@given(st.lists(st.integers(-(10**9), 2 * 10**9), min_size=1, max_size=10), st.sampled_from(ZONES))
def test_any_moment_is_of_the_day_that_zoneinfo_gives(
    mapped: Mapped, seconds: list[int], zone: str
) -> None:
    told = [datetime.fromtimestamp(each, UTC) for each in seconds]
    rule = {"field": "Month", "timezone": zone}
    found = days_of(mapped, rule, *(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in told))
    assert found == [str(moment.astimezone(ZoneInfo(zone)).date()) for moment in told]


def test_every_month_has_the_days_of_the_calendar(mapped: Mapped) -> None:
    lasts = [
        (year, month, calendar.monthrange(year, month)[1])
        for year in (1900, 2000, 2023, 2024)
        for month in range(1, 13)
    ]
    sound = [f"{year}{month:02}{day:02}" for year, month, day in lasts]
    beyond = [f"{year}{month:02}{day + 1:02}" for year, month, day in lasts]
    assert day_of(mapped, "%Y%m%d", *sound) == [str(date(*each)) for each in lasts]
    assert set(day_of(mapped, "%Y%m%d", *beyond)) == {WRONG}
