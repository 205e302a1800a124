"""The tests' own evaluator of alarms decides as the examples in CloudWatch's documentation do."""

from __future__ import annotations

import pytest
from support.alarm_rules import ALARM, INSUFFICIENT_DATA, OK, Rule, calculated

KEPT = "as before"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
# .../monitoring/alarms-and-missing-data.html: `0` is within the threshold, `X` breaches it, `-` is
# missing
THREE_OF_THREE = {
    "0-X-X": (OK, OK, OK, OK),
    "0----": (OK, OK, OK, OK),
    "-----": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "0XX-X": (ALARM, ALARM, ALARM, ALARM),
    "----X": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "X----": (ALARM, KEPT, ALARM, OK),
}
TWO_OF_THREE = {
    "0-X-X": (ALARM, ALARM, ALARM, ALARM),
    "00X0X": (ALARM, ALARM, ALARM, ALARM),
    "0-X--": (OK, OK, ALARM, OK),
    "----0": (OK, OK, ALARM, OK),
    "----X": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
}
CASES = [
    (points, enough, treatment, state)
    for enough, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table.items()
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


@pytest.mark.parametrize(("points", "enough", "treatment", "state"), CASES)
def test_the_examples_of_the_documentation(
    points: str, enough: int, treatment: str, state: str
) -> None:
    rule = Rule(periods=3, enough=enough, missing=treatment)
    seen = [{"0": False, "X": True, "-": None}[point] for point in points]

    assert rule.looks_at == len(points)
    assert rule.state(seen, KEPT) == state


def test_a_sum_takes_a_value_that_is_missing_for_nothing() -> None:
    assert calculated("SUM([a, b])", {"a": {0: 1.0, 300: 2.0}, "b": {300: 3.0}}) == {
        0: 1.0,
        300: 5.0,
    }
