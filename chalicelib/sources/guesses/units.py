"""Units: what the name of a volume says, else what others of the same source say. Nothing else is a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.sources.units import Rate, Unit, UnitUnknown, unit_named
from chalicelib.store.columns import MOST_OF_A_WELL

from . import words as said
from .words import plain, word_set

if TYPE_CHECKING:
    from .look import Seen
    from .regions import Region

MOST_WORDS = 4  # of a unit
DAYS_OF = {"day": 1, "month": 30, "quarter": 91, "year": 365}
MIL = {"mm3": "e3m3", "mmm3": "e6m3", "mb": "Mbbl", "mbd": "Mbbl/d", "mm3d": "e3m3/d", "mm3/d": "e3m3/d"}
MIL_OF = {"liquid": set(MIL.values()), "gas": {"e3m3", "e6m3", "e3m3/d"}, "days": set[str]()}
_SPELT = {
    **dict.fromkeys(word_set("thousand thousands mil miles mille milliers tusen duizend 1000"), "1e3"),
    **dict.fromkeys(word_set("mill million millions millones milhoes mio millioner miljoen"), "1e6"),
    **dict.fromkeys(word_set("bill billion billions mrd milliard milliards milliarder miljard"), "1e9"),
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
    """`text` is as a definition writes it; empty with a `doubt`. `at` is the condition that the name tells."""

    text: str = ""
    why: str = ""
    at: str = ""
    doubt: str = ""
    sure: bool = False


def unit_of_name(seen: Seen, product: str, *, is_mil: bool) -> Named | None:
    """None when the name says nothing of a unit."""
    doubt = None
    for text, shown in _pieces(seen):
        named = _named(text, product, is_mil=is_mil, shown=shown)
        if named and named.text:
            return named
        doubt = doubt or named
    return doubt


def unit_of_text(text: str, product: str) -> str:
    """Of a row of units; empty when it is none."""
    named = _named(text, product, is_mil=False, shown=text)
    return named.text if named else ""


def _pieces(seen: Seen) -> list[tuple[str, str]]:
    """What may be a unit, and how it is written: what stands in brackets, then words side by side, the most first."""
    brackets = re.findall(r"[(\[{]([^()\[\]{}]{1,30})[)\]}]", seen.name.strip("[]"))
    pieces = [(plain(text).strip(), text.strip()) for text in brackets]
    last = [(text.rpartition(" ")[2], shown) for text, shown in pieces]
    for count in range(MOST_WORDS, 0, -1):
        for begin in range(len(seen.words) - count, -1, -1):
            shown = " ".join(seen.words[begin : begin + count])
            some = [_SPELT.get(word, word) for word in shown.split(" ")]
            joined = _SPELT.get("".join(some), "".join(some))
            if some[-1] in _TIMES and count > 1:
                pieces.append(("".join(some[:-1]).removesuffix("per").removesuffix("por") + "/" + some[-1], shown))
            if len(joined) > 1 and joined not in _NO_UNITS:
                pieces.append((joined, shown))
    return [*pieces, *last]


_NO_UNITS = {"pc", "mb"}  # other words, where no bracket says that they are units


def _named(text: str, product: str, *, is_mil: bool, shown: str) -> Named | None:
    plainly = re.sub(r"\s+", "", text.lower()).replace("dia", "d").replace("mpc/d", "mpcd")
    at = "0C" if "nm3" in plainly and product == "gas" else ""
    try:
        unit = unit_named(text, product, at=at)
    except UnitUnknown as exc:
        if is_mil and MIL.get(plainly) in MIL_OF[product]:
            why = f"the name says {shown}, and M is a thousand in Spanish and Portuguese"
            return Named(text=MIL[plainly], why=why)
        return Named(doubt=f"the name says {shown}. {exc.problem}") if "can mean" in exc.problem else None
    if unit.dimension == "mass" or (product == "days" and unit.rate is Rate.DAY):
        return None
    why = f"the name says {shown[:30]}" + (", at 0 °C" if at else "")
    return Named(text=_written(unit, text), why=why, at=at)


def _written(unit: Unit, text: str) -> str:
    """As the grammar names it, with the time that the text has."""
    if unit.rate is Rate.PERIOD:
        return unit.name
    return unit.name + ("/h" if re.search(r"(?:/|per)\s*h", text.lower()) else "/d")


# -- what others say ----------------------------------------------------------------------------


def unit_of_others(product: str, others: dict[str, list[str]], region: Region | None) -> Named | None:
    """`others` are the units that names of other volumes say, of "liquid" and "gas"."""
    if region:
        return Named(text=region.liquid if product == "liquid" else region.gas, why=region.told)
    alike = sorted(set(others.get(product, [])))
    if len(alike) == 1:
        return Named(text=alike[0], why=f"beside volumes in {alike[0]}")
    told = sorted({unit for units in others.values() for unit in units})
    if told and all(unit.partition("/")[0] in _AMERICAN for unit in told):
        rate = "/d" if all("/d" in unit for unit in told) else ""
        text = "bbl" if product == "liquid" else "Mcf"
        return Named(text=text + rate, why=f"beside volumes in {', '.join(told)}")
    return None


def question(seen: Seen, product: str, largest: float | None) -> str:
    """Of a unit that nothing tells; the size alone does not either."""
    told = f" The largest value is {largest:,.10g}." if largest is not None else ""
    asked = QUESTIONS[product]
    is_rate = bool(seen.said & said.RATE)
    return f"unit unknown: {asked}" + (" With /d: the name says a rate." if is_rate else "") + told


def beyond_a_well(column: str, named: Named, largest: float, period: str) -> str:
    """Why a unit cannot be right, and which would be; empty when it can."""
    product = "gas" if column == "gas_production_mmcfd" else "liquid"
    most, rate = MOST_OF_A_WELL[column], _rate(named, product, largest, period)
    if rate <= most:
        return ""
    usual = ("Mcf", "e3m3", "m3") if product == "gas" else ("bbl", "m3")
    fitting = [name for name in usual if _rate(Named(text=name), product, largest, period) <= most]
    ours = "kbd" if product == "liquid" else "MMcfd"
    readings = " or ".join(fitting) or "another unit"
    return f"but {largest:,.10g} would be {rate:,.0f} {ours}, beyond a well: {readings} a {period}?"


def _rate(named: Named, product: str, value: float, period: str) -> float:
    unit = unit_named(named.text, product, at=named.at)
    return value * float(unit.factor) / (DAYS_OF[period] if unit.rate is Rate.PERIOD else 1)
