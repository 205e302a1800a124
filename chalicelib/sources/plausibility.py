"""What is odd about a source's first rows: all of it at once, in sentences that say what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.store.columns import MOST_OF_A_WELL, REJECTION_REASONS, VOLUMES
from chalicelib.store.period import Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.settings import Settings
    from chalicelib.store.look import Look, Problem

    from .column_rules import ColumnRule

UNITS = {"oil_production_kbd": "kbd", "liquids_production_kbd": "kbd", "water_production_kbd": "kbd"}
LEAST_REJECTED = 20  # rows, as the gate of an import counts; of fewer nearly all
NEARLY_ALL = 0.9
LONGEST_RAW = 120  # characters
FEW = 0.02  # share of keys
# A moment in the evening of a month's last day, in UTC, is the first of the next month somewhere to the east.
_EVENING = re.compile(r"\d{4}-(\d\d)-(\d\d)[Tt ](1[2-9]|2[0-3]):(00|30)(:00(\.0+)?)?([Zz]|\+00:?00)?")
_LAST_DAYS = {"31", "30", "29", "28"}


def told_at_once(
    look: Look, rules: Mapping[str, ColumnRule], settings: Settings, periods: Iterable[str]
) -> tuple[list[str], list[str]]:
    """What an import would fail or be held for, and what is worth a look."""
    problems: list[str] = []
    hints: list[str] = []
    if look.rows:
        rejected = look.rows - look.sound
        is_held = rejected >= LEAST_REJECTED and rejected > settings.gate_rejected * look.rows
        told = problems if is_held or rejected >= NEARLY_ALL * look.rows else hints
        told += [_rejected(problem, look.rows) for problem in look.problems]
        hints += [*_rates(look, rules), *_repeated(look, settings), *_distance(look, settings), *_nulls(look, rules)]
    if zone := local_midnight(periods):
        hints.append(zone)
    return problems, hints


def _rejected(problem: Problem, rows: int) -> str:
    reasons = [part.partition(" ") for part in problem.reasons.split("; ")]
    told = "; ".join(f"{column}: {REJECTION_REASONS.get(reason, reason)}" for reason, _, column in reasons)
    return f"{problem.rows:,} of {rows:,} rows would be rejected: {told}. For example {problem.example[:LONGEST_RAW]}"


def _rates(look: Look, rules: Mapping[str, ColumnRule]) -> Iterable[str]:
    for name, bound in MOST_OF_A_WELL.items():
        rule = rules.get(name)
        if rule is None or look.largest.get(name, 0) <= bound:
            continue
        unit = f"as {rule.unit.name}" if rule.unit else f"as {UNITS.get(name, 'MMcf/d')}"
        yield (
            f"{name}: a well would make {look.largest[name]:,.6g} {UNITS.get(name, 'MMcf/d')}, which none does. "
            f"{', '.join(rule.sources)} was taken {unit}; the likely cause is another unit, such as a month's volume "
            "in bbl, Mcf or m3."
        )


def _repeated(look: Look, settings: Settings) -> Iterable[str]:
    others = look.repeated - look.repeated_equal
    if not look.repeated or settings.source_rows == "sum":
        return
    if others <= FEW * look.keys and others == 0:
        yield (
            f"{look.repeated:,} wells and periods come more than once, with the same values; they count once."
            f"{_of_shorter_periods(settings)}"
        )
        return
    yield (
        f"{others:,} of {look.keys:,} wells and periods have several rows with different values, {look.most_rows:,} at "
        'most. Completions, pools and products are added with rows = "sum" and a primary_key.'
        f"{_of_shorter_periods(settings)}"
    )


def _of_shorter_periods(settings: Settings) -> str:
    """Rows are cut to the first day of their period before anything is looked at."""
    periods = [str(period) for period in Period]
    shorter = periods[: periods.index(settings.source_period)]
    told = " or ".join(f'period = "{each}"' for each in reversed(shorter))
    return f" If they are of shorter periods than a {settings.source_period}, say {told}." if told else ""


def _distance(look: Look, settings: Settings) -> Iterable[str]:
    distance = look.distance
    if not distance:
        return
    found = min(Period, key=lambda period: abs(period.days[0] - distance))
    if str(found) != settings.source_period:
        yield (
            f"Two periods of a well lie {distance:,.0f} days apart, as those of a {found} do, and the definition "
            f'says period = "{settings.source_period}".'
        )


def _nulls(look: Look, rules: Mapping[str, ColumnRule]) -> Iterable[str]:
    empty = [name for name in VOLUMES if name in rules and look.nulls.get(name) == look.sound]
    if empty:
        yield f"{', '.join(empty)}: not one of {look.sound:,} rows has a value."


def local_midnight(texts: Iterable[str]) -> str:
    """A sentence when the periods are evenings of last days in UTC: the first of a month of a place further east."""
    known = [text for text in texts if text]
    found = [match for match in map(_EVENING.fullmatch, known) if match]
    if not known or len(found) < len(known) or any(match[2] not in _LAST_DAYS for match in found):
        return ""
    return (
        f"Periods such as {known[0]} are midnights of a place east of Greenwich, told in UTC: each is the last day of "
        'the month before. Say timezone = "Europe/Oslo", or whatever the place is, so that the first of the month is '
        "stored."
    )
