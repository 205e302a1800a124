"""The source decides how many requests are under way:
halved when it is overloaded, one more for each good round.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.throttle import ANSWERS_BEFORE_JUDGING, CALM_SECONDS, Throttle

if TYPE_CHECKING:
    from chalicelib.http.throttle import Slot


class Hands:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


def throttle(hands: Hands, *, most: int = 8, per_second: float = 0.0) -> Throttle:
    return Throttle(most=most, per_second=per_second, clock=hands.clock, sleep=hands.sleep)


def ask(
    throttle: Throttle, hands: Hands, *, seconds: float = 0.1, overloaded: bool = False
) -> None:
    with throttle.slot() as slot:
        hands.now += seconds
        slot.overloaded = overloaded


def test_without_a_cap_nothing_waits(hands: Hands) -> None:
    under_way = throttle(hands)

    for _ in range(100):
        ask(under_way, hands)

    assert (hands.slept, under_way.limit) == ([], 8)


@pytest.mark.parametrize("allowed", [1, 2, 5])
def test_a_source_that_takes_few_at_once_is_seldom_asked_for_more(
    hands: Hands, allowed: int
) -> None:
    """Of 1,000 rounds of a tenth of a second each a dozen are refused:
    while the limit is found, and once in each calm time.
    """
    under_way = throttle(hands)
    refused = 0
    for _ in range(1_000):
        with ExitStack() as together:
            slots = [together.enter_context(under_way.slot()) for _ in range(under_way.limit)]
            hands.now += 0.1
            for slot in slots[allowed:]:
                slot.overloaded = True
            refused += len(slots) > allowed

    assert refused <= 12
    assert under_way.limit in (allowed, max(1, allowed // 2), max(1, (allowed + 1) // 2))


def test_one_refusal_does_not_bound_for_good(hands: Hands) -> None:
    under_way = throttle(hands, most=4)
    with ExitStack() as together:
        slots = [together.enter_context(under_way.slot()) for _ in range(4)]
        slots[-1].overloaded = True

    for _ in range(20):
        ask(under_way, hands)
    before = under_way.limit
    hands.now += CALM_SECONDS
    for _ in range(10):
        ask(under_way, hands)

    assert (before, under_way.limit) == (3, 4)


@pytest.mark.parametrize(("per_second", "spacing"), [(2.0, 0.5), (0.25, 4.0)])
def test_requests_begin_no_sooner_than_the_cap_says(
    hands: Hands, per_second: float, spacing: float
) -> None:
    capped = throttle(hands, per_second=per_second)
    began = []

    for _ in range(4):
        with capped.slot() as slot:
            began.append(slot.began)

    assert began == [1000 + number * spacing for number in range(4)]


def test_the_cap_is_of_all_threads_together(hands: Hands) -> None:
    capped = throttle(hands, per_second=1.0)

    with capped.slot(), capped.slot(), capped.slot():
        assert hands.slept == [1.0, 1.0]


def test_time_that_was_not_used_is_not_caught_up_on(hands: Hands) -> None:
    capped = throttle(hands, per_second=1.0)
    ask(capped, hands)
    hands.now += 100

    ask(capped, hands, seconds=0)
    ask(capped, hands, seconds=0)

    assert hands.slept == [1.0]


def test_a_pause_is_for_everybody(hands: Hands) -> None:
    under_way = throttle(hands)
    under_way.pause(30)
    under_way.pause(10)

    ask(under_way, hands)
    ask(under_way, hands)

    assert hands.slept == [30]


def test_who_waits_for_its_turn_waits_for_a_pause_too() -> None:
    class Paused(Hands):
        def sleep(self, seconds: float) -> None:
            if not self.slept:
                capped.pause(30)
            super().sleep(seconds)

    hands = Paused()
    capped = throttle(hands, per_second=1.0)
    ask(capped, hands, seconds=0)

    with capped.slot() as slot:
        assert slot.began == 1030


def test_an_overload_halves_and_good_rounds_add_one(hands: Hands) -> None:
    under_way = throttle(hands)
    limits = []

    for overloaded in (True, True, True, True):
        ask(under_way, hands, overloaded=overloaded)
        limits.append(under_way.limit)
    for _ in range(3):
        ask(under_way, hands)
        limits.append(under_way.limit)

    assert limits == [4, 2, 1, 1, 2, 2, 2]
    for _ in range(40):
        ask(under_way, hands)
    assert under_way.limit == 8


def test_requests_that_were_under_way_together_tell_of_one_overload(hands: Hands) -> None:
    under_way = throttle(hands)

    with ExitStack() as together:
        slots: list[Slot] = [together.enter_context(under_way.slot()) for _ in range(8)]
        hands.now += 1
        for slot in slots:
            slot.overloaded = True

    assert under_way.limit == 4


def test_an_answer_that_is_much_slower_than_usual_halves(hands: Hands) -> None:
    under_way = throttle(hands)
    for _ in range(ANSWERS_BEFORE_JUDGING):
        ask(under_way, hands, seconds=0.5)

    ask(under_way, hands, seconds=1.9)
    assert under_way.limit == 8
    ask(under_way, hands, seconds=9.0)
    assert under_way.limit == 4


def test_quick_answers_are_never_slow(hands: Hands) -> None:
    under_way = throttle(hands)
    for _ in range(ANSWERS_BEFORE_JUDGING):
        ask(under_way, hands, seconds=0.001)

    ask(under_way, hands, seconds=0.9)

    assert under_way.limit == 8


def test_a_source_that_is_slow_for_good_is_not_kept_at_one(hands: Hands) -> None:
    under_way = throttle(hands)
    for _ in range(20):
        ask(under_way, hands, seconds=0.5)
    for _ in range(100):
        ask(under_way, hands, seconds=5.0)

    assert under_way.limit == 8


def test_a_failure_neither_halves_nor_adds(hands: Hands) -> None:
    under_way = throttle(hands)
    ask(under_way, hands, overloaded=True)

    for _ in range(20):
        with pytest.raises(OSError, match="broken"), under_way.slot():
            raise OSError("broken")

    assert under_way.limit == 4


def test_who_comes_too_many_waits_for_a_free_slot() -> None:
    under_way = Throttle(most=1)
    began = threading.Event()

    def wait() -> None:
        with under_way.slot():
            began.set()

    with under_way.slot():
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert not began.wait(0.05)
    waiting.join(10)

    assert began.is_set()


@given(
    most=st.integers(1, 16),
    answers=st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=60),
)
def test_the_limit_stays_between_one_and_the_most(
    most: int, answers: list[tuple[float, bool, bool]]
) -> None:
    hands = Hands()
    under_way = throttle(hands, most=most)

    for seconds, overloaded, together in answers:
        with ExitStack() as stack:
            if together and under_way.limit > 1:
                stack.enter_context(under_way.slot())
            ask(under_way, hands, seconds=seconds, overloaded=overloaded)
        assert 1 <= under_way.limit <= most
