"""Findings: how a check says what it has found, and the amounts that are remembered of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import Check, Finding, few_examples, fingerprint_of

from .memory import OF_ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.store.diff import Diff

# Shares and factors are remembered by the hundredth, rounded up: the order of a sum changes its
# last digits, and 0.0812 that was accepted would not cover 0.08120001.
STEPS = 100


def new_finding(
    check: Check,
    limit: str,
    found: str,
    message: str,
    amounts: Mapping[str, float],
    *,
    examples: Iterable[Mapping[str, Any]] = (),
    holds: bool = True,
) -> Finding:
    return Finding(
        check=check,
        limit=limit,
        found=found,
        message=message,
        fingerprint=fingerprint_of(check, amounts),
        examples=few_examples(examples),
        holds=holds,
    )


def scope(*, is_of_all: bool) -> dict[str, float]:
    return {OF_ALL: 1.0} if is_of_all else {}


def wells(diff: Diff, check: Check) -> dict[str, float]:
    """Each well is a thing of its own, without an amount:
    the same at another one was not accepted.
    """
    of_check = diff.wells.get(check, ())
    return {f"well:{well}": 0.0 for well in of_check}


def as_percent(share: float) -> str:
    return f"{share * STEPS:.3g} %"


def step_up(number: float) -> float:
    """To the next percent, so that a little more of the same is not another finding."""
    percent = round(number * STEPS, 4)  # 0.07 * 100 is a little more than 7, and would become 8
    return math.ceil(percent) / STEPS
