"""Options that several commands have."""

from __future__ import annotations

import contextlib
import re
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from clients.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

with_session = click.make_pass_decorator(Session)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    def note(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        session = context.ensure_object(Session)
        session.terminal.wants_json = value

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=note,
        help="Print JSON; errors too, as the last line.",
    )(command)


def wait_options(*, default: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        seconds = click.FloatRange(min=0, min_open=True)
        timed = click.option(
            "--timeout", type=seconds, help="Wait so many seconds at most; the import goes on."
        )
        waiting = click.option(
            "--wait/--no-wait", default=default, help="Follow the import to its end, or do not."
        )
        return waiting(timed(command))

    return decorate


def limit_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    at_least_one = click.IntRange(min=1)
    return click.option("--limit", type=at_least_one, help=text)


def day_option(
    name: str, target: str, text: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A day; of a month or a year such as 2024-10 its first one,
    and of the option --to its last one.
    """

    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        return _day(value, is_last=name == "--to")

    return click.option(
        name, target, callback=read, metavar="DAY", help=f"{text} A month or a year is all of it."
    )


def _day(text: str, *, is_last: bool) -> str:
    first = _first_day(text)
    if first is None:
        raise click.BadParameter(
            f"{text!r} is no day, month or year, such as 2024-01-31, 2024-01 or 2024."
        )
    month = {4: 12, 7: first.month}.get(len(text))
    if not is_last or month is None:
        return first.isoformat()
    return first.replace(month=month, day=monthrange(first.year, month)[1]).isoformat()


def _first_day(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text):
        return None
    with contextlib.suppress(ValueError):
        return date.fromisoformat(f"{text}-01-01"[:10])
    return None
