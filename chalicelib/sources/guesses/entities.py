"""Entities: which fields tell the well and the field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS

from . import words as said
from .look import USUAL, Guess
from .regions import API_DASHED, STATES, TEXAS, api_region, is_api, is_identifier, is_uwi, region_of_codes

if TYPE_CHECKING:
    from .look import Seen, Table
    from .regions import Region

LEAST_FILLED = 0.5
OWN = {re.sub(r"[^a-z0-9]", "", column.name): column.name for column in COLUMNS}
_PLACES = re.compile(r"[{}:]")


@dataclass(kw_only=True)
class Entities:
    """`well` and `field` are the fields that tell a row's well and field apart; empty when none does."""

    guesses: list[Guess] = field(default_factory=list)
    well: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    is_whole_field: bool = False
    is_lease: bool = False
    region: Region | None = None

    @property
    def names(self) -> set[str]:
        """All fields that are taken."""
        taken = {*self.well, *self.field}
        return taken | {guess.value for guess in self.guesses if guess.is_complete and isinstance(guess.value, str)}


def find_entities(table: Table, volumes: set[str]) -> Entities:
    """`volumes` are fields that hold something else."""
    free = [seen for seen in table.fields if seen.name not in volumes and not seen.is_fraction]
    found = Entities()
    _find_well(found, free)
    _find_field(found, free)
    _find_whole(found, free)
    _find_well_names(found, free)
    order = ("field_code", "field_name", "well_code", "well_reference", "well_name")
    found.guesses.sort(key=lambda guess: order.index(guess.key.removeprefix("columns.")))
    return found


def _guess(column: str, value: Any, why: str, *, sure: bool = False, is_complete: bool = True) -> Guess:
    return Guess(key=f"columns.{column}", value=value, why=why, sure=sure, is_complete=is_complete)


def _own(seen: Seen) -> str:
    """The column that it is called like."""
    return OWN.get(re.sub(r"[^a-z0-9]", "", seen.name.lower()), "")


# -- the well -----------------------------------------------------------------------------------


def _find_well(found: Entities, free: list[Seen]) -> None:
    best = max(free, key=_as_well, default=None)
    if (best is None or not (is_api(best) and best.said & said.WELL)) and (composed := _composed(free)):
        found.guesses.append(composed[0])
        found.well, found.region = composed[1:]
        return
    if best is None or _as_well(best) <= 0:
        _ask_for_well(found, free, "no field names a well; a lease stands for it")
        return
    if best.values and best.share_filled < USUAL and _own(best) != "well_code":
        some = f"{best.name!r} is empty in {len(best.values) - best.filled:,} rows, so a lease stands for the well"
        _ask_for_well(found, [seen for seen in free if seen.share_filled >= USUAL], some)
        if found.well:
            found.region = region_of_codes(best, is_well=True)
            return
    found.well = (best.name,)
    found.region = region_of_codes(best, is_well=True)
    own = _own(best) == "well_code"
    found.guesses.append(_guess("well_code", best.name, _why_well(best), sure=own))


def _as_well(seen: Seen) -> int:
    """How well the field tells a well; 0 when it does not."""
    if _own(seen) == "well_code":
        return 1_000
    if _own(seen):
        return {"well_name": 20, "well_reference": 10}.get(_own(seen), 0)
    by_value = 55 if is_identifier(seen) else 0
    if seen.said & said.NO_WELL and not is_api(seen):
        return by_value
    if not seen.said & said.WELL or seen.said & {"information", "carrier"}:
        return by_value
    score = by_value + 70 - 60 * (bool(seen.counts) and seen.share_filled < LEAST_FILLED)
    score += 30 * bool(seen.said & {"uwi", "api"}) + 15 * ("npdid" in seen.said)
    score += 10 * bool(seen.said & said.CODE) - 5 * ("permit" in seen.said)
    score -= 15 * bool(seen.said & said.NAME) + 20 * (
        seen.said <= {"well", "number", "no", "num"} and len(seen.said) > 1
    )
    return max(score + 10, 1)


def _why_well(seen: Seen) -> str:
    if _own(seen) == "well_code":
        return "the name is ours"
    if _own(seen):
        return "nothing else tells a well"
    if is_identifier(seen) and not seen.said & said.WELL:
        kind = "a UWI" if seen.is_mostly(is_uwi) else "API numbers"
        return f"its values are {kind}"
    word = next((word for word in seen.words if word in said.WELL), "")
    return f"the name says {word}"


def _ask_for_well(found: Entities, free: list[Seen], why: str) -> None:
    """A lease stands for a well where nothing else does."""
    leases = [seen for seen in free if seen.said & {"lease", "pad"} and not seen.said & (said.NO_FIELD | {"type"})]
    leases.sort(key=lambda seen: (not seen.said & said.CODE, bool(seen.said & said.NAME)))
    if leases:
        lease = leases[0]
        districts = [seen for seen in free if _is_district(seen) and lease.said & said.CODE]
        found.well, found.is_lease = (*(seen.name for seen in districts), lease.name), True
        why += ", and its number is one of its district" if districts else ""
        found.region = TEXAS if districts else None
        found.guesses.append(_guess("well_code", list(found.well) if districts else lease.name, why))


def _is_district(seen: Seen) -> bool:
    """In Texas a lease's number is one of a district, and of oil or of gas."""
    is_number = "district" in seen.said and "lease" not in seen.said and seen.said & said.CODE
    return bool(is_number or {"oil", "gas", "code"} <= seen.said) and seen.share_filled >= USUAL


def _composed(free: list[Seen]) -> tuple[Guess, tuple[str, ...], Region | None] | None:
    """An API number in several fields: state, county, sequence."""
    sayable = [seen for seen in free if not _PLACES.search(seen.name) and seen.name == seen.name.strip()]
    county = _number_with(sayable, {"county", "cnty"}, 3)
    number = _number_with(sayable, {"sequence", "seq", "unique"}, 5) or _number_with(sayable, {"api", "well"}, 5)
    if county is None or number is None or county is number or "api" not in county.said | number.said:
        return None
    template = f"{{{county.name}:03}}-{{{number.name}:05}}"
    state = _number_with([seen for seen in sayable if seen is not county], {"state", "st"}, 2)
    why = "the API number stands in several fields"
    if state is not None:
        code = f"{int(next(iter(state.counts), '0')):02}"
        region = api_region(code) if code in STATES else None
        template = f"{{{state.name}:02}}-{template}"
        return _guess("well_code", {"template": template}, why), (state.name, county.name, number.name), region
    code, witness = _state_beside(free, county, number)
    if code:
        template, why = f"{code}-{template}", f"{why}, and {witness!r} tells the state, {code} ({STATES[code]})"
    else:
        why += "; the two digits of the state should stand before it"
    return (
        _guess("well_code", {"template": template}, why),
        (county.name, number.name),
        api_region(code) if code else None,
    )


def _number_with(free: list[Seen], wanted: set[str], digits: int) -> Seen | None:
    """A field of whole numbers with at most so many digits, whose name has one of the words (or both api and well)."""
    for seen in free:
        is_named = wanted <= seen.said if wanted == {"api", "well"} else wanted & seen.said
        is_short = not seen.filled or seen.share(re.compile(rf"[0-9]{{1,{digits}}}(\.0)?", re.ASCII).fullmatch) >= USUAL
        if is_named and is_short and not seen.said & {"name", "county_name", "status"}:
            return seen
    return None


def _state_beside(free: list[Seen], county: Seen, number: Seen) -> tuple[str, str]:
    """Another field may hold the whole number, and so its state."""
    for seen in free:
        if seen in (county, number) or not seen.filled:
            continue
        found = [API_DASHED.fullmatch(value) for value in seen.values]
        fits = [
            match[1]
            for match, first, second in zip(found, county.values, number.values, strict=True)
            if match and first.zfill(3) == match[2] and second.zfill(5) == match[3]
        ]
        if len(fits) >= USUAL * seen.filled and len(set(fits)) == 1 and fits[0] in STATES:
            return fits[0], seen.name
    return "", ""


# -- the field ----------------------------------------------------------------------------------


def _find_field(found: Entities, free: list[Seen]) -> None:
    candidates = [seen for seen in free if _is_field(seen) and seen.name not in found.well]
    own = [seen for seen in candidates if _own(seen) == "field_code"]
    names = [seen for seen in candidates if seen.said & said.NAME and not seen.said & said.CODE]
    codes = own or [seen for seen in candidates if seen.said & said.CODE and seen not in names]
    codes = codes or [seen for seen in candidates if seen not in names] or names
    if not codes:
        _ask_for_field(found, free)
        return
    code = codes[0]
    found.field = (code.name,)
    word = next((word for word in code.words if word in said.FIELD), "")
    why = "the name is ours" if own else f"the name says {word}"
    found.guesses.append(_guess("field_code", code.name, why, sure=bool(own)))
    rest = [seen for seen in candidates if seen is not code and not seen.said & said.CODE]
    if names or (code.said & said.CODE and rest):
        named = (names or rest)[0]
        found.guesses.append(_guess("field_name", named.name, "the name says so", sure=_own(named) != ""))


def _is_field(seen: Seen) -> bool:
    if _own(seen):
        return _own(seen) in ("field_code", "field_name")
    is_filled = not seen.counts or seen.share_filled >= LEAST_FILLED
    return (
        bool(seen.said & said.FIELD)
        and not seen.said & (said.NO_FIELD | {"area"})
        and is_filled
        and seen.kind != "date"
    )


def _ask_for_field(found: Entities, free: list[Seen]) -> None:
    """A lease or an area may be meant; who knows better says so."""
    near = [
        seen
        for seen in free
        if seen.said & said.LEASE and not seen.said & said.NO_FIELD and seen.name not in found.well
    ]
    if near:
        why = f"no field of the data is a field; should {near[0].name!r} stand for it? Else the name above does"
        found.guesses.append(_guess("field_code", near[0].name, why, is_complete=False))


def _find_whole(found: Entities, free: list[Seen]) -> None:
    """Rows of fields: nothing tells a well."""
    if found.well:
        return
    if found.field:
        found.is_whole_field = True
        why = "nothing tells a well, so rows are taken for those of whole fields"
        found.guesses.append(_guess("well_code", {"value": "*"}, why))
    else:
        some = next((seen.name for seen in free), "FIELD OF THE WELL")
        found.guesses.append(
            _guess("well_code", some, "no field looks like a well: name the right one", is_complete=False)
        )


# -- names of the well --------------------------------------------------------------------------


def _find_well_names(found: Entities, free: list[Seen]) -> None:
    taken = {*found.well, *found.field}
    rest = [seen for seen in free if seen.name not in taken and (seen.filled or not seen.values)]
    named = next((seen for seen in rest if _own(seen) == "well_name"), None) or next(
        (seen for seen in rest if _is_of_well(seen) and seen.said & said.NAME), None
    )
    if named:
        found.guesses.append(_guess("well_name", named.name, "the name says so", sure=_own(named) != ""))
    other = next((seen for seen in rest if _own(seen) == "well_reference"), None) or next(
        (seen for seen in rest if seen is not named and _is_reference(seen)), None
    )
    if other and not found.is_whole_field:
        found.guesses.append(_guess("well_reference", other.name, "another name of the well", sure=_own(other) != ""))


def _is_of_well(seen: Seen) -> bool:
    is_well = bool(seen.said & said.WELL) and not seen.said & said.NO_WELL and not seen.said & said.FIELD
    return is_well and not _own(seen) and not seen.is_fraction


def _is_reference(seen: Seen) -> bool:
    is_number = _is_of_well(seen) and bool(seen.said & (said.CODE | {"uwi", "api", "npdid"}))
    return is_number or (is_identifier(seen) and not _own(seen))
