"""`wellhead sources`:
shown, drafted, checked, applied, imported by name and deleted, against the whole local stack.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.program import Done, program_environment, run
from support.stack import SHORT_LEASE

from chalicelib.api.tokens import FRESH_SECONDS, Role
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source
from local.tokens import TokenBook, tell_running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WELL = "770010000100"


class Laptop:
    def __init__(self, stack: LocalStack, home: Path, source: SampleSource) -> None:
        self.stack = stack
        self.source = source
        self._environment = program_environment(home) | {"WELLHEAD_URL": stack.api_url}

    def run(self, *arguments: str, token: str = "") -> Done:
        return run(
            *arguments,
            environment=self._environment | {"WELLHEAD_TOKEN": token or self.stack.token},
        )

    def notice(self, key: str) -> Any:
        listed = json.loads(self.run("notices", "--json", "--limit", "100").stdout)
        return next((notice for notice in listed if notice["key"] == key), None)

    def token(self, role: Role) -> str:
        book = TokenBook(self.stack.state)
        token = book.make(role, role)
        assert tell_running_stack(
            self.stack.state, role, book.parameters[role], path="/wellhead/local/tokens"
        )
        time.sleep(
            FRESH_SECONDS
        )  # so long an API that has just looked for another one does not look again
        return token


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with SampleSource(GeneratedProduction(200)) as source:
        stack = LocalStack(
            source=Source(url=source.url),
            state=tmp_path_factory.mktemp("state"),
            port=0,
            user_environment=SHORT_LEASE | {"WELLHEAD_LEASE_SECONDS": "60"},
        )
        with stack:
            yield Laptop(stack, tmp_path_factory.mktemp("home"), source)


def test_a_source_is_applied_imported_and_deleted(laptop: Laptop, tmp_path: Path) -> None:
    file = tmp_path / "gulf.toml"
    file.write_text(f'kind = "odata"\nurl = "{laptop.source.url}"\n')

    applied = laptop.run("sources", "apply", str(file))
    assert (applied.returncode, applied.stdout) == (0, f"{file}: gulf has version 1\n")
    assert laptop.run("sources", "apply", str(file)).stdout == f"{file}: gulf has version 1\n"
    file.write_text(file.read_text() + 'schedule = "0 5 * * *"\n')
    assert laptop.run("sources", "apply", str(file)).stdout == f"{file}: gulf has version 2\n"

    unnamed = laptop.run("import")
    assert unnamed.returncode == 1
    assert unnamed.stderr.startswith("SOURCE_NOT_NAMED: ")
    assert "default, gulf" in unnamed.stderr
    for name in ("default", "gulf"):
        done = laptop.run("import", "--source", name, "--json")
        job = json.loads(done.stdout)
        assert (done.returncode, job["status"], job["source"]) == (0, "COMPLETED", name)
    listed = json.loads(laptop.run("jobs", "--source", "gulf", "--json").stdout)
    assert [(each["source"], each["source_version"]) for each in listed] == [("gulf", 2)]

    lines = [line.split("\t") for line in laptop.run("sources", "list").stdout.splitlines()]
    assert [line[:5] for line in lines] == [
        ["source", "version", "default", "kind", "period"],
        ["default", "settings", "", "odata", "month"],
        ["gulf", "2", "", "odata", "month"],
    ]
    assert all(line[5] for line in lines)
    shown = json.loads(laptop.run("sources", "show", "gulf", "--version", "1", "--json").stdout)
    assert shown["definition"] == {"kind": "odata", "url": laptop.source.url, "name": "gulf"}

    plotted = laptop.run("production", WELL, "--plot")
    assert plotted.returncode == 1
    assert "Several sources tell of this well: default, gulf. Name one: --source" in plotted.stderr
    assert laptop.run("production", WELL, "--plot", "--source", "gulf").returncode == 0

    nobody = laptop.run("sources", "delete", "gulf")
    assert (nobody.returncode, "--yes" in nobody.stderr) == (2, True)
    deleted = laptop.run("sources", "delete", "gulf", "--yes")
    assert (deleted.returncode, "Its rows stay" in deleted.stderr) == (0, True)
    assert laptop.run("sources", "show", "gulf").returncode == 1


def test_a_schedule_is_shown_paused_and_resumed(laptop: Laptop, tmp_path: Path) -> None:
    file = tmp_path / "yearly.toml"
    when = 'schedule = "0 5 1 1 *"\ntimezone = "Europe/Oslo"\nfresh_for = "26 h"\n'
    file.write_text(f'kind = "odata"\nurl = "{laptop.source.url}"\n{when}')
    laptop.run("sources", "apply", str(file))

    assert "0 5 1 1 * (Europe/Oslo)" in laptop.run("sources", "show", "yearly").stdout
    paused = laptop.run("sources", "pause", "yearly")
    assert (paused.returncode, paused.stdout) == (0, "yearly is paused: laptop has paused it.\n")
    assert "laptop has paused it." in laptop.run("sources", "show", "yearly").stdout
    (line,) = [
        line
        for line in laptop.run("sources", "list").stdout.splitlines()
        if line.startswith("yearly")
    ]
    assert "paused" in line.split("\t")

    resumed = laptop.run("sources", "resume", "yearly")
    assert resumed.stdout.startswith("yearly is due next at ")
    state = json.loads(laptop.run("sources", "resume", "yearly", "--json").stdout)
    assert (state["paused"], state["skipped"], state["last_due"]) == (None, 0, None)
    refused = laptop.run("sources", "pause", "default")
    assert (refused.returncode, "has no schedule" in refused.stderr) == (1, True)
    laptop.run("sources", "delete", "yearly", "--yes")


def test_faults_come_all_at_once_and_hinder_no_other_file(laptop: Laptop, tmp_path: Path) -> None:
    good, bad, broken = (tmp_path / name for name in ("good.json", "bad.toml", "broken.toml"))
    good.write_text(json.dumps({"kind": "odata", "url": laptop.source.url}))
    bad.write_text('kind = "odata"\nperiod = "monthly"\nnmae = "x"\n')
    broken.write_text("kind =")

    applied = laptop.run("sources", "apply", str(bad), str(broken), str(good))

    assert (applied.returncode, applied.stdout) == (1, f"{good}: good has version 1\n")
    assert 'period is "monthly": write one of day, month, quarter, year' in applied.stderr
    assert "nmae is no key of a definition: write name, or leave it out" in applied.stderr
    assert "broken.toml cannot be read" in applied.stderr
    assert laptop.run("sources", "delete", "good", "--yes").returncode == 0
    checked = laptop.run("sources", "check", str(bad), "--json")
    assert checked.returncode == 1
    assert [each["key"] for each in json.loads(checked.stdout)[str(bad)]["faults"]] == [
        "nmae",
        "period",
    ]


def test_a_check_shows_what_an_import_would_find(laptop: Laptop, tmp_path: Path) -> None:
    file = tmp_path / "gulf.toml"
    file.write_text(f'kind = "odata"\nurl = "{laptop.source.url}"\n')

    done = laptop.run("sources", "check", str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{file}: in order\n")
    assert "\nwell_code\twell_code\t" in done.stdout
    assert laptop.run("sources", "show", "gulf").returncode == 1


def test_a_draft_is_a_definition_that_can_be_applied(laptop: Laptop, tmp_path: Path) -> None:
    rows = tmp_path / "prod.csv"
    rows.write_text(
        "Field,Well,Month,Oil (bbl)\n"
        + "".join(f"N,W{n},2024-0{n % 9 + 1},{n * 10}\n" for n in range(40))
    )

    drafted = laptop.run("sources", "draft", str(rows), "--name", "prod")

    assert drafted.returncode == 0, drafted.stderr
    file = tmp_path / "prod.toml"
    file.write_text(drafted.stdout)
    assert f'url = "{rows}"' in drafted.stdout
    checked = laptop.run("sources", "check", str(file))
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.startswith(f"{file}: in order\n")


def test_the_presets_are_listed(laptop: Laptop) -> None:
    listed = json.loads(laptop.run("sources", "presets", "--json").stdout)

    assert "bsee-ogor-a" in [preset["name"] for preset in listed]
    one = json.loads(laptop.run("sources", "presets", "bsee-ogor-a").stdout)
    assert one["definition"]["period"] == "month"
    assert laptop.run("sources", "presets", "nope").returncode == 1


def test_an_operator_shows_sources_and_defines_none(laptop: Laptop, tmp_path: Path) -> None:
    file = tmp_path / "gulf.toml"
    file.write_text(f'kind = "odata"\nurl = "{laptop.source.url}"\n')
    token = laptop.token(Role.OPERATOR)

    assert laptop.run("sources", "list", token=token).returncode == 0
    for command in ("apply", "check"):
        refused = laptop.run("sources", command, str(file), token=token)
        assert (refused.returncode, refused.stderr.partition(":")[0]) == (4, "ROLE_REQUIRED")


def test_a_notice_that_is_a_test_is_sent_and_listed(laptop: Laptop) -> None:
    """By the function of notices that runs on the laptop too."""
    key = json.loads(laptop.run("notices", "test", "--json").stdout)["key"]
    laptop.stack.sweep()
    deadline = time.monotonic() + 60
    while (found := laptop.notice(key)) is None or found["state"] != "SENT":
        assert time.monotonic() < deadline, found
        time.sleep(0.5)

    assert [each["channel"] for each in found["deliveries"]] == ["events"]
    assert f"\tnotice.test\tSENT\tevents sent\t{found['text']}" in laptop.run("notices").stdout
    refused = laptop.run("notices", "test", token=laptop.token(Role.OPERATOR))
    assert (refused.returncode, refused.stderr.partition(":")[0]) == (4, "ROLE_REQUIRED")
