"""Connection: a DuckDB that has the lake attached as `lake`."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from chalicelib.errors import LakeUnavailable, SnapshotGone
from chalicelib.store.local_duckdb import plain_text, raise_if_full, raise_if_out_of_memory

from .extensions import load_extensions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.session import Session

    from .catalog import Catalog

NO_ANSWER = " for HTTP "  # it stands in what DuckDB says of a connection, before method and address
NO_SNAPSHOT = "Could not find snapshot"
OF_THE_LAKE = (duckdb.HTTPException, duckdb.IOException, duckdb.TransactionException)


def attach_lake(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    session: Session,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """The connection is best opened with lake_config(). Raises LakeUnprepared, LakeUnavailable."""
    with lake_errors():
        load_extensions(connection)
        _trust(connection, catalog, session, environment)
        if catalog.is_s3_tables:
            name = catalog.place
            options = "ENDPOINT_TYPE s3_tables, SECRET wellhead_lake"
        else:
            name = "wellhead"
            endpoint = catalog.place.rstrip("/")
            options = f"ENDPOINT {plain_text(endpoint)}, AUTHORIZATION_TYPE 'none'"
        # DuckDB would remove the files that it has written when its commit is refused. A commit
        # whose answer is lost is sent again, and refused because the first one has succeeded.
        options += ", REMOVE_FILES_ON_DELETE false"
        connection.execute(
            f"ATTACH IF NOT EXISTS {plain_text(name)} AS lake (TYPE iceberg, {options})"
        )


def _trust(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    session: Session,
    environment: Mapping[str, str],
) -> None:
    """The tables' files are read with the function's own rights.
    Without keys there is no secret: they lie on this disk, or the catalog hands out its own.
    """
    keys = session.get_credentials()
    if keys is None:
        return
    credentials = keys.get_frozen_credentials()
    region = catalog.region if catalog.is_s3_tables else session.get_config_variable("region")
    parameters = {
        "KEY_ID": credentials.access_key,
        "SECRET": credentials.secret_key,
        "SESSION_TOKEN": credentials.token,
        "REGION": region,
    }
    options = [f"{name} {plain_text(value)}" for name, value in parameters.items() if value]
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if endpoint:
        url = urlsplit(endpoint)
        options += [f"ENDPOINT '{url.netloc}'", "URL_STYLE 'path'"]
        options.append(f"USE_SSL {url.scheme == 'https'}")
    connection.execute(f"CREATE OR REPLACE SECRET wellhead_lake (TYPE s3, {', '.join(options)})")


@contextmanager
def lake_errors() -> Iterator[None]:
    """Raises LakeUnavailable, SnapshotGone, ScratchFull, OutOfMemory;
    what else DuckDB raises goes on.
    """
    try:
        yield
    except duckdb.Error as exc:
        raise_if_full(exc)
        raise_if_out_of_memory(exc)
        raise_if_not_there(exc)
        if isinstance(exc, OF_THE_LAKE):
            raise LakeUnavailable from exc
        raise


def raise_if_not_there(exc: duckdb.Error) -> None:
    """Raises LakeUnavailable where no answer came,
    SnapshotGone where the tables no longer have one.
    """
    if isinstance(exc, duckdb.HTTPException) or NO_ANSWER in str(exc):
        raise LakeUnavailable from exc
    if NO_SNAPSHOT in str(exc):
        raise SnapshotGone from exc


@contextmanager
def one_thread_transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The block commits what it wants to keep; the rest is rolled back.

    One thread, and rows in no order but that which is asked for: so a MERGE of 500,000 rows takes
    200 MB. On two threads it did not do with them.
    """
    connection.execute("SET threads = 1")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("BEGIN")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # it was committed, or refused
            connection.execute("ROLLBACK")
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("RESET threads")
