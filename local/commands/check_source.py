"""`python -m local check-source`: what an import would find at a source, as one table.
Nothing is stored.
"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import botocore.session
from rich.table import Table

from chalicelib.errors import DefinitionInvalid, WellheadError
from chalicelib.http.signing import basic_auth
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection
from chalicelib.settings import Settings
from chalicelib.sources.check import SourceCheck, check_source
from chalicelib.sources.check_result import draft_of
from chalicelib.sources.opening import Opening
from chalicelib.sources.reader import SourceReader
from chalicelib.sources.source import check_definition
from clients.api.answers import fault_lines
from clients.cli.terminal import Terminal, style_text
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import Source

UNUSED = {"WELLHEAD_TABLE": "-", "WELLHEAD_IMPORT_FUNCTION": "-", "WELLHEAD_WAREHOUSE": "/-"}
NOWHERE = "http://localhost/"  # in the place of an address that is not asked
SECONDS = 600.0
UNITS = {
    "days": "days",
    "thousand barrels per day": "kbd",
    "million standard cubic feet per day": "MMcf/d",
}


def run_check(source: Source, environment: Mapping[str, str], terminal: Terminal) -> int:
    """The exit code: 0 when an import can begin, 1 when not."""
    values = source.values(environment)
    with ExitStack() as exits:
        try:
            reader, settings = _open(source, values, environment, exits)
            exits.callback(reader.close)
            check = check_source(reader, settings)
        except DefinitionInvalid as exc:
            terminal.line((exc.code, "red"), f" {exc.message}")
            for line in fault_lines(exc.details["faults"]):
                terminal.line(f"  {line}")
            return 1
        except WellheadError as exc:
            terminal.line((exc.code, "red"), f" {exc.message}")
            return 1
    _show(check, terminal)
    if check.problems and values and not values.get("columns") and not values.get("preset"):
        _show_draft(check, values, terminal)
    return 1 if check.problems else 0


def _open(
    source: Source,
    values: Mapping[str, object] | None,
    environment: Mapping[str, str],
    exits: ExitStack,
) -> tuple[SourceReader, Settings]:
    url = source.url if source.url and not values else NOWHERE
    if source.is_served:
        url = exits.enter_context(SampleSource(GeneratedProduction(source.rows))).url
    told = {
        **environment,
        **UNUSED,
        "WELLHEAD_SOURCE_URL": url,
        "WELLHEAD_SOURCE_REACH": "anywhere",
    }
    settings = Settings.from_environment(told)
    if values:
        _, settings = check_definition(values, settings)
    user = environment.get("WELLHEAD_SOURCE_USERNAME")
    if user:
        auth = basic_auth(user, environment.get("WELLHEAD_SOURCE_PASSWORD", ""))
        return ExternalApiAdapter(
            settings=settings, connection=ODataConnection(settings=settings, auth=auth)
        ), settings
    directory = exits.enter_context(tempfile.TemporaryDirectory(prefix="wellhead-check-"))
    client = botocore.session.get_session().create_client
    opening = Opening(
        settings=settings,
        client=client,
        environment=environment,
        remaining=lambda: SECONDS,
        directory=Path(directory),
    )
    return opening.reader(), settings


def _show_draft(check: SourceCheck, values: Mapping[str, object], terminal: Terminal) -> None:
    terminal.line()
    terminal.line(
        "A definition to start from. Save it as a file, correct what is a guess, and name that file:"
    )
    terminal.line()
    for line in draft_of(check, values).text.splitlines():
        terminal.line(line)


def _show(check: SourceCheck, terminal: Terminal) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("our column", no_wrap=True)
    for heading in ("source field", "as written", "", "as stored", ""):
        table.add_column(heading, overflow="fold", min_width=10 if heading else None)
    table.add_column("empty", justify="right")
    for column in (column for column in check.columns if column.field):
        empty = "" if column.empty is None else f"{column.empty:.0%}"
        unit = column.source_unit or (column.type if check.is_described else "")
        cells = (
            column.name,
            column.field,
            column.example,
            unit,
            column.stored,
            UNITS.get(column.unit, ""),
            empty,
        )
        table.add_row(*map(style_text, cells))
    terminal.table(table)
    terminal.line(
        f"Columns without a field: {', '.join(c.name for c in check.columns if not c.field) or 'none'}."
    )
    for line in _facts(check):
        terminal.line(line)
    for hint in check.hints:
        terminal.line(("Look: ", "yellow"), hint)
    for problem in check.problems:
        terminal.line(("Problem: ", "red"), problem)
    if not check.problems:
        terminal.line("An import can begin: every column that is needed has a field.")


def _facts(check: SourceCheck) -> list[str]:
    described = "described by $metadata" if check.is_described else "without $metadata"
    counted = (
        "it does not count its rows"
        if check.expected is None
        else f"{check.expected:,} rows in all"
    )
    is_of_files = check.paging == "file by file"
    read = "Files" if is_of_files else f"OData v{check.version}, {described}"
    looked = f"{check.looked_at:,} rows looked at, {check.sound:,} of them sound"
    if check.skipped:
        looked += f", {check.skipped:,} left out by the definition"
    return [
        f"{read}; reading {check.paging}.",
        f"{check.rows:,} rows on the first page; {counted}." if not is_of_files else f"{looked}.",
        *([f"{looked}."] if not is_of_files else []),
        *([f"Periods from {check.period}."] if check.period else []),
        f"Fields that no column takes: {', '.join(check.unknown) or 'none'}.",
    ]
