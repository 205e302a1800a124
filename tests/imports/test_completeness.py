"""What may be said of a reading: proved, not provable or disproved."""

from __future__ import annotations

import pytest

from chalicelib.imports.completeness import Completeness, Verdict
from chalicelib.odata.reading import End, Reading, Way

PROVED, UNPROVABLE, DISPROVED = Verdict.PROVED, Verdict.UNPROVABLE, Verdict.DISPROVED


@pytest.mark.parametrize(
    ("announced", "again", "delivered", "by_links", "by_skip", "by_keys"),
    [
        (100, None, 100, PROVED, PROVED, PROVED),
        (0, None, 0, PROVED, PROVED, PROVED),
        (100, 102, 100, PROVED, PROVED, PROVED),  # rows came, and were not read
        (100, 102, 101, PROVED, PROVED, PROVED),
        (100, 102, 102, PROVED, PROVED, PROVED),
        (100, 98, 98, PROVED, UNPROVABLE, PROVED),  # rows went, and others moved
        (100, 98, 99, PROVED, UNPROVABLE, PROVED),
        (
            100,
            98,
            97,
            DISPROVED,
            DISPROVED,
            PROVED,
        ),  # one came in before the place that was read, one went behind it
        (100, 102, 99, DISPROVED, DISPROVED, PROVED),
        (
            100,
            100,
            96,
            DISPROVED,
            DISPROVED,
            DISPROVED,
        ),  # too many for that: the source sorts by something else
        (100, 100, 30, DISPROVED, DISPROVED, DISPROVED),
        (100, None, 99, DISPROVED, DISPROVED, PROVED),
        (90_000, 90_000, 89_910, DISPROVED, DISPROVED, PROVED),
        (90_000, 90_000, 89_909, DISPROVED, DISPROVED, DISPROVED),
        (100, 102, 103, UNPROVABLE, UNPROVABLE, PROVED),
        (100, None, 101, UNPROVABLE, UNPROVABLE, PROVED),
        (None, None, 100, UNPROVABLE, UNPROVABLE, PROVED),
    ],
)
def test_what_came_is_held_against_both_counts(
    *,
    announced: int | None,
    again: int | None,
    delivered: int,
    by_links: Verdict,
    by_skip: Verdict,
    by_keys: Verdict,
) -> None:
    facts = {"announced": announced, "counted_again": again, "delivered": delivered}
    readings = [
        Reading(ended=End.MARKER, way=Way.LINKS, **facts),  # type: ignore[arg-type]
        Reading(ended=End.COUNT, way=Way.SKIP, **facts),  # type: ignore[arg-type]
        Reading(ended=End.KEYS, way=Way.KEYS, by_own_key=True, **facts),  # type: ignore[arg-type]
    ]

    found = [Completeness.of(reading) for reading in readings]

    assert [each.state for each in found] == [by_links, by_skip, by_keys]
    assert [bool(each.reason) for each in found] == [each.state is not PROVED for each in found]
    assert {(each.announced, each.counted_again, each.delivered) for each in found} == {
        (announced, again, delivered)
    }


def test_a_key_that_nobody_declared_proves_nothing_by_itself() -> None:
    reading = Reading(announced=None, counted_again=None, delivered=7, ended=End.KEYS, way=Way.KEYS)

    assert Completeness.of(reading).state is UNPROVABLE


def test_rows_that_came_on_two_pages_disprove_any_count() -> None:
    reading = Reading(announced=7, counted_again=None, delivered=7, ended=End.MARKER, way=Way.LINKS)

    found = Completeness.of(reading, repeated_keys=2)

    assert found.state is DISPROVED
    assert "2 rows came on more than one page" in found.reason


def test_keys_that_may_be_the_sources_own_leave_it_open() -> None:
    reading = Reading(announced=7, counted_again=None, delivered=7, ended=End.MARKER, way=Way.LINKS)

    found = Completeness.of(reading, doubtful_keys=2)

    assert found.state is UNPROVABLE
    assert found.reason.startswith(
        "2 keys came on more than one page: the source has rows twice, or they moved"
    )
    short = Completeness.of(Reading(**{**vars(reading), "delivered": 6}), doubtful_keys=2)
    assert short.state is DISPROVED


def test_files_that_were_read_to_their_ends_are_all_there_is() -> None:
    reading = Reading(
        announced=None, counted_again=None, delivered=7, ended=End.FILES, way=Way.SKIP
    )

    assert Completeness.of(reading).state is PROVED


def test_rows_that_came_in_one_part_make_up_for_none_of_another() -> None:
    reading = Reading(
        announced=100, counted_again=120, delivered=110, ended=End.MARKER, way=Way.LINKS
    )
    short = Reading(**{**vars(reading), "missing_of_parts": 7})

    found = Completeness.of(short)

    assert Completeness.of(reading).state is PROVED
    assert (found.state, found.missing) == (DISPROVED, 7)
    assert found.reason.endswith("delivered 110; 7 that a part of it counts did not come.")


def test_rows_that_went_from_one_part_may_have_moved_others_of_it() -> None:
    reading = Reading(
        announced=100, counted_again=120, delivered=110, ended=End.COUNT, way=Way.SKIP
    )

    assert Completeness.of(reading).state is PROVED
    assert Completeness.of(Reading(**{**vars(reading), "has_shrunk": True})).state is UNPROVABLE
