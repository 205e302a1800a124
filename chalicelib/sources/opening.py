"""Opening: the reader of a source, an OData service or files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from chalicelib.settings import Settings

    from .reader import SourceReader


def open_reader(
    settings: Settings,
    *,
    client: Callable[..., Any],
    environment: Mapping[str, str],
    remaining: Callable[[], float],
    directory: Path,
    began: float | None = None,
) -> SourceReader:
    """`client` makes one of an AWS service, `directory` is on local disk, empty, and the reader's own; `began` is when
    the import did. The secret is read here, once. Raises SecretUnavailable, SecretInvalid.
    """
    if settings.definition is not None and settings.definition.kind == "files":
        from chalicelib.files.adapter import FilesAdapter
        from chalicelib.files.local_place import LocalPlace

        place, unpivot = LocalPlace(settings.source_url), settings.definition.unpivot
        return FilesAdapter(settings.definition.file, place, directory / "files", unpivot=unpivot)
    from chalicelib.http.credentials import open_credentials
    from chalicelib.odata.adapter import ExternalApiAdapter
    from chalicelib.odata.connection import ODataConnection

    auth = open_credentials(settings, client=client, environment=environment)
    spent = max(0.0, time.time() - (began or time.time()))
    connection = ODataConnection(settings=settings, auth=auth, remaining=remaining, spent=spent)
    return ExternalApiAdapter(settings=settings, connection=connection)
