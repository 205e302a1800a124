"""docs/cli.md has every command, option and exit code of `wellhead`, and no other."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from support.documents import names, section, text

from clients.api.words import STATUSES
from clients.cli.data_commands import WELLS_SHOWN
from clients.cli.import_commands import JOBS_SHOWN
from clients.cli.main import wellhead
from clients.cli.row_commands import REJECTS_SHOWN
from clients.cli.session import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = "docs/cli.md"
ROOT = Path(__file__).parents[2]


def test_the_commands_are_documented_in_their_order() -> None:
    headings = [line[4:] for line in text(DOCUMENT).splitlines() if line.startswith("### ")]

    assert headings == [f"wellhead {name}" for name in wellhead.commands]


@pytest.mark.parametrize("name", wellhead.commands)
def test_the_options_of_a_command_are_documented_and_no_other(name: str) -> None:
    documented = names(section(text(DOCUMENT), f"wellhead {name}").partition("\n```")[0])

    assert documented == words(wellhead.commands[name].params)


def test_the_options_of_all_commands_are_documented() -> None:
    document = section(text(DOCUMENT), "The command line")

    assert all(f"`{word}`" in document for word in words(wellhead.params) - {"--version"})
    assert "wellhead --version" in document


def words(parameters: Iterable[click.Parameter]) -> set[str]:
    found: set[str] = set()
    for each in parameters:
        found |= (
            {*each.opts, *each.secondary_opts}
            if isinstance(each, click.Option)
            else {str(each.name).upper()}
        )
    return found


def test_the_exit_codes_are_documented_and_no_other() -> None:
    assert names(section(text(DOCUMENT), "Exit codes")) == {str(int(code)) for code in Exit}


def test_the_defaults_are_documented() -> None:
    assert f"how many at most; {JOBS_SHOWN} by default" in section(text(DOCUMENT), "wellhead jobs")
    assert f"by default {REJECTS_SHOWN} on a terminal" in section(
        text(DOCUMENT), "wellhead rejects"
    )
    assert f"by default {WELLS_SHOWN} on a terminal" in section(text(DOCUMENT), "wellhead wells")
    assert all(status in section(text(DOCUMENT), "wellhead jobs") for status in STATUSES)


def test_what_pip_installs_is_what_the_clients_are_locked_with() -> None:
    project = tomllib.loads(text("pyproject.toml"))
    extra = project["project"]["optional-dependencies"]["sql"]
    installed = {
        requirement.partition(">=")[0]
        for requirement in [*project["project"]["dependencies"], *extra]
    }

    assert installed == set(project["dependency-groups"]["clients"])
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in ROOT.glob("clients/**/__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == packages
