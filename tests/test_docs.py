"""The documents are true: what exists is documented, and what is documented exists."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from support.documents import (
    PROJECT,
    blocks,
    documents,
    every_block,
    names,
    section,
    table,
    text,
    tree,
)

import local.__main__
import local.source.server
from app import app
from chalicelib import errors
from chalicelib.api.gateway_errors import WORDS
from chalicelib.errors import ImportFailed, WellheadError
from chalicelib.imports.completeness import Completeness
from chalicelib.jobs import job
from chalicelib.jobs.finding import Finding
from chalicelib.jobs.job import JobStatus, Phase, new_job
from chalicelib.settings import SETTINGS, Settings
from chalicelib.store import columns as rows
from chalicelib.store import outcome, repository
from local.stack import DEFAULTS, KEPT_FROM_THE_PRODUCT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_OURS = {"DynamoDB", "DuckDB", "OnFailure"}
DIAGRAMS = ("sequenceDiagram", "stateDiagram-v2", "flowchart")
FOR_ALL = {"HEAD", "OPTIONS"}  # told once, not route by route
IN_THE_LOG_ALONE = {"CLAIM_REFUSED", "LEASE_LOST", "SCHEDULE_MOVED", "CANCELLED", "NOTICE_UNSENT"}


# -- reading the documents --------------------------------------------------------------------------------


# -- commands ---------------------------------------------------------------------------------------------


def test_the_make_targets_are_documented_and_no_other() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE)

    assert names(section(text("docs/commands.md"), "Commands")) - flags_of(
        local.__main__._parser()
    ) == {f"make {target}" for target in targets}


def test_the_variables_of_make_are_documented() -> None:
    variables = re.findall(r"^([A-Z]+) \?=", text("Makefile"), re.MULTILINE)

    assert set(variables) <= names(section(text("docs/configuration.md"), "On the laptop"))


def test_the_local_commands_and_flags_are_documented() -> None:
    parser = local.__main__._parser()
    documented = section(text("docs/commands.md"), "Commands")

    assert all(f"python -m local {command}" in documented for command in commands_of(parser))
    assert {name for name in names(documented) if name.startswith("-")} == flags_of(parser)


def test_the_flags_of_the_sample_source_are_documented() -> None:
    documented = section(text("docs/configuration.md"), "The sample source by itself")

    assert names(documented) == flags_of(local.source.server._parser())


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return {name: command for action in actions for name, command in action.choices.items()}


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    parsers = [parser, *commands_of(parser).values()]
    options = {
        option for each in parsers for action in each._actions for option in action.option_strings
    }
    return options - {"-h", "--help"}


# -- settings ---------------------------------------------------------------------------------------------


def documented_settings() -> dict[str, list[str]]:
    rows = table(
        section(text("docs/configuration.md"), "Settings of the product").partition("\n### ")[0]
    )
    return {row[0].strip("`"): row for row in rows}


def test_the_settings_are_documented_and_no_other() -> None:
    assert set(documented_settings()) == {setting.variable for setting in SETTINGS.values()}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_default_is_documented_as_it_is(name: str) -> None:
    setting = SETTINGS[name]
    documented = documented_settings()[setting.variable][2].strip("`")
    required = {"WELLHEAD_TABLE": "t", "WELLHEAD_IMPORT_FUNCTION": "f", "WELLHEAD_WAREHOUSE": "/w"}
    required["WELLHEAD_SOURCE_URL"] = "https://example.org/odata/Wells"

    default = getattr(Settings.from_environment(required), name)

    assert (documented == "required") == (setting.variable in required)
    if documented != "required":
        assert setting.read("" if documented == "empty" else documented) == default


def test_the_local_variables_are_documented() -> None:
    documented = names(section(text("docs/configuration.md"), "On the laptop"))
    samples = {"SAMPLE_SOURCE_USERNAME", "SAMPLE_SOURCE_PASSWORD"}

    assert set(DEFAULTS) | KEPT_FROM_THE_PRODUCT | samples <= documented


def test_the_local_defaults_are_documented_as_they_are() -> None:
    documented = {
        row[0].strip("`"): row[1]
        for row in table(section(text("docs/configuration.md"), "On the laptop"))
        if row[0].strip("`") in DEFAULTS
    }

    assert {variable: value.split("`")[1] for variable, value in documented.items()} == DEFAULTS


def test_no_document_names_a_variable_that_nothing_reads() -> None:
    code = "".join(
        path.read_text("utf-8")
        for path in tree()
        if path.suffix == ".py" and "tests" not in path.parts
    )
    known = set(re.findall(r"\bWELLHEAD_[A-Z_]+[A-Z]\b", code))
    for path in documents():
        assert set(re.findall(r"\bWELLHEAD_[A-Z_]+[A-Z]\b", path.read_text("utf-8"))) <= known, path


# -- the API ----------------------------------------------------------------------------------------------


def test_the_routes_are_documented_and_no_other() -> None:
    routes = {
        f"{method} {path}"
        for path, methods in app.routes.items()
        for method in methods.keys() - FOR_ALL
    }

    assert names(section(text("docs/api.md"), "The API").partition("## Every answer")[0]) == routes


def test_the_fields_of_a_job_are_documented_and_no_other() -> None:
    shown = new_job(now=0.0, triggered_by="ada", parameters={}).view(now=1.0)
    documented, _, _ = section(text("docs/workflow.md"), "The job").partition("The time line")

    assert {row[0].strip("`") for row in table(documented)} == set(shown)


def test_the_example_of_a_job_has_its_fields() -> None:
    examples = [json.loads(block) for block in blocks(text("docs/api.md"), "json")]
    [shown] = [example["data"] for example in examples if example.get("data", {}).get("events")]

    assert set(shown) == set(new_job(now=0.0, triggered_by="ada", parameters={}).view(now=1.0))


def test_the_states_and_phases_are_documented_and_no_other() -> None:
    documented = section(text("docs/workflow.md"), "States and phases")

    assert names(documented) - names(documented, 1) == {*JobStatus, *Phase}


def test_the_events_of_the_time_line_are_documented_and_no_other() -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    noted = set(re.findall(r'(?:with_event\([^")]+, |\.note\()"([a-z ]+)"', code))
    entered = {phase.lower() for phase in re.findall(r"\.enter\(Phase\.([A-Z]+)", code)}
    _, _, documented = section(text("docs/workflow.md"), "The job").partition("The time line")

    assert names(documented) - names(documented, 1) == noted | entered


def test_the_console_has_a_sentence_for_each_event() -> None:
    _, _, documented = section(text("docs/workflow.md"), "The job").partition("The time line")
    [sentences] = re.findall(
        r"^const TOLD = \{(.*?)^\};",
        text("chalicelib/api/console/job.js"),
        re.DOTALL | re.MULTILINE,
    )

    assert set(re.findall(r'^  "?([a-z ]+)"?: \(', sentences, re.MULTILINE)) == names(
        documented
    ) - names(documented, 1)


# -- errors -----------------------------------------------------------------------------------------------


def error_classes(parent: type[WellheadError] = WellheadError) -> list[type[WellheadError]]:
    return [parent, *(each for child in parent.__subclasses__() for each in error_classes(child))]


def documented_errors(title: str) -> dict[str, list[str]]:
    rows = table(section(text("docs/errors.md"), title).partition("The rules of")[0])
    return {row[0].strip("`"): row for row in rows}


def test_the_error_codes_are_documented_and_no_other() -> None:
    titles = ("Answers of the API", "Why a job FAILED", "In the log alone")
    documented = [code for title in titles for code in documented_errors(title)]

    assert sorted(documented) == sorted({error.code for error in error_classes()})


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: str(error.__name__))
def test_an_error_is_documented_as_it_is(error: type[WellheadError]) -> None:
    if error.code in IN_THE_LOG_ALONE:
        where, title = "log", "In the log alone"
    elif issubclass(error, ImportFailed) or error is errors.DispatchFailed:
        where, title = "job", "Why a job FAILED"
    else:
        where, title = f"HTTP {error.http_status}", "Answers of the API"
    row = documented_errors(title)[error.code]

    assert where in row[1]
    assert row[2] == "by rule" or row[2] == ("yes" if error.retryable else "no")


def test_the_rules_are_documented_and_no_other() -> None:
    documented = {
        row[0].strip("`"): row[1]
        for row in table(
            section(text("docs/errors.md"), "Answers of the API").partition("The rules of")[2]
        )
    }

    assert documented == {
        error.rule: "yes" if error.retryable else "no"
        for error in error_classes()
        if error.rule is not None
    }


def test_the_answers_of_the_gateway_are_documented_and_no_other() -> None:
    documented = {code: row[1] for code, row in documented_errors("Answers of the gateway").items()}

    assert documented == {code: f"HTTP {int(status)}" for status, (code, _) in WORDS.items()}


@pytest.mark.parametrize(
    ("title", "known"),
    [("Why a row is rejected", rows.REJECTION_REASONS), ("Warnings", rows.WARNING_RULES)],
    ids=["reasons", "warnings"],
)
def test_the_reasons_and_rules_of_rows_are_documented_and_no_other(
    title: str, known: Mapping[str, str]
) -> None:
    assert names(section(text("docs/errors.md"), title)) == set(known)


def test_the_workflow_names_no_code_that_does_not_exist() -> None:
    known = {error.code for error in error_classes()}
    scenarios = names(section(text("docs/workflow.md"), "When something fails"), 1)

    assert scenarios <= known


# -- the data ---------------------------------------------------------------------------------------------


def documented_columns() -> dict[str, list[str]]:
    document = section(text("docs/data.md"), "Columns of well_production").partition(
        "What is read how"
    )[0]
    return {row[0].strip("`"): row for row in table(document)}


def test_the_columns_are_documented_with_type_and_role() -> None:
    documented = {name: (row[1], row[2]) for name, row in documented_columns().items()}
    ours = {
        "source": ("VARCHAR", "key, ours"),
        "period_days": ("SMALLINT", "ours"),
        "source_rows": ("INTEGER", "ours"),
    }
    ours |= dict.fromkeys(("created_at", "updated_at"), ("TIMESTAMPTZ", "ours"))
    names = [column.name for column in rows.COLUMNS]
    after_the_period = names.index("production_period") + 1
    names.insert(after_the_period, "period_days")

    assert (
        documented
        == {column.name: (column.type, str(column.role)) for column in rows.COLUMNS} | ours
    )
    assert list(documented) == ["source", *names, "source_rows", "created_at", "updated_at"]


def test_the_column_of_the_tutorial_can_be_put_into_the_table() -> None:
    [block] = blocks(section(text("docs/add-a-column.md"), "1. Declare it"), "")

    names = [column.name for column in eval(f"(*COLUMNS, {block} *COLUMNS)", vars(rows))]

    assert names[len(rows.COLUMNS)] == "operator"


def test_the_units_are_documented() -> None:
    for column in rows.COLUMNS:
        unit = column.comment.partition("(")[2].rstrip(")")
        assert unit in documented_columns()[column.name][3]


def test_the_bounds_are_documented() -> None:
    for column in rows.COLUMNS:
        if column.kind is rows.Kind.NUMBER:
            accepted = documented_columns()[column.name][4]
            assert f"−{-column.low:,} to {column.high:,}" in accepted  # noqa: RUF001  a minus, not a hyphen
        if column.kind is rows.Kind.DAY:
            assert f"{column.low} to {column.high}" in documented_columns()[column.name][4]


def test_the_tables_of_a_published_file_are_documented_and_no_other(
    store: duckdb.DuckDBPyConnection,
) -> None:
    tables: dict[str, set[str]] = {}
    for name, column in store.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
    ).fetchall():
        tables.setdefault(name, set()).add(column)
    described = table(section(text("docs/data.md"), "Tables of the published file"))
    documented = {row[0].strip("`"): row for row in described}

    assert set(documented) == set(tables)
    for name, columns in tables.items():
        own = columns - (set(documented_columns()) if name.startswith("well_production") else set())
        assert own <= set(re.findall(r"\w+", documented[name][2])), name


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty store, as a first import would make it."""
    directory = tmp_path_factory.mktemp("store")
    scratch = repository.DuckDBWellProductionRepository(directory=directory, memory_mb=100)
    facts = outcome.RunFacts(
        job_id="j", fence=1, source="s", triggered_by="ada", started_at=0.0, expected_records=None
    )
    scratch.merge(directory / "wells.duckdb", facts, now=1.0, warnings={})
    scratch.close()
    with duckdb.connect(directory / "wells.duckdb", read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", every_block("sql"))
def test_the_sql_runs(store: duckdb.DuckDBPyConnection, statement: str) -> None:
    store.execute(statement).fetchall()


# -- the blocks and links of every document -----------------------------------------------------------------


@pytest.mark.parametrize("block", every_block("json"))
def test_the_json_is_json(block: str) -> None:
    json.loads(block)


@pytest.mark.parametrize("block", every_block("python"))
def test_the_python_is_python(block: str) -> None:
    compile(block, "a document", "exec")


@pytest.mark.parametrize("block", every_block("mermaid"))
def test_a_diagram_has_a_kind_and_a_body(block: str) -> None:
    kind, *body = block.split("\n")

    assert kind in DIAGRAMS
    assert any(line.strip() for line in body)


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_fence_is_closed(path: Path) -> None:
    assert path.read_text("utf-8").count("\n```") % 2 == 0


def test_the_workflow_has_its_diagrams() -> None:
    assert len(blocks(text("docs/workflow.md"), "mermaid")) == 3


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert target.is_dir() or not anchor or anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """The anchors that the headings of a document get on GitHub."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_path_of_an_import_links_its_files() -> None:
    modules = {
        path.relative_to(PROJECT / "chalicelib").as_posix()
        for path in (PROJECT / "chalicelib").rglob("*.py")
    }
    linked = set(
        re.findall(
            r"\(\.\./chalicelib/([\w/]+\.py)\)",
            section(text("docs/architecture.md"), "The path of an import"),
        )
    )

    assert linked <= modules
    assert {
        "jobs/starting.py",
        "jobs/manager.py",
        "jobs/dispatcher.py",
        "imports/worker.py",
        "imports/service.py",
        "store/staging.py",
        "warehouse/directory.py",
    } <= linked


# -- names of the code --------------------------------------------------------------------------------------


def test_the_classes_that_the_workflow_names_exist() -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    prose = re.sub(r"```python.*?```", "", text("docs/workflow.md"), flags=re.DOTALL)
    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][A-Za-z]*)+\b", prose))

    assert named - NOT_OURS <= set(re.findall(r"^class (\w+)", code, re.MULTILINE))


def test_the_participants_of_the_diagram_exist() -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    participants = re.findall(
        r"^ +participant \w+ as (\S+)$", text("docs/workflow.md"), re.MULTILINE
    )

    assert participants
    assert set(participants) - {"app.py"} <= set(
        re.findall(r"^(?:class|def) (\w+)", code, re.MULTILINE)
    )


def test_the_functions_that_the_workflow_names_exist() -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    prose = re.sub(r"```.*?```|<!-- .*?<!-- end -->", "", text("docs/workflow.md"), flags=re.DOTALL)
    known = set(re.findall(r"def (\w+)", code)) | set(
        new_job(now=0.0, triggered_by="", parameters={}).view(0.0)
    )
    known |= {"rejected_rows", "aws_url", "lost_records"}
    known |= {each.name for kind in (Finding, Completeness) for each in dataclasses.fields(kind)}

    assert set(re.findall(r"`(?:\w+\.)?([a-z]+_[a-z_]+)`", prose)) <= known


def test_the_time_limits_that_the_workflow_names_are_the_codes_own() -> None:
    document = text("docs/workflow.md")

    assert f"beyond {job.MAX_EVENTS}" in document
    assert f"0 to {job.FETCH_SHARE:.0f} %" in document


# -- decisions, licence, history ----------------------------------------------------------------------------


def test_every_runtime_dependency_has_its_line() -> None:
    groups = tomllib.loads(text("pyproject.toml"))["dependency-groups"]
    bundled = {re.split(r"[=<>\[]", requirement)[0] for requirement in groups["bundle"]}

    assert names(text("docs/decisions/008-runtime-dependencies.md")) == bundled | {
        "chalice",
        "botocore",
    }


def test_a_decision_has_context_decision_and_cost_under_its_number() -> None:
    decisions = sorted((PROJECT / "docs" / "decisions").glob("*.md"))

    assert [path.name[:3] for path in decisions] == [
        f"{number:03}" for number in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        document = path.read_text("utf-8")
        assert document.startswith(f"# {int(path.name[:3])}. ")
        for part in ("**Context.**", "**Decision.**", "**What it costs.**"):
            assert part in document, path


def test_the_changelog_and_the_licence_are_of_this_project() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]

    assert f"## [{project['version']}]" in text("CHANGELOG.md")
    assert "Apache License" in text("LICENSE")
    assert project["license"] == "Apache-2.0"


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    places = re.compile(rb"(?<![\w./-])/(?:root|home|work|Users)/")
    mine = Path(__file__)
    for path in tree():
        if path != mine:
            assert not places.search(path.read_bytes()), path
