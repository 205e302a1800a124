"""Items are made ahead of their use, heavy ones one at a time; a call runs beside its caller."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.waiting import wait_for_the_end_of_threads, wait_until

from chalicelib.imports.prefetch import Prefetch, run_beside

if TYPE_CHECKING:
    from collections.abc import Iterator


class Maker:
    def __init__(self, weights: list[int]) -> None:
        self.weights = weights
        self.begun: list[int] = []

    def items(self) -> Iterator[int]:
        for weight in self.weights:
            self.begun.append(weight)
            yield weight


def begun_while_the_first_is_used(weights: list[int], *, expected: int) -> list[int]:
    maker = Maker(weights)
    with Prefetch(
        maker.items(), ahead=2, while_waiting=lambda: None, weigh=lambda item: item, most_weight=10
    ) as arriving:
        assert next(arriving) == weights[0]
        wait_until(lambda: len(maker.begun) >= expected)
        time.sleep(0.1)  # time to begin more, wrongly
        begun = list(maker.begun)
        assert list(arriving) == weights[1:]
    return begun


def test_light_items_are_made_ahead() -> None:
    assert begun_while_the_first_is_used([1] * 9, expected=4) == [1] * 4


def test_nothing_is_begun_while_a_heavy_item_is_used() -> None:
    assert begun_while_the_first_is_used([11, 1, 1], expected=1) == [11]


def test_a_heavy_item_is_waited_for_before_the_next() -> None:
    assert begun_while_the_first_is_used([1, 30, 1, 1], expected=2) == [1, 30]


def test_the_reader_has_time_where_the_next_item_is_not_there() -> None:
    """Once for each item that is waited for, and in the reader's own thread."""
    turns = [threading.Event() for _ in range(3)]
    by: list[threading.Thread] = []

    def slow() -> Iterator[int]:
        for number, turn in enumerate(turns):
            turn.wait(60)
            yield number

    def meanwhile() -> None:
        if len(by) < len(turns):
            turns[len(by)].set()
        by.append(threading.current_thread())

    with Prefetch(slow(), ahead=1, while_waiting=lambda: None, meanwhile=meanwhile) as arriving:
        assert list(arriving) == [0, 1, 2]

    assert by[:3] == [threading.current_thread()] * 3


def test_leaving_ends_the_maker_that_waits() -> None:
    maker = Maker([11, 1])
    before = set(threading.enumerate())
    with Prefetch(
        maker.items(), ahead=2, while_waiting=lambda: None, weigh=lambda item: item, most_weight=10
    ) as arriving:
        next(arriving)

    wait_for_the_end_of_threads("prefetch", but=before)


def test_a_call_runs_beside_its_caller() -> None:
    waited, caller = threading.Event(), threading.current_thread()

    def call() -> tuple[bool, threading.Thread]:
        return waited.wait(60), threading.current_thread()

    was_waited_for, thread = run_beside(call, while_waiting=waited.set)

    assert was_waited_for
    assert thread is not caller


def test_an_error_of_the_call_is_raised_to_its_caller() -> None:
    def call() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        run_beside(call, while_waiting=lambda: None)
