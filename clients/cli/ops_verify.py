"""wellhead ops verify: whether what is published is as it was written, looked at there or here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.api.durations import duration
from clients.cli.data_commands import FILE, download_to
from clients.cli.database_check import check_database
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
    Column(
        "",
        lambda check: (
            "right" if check.is_right else "not looked at" if check.wrong is None else "WRONG"
        ),
    ),
    Column("wrong", lambda check: check.wrong, count, is_number=True),
    Column("what is right", lambda check: check.rule),
]


FILE_COLUMNS = [
    Column("what", lambda file: file["kind"]),
    Column("", lambda file: "WRONG" if file["problems"] else "right"),
    Column("name", lambda file: file["name"]),
    Column("rows", lambda file: file["rows"], count, is_number=True),
    Column("took", lambda file: duration(file["seconds"])),
]


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Every snapshot that is kept, and not only the current one.",
)
@click.option(
    "--here", is_flag=True, help="Download what is published, and look at it on this machine."
)
@click.option("--sha256", metavar="HEX", help="What the file at PATH should have.")
@json_option
@with_session
def verify(
    session: Session, path: Path | None, is_all: bool, here: bool, sha256: str | None
) -> int:
    """Check everything that is published: checksums, keys, counts.

    It is done where the data is, and changes nothing. PATH is a file on this machine that is looked
    at in its place; with --here what is published now is downloaded to a temporary place first.
    """
    if is_all and (path or here):
        raise click.UsageError("--all is done where the data is. Leave out PATH and --here.")
    if not path and not here:
        return _verify_there(session, is_all=is_all)
    if path:
        report = check_database(path, sha256=sha256)
    else:
        with own_directory() as own, session.client() as wellhead:
            export = download_to(session.terminal, wellhead, own / FILE)
            report = check_database(own / FILE, sha256=export.sha256)
    _show(session.terminal, report)
    if report.is_right:
        return Exit.DONE
    return Exit.FAILED


def _verify_there(session: Session, *, is_all: bool) -> int:
    with session.client() as wellhead:
        report = wellhead.ops.verify(is_all=is_all)
    if session.terminal.wants_json:
        session.terminal.json(report)
    else:
        session.terminal.rows(FILE_COLUMNS, report["files"])
        for file in report["files"]:
            for problem in file["problems"]:
                session.terminal.note(f"{file['name']}: {problem}", "red")
    if report["is_right"]:
        return Exit.DONE
    return Exit.FAILED


def _show(terminal: Terminal, report: Report) -> None:
    if terminal.wants_json:
        terminal.json(_plain(report))
        return
    tables = [(table, _contents(found)) for table, found in report.contents.items()]
    terminal.facts([("sha256", report.sha256), *tables])
    terminal.rows(CHECK_COLUMNS, report.checks)


def _contents(found: tuple[int, str] | None) -> str:
    if found is None:
        return "cannot be read"
    rows, checksum = found
    return f"{rows:,} rows, checksum {checksum}"


def _plain(report: Report) -> dict[str, Any]:
    tables: dict[str, Any] = dict.fromkeys(report.contents)
    for table, found in report.contents.items():
        if found:
            rows, checksum = found
            tables[table] = {"rows": rows, "checksum": checksum}
    checks = [
        {
            "name": check.name,
            "rule": check.rule,
            "wrong": check.wrong,
        }
        for check in report.checks
    ]
    return {
        "is_right": report.is_right,
        "sha256": report.sha256,
        "tables": tables,
        "checks": checks,
    }
