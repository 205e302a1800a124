"""An order for Spark, carried out without one: DuckDB runs its MERGE on the lake, and what came of
it is then put where Spark would have staged it. What Spark itself makes of an order, `make
spark-check` tries.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import botocore.session
import duckdb

from chalicelib.lake.connection import attach_lake
from chalicelib.lake.extensions import lake_config
from chalicelib.lake.spark import MARK
from chalicelib.lake.versions import PRODUCTION

if TYPE_CHECKING:
    from chalicelib.lake.catalog import Catalog


def read_order(url: str) -> dict[str, Any]:
    order: dict[str, Any] = json.loads(_path(url).read_text())
    return order


def carry_out(order: dict[str, Any], catalog: Catalog) -> int:
    """The snapshot that is staged then: main is what it was."""
    before = catalog.head(PRODUCTION)
    assert before
    assert before.snapshot == order["base"]
    with duckdb.connect(
        config={"autoinstall_known_extensions": False, **lake_config()}
    ) as connection:
        attach_lake(connection, catalog, botocore.session.get_session(), os.environ)
        connection.execute(
            f"CREATE TEMP VIEW delta AS SELECT * FROM read_parquet('{_path(order['delta'])}')"
        )
        connection.execute("BEGIN")
        for merge in _single_actions(order["merge"]):
            connection.execute(merge)
        connection.execute("COMMIT")
    return _stage(catalog, order)


def _single_actions(merge: str) -> list[str]:
    """DuckDB 1.5.5 takes one action on stored rows in a MERGE into Iceberg,
    so the one of the order becomes two.
    """
    lines = merge.splitlines()
    deletes = [line for line in lines if line.endswith("THEN DELETE")]
    others = [line for line in lines if line.startswith("WHEN") and line not in deletes]
    assert len(deletes) == 1
    assert len(others) == 2
    return ["\n".join(line for line in lines if line not in left) for left in (deletes, others)]


def _stage(catalog: Catalog, order: dict[str, Any]) -> int:
    head = catalog.head(PRODUCTION)
    assert head
    assert head.snapshot is not None
    made = head.snapshots[head.snapshot]
    staged = {
        **made,
        "snapshot-id": secrets.randbits(62),
        "sequence-number": max(told["sequence-number"] for told in head.snapshots.values()) + 1,
        "timestamp-ms": int(time.time() * 1000),
        "summary": {**made["summary"], MARK: order["mark"]},
        "parent-snapshot-id": order["base"],
    }
    if order["base"] is None:
        del staged["parent-snapshot-id"]
    assert catalog.set_main(PRODUCTION, head, order["base"], {})
    head = catalog.head(PRODUCTION)
    assert head
    assert catalog._commit(PRODUCTION, head, [{"action": "add-snapshot", "snapshot": staged}])
    return int(staged["snapshot-id"])


def _path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))
