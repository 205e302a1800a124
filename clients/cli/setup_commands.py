"""wellhead login, logout, profiles, check-source, gui, completion:
what has to do with this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from clients.api.errors import ClientError, InvalidAddress
from clients.api.profiles import (
    CHECKOUT,
    LOCAL,
    Profile,
    ProfileError,
    Target,
    is_checkout,
    local_stack,
)
from clients.cli.options import json_option, with_session
from clients.cli.terminal import Column

if TYPE_CHECKING:
    from clients.cli.session import Session

SHELLS = ["bash", "zsh", "fish"]

PROFILE_COLUMNS = [
    Column("profile", lambda row: row["name"]),
    Column("url", lambda row: row["url"]),
    Column("default", lambda row: "*" if row["is_default"] else ""),
]


class NoCheckout(ClientError):
    """This looks at a source with the program of the server, which is not installed here.
    Run it in a checkout of Wellhead: make check-source SOURCE=URL
    """

    default_code = "NO_CHECKOUT"


@click.command()
@click.argument("url")
@click.option("--name", default="default", help="Of the profile; `default` by default.")
@with_session
def login(session: Session, url: str, name: str) -> None:
    """Save the address and the token of a Wellhead.

    The token is asked for, or read from stdin. It is tried first, and kept where nobody else may
    read it.
    """
    token = (
        click.prompt("Token", hide_input=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline()
    )
    if not token.strip():
        raise InvalidAddress(
            "There is no token. Type it, or pipe it in: wellhead login URL < token", code="NO_TOKEN"
        )
    with session.client(Target(url, token.strip())) as wellhead:
        wellhead.history(limit=1)
        session.profiles.save(name, Profile(wellhead.url, token.strip()))
        session.terminal.note(
            f"Saved as {name}, with the role {wellhead.role}: {session.profiles.path}"
        )


@click.command()
@click.argument("name")
@with_session
def logout(session: Session, name: str) -> None:
    """Forget the profile NAME.

    Its token stays valid until the one who made it ends it.
    """
    session.profiles.remove(name)
    session.terminal.note(f"The profile {name} is forgotten.")


@click.command()
@json_option
@with_session
def profiles(session: Session) -> None:
    """List the saved addresses, without their tokens.

    `local` is what `make run` serves in this checkout.
    """
    saved, default = session.profiles.read()
    known = {name: profile.url for name, profile in saved.items()}
    if stack := local_stack():
        known[LOCAL] = stack.url
    rows = [
        {
            "name": name,
            "url": url,
            "is_default": name == (default or LOCAL),
        }
        for name, url in known.items()
    ]
    if session.terminal.wants_json:
        session.terminal.json(rows)
    else:
        session.terminal.rows(PROFILE_COLUMNS, rows)


@click.command("check-source")
@click.option("--source", help="A file of JSON rows or an OData URL; the sample by default.")
@click.option("--rows", type=click.IntRange(min=0), help="How many rows the sample has.")
def check_source(source: str | None, rows: int | None) -> int:
    """Show what an import would find at a source.

    Nothing is stored. It needs a checkout.
    """
    if not is_checkout():
        raise NoCheckout
    arguments: list[str] = []
    if source is not None:
        arguments += ["--source", str(_absolute(source))]
    if rows is not None:
        arguments += ["--rows", str(rows)]
    own = CHECKOUT / ".venv" / "bin" / "python"
    program = str(own) if own.exists() else sys.executable
    command = [program, "-m", "local", "check-source", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode  # noqa: S603


@click.command()
@with_session
def gui(session: Session) -> int:
    """Open the desktop window."""
    from clients.window import app

    try:
        target = session.target()
    except ProfileError:
        target = None  # the window asks for an address
    return app.run(target, session.profiles, name=session.profile)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete the commands.

    For bash: eval "$(wellhead completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(kind(context.find_root().command, {}, "wellhead", "_WELLHEAD_COMPLETE").source())


def _absolute(source: str | None) -> str | None:
    """The check runs in the checkout, so a file's path must not depend on where we are."""
    if not source or not Path(source).exists():
        return source
    return os.path.abspath(source)  # noqa: PTH100  resolves no links
