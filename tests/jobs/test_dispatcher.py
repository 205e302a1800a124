"""One invocation leaves, as an event; whatever Lambda says against it is one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.coordination import LambdaHandler, aws_client

from chalicelib.errors import DispatchFailed
from chalicelib.jobs.dispatcher import Dispatcher
from local.aws.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = "018cc4e5-2200-7a5c-8706-64ca820068ba"


@pytest.fixture
def handler() -> type[LambdaHandler]:
    return type("Handler", (LambdaHandler,), {"invocations": []})


@pytest.fixture
def server(handler: type[LambdaHandler]) -> Iterator[LoopbackServer]:
    server = LoopbackServer(handler).start()
    yield server
    server.stop()


@pytest.fixture
def dispatcher(server: LoopbackServer) -> Iterator[Dispatcher]:
    client = aws_client(server.url, "lambda", read_timeout=30)
    yield Dispatcher(lambda_client=client, function="wellhead-import")
    client.close()


def test_a_job_is_one_event_for_the_import_function(
    dispatcher: Dispatcher, handler: type[LambdaHandler]
) -> None:
    dispatcher.dispatch(JOB)

    path = "/2015-03-31/functions/wellhead-import/invocations"
    assert handler.invocations == [(path, "Event", {"job_id": JOB})]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_a_refused_event_is_a_failed_dispatch(
    dispatcher: Dispatcher, handler: type[LambdaHandler], status: int
) -> None:
    handler.status = status

    with pytest.raises(DispatchFailed) as failed:
        dispatcher.dispatch(JOB)

    assert failed.value.__cause__ is not None
    assert len(handler.invocations) == 1


def test_a_lambda_that_is_not_there_is_a_failed_dispatch(
    dispatcher: Dispatcher, server: LoopbackServer
) -> None:
    server.stop()

    with pytest.raises(DispatchFailed):
        dispatcher.dispatch(JOB)
