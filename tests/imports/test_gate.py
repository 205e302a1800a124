"""The gate: what holds an import, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.imports.completeness import Completeness, Verdict
from chalicelib.imports.gate import judge
from chalicelib.imports.memory import remember
from chalicelib.jobs.finding import Check, Finding, is_covered
from chalicelib.settings import Settings
from chalicelib.store.columns import VALUES, VOLUMES
from chalicelib.store.diff import Absence, Diff
from chalicelib.store.settle import Conflicts, Settled

REQUIRED = {"WELLHEAD_TABLE": "t", "WELLHEAD_IMPORT_FUNCTION": "f", "WELLHEAD_WAREHOUSE": "/w"}
SETTINGS = Settings.from_environment(
    REQUIRED | {"WELLHEAD_SOURCE_URL": "https://example.org/odata/Wells"}
)
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
    stretch = draw(st.integers(0, rows))
    return Absence(
        stored=draw(counts), rows=rows, stretch=stretch, filled=draw(st.integers(0, rows - stretch))
    )


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
    [
        SOUND,
        replace(SOUND, state=Verdict.UNPROVABLE),
        replace(SOUND, state=Verdict.DISPROVED, missing=9),
    ]
)


def found(
    diff: Diff, one: Completeness = SOUND, told: Settled | None = None, **more: Any
) -> list[str]:
    return [
        finding.check
        for finding in judge(diff, told or Settled(), one, SETTINGS, **more)
        if finding.holds
    ]


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
    assert sorted(each.fingerprint for each in again) == sorted(
        each.fingerprint for each in findings
    )
    for left_out in range(len(accepted)):
        rest = accepted[:left_out] + accepted[left_out + 1 :]
        [left] = [
            each
            for each in judge(diff, told, completeness, SETTINGS, rest, is_of_all=is_of_all)
            if each.holds
        ]
        assert left == holds[left_out]


@given(diff=diffs(), more=st.integers(1, 1000), column=st.sampled_from(VALUES))
def test_worse_never_passes_where_better_was_held(diff: Diff, more: int, column: str) -> None:
    before = set(found(diff))
    told = diff.nulled.get(column, {"nulled": 0, "stored": 0, "in_store": 0})
    worse = [
        replace(diff, rejected=min(1000, diff.rejected + more)),
        replace(
            diff,
            nulled=diff.nulled | {column: {name: count + more for name, count in told.items()}},
        ),
        replace(diff, sums={name: {"before": 1.0, "after": 1000.0} for name in VOLUMES}),
    ]

    for each in worse:
        assert before <= set(found(each))


@given(diff=diffs(), more=st.integers(1, 1000))
def test_more_than_was_accepted_holds_again(diff: Diff, more: int) -> None:
    findings = [
        finding
        for finding in judge(diff, Settled(), SOUND, SETTINGS)
        if finding.check == Check.NULLED
    ]
    accepted = [finding.fingerprint for finding in findings]
    worse = {
        name: {each: count + more for each, count in told.items()}
        for name, told in diff.nulled.items()
    }

    held = found(replace(diff, nulled=worse), accepted=accepted)

    assert ("NULLED" in held) == bool(found(replace(Diff(), nulled=worse)))


@given(diff=diffs(), told=settled, completeness=completenesses)
def test_a_finding_tells_what_was_found_in_words(
    diff: Diff, told: Settled, completeness: Completeness
) -> None:
    for finding in judge(diff, told, completeness, SETTINGS):
        assert finding.limit != "" != finding.found
        assert finding.message.endswith(".") or finding.check in (
            "SOURCE_INCOMPLETE",
            "COMPLETENESS_UNKNOWN",
        )
        assert Finding.from_attributes(finding.to_attributes()) == finding
        assert is_covered(finding.fingerprint, [finding.fingerprint])


# --- the limits


@pytest.mark.parametrize(
    ("rejected", "delivered", "is_of_all", "holds"),
    [
        (50, 1000, True, False),
        (51, 1000, True, True),
        (19, 20, True, True),
        (10, 11, True, True),
        (9, 10, False, False),
        (8, 10, True, False),
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


@pytest.mark.parametrize(
    ("rejected", "skipped", "holds"), [(1, 999, True), (20, 600, False), (20, 601, True)]
)
def test_the_share_of_rejected_rows_is_of_those_that_are_taken(
    rejected: int, skipped: int, holds: bool
) -> None:
    assert bool(found(Diff(rejected=rejected), skipped=skipped)) is holds


@pytest.mark.parametrize("is_first", [True, False])
def test_a_definition_that_leaves_every_row_out_holds_an_import_of_all_rows(is_first: bool) -> None:
    [finding] = judge(Diff(is_first=is_first), Settled(), SOUND, SETTINGS, skipped=1000)

    assert (finding.check, finding.holds) == (Check.REJECTED, True)
    assert finding.message == (
        "Not one of 1,000 rows is taken: where and skip of the definition leave all of them out."
    )
    assert found(Diff(is_first=is_first), skipped=1000, is_of_all=False) == []


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
        (99, 99, 50_000, True),
        (20, 22, 50_000, True),
        (20, 23, 50_000, False),
        (19, 19, 50_000, False),
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
        (Absence(stored=12, rows=12, filled=0, stretch=12), True, True),
        (Absence(stored=0, rows=12, filled=0, stretch=12), True, False),
        (
            Absence(stored=12, rows=3, filled=0, stretch=3),
            False,
            False,
        ),  # three wells without a value, in an increment
        (Absence(stored=12, rows=20, filled=0, stretch=20), False, True),
        (Absence(stored=0, rows=1000, filled=300, stretch=700), True, True),
        (Absence(stored=0, rows=1000, filled=700, stretch=4), True, False),
        (Absence(stored=0, rows=1000, filled=100, stretch=700), True, False),  # seldom before
        (Absence(stored=0, rows=10, filled=5, stretch=5), True, True),
    ],
)
def test_a_column_that_has_lost_its_field_holds(
    absence: Absence, is_of_all: bool, holds: bool
) -> None:
    assert (
        found(Diff(absent={"water_production_kbd": absence}), is_of_all=is_of_all)
        == ["COLUMN_GONE"] * holds
    )


def test_conflicts_hold_a_first_import_and_later_beyond_one_percent() -> None:
    few = Settled(conflicts=Conflicts(keys=1, rows=2))

    assert found(Diff(new=1000), told=few) == ["CONFLICTS"]
    assert found(Diff(unchanged=1000, is_first=False), told=few) == []
    assert found(Diff(unchanged=99, is_first=False), told=few) == ["CONFLICTS"]
    assert found(
        Diff(unchanged=1000, is_first=False),
        told=Settled(conflicts=Conflicts(keys=1, rows=2, volume_share=0.011)),
    ) == ["CONFLICTS"]
    assert found(Diff(), told=Settled(rates_beyond_a_well=1)) == ["RATE_BEYOND_A_WELL"]


def test_what_nobody_can_tell_is_shown_and_does_not_hold_and_not_of_pages_by_key() -> None:
    unknown = Completeness(state=Verdict.UNPROVABLE, reason="It does not count.", delivered=5)

    [finding] = judge(Diff(), Settled(), unknown, SETTINGS)

    assert (finding.check, finding.holds, finding.message) == (
        "COMPLETENESS_UNKNOWN",
        False,
        "It does not count.",
    )
    assert judge(Diff(), Settled(), replace(unknown, is_by_key=True), SETTINGS) == []


# --- what the next import is judged with


def test_what_the_stored_rows_do_not_tell_is_remembered_until_it_is_not_found_again() -> None:
    diff = Diff(
        rejected=300, nulled={"oil_production_kbd": {"nulled": 500, "stored": 500, "in_store": 500}}
    )
    first = judge(
        diff, Settled(), SOUND, SETTINGS, rejects={"NOT_A_NUMBER oil_production_kbd": 300}
    )
    accepted = [finding.fingerprint for finding in first]
    rejected = "REJECTED NOT_A_NUMBER:oil_production_kbd=0.3 all=1.0 other=0.05 percent=0.3"

    findings = judge(
        diff, Settled(), SOUND, SETTINGS, accepted, rejects={"NOT_A_NUMBER oil_production_kbd": 300}
    )

    assert accepted == [rejected, "NULLED oil_production_kbd=500.0"]
    assert remember(accepted, findings, is_of_all=True) == [rejected]
    assert remember(accepted, [], is_of_all=True) == []
    assert remember(accepted, [], is_of_all=False) == [rejected]
    assert (
        remember(
            ["REJECTED nothing=1.0"],
            judge(
                Diff(is_first=False),
                Settled(),
                replace(SOUND, delivered=0),
                SETTINGS,
                ["REJECTED nothing=1.0"],
            ),
            is_of_all=True,
        )
        == []
    )


class Nights:
    """Imports one after another: each is judged with what the one before has left;
    `takes` accepts what holds it.
    """

    def __init__(self) -> None:
        self.accepted: list[str] = []

    def passes(
        self,
        rejects: dict[str, int],
        *,
        delivered: int = 500,
        is_of_all: bool = True,
        takes: bool = False,
        **more: Any,
    ) -> bool:
        diff = replace(
            more.pop("diff", Diff(is_first=False)), rejected=min(delivered, sum(rejects.values()))
        )
        completeness, settled = replace(SOUND, delivered=delivered), more.pop("settled", Settled())

        def judged(accepted: list[str]) -> list[Finding]:
            return judge(
                diff,
                settled,
                completeness,
                SETTINGS,
                accepted,
                is_of_all=is_of_all,
                rejects=rejects,
            )

        findings = judged(self.accepted)
        holding = [finding.fingerprint for finding in findings if finding.holds]
        if takes:
            self.accepted = [*holding, *self.accepted]
            findings = judged(self.accepted)
        if takes or not holding:
            self.accepted = remember(self.accepted, findings, is_of_all=is_of_all)
        return not holding


OIL, GAS, PERIOD = (
    "NOT_A_NUMBER oil_production_kbd",
    "NOT_A_NUMBER gas_production_mmcfd",
    "NOT_A_DATE production_period",
)


def test_rejected_rows_that_were_accepted_of_a_part_are_held_in_an_import_of_all_rows() -> None:
    nights = Nights()
    assert not nights.passes({OIL: 125}, delivered=125, is_of_all=False, takes=True)

    assert nights.passes({OIL: 125}, delivered=125, is_of_all=False)
    assert not nights.passes({GAS: 125}, delivered=125, is_of_all=False)
    assert not nights.passes({OIL: 500})
    assert not nights.passes({GAS: 500})


def test_rejected_rows_that_were_accepted_of_all_rows_pass_in_an_increment_as_long_as_they_are_no_more() -> (
    None
):
    nights = Nights()
    nights.passes({OIL: 300}, takes=True)

    assert nights.passes({OIL: 24}, delivered=40, is_of_all=False)
    assert not nights.passes({OIL: 40}, delivered=40, is_of_all=False)
    assert nights.passes({OIL: 300})


def test_accepted_rejects_shrink_to_what_was_found_since() -> None:
    nights = Nights()
    nights.passes({OIL: 300}, takes=True)

    assert nights.passes({OIL: 30})
    assert not nights.passes({OIL: 290})
    assert nights.passes({OIL: 30})


def test_the_same_rejects_are_accepted_for_every_night_and_those_of_another_column_are_not() -> (
    None
):
    nights = Nights()
    nights.passes({OIL: 300, PERIOD: 60}, takes=True)

    assert [nights.passes({OIL: 300, PERIOD: 60}) for _ in range(3)] == [True] * 3
    assert not nights.passes({GAS: 300, PERIOD: 60})
    assert not nights.passes({OIL: 60, PERIOD: 300})
    assert nights.passes({OIL: 280, PERIOD: 58, GAS: 20})  # a few odd rows are no other thing
    assert not nights.passes({OIL: 280, PERIOD: 58, GAS: 30})


def test_the_share_of_an_increment_goes_up_and_down_and_a_smaller_one_is_remembered_below_half() -> (
    None
):
    nights = Nights()
    nights.passes({OIL: 60}, delivered=100, is_of_all=False, takes=True)

    assert [
        nights.passes({OIL: rows}, delivered=100, is_of_all=False) for rows in (40, 60, 35, 60)
    ] == [True] * 4
    assert len(nights.accepted) == 1
    assert nights.passes({OIL: 20}, delivered=100, is_of_all=False)
    assert not nights.passes({OIL: 60}, delivered=100, is_of_all=False)


def test_nearly_all_rejected_is_not_all() -> None:
    nights = Nights()
    nights.passes({OIL: 499}, takes=True)

    assert nights.passes({OIL: 499})
    assert not nights.passes({OIL: 500})


def test_many_problems_make_a_short_fingerprint() -> None:
    rejects = {f"NOT_A_NUMBER column_{number:02}": 500 for number in range(60)}

    [finding] = judge(
        Diff(rejected=500), Settled(), replace(SOUND, delivered=500), SETTINGS, rejects=rejects
    )

    assert len(finding.fingerprint) < 200


@pytest.mark.parametrize(
    ("settled", "check"),
    [
        (Settled(rates_beyond_a_well=3), "RATE_BEYOND_A_WELL"),
        (Settled(conflicts=Conflicts(keys=8, rows=16)), "CONFLICTS"),
    ],
)
def test_what_was_accepted_of_some_wells_is_held_at_other_wells(
    settled: Settled, check: str
) -> None:
    def diff(*wells: str) -> Diff:
        return Diff(unchanged=100, is_first=False, wells={check: list(wells)})

    nights = Nights()
    assert not nights.passes({}, settled=settled, diff=diff("a1", "b2"), takes=True)

    assert nights.passes({}, settled=settled, diff=diff("a1", "b2"))
    assert not nights.passes({}, settled=settled, diff=diff("a1", "c3"))
    assert nights.passes({}, settled=settled, diff=diff("a1"))
    assert not nights.passes({}, settled=settled, diff=diff("a1", "b2"))  # it had shrunk


@pytest.mark.parametrize(
    "old",
    [
        "REJECTED percent=1.0",
        "RATE_BEYOND_A_WELL rows=3.0",
        "CONFLICTS percent=1.0",
        "REJECTED all=many percent=0.3",
        "LATER thing=1.0",
        "REJECTED",
        "",
    ],
)
def test_a_fingerprint_of_another_version_covers_no_more_than_it_says(old: str) -> None:
    settled = Settled(rates_beyond_a_well=3, conflicts=Conflicts(keys=8, rows=16))
    diff = Diff(rejected=500, unchanged=10, is_first=False)
    completeness = replace(SOUND, delivered=500)

    for is_of_all in (True, False):
        findings = judge(
            diff, settled, completeness, SETTINGS, [old], rejects={OIL: 500}, is_of_all=is_of_all
        )
        remember([old], findings, is_of_all=is_of_all)

        assert "REJECTED" in [finding.check for finding in findings if finding.holds]


def test_conflicts_name_the_settings_that_tell_rows_apart() -> None:
    [finding] = judge(Diff(), Settled(conflicts=Conflicts(keys=1, rows=2)), SOUND, SETTINGS)

    for setting in (
        "WELLHEAD_SOURCE_PRIMARY_KEY",
        "WELLHEAD_SOURCE_ORDER_BY",
        "WELLHEAD_SOURCE_ROWS=sum",
    ):
        assert setting in finding.message


def test_a_sum_that_is_wiped_becomes_zero_without_a_sign() -> None:
    [finding] = judge(
        Diff(sums={"oil_production_kbd": {"before": 744.0, "after": -0.0}}),
        Settled(),
        SOUND,
        SETTINGS,
    )

    assert "from 744 to 0." in finding.message
