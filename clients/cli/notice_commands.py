"""wellhead notices: what was told of imports and their ends, and whether it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clients.cli.options import json_option, with_session
from clients.cli.terminal import Column, moment, short_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.api.answers import Delivery, Notice
    from clients.cli.session import Session

COLUMNS = [
    Column("at", lambda notice: moment(notice["at"]), short_moment),
    Column("kind", lambda notice: notice["kind"]),
    Column("state", lambda notice: notice["state"]),
    Column("channels", lambda notice: _channels(notice["deliveries"])),
    Column("text", lambda notice: notice["text"], is_cut=True),
    Column("error", lambda notice: next(_errors(notice), None), is_cut=True),
]


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 100), help="How many at most.")
@json_option
@with_session
@click.pass_context
def notices(context: click.Context, session: Session, limit: int | None) -> None:
    """List the last notices, and whether they arrived."""
    if context.invoked_subcommand:
        return
    with session.client() as wellhead:
        found = wellhead.notices(limit=limit)
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.rows(COLUMNS, found)


@notices.command("test")
@json_option
@with_session
def send_test(session: Session) -> None:
    """Send a notice that is a test, and show its key."""
    with session.client() as wellhead:
        key = wellhead.test_notices()
    if session.terminal.wants_json:
        session.terminal.json({"key": key})
    else:
        session.terminal.facts([("key", key)])
        session.terminal.note(
            "It is sent within about a minute. See whether it arrived: wellhead notices"
        )


def _channels(deliveries: list[Delivery]) -> str:
    return ", ".join(
        f"{each['channel']} {each['state'].lower().replace('_', ' ')}" for each in deliveries
    )


def _errors(notice: Notice) -> Iterator[str]:
    for delivery in notice["deliveries"]:
        error = delivery["error"]
        if error:
            yield error
