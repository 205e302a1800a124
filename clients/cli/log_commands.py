"""wellhead logs: what was logged of an import, also while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from clients.cli.import_commands import job_of
from clients.cli.options import json_option, with_session
from clients.cli.terminal import as_json, moment

if TYPE_CHECKING:
    from clients.api.answers import LogLine
    from clients.cli.session import Session
    from clients.cli.terminal import Terminal

STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
LAST_WORDS_SECONDS = 1.0  # a worker stores its last lines just after the job's end


@click.command()
@click.argument("job_id", required=False)
@click.option("--follow", is_flag=True, help="Go on printing what comes, until the import ends.")
@json_option
@with_session
def logs(session: Session, job_id: str | None, follow: bool) -> None:
    """Show the last lines that were logged of an import.

    That is the newest one, or JOB_ID.
    """
    with session.client() as wellhead:
        wanted = job_of(wellhead, job_id)
        if not follow:
            _show(session.terminal, wellhead.log(wanted))
            return
        printed: set[tuple[object, ...]] = set()
        for job in wellhead.follow(wanted):
            if job.final:
                time.sleep(LAST_WORDS_SECONDS)
            lines = [line for line in wellhead.log(wanted) if _identity(line) not in printed]
            printed |= {_identity(line) for line in lines}
            for line in lines:
                _print(session.terminal, line)


def _identity(line: LogLine) -> tuple[object, ...]:
    return line["fence"], line["at"], line["text"]


def _show(terminal: Terminal, lines: list[LogLine]) -> None:
    if terminal.wants_json:
        terminal.json(lines)
        return
    for line in lines:
        _print(terminal, line)
    if not lines:
        terminal.note("Nothing is logged of it, or no longer.")


def _print(terminal: Terminal, line: LogLine) -> None:
    """With --json one JSON object a line."""
    if terminal.wants_json:
        print(as_json(line), file=terminal.out.file, flush=True)
        return
    level = line["level"]
    attempt = line["attempt"] or "-"
    begin = f"{moment(line['at'])} {attempt}:{line['fence']} "
    styled_level = (f"{level:<7}", STYLES.get(level, ""))
    terminal.line(begin, styled_level, f" {line['text']}")
