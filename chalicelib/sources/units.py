"""The units of well production: exact factors into ours, and how people write them.

Everything follows from two definitions of the international yard and pound: a foot is 0.3048 m and
an inch 0.0254 m (NIST SP 811, appendix B). A US gallon is 231 cubic inches (NIST Handbook 44,
appendix C), a barrel of petroleum 42 of them. Hence 1 bbl = 0.158987294928 m³ and 1 cubic foot =
0.028316846592 m³, which SP 811 rounds to 0.1589873 and 0.02831685, and the SPE Metric Standard
likewise.

The gas of two sources compares by volume unless a definition says `at` which temperature and
pressure its volumes were told. Then the amount is kept, as of an ideal gas: volumes times the ratio
of pressures and absolute temperatures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

_FOOT = Fraction("0.3048")  # m
_INCH = Fraction("0.0254")  # m
_CUBIC_FOOT = _FOOT**3  # m³, as all that follow
_GALLON = 231 * _INCH**3
_BARREL = 42 * _GALLON
_LITRE = Fraction(1, 1000)

_KBD = 1000 * _BARREL  # m³ of what our liquid columns count
_MMCF = 10**6 * _CUBIC_FOOT  # m³ of what our gas column counts


class Rate(StrEnum):
    """What time a volume belongs to: the row's whole period, or a day.
    An hour is 24th of a day, so it has no form.
    """

    PERIOD = "a period"
    DAY = "a day"


@dataclass(frozen=True)
class Unit:
    """A number of this unit times `factor` is thousand barrels ("liquid"), million cubic feet
    ("gas") or days ("days").

    Of "mass" it is so once divided by the density in t/m³. With `Rate.DAY` it is a rate, and
    `factor` holds the 24 of a unit "/h"; else it is a volume (or, of "days", a time) in the row's
    period. `of_period`: a share of the period, so the number of its days is a factor too. `factor`
    is exact: make it a float last.
    """

    name: str
    factor: Fraction
    dimension: str
    rate: Rate = Rate.PERIOD
    of_period: bool = False


class UnitUnknown(ValueError):
    """`problem` names what is written and how it could be read; `instead` what to write."""

    def __init__(self, problem: str, instead: str) -> None:
        self.problem = problem
        self.instead = instead
        super().__init__(f"{problem} {instead}")


def _liquid(name: str, cubic_metres: Fraction) -> Unit:
    return Unit(name, cubic_metres / _KBD, "liquid")


def _gas(name: str, cubic_metres: Fraction) -> Unit:
    return Unit(name, cubic_metres / _MMCF, "gas")


_METRIC = {
    "m3": Fraction(1),
    "e3m3": Fraction(10**3),
    "e6m3": Fraction(10**6),
    "e9m3": Fraction(10**9),
}
_OF_LIQUID = {
    "bbl": _BARREL,
    "Mbbl": 10**3 * _BARREL,
    "MMbbl": 10**6 * _BARREL,
    "gal": _GALLON,
    "L": _LITRE,
    **_METRIC,
}
_OF_GAS = {
    "scf": _CUBIC_FOOT,
    "Mcf": 10**3 * _CUBIC_FOOT,
    "MMcf": 10**6 * _CUBIC_FOOT,
    "Bcf": 10**9 * _CUBIC_FOOT,
    "Tcf": 10**12 * _CUBIC_FOOT,
    **_METRIC,
}

# Keyed by dimension and name, because a cubic metre is another factor for gas than for a liquid:
# "gas/m3".
UNITS: dict[str, Unit] = {
    **{f"liquid/{name}": _liquid(name, size) for name, size in _OF_LIQUID.items()},
    **{f"gas/{name}": _gas(name, size) for name, size in _OF_GAS.items()},
    "mass/t": Unit("t", 1 / _KBD, "mass"),
    "days/day": Unit("day", Fraction(1), "days"),
    "days/h": Unit("h", Fraction(1, 24), "days"),
    "days/month": Unit("month", Fraction(1), "days", of_period=True),
}

_ALIASES = {
    "bbl": "bbls barrel barrels b stb stbbl",
    "Mbbl": "mbbls mstb kbbl kbbls kb 1000bbl 1e3bbl",
    "MMbbl": "mmbbls mmstb 1e6bbl",
    "gal": "gals gallon gallons usgal",
    "L": "l litre litres liter liters",
    "scf": "cf ft3 cuft pc",
    "Mcf": "mscf kcf kscf mft3 1000ft3 1000cf 1000scf 1e3ft3 1e3cf 1e3scf mpc",
    "MMcf": "mmscf mmft3 1e6ft3 1e6cf 1e6scf mmpc",
    "Bcf": "bscf 1e9ft3 1e9cf 1e9scf",
    "Tcf": "tscf 1e12ft3 1e12cf 1e12scf",
    "m3": "sm3 cubicmetre cubicmetres cubicmeter cubicmeters",
    "e3m3": "1e3m3 1000m3 10^3m3 103m3 e3sm3 1e3sm3 1000sm3 10^3sm3 thousandm3 thousandsm3 ksm3",
    "e6m3": "1e6m3 10^6m3 106m3 e6sm3 1e6sm3 10^6sm3 millionm3 millionsm3 millm3 millsm3 mill.sm3",
    "e9m3": "1e9m3 10^9m3 109m3 e9sm3 1e9sm3 10^9sm3 billionm3 billionsm3 bcm",
    "t": "tonne tonnes metricton metrictons",
    "day": "d days dia dias",
    "h": "hr hrs hour hours hora horas",
    "month": "months",
}
_NAMES = {
    alias: name for name, aliases in _ALIASES.items() for alias in (name.lower(), *aliases.split())
}

# Rates that people write as one word.
_WORDS = {
    "kbd": "mbbl/d",
    "kbpd": "mbbl/d",
    "bd": "bbl/d",
    "bpd": "bbl/d",
    "bopd": "bbl/d",
    "bwpd": "bbl/d",
    "bblpd": "bbl/d",
    "stbd": "bbl/d",
    "scfd": "scf/d",
    "mcfd": "mcf/d",
    "mcfpd": "mcf/d",
    "mscfd": "mcf/d",
    "mmcfd": "mmcf/d",
    "mmcfpd": "mmcf/d",
    "mmscfd": "mmcf/d",
    "mpcd": "mcf/d",
    "mmpcd": "mmcf/d",
    "bcfd": "bcf/d",
}

_CUBIC_METRES = "Write e3m3 for a thousand cubic metres, e6m3 for a million."
_VOLUMES_APART = "Map the volume of each product by its own unit."
_REFUSED = {
    "mm3": (
        "a thousand m³ (Brazil, Mexico), a million m³ (SI) or a cubic millimetre",
        _CUBIC_METRES,
    ),
    "mmm3": ("a million m³ (Brazil, Mexico) or a thousand million m³", "Write e6m3 or e9m3."),
    "km3": ("a thousand m³ or a cubic kilometre, a billion m³", "Write e3m3 or e9m3."),
    "mcm": ("a thousand m³ or a million m³", _CUBIC_METRES),
    "mmcm": ("a million m³ or a thousand million m³", "Write e6m3 or e9m3."),
    "mb": (
        "a thousand barrels (US, Mexico) or a million (IEA)",
        "Write Mbbl for a thousand, MMbbl for a million.",
    ),
    "mbd": (
        "a thousand barrels a day (US, Mexico) or a million (IEA)",
        "Write Mbbl/d for a thousand, MMbbl/d for a million.",
    ),
    "boe": ("oil and gas added by their energy, which is the volume of no product", _VOLUMES_APART),
    "mboe": (
        "oil and gas added by their energy, which is the volume of no product",
        _VOLUMES_APART,
    ),
    "toe": ("oil and gas added by their energy, which is the volume of no product", _VOLUMES_APART),
    "ton": (
        "a tonne of 1,000 kg, a short ton of 907 kg or a long ton of 1,016 kg",
        "Write t for tonnes.",
    ),
    "tons": (
        "tonnes of 1,000 kg, short tons of 907 kg or long tons of 1,016 kg",
        "Write t for tonnes.",
    ),
    "mmbtu": (
        "an energy, which is a volume only with a heating value",
        "Map a field that holds the volume.",
    ),
    "gj": (
        "an energy, which is a volume only with a heating value",
        "Map a field that holds the volume.",
    ),
}

_PSI = Fraction("0.45359237") * Fraction("9.80665") / _INCH**2 / 1000  # kPa; NIST SP 811: 6.894757
_ATMOSPHERE = Fraction("101.325")  # kPa
_ZERO_CELSIUS = Fraction("273.15")  # K
_SIXTY_FAHRENHEIT = (60 + Fraction("459.67")) * 5 / 9  # K


def _amount(kelvin: Fraction, kilopascal: Fraction) -> Fraction:
    """Of a volume told at this condition,
    its factor into one at 60 °F and 14.696 psia, for an ideal gas.
    """
    by_pressure = kilopascal / (Fraction("14.696") * _PSI)
    by_temperature = _SIXTY_FAHRENHEIT / kelvin
    return by_pressure * by_temperature


# What `at` may say, and the factor that keeps the amount of gas: of a temperature alone the
# pressure is 101.325 kPa, of a pressure alone the temperature is 60 °F. Blanks, "°", case and the
# part that is understood may be written or not: "15C", "15 °C" and "15 °C, 101.325 kPa" are one, as
# "14.73 psia" and "60 °F 14.73 psia".
AT: dict[str, Fraction] = {
    # Alberta, Norway, the Netherlands, the standard of ISO 13443.
    "15C": _amount(_ZERO_CELSIUS + 15, _ATMOSPHERE),
    "0C": _amount(_ZERO_CELSIUS, _ATMOSPHERE),  # the normal cubic metre
    "20C": _amount(_ZERO_CELSIUS + 20, _ATMOSPHERE),  # Brazil
    "60F": _amount(_SIXTY_FAHRENHEIT, Fraction("14.696") * _PSI),  # ours
    # Texas (Nat. Res. Code 91.052), Oklahoma.
    "14.65psia": _amount(_SIXTY_FAHRENHEIT, Fraction("14.65") * _PSI),
    # US federal leases, Colorado, North Dakota.
    "14.73psia": _amount(_SIXTY_FAHRENHEIT, Fraction("14.73") * _PSI),
    "15.025psia": _amount(_SIXTY_FAHRENHEIT, Fraction("15.025") * _PSI),  # Louisiana (RS 30:47)
}


def parse_unit(text: str, product: str, *, at: str = "") -> Unit:
    """The unit that is written as `text` for a "liquid", for "gas" or for "days". Raises
    UnitUnknown.

    With `at` (gas alone) the factor keeps the amount instead of the volume. "t" is found for a
    liquid, with the dimension "mass".
    """
    plain, rate, factor = _apart(text)
    unit = _find_unit(text, plain, product, at)
    if unit.dimension == "days" and rate is Rate.DAY:
        raise UnitUnknown(f"{_quote(text)} is no time.", "Write day, h or month.")
    if at:
        factor *= _condition(at, product)
    return replace(unit, factor=unit.factor * factor, rate=rate)


def names_of(product: str) -> tuple[str, ...]:
    """The units as we write them, without "/d" and "/h", of a "liquid", of "gas" or of "days"."""
    dimensions = ("liquid", "mass") if product == "liquid" else (product,)
    units = [unit for unit in UNITS.values() if unit.dimension in dimensions]
    return tuple(unit.name for unit in units)


def all_units() -> dict[str, list[str]]:
    """By product, as a form offers them.
    A liquid or a gas may be a rate too: with "/d" or "/h" after it.
    """
    units = {product: list(names_of(product)) for product in ("liquid", "gas", "days")}
    return units | {"at": list(AT)}


def _apart(text: str) -> tuple[str, Rate, Fraction]:
    """The unit without its time, in lower case and without blanks; and the factor into a day.

    "1,000 m³ / h" is 1000m3, a rate, of which a day has 24.
    """
    plain = re.sub(r"\s+|(?<=\d),(?=\d{3})", "", text.lower())  # 1,000 m3 is 1000m3
    plain = plain.replace("³", "3").replace("m^3", "m3")
    plain = plain.replace("⁶", "6").replace("⁹", "9")
    plain = _WORDS.get(plain, plain)

    match = re.fullmatch(r"(.+?)(?:/|per)(d|day|dia|día|h|hr|hour|hora)", plain)
    if not match:
        return plain, Rate.PERIOD, Fraction(1)
    is_hourly = match[2].startswith("h")
    return match[1], Rate.DAY, Fraction(24 if is_hourly else 1)


def _find_unit(text: str, plain: str, product: str, at: str) -> Unit:
    if plain in _REFUSED:
        readings, instead = _REFUSED[plain]
        raise UnitUnknown(f"{_quote(text)} can mean {readings}.", instead)
    if "nm3" in plain:
        return _find_unit(text, _normal(text, plain, at), product, at)

    name = _NAMES.get(plain, "")
    dimension = "mass" if name == "t" and product == "liquid" else product
    unit = UNITS.get(f"{dimension}/{name}")
    if unit is None:
        dimensions = [unit.dimension for unit in UNITS.values() if unit.name == name]
        problem = "is no unit that Wellhead knows"
        if dimensions:
            problem = f"is a unit of {dimensions[0]}, not of {product}"
        names = ", ".join(names_of(product))
        raise UnitUnknown(f"{_quote(text)} {problem}.", f"Write one of {names}.")
    return unit


def _normal(text: str, plain: str, at: str) -> str:
    """Of a normal cubic metre, the plain one that `at` completes."""
    if not at:
        raise UnitUnknown(
            f"{_quote(text)} can mean a cubic metre at 0 °C, 15 °C or 20 °C.",
            'Say which one, such as at = "0C", or write m3 for the volume as it is.',
        )
    return plain.replace("nm3", "m3")


def _condition(at: str, product: str) -> Fraction:
    if product != "gas":
        raise UnitUnknown(f"`at` is for gas, not for {product}.", "Leave it out.")
    plain = re.sub(r"[\s°,;]|and", "", at.lower())
    plain = plain.replace("101.325kpa", "").replace("1atm", "")
    if plain != "60f":
        # Beside a pressure 60 °F is understood, and 14.696 psia at 60 °F is "60F" itself.
        plain = plain.replace("60f", "").replace("14.696psia", "60f") or "60f"

    factors = {name.lower(): factor for name, factor in AT.items()}
    factor = factors.get(plain)
    if factor is None:
        problem = f"{_quote(at)} is no reference condition."
        raise UnitUnknown(problem, f"Write one of {', '.join(AT)}.")
    return factor


def _quote(text: str) -> str:
    """At most 40 characters: what people wrote goes into an error."""
    return repr(text[:40])
