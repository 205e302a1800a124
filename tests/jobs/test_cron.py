"""When a schedule is due, held against clocks that count minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from chalicelib.jobs.cron import MOST_COUNTED, Cron, CronInvalid, check_cron

CHICAGO = "America/Chicago"
# By which its clock is moved; there the library is late by as much, by real time.
HALF_AN_HOUR = "Australia/Lord_Howe"
ZONES = [
    "",
    CHICAGO,
    "Europe/London",
    HALF_AN_HOUR,
    "Asia/Kolkata",
]  # none moves its clock at midnight
HOURS = 30
CHANGES = [
    datetime(2025, 3, 9, tzinfo=UTC),
    datetime(2025, 11, 2, tzinfo=UTC),
    datetime(2025, 4, 5, tzinfo=UTC),
]


def moment(text: str, zone: str = CHICAGO) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def due(text: str, after: str, count: int, zone: str = CHICAGO) -> list[str]:
    times = Cron(text, zone).after(moment(after, zone))
    return [
        datetime.fromtimestamp(next(times), ZoneInfo(zone)).strftime("%m-%d %H:%M %z")
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 5 * * *", "2025-03-08T05:00", ["03-09 05:00 -0500", "03-10 05:00 -0500"]),
        (
            "30 2 * * *",
            "2025-03-08T03:00",
            ["03-09 03:00 -0500", "03-10 02:30 -0500"],
        ),  # 02:30 does not exist
        (
            "0,30 2-3 * * *",
            "2025-03-09T00:00",
            ["03-09 03:00 -0500", "03-09 03:30 -0500", "03-10 02:00 -0500"],
        ),
        (
            "30 1 * * *",
            "2025-11-02T00:00",
            ["11-02 01:30 -0500", "11-03 01:30 -0600"],
        ),  # 01:30 is there twice
        (
            "30 * * * *",
            "2025-11-02T00:45",
            ["11-02 01:30 -0500", "11-02 01:30 -0600", "11-02 02:30 -0600"],
        ),
        (
            "*/30 1 * * *",
            "2025-11-02T00:45",
            ["11-02 01:00 -0500", "11-02 01:30 -0500", "11-02 01:00 -0600"],
        ),
        ("30 * * * *", "2025-03-09T01:00", ["03-09 01:30 -0600", "03-09 03:30 -0500"]),
        ("0 0 29 2 *", "2025-01-01T00:00", ["02-29 00:00 -0600"]),
    ],
)
def test_the_clock_that_is_put_forward_and_back(text: str, after: str, expected: list[str]) -> None:
    assert due(text, after, len(expected)) == expected


def test_the_second_of_two_hours_brings_no_time_that_has_been() -> None:
    second = datetime(2025, 11, 2, 1, 10, tzinfo=ZoneInfo(CHICAGO), fold=1).timestamp()

    assert Cron("45 1 * * *", CHICAGO).next(second) == moment("2025-11-03T01:45")


def fields(most: int, steps: list[str]) -> st.SearchStrategy[str]:
    few = st.lists(st.integers(0, most), min_size=1, max_size=3)
    return st.one_of(
        st.sampled_from(["*", *steps]), few.map(lambda numbers: ",".join(map(str, numbers)))
    )


@settings(max_examples=25)
@given(
    when=st.tuples(
        fields(59, ["*/7", "*/15"]), fields(4, []), st.sampled_from(["*", "*", "0", "1-5"])
    ),
    zone=st.sampled_from(ZONES),
    first=st.sampled_from(CHANGES).flatmap(
        lambda day: st.integers(0, 43_200).map(lambda late: day.timestamp() + late)
    ),
)
@example(when=("15", "2", "*"), zone="Australia/Lord_Howe", first=CHANGES[2].timestamp())
@example(when=("*/15", "1,2", "*"), zone=CHICAGO, first=CHANGES[1].timestamp())
def test_any_schedule_is_due_when_a_clock_shows_it(
    when: tuple[str, str, str], zone: str, first: float
) -> None:
    minute, hour, weekday = when
    until = first + HOURS * 3600
    goes_by_real_time = minute.startswith("*") or hour.startswith("*") or not zone
    assume(zone != HALF_AN_HOUR or not goes_by_real_time)
    found = takewhile(
        lambda at: at <= until, Cron(f"{minute} {hour} * * {weekday}", zone).after(first)
    )

    shown = shown_in_real_time if goes_by_real_time else shown_on_the_wall
    assert list(found) == [
        at for at in shown(when, ZoneInfo(zone or "UTC"), first) if first < at <= until
    ]


def shown_in_real_time(when: tuple[str, str, str], zone: ZoneInfo, first: float) -> list[float]:
    minutes = [float(first // 60 * 60 + number * 60) for number in range(HOURS * 60 + 1)]
    return [at for at in minutes if matches(datetime.fromtimestamp(at, zone), when)]


def shown_on_the_wall(when: tuple[str, str, str], zone: ZoneInfo, first: float) -> list[float]:
    """Each time of the wall clock once; one that does not exist at the first minute that does."""
    begins = datetime.fromtimestamp(first, zone).replace(tzinfo=None, second=0, fold=0) - timedelta(
        hours=2
    )
    walls = [begins + timedelta(minutes=number) for number in range((HOURS + 4) * 60)]
    return sorted({at_or_after(wall, zone) for wall in walls if matches(wall, when)})


def at_or_after(wall: datetime, zone: ZoneInfo) -> float:
    while True:
        at = wall.replace(tzinfo=zone).timestamp()
        if datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0) == wall:
            return at
        wall += timedelta(minutes=1)


def matches(wall: datetime, when: tuple[str, str, str]) -> bool:
    minute, hour, weekday = when
    days = {"*": range(7), "0": [0], "1-5": range(1, 6)}[weekday]
    return (
        shows(wall.minute, minute) and shows(wall.hour, hour) and (wall.weekday() + 1) % 7 in days
    )


def shows(value: int, field: str) -> bool:
    if field.startswith("*/"):
        return value % int(field[2:]) == 0
    return field == "*" or str(value) in field.split(",")


def test_what_was_missed_is_counted_to_a_bound() -> None:
    noon = moment("2025-01-01T12:00")
    each_minute = Cron("* * * * *", CHICAGO)

    assert each_minute.past(noon, noon) == (noon, 1)
    assert each_minute.past(noon, noon + 150) == (noon + 120, 3)
    assert each_minute.past(noon, noon + 1e9) == (noon + 60.0 * (MOST_COUNTED - 1), MOST_COUNTED)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 5 * *", "which has 4 fields"),
        ("0 0 5 * * *", "which has 6 fields"),
        ("61 5 * * *", 'whose minute "61" is none'),
        ("0 24 * * *", 'whose hour "24" is none'),
        ("0 5 ? * *", 'whose day of the month "?" is none'),
        ("0 5 * foo *", 'whose month "foo" is none'),
        ("0 5 * * MON#1/2", 'whose day of the week "MON#1/2" is none'),
        ("*/0 5 * * *", 'whose minute "*/0" is none'),
        ("0 5 30 2 *", "which never comes"),
        ("0 5 31 4,6 *", "which never comes"),
        ("²  5 * * *", 'whose minute "²" is none'),
    ],
)
def test_what_cannot_be_due_is_refused(text: str, problem: str) -> None:
    with pytest.raises(CronInvalid) as refused:
        check_cron(text)
    assert refused.value.problem == problem


@pytest.mark.parametrize(
    "text",
    ["0 5 * * *", "*/15 * * * *", "0 5 29 2 *", "0 5 * * MON-FRI", "0 5 L * *", "0  5 1 jan *"],
)
def test_what_can_be_due_is_taken(text: str) -> None:
    check_cron(text)


@settings(max_examples=200)
@given(text=st.text(alphabet="0123456789*/,-#LWMON ", max_size=20))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        check_cron(text)
    except CronInvalid:
        return
    assert Cron(text, CHICAGO).next(0.0)
