"""A lake as a release left it that did not know some of today's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session
import duckdb

from chalicelib.lake.connection import attach_lake
from chalicelib.lake.extensions import lake_config
from chalicelib.lake.tables import prepare_tables
from chalicelib.lake.versions import HISTORY, PRODUCTION, REJECTS, RUNS
from chalicelib.store.schema import prepare_store
from support.kept_lake import KeptLake
from support.merging import LakeStore, Store
from support.staging import NOON, facts

if TYPE_CHECKING:
    from chalicelib.lake.catalog import Catalog
    from support.merge_model import Import

LACKING = {
    PRODUCTION: "water_production_kbd",
    HISTORY: "water_production_kbd",
    REJECTS: "detail",
    RUNS: "triggered_by",
}


class OlderLake(KeptLake):
    """Its first import is one of that release."""

    def _run(self, store: LakeStore, number: int, an_import: Import) -> None:
        if number > 1:
            super()._run(store, number, an_import)
            return
        directory = self._directory / "older"
        directory.mkdir()
        file = Store(directory)
        result = file.run(number, an_import)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{file.path}' AS wells")
            _drop_columns(connection)
        repository = store.repository()
        store.published = repository.take(
            file.path, facts(number), result, now=NOON, beat=lambda: None
        )
        repository.close()


def prepare_older_tables(catalog: Catalog) -> None:
    """As an import of that release begins."""
    with duckdb.connect(config=lake_config()) as connection:
        attach_older_store(connection, catalog)
        prepare_tables(connection, catalog)


def attach_older_store(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """`lake`, and as `wells` a new store of that release."""
    attach_lake(connection, catalog, botocore.session.get_session(), {})
    connection.execute("ATTACH ':memory:' AS wells")
    prepare_store(connection, is_new=True)
    _drop_columns(connection)


def _drop_columns(connection: duckdb.DuckDBPyConnection) -> None:
    for table, column in LACKING.items():
        connection.execute(f"ALTER TABLE wells.{table} DROP COLUMN {column}")
