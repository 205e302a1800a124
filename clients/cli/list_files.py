"""Lists as files: --format, --output, and how CSV is written."""

from __future__ import annotations

import functools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.api.connection import MEDIA_TYPES
from clients.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.api.client import WellheadClient

KINDS = tuple(MEDIA_TYPES)
BOM = "\ufeff"
_FORMAT = click.option(
    "--format", "kind", type=click.Choice(["json", *KINDS]), help="Print all rows as such a file."
)
_OUTPUT = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Where the file goes; its ending can tell the format.",
)
_SEPARATOR = click.option(
    "--separator", type=click.Choice([",", ";", "tab"]), help="Between the values of CSV."
)
_DECIMAL = click.option(
    "--decimal", type=click.Choice([".", ","]), help="Before the decimals of a number in CSV."
)


@dataclass(frozen=True)
class FileWish:
    """`path` None for stdout. `separator` and `decimal` are of CSV, None for the usual ones."""

    kind: str
    path: Path | None
    separator: str | None
    decimal: str | None


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command gets a `file`: a FileWish, or None where its rows are shown."""

    @_FORMAT
    @_OUTPUT
    @_SEPARATOR
    @_DECIMAL
    @functools.wraps(command)
    def wrapper(*args: Any, kind: str | None, output: Path | None, **options: Any) -> Any:
        separator = options.pop("separator")
        decimal = options.pop("decimal")
        wish = _wish(kind, output, separator=separator, decimal=decimal)
        return command(*args, file=wish, **options)

    return wrapper


def _wish(
    kind: str | None, output: Path | None, *, separator: str | None, decimal: str | None
) -> FileWish | None:
    ending = output.suffix.lower().removeprefix(".") if output else None
    kind = kind or (ending if ending in KINDS else None)
    if (separator or decimal) and kind != "csv":
        raise click.UsageError("--separator and --decimal are of --format csv.")
    if kind == "json":
        click.get_current_context().ensure_object(Session).terminal.wants_json = True
    if kind not in KINDS:
        if output:
            raise click.UsageError(
                "--output needs --format csv, parquet or xlsx. Send JSON into a file with >."
            )
        return None
    return FileWish(kind, output, separator, decimal)


def refuse_limit(limit: int | None) -> None:
    if limit is not None:
        raise click.UsageError("A file has all rows: leave out --limit.")


def refuse_display_options(*is_asked: bool) -> None:
    if any(is_asked):
        raise click.UsageError(
            "A file has the rates of each period: leave out --volumes and --plot."
        )


def api_names(asked: dict[str, Any]) -> dict[str, Any]:
    """As the API calls it."""
    api_name = {"first": "from", "last": "to"}  # words of Python's own
    return {api_name.get(name, name): value for name, value in asked.items()}


def save_file(
    session: Session, wellhead: WellheadClient, name: str, file: FileWish, **asked: Any
) -> None:
    """The whole list, as the API makes it; `asked` as the API calls it.
    A file that is there is replaced when the new one is whole.
    """
    asked["separator"] = file.separator
    asked["decimal"] = file.decimal
    if file.path is None:
        _print(session, wellhead, name, file.kind, asked)
        return
    target = file.path
    if target.is_dir():
        target = target / f"{name}.{file.kind}"
    size = wellhead.save_list(name, file.kind, target, **asked)
    session.terminal.note(f"{target}: {size:,} bytes")


def _print(
    session: Session, wellhead: WellheadClient, name: str, kind: str, asked: dict[str, Any]
) -> None:
    """What goes into a pipe is the file to the letter;
    a terminal is shown text, and nothing that it would obey.
    """
    is_terminal = session.terminal.out.is_terminal
    if is_terminal and kind != "csv":
        raise click.UsageError(f"A {kind} file is nothing for a terminal: name one with --output.")
    with tempfile.TemporaryDirectory() as own:
        path = Path(own, f"{name}.{kind}")
        wellhead.save_list(name, kind, path, **asked)
        if is_terminal:
            session.terminal.csv(path.read_bytes().decode().removeprefix(BOM))
            return
        with path.open("rb") as content:
            while piece := content.read(1 << 20):
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
