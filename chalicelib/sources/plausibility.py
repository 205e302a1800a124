"""What is odd about a source's first rows: all of it at once, in sentences that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.products import PRODUCTS
from chalicelib.store.columns import MOST_OF_A_WELL, REJECTION_REASONS, VOLUMES
from chalicelib.store.period import Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.settings import Settings
    from chalicelib.store.look import Look, Problem

    from .column_rules import ColumnRule

UNITS = {product.rate: "kbd" if product.kind == "liquid" else "MMcf/d" for product in PRODUCTS}
LEAST_REJECTED = 20  # rows, as the gate of an import counts; of fewer nearly all
NEARLY_ALL = 0.9
LONGEST_RAW = 120  # characters
# A moment in the evening of a month's last day, in UTC, is the first of the next month somewhere to
# the east.
_EVENING = re.compile(
    r"\d{4}-(\d\d)-(\d\d)[Tt ](1[2-9]|2[0-3]):(00|30)(:00(\.0+)?)?([Zz]|\+00:?00)?"
)
_LAST_DAYS = {"31", "30", "29", "28"}


def judge_rows(
    look: Look, rules: Mapping[str, ColumnRule], settings: Settings, periods: Iterable[str]
) -> tuple[list[str], list[str]]:
    """What an import would fail or be held for, and what is worth a look: problems and hints."""
    problems: list[str] = []
    hints: list[str] = []
    if look.rows:
        sentences = [_rejection(problem, look.rows) for problem in look.problems]
        if _are_too_many(look, settings):
            problems += sentences
        else:
            hints += sentences
        hints += _rates(look, rules)
        hints += _repetitions(look, settings)
        hints += _distance(look, settings)
        hints += _nulls(look, rules)

    if hint := local_midnight(periods):
        hints.append(hint)
    return problems, hints


def _are_too_many(look: Look, settings: Settings) -> bool:
    """Whether so many rows would be rejected that the gate holds the import,
    or of a few rows nearly all.
    """
    rejected = look.rows - look.sound
    is_much = rejected > settings.gate_rejected * look.rows
    is_nearly_all = rejected >= NEARLY_ALL * look.rows
    return is_nearly_all or (is_much and rejected >= LEAST_REJECTED)


def _rejection(problem: Problem, rows: int) -> str:
    reasons = []
    for text in problem.reasons.split("; "):
        reason, _, column = text.partition(" ")
        reasons.append(f"{column}: {REJECTION_REASONS.get(reason, reason)}")
    return (
        f"{problem.rows:,} of {rows:,} rows would be rejected: {'; '.join(reasons)}. "
        f"For example {problem.example[:LONGEST_RAW]}"
    )


def _rates(look: Look, rules: Mapping[str, ColumnRule]) -> Iterable[str]:
    for name, bound in MOST_OF_A_WELL.items():
        rule = rules.get(name)
        largest = look.largest.get(name, 0)
        if rule is None or largest <= bound:
            continue

        our_unit = UNITS[name]
        unit = rule.unit.name if rule.unit else our_unit
        yield (
            f"{name}: a well would make {largest:,.6g} {our_unit}, which none does. "
            f"{', '.join(rule.sources)} was taken as {unit}; the likely cause is another unit, such as a month's "
            "volume in bbl, Mcf or m3."
        )


def _repetitions(look: Look, settings: Settings) -> Iterable[str]:
    differing = look.repeated - look.repeated_equal
    if not look.repeated or settings.source_rows == "sum":
        return

    if differing == 0:
        yield (
            f"{look.repeated:,} wells and periods come more than once, with the same values; they count once."
            f"{_of_shorter_periods(settings)}"
        )
        return
    yield (
        f"{differing:,} of {look.keys:,} wells and periods have several rows with different values, "
        f"{look.most_rows:,} at most. "
        'Completions, pools and products are added with rows = "sum" and a primary_key.'
        f"{_of_shorter_periods(settings)}"
    )


def _of_shorter_periods(settings: Settings) -> str:
    """Rows are cut to the first day of their period before anything is looked at."""
    periods = [str(period) for period in Period]
    shorter = periods[: periods.index(settings.source_period)]
    if not shorter:
        return ""
    advice = " or ".join(f'period = "{period}"' for period in reversed(shorter))
    return f" If they are of shorter periods than a {settings.source_period}, say {advice}."


def _distance(look: Look, settings: Settings) -> Iterable[str]:
    distance = look.distance
    if not distance:
        return
    nearest = min(Period, key=lambda period: abs(period.days[0] - distance))
    if str(nearest) != settings.source_period:
        yield (
            f"Two periods of a well lie {distance:,.0f} days apart, as those of a {nearest} do, and the definition "
            f'says period = "{settings.source_period}".'
        )


def _nulls(look: Look, rules: Mapping[str, ColumnRule]) -> Iterable[str]:
    mapped = [name for name in VOLUMES if name in rules]
    empty = [name for name in mapped if look.nulls.get(name) == look.sound]
    if empty:
        names = ", ".join(empty)
        yield f"{names}: not one of {look.sound:,} rows has a value."


def local_midnight(texts: Iterable[str]) -> str:
    """A sentence when the periods are evenings of last days in UTC: the first of a month of a place
    further east.

    2024-01-31T23:00:00Z is 2024-02-01T00:00 in Oslo.
    """
    moments = [text for text in texts if text]
    evenings = [match for match in map(_EVENING.fullmatch, moments) if match]
    if not moments or len(evenings) < len(moments):
        return ""
    if any(match[2] not in _LAST_DAYS for match in evenings):
        return ""
    return (
        f"Periods such as {moments[0]} are midnights of a place east of Greenwich, written in UTC: "
        "each is the last day of the month before. "
        'Say timezone = "Europe/Oslo", or whatever the place is, so that the first of the month '
        "is stored."
    )
