"""What most tests stand on:
the laptop's AWS over HTTP, and an environment that the product reads as its own.

Each fixture imports what it needs, and no more: the test of a pure function pays for no AWS.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from support.hypothesis_profile import ProfileOfHypothesis
from support.soak import drawn_cases

from chalicelib.setting_values import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from support.api_client import Api
    from support.coordination import Clock, LambdaHandler
    from support.data_api import Wells
    from support.scripted_source import Client, Connect, Serve
    from support.source_contract import Stage
    from support.third_party.servers import ThirdParty

    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import LocalAws

TABLE = "wellhead-test"

sys.meta_path.insert(0, ProfileOfHypothesis())

# To look through all that is loaded for garbage, again and again, takes a twentieth of the CPU.
gc.set_threshold(100_000, 20, 50)


def refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """No test reaches for anything but this machine."""
    if (
        event == "socket.connect"
        and isinstance(arguments[1], tuple)
        and not is_loopback(arguments[1][0])
    ):
        raise AssertionError(f"a test reaches for {arguments[1][0]}")


sys.addaudithook(refuse_the_network)

# An AWS client without keys would ask the machine's metadata service for some; so would one that is
# made late, by a request that outlives its test and the test's environment.
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

# A shell starts what runs in the background with Ctrl-C ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--floor",
        action="store_true",
        help="fail where the tests of a room leave too much of it out",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("floor"):
        from support.coverage_floor import CoverageFloor

        config.pluginmanager.register(CoverageFloor(), "coverage-floor")


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: half of the time, a test waits for a process or a clock."""
    return 2 * (os.cpu_count() or 2)


@pytest.hookimpl(trylast=True)  # of those that were asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is marked `by_lot` a run takes a third of the cases, a soak all. What is
    marked `long` comes first.
    """
    marked = [item for item in items if item.get_closest_marker("by_lot")]
    drawn = drawn_cases((item.nodeid for item in marked), config.getoption("randomly_seed", 0))
    left_out = {item for item in marked if item.nodeid not in drawn}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The summary of Hypothesis imports all of it, to find that no test has."""
    if "hypothesis" not in sys.modules and not session.config.getoption("numprocesses", 0):
        session.config.pluginmanager.unregister(name="hypothesispytest")


def pytest_collection_finish() -> None:
    """What is loaded by now stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def log_of_its_own() -> None:
    """No line of a test's log tells of a request that an earlier test has made in the same
    thread.
    """
    from chalicelib.logs import start_log_context

    start_log_context()


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """A running DynamoDB, S3 and SSM; AWS clients of this process find it by their environment."""
    from support.coordination import KEYS

    from local.aws.emulator import LocalAws

    with LocalAws(table=TABLE, journal=tmp_path / "table.sqlite", keys=KEYS) as aws:
        set_up_aws(monkeypatch, aws)
        yield aws


def set_up_aws(environment: pytest.MonkeyPatch, aws: LocalAws) -> None:
    from support.coordination import KEYS

    environment.setenv("AWS_ENDPOINT_URL", aws.url)
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name, value in KEYS.environment.items():
        environment.setenv(name, value)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test runs once with each kind of store that tests/support/store_kinds.py has a mark for."""
    kinds = metafunc.definition.get_closest_marker("stores")
    if kinds:
        metafunc.parametrize("store_kind", kinds.args, indirect=True)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """A module whose tests hold for a file and for a lake says so: pytestmark = FILE_AND_LAKE."""
    return str(getattr(request, "param", "file"))


@pytest.fixture
def catalog(store_kind: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a lake, and its catalog serving; none for a file."""
    if store_kind == "file":
        yield {}
        return
    from local.catalog.server import CatalogServer

    with CatalogServer(tmp_path / "lake") as server:
        yield {"WELLHEAD_STORE": "iceberg", "WELLHEAD_CATALOG": server.url}


@pytest.fixture
def environment(aws: LocalAws, tmp_path: Path, catalog: dict[str, str]) -> dict[str, str]:
    """The WELLHEAD_ variables for Services: `aws`, a warehouse and a scratch in `tmp_path`.

    Nothing listens at the source's URL; a test that fetches puts its own there.
    """
    return catalog | {
        "WELLHEAD_TABLE": TABLE,
        "WELLHEAD_IMPORT_FUNCTION": "wellhead-test-import",
        "WELLHEAD_WAREHOUSE": str(tmp_path / "warehouse"),
        "WELLHEAD_SCRATCH": str(tmp_path / "scratch"),
        "WELLHEAD_SOURCE_URL": "http://127.0.0.1:9/odata/WellProduction",
        # Of what is read in parts tests/imports/test_read_in_parts.py tells.
        "WELLHEAD_WORKERS": "1",
    }


@pytest.fixture
def lambda_handler(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[LambdaHandler]]:
    from support.coordination import LambdaHandler

    from local.aws.loopback import LoopbackServer

    handler = type("Handler", (LambdaHandler,), {"invocations": []})
    server = LoopbackServer(handler).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    yield handler
    server.stop()


@pytest.fixture
def api(
    environment: dict[str, str],
    aws: LocalAws,
    lambda_handler: type[LambdaHandler],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Api]:
    """The app behind a gateway, imported anew, so that it reads this test's environment."""
    from chalice.config import Config
    from support.api_client import ADMIN, OPERATOR, READER, Api

    from chalicelib.api.tokens import digest_of
    from local.api_gateway import create_server

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, token, role in [
        ("ada", OPERATOR, "operator"),
        ("bob", READER, "reader"),
        ("eve", ADMIN, "admin"),
    ]:
        aws.put_parameter(
            f"/wellhead/tokens/{name}", json.dumps({"sha256": digest_of(token), "role": role})
        )
    monkeypatch.delitem(sys.modules, "app", raising=False)
    app = importlib.import_module("app").app
    config = Config.create(
        chalice_stage="local", chalice_app=app, app_name="wellhead", project_dir=str(tmp_path)
    )
    server = create_server(app, config, port=0).start()
    yield Api(server.server_port)
    server.stop()


@pytest.fixture
def empty(
    environment: dict[str, str], api: Api, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wells]:
    """The API before a first import; one job waits."""
    from support.data_api import QueryFunction, Wells

    from chalicelib.jobs.job import new_job
    from chalicelib.services import Services
    from local.aws.loopback import LoopbackServer

    questions: list[dict[str, Any]] = []
    attributes = {"services": Services(environment), "questions": questions}
    server = LoopbackServer(type("Handler", (QueryFunction,), attributes)).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    monkeypatch.setenv("WELLHEAD_QUERY_FUNCTION", "wellhead-test-query")
    wells = Wells(api.port, environment, questions)
    wells.job = Services(environment).job_manager.create(
        new_job(now=time.time(), triggered_by="ada", parameters={})
    )
    yield wells
    server.stop()


@pytest.fixture
def wells(empty: Wells, serve: Serve) -> Wells:
    """The API after an import of ROWS and BAD."""
    from support.data_api import BAD, ROWS, source_of
    from support.shelf import shelved
    from support.staging import run_import

    from chalicelib.services import Services

    manager = Services(empty.environment).job_manager
    manager.cancel(empty.job.job_id)
    source = source_of(serve, [*ROWS, *BAD])
    empty.job = shelved("wells", empty.environment, lambda: run_import(empty.environment, source))
    assert (empty.job.total_records, empty.job.failed_records) == (12, 3), empty.job
    return empty


@pytest.fixture
def dynamodb(aws: LocalAws) -> Iterator[Any]:
    from support.coordination import aws_client

    client = aws_client(aws.url)
    yield client
    client.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes sources of steps."""
    from support.scripted_source import ScriptedSource

    with ExitStack() as stack:
        yield lambda *steps: stack.enter_context(ScriptedSource(*steps))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The name of a screen for windows. Of this process until its end:
    a window outlives its test in Tk, and whoever loses the screen of one is ended by Xlib.
    """
    from local.pictures.xvfb import Xvfb

    with Xvfb() as xvfb:
        yield xvfb.name


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Of this process until its end: to start one takes more of a core than most of its tests."""
    from local.pictures.browser import browser

    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def scripted_console(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[tuple[str, Browser]]:
    """The address of a console whose API a test plays, and a browser for it."""
    from playwright.sync_api import expect
    from support.scripted_console import console

    expect.set_options(timeout=20_000)
    with console(tmp_path_factory.mktemp("project")) as url:
        yield url, browser


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes adapters on a URL; settings without WELLHEAD_ in lower case."""
    from support.scripted_source import Client

    with ExitStack() as stack:

        def connect(url: str, **options: Any) -> Client:
            client = Client(url, **options)
            stack.callback(client.adapter.close)
            return client

        yield connect


@pytest.fixture(scope="session")
def stage_of_all(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalAws, Stage]]:
    """To set it up takes longer than most cases."""
    from support.coordination import KEYS
    from support.source_contract import TABLE, Stage

    from local.aws.emulator import LocalAws

    directory = tmp_path_factory.mktemp("contract")
    with LocalAws(table=TABLE, journal=directory / "table.sqlite", keys=KEYS) as aws:
        with pytest.MonkeyPatch.context() as environment:
            set_up_aws(environment, aws)
            stage = Stage(aws, directory)
        with stage:
            yield aws, stage


@pytest.fixture
def stage(stage_of_all: tuple[LocalAws, Stage], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """What the contract of the source is held against."""
    aws, stage = stage_of_all
    set_up_aws(monkeypatch, aws)
    return stage


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThirdParty]:
    """Servers that others wrote, started when a test first asks for one."""
    from support.run_directory import run_directory
    from support.third_party.servers import ThirdParty

    with ThirdParty(run_directory(tmp_path_factory)) as third_party:
        yield third_party


@pytest.fixture
def clock() -> Clock:
    from support.coordination import Clock

    return Clock()


@pytest.fixture
def manager(dynamodb: Any, clock: Clock) -> JobManager:
    """With the usual lease: 60 s, 15 s of grace, 360 s for a job that waits."""
    from chalicelib.jobs.lock import Lease
    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.table import Table

    return JobManager(table=Table(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock)
