"""The sources of a checkout: the local stack applies them, and each is imported by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
from support.stack import SHORT_LEASE, ask, job_at_its_end, stack
from support.waiting import wait_until

from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300
IMPORT = "/api/v1/wells/import"


def start(state: Path, query: str = "") -> dict[str, Any]:
    status, answer = ask(state, f"{IMPORT}/trigger{query}", method="POST")
    assert status == 202, answer
    return job_at_its_end(state, answer["data"]["job_id"])


def test_the_sources_of_a_directory_are_applied_and_imported_by_name(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    with SampleSource(GeneratedProduction(ROWS)) as source:
        (sources / "gulf.toml").write_text(f'kind = "odata"\nurl = "{source.url}"\n')
        (sources / "faulty.toml").write_text('period = "monthly"\nnmae = "x"\n')
        (sources / "broken.toml").write_text("kind =")
        state = tmp_path / "state"
        with stack(state, sources=sources, user_environment=SHORT_LEASE) as running:
            broken, faulty, applied = running.applied
            assert "broken.toml is not applied." in broken
            assert 'period is "monthly": write one of day, month, quarter, year' in faulty
            assert "nmae" in faulty
            assert applied == f"{sources / 'gulf.toml'} is applied, as the source gulf."

            status, answer = ask(state, f"{IMPORT}/trigger", method="POST")
            assert (status, answer["error"]["code"]) == (400, "SOURCE_NOT_NAMED")
            assert answer["error"]["details"]["sources"] == ["default", "gulf"]
            gulf, default = (start(state, f"?source={name}") for name in ("gulf", "default"))
            assert (gulf["status"], gulf["source"], gulf["source_version"]) == (
                "COMPLETED",
                "gulf",
                1,
            ), gulf["error"]
            assert (default["status"], default["source"]) == ("COMPLETED", "default"), default[
                "error"
            ]
            of_gulf = ask(state, f"{IMPORT}/jobs?source=gulf")[1]["data"]["jobs"]
            assert [job["job_id"] for job in of_gulf] == [gulf["job_id"]]
            listed = ask(state, "/api/v1/sources")[1]["data"]["sources"]
            latest = {each["name"]: each["last_import"]["job_id"] for each in listed}
            assert latest == {"default": default["job_id"], "gulf": gulf["job_id"]}
            wait_until(running.database_path.exists)

    with duckdb.connect(running.database_path, read_only=True) as database:
        rows = database.execute(
            "SELECT source, count(*) FROM well_production GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert rows == [("default", default["new_records"]), ("gulf", gulf["new_records"])]
