"""What most tests stand on: the laptop's AWS over HTTP, and an environment that the product reads as its own."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from coordination import Clock, aws_client
from scripted_source import Client, Connect, ScriptedSource, Serve

from chalicelib.job_manager import JobManager, Lease
from chalicelib.settings import is_loopback
from chalicelib.table import Table
from local.aws import LocalAws

TABLE = "wellhead-test"

# No deadline: the machines that run this are shared, and a slow example is no wrong one.
hypothesis.settings.register_profile("wellhead", deadline=None, print_blob=True)
hypothesis.settings.load_profile("wellhead")


def refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """No test reaches for anything but this machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not is_loopback(arguments[1][0]):
        raise AssertionError(f"a test reaches for {arguments[1][0]}")


sys.addaudithook(refuse_the_network)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """A running DynamoDB, S3 and SSM; AWS clients of this process find it by their environment."""
    with LocalAws(table=TABLE, journal=tmp_path / "table.sqlite") as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield aws


@pytest.fixture
def environment(aws: LocalAws, tmp_path: Path) -> dict[str, str]:
    """The WELLHEAD_ variables for Services: `aws`, a warehouse and a scratch in `tmp_path`.

    Nothing listens at the source's URL; a test that fetches puts its own there.
    """
    return {
        "WELLHEAD_TABLE": TABLE,
        "WELLHEAD_IMPORT_FUNCTION": "wellhead-test-import",
        "WELLHEAD_WAREHOUSE": str(tmp_path / "warehouse"),
        "WELLHEAD_SCRATCH": str(tmp_path / "scratch"),
        "WELLHEAD_SOURCE_URL": "http://127.0.0.1:9/odata/WellProduction",
    }


@pytest.fixture
def dynamodb(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url)
    yield client
    client.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes sources of steps."""
    with ExitStack() as stack:
        yield lambda *steps: stack.enter_context(ScriptedSource(*steps))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes adapters on a URL; settings without WELLHEAD_ in lower case."""
    with ExitStack() as stack:

        def connect(url: str, **options: Any) -> Client:
            client = Client(url, **options)
            stack.callback(client.adapter.close)
            return client

        yield connect


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(dynamodb: Any, clock: Clock) -> JobManager:
    """With the usual lease: 60 s, 15 s of grace, 360 s for a job that waits."""
    return JobManager(table=Table(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock)
