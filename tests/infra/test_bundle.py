"""The zip that Lambda runs:
what is in it, and its functions under the real awslambdaric, with nothing else at hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awslambdaric  # type: ignore[import-untyped]
import pytest
from support.excel import workbook
from support.imports import expected_rows, stored_rows
from support.packaged import packaged, unpacked

from chalicelib.api.tokens import digest_of
from chalicelib.lake.extensions import EXTENSIONS
from chalicelib.queries.questions import PLACE
from infra.bundle import (
    DEPLOYED,
    MACHINES,
    UNZIPPED_LIMIT,
    PackageError,
    Runtime,
    check_bundle,
    check_layer,
    dependencies,
    write_bundle,
)
from infra.package import build, configuration, deployed_runtime
from local.aws.lambda_runtime import Worker
from local.aws.runtime_api import Invocation, LambdaFunction, RuntimeApi
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.coordination import LambdaHandler

    from infra.package import Package
    from local.aws.emulator import LocalAws

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "infra" / "events"
# What Lambda's own image brings along beside Python.
RUNTIME = (
    "awslambdaric",
    "botocore",
    "dateutil",
    "jmespath",
    "simplejson",
    "six.py",
    "snapshot_restore_py.py",
)
COMPILED = "runtime_client."
TOKEN = "wellhead_test"
DATA = GeneratedProduction(1_200)
HERE = Runtime.of_this_machine()
UNCHECKED_HASH = b"\x01\x00\x00\x00"  # the flags of a .pyc (PEP 552)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return packaged(tmp_path_factory)


@pytest.fixture(scope="module")
def names(package: Package) -> set[str]:
    with zipfile.ZipFile(package.bundle) as bundle:
        return set(bundle.namelist())


@pytest.fixture(scope="module")
def task_root(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(package, tmp_path_factory.mktemp("task"))


def test_it_holds_all_of_ours_that_runs(names: set[str]) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "chalicelib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {
        "chalicelib/store/well_production.sql",
        "chalicelib/api/console/index.html",
        "chalicelib/api/openapi.json",
    } <= files
    assert files | {"app.py"} <= names


def test_with_the_layer_a_lake_can_be_read_and_both_fit_into_lambda(
    package: Package, task_root: Path, tmp_path: Path
) -> None:
    """Out of the zips, and nothing else: no site-packages, no network."""
    with zipfile.ZipFile(package.layer) as layer, zipfile.ZipFile(package.bundle) as bundle:
        layer.extractall(tmp_path)
        unzipped = sum(
            entry.file_size for archive in (layer, bundle) for entry in archive.infolist()
        )
    code = (
        "import duckdb; from chalicelib.lake.extensions import EXTENSIONS, _extension; c = duckdb.connect(); "
        "paths = [str(_extension(name)) for name in EXTENSIONS]; [c.execute(f\"LOAD '{path}'\") for path in paths]; "
        "print(*paths, sep='\\n')"
    )

    told = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": f"{task_root}:{tmp_path / 'python'}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr) == (0, "")
    assert [
        Path(line).relative_to(tmp_path / "python").parts[0] for line in told.stdout.splitlines()
    ] == [f"duckdb_extension_{name}" for name in EXTENSIONS]
    assert unzipped <= UNZIPPED_LIMIT


def test_a_layer_without_the_extensions_of_this_duckdb_is_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as layer:
        for name in EXTENSIONS:
            layer.writestr(
                f"python/duckdb_extension_{name}/extensions/v1.0.0/{name}.duckdb_extension", b""
            )

    with pytest.raises(
        PackageError, match=r"The layer of the lake has no v1\.\d+\.\d+/avro\.duckdb_extension"
    ):
        check_layer(tmp_path / "layer.zip")


def test_it_holds_nothing_else(names: set[str]) -> None:
    ours = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    library = HERE.library
    packages = {
        "certifi",
        "chalice",
        "charset_normalizer",
        "duckdb",
        "idna",
        "msgspec",
        "requests",
        "urllib3",
    }
    packages |= {"cronsim", "python_calamine", "xlsxwriter"}
    questions = "docs"  # docs/questions, which the API offers
    compiled = {name for name in ours if name.endswith(".so") and "__mypyc" in name}
    assert ours - compiled == {"app.py", "__pycache__", "chalicelib", library, questions} | packages
    assert not [name for name in names if name.endswith((".pyi", "/RECORD"))]


def test_every_module_is_compiled_and_never_compared_with_its_source(
    package: Package, names: set[str]
) -> None:
    modules = {name for name in names if name.endswith(".py")}
    compiled = {name for name in names if name.endswith(".pyc")}
    assert len(compiled) == len(modules)
    with zipfile.ZipFile(package.bundle) as bundle:
        assert {bundle.read(name)[4:8] for name in compiled} == {UNCHECKED_HASH}


def _small_bundle(
    directory: Path, *, library: bytes | None, machine: int | None = None, runtime: Runtime = HERE
) -> Path:
    """Of an app of one line and a DuckDB that is a header alone."""
    dependencies, app, output = (
        directory / "dependencies",
        directory / "app.zip",
        directory / "wellhead.zip",
    )
    (dependencies / "duckdb" / "experimental").mkdir(parents=True)
    (dependencies / "duckdb" / "__init__.py").write_text("X = 1\n")
    (dependencies / "duckdb" / "experimental" / "spark.py").write_text("X = 1\n")
    if library is not None:
        number = MACHINES[runtime.architecture][1]
        header = library.ljust(18, b"\0") + (machine or number).to_bytes(2, "little")
        (dependencies / runtime.library).write_bytes(header)
    with zipfile.ZipFile(app, "w") as archive:
        archive.writestr("app.py", "import duckdb\n")
    write_bundle(app, dependencies, output, runtime=runtime)
    return output


def test_the_same_content_is_the_same_zip(tmp_path: Path) -> None:
    first = _small_bundle(tmp_path / "first", library=b"\x7fELF")
    second = _small_bundle(tmp_path / "second", library=b"\x7fELF")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as bundle:
        assert not [name for name in bundle.namelist() if "experimental" in name]


def test_a_bundle_without_duckdbs_library_is_none(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="has no _duckdb"):
        _small_bundle(tmp_path, library=None)
    assert not (tmp_path / "wellhead.zip").exists()


def test_nor_is_one_with_the_library_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="not made for"):
        _small_bundle(tmp_path, library=b"\x7fELF", machine=8)
    (tmp_path / "text").mkdir()
    with pytest.raises(PackageError, match="not made for"):
        _small_bundle(tmp_path / "text", library=b"text")


def test_nor_is_one_for_another_architecture(package: Package) -> None:
    other = next(name for name in MACHINES if name != HERE.architecture)
    with pytest.raises(PackageError, match="has no _duckdb"):
        check_bundle(package.bundle, Runtime(HERE.python, other))


def test_what_is_deployed_is_said_by_the_project_and_not_by_this_machine() -> None:
    assert deployed_runtime(configuration("dev"), "dev") == Runtime(DEPLOYED, "arm64")
    assert Runtime(DEPLOYED, "arm64").name == "python3.13"
    assert Runtime(DEPLOYED, "arm64").library == "_duckdb.cpython-313-aarch64-linux-gnu.so"


def test_the_template_runs_what_the_bundle_is_made_for(package: Package) -> None:
    """Chalice says the Python that it runs under."""
    resources = json.loads(package.template.read_text())["Resources"].values()
    told = [each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"]
    assert {(each["Runtime"], *each["Architectures"]) for each in told} == {
        (HERE.name, HERE.architecture)
    }


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13)])
@pytest.mark.parametrize("architecture", MACHINES)
def test_it_is_made_for_either_processor_from_every_laptop(
    python: tuple[int, int], architecture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a Python of that version it is not compiled, and says so."""
    runtime = Runtime(python, architecture)
    with zipfile.ZipFile(_small_bundle(tmp_path, library=b"\x7fELF", runtime=runtime)) as bundle:
        compiled = {name for name in bundle.namelist() if name.endswith(".pyc")}
    tag = f"cpython-{python[0]}{python[1]}"
    usual = {f"__pycache__/app.{tag}.pyc", f"duckdb/__pycache__/__init__.{tag}.pyc"}
    if python == HERE.python:
        assert compiled == usual
    assert compiled == (set() if "not compiled" in capsys.readouterr().out else usual)


def test_lambda_has_no_other_python(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"Lambda has no python3\.9"):
        dependencies(Runtime((3, 9), "arm64"), cache=tmp_path)


@pytest.mark.parametrize("stage", ["Dev", "a_b", "-a", "a-", "x" * 21, ""])
def test_a_stage_needs_a_name_that_a_bucket_may_have(stage: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="A stage has no name like"):
        build(stage=stage, output=tmp_path)


def test_a_stage_needs_no_line_in_the_configuration() -> None:
    told = configuration("staging-2")["stages"]["staging-2"]
    assert told == {
        "api_gateway_stage": "staging-2",
        "tags": {"application": "wellhead", "stage": "staging-2"},
    }
    assert configuration("dev")["stages"]["dev"]["tags"]["stage"] == "dev"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["token", "--role", "operator", "--name", "ada"], "No region is chosen"),
        (["deploy", "--parameter", "SourceUrl"], "looks like SourceUrl=https://"),
        (["package", "--stage", "Staging"], "A stage has no name like Staging"),
        (["deploy", "--stage", "emulated"], "No stage is called emulated"),
        (["deploy", "--stage", "local"], "No stage is called local"),
    ],
)
def test_a_command_says_in_one_line_what_is_missing(arguments: list[str], told: str) -> None:
    environment = {"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull}
    command = [sys.executable, "-m", "infra", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


class Lambda:
    """Calls a function of the unpacked bundle:
    a process of its own, with the modules of the bundle, of Python and of Lambda's image alone.
    """

    def __init__(self, task_root: Path, directory: Path, environment: dict[str, str]) -> None:
        self._task_root = task_root
        self._log = directory / "lambda.log"
        image = directory / "image"
        image.mkdir()
        for path in Path(awslambdaric.__file__).parents[1].iterdir():
            if path.name in RUNTIME or path.name.startswith(COMPILED):
                (image / path.name).symlink_to(path)
        paths = os.pathsep.join([str(task_root), str(image)])
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, **environment}

    def call(self, handler: str, event: Any, *, seconds: float = 60.0) -> Any:
        api = RuntimeApi()
        worker = Worker(
            api,
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            environment={
                **self._environment,
                "_HANDLER": handler,
                "AWS_LAMBDA_RUNTIME_API": api.address,
            },
            cwd=self._task_root,
            log=self._log,
        )
        worker.start()
        function = LambdaFunction(name="wellhead-test", handler=handler, timeout=seconds)
        invocation = Invocation(
            function, request_id=str(uuid.uuid4()), payload=json.dumps(event).encode()
        )
        try:
            api.give(invocation)
            outcome = invocation.outcome()
        finally:
            worker.kill()
        assert outcome.error is None, (outcome, self._log.read_text())
        return json.loads(outcome.payload)


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA) as source:
        yield source


@pytest.fixture
def function(  # noqa: PLR0917  fixtures
    task_root: Path,
    tmp_path: Path,
    aws: LocalAws,
    lambda_handler: type[LambdaHandler],
    environment: dict[str, str],
    source: SampleSource,
) -> Callable[..., Any]:
    """`function(handler, event)`: what the deployed function answers.
    The table is real, dispatches are noted.
    """
    aws.put_parameter(
        "/wellhead/tokens/ada", json.dumps({"sha256": digest_of(TOKEN), "role": "operator"})
    )
    names = (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
    )
    own = {
        name: os.environ[name]
        for name in (*names, "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")
    }
    settings = environment | {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_MEMORY_MB": "200"}
    return Lambda(task_root, tmp_path, own | settings).call


def _event(name: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


def _body(answer: dict[str, Any], status: int) -> Any:
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"])["data"]


def test_its_functions_run_an_import_from_trigger_to_question(
    function: Callable[..., Any], lambda_handler: type[LambdaHandler], environment: dict[str, str]
) -> None:
    job_id = _body(function("app.app", _event("api-trigger")), 202)["job_id"]
    [(_, kind, event)] = lambda_handler.invocations
    assert (kind, event) == ("Event", {"job_id": job_id})
    assert function("app.sweep_jobs", _event("sweeper")) == "nothing"

    assert function("app.import_wells", event)["outcome"] == "COMPLETED"
    status = _event("api-status", pathParameters={"job_id": job_id})
    assert _body(function("app.app", status), 200)["new_records"] == DATA.expected_counts().new
    assert stored_rows(Path(environment["WELLHEAD_WAREHOUSE"]) / "wells.duckdb") == expected_rows(
        DATA
    )

    summary = function("app.answer_question", _event("query"))["data"]
    assert summary["rows"] == DATA.expected_counts().new
    asked = {"statement": "SELECT count(*), max(updated_at) IS NULL FROM well_production"}
    told = function("app.answer_question", {"question": "sql", "arguments": asked})["data"]
    assert told["rows"] == [[DATA.expected_counts().new, False]]
    ahead = function("app.answer_question", {"fetch": told["snapshot"]["name"]})
    assert ahead == {"fetch": "done"}  # it is read in place
    record = {"requestPayload": {"job_id": job_id}}
    assert function("app.take_up_job", record) == "nothing"


def test_it_has_the_questions_that_ship(task_root: Path) -> None:
    assert {
        path.name: path.read_text() for path in (task_root / "docs" / "questions").iterdir()
    } == {path.name: path.read_text() for path in PLACE.iterdir()}


def test_its_reader_of_workbooks_finds_what_it_needs(task_root: Path, tmp_path: Path) -> None:
    path = workbook(tmp_path / "wells.xlsx", {"Data": [["well"], ["A-1"]]})
    script = f"""
from pathlib import Path
from chalicelib.files.excel import sheets_of
from chalicelib.files.limits import USUAL
[sheet] = sheets_of(Path({str(path)!r}), Path({str(tmp_path / "sheets")!r}), pattern="", file="", limits=USUAL)
print(sheet.path.read_text())
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(task_root)}
    command = [sys.executable, "-S", "-c", script]

    assert (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        == "well\nA-1\n\n"
    )


def test_its_authorizer_knows_tokens(function: Callable[..., Any]) -> None:
    known = function("app.authorizer", _event("authorizer", authorizationToken=f"Bearer {TOKEN}"))
    assert (known["principalId"], known["context"]) == ("ada", {"role": "operator"})


def test_its_api_serves_the_console(function: Callable[..., Any]) -> None:
    event = _event("api-status", httpMethod="GET", pathParameters=None)
    event["requestContext"] |= {
        "resourcePath": "/console",
        "path": "/dev/console",
        "httpMethod": "GET",
    }
    answer = function("app.app", event)
    assert answer["statusCode"] == 200
    assert "<!doctype html>" in answer["body"].lower()
