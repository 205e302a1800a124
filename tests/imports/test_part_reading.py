"""PartReading: which part has so few rows still to come that what it has is staged already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.staging import NOON, json_row

from chalicelib.imports.part_reading import PartReading
from chalicelib.imports.segments import Segments
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import Claim
from chalicelib.odata.cursor import Cursor, Page
from chalicelib.warehouse.directory import DirectoryWarehouse

if TYPE_CHECKING:
    from pathlib import Path

CLAIM = Claim(job=new_job(now=NOON, triggered_by="ada", parameters={}), fence=3, holder="a")
URL = "https://data.example.org/Wells"


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    warehouse = DirectoryWarehouse(tmp_path / "warehouse")
    return Segments(warehouse=warehouse, directory=tmp_path, claim=CLAIM)


@pytest.mark.parametrize(
    ("counted", "came", "is_well_on"),
    [
        (10, 4, False),  # six are still to come
        (10, 5, True),
        (10, 10, True),  # and the page that says that there are no more
        (10, 11, False),  # how many more come nobody knows
        (None, 5, False),
    ],
)
def test_a_part_is_well_on_when_no_more_is_to_come_than_it_has(
    tmp_path: Path, segments: Segments, counted: int | None, came: int, is_well_on: bool
) -> None:
    first = Cursor(url=URL, expected=counted)
    part = PartReading.of(first, segments, tmp_path)
    behind = replace(first, page=2, delivered=came)

    part.take(Page(number=1, rows=[json_row()] * came, next=behind))

    assert part.batch.rows == came
    assert part.is_well_on is is_well_on


def test_a_part_that_is_read_to_its_end_is_staged_as_ever(
    tmp_path: Path, segments: Segments
) -> None:
    part = PartReading.of(Cursor(url=URL, expected=3), segments, tmp_path)
    at_end = Cursor(url=None, expected=3, page=2, delivered=3)

    part.take(Page(number=1, rows=[json_row()] * 3, next=at_end))

    assert part.is_at_end
    assert not part.is_well_on
