"""Options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clients.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

with_session = click.make_pass_decorator(Session)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    def note(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.ensure_object(Session).terminal.wants_json = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=note, help="Print JSON; errors too, as the last line."
    )(command)


def wait_options(*, default: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        seconds = click.FloatRange(min=0, min_open=True)
        timed = click.option("--timeout", type=seconds, help="Wait so many seconds at most; the import goes on.")
        waiting = click.option("--wait/--no-wait", default=default, help="Follow the import to its end, or do not.")
        return waiting(timed(command))

    return decorate


def limit_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--limit", type=click.IntRange(min=1), help=text)


def day_option(name: str, target: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    day = click.DateTime(formats=["%Y-%m-%d"])
    return click.option(name, target, type=day, callback=_iso, metavar="DAY", help=text)


def _iso(_context: click.Context, _parameter: click.Parameter, value: Any) -> str | None:
    return value.date().isoformat() if value else None
