"""wellhead ops: what whoever keeps a Wellhead running needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.data_commands import FILE, download_to
from clients.cli.database_check import check_database
from clients.cli.ops_tokens import tokens
from clients.cli.options import json_option, with_session
from clients.cli.own_directory import own_directory
from clients.cli.session import Exit
from clients.cli.terminal import Column, count

if TYPE_CHECKING:
    from clients.cli.database_check import Report
    from clients.cli.session import Session
    from clients.cli.terminal import Terminal

CHECK_COLUMNS = [
    Column("check", lambda check: check.name),
    Column("", lambda check: "right" if check.is_right else "not looked at" if check.wrong is None else "WRONG"),
    Column("wrong", lambda check: check.wrong, count, is_number=True),
    Column("what is right", lambda check: check.rule),
]


@click.group()
def ops() -> None:
    """Look after a Wellhead."""


ops.add_command(tokens)


@ops.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--sha256", metavar="HEX", help="What the file at PATH should have.")
@json_option
@with_session
def verify(session: Session, path: Path | None, sha256: str | None) -> int:
    """Check everything in a published database.

    PATH is a file. Without it, what is published now is downloaded to a temporary place, and its SHA-256 compared with
    the one that the API tells.
    """
    if path:
        report = check_database(path, sha256=sha256)
    else:
        with own_directory() as own, session.client() as wellhead:
            export = download_to(session.terminal, wellhead, own / FILE)
            report = check_database(own / FILE, sha256=export.sha256)
    _show(session.terminal, report)
    return Exit.DONE if report.is_right else Exit.FAILED


def _show(terminal: Terminal, report: Report) -> None:
    if terminal.wants_json:
        terminal.json(_plain(report))
        return
    terminal.facts([("sha256", report.sha256), *((table, _told(found)) for table, found in report.contents.items())])
    terminal.rows(CHECK_COLUMNS, report.checks)


def _told(found: tuple[int, str] | None) -> str:
    return f"{found[0]:,} rows, checksum {found[1]}" if found else "cannot be read"


def _plain(report: Report) -> dict[str, Any]:
    tables = {
        table: {"rows": found[0], "checksum": found[1]} if found else None for table, found in report.contents.items()
    }
    checks = [{"name": check.name, "rule": check.rule, "wrong": check.wrong} for check in report.checks]
    return {"is_right": report.is_right, "sha256": report.sha256, "tables": tables, "checks": checks}
