"""Entities: which fields tell the well and the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS

from . import words as lexicon
from .composed_well import compose_well
from .look import USUAL, Guess
from .regions import TEXAS, is_api, is_identifier, is_uwi, region_of_codes
from .words import word_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from .look import SourceField, Table
    from .regions import Region

LEAST_FILLED = 0.5
OWN = {re.sub(r"[^a-z0-9]", "", column.name): column.name for column in COLUMNS}
_WELL_NUMBER = word_set("well number no num")


@dataclass(kw_only=True)
class Entities:
    """`well` and `field` are the fields that tell a row's well and field apart;
    empty when none does.
    """

    guesses: list[Guess] = default(default_factory=list)
    well: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    is_whole_field: bool = False
    is_lease: bool = False
    region: Region | None = None

    @property
    def names(self) -> set[str]:
        """All fields that are taken."""
        complete = [guess.value for guess in self.guesses if guess.is_complete]
        names = {value for value in complete if isinstance(value, str)}
        return {*self.well, *self.field, *names}


def find_entities(table: Table, volumes: set[str]) -> Entities:
    """`volumes` are fields that hold something else."""
    free = [field for field in table.fields if field.name not in volumes and not field.is_fraction]
    entities = Entities()
    _find_well(entities, free)
    _find_field(entities, free)
    _find_whole(entities, free)
    _find_well_names(entities, free)

    order = ("field_code", "field_name", "well_code", "well_reference", "well_name")
    entities.guesses.sort(key=lambda guess: order.index(guess.key.removeprefix("columns.")))
    return entities


def _guess(
    column: str, value: Any, why: str, *, sure: bool = False, is_complete: bool = True
) -> Guess:
    return Guess(key=f"columns.{column}", value=value, why=why, sure=sure, is_complete=is_complete)


def _own(field: SourceField) -> str:
    """The column that it is called like."""
    letters = re.sub(r"[^a-z0-9]", "", field.name.lower())
    return OWN.get(letters, "")


# -- the well -----------------------------------------------------------------------------------


def _find_well(found: Entities, free: list[SourceField]) -> None:
    """The field of an API number; else a code composed of several; else the likeliest, unless a
    lease stands for it.
    """
    best = max(free, key=_as_well, default=None)
    is_api_of_well = best is not None and is_api(best) and bool(best.terms & lexicon.WELL)
    if not is_api_of_well and (composed := compose_well(free)):
        found.guesses.append(_guess("well_code", {"template": composed.template}, composed.why))
        found.well = composed.fields
        found.region = composed.region
        return

    if best is None or _as_well(best) <= 0:
        _ask_for_well(found, free, "no field names a well; a lease stands for it")
        return

    # Rows without a well would be rejected. In Texas they are those of oil leases, which name none.
    is_own = _own(best) == "well_code"
    if best.values and best.filled_share < USUAL and not is_own:
        empty_count = len(best.values) - best.filled_count
        why = f"{best.name!r} is empty in {empty_count:,} rows, so a lease stands for the well"
        filled = [field for field in free if field.filled_share >= USUAL]
        _ask_for_well(found, filled, why)
        if found.well:
            found.region = region_of_codes(best, is_well=True)
            return

    found.well = (best.name,)
    found.region = region_of_codes(best, is_well=True)
    found.guesses.append(_guess("well_code", best.name, _why_well(best), sure=is_own))


def _as_well(field: SourceField) -> int:
    """How well the field tells a well; 0 when it does not."""
    if column := _own(field):
        return {"well_code": 1_000, "well_name": 20, "well_reference": 10}.get(column, 0)

    terms = field.terms
    by_value = 55 if is_identifier(field) else 0
    if terms & lexicon.NO_WELL and not is_api(field):
        return by_value
    if not terms & lexicon.WELL or terms & {"information", "carrier"}:
        return by_value

    score = by_value + 80 + _score_of_name(terms)
    if field.counts and field.filled_share < LEAST_FILLED:
        score -= 60
    return max(score, 1)


def _score_of_name(terms: frozenset[str]) -> int:
    score = 0
    if terms & {"uwi", "api"}:
        score += 30
    if "npdid" in terms:
        score += 15
    if terms & lexicon.CODE:
        score += 10
    if "permit" in terms:
        score -= 5
    if terms & lexicon.NAME:
        score -= 15
    if terms <= _WELL_NUMBER and len(terms) > 1:  # of a lease's wells: each lease has a well no. 1
        score -= 20
    return score


def _why_well(field: SourceField) -> str:
    if _own(field) == "well_code":
        return "the name is ours"
    if _own(field):
        return "nothing else tells a well"
    if is_identifier(field) and not field.terms & lexicon.WELL:
        kind = "a UWI" if field.is_mostly(is_uwi) else "API numbers"
        return f"its values are {kind}"
    word = next((word for word in field.words if word in lexicon.WELL), "")
    return f"the name says {word}"


def _ask_for_well(found: Entities, free: list[SourceField], why: str) -> None:
    """A lease stands for a well where nothing else does."""
    leases = [field for field in free if _is_lease(field)]
    if not leases:
        return

    def rank(field: SourceField) -> tuple[bool, bool]:
        has_code = bool(field.terms & lexicon.CODE)
        has_name = bool(field.terms & lexicon.NAME)
        return not has_code, has_name

    lease = min(leases, key=rank)
    districts: list[str] = []
    if lease.terms & lexicon.CODE:
        districts = [field.name for field in free if _is_district(field)]
    found.well = (*districts, lease.name)
    found.is_lease = True

    value: str | list[str] = lease.name
    if districts:
        why += ", and its number is one of its district"
        found.region = TEXAS
        value = list(found.well)
    else:
        found.region = None
    found.guesses.append(_guess("well_code", value, why))


def _is_lease(field: SourceField) -> bool:
    is_lease = field.terms & {"lease", "pad"}
    is_else = field.terms & (lexicon.NO_FIELD | {"type"})
    return bool(is_lease) and not is_else


def _is_district(field: SourceField) -> bool:
    """In Texas a lease's number is one of a district, and of oil or of gas."""
    terms = field.terms
    is_number = "district" in terms and "lease" not in terms and terms & lexicon.CODE
    is_product = {"oil", "gas", "code"} <= terms
    if not is_number and not is_product:
        return False
    return field.filled_share >= USUAL


# -- the field ----------------------------------------------------------------------------------


def _find_field(found: Entities, free: list[SourceField]) -> None:
    candidates = [field for field in free if _is_field(field) and field.name not in found.well]
    if not candidates:
        _ask_for_field(found, free)
        return

    own_codes = [field for field in candidates if _own(field) == "field_code"]
    with_code = [field for field in candidates if field.terms & lexicon.CODE]
    names = [field for field in candidates if field.terms & lexicon.NAME and field not in with_code]
    others = [field for field in candidates if field not in names]

    # A name stands for the code where nothing else does: it tells fields apart too.
    codes = own_codes or with_code or others or names
    code = codes[0]
    found.field = (code.name,)
    word = next((word for word in code.words if word in lexicon.FIELD), "")
    why = "the name is ours" if own_codes else f"the name says {word}"
    found.guesses.append(_guess("field_code", code.name, why, sure=bool(own_codes)))

    # "Field" beside "Field code" is the name, though it does not say so.
    if not names and code in with_code:
        names = [field for field in others if field is not code and field not in with_code]
    if names:
        found.guesses.append(_guess_by_name("field_name", names[0]))


def _is_field(field: SourceField) -> bool:
    if column := _own(field):
        return column in ("field_code", "field_name")

    is_else = field.terms & (lexicon.NO_FIELD | {"area"})
    is_named = bool(field.terms & lexicon.FIELD) and not is_else
    is_filled = not field.counts or field.filled_share >= LEAST_FILLED
    return is_named and is_filled and field.kind != "date"


def _ask_for_field(found: Entities, free: list[SourceField]) -> None:
    """A lease or an area may be meant; who knows better says so."""
    for field in free:
        is_near = field.terms & lexicon.LEASE and not field.terms & lexicon.NO_FIELD
        if is_near and field.name not in found.well:
            why = f"no field of the data is a field; should {field.name!r} stand for it? Else the name above does"
            found.guesses.append(_guess("field_code", field.name, why, is_complete=False))
            return


def _find_whole(found: Entities, free: list[SourceField]) -> None:
    """Rows of fields: nothing tells a well."""
    if found.well:
        return
    if found.field:
        found.is_whole_field = True
        why = "nothing tells a well, so rows are taken for those of whole fields"
        found.guesses.append(_guess("well_code", {"value": "*"}, why))
        return

    example = free[0].name if free else "FIELD OF THE WELL"
    why = "no field looks like a well: name the right one"
    found.guesses.append(_guess("well_code", example, why, is_complete=False))


# -- names of the well --------------------------------------------------------------------------


def _find_well_names(found: Entities, free: list[SourceField]) -> None:
    taken = {*found.well, *found.field}
    untaken = [field for field in free if field.name not in taken]
    rest = [field for field in untaken if field.filled_count or not field.values]

    name = _first_own(rest, "well_name") or _first(rest, _is_well_name)
    if name:
        found.guesses.append(_guess_by_name("well_name", name))

    others = [field for field in rest if field is not name]
    reference = _first_own(rest, "well_reference") or _first(others, _is_reference)
    if reference and not found.is_whole_field:
        is_own = _own(reference) != ""
        guess = _guess("well_reference", reference.name, "another name of the well", sure=is_own)
        found.guesses.append(guess)


def _guess_by_name(column: str, field: SourceField) -> Guess:
    is_sure = _own(field) != ""
    return _guess(column, field.name, "the name says so", sure=is_sure)


def _first_own(fields: list[SourceField], column: str) -> SourceField | None:
    for field in fields:
        if _own(field) == column:
            return field
    return None


def _first(fields: list[SourceField], holds: Callable[[SourceField], bool]) -> SourceField | None:
    return next(filter(holds, fields), None)


def _is_well_name(field: SourceField) -> bool:
    is_name = bool(field.terms & lexicon.NAME)
    return is_name and _is_of_well(field)


def _is_of_well(field: SourceField) -> bool:
    is_else = field.terms & (lexicon.NO_WELL | lexicon.FIELD)
    if is_else or not field.terms & lexicon.WELL:
        return False
    return not _own(field) and not field.is_fraction


def _is_reference(field: SourceField) -> bool:
    if _is_of_well(field) and field.terms & (lexicon.CODE | {"uwi", "api", "npdid"}):
        return True
    return is_identifier(field) and not _own(field)
