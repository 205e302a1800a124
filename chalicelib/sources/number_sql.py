"""Numbers of a source as SQL: an expression whose text is a number as `read_number` takes it, or one
that no column takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.store.row_reading import UNREADABLE, literal

from .choices import HARD_SPACES
from .measures import DENSITIES

if TYPE_CHECKING:
    from fractions import Fraction


def plain_number(text: str, *, decimal: str, thousands: str) -> str:
    """With a decimal point and without signs between thousands, whose groups are of three.

    1.234,5 becomes 1234.5.
    """
    if decimal == "." and not thousands:
        return text

    if thousands == " ":
        plain_spaces = literal(" " * len(HARD_SPACES))
        text = f"translate({text}, {literal(HARD_SPACES)}, {plain_spaces})"
    number = f"stripped({text})"
    if thousands:
        number = f"replace({number}, {literal(thousands)}, '')"
    if decimal != ".":
        number = f"replace({number}, {literal(decimal)}, '.')"

    form = literal(_form_of_numbers(decimal, thousands))
    is_number = f"regexp_full_match(stripped({text}), {form})"
    return f"CASE WHEN {is_number} THEN {number} ELSE {UNREADABLE}{text} END"


def _form_of_numbers(decimal: str, thousands: str) -> str:
    """1234,5 and ,5 and, where there is a sign between thousands, 1.234,5."""
    sign = _escape(decimal)
    forms = [f"[0-9]+({sign}[0-9]*)?", f"{sign}[0-9]+"]
    if thousands:
        between = _escape(thousands)
        forms.append(f"[1-9][0-9]{{0,2}}({between}[0-9]{{3}})+({sign}[0-9]*)?")
    any_form = "|".join(forms)
    return f"[+-]?({any_form})([eE][+-]?[0-9]+)?"


def _escape(sign: str) -> str:
    """In a regular expression."""
    return "\\" + sign if sign in ".'" else sign


def sum_of(numbers: list[str]) -> str:
    """All empty: empty. One that is no number: its text, which is none either. Decimal
    fractions are added, so that the sum is exact up to 20 digits before the point; beyond them
    it is that of the rounded numbers.
    """
    empty = [f"{number} IS NULL" for number in numbers]
    faulty = [
        f"WHEN {number} IS NOT NULL AND read_number({number}) IS NULL THEN {UNREADABLE}{number}"
        for number in numbers
    ]
    decimals = [f"CAST(coalesce({number}, '0') AS DECIMAL(38, 18))" for number in numbers]
    doubles = [f"coalesce(read_number({number}), 0)" for number in numbers]

    is_empty = " AND ".join(empty)
    first_faulty = " ".join(faulty)
    exact = " + ".join(decimals)
    rounded = " + ".join(doubles)
    total = f"coalesce(TRY(CAST({exact} AS VARCHAR)), CAST({rounded} AS VARCHAR))"
    return f"CASE WHEN {is_empty} THEN NULL {first_faulty} ELSE {total} END"


def volume_of_mass(mass: str, density_text: str) -> str:
    """Cubic metres of tonnes.
    Without a density nobody knows how many they are, unless there are none.
    """
    density = f"read_number({density_text})"
    least, most = DENSITIES
    quotient = f"CAST(read_number({mass}) / {density} AS VARCHAR)"
    volume = f"CASE WHEN {density} BETWEEN {least} AND {most} THEN {quotient} END"

    is_none = f"coalesce(read_number({mass}), 0) = 0"
    volume_or_fault = f"coalesce({volume}, {UNREADABLE}{mass})"
    return f"CASE WHEN {is_none} THEN {mass} ELSE {volume_or_fault} END"


def times(value: str, factor: Fraction) -> str:
    """With one rounding where the factor, or what it divides by, is a whole number:
    1,234 / 1000 is 1.234.
    """
    if factor == 1:
        return value
    is_one_over_whole = factor.numerator == 1 and factor.denominator < 1 << 53
    if is_one_over_whole:  # which a DOUBLE holds exactly, up to 53 bits
        return f"{value} / {factor.denominator}::DOUBLE"
    return f"{value} * {float(factor)!r}::DOUBLE"
