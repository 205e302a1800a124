"""The page of costs says what the arithmetic does, and the arithmetic follows the template."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import text

from infra.costs import (
    LOADS,
    REDUCE,
    USERS,
    Load,
    day,
    growing,
    largest,
    month,
    one_import,
    stack,
    table,
    template,
)
from infra.scaling_costs import scaling_table

CASES = [(load, users) for load in LOADS for users in USERS]


def test_the_page_shows_what_the_calculator_says() -> None:
    assert " ".join(table().split()) in " ".join(text("docs/costs.md").split())
    assert scaling_table() in text("docs/scaling.md")


def test_it_takes_the_parameters_of_the_template() -> None:
    """Fewer days of old versions, a smaller disk, another processor: another bill."""
    usual, load = stack(), LOADS[1]
    assert usual.old_days == template()["Parameters"]["OldVersionDays"]["Default"]
    assert usual.processor == "arm64"
    fewer, smaller = stack(OldVersionDays=7), stack(ImportDiskMb=512)
    assert month(load, 3, fewer)["S3"] < month(load, 3, usual)["S3"]
    assert one_import(load, smaller)["Lambda"] < one_import(load, usual)["Lambda"]
    dearer = replace(usual, processor="x86_64")
    assert one_import(load, dearer)["Lambda"] == pytest.approx(
        1.25 * one_import(load, usual)["Lambda"], rel=0.02
    )


def test_every_alarm_is_paid_for_by_its_metrics() -> None:
    alarms = [
        told
        for told in template()["Resources"].values()
        if told.get("Type") == "AWS::CloudWatch::Alarm"
    ]
    assert stack().alarms > len(alarms)  # some of them calculate


@pytest.mark.parametrize(("load", "users"), CASES)
def test_the_largest_item_is_named_with_what_reduces_it(load: Load, users: int) -> None:
    costs = month(load, users, stack())
    assert costs.keys() == REDUCE.keys()
    assert all(cost >= 0 for cost in costs.values())
    assert costs[largest(costs)] == max(costs.values())
    assert growing(costs) in costs
    assert f"- **{growing(costs)}**. {REDUCE[growing(costs)]}" in table()
    assert sum(costs.values()) < 31 * day(load, users, stack())


def test_more_users_and_more_rows_cost_more() -> None:
    for load in LOADS:
        few, many = (sum(month(load, users, stack()).values()) for users in USERS)
        assert few < many
    small, large = (sum(one_import(load, stack()).values()) for load in LOADS[:2])
    assert small < large
