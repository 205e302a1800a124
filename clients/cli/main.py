"""`wellhead`: the command line of Wellhead.
docs/cli.md describes every command, option and exit code.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import click

from clients.api.errors import ClientError
from clients.cli import (
    console_command,
    data_commands,
    held_commands,
    import_commands,
    list_commands,
    log_commands,
    notice_commands,
    ops_commands,
    row_commands,
    setup_commands,
    source_commands,
)
from clients.cli.options import with_session
from clients.cli.plain import plain
from clients.cli.session import Exit, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMANDS: Iterable[click.Command] = (
    import_commands.start,
    import_commands.status,
    import_commands.jobs,
    import_commands.cancel,
    import_commands.retry,
    held_commands.accept,
    held_commands.discard,
    row_commands.rejects,
    row_commands.changes,
    log_commands.logs,
    source_commands.sources,
    list_commands.fields,
    data_commands.wells,
    data_commands.production,
    list_commands.totals,
    data_commands.summary,
    data_commands.download,
    data_commands.sql,
    notice_commands.notices,
    ops_commands.ops,
    setup_commands.check_source,
    console_command.open_console,
    setup_commands.gui,
    setup_commands.login,
    setup_commands.logout,
    setup_commands.profiles,
    setup_commands.completion,
)


class Commands(click.Group):
    """In the order of the list, and with our errors told in one place."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClientError as error:
            return ctx.ensure_object(Session).report(error)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", help="Of the Wellhead that is meant, in place of a profile's.")
@click.option(
    "--profile",
    metavar="NAME",
    help="The saved address to use; `local` is the stack of this checkout.",
)
@click.version_option(package_name="wellhead", message="%(version)s")
@with_session
def wellhead(session: Session, url: str | None, profile: str | None) -> None:
    """Import well production, follow it, and read what is published."""
    session.url = url
    session.profile = profile


for command in COMMANDS:
    wellhead.add_command(command)


def main() -> int:
    """The exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A sign that the terminal does not know is no reason to stop.
            stream.reconfigure(errors="replace")
    try:
        return int(
            wellhead.main(prog_name="wellhead", standalone_mode=False, obj=Session()) or Exit.DONE
        )
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        click.echo(plain(told.getvalue(), kept="\n"), err=True, nl=False)
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return Exit.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
