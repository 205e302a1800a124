"""What the figures are expected to be, and whether they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import (
    AGAIN,
    ARROW,
    FLOOR_1,
    FLOOR_2,
    FRAMES,
    REST_API,
    REVISED,
    SLING,
    WELLHEAD,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Results = dict[str, dict[str, Any]]
"""The figures of one size, by contender."""


def rate(one: dict[str, Any]) -> float:
    """Rows per CPU second."""
    return float(one["rows"] / one["cpu"])


def faster_than(other: str) -> Callable[[Results], float]:
    def multiple(results: Results) -> float:
        return rate(results[WELLHEAD]) / rate(results[other])

    return multiple


def cpu_of(this: str, other: str) -> Callable[[Results], float]:
    """CPU a row, as a multiple of the other's."""

    def multiple(results: Results) -> float:
        return rate(results[other]) / rate(results[this])

    return multiple


def wall_of(this: str, other: str) -> Callable[[Results], float]:
    def multiple(results: Results) -> float:
        wall = results[this]["wall"]
        other_wall = results[other]["wall"]
        return float(wall / other_wall)

    return multiple


def most_of_all(name: str) -> Callable[[Results], float]:
    """The largest of a figure over Wellhead's imports."""

    def largest(results: Results) -> float:
        return max(float(results[one].get(name, 0)) for one in (WELLHEAD, AGAIN, REVISED))

    return largest


def file_size(results: Results) -> float:
    result = results[WELLHEAD]
    return float(result["file_bytes"] / result["plain_bytes"])


@dataclass(frozen=True)
class Expectation:
    sentence: str
    needs: tuple[str, ...]
    value: Callable[[Results], float]
    at_least: float | None = None
    at_most: float | None = None

    def cell(self, results: Results) -> str:
        """The value, in bold when it misses; a dash when a contender is not there or failed."""
        if any(name not in results or results[name]["failure"] for name in self.needs):
            return "-"
        value = self.value(results)
        is_enough = value >= (self.at_least or 0)
        is_too_much = self.at_most is not None and value > self.at_most
        text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004
        return text if is_enough and not is_too_much else f"**{text}**"


OURS = (WELLHEAD, AGAIN, REVISED)
EXPECTATIONS = (
    Expectation(
        "rows per CPU second, of floor 1: ≥ 0.5",
        (WELLHEAD, FLOOR_1),
        faster_than(FLOOR_1),
        at_least=0.5,
    ),
    Expectation(
        "CPU, of floor 2: ≤ 1.4", (WELLHEAD, FLOOR_2), cpu_of(WELLHEAD, FLOOR_2), at_most=1.4
    ),
    Expectation(
        "wall time, of floor 2: ≤ 1.7", (WELLHEAD, FLOOR_2), wall_of(WELLHEAD, FLOOR_2), at_most=1.7
    ),
    Expectation(
        "times as fast as dlt with Arrow: ≥ 2", (WELLHEAD, ARROW), faster_than(ARROW), at_least=2
    ),
    Expectation(
        "times as fast as a frame a page: ≥ 2.5",
        (WELLHEAD, FRAMES),
        faster_than(FRAMES),
        at_least=2.5,
    ),
    Expectation(
        "times as fast as dlt's rest_api: ≥ 12",
        (WELLHEAD, REST_API),
        faster_than(REST_API),
        at_least=12,
    ),
    Expectation("times as fast as sling: ≥ 50", (WELLHEAD, SLING), faster_than(SLING), at_least=50),
    Expectation("MB while fetching: ≤ 256", OURS, most_of_all("fetching_mb"), at_most=256),
    Expectation("MB while merging: ≤ 450", OURS, most_of_all("merging_mb"), at_most=450),
    Expectation(
        "CPU of all the same again, of the first: ≤ 0.8",
        (WELLHEAD, AGAIN),
        cpu_of(AGAIN, WELLHEAD),
        at_most=0.8,
    ),
    Expectation(
        "CPU again with revised rows, of the first: ≤ 1",
        (WELLHEAD, REVISED),
        cpu_of(REVISED, WELLHEAD),
        at_most=1.0,
    ),
    Expectation("published file, of a plain table: ≤ 1.1", (WELLHEAD,), file_size, at_most=1.1),
)
