"""Opening: the reader of a source, an OData service or files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from chalicelib.files.place import Place
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
    known: Iterable[str] = (),
) -> SourceReader:
    """`client` makes one of an AWS service, `directory` is on local disk, empty, and the reader's own. `began` is when
    the import did, and `known` are the marks of files that were read before. The secret is read here, once. Raises
    SecretUnavailable, SecretInvalid.
    """
    spent = max(0.0, time.time() - (began or time.time()))
    if settings.is_of_files:
        from chalicelib.files.adapter import FilesAdapter
        from chalicelib.files.known import Known

        definition = settings.definition
        is_one_set = definition.rows == "sum" or definition.across_files == "sum"
        return FilesAdapter(
            definition.file,
            _place(settings, client, environment, remaining, spent, directory),
            directory / "files",
            unpivot=definition.unpivot,
            known=Known(marks=frozenset(known), is_one_set=is_one_set),
        )
    from chalicelib.http.credentials import open_credentials
    from chalicelib.odata.adapter import ExternalApiAdapter
    from chalicelib.odata.connection import ODataConnection

    auth = open_credentials(settings, client=client, environment=environment)
    connection = ODataConnection(settings=settings, auth=auth, remaining=remaining, spent=spent)
    return ExternalApiAdapter(settings=settings, connection=connection)


def _place(
    settings: Settings,
    client: Callable[..., Any],
    environment: Mapping[str, str],
    remaining: Callable[[], float],
    spent: float,
    directory: Path,
) -> Place:
    """In a bucket, at an address, or on the laptop's own disk."""
    url = settings.source_url
    if url.startswith("s3://"):
        from chalicelib.files.s3_place import S3Place

        return S3Place(client("s3"), url)
    if url.startswith(("http://", "https://")):
        from chalicelib.files.connection import FileConnection
        from chalicelib.files.https_place import HttpsPlace
        from chalicelib.http.credentials import open_credentials

        auth = open_credentials(settings, client=client, environment=environment)
        connection = FileConnection(settings=settings, auth=auth, remaining=remaining, spent=spent)
        return HttpsPlace(connection, url, directory / "downloaded")
    from chalicelib.files.local_place import LocalPlace

    return LocalPlace(url)
