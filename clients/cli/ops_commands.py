"""wellhead ops: what whoever keeps a Wellhead running needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from clients.api.durations import duration
from clients.cli.import_commands import finish
from clients.cli.ops_tokens import tokens
from clients.cli.ops_verify import verify
from clients.cli.options import json_option, wait_options, with_session
from clients.cli.plain import plain
from clients.cli.session import Exit
from clients.cli.terminal import Column, count, moment, short_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.client import WellheadClient
    from clients.api.ops import KeptSnapshot
    from clients.cli.session import Session
    from clients.cli.terminal import Terminal

NOBODY = "A rollback is asked about first, and there is nobody to ask here. Say --yes."

SNAPSHOT_COLUMNS = [
    Column(
        "", lambda kept: "LOST" if not kept["is_there"] else "now" if kept["is_current"] else None
    ),
    Column("snapshot", lambda kept: kept["name"]),
    Column("published", lambda kept: moment(kept["published_at"]), short_moment),
    Column("rows", lambda kept: kept["rows"], count, is_number=True),
]
MORE_COLUMNS = [
    Column("by", lambda kept: kept["triggered_by"]),
    Column("bytes", lambda kept: kept["bytes"], count, is_number=True),
    Column("sha256", lambda kept: kept["sha256"]),
]
FAILURE_COLUMNS = [
    Column("failed", lambda failure: moment(failure["completed_at"]), short_moment),
    Column("job", lambda failure: failure["job_id"]),
    Column("source", lambda failure: failure["source"]),
    Column("code", lambda failure: failure["code"]),
    Column("why", lambda failure: failure["message"], is_cut=True),
]
STEP_COLUMNS = [
    Column("step", lambda step: step["step"]),
    Column("took", lambda step: duration(step["seconds"])),
]


@click.group()
def ops() -> None:
    """Look after a Wellhead; role admin."""


ops.add_command(verify)
ops.add_command(tokens)


@ops.command()
@json_option
@with_session
def status(session: Session) -> int:
    """What to look at first: health, the lock, the running job, the current snapshot, the latest
    failures.

    The exit code is 1 when something that the API needs does not answer.
    """
    with session.client() as wellhead:
        found = wellhead.ops.status()
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.facts(_facts(found))
        if found["last_failures"]:
            session.terminal.note_rows(FAILURE_COLUMNS, found["last_failures"])
    if found["is_healthy"]:
        return Exit.DONE
    return Exit.FAILED


def _facts(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    lock = found["lock"]
    running = found["running"]
    snapshot = found["snapshot"] or {}
    checks = ", ".join(f"{name}: {told}" for name, told in found["checks"].items())
    return [
        ("version", found["version"]),
        ("health", "ok" if found["is_healthy"] else "NOT OK"),
        ("checks", checks),
        ("lock", f"of {lock['job_id']}" if lock["job_id"] else "free"),
        ("since", moment(lock["since"])),
        ("worker", lock["holder"] or ("none yet" if lock["job_id"] else None)),
        ("lease", "over: the sweeper starts another worker" if lock["is_over"] else None),
        ("fence", lock["fence"]),
        ("running", running and f"{running['status']} {running['phase'] or ''}".strip()),
        ("rolls back to", running and running["rollback_to"]),
        ("snapshot", snapshot.get("name") or "nothing is published yet"),
        ("published", moment(snapshot.get("published_at"))),
        ("published by", snapshot.get("triggered_by")),
        ("went back to", snapshot.get("rollback_to")),
        ("rows", snapshot.get("rows")),
        ("bytes", snapshot.get("bytes")),
        ("sweeper", moment(found["sweeper"]["at"]) or "not seen yet"),
    ]


@ops.command()
@json_option
@with_session
def snapshots(session: Session) -> None:
    """The published snapshots that are kept, newest first."""
    with session.client() as wellhead:
        kept = wellhead.ops.snapshots()
    if session.terminal.wants_json:
        session.terminal.json(kept)
    else:
        # A name is long, and must be whole.
        more = [] if session.terminal.out.is_terminal else MORE_COLUMNS
        session.terminal.rows([*SNAPSHOT_COLUMNS, *more], kept)


@ops.command()
@click.argument("snapshot")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@wait_options(default=True)
@json_option
@with_session
def rollback(session: Session, /, snapshot: str, is_sure: bool, **waiting: Any) -> int:
    """Publish an older snapshot once more.

    SNAPSHOT is its name, as `wellhead ops snapshots` shows it. Readers see it at their next
    question, and the next import of each source goes on from it. Nothing is lost: the snapshot that
    was current is kept like the others.
    """
    if not is_sure and not sys.stdin.isatty():
        raise click.UsageError(NOBODY)
    with session.client() as wellhead:
        if not is_sure:
            _ask(session.terminal, wellhead, snapshot)
        return finish(session, wellhead, wellhead.ops.rollback(snapshot), **waiting)


def _ask(terminal: Terminal, wellhead: WellheadClient, snapshot: str) -> None:
    """Ends the program when they say no."""
    snapshots = wellhead.ops.snapshots()
    now = next((each for each in snapshots if each["is_current"]), None)
    then = next((each for each in snapshots if each["name"] == snapshot), None)
    if now:
        terminal.note(f"now: {_sentence(now)}")
    if then:
        terminal.note(f"then: {_sentence(then)}")
    if not click.confirm(f"Publish {plain(snapshot)} once more?", err=True):
        terminal.note("Nothing was done.")
        raise click.exceptions.Exit(Exit.FAILED)


def _sentence(kept: KeptSnapshot) -> str:
    name = kept["name"]
    since = moment(kept["published_at"])
    rows = "" if kept["rows"] is None else f", {kept['rows']:,} rows"
    return f"{name}, published {since}{rows}"


@ops.command()
@click.argument("snapshot")
@json_option
@with_session
def restore(session: Session, snapshot: str) -> None:
    """Bring back a snapshot's file that was lost or changed.

    It is looked for among the older versions that a bucket keeps, by the SHA-256 that it should
    have. A directory keeps none, and says so.
    """
    with session.client() as wellhead:
        found = wellhead.ops.restore(snapshot)
    if session.terminal.wants_json:
        session.terminal.json(found)
        return
    told = "brought back" if found["is_restored"] else "was there, and as it should be"
    session.terminal.facts(
        [("snapshot", found["snapshot"]), ("outcome", told), ("version", found["version"])]
    )


@ops.command()
@json_option
@with_session
def drill(session: Session) -> int:
    """Restore the newest backup next to what is published,
    look at all of it, and remove it again.
    """
    with session.client() as wellhead:
        found = wellhead.ops.drill()
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.facts(
            [
                ("snapshot", found["snapshot"]),
                ("outcome", "right" if found["is_right"] else "WRONG"),
                ("published", moment(found["published_at"])),
                ("rows", found["rows"]),
                ("bytes", found["bytes"]),
                ("took", duration(found["seconds"])),
            ]
        )
        session.terminal.rows(STEP_COLUMNS, found["steps"])
        for problem in found["problems"]:
            session.terminal.note(problem, "red")
    if found["is_right"]:
        return Exit.DONE
    return Exit.FAILED
