"""Numbers: with which signs they are written, and which words stand for nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.sources.choices import HARD_SPACES

from .look import NULL_WORDS, Guess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .look import SourceField

MOST_WORDS = 20
_MAYBE_NUMBER = re.compile(r"[+-]?[0-9.,' eE+-]*[0-9][.,]?")
_SAFE = r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"


@dataclass(frozen=True, kw_only=True)
class NumberForm:
    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _pattern_of_groups(self) -> re.Pattern[str]:
        between = re.escape(self.thousands)
        sign = re.escape(self.decimal)
        return re.compile(rf"[+-]?[0-9]{{1,3}}(?:{between}[0-9]{{3}})+(?:{sign}[0-9]*)?")

    def read(self, text: str) -> float | None:
        """None when it is no number, or a word between."""
        if self.thousands == " ":
            text = _with_plain_spaces(text)
        if self.thousands and self._pattern_of_groups.fullmatch(text):
            text = text.replace(self.thousands, "")

        if self.decimal == ",":
            if "." in text:
                return None  # 1.5, where a comma was to be
            text = text.replace(",", ".")

        text = text.removesuffix(".")
        is_number = re.fullmatch(_SAFE, text, re.ASCII)
        return float(text) if is_number else None


def number_form(fields: Iterable[SourceField]) -> tuple[NumberForm, list[Guess]]:
    """The signs that the most values can be read with, and how sure that is."""
    texts = _like_numbers(fields)
    # One point in a number is that of its decimals; two are between thousands (1.234.567).
    has_other_signs = any(sign in text for text in texts for sign in ",' ")
    if not has_other_signs and not _has_two(texts, "."):
        return NumberForm(), []

    decimal, why, sure = _decimal_sign(texts)
    thousands = _between(texts, decimal)

    guesses = []
    if decimal == ",":
        guesses.append(Guess(key="decimal", value=",", why=why, sure=sure))
    if thousands:
        example = next(text for text in texts if thousands in text)
        why = f"{example} could also have a decimal comma"
        is_clear = sure or decimal == ","
        if is_clear:
            why = f"numbers such as {example}"
        guesses.append(Guess(key="thousands", value=thousands, why=why, sure=sure))

    return NumberForm(decimal=decimal, thousands=thousands), guesses


def _like_numbers(fields: Iterable[SourceField]) -> list[str]:
    """Texts that may be numbers, however these are written."""
    values = [value for field in fields if field.kind != "number" for value in field.counts]
    texts = map(_with_plain_spaces, values)
    return [text for text in texts if _MAYBE_NUMBER.fullmatch(text)]


def _with_plain_spaces(text: str) -> str:
    plain = dict.fromkeys(map(ord, HARD_SPACES), " ")
    return text.translate(plain)


def _decimal_sign(texts: list[str]) -> tuple[str, str, bool]:
    """What follows the last sign decides: three digits can be a thousand, fewer or more cannot. The
    sign, why, and whether that is sure.

    1.234,5 has a comma for decimals, and so has 12,5. Of 1,234 nobody knows; 1,234,567 has commas between thousands.
    """
    for text in texts:
        has_both = "," in text and "." in text
        last_place = max(text.rfind(","), text.rfind("."))
        last_sign = text[last_place]
        if has_both and text.count(last_sign) == 1:
            return last_sign, f"numbers such as {text}", True

        for sign in (",", "."):
            if text.count(sign) == 1 and not _is_grouped(text, sign):
                return sign, f"numbers such as {text}", True

    if _has_two(texts, ","):
        return ".", "", True
    if _has_two(texts, "."):
        return ",", "", True
    return _decimal_sign_of_thousands(texts)


def _decimal_sign_of_thousands(texts: list[str]) -> tuple[str, str, bool]:
    """Every sign stands before three digits."""
    with_comma = next((text for text in texts if "," in text), "")
    # 12345 among 1,234: who separates thousands would have written 12,345.
    without = next((text for text in texts if re.fullmatch(r"[+-]?[0-9]{4,}", text)), "")
    if with_comma and without:
        return ",", f"{with_comma} next to {without}, which has no sign between thousands", False
    return ".", "", False


def _between(texts: list[str], decimal: str) -> str:
    """The sign between thousands; empty where there is none."""
    for sign in (",", ".", " ", "'"):
        with_sign = [text for text in texts if sign in text]
        if sign == decimal or not with_sign:
            continue
        whole_parts = [text.partition(decimal)[0] for text in with_sign]
        grouped = sum(_is_grouped(part, sign) for part in whole_parts)
        if grouped >= 0.9 * len(with_sign):
            return sign
    return ""


def _is_grouped(text: str, sign: str) -> bool:
    """1,234 and 1,234,567, and not 0,123."""
    group = rf"{re.escape(sign)}[0-9]{{3}}"
    match = re.fullmatch(rf"[+-]?[1-9][0-9]{{0,2}}({group})+", text)
    return match is not None


def _has_two(texts: list[str], sign: str) -> bool:
    candidates = [text for text in texts if text.count(sign) > 1]
    return any(_is_grouped(text, sign) for text in candidates)


def null_words(fields: Iterable[SourceField], form: NumberForm) -> list[Guess]:
    """Words that stand where a number should."""
    known: dict[str, str] = {}  # with the field that they stand in
    strange: dict[str, str] = {}
    for field in fields:
        for value in field.counts:
            if form.read(value) is not None:
                continue
            words = known if value.lower() in NULL_WORDS else strange
            words.setdefault(value, field.name)

    guesses = []
    if known:
        first_words = sorted(known)[:MOST_WORDS]
        field_name = known[first_words[0]]
        why = f"where {field_name!r} should hold a number"
        guesses.append(Guess(key="null_values", value=first_words, why=why))
    if strange:
        shortest = min(strange, key=lambda word: (len(word), word))
        field_name = strange[shortest]
        why = f"{field_name!r} holds what is no number; add to null_values what means nothing"
        example = [shortest[:40]]
        guesses.append(Guess(key="null_values", value=example, why=why, is_complete=False))
    return guesses
