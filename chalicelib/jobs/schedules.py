"""Schedules: each an item of the table, beside its source's.
Each write raises its turn, if that is as it was read.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from .lock import same_schedule, schedule_key
from .outbox import outbox_write
from .schedule import Plan, Schedule
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .notice import Notice
    from .table import Table

MOST_AT_A_LOOK = 200


class Schedules:
    def __init__(self, *, table: Table, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    @property
    def now(self) -> float:
        """The table's time, rather too early than too late: by no clock anything starts before it
        is due, but for the seconds in which a clock is believed.
        """
        own_time = self._clock()
        return self._table.time.earliest(own_time)

    def all(self) -> dict[str, Schedule]:
        """By the name of the source. Raises StateUnavailable."""
        names = [each.name for each in fields(Schedule)]
        schedules: list[Schedule] = []
        place = None
        while True:
            items, place = self._table.newest(
                "SCHEDULE",
                limit=MOST_AT_A_LOOK,
                names=names,
                before=place,
            )
            schedules += map(Schedule.of_item, items)
            if place is None:
                return {schedule.source: schedule for schedule in schedules}

    def get(self, plan: Plan) -> Schedule:
        """As the plan says, also where the sweeper has not seen its newest version yet.
        Raises StateUnavailable.
        """
        item = self._table.read(schedule_key(plan.source))
        schedule = Schedule.of_item(item) if item else Schedule(source=plan.source)
        return schedule.follow(plan)

    def pause(self, plan: Plan, *, by: str) -> Schedule:
        """Twice is the same. Raises StateUnavailable."""

        def change(schedule: Schedule) -> Schedule:
            return schedule.stop(by=by, now=self.now)

        return self._change(plan, change)

    def resume(self, plan: Plan) -> Schedule:
        """Twice is the same. Raises StateUnavailable."""

        def change(schedule: Schedule) -> Schedule:
            return schedule.resume(now=self.now)

        return self._change(plan, change)

    def write(self, schedule: Schedule, *notices: Notice) -> Schedule:
        """With what is to be told of it.
        Raises ConditionRefused when somebody has written it since it was read, StateUnavailable.
        """
        new = replace(schedule, turn=schedule.turn + 1)
        item = schedule_key(new.source) | new.to_item()
        step = self._table.put(item, when=same_schedule(schedule.turn))
        outbox_writes = [outbox_write(self._table, notice) for notice in notices]
        self._table.transact([step, *outbox_writes])
        return new

    def _change(self, plan: Plan, change: Callable[[Schedule], Schedule]) -> Schedule:
        while True:
            old = self.get(plan)
            new = change(old)
            if new == old:
                return old
            try:
                return self.write(new)
            except ConditionRefused:
                continue  # the sweeper, say, has written it since: change what it is now
