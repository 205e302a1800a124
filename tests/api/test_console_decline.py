"""The arithmetic of the console's plots, in a real browser: units, ratios, decline curves and their
fits.

The figures of scipy and petbox-dca are those that tests/support/decline_figures.py prints, with how
to run it.
"""

from __future__ import annotations

import csv
import io
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from support.scripted_console import Told, visit

from chalicelib.api.csv_rows import FORMULA, harmless
from chalicelib.sources import units
from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)

# Boyun Guo, William C. Lyons, Ali Ghalambor: Petroleum Production Engineering (2007), problem 8.4:
# stb/day by month.
GUO = [1810, 1637, 1482, 1341, 1213, 1098, 993, 899, 813, 736, 666, 602,
       545, 493, 446, 404, 365, 331, 299, 271, 245, 222, 201, 181]  # fmt: skip
TERMINAL = 0.25

# Parameters, their standard errors, the sum of squares; scipy.optimize.curve_fit of scipy 1.17.1.
SCIPY = {
    ("guo", "exponential"): [2000.1406335851966, 1.1999895299565406, 0.23324705927853884, 0.00020120147659630504,
                             2.2275256268874735],
    ("guo", "harmonic"): [2498.395561205195, 3.1631473850426834, 166.4767089211645, 0.3913175110649225,
                          265653.66302889347],
    ("wavy", "exponential"): [898.5821128406033, 0.33417366010673505, 13.396891672522331, 0.008590071346513349,
                              77059.36869517199],
    ("wavy", "harmonic"): [1031.0131782709445, 0.70816461106639, 10.072183676203323, 0.015363933351062342,
                           19352.887681642136],
    ("wavy", "hyperbolic"): [1008.0333962541016, 0.6159827726481403, 0.8216587359180199, 11.558135844901441,
                             0.030068433423140268, 0.058401564240434356, 16706.63642663716],
    ("wavy", "terminal"): [1012.9989510001304, 0.6441561674640003, 0.9208067120025502, 13.462046511470247,
                           0.044333519890858084, 0.10176260416808305, 17824.767730722084],
}  # fmt: skip

# Years, rate and cumulative of the modified hyperbolic decline of petbox-dca 2.3.1.
PETBOX = [
    [0.5, 764.227908671882, 159362.8156951492],
    [2.0, 431.2011503716921, 471311.7371700778],
    [5.0, 198.85701004395702, 796871.7081955519],
    [20.0, 4.6766686238996344, 1080569.1870102559],
]
MODIFIED = {"model": "terminal", "qi": 1000, "d": 0.6, "b": 0.8, "terminal": TERMINAL}


@pytest.fixture(scope="module")
def page(scripted_console: tuple[str, Browser]) -> Iterator[Page]:
    with visit(*scripted_console, Told(), "/imports") as page:
        yield page


def calculated(page: Page, module: str, code: str, given: Any = None) -> Any:
    """What an expression gives, in which `m` is a module of the console and `given` is given."""
    return page.evaluate(
        f"async given => {{ const m = await import('/console/{module}'); return {code}; }}", given
    )


# --------------------------------------------------------------------------------------------- units


def test_the_factors_of_the_units_are_exact(page: Page) -> None:
    """As the sources' own factors are, which are fractions."""
    found = calculated(
        page, "words.js", "[...m.LIQUIDS, ...m.GASES].map(({ key, factor }) => [key, factor])"
    )

    liquid = {"bbl": "bbl", "Mbbl": "Mbbl", "m3": "m3", "Sm3": "m3"}
    gas = {"Mcf": "Mcf", "MMcf": "MMcf", "m3": "m3"}
    exact = [(key, 1 / units.UNITS[f"liquid/{name}"].factor) for key, name in liquid.items()]
    exact += [(key, 1 / units.UNITS[f"gas/{name}"].factor) for key, name in gas.items()]
    assert [(key, pytest.approx(float(factor), rel=1e-15)) for key, factor in exact] == [
        tuple(each) for each in found
    ]
    assert Fraction(9702) * Fraction("0.0254") ** 3 == Fraction("0.158987294928")


@pytest.mark.parametrize("text", ["", "m3", "m3,", ",Mcf", "kg,Mcf", "m3,m3,__proto__,x"])
def test_units_that_there_are_not_are_not_taken(page: Page, text: str) -> None:
    known = calculated(page, "units.js", "m.unitsOf(given) && m.textOf(m.unitsOf(given))", text)
    assert known == ("m3,m3" if text.startswith("m3,m3") else None)


def test_a_ratio_of_gas_to_oil_is_in_the_units_of_both(page: Page) -> None:
    code = "m.ratioUnit(m.unitsOf(given))"
    assert calculated(page, "units.js", code, "bbl,m3") == {"sign": "scf/bbl", "factor": 1000}
    metric = calculated(page, "units.js", code, "Sm3,m3")
    assert metric == {
        "sign": "Sm³/Sm³",
        "factor": pytest.approx(0.3048**3 * 1000 / 0.158987294928, rel=1e-14),
    }


# --------------------------------------------------------------------------------------------- files

UNSEEN = " \t\n\x00\x7f\x85\xa0\xad\u061c\u180e\u200b\u2028\u2067\u3000\ufeff\U000e0020"
BEGINNINGS = ["", "a", "'", *UNSEEN, "\u200b \u202e"]


def test_the_console_guards_its_files_as_the_api_does(page: Page) -> None:
    texts = [f"{unseen}{sign}1" for unseen in BEGINNINGS for sign in (*FORMULA, "(", "1")]
    saved = calculated(page, "dom.js", "given.map((a) => m.csv(['a'], [{ a }]))", texts)

    cells = [list(csv.reader(io.StringIO(text, newline="")))[1:] for text in saved]
    # Digits that JSON brought as text are a number to the console.
    assert cells == [[["-1" if text == "-1" else harmless(text)]] for text in texts]


# --------------------------------------------------------------------------------------------- production


def month(number: int, **more: Any) -> dict[str, Any]:
    rates = {"oil_production_kbd": 2.0, "water_production_kbd": 1.0, "gas_production_mmcfd": 3.0}
    days = [31, 28, 31, 30][number - 1]
    facts = {
        "production_period": f"2023-0{number}-01",
        "period_days": days,
        "days_on_production": days / 2,
    }
    return rates | facts | {"liquids_production_kbd": None} | more


def test_rates_sums_and_ratios_of_rows(page: Page) -> None:
    """A row without a value or without days has none of what follows from it,
    and a sum goes on after it.
    """
    rows = [
        month(1),
        month(2, oil_production_kbd=None, days_on_production=None),
        month(3, days_on_production=0),
        month(4, liquids_production_kbd=3.0, water_production_kbd=0.0, oil_production_kbd=0.0),
    ]
    code = """async given => {
        const { monthsOn, PANELS, valuesOf } = await import("/console/production.js");
        const units = (await import("/console/units.js")).unitsOf("bbl,Mcf");
        const [oil, gas, , , cut, gor] = PANELS;
        const nothing = { oil_production_kbd: 0, water_production_kbd: 0, gas_production_mmcfd: 0 };
        return {
            rate: valuesOf(given, oil, "rate", units),
            producing: valuesOf(given, oil, "producing", units),
            volume: valuesOf(given, gas, "volume", units),
            cumulative: valuesOf(given, oil, "cumulative", units),
            cut: valuesOf(given, cut, "producing", units),
            gor: valuesOf(given, gor, "rate", units),
            sums: valuesOf(given, gor, "cumulative", units),
            months: monthsOn([{ ...given[0], ...nothing }, ...given.slice(1)]),
        };
    }"""
    found = page.evaluate(code, rows)

    assert found == {
        "rate": [2000, None, 2000, 0],
        "producing": [4000, None, None, 0],
        "volume": [93_000, 84_000, 93_000, 90_000],
        "cumulative": [62_000, None, 124_000, 124_000],
        "cut": [pytest.approx(1 / 3), None, pytest.approx(1 / 3), 0],
        "gor": [1500, None, 1500, None],
        "sums": [
            1500,
            None,
            pytest.approx(1500),
            pytest.approx(1000 * 276 / 124),
        ],  # of what came with oil
        "months": [-1, 0, 1, 2],
    }


# --------------------------------------------------------------------------------------------- decline


def points(name: str) -> list[dict[str, float]]:
    if name == "guo":
        return [{"t": (place + 1) / 12, "q": rate} for place, rate in enumerate(GUO)]
    times = [(place + 0.5) / 12 for place in range(60)]
    clean = [1000 * (1 + 0.8 * 0.6 * t) ** (-1 / 0.8) for t in times]
    wavy = zip(times, clean, strict=True)
    return [
        {"t": t, "q": q * (1 + 0.05 * math.sin(1.7 * place))} for place, (t, q) in enumerate(wavy)
    ]


def test_fits_are_those_of_scipy(page: Page) -> None:
    """The sum of squares to twelve digits;
    the parameters to eight, and their errors to seven, as it is flat there.
    """
    code = """given.map(([points, model, terminal]) => {
        const { curve, errors, sum, residuals } = m.fitted(points, model, { terminal });
        const names = m.MODELS[model].parameters;
        return [[...names.map(name => curve[name]), ...names.map(name => errors[name]), sum], residuals];
    })"""
    asked = [[points(name), model, TERMINAL] for name, model in SCIPY]
    found = calculated(page, "decline.js", code, asked)

    for (figures, residuals), ((name, model), known) in zip(found, SCIPY.items(), strict=True):
        count = len(known) // 2
        assert figures[:count] == pytest.approx(known[:count], rel=1e-8), (name, model)
        assert figures[count:-1] == pytest.approx(known[count:-1], rel=2e-7), (name, model)
        assert figures[-1] == pytest.approx(known[-1], rel=1e-12), (name, model)
        assert sum(each**2 for each in residuals) == pytest.approx(known[-1], rel=1e-12)


def test_a_published_decline_is_found(page: Page) -> None:
    """The rates of Guo's problem 8.4 fall by a tenth a month,
    and reach its 50 stb/day after about 37 months.
    """
    code = """(() => {
        const { curve, isAtBound } = m.fitted(given, "hyperbolic");
        return [curve.qi, curve.d / 12, curve.b, 12 * m.timeOf(curve, 50), isAtBound];
    })()"""
    qi, a_month, b, months, is_at_bound = calculated(page, "decline.js", code, points("guo"))

    assert (qi, a_month) == (pytest.approx(2000, rel=1e-3), pytest.approx(0.1, rel=1e-3))
    assert b == pytest.approx(0, abs=1e-3)
    assert months == pytest.approx(10 * math.log(40), rel=1e-3)
    assert is_at_bound


def test_an_exponent_at_its_end_leaves_the_others_their_errors(page: Page) -> None:
    """A hyperbolic decline without one, or below the terminal decline,
    is the exponential one with its figures.
    """
    code = """["hyperbolic", "terminal"].map(model => {
        const { errors, sum, deviation } = m.fitted(given, model, { terminal: 2 });
        return [errors.qi, errors.d, errors.b, sum, deviation];
    })"""
    *known, squares = SCIPY["guo", "exponential"][2:]
    for *errors, b, total, deviation in calculated(page, "decline.js", code, points("guo")):
        assert errors == pytest.approx(known, rel=1e-4)
        assert b is None
        assert total == pytest.approx(squares, rel=1e-6)
        assert deviation == pytest.approx(math.sqrt(squares / (len(GUO) - 2)), rel=1e-6)


def test_the_years_of_a_forecast_are_whole_and_add_up_to_it(page: Page) -> None:
    """Whenever the range begins:
    a turn of the year is no round number of years of 365.25 days after it.
    """
    code = """(async () => {
        const { forecast, YEAR } = await import("/console/decline.js");
        const curve = { model: "hyperbolic", qi: 10, d: 0.3, b: 0.8 };
        return given.map(([year, month]) => {
            const start = Date.UTC(year, month, 1);
            const now = (Date.UTC(2024, 8, 1) - start) / (YEAR * 864e5);
            const ahead = forecast(curve, { now, limit: 0, longest: 50 });
            const rows = m.yearsAhead({ start, now, ahead, fit: { curve }, sum: 7 });
            return [rows.map((row) => row.year), rows.at(-1).cumulative - 7 - ahead.volume];
        });
    })()"""
    begins = [(year, month) for year in range(1970, 2024) for month in range(12)]

    for years, missing in calculated(page, "outlook.js", f"await {code}", begins):
        assert years == list(range(2024, 2075))
        assert missing == pytest.approx(0, abs=1e-8)


def test_a_published_forecast_is_met(page: Page) -> None:
    """Guo, example problem 8.1:
    from 100 to 96 stb/day within a month is 61.27 after a year, and 28,858 stb in it.
    """
    code = """(() => {
        const curve = { model: "exponential", qi: 100, d: -12 * Math.log(0.96) };
        return [m.rateAt(curve, 1), m.sumTo(curve, 1) * 365 / m.YEAR];
    })()"""
    rate, volume = calculated(page, "decline.js", code)

    assert rate == pytest.approx(61.27, abs=0.005)
    assert volume == pytest.approx(28_858, rel=1e-4)


def test_a_terminal_decline_is_that_of_petbox(page: Page) -> None:
    code = "given[1].map(([t]) => [t, m.rateAt(given[0], t), m.sumTo(given[0], t)])"
    found = calculated(page, "decline.js", code, [MODIFIED, PETBOX])

    assert found == [pytest.approx(row, rel=1e-12) for row in PETBOX]


@pytest.mark.parametrize("b", [0, 1e-9, 1e-4, 0.5, 1 - 1e-12, 1, 1 + 1e-7, 1.6])
@pytest.mark.parametrize("terminal", [0, 0.1])
def test_sums_are_the_integral_and_times_the_inverse_of_the_rate(
    page: Page, b: float, terminal: float
) -> None:
    """Also where the closed forms divide by nothing: at b = 0 and b = 1."""
    code = """(() => {
        const { YEAR, rateAt, sumTo, timeOf } = m;
        const end = 12;
        const count = 20000;
        let sum = 0;
        for (let at = 0; at < count; at += 1) sum += rateAt(given, ((at + 0.5) * end) / count);
        return [sumTo(given, end), (sum * end * YEAR) / count, timeOf(given, rateAt(given, end))];
    })()"""
    curve = {
        "model": "terminal" if terminal else "hyperbolic",
        "qi": 500,
        "d": 0.7,
        "b": b,
        "terminal": terminal,
    }
    closed, summed, time = calculated(page, "decline.js", code, curve)

    assert closed == pytest.approx(summed, rel=1e-6)
    assert time == pytest.approx(12, rel=1e-6)


def test_a_terminal_decline_of_nothing_is_none_and_one_above_the_data_is_not_reached(
    page: Page,
) -> None:
    code = """(() => {
        const none = { ...given, terminal: 0 };
        const slow = [...Array(60)].map((_, at) => ({ t: at / 12, q: 100 * Math.exp(-0.03 * at / 12) }));
        const found = m.fitted(slow, "terminal", { terminal: 0.06 });
        return [m.sumTo(none, 5), m.sumTo({ ...given, model: "hyperbolic" }, 5), found.curve.d, found.r2,
            m.declineAt(found.curve, 3)];
    })()"""
    none, hyperbolic, decline, r2, shown = calculated(page, "decline.js", code, MODIFIED)

    assert none == pytest.approx(hyperbolic)
    assert (decline, r2, shown) == (pytest.approx(0.03), pytest.approx(1), pytest.approx(0.03))


def test_a_forecast_ends_at_its_limit_or_its_years(page: Page) -> None:
    code = "given.map(([curve, how]) => m.forecast(curve, how))"
    harmonic = {"model": "harmonic", "qi": 100, "d": 1}
    asked = [
        [harmonic, {"now": 1, "limit": 10, "longest": 50}],
        [harmonic, {"now": 1, "limit": 10, "longest": 3}],
        [harmonic, {"now": 1, "limit": 60, "longest": 3}],
        [harmonic, {"now": 1, "limit": 0, "longest": 3}],
    ]
    limit, years, over, without = calculated(page, "decline.js", code, asked)

    assert (limit["end"], limit["isLimit"], limit["rate"]) == (
        pytest.approx(9),
        True,
        pytest.approx(10),
    )
    assert limit["volume"] == pytest.approx(365.25 * 100 * math.log(5))
    assert (years["end"], years["isLimit"]) == (4, False)
    assert (over["end"], over["volume"]) == (1, 0)
    assert without == years


@pytest.mark.parametrize(
    "given",
    [
        [],
        [1, 2],
        [5, 5, 5, 5, 5],
        [1, 2, 3, 4, 5],
        [1e-9, 1e9, 1e-9, 1e9, 1],
        [9, 0.1, 0.1, 0.1, 0.1, 0.1],
    ],
    ids=["none", "few", "flat", "rising", "wild", "a cliff"],
)
def test_a_fit_of_what_is_no_decline_ends_with_numbers_or_none(
    page: Page, given: list[float]
) -> None:
    """Nor is any of them further from the rates than their mean is,
    which is a curve of each kind too.
    """
    code = """((total) => ((squares) => Object.keys(m.MODELS)
        .map(model => m.fitted(given, model, { terminal: 0.06 }))
        .map(fit => fit && [...Object.values(fit.curve).slice(1), fit.sum, fit.sum <= 1.000001 * squares + 1e-12]))(
            given.reduce((sum, { q }, _, { length }) => sum + (q - total / length) ** 2, 0)))(
        given.reduce((sum, { q }) => sum + q, 0))"""
    rates = [{"t": (place + 0.5) / 12, "q": rate} for place, rate in enumerate(given)]
    found = calculated(page, "decline.js", code, rates)

    assert len(found) == 4
    for figures in found:
        if len(given) <= 2:
            assert figures is None
        elif figures is not None:
            *values, is_no_worse_than_the_mean = figures
            assert all(math.isfinite(each) and each >= 0 for each in values)
            assert is_no_worse_than_the_mean
