"""Regions: what the form of an identifier tells of where its well is,
and so of the units of its reports.

33-053-06543 is an API number of state 33, North Dakota, whose reports are in bbl and Mcf.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .look import SourceField

# The first two digits of an API number: API Bulletin D12A, "The API Well Number and Standard State
# and County Codes".
_ONSHORE = [
    "Alabama", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware",
    "District of Columbia", "Florida", "Georgia", "Idaho", "Illinois", "Indiana", "Iowa", "Kansas", "Kentucky",
    "Louisiana", "Maine", "Maryland", "Massachusetts", "Michigan", "Minnesota", "Mississippi", "Missouri",
    "Montana", "Nebraska", "Nevada", "New Hampshire", "New Jersey", "New Mexico", "New York", "North Carolina",
    "North Dakota", "Ohio", "Oklahoma", "Oregon", "Pennsylvania", "Rhode Island", "South Carolina",
    "South Dakota", "Tennessee", "Texas", "Utah", "Vermont", "Virginia", "Washington", "West Virginia",
    "Wisconsin", "Wyoming", "Alaska", "Hawaii",
]  # fmt: skip
STATES = {f"{place:02}": name for place, name in enumerate(_ONSHORE, 1)} | {
    "55": "Alaska offshore",
    "56": "Pacific offshore",
    "60": "Gulf offshore",
    "61": "Atlantic offshore",
}
API_DASHED = re.compile(r"([0-9]{2})-([0-9]{3})-([0-9]{5})(?:-[0-9]{2}){0,2}", re.ASCII)
API_DIGITS = re.compile(r"([0-9]{2})[0-9]{8}(?:[0-9]{2}){0,2}", re.ASCII)
API_NUMBER = re.compile(r"([1-9])[0-9]{8}(?:[0-9]{2}){0,2}", re.ASCII)  # its leading zero was lost
# The state is understood.
_API_COUNTY = re.compile(r"[0-9]{3}-[0-9]{5}(?:-[0-9]{2}){0,2}", re.ASCII)
_UWI = re.compile(
    r"(?:(AB|BC|SK|MB)?WI)?1[0-9A-Z][0-9]/?[0-9]{2}-?[0-9]{2}-?[0-9]{3}-?[0-9]{2}W([1-6])(?:M)?/?[0-9]{1,2}",
    re.IGNORECASE,
)
_BC_UWI = re.compile(
    r"(?:BCWI)?200/?[A-D]-?[0-9]{3}-?[A-L]/?-?0?9[0-9]-?[A-P]-?[0-9]{2}/?[0-9]{2}", re.IGNORECASE
)
_NORTH_SEA = re.compile(
    r"(NO )?[0-9]{1,4}/[0-9]{1,2}[a-z]?-[A-Z0-9]+(?:[- ][A-Z0-9]+)*", re.IGNORECASE
)
_BRAZIL = re.compile(r"[1-9]{1,2}-[A-Z]{2,4}-?[0-9]{1,4}[A-Z]{0,4}-[A-Z]{2,3}")


@dataclass(frozen=True, kw_only=True)
class Region:
    """`liquid` and `gas` are the units of its reports; `why` says what tells them."""

    liquid: str
    gas: str
    why: str
    is_american: bool = False


def api_region(state: str) -> Region:
    why = f"API numbers of state {state} ({STATES[state]}) report bbl and Mcf"
    return Region(liquid="bbl", gas="Mcf", why=why, is_american=True)


AMERICAN = Region(
    liquid="bbl",
    gas="Mcf",
    why="wells named as 059-27077 have API numbers without their state, which reports bbl and Mcf",
    is_american=True,
)
TEXAS = Region(
    liquid="bbl",
    gas="Mcf",
    why="leases of districts are of Texas, which reports bbl and Mcf",
    is_american=True,
)
CANADA = Region(
    liquid="m3",
    gas="e3m3",
    why="wells with a UWI (western Canada) report m3, and gas in thousand m3",
)
NORWAY = Region(
    liquid="Sm3",
    gas="Sm3",
    why="wells named as NO 15/9-F-1 are of the North Sea, which reports Sm3",
)
BRAZIL = Region(
    liquid="m3",
    gas="e3m3",
    why="wells named as 7-MLL-3-RJS are of Brazil, which reports m3 and 1000 m3",
)
NPD = Region(
    liquid="Sm3",
    gas="Sm3",
    why="names with prf or NPD are of the Norwegian directorate, which reports Sm3",
)
ARGENTINA = Region(
    liquid="m3",
    gas="e3m3",
    why="idpozo and tef are of Argentina, which reports m3 and thousand m3",
)


def region_of_codes(field: SourceField, *, is_well: bool) -> Region | None:
    """Of nearly all values of a field.
    Ten digits by themselves are an API number only where a well is named.
    """
    if field.is_mostly(API_DASHED.fullmatch) or (is_well and is_api(field)):
        return _of_states(field)
    if is_well and field.is_mostly(_API_COUNTY.fullmatch):
        return AMERICAN
    if field.is_mostly(is_uwi):
        return CANADA
    if field.is_mostly(_BRAZIL.fullmatch):
        return BRAZIL
    if field.is_mostly(_NORTH_SEA.fullmatch):
        return NORWAY
    return None


def is_uwi(text: str) -> bool:
    match = _UWI.fullmatch(text) or _BC_UWI.fullmatch(text)
    return match is not None


def is_api(field: SourceField) -> bool:
    """With dashes, or digits of the right number that begin with a state."""
    return field.is_mostly(lambda value: API_DASHED.fullmatch(value) or _state(value))


def is_identifier(field: SourceField) -> bool:
    """By its values alone, whatever it is called."""
    return field.is_mostly(is_code_of_well)


def is_code_of_well(text: str) -> bool:
    """What can be nothing else."""
    if API_DASHED.fullmatch(text):
        return True
    return is_uwi(text)


def region_of_names(names: list[tuple[str, ...]]) -> Region | None:
    """Of what a publisher calls its columns."""
    all_words = {word for words in names for word in words}
    if {"prf", "npd", "npdid"} & all_words:
        return NPD
    if {"pozo", "tef"} <= all_words:
        return ARGENTINA
    return None


def _of_states(field: SourceField) -> Region | None:
    """Of the state that most rows are of."""
    rows_of_state: Counter[str] = Counter()
    for value, count in field.counts.items():
        state = _state(value)
        rows_of_state[state] += count

    del rows_of_state[""]
    states = sorted(rows_of_state)  # of equals the first, whatever the order of the rows
    most = max(states, key=lambda state: rows_of_state[state])
    return api_region(most)


def _state(text: str) -> str:
    """33-053-06543 is of 33, and the number 512345678 of 05; "" of what is no API number."""
    whole = API_DASHED.fullmatch(text) or API_DIGITS.fullmatch(text)
    if whole:
        state = whole[1]
        return state if state in STATES else ""

    shortened = API_NUMBER.fullmatch(text)
    if shortened:
        return f"0{shortened[1]}"
    return ""
