"""How CloudWatch decides whether an alarm rings, by its documentation: no emulator here decides it
so.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Series = dict[int, float]
    """The value of each period that has one, by its begin."""

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
# The documentation gives 5 points for an alarm over 3, and leaves open how many for others.
POINTS_BEYOND = 2
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`enough` of the last `periods` points must breach;
    `missing` is what stands in for a point that there is not.
    """

    periods: int
    enough: int
    missing: str

    @property
    def looks_at(self) -> int:
        return self.periods + POINTS_BEYOND

    def state(self, breaching: Sequence[bool | None], before: str) -> str:
        """`breaching`: of each point that is looked at, oldest first, whether it breaches;
        None where there is none.
        """
        found = [point for point in breaching if point is not None]
        if len(found) >= self.periods:
            return self._decided(sum(found[-self.periods :]))
        if self.missing in ("breaching", "notBreaching"):
            stand_ins = self.periods - len(found) if self.missing == "breaching" else 0
            return self._decided(sum(found) + stand_ins)
        return self._with_gaps(breaching, found, before)

    def _decided(self, breaching: int) -> str:
        return ALARM if breaching >= self.enough else OK

    def _with_gaps(
        self, breaching: Sequence[bool | None], found: Sequence[bool], before: str
    ) -> str:
        """With `missing` or `ignore`:
        a few points that all breach are no proof, unless they are old enough.
        """
        if sum(found) >= self.enough:
            return ALARM
        if not all(found):
            return OK
        if self.missing == "ignore":
            return before
        is_old = True in breaching[: len(breaching) - self.enough + 1]
        return ALARM if is_old else INSUFFICIENT_DATA


def calculated(expression: str, series: Mapping[str, Series]) -> Series:
    """SUM([a, b]), the one function that the template uses: a value that is missing counts 0."""
    called = re.fullmatch(r"SUM\(\[([a-z0-9_, ]+)\]\)", expression)
    assert called, f"nobody has taught the tests {expression}"
    parts = [series[name.strip()] for name in called[1].split(",")]
    begins = {begin for part in parts for begin in part}
    return {begin: sum(part.get(begin, 0.0) for part in parts) for begin in begins}
