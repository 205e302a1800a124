"""Sling with an API specification. `URL DATABASE PAGES`.

Asked of it: all pages, columns typed as it finds them (a `columns` map crashes this version), one
row a key. Without a paid token it reads an API only in full-refresh mode, which is the fastest:
there is nothing to merge with. Its DuckDB, with the extensions that it loads, comes from the
packages beside it: it would download them.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

DUCKDB = "1.5.5"
KEY = ["field_code", "well_code", "production_period"]


def lay_out(home: Path) -> Path:
    """Sling and DuckDB look for what they would download below the home directory."""
    packages = Path(sysconfig.get_path("purelib"))
    binary = home / "sling" / "bin" / "duckdb" / DUCKDB
    extensions = home / ".duckdb" / "extensions" / f"v{DUCKDB}" / "linux_amd64"
    for directory in (binary, extensions):
        directory.mkdir(parents=True)
    (binary / "duckdb").symlink_to(packages / "duckdb_cli" / "duckdb")
    for name in ("json", "httpfs"):
        file = f"extensions/v{DUCKDB}/{name}.duckdb_extension"
        (extensions / f"{name}.duckdb_extension").symlink_to(
            packages / f"duckdb_extension_{name}" / file
        )
    return packages / "sling_linux_amd64" / "bin" / "sling-linux-amd64"


def specification(url: str, pages: int) -> dict[str, Any]:
    endpoint = {
        "state": {"page": 0},
        "request": {
            "url": url,
            "method": "GET",
            "parameters": {"$skiptoken": "${state.page}"},
        },
        "pagination": {
            "next_state": {"page": "${state.page + 1}"},
            "stop_condition": f"state.page >= {pages - 1}",
        },
        "response": {"records": {"jmespath": "value[]", "primary_key": KEY}},
    }
    return {
        "name": "production",
        "description": "well production",
        "endpoints": {"production": endpoint},
    }


def main() -> None:
    url = sys.argv[1]
    database = sys.argv[2]
    pages = int(sys.argv[3])
    home = Path(database).parent
    binary = lay_out(home)
    stream = {
        "object": "main.wells",
        "mode": "full-refresh",
        "primary_key": KEY,
    }
    (home / "specification.yaml").write_text(json.dumps(specification(url, pages)))
    (home / "replication.yaml").write_text(
        json.dumps(
            {
                "source": "ODATA",
                "target": "DUCK",
                "streams": {"production": stream},
            }
        )
    )
    environment = {
        **os.environ,
        "HOME": str(home),
        "SLING_HOME_DIR": str(home / "sling"),
        "SLING_DISABLE_TELEMETRY": "TRUE",
        "DUCKDB_VERSION": DUCKDB,
        "ODATA": json.dumps({"type": "api", "spec": f"file://{home}/specification.yaml"}),
        "DUCK": json.dumps({"type": "duckdb", "instance": database}),
    }
    os.execve(binary, [str(binary), "run", "-r", str(home / "replication.yaml")], environment)  # noqa: S606


if __name__ == "__main__":
    main()
