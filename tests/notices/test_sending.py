"""The outbox is emptied:
each notice once at least on each channel, whatever a channel or the function does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import Clock, SilentTable, a_job, table_contents

from chalicelib.errors import NoticeUnsent, StateUnavailable
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.notice import Notice, State
from chalicelib.jobs.outbox import HOLD_SECONDS, KEPT_SECONDS, Outbox
from chalicelib.jobs.table import Table
from chalicelib.notices.sending import BACKOFF, send_due

if TYPE_CHECKING:
    from collections.abc import Callable

HOURS = 2.0


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Told:
    """A channel that hears everything, and then does what its next turn says."""

    turns: list[Callable[[], None]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.heard.append(notice.key)
        if self.turns:
            self.turns.pop(0)()


def failing(**details: Any) -> Callable[[], None]:
    def fail() -> None:
        raise NoticeUnsent("It failed.", **details)

    return fail


def dying() -> None:
    raise Killed


class Desk:
    """An outbox, its channels, and the function that runs when the clock says so."""

    def __init__(self, clock: Clock, dynamodb: Any = None) -> None:
        self.clock = clock
        self.dynamodb = cast("Any", dynamodb or InMemoryDynamoDb())
        self.table = Table(dynamodb=self.dynamodb, name="wellhead-test")
        self.outbox = Outbox(table=self.table, clock=clock)
        self.manager = JobManager(table=self.table, lease=Lease(), clock=clock)
        self.events, self.webhook = Told(), Told()
        self.channels: dict[str, Any] = {"events": self.events, "webhook": self.webhook}

    def run(self, *, outbox: Outbox | None = None, **options: Any) -> dict[str, int]:
        return send_due(
            outbox=outbox or self.outbox,
            channels=self.channels,
            hours=HOURS,
            clock=self.clock,
            backoff=replace(BACKOFF, draw=lambda _, most: most),
            **options,
        )

    def put(self, key: str) -> None:
        assert self.outbox.put(kind="source.stale", key=key, facts={"message": f"{key} is stale."})

    def latest(self) -> list[Notice]:
        return self.outbox.latest(20)


@pytest.fixture
def desk(clock: Clock) -> Desk:
    return Desk(clock)


def test_a_notice_goes_out_on_each_channel_and_is_kept_for_a_month(
    dynamodb: Any, clock: Clock
) -> None:
    """On moto's table, whole."""
    desk = Desk(clock, dynamodb)
    job = desk.manager.create(a_job(clock))
    ended = desk.manager.cancel(job.job_id)
    began = clock()
    clock.advance(30)

    assert desk.run() == {"done": 1, "waiting": 0}

    assert desk.events.heard == desk.webhook.heard == [job.job_id]
    contents = table_contents(dynamodb, "wellhead-test")
    [name] = [name for name in contents if name.startswith("NOTICE#")]
    kept = contents[name]
    assert name == f"NOTICE#{int(began * 1000)}#{job.job_id}"
    sent = {
        "state": "SENT",
        "attempts": 1,
        "due_at": clock() + HOLD_SECONDS,
        "at": clock(),
        "error": None,
    }
    assert kept == {
        "key": job.job_id,
        "kind": "import.cancelled",
        "at": ended.completed_at,
        "facts": kept["facts"],
        "version": 2,
        "deliveries": {"events": sent, "webhook": sent},
        "expires_at": int(clock()) + KEPT_SECONDS,
    }
    assert desk.outbox.waiting() == []
    assert desk.run() == {"done": 0, "waiting": 0}
    assert desk.webhook.heard == [job.job_id]


def test_a_channel_that_fails_is_tried_again_and_the_others_are_not(
    desk: Desk, clock: Clock
) -> None:
    desk.put("a")
    desk.webhook.turns = [failing(), failing()]
    waits = []
    for _ in range(3):
        desk.run()
        [notice] = desk.latest()
        waits.append(notice.deliveries["webhook"].due_at - clock())
        clock.advance(waits[-1] - 1)
        desk.run()  # too early
        clock.advance(1)

    assert desk.events.heard == ["a"]
    assert desk.webhook.heard == ["a"] * 3
    assert waits[:2] == [BACKOFF.first, 2 * BACKOFF.first]
    assert (notice.state, notice.deliveries["webhook"].attempts) == (State.SENT, 3)


def test_retry_after_is_waited_for(desk: Desk, clock: Clock) -> None:
    desk.put("a")
    desk.webhook.turns = [failing(retry_after=500.0)]

    desk.run()

    [notice] = desk.latest()
    assert notice.deliveries["webhook"].due_at == clock() + 500


@pytest.mark.parametrize("retry_after", [None, 10**9])
def test_after_so_many_hours_it_is_given_up_and_said_so(
    desk: Desk, clock: Clock, retry_after: float | None
) -> None:
    """However long the receiver asks to wait: a last try is made when the time is over."""
    desk.put("a")
    began = clock()
    desk.webhook.turns = [failing(retry_after=retry_after)] * 1000
    runs = 0
    while desk.run()["waiting"]:
        runs += 1
        assert runs < 200
        clock.advance(60)

    [notice] = desk.latest()
    given_up = notice.deliveries["webhook"]
    assert (notice.state, given_up.state, given_up.error) == (
        State.GIVEN_UP,
        State.GIVEN_UP,
        "It failed.",
    )
    assert given_up.at is not None
    assert HOURS * 3600 <= given_up.at - began <= HOURS * 3600 + 60
    assert notice.deliveries["events"].state is State.SENT
    assert desk.run() == {"done": 0, "waiting": 0}
    assert given_up.attempts == (2 if retry_after else 9)


def test_waits_grow_to_an_hour_and_no_further() -> None:
    assert replace(BACKOFF, draw=lambda _, most: most).seconds(20) == 3600


def test_who_wants_to_hear_nothing_any_more_is_left_alone(desk: Desk) -> None:
    desk.put("a")
    desk.webhook.turns = [failing(is_final=True)]

    assert desk.run() == {"done": 1, "waiting": 0}

    assert desk.latest()[0].deliveries["webhook"].state is State.GIVEN_UP


def test_a_receiver_that_is_overloaded_is_asked_once_a_run(desk: Desk, clock: Clock) -> None:
    for key in "abc":
        desk.put(key)
        clock.advance(1)
    desk.webhook.turns = [failing(is_busy=True)]

    assert desk.run() == {"done": 0, "waiting": 3}
    assert desk.events.heard == ["a", "b", "c"]
    assert desk.webhook.heard == ["a"]

    clock.advance(60)
    assert desk.run() == {"done": 3, "waiting": 0}
    assert sorted(desk.webhook.heard) == ["a", "a", "b", "c"]
    assert desk.events.heard == ["a", "b", "c"]


def test_a_notice_that_its_receiver_refuses_holds_up_no_other(desk: Desk, clock: Clock) -> None:
    for key in "ab":
        desk.put(key)
        clock.advance(1)
    desk.webhook.turns = [failing()]

    assert desk.run() == {"done": 1, "waiting": 1}
    assert desk.webhook.heard == ["a", "b"]


@pytest.mark.parametrize("channel", ["events", "webhook"])
def test_who_dies_while_it_sends_loses_nothing(desk: Desk, clock: Clock, channel: str) -> None:
    desk.put("a")
    desk.channels[channel].turns = [dying]
    with pytest.raises(Killed):
        desk.run()
    assert desk.run() == {"done": 0, "waiting": 1}  # it may still be at it

    clock.advance(HOLD_SECONDS)

    assert desk.run() == {"done": 1, "waiting": 0}
    assert desk.channels[channel].heard == ["a", "a"]


def test_an_answer_that_gets_lost_loses_no_notice(desk: Desk, clock: Clock) -> None:
    """Of each write in turn: that which takes it, and that which notes what came of it."""
    desk.put("a")
    deaf = Outbox(table=SilentTable(dynamodb=desk.dynamodb, name="wellhead-test"), clock=clock)
    with pytest.raises(StateUnavailable):
        desk.run(outbox=deaf)
    assert desk.webhook.heard == []
    clock.advance(HOLD_SECONDS)

    assert desk.run() == {"done": 1, "waiting": 0}
    assert desk.webhook.heard == ["a"]


def test_of_two_functions_at_once_one_sends(desk: Desk) -> None:
    desk.put("a")
    seen = desk.outbox.waiting()
    stale = Outbox(table=desk.table, clock=desk.clock)
    stale.waiting = lambda: seen  # type: ignore[method-assign]
    desk.run()

    assert desk.run(outbox=stale) == {"done": 0, "waiting": 1}
    assert desk.webhook.heard == ["a"]


def test_a_slow_one_does_not_undo_what_another_noted(desk: Desk, clock: Clock) -> None:
    """It was frozen in the middle of sending, and another one has sent it since:
    a repeat, and no loss.
    """
    desk.put("a")

    def freeze() -> None:
        clock.advance(HOLD_SECONDS)
        assert desk.run() == {"done": 1, "waiting": 0}
        raise NoticeUnsent

    desk.webhook.turns = [freeze]

    assert desk.run()["done"] == 0

    assert desk.webhook.heard == ["a", "a"]
    assert [notice.state for notice in desk.latest()] == [State.SENT]


def test_an_unforeseen_error_of_a_channel_is_a_failure_like_others(desk: Desk) -> None:
    desk.put("a")
    desk.put("b")

    def break_down() -> None:
        raise ZeroDivisionError

    desk.webhook.turns = [break_down]

    assert desk.run() == {"done": 1, "waiting": 1}
    assert "unexpectedly" in str(
        [n.deliveries["webhook"].error for n in desk.latest() if n.key == "a"]
    )


def test_what_time_does_not_suffice_for_waits_for_the_next_run(desk: Desk) -> None:
    for key in "abc":
        desk.put(key)
    seconds = iter([60.0, 30.0, 20.0])

    assert desk.run(remaining=lambda: next(seconds)) == {"done": 2, "waiting": 1}
    assert desk.run() == {"done": 1, "waiting": 0}


def test_a_channel_that_is_set_up_later_is_not_flooded_and_one_that_is_gone_is_not_waited_for(
    desk: Desk, clock: Clock
) -> None:
    desk.put("a")
    desk.webhook.turns = [failing()]
    desk.run()
    del desk.channels["webhook"]
    desk.channels["mail"] = mail = Told()
    clock.advance(60)

    assert desk.run() == {"done": 1, "waiting": 0}

    assert mail.heard == []
    assert desk.latest()[0].deliveries["webhook"].error == "The channel is not set up any more."


def test_of_one_key_there_is_one_notice(desk: Desk, clock: Clock) -> None:
    """However often it is put in, and also when it was sent long ago."""
    desk.put("stale-gulf-2026-11-29")
    assert not desk.outbox.put(kind="source.stale", key="stale-gulf-2026-11-29", facts={})
    desk.run()
    clock.advance(3600)
    assert not desk.outbox.put(kind="source.stale", key="stale-gulf-2026-11-29", facts={})
    assert desk.run() == {"done": 0, "waiting": 0}

    assert desk.events.heard == ["stale-gulf-2026-11-29"]
    assert [notice.text for notice in desk.latest()] == ["stale-gulf-2026-11-29 is stale."]


@pytest.mark.parametrize(
    ("kind", "key"), [("stale", "a"), ("source.stale", "a.b"), ("source.stale", ""), ("A.b", "a")]
)
def test_a_key_or_kind_of_another_form_is_a_mistake_of_the_code(
    desk: Desk, kind: str, key: str
) -> None:
    with pytest.raises(ValueError, match="is no kind of notice"):
        desk.outbox.put(kind=kind, key=key, facts={})


def test_all_that_wait_are_looked_at_and_the_newest_are_listed(desk: Desk, clock: Clock) -> None:
    for number in range(230):
        desk.put(f"n{number}")
        clock.advance(1)

    assert [notice.key for notice in desk.outbox.waiting()] == [
        f"n{number}" for number in range(230)
    ]
    assert [notice.key for notice in desk.outbox.latest(2)] == ["n229", "n228"]
    assert desk.run() == {"done": 230, "waiting": 0}
    assert [notice.key for notice in desk.outbox.latest(2)] == ["n229", "n228"]
