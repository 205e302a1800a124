"""ComposedWell: an API number that stands in several fields, as state, county and sequence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .look import USUAL
from .regions import API_DASHED, STATES, api_region

if TYPE_CHECKING:
    from .look import SourceField
    from .regions import Region

COMPOSED = "the API number stands in several fields"
_PLACES = re.compile(r"[{}:]")


class ComposedWell(NamedTuple):
    """`template` is how a definition puts the fields together."""

    template: str
    why: str
    fields: tuple[str, ...]
    region: Region | None


def compose_well(free: list[SourceField]) -> ComposedWell | None:
    """STATE, COUNTY and API_SEQ with 42, 3 and 1234 are written as
    "{STATE:02}-{COUNTY:03}-{API_SEQ:05}", which makes 42-003-01234. None where the fields are not
    there.
    """
    sayable = [field for field in free if _is_sayable(field.name)]
    county = _number_with(sayable, {"county", "cnty"}, 3)
    by_sequence = _number_with(sayable, {"sequence", "seq", "unique"}, 5)
    number = by_sequence or _number_with(sayable, {"api", "well"}, 5)
    if county is None or number is None or county is number:
        return None
    if "api" not in county.terms | number.terms:
        return None

    # "{COUNTY:03}-{API_SEQ:05}", where the braces are those of the template.
    template = f"{{{county.name}:03}}-{{{number.name}:05}}"
    rest = [field for field in sayable if field is not county]
    state = _number_with(rest, {"state", "st"}, 2)
    if state is None:
        return _without_state(free, county, number, template)

    # Of several states the first one stands for all.
    first_state = next(iter(state.counts), "0")
    code = f"{int(first_state):02}"
    return ComposedWell(
        template=f"{{{state.name}:02}}-{template}",
        why=COMPOSED,
        fields=(state.name, county.name, number.name),
        region=api_region(code) if code in STATES else None,
    )


def _is_sayable(name: str) -> bool:
    """In a template, where {NAME:05} is a field."""
    return not _PLACES.search(name) and name == name.strip()


def _without_state(
    free: list[SourceField], county: SourceField, number: SourceField, template: str
) -> ComposedWell:
    code, witness = _state_beside(free, county, number)
    if code:
        template = f"{code}-{template}"
        why = f"{COMPOSED}, and {witness!r} tells the state, {code} ({STATES[code]})"
    else:
        why = f"{COMPOSED}; the two digits of the state should stand before it"
    return ComposedWell(
        template=template,
        why=why,
        fields=(county.name, number.name),
        region=api_region(code) if code else None,
    )


def _number_with(free: list[SourceField], wanted: set[str], digits: int) -> SourceField | None:
    """A field of whole numbers with at most so many digits,
    whose name has one of the words (or both api and well).
    """
    short = re.compile(rf"[0-9]{{1,{digits}}}(\.0)?", re.ASCII)
    needs_both = wanted == {"api", "well"}
    for field in free:
        is_named = wanted <= field.terms if needs_both else wanted & field.terms
        if not is_named or field.terms & {"name", "county_name", "status"}:
            continue

        if not field.filled_count or field.share(short.fullmatch) >= USUAL:
            return field
    return None


def _state_beside(
    free: list[SourceField], county: SourceField, number: SourceField
) -> tuple[str, str]:
    """Another field may hold the whole number, and so its state:
    the digits, and the field's name.
    """
    for field in free:
        if field in (county, number) or not field.filled_count:
            continue

        states = []
        for whole, first, second in zip(field.values, county.values, number.values, strict=True):
            match = API_DASHED.fullmatch(whole)  # state, county and number: 05-123-00456
            if match and match.group(2, 3) == (first.zfill(3), second.zfill(5)):
                states.append(match[1])

        is_whole = len(states) >= USUAL * field.filled_count
        if is_whole and len(set(states)) == 1 and states[0] in STATES:
            return states[0], field.name
    return "", ""
