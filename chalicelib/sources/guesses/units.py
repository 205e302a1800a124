"""Units: what the name of a volume says, else what others of the same source say.
Nothing else is a unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.sources.units import Rate, Unit, UnitUnknown, parse_unit
from chalicelib.store.columns import MOST_OF_A_WELL

from . import words as lexicon
from .words import plain, word_set

if TYPE_CHECKING:
    from .look import SourceField
    from .regions import Region

MOST_WORDS = 4  # of a unit
DAYS_OF = {"day": 1, "month": 30, "quarter": 91, "year": 365}
# What M means to Spanish and Portuguese publishers: a thousand (mil), so that MM is a million.
MIL = {
    "mm3": "e3m3",
    "mmm3": "e6m3",
    "mb": "Mbbl",
    "mbd": "Mbbl/d",
    "mm3d": "e3m3/d",
    "mm3/d": "e3m3/d",
}
# Of MIL, the units that each product can have.
MIL_OF = {"liquid": set(MIL.values()), "gas": {"e3m3", "e6m3", "e3m3/d"}, "days": set[str]()}
_SPELT = {
    **dict.fromkeys(
        word_set("thousand thousands mil miles mille milliers tusen duizend 1000"), "1e3"
    ),
    **dict.fromkeys(
        word_set("mill million millions millones milhoes mio millioner miljoen"), "1e6"
    ),
    **dict.fromkeys(
        word_set("bill billion billions mrd milliard milliards milliarder miljard"), "1e9"
    ),
    **dict.fromkeys(word_set("bbls barrel barrels barriles barris barils fat vaten stb"), "bbl"),
    **dict.fromkeys(word_set("of de da do"), ""),
    "ksm": "ksm3",
    "kl": "m3",
    "bppd": "bopd",
    "bapd": "bwpd",
}
_TIMES = {"d", "day", "dia", "h", "hr", "hour"}
_AMERICAN = {"bbl", "Mbbl", "MMbbl", "gal", "scf", "Mcf", "MMcf", "Bcf", "Tcf"}
QUESTIONS = {"liquid": "bbl, Mbbl or m3?", "gas": "Mcf, MMcf or thousand m3 (e3m3)?"}


@dataclass(frozen=True, kw_only=True)
class Named:
    """`text` is as a definition writes it; empty with a `doubt`.
    `at` is the condition that the name tells.
    """

    text: str = ""
    why: str = ""
    at: str = ""
    doubt: str = ""
    sure: bool = False


def unit_of_name(field: SourceField, product: str, *, is_mil: bool) -> Named | None:
    """None when the name says nothing of a unit."""
    first_doubt = None
    for text, shown in _pieces(field):
        named = _read_unit(text, product, is_mil=is_mil, shown=shown)
        if named and named.text:
            return named
        first_doubt = first_doubt or named
    return first_doubt


def unit_of_text(text: str, product: str) -> str:
    """Of a row of units; empty when it is none."""
    named = _read_unit(text, product, is_mil=False, shown=text)
    return named.text if named else ""


def _pieces(field: SourceField) -> list[tuple[str, str]]:
    """What may be a unit, and how it is written: what stands in brackets, then words side by side,
    the most first.

    Of "Oil production (1000 barrels per day)": what the brackets hold, then 1e3bbl/day, bbl/day, …,
    and last the last word in the brackets.
    """
    # A name that is in brackets as a whole is no unit for that: of "[Oil]" nothing is.
    brackets = re.findall(r"[(\[{]([^()\[\]{}]{1,30})[)\]}]", field.name.strip("[]"))
    in_brackets = [(plain(text).strip(), text.strip()) for text in brackets]
    last_words = [(text.rpartition(" ")[2], shown) for text, shown in in_brackets]

    side_by_side: list[tuple[str, str]] = []
    for count in range(MOST_WORDS, 0, -1):
        last_begin = len(field.words) - count
        for begin in range(last_begin, -1, -1):  # a unit stands at the end of a name
            words = field.words[begin : begin + count]
            side_by_side += _pieces_of(words)

    return [*in_brackets, *side_by_side, *last_words]


def _pieces_of(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Of `thousand barrels per day`: 1e3bbl/day, and all of it in one word."""
    shown = " ".join(words)
    *volume, last = [_SPELT.get(word, word) for word in words]

    pieces = []
    if volume and last in _TIMES:
        volume_unit = "".join(volume).removesuffix("per").removesuffix("por")
        pieces.append((f"{volume_unit}/{last}", shown))

    whole = "".join([*volume, last])
    whole = _SPELT.get(whole, whole)
    if len(whole) > 1 and whole not in _NO_UNITS:
        pieces.append((whole, shown))
    return pieces


_NO_UNITS = {"pc", "mb"}  # other words, where no bracket says that they are units


def _read_unit(text: str, product: str, *, is_mil: bool, shown: str) -> Named | None:
    """None when it is no unit of the product. `shown` is how the name writes it."""
    letters = re.sub(r"\s+", "", text.lower())
    key = letters.replace("dia", "d").replace("mpc/d", "mpcd")
    condition = "0C" if "nm3" in key and product == "gas" else ""  # N is for normal: at 0 °C
    try:
        unit = parse_unit(text, product, at=condition)
    except UnitUnknown as exc:
        if is_mil and MIL.get(key) in MIL_OF[product]:
            why = f"the name says {shown}, and M is a thousand in Spanish and Portuguese"
            return Named(text=MIL[key], why=why)
        if "can mean" in exc.problem:
            return Named(doubt=f"the name says {shown}. {exc.problem}")
        return None

    is_per_day = product == "days" and unit.rate is Rate.DAY
    if unit.dimension == "mass" or is_per_day:
        return None

    why = f"the name says {shown[:30]}"
    if condition:
        why += ", at 0 °C"
    return Named(text=_unit_text(unit, text), why=why, at=condition)


def _unit_text(unit: Unit, text: str) -> str:
    """As the grammar names it, with the time that the text has."""
    if unit.rate is Rate.PERIOD:
        return unit.name
    is_hourly = re.search(r"(?:/|per)\s*h", text.lower())
    return unit.name + ("/h" if is_hourly else "/d")


# -- what others say ----------------------------------------------------------------------------


def unit_of_others(
    product: str, others: dict[str, list[str]], region: Region | None
) -> Named | None:
    """`others` are the units that names of other volumes say, of "liquid" and "gas"."""
    if region:
        text = region.liquid if product == "liquid" else region.gas
        return Named(text=text, why=region.why)

    of_product = sorted(set(others.get(product, [])))
    if len(of_product) == 1:
        return Named(text=of_product[0], why=f"next to volumes in {of_product[0]}")

    # Gas beside oil in bbl is in Mcf; beside oil in m3 it may be in m3 or in thousands.
    all_units = {unit for units in others.values() for unit in units}
    units = sorted(all_units)
    are_american = all(unit.partition("/")[0] in _AMERICAN for unit in units)
    if not units or not are_american:
        return None

    text = "bbl" if product == "liquid" else "Mcf"
    if all("/d" in unit for unit in units):
        text += "/d"
    return Named(text=text, why=f"next to volumes in {', '.join(units)}")


def question(field: SourceField, product: str, largest: float | None) -> str:
    """Of a unit that nothing tells; the size alone does not either."""
    sentences = [f"unit unknown: {QUESTIONS[product]}"]
    if field.terms & lexicon.RATE:
        sentences.append("With /d: the name says a rate.")
    if largest is not None:
        sentences.append(f"The largest value is {largest:,.10g}.")
    return " ".join(sentences)


def beyond_a_well(column: str, named: Named, largest: float, period: str) -> str:
    """Why a unit cannot be right, and which would be; empty when it can."""
    product = "gas" if column == "gas_production_mmcfd" else "liquid"
    most = MOST_OF_A_WELL[column]
    rate = _rate(named, product, largest, period)
    if rate <= most:
        return ""

    usual = ("Mcf", "e3m3", "m3") if product == "gas" else ("bbl", "m3")
    rates = {text: _rate(Named(text=text), product, largest, period) for text in usual}
    fitting = [text for text, usual_rate in rates.items() if usual_rate <= most]
    readings = " or ".join(fitting) or "another unit"
    our_unit = "kbd" if product == "liquid" else "MMcfd"
    return (
        f"but {largest:,.10g} would be {rate:,.0f} {our_unit}, beyond a well: "
        f"{readings} a {period}?"
    )


def _rate(named: Named, product: str, value: float, period: str) -> float:
    unit = parse_unit(named.text, product, at=named.at)
    days = DAYS_OF[period] if unit.rate is Rate.PERIOD else 1
    return value * float(unit.factor) / days
