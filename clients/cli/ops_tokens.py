"""wellhead ops tokens: who may ask the API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from clients.cli.options import json_option, with_session
from clients.cli.terminal import Column, moment

if TYPE_CHECKING:
    from clients.cli.session import Session

DAY = 86_400

COLUMNS = [
    Column("name", lambda token: token["name"]),
    Column("role", lambda token: token["role"]),
    Column("made", lambda token: moment(token["created_at"])),
    Column("days", lambda token: _days(token["created_at"]), is_number=True),
]


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def tokens(context: click.Context) -> None:
    """The tokens of the API: names, roles and age, nothing secret."""
    if context.invoked_subcommand is None:
        context.invoke(show)


@tokens.command("list")
@json_option
@with_session
def show(session: Session) -> None:
    """All of them, by name."""
    with session.client() as wellhead:
        found = wellhead.ops.tokens()
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.rows(COLUMNS, found)


def _days(made: float | None) -> int | None:
    return None if made is None else int((time.time() - made) // DAY)
