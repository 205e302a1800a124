"""wellhead ops tokens: whose tokens there are, how old they are, and a new one for a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clients.cli.options import json_option, with_session
from clients.cli.terminal import Column, moment, short_moment

if TYPE_CHECKING:
    from clients.cli.session import Session

TOKEN_COLUMNS = [
    Column("name", lambda token: token["name"]),
    Column("role", lambda token: token["role"] or "NO TOKEN"),
    Column("made", lambda token: moment(token["created_at"]), short_moment),
    Column("last used", lambda token: _day(token["last_used_at"])),
    Column("ends", lambda token: moment(token["expires_at"])),
    Column("one before works until", lambda token: moment(token["previous_until"]), short_moment),
]


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def tokens(context: click.Context) -> None:
    """The tokens of the API: names, roles, ages and ends, nothing secret."""
    if context.invoked_subcommand is None:
        context.invoke(list_tokens)


@tokens.command("list")
@json_option
@with_session
def list_tokens(session: Session) -> None:
    """Show whose tokens there are, how old they are, and when each was used last."""
    with session.client() as wellhead:
        found = wellhead.ops.tokens()
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.rows(TOKEN_COLUMNS, found)


@tokens.command()
@click.argument("name")
@click.option("--now", is_flag=True, help="The token before ends at once, and not after a day.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="How long it lives; as long as the one before by default.",
)
@json_option
@with_session
def rotate(session: Session, name: str, now: bool, days: int | None) -> None:
    """Make a new token for NAME, and print it: this once."""
    with session.client() as wellhead:
        made = wellhead.ops.rotate_token(name, now=now, days=days)
    terminal = session.terminal
    if terminal.wants_json:
        terminal.json(made)
        return
    terminal.line(made["token"])
    until = "has ended" if now else f"works until {moment(made['previous_until'])}"
    ends = f" It ends {moment(made['expires_at'])}." if made["expires_at"] else ""
    terminal.note(
        f"The new token of {made['name']}, with the role {made['role']}, is shown this once.{ends}"
    )
    terminal.note(f"The one before {until}, within a minute.")


def _day(at: float | None) -> str:
    text = moment(at) or "never"
    day, _, _time = text.partition(" ")
    return day
