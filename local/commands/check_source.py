"""`python -m local check-source`: what an import would find at a source, as one table. Nothing is stored."""

from collections.abc import Mapping
from contextlib import ExitStack

import botocore.session
from rich.table import Table

from chalicelib.errors import WellheadError
from chalicelib.files.json_lines import NdjsonError, NdjsonFile
from chalicelib.http.credentials import SourceAuth, basic_auth, open_credentials
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection
from chalicelib.settings import Settings
from chalicelib.sources.check import SourceCheck, check_source
from clients.cli.terminal import Terminal, styled
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import Source

UNUSED = {"WELLHEAD_TABLE": "-", "WELLHEAD_IMPORT_FUNCTION": "-", "WELLHEAD_WAREHOUSE": "/-"}


def run_check(source: Source, environment: Mapping[str, str], terminal: Terminal) -> int:
    """The exit code: 0 when an import can begin, 1 when not."""
    with ExitStack() as exits:
        try:
            url = source.url or exits.enter_context(_sample(source, exits)).url
            settings = Settings.from_environment({**environment, **UNUSED, "WELLHEAD_SOURCE_URL": url})
            connection = ODataConnection(settings=settings, auth=_credentials(settings, environment))
            exits.callback(connection.close)
            check = check_source(ExternalApiAdapter(settings=settings, connection=connection), settings)
        except WellheadError as exc:
            terminal.line((exc.code, "red"), f" {exc.message}")
            return 1
        except NdjsonError as exc:
            terminal.line(str(exc))
            return 1
    _show(check, terminal)
    return 1 if check.problem else 0


def _sample(source: Source, exits: ExitStack) -> SampleSource:
    if source.file:
        return SampleSource(exits.enter_context(NdjsonFile(source.file)))
    return SampleSource(GeneratedProduction(source.rows))


def _credentials(settings: Settings, environment: Mapping[str, str]) -> SourceAuth | None:
    if user := environment.get("WELLHEAD_SOURCE_USERNAME"):
        return basic_auth(user, environment.get("WELLHEAD_SOURCE_PASSWORD", ""))
    return open_credentials(settings, client=botocore.session.get_session().create_client, environment=environment)


def _show(check: SourceCheck, terminal: Terminal) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("our column", "source field", "type"):
        table.add_column(heading, no_wrap=True)
    table.add_column("example", overflow="fold", min_width=14)
    table.add_column("unit")
    for column in check.columns:
        cells = (column.name, column.field or "-", column.type or "-", column.example, column.unit)
        table.add_row(*map(styled, cells))
    terminal.table(table)
    described = "described by $metadata" if check.is_described else "without $metadata"
    counted = "it does not count its rows" if check.expected is None else f"{check.expected:,} rows in all"
    lines = [
        f"OData v{check.version}, {described}; paging {check.paging}.",
        f"{check.rows:,} rows on the first page; {counted}.",
        f"Fields that no column takes: {', '.join(check.unknown) or 'none'}.",
        check.problem or "An import can begin: every column that is needed has a field.",
    ]
    for line in lines:
        terminal.line(line)
