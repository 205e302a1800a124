"""Each unit against a fraction that was written down apart from the product."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.sources.units import AT, UNITS, Rate, Unit, UnitUnknown, names_of, parse_unit

# Cubic metres, from the published values: NIST SP 811, B.8 (rounded there to seven digits), and
# Handbook 44.
CUBIC_METRES = {
    "bbl": Fraction("0.158987294928"),
    "Mbbl": Fraction("158.987294928"),
    "MMbbl": Fraction("158987.294928"),
    "gal": Fraction("0.003785411784"),
    "L": Fraction("0.001"),
    "scf": Fraction("0.028316846592"),
    "Mcf": Fraction("28.316846592"),
    "MMcf": Fraction("28316.846592"),
    "Bcf": Fraction("28316846.592"),
    "Tcf": Fraction("28316846592"),
    "m3": Fraction(1),
    "e3m3": Fraction(1_000),
    "e6m3": Fraction(1_000_000),
    "e9m3": Fraction(1_000_000_000),
}
OURS = {"liquid": Fraction("158.987294928"), "gas": Fraction("28316.846592")}

volumes = st.sampled_from([unit for unit in UNITS.values() if unit.dimension in OURS])


@given(volumes)
def test_a_factor_is_the_ratio_of_the_published_sizes(unit: Unit) -> None:
    assert unit.factor == CUBIC_METRES[unit.name] / OURS[unit.dimension]


@given(volumes, st.fractions(min_value=0, max_value=10**9))
def test_a_volume_comes_back_from_ours_as_it_was(unit: Unit, volume: Fraction) -> None:
    assert volume * unit.factor * OURS[unit.dimension] / CUBIC_METRES[unit.name] == volume


@given(volumes, volumes, st.floats(min_value=0, max_value=1e9))
def test_one_volume_in_two_units_is_one_number_of_ours(
    one: Unit, other: Unit, volume: float
) -> None:
    other = UNITS.get(f"{one.dimension}/{other.name}", one)
    as_other = volume * float(CUBIC_METRES[one.name] / CUBIC_METRES[other.name])
    assert as_other * float(other.factor) == pytest.approx(
        volume * float(one.factor), rel=1e-15, abs=1e-300
    )


@given(
    st.sampled_from(list(UNITS.values())),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.booleans(),
)
def test_a_name_is_found_in_any_case_and_with_blanks(
    unit: Unit, write: type[str], blank: bool
) -> None:
    product = "liquid" if unit.dimension == "mass" else unit.dimension
    assert parse_unit(write(unit.name) + " " * blank, product) == unit


@given(volumes)
def test_a_rate_a_day_has_the_factor_of_the_volume_and_one_an_hour_24_of_them(unit: Unit) -> None:
    by_day, by_hour = (parse_unit(unit.name + time, unit.dimension) for time in ("/d", " / h"))
    assert by_day == Unit(unit.name, unit.factor, unit.dimension, Rate.DAY)
    assert by_hour == Unit(unit.name, 24 * unit.factor, unit.dimension, Rate.DAY)


@pytest.mark.parametrize(
    ("text", "name", "rate"),
    [
        ("1000 bbl/d", "Mbbl", Rate.DAY),
        ("1,000 bbl", "Mbbl", Rate.PERIOD),
        ("BBLS", "bbl", Rate.PERIOD),
        ("stb", "bbl", Rate.PERIOD),
        ("MSTB", "Mbbl", Rate.PERIOD),
        ("kbd", "Mbbl", Rate.DAY),
        ("bopd", "bbl", Rate.DAY),
        ("barrels per day", "bbl", Rate.DAY),
        ("Sm3", "m3", Rate.PERIOD),
        ("m³", "m3", Rate.PERIOD),
        ("10^3 m3", "e3m3", Rate.PERIOD),
        ("10³ m³", "e3m3", Rate.PERIOD),
        ("1000 m3", "e3m3", Rate.PERIOD),
        ("e3 Sm3", "e3m3", Rate.PERIOD),
        ("mill Sm3", "e6m3", Rate.PERIOD),
        ("tonnes", "t", Rate.PERIOD),
    ],
)
def test_liquids_have_other_names_too(text: str, name: str, rate: Rate) -> None:
    unit = parse_unit(text, "liquid")
    assert (unit.name, unit.rate) == (name, rate)


@pytest.mark.parametrize(
    ("text", "name", "rate"),
    [
        ("1E6 ft3/d", "MMcf", Rate.DAY),
        ("1000 ft3", "Mcf", Rate.PERIOD),
        ("mscf", "Mcf", Rate.PERIOD),
        ("MMscfd", "MMcf", Rate.DAY),
        ("MMPCD", "MMcf", Rate.DAY),
        ("Mpc", "Mcf", Rate.PERIOD),
        ("mcf per day", "Mcf", Rate.DAY),
        ("e9Sm3", "e9m3", Rate.PERIOD),
        ("bcm", "e9m3", Rate.PERIOD),
    ],
)
def test_gas_has_other_names_too(text: str, name: str, rate: Rate) -> None:
    unit = parse_unit(text, "gas")
    assert (unit.name, unit.rate) == (name, rate)


def test_days_are_told_as_days_hours_or_shares_of_the_period() -> None:
    assert [parse_unit(text, "days") for text in ("Days", "hours", "month")] == [
        Unit("day", Fraction(1), "days"),
        Unit("h", Fraction(1, 24), "days"),
        Unit("month", Fraction(1), "days", of_period=True),
    ]


def test_a_tonne_is_a_volume_once_the_density_divides_it() -> None:
    unit = parse_unit("t", "liquid")
    assert unit.dimension == "mass"
    assert float(1000 * unit.factor / Fraction("0.8")) == pytest.approx(
        1250 / 158.987294928, rel=1e-15
    )


@pytest.mark.parametrize(
    ("text", "product", "readings"),
    [
        ("Mm3", "gas", "a thousand m³ (Brazil, Mexico), a million m³ (SI)"),
        ("Mm³/dia", "gas", "a thousand m³ (Brazil, Mexico), a million m³ (SI)"),
        ("MMm3", "gas", "a million m³"),
        ("km3", "gas", "a cubic kilometre"),
        ("MCM", "gas", "a thousand m³ or a million m³"),
        ("mb/d", "liquid", "a million (IEA)"),
        ("boe", "liquid", "the volume of no product"),
        ("BOE/d", "gas", "the volume of no product"),
        ("toe", "liquid", "the volume of no product"),
        ("ton", "liquid", "a short ton"),
        ("MMBtu", "gas", "an energy"),
        ("GJ", "gas", "an energy"),
        ("Nm3", "gas", "at 0 °C, 15 °C or 20 °C"),
    ],
)
def test_what_can_be_read_in_several_ways_is_refused_with_the_readings(
    text: str, product: str, readings: str
) -> None:
    with pytest.raises(UnitUnknown) as caught:
        parse_unit(text, product)
    assert repr(text) in caught.value.problem
    assert readings in caught.value.problem
    assert caught.value.instead


@pytest.mark.parametrize(
    ("text", "product", "problem"),
    [
        ("Mcf", "liquid", "'Mcf' is a unit of gas, not of liquid."),
        ("bbl", "gas", "'bbl' is a unit of liquid, not of gas."),
        ("t", "gas", "'t' is a unit of mass, not of gas."),
        ("day", "gas", "'day' is a unit of days, not of gas."),
        ("day/d", "days", "'day/d' is no time."),
        ("", "gas", "'' is no unit that Wellhead knows."),
        ("furlong" * 9, "gas", f"{('furlong' * 9)[:40]!r} is no unit that Wellhead knows."),
    ],
)
def test_another_word_is_refused_with_what_could_be_written(
    text: str, product: str, problem: str
) -> None:
    with pytest.raises(UnitUnknown) as caught:
        parse_unit(text, product)
    assert caught.value.problem == problem
    assert caught.value.instead.startswith("Write ")


@given(st.text(max_size=20), st.sampled_from(["liquid", "gas", "days"]))
def test_any_text_is_a_unit_or_refused(text: str, product: str) -> None:
    try:
        names = [parse_unit(text, product).name]
    except UnitUnknown:
        names = []
    assert set(names) <= set(names_of(product))


@pytest.mark.parametrize(
    ("at", "factor"),
    [
        ("15C", 1.0019245),
        ("15 °C, 101.325 kPa", 1.0019245),
        ("0C", 1.0569451),
        ("20 °C", 0.9848356),
        ("60F", 1.0),
        ("60 °F and 14.696 psia", 1.0),
        ("14.73 psia", 1.0023136),
        ("60 °F, 14.73 psia", 1.0023136),
        ("14.65psia", 0.9968699),
        ("15.025 psia", 1.0223870),
    ],
)
def test_a_reference_condition_keeps_the_amount_of_gas(at: str, factor: float) -> None:
    unit, by_volume = parse_unit("Mcf", "gas", at=at), parse_unit("Mcf", "gas")
    assert float(unit.factor / by_volume.factor) == pytest.approx(factor, abs=5e-8)


def test_the_factor_of_canada_is_that_of_15_c_into_14_65_psia() -> None:
    thousand_cubic_metres = parse_unit("e3m3", "gas", at="15C").factor
    assert float(
        thousand_cubic_metres / parse_unit("Mcf", "gas", at="14.65 psia").factor
    ) == pytest.approx(35.49373, abs=5e-6)


def test_a_normal_cubic_metre_needs_its_condition() -> None:
    assert parse_unit("Nm3/d", "gas", at="0C") == Unit(
        "m3", UNITS["gas/m3"].factor * AT["0C"], "gas", Rate.DAY
    )


@pytest.mark.parametrize(("at", "product"), [("15C", "liquid"), ("25C", "gas"), ("15F", "gas")])
def test_another_condition_is_refused(at: str, product: str) -> None:
    with pytest.raises(UnitUnknown):
        parse_unit("m3", product, at=at)


def test_the_names_of_a_product_are_those_that_can_be_written() -> None:
    assert names_of("liquid") == (
        "bbl",
        "Mbbl",
        "MMbbl",
        "gal",
        "L",
        "m3",
        "e3m3",
        "e6m3",
        "e9m3",
        "t",
    )
    assert names_of("gas") == ("scf", "Mcf", "MMcf", "Bcf", "Tcf", "m3", "e3m3", "e6m3", "e9m3")
    assert names_of("days") == ("day", "h", "month")
