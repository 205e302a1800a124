"""What the two ways of dlt share:
a pipeline into one DuckDB file, all of whose state lies beside that file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = ["field_code", "well_code", "production_period"]


def load(source: Callable[[], Any], database: str) -> None:
    """Files of Parquet between the steps:
    dlt's own choice for DuckDB is INSERT statements, several times slower.
    """
    home = Path(database).parent
    os.environ["DLT_DATA_DIR"] = str(home / "dlt")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    pipeline = dlt.pipeline(
        "production",
        destination=dlt.destinations.duckdb(database),
        dataset_name="production",
        pipelines_dir=str(home / "pipelines"),
    )
    pipeline.run(source(), loader_file_format="parquet").raise_on_failed_jobs()
