"""The gate: what holds an import, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.imports.completeness import Completeness, Verdict
from chalicelib.imports.gate import carried, judge
from chalicelib.jobs.finding import Check, Finding, is_covered
from chalicelib.settings import Settings
from chalicelib.store.columns import VALUES, VOLUMES
from chalicelib.store.diff import Absence, Diff
from chalicelib.store.settle import Conflicts, Settled

REQUIRED = {"WELLHEAD_TABLE": "t", "WELLHEAD_IMPORT_FUNCTION": "f", "WELLHEAD_WAREHOUSE": "/w"}
SETTINGS = Settings.from_environment(REQUIRED | {"WELLHEAD_SOURCE_URL": "https://example.org/odata/Wells"})
SOUND = Completeness(state=Verdict.PROVED, delivered=1000)
counts = st.integers(0, 10_000)


@st.composite
def nulled(draw: st.DrawFn) -> dict[str, int]:
    in_store = draw(st.integers(1, 10_000))
    stored = draw(st.integers(1, in_store))
    return {"nulled": draw(st.integers(1, stored)), "stored": stored, "in_store": in_store}


@st.composite
def absences(draw: st.DrawFn) -> Absence:
    rows = draw(st.integers(0, 5_000))
    after = draw(st.integers(0, rows))
    return Absence(stored=draw(counts), rows=rows, after=after, filled=draw(st.integers(0, rows - after)))


@st.composite
def diffs(draw: st.DrawFn) -> Diff:
    sums = st.fixed_dictionaries({"before": st.floats(-10, 1e6), "after": st.floats(-10, 1e6)})
    return Diff(
        new=draw(counts),
        updated=draw(counts),
        unchanged=draw(counts),
        rejected=draw(st.integers(0, 1000)),
        is_first=draw(st.booleans()),
        nulled=draw(st.dictionaries(st.sampled_from(VALUES), nulled(), max_size=3)),
        sums=draw(st.dictionaries(st.sampled_from(VOLUMES), sums, max_size=4)),
        absent=draw(st.dictionaries(st.sampled_from(VALUES), absences(), max_size=2)),
    )


settled = st.builds(
    Settled,
    conflicts=st.builds(Conflicts, keys=counts, rows=counts, volume_share=st.floats(0, 1)),
    rates_beyond_a_well=st.integers(0, 50),
)
completenesses = st.sampled_from(
    [SOUND, replace(SOUND, state=Verdict.UNPROVABLE), replace(SOUND, state=Verdict.DISPROVED, missing=9)]
)


def found(diff: Diff, one: Completeness = SOUND, told: Settled | None = None, **more: Any) -> list[str]:
    return [finding.check for finding in judge(diff, told or Settled(), one, SETTINGS, **more) if finding.holds]


# --- properties


@given(diff=diffs(), told=settled, completeness=completenesses, is_of_all=st.booleans())
def test_what_was_accepted_passes_and_nothing_else_is_accepted_with_it(
    diff: Diff, told: Settled, completeness: Completeness, is_of_all: bool
) -> None:
    findings = judge(diff, told, completeness, SETTINGS, is_of_all=is_of_all)
    holds = [finding for finding in findings if finding.holds]
    accepted = [finding.fingerprint for finding in holds]

    again = judge(diff, told, completeness, SETTINGS, accepted, is_of_all=is_of_all)

    assert [finding for finding in again if finding.holds] == []
    assert sorted(each.fingerprint for each in again) == sorted(each.fingerprint for each in findings)
    for left_out in range(len(accepted)):
        rest = accepted[:left_out] + accepted[left_out + 1 :]
        [left] = [each for each in judge(diff, told, completeness, SETTINGS, rest, is_of_all=is_of_all) if each.holds]
        assert left == holds[left_out]


@given(diff=diffs(), more=st.integers(1, 1000), column=st.sampled_from(VALUES))
def test_worse_never_passes_where_better_was_held(diff: Diff, more: int, column: str) -> None:
    before = set(found(diff))
    told = diff.nulled.get(column, {"nulled": 0, "stored": 0, "in_store": 0})
    worse = [
        replace(diff, rejected=min(1000, diff.rejected + more)),
        replace(diff, nulled=diff.nulled | {column: {name: count + more for name, count in told.items()}}),
        replace(diff, sums={name: {"before": 1.0, "after": 1000.0} for name in VOLUMES}),
    ]

    for each in worse:
        assert before <= set(found(each))


@given(diff=diffs(), more=st.integers(1, 1000))
def test_more_than_was_accepted_holds_again(diff: Diff, more: int) -> None:
    findings = [finding for finding in judge(diff, Settled(), SOUND, SETTINGS) if finding.check == Check.NULLED]
    accepted = [finding.fingerprint for finding in findings]
    worse = {name: {each: count + more for each, count in told.items()} for name, told in diff.nulled.items()}

    held = found(replace(diff, nulled=worse), accepted=accepted)

    assert ("NULLED" in held) == bool(found(replace(Diff(), nulled=worse)))


@given(diff=diffs(), told=settled, completeness=completenesses)
def test_a_finding_tells_what_was_found_in_words(diff: Diff, told: Settled, completeness: Completeness) -> None:
    for finding in judge(diff, told, completeness, SETTINGS):
        assert finding.limit != "" != finding.found
        assert finding.message.endswith(".") or finding.check in ("SOURCE_INCOMPLETE", "COMPLETENESS_UNKNOWN")
        assert Finding.from_attributes(finding.to_attributes()) == finding
        assert is_covered(finding.fingerprint, [finding.fingerprint])


# --- the limits


@pytest.mark.parametrize(
    ("rejected", "delivered", "is_of_all", "holds"),
    [
        (50, 1000, True, False),
        (51, 1000, True, True),
        (19, 20, True, False),
        (19, 19, True, True),
        (2, 2, True, True),
        (2, 2, False, False),  # a night's one bad row
        (20, 20, False, True),
        (0, 0, True, False),
    ],
)
def test_rejected_rows_hold_beyond_a_share_and_a_number(
    rejected: int, delivered: int, is_of_all: bool, holds: bool
) -> None:
    completeness = replace(SOUND, delivered=delivered)

    assert found(Diff(rejected=rejected), completeness, is_of_all=is_of_all) == ["REJECTED"] * holds


def test_no_row_of_a_source_that_had_some_holds_an_import_of_all_rows() -> None:
    nothing = replace(SOUND, delivered=0)

    assert found(Diff(is_first=False), nothing) == ["REJECTED"]
    assert found(Diff(is_first=True), nothing) == []
    assert found(Diff(is_first=False), nothing, is_of_all=False) == []


@pytest.mark.parametrize(
    ("nulled", "stored", "in_store", "holds"),
    [
        (100, 1999, 50_000, True),
        (100, 2000, 50_000, False),
        (99, 200, 50_000, False),
        (6, 12, 12, True),
        (5, 12, 12, False),
        (12, 12, 12, True),
        (1, 1, 5000, False),
    ],
)
def test_values_that_turn_null_hold_beyond_a_share_and_a_number_or_half_of_all(
    nulled: int, stored: int, in_store: int, holds: bool
) -> None:
    told = {"nulled": nulled, "stored": stored, "in_store": in_store}

    assert found(Diff(nulled={"oil_production_kbd": told})) == ["NULLED"] * holds


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        (10.0, 20.0, False),
        (10.0, 20.1, True),
        (20.0, 10.0, False),
        (20.1, 10.0, True),
        (10.0, 0.0, True),
        (10.0, -5.0, True),
        (0.0, 9.0, False),
        (7.0, 7.0, False),
    ],
)
def test_a_sum_holds_beyond_a_factor(before: float, after: float, holds: bool) -> None:
    diff = Diff(sums={"gas_production_mmcfd": {"before": before, "after": after}})

    assert found(diff) == ["RESTATED"] * holds


@pytest.mark.parametrize(
    ("absence", "is_of_all", "holds"),
    [
        (Absence(stored=12, rows=12, filled=0, after=12), True, True),
        (Absence(stored=0, rows=12, filled=0, after=12), True, False),
        (Absence(stored=12, rows=3, filled=0, after=3), False, False),  # three wells without a value, in an increment
        (Absence(stored=12, rows=20, filled=0, after=20), False, True),
        (Absence(stored=0, rows=1000, filled=300, after=700), True, True),
        (Absence(stored=0, rows=1000, filled=700, after=4), True, False),
        (Absence(stored=0, rows=1000, filled=100, after=700), True, False),  # seldom before
        (Absence(stored=0, rows=10, filled=5, after=5), True, True),
    ],
)
def test_a_column_that_has_lost_its_field_holds(absence: Absence, is_of_all: bool, holds: bool) -> None:
    assert found(Diff(absent={"water_production_kbd": absence}), is_of_all=is_of_all) == ["COLUMN_GONE"] * holds


def test_conflicts_hold_a_first_import_and_later_beyond_one_percent() -> None:
    few = Settled(conflicts=Conflicts(keys=1, rows=2))

    assert found(Diff(new=1000), told=few) == ["CONFLICTS"]
    assert found(Diff(unchanged=1000, is_first=False), told=few) == []
    assert found(Diff(unchanged=99, is_first=False), told=few) == ["CONFLICTS"]
    assert found(
        Diff(unchanged=1000, is_first=False), told=Settled(conflicts=Conflicts(keys=1, rows=2, volume_share=0.011))
    ) == ["CONFLICTS"]
    assert found(Diff(), told=Settled(rates_beyond_a_well=1)) == ["RATE_BEYOND_A_WELL"]


def test_what_nobody_can_tell_is_shown_and_does_not_hold_and_not_of_pages_by_key() -> None:
    unknown = Completeness(state=Verdict.UNPROVABLE, reason="It does not count.", delivered=5)

    [finding] = judge(Diff(), Settled(), unknown, SETTINGS)

    assert (finding.check, finding.holds, finding.message) == ("COMPLETENESS_UNKNOWN", False, "It does not count.")
    assert judge(Diff(), Settled(), replace(unknown, is_by_key=True), SETTINGS) == []


# --- what the next import is judged with


def test_what_the_stored_rows_do_not_tell_is_remembered_until_it_is_not_found_again() -> None:
    diff = Diff(rejected=300, nulled={"oil_production_kbd": {"nulled": 500, "stored": 500, "in_store": 500}})
    findings = judge(diff, Settled(), SOUND, SETTINGS)
    accepted = [finding.fingerprint for finding in findings]

    assert accepted == ["REJECTED percent=0.3", "NULLED oil_production_kbd=500.0"]
    assert carried(accepted, findings, is_of_all=True) == ["REJECTED percent=0.3"]
    assert carried(accepted, [], is_of_all=True) == []
    assert carried(accepted, [], is_of_all=False) == ["REJECTED percent=0.3"]
    assert (
        carried(
            ["REJECTED nothing=1.0"],
            judge(Diff(is_first=False), Settled(), replace(SOUND, delivered=0), SETTINGS),
            is_of_all=True,
        )
        == []
    )
