"""A stack as it was before codes were text:
its published database has version 2, its checkpoints are of that form.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.store import schema
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.statements import named_statements
from chalicelib.warehouse.names import sha256_of

if TYPE_CHECKING:
    from chalicelib.settings import Settings
    from support.imports import Worker

STEPS = named_statements(Path(schema.__file__).with_suffix(".sql"))
OURS = "source, period_days, source_rows"


def as_version_2(store: Path, older: Path) -> Path:
    """What a store holds, in a new file of version 2. Its codes must be digits."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{older}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute(f"ATTACH '{store}' AS today (READ_ONLY)")
        for step in ("version_1", "version_2"):
            connection.execute(STEPS[step])
        for table in ("well_production", "well_production_history"):
            connection.execute(
                f"INSERT INTO wells.{table} BY NAME SELECT * EXCLUDE ({OURS}) FROM today.{table}"
            )
        for table in ("rejected_rows", "import_runs"):
            connection.execute(f"INSERT INTO wells.{table} SELECT * FROM today.{table}")
        connection.execute("CHECKPOINT wells")
    return older


def make_older(worker: Worker, dynamodb: Any, directory: Path) -> None:
    """What is published becomes a file of version 2, and the table's pointer knows it as that."""
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    older = as_version_2(Path(worker.settings.warehouse, snapshot.name), directory / "older.duckdb")
    worker.warehouse.remove(snapshot.name)
    worker.warehouse.put(snapshot.name, older, sha256=sha256_of(older))
    facts = {
        "bytes": {"N": str(older.stat().st_size)},
        "sha256": {"S": sha256_of(older)},
        "changed_of": {"S": _watermarked(worker.settings)},
    }
    dynamodb.update_item(
        TableName=worker.settings.table,
        Key={"pk": {"S": "WAREHOUSE"}, "sk": {"S": "WAREHOUSE#current"}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in facts),
        ExpressionAttributeNames={f"#{name}": name for name in facts},
        ExpressionAttributeValues={f":{name}": value for name, value in facts.items()},
    )


def make_checkpoint_older(worker: Worker, dynamodb: Any, job_id: str) -> None:
    """The job's checkpoint says nothing of the form of its rows."""
    dynamodb.update_item(
        TableName=worker.settings.table,
        Key={"pk": {"S": "JOB"}, "sk": {"S": f"JOB#{job_id}"}},
        UpdateExpression="REMOVE #source.#form",
        ExpressionAttributeNames={"#source": "source", "#form": "form"},
    )


def _watermarked(settings: Settings) -> str:
    """What a watermark was of."""
    facts = [settings.source_url, settings.source_changed, sorted(settings.source_columns.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
