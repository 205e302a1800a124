"""wellhead sources: what is imported from where."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from clients.api.errors import ApiError, AuthFailed, NotFound
from clients.cli.definition_files import (
    DefinitionUnread,
    apply_file,
    check_file,
    is_wrong,
    show_check,
    show_outcomes,
)
from clients.cli.options import json_option, with_session
from clients.cli.session import Exit
from clients.cli.terminal import Column, moment, short_moment

if TYPE_CHECKING:
    from clients.api.answers import ScheduleState, Source
    from clients.cli.session import Session
    from clients.cli.terminal import Terminal

FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)

SOURCE_COLUMNS = [
    Column("source", lambda source: source["name"]),
    Column(
        "version", lambda source: "settings" if source["version"] is None else source["version"]
    ),
    Column("default", lambda source: "yes" if source["is_default"] else None),
    Column("kind", lambda source: source["kind"]),
    Column("period", lambda source: source["period"]),
    Column(
        "last import",
        lambda source: moment((source.get("last_import") or {}).get("at")),
        short_moment,
    ),
    Column(
        "next due",
        lambda source: "paused" if source["paused"] else moment(source["next_due"]),
        short_moment,
    ),
    Column("too old since", lambda source: moment(source["stale_since"]), short_moment),
    Column("changed", lambda source: moment(source["updated_at"]), short_moment),
    Column("by", lambda source: source["updated_by"], is_cut=True),
]
PRESET_COLUMNS = [
    Column("preset", lambda preset: preset["name"]),
    Column("verified", lambda preset: "yes" if preset["verified"] else "no"),
    Column("title", lambda preset: preset["title"], is_cut=True),
    Column("publisher", lambda preset: preset["publisher"], is_cut=True),
]


@click.group()
def sources() -> None:
    """Show and define the sources."""


@sources.command("list")
@json_option
@with_session
def list_sources(session: Session) -> None:
    """List the sources, with their latest imports."""
    with session.client() as wellhead:
        found = wellhead.sources()
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.rows(SOURCE_COLUMNS, found)


@sources.command()
@click.argument("name")
@click.option(
    "--version",
    type=click.IntRange(min=1),
    help="As it was in this version, also when it is deleted.",
)
@json_option
@with_session
def show(session: Session, name: str, version: int | None) -> None:
    """Show a source and its definition."""
    with session.client() as wellhead:
        found = wellhead.source(name, version=version)
    if session.terminal.wants_json:
        session.terminal.json(found)
        return
    session.terminal.facts(_facts(found))
    if found.get("definition"):
        session.terminal.json(found["definition"])


@sources.command()
@click.argument("name")
@json_option
@with_session
def pause(session: Session, name: str) -> None:
    """Start no imports of a source by its schedule, until it is resumed."""
    with session.client() as wellhead:
        _show_schedule(session.terminal, wellhead.pause_source(name))


@sources.command()
@click.argument("name")
@json_option
@with_session
def resume(session: Session, name: str) -> None:
    """Let the schedule of a source go on, with its next due time."""
    with session.client() as wellhead:
        _show_schedule(session.terminal, wellhead.resume_source(name))


def _show_schedule(terminal: Terminal, state: ScheduleState) -> None:
    if terminal.wants_json:
        terminal.json(state)
    elif paused := state["paused"]:
        terminal.line(f"{state['name']} is paused: {paused['reason']}")
    else:
        terminal.line(f"{state['name']} is due next at {moment(state['next_due']) or 'no time'}")


@sources.command()
@FILES
@json_option
@with_session
def apply(session: Session, files: tuple[Path, ...]) -> int:
    """Define the sources in FILES, each a TOML or JSON file.

    A source that is there gets a new version when its file says something else. When one file has
    faults the others are applied all the same, and the exit code is 1.
    """
    applied: list[dict[str, Any]] = []
    with session.client() as wellhead:
        for file in files:
            try:
                applied.append({"file": str(file), "source": apply_file(wellhead, file)})
            except AuthFailed:
                raise
            except (ApiError, DefinitionUnread) as error:
                applied.append({"file": str(file), "error": error})
    show_outcomes(session.terminal, applied)
    if any("error" in each for each in applied):
        return Exit.FAILED
    return Exit.DONE


@sources.command()
@FILES
@json_option
@with_session
def check(session: Session, files: tuple[Path, ...]) -> int:
    """Show what an import of the definitions in FILES would find, and store nothing.

    Faults of a definition come all at once. The exit code is 1 when an import would not succeed.
    """
    found = {}
    with session.client() as wellhead:
        for file in files:
            found[str(file)] = check_file(wellhead, file)
    if session.terminal.wants_json:
        session.terminal.json(found)
    else:
        for name, told in found.items():
            show_check(session.terminal, name, told)
    if any(map(is_wrong, found.values())):
        return Exit.FAILED
    return Exit.DONE


@sources.command()
@click.argument("address")
@click.option("--name", metavar="NAME", default="draft", help="Of the source; `draft` by default.")
@click.option(
    "--kind",
    type=click.Choice(["odata", "files"]),
    help="What is at ADDRESS; by default its form says so.",
)
@with_session
def draft(session: Session, address: str, name: str, kind: str | None) -> int:
    """Write a definition for the source at ADDRESS, from a look at its data.

    It goes to stdout. What is a guess says so in a comment: read it before you apply it.
    """
    is_local = not urlsplit(address).scheme
    told = {
        "name": name,
        "kind": kind or ("odata" if address.startswith("http") else "files"),
        "url": str(Path(address).resolve()) if is_local else address,
    }
    with session.client() as wellhead:
        found = wellhead.check_source(told)
    made = (found["result"] or {}).get("draft")
    if not made:
        error = found["error"] or {"message": "Nothing could be drafted of this source."}
        session.terminal.note(error["message"], "red")
        return Exit.FAILED
    for line in made["text"].rstrip().splitlines():
        session.terminal.line(line)
    return Exit.DONE


@sources.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_session
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete a source. Its rows stay, and so does every version of its definition."""
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is nobody to ask. Say so with --yes.")
        click.confirm(
            f"Delete the source {name}? Its rows stay published under its name.",
            abort=True,
            err=True,
        )
    with session.client() as wellhead:
        wellhead.delete_source(name)
    session.terminal.note(
        f'{name} is deleted. Its rows stay; a source with adopts = "{name}" takes them over at its first full import.'
    )


@sources.command("upload")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@with_session
def send_file(session: Session, name: str, file: Path) -> None:
    """Send FILE into the stack's bucket, for the source NAME to read, which need not be defined
    yet.

    The address for its definition goes to stdout: write it as `url`, or draft a definition of it.
    """
    with session.client() as wellhead:
        sent = wellhead.upload(name, file)
    if session.terminal.wants_json:
        session.terminal.json({each: sent[each] for each in ("address", "folder")})
        return
    session.terminal.line(sent["address"])
    session.terminal.note(
        f"{file} is sent. A definition of all files that were sent for {name} has {sent['folder']}"
    )


@sources.command()
@click.argument("name", required=False)
@json_option
@with_session
def presets(session: Session, name: str | None) -> None:
    """List the mappings of public sources that ship with Wellhead, or show the one of this NAME."""
    with session.client() as wellhead:
        found = wellhead.presets()
    if name is not None:
        named = [preset for preset in found if preset["name"] == name]
        if not named:
            raise NotFound(
                f"There is no preset {name}. List them: wellhead sources presets",
                status=404,
                code="NO_PRESET",
            )
        session.terminal.json(named[0])
    elif session.terminal.wants_json:
        session.terminal.json(found)
    else:
        session.terminal.rows(PRESET_COLUMNS, found)


def _facts(source: Source) -> list[tuple[str, object]]:
    return [
        ("source", source["name"]),
        ("version", "settings" if source["version"] is None else source["version"]),
        ("default", "yes" if source["is_default"] else None),
        ("adopts", source["adopts"] or None),
        ("kind", source["kind"]),
        ("period", source["period"]),
        *_schedule_facts(source),
        ("created", moment(source["created_at"])),
        ("by", source["created_by"]),
        ("changed", moment(source["updated_at"])),
        ("changed by", source["updated_by"]),
    ]


def _schedule_facts(source: Source) -> list[tuple[str, object]]:
    paused = source["paused"]
    zone = source["timezone"] or "UTC"
    return [
        ("schedule", f"{source['schedule']} ({zone})" if source["schedule"] else None),
        ("next due", moment(source["next_due"])),
        ("last due", moment(source["last_due"])),
        ("skipped", source["skipped"] or None),
        ("paused", moment(paused["at"]) if paused else None),
        ("because", paused["reason"] if paused else None),
        ("fresh for", source["fresh_for"] or None),
        ("too old since", moment(source["stale_since"])),
    ]
