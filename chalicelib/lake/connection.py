"""Connection: a DuckDB that has the lake attached as `lake`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from chalicelib.errors import LakeUnavailable, SnapshotGone
from chalicelib.store.local_duckdb import raise_if_full, raise_if_out_of_memory

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
            how = "ENDPOINT_TYPE s3_tables, SECRET wellhead_lake"
        else:
            endpoint = catalog.place.rstrip("/")
            how = f"ENDPOINT {_text(endpoint)}, AUTHORIZATION_TYPE 'none'"
        name = catalog.place if catalog.is_s3_tables else "wellhead"
        # DuckDB would remove what it has written when its commit is refused, also where
        # that is its own, sent again.
        how += ", REMOVE_FILES_ON_DELETE false"
        connection.execute(f"ATTACH IF NOT EXISTS {_text(name)} AS lake (TYPE iceberg, {how})")


def _text(value: str) -> str:
    """ATTACH takes no expression, as quoted_text may be one."""
    return "'" + value.replace("'", "''") + "'"


def _trust(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    session: Session,
    environment: Mapping[str, str],
) -> None:
    """The tables' files are read with the function's own rights. Without keys there is no secret:
    they lie on this disk, or the catalog hands out its own.
    """
    keys = session.get_credentials()
    if keys is None:
        return
    frozen = keys.get_frozen_credentials()
    told = {
        "KEY_ID": frozen.access_key,
        "SECRET": frozen.secret_key,
        "SESSION_TOKEN": frozen.token,
        "REGION": catalog.region if catalog.is_s3_tables else session.get_config_variable("region"),
    }
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    values = [f"{name} {_text(value)}" for name, value in told.items() if value]
    if endpoint:
        parts = urlsplit(endpoint)
        values += [
            f"ENDPOINT '{parts.netloc}'",
            "URL_STYLE 'path'",
            f"USE_SSL {parts.scheme == 'https'}",
        ]
    connection.execute(f"CREATE OR REPLACE SECRET wellhead_lake (TYPE s3, {', '.join(values)})")


@contextmanager
def lake_errors() -> Iterator[None]:
    """Raises LakeUnavailable, SnapshotGone, ScratchFull, OutOfMemory; what
    else DuckDB raises goes on.
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
    """Raises LakeUnavailable where no answer came, SnapshotGone where the
    tables no longer have one.
    """
    if isinstance(exc, duckdb.HTTPException) or NO_ANSWER in str(exc):
        raise LakeUnavailable from exc
    if NO_SNAPSHOT in str(exc):
        raise SnapshotGone from exc
