"""Lambda on the laptop: real processes under the real awslambdaric, asked through botocore."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from support.aws_session import new_session
from support.coordination import KEYS
from support.waiting import wait_until

from local.aws.lambda_endpoint import Event, FailedEvent, LambdaEndpoint
from local.aws.lambda_runtime import LambdaRuntime
from local.aws.runtime_api import LambdaFunction, RuntimeApi

HANDLERS = """
    import json, os, pathlib, signal, time

    def note(text):
        with open("notes", "a") as notes:
            notes.write(text + "\\n")

    def echo(event, context):
        print("hello from the handler")
        note(context.aws_request_id)
        return {"event": event, "name": context.function_name, "memory": context.memory_limit_in_mb,
                "left": context.get_remaining_time_in_millis(), "colour": os.environ.get("COLOUR")}

    def fail(event, context):
        note(context.aws_request_id)
        raise ValueError("the handler's own error")

    def fail_once(event, context):
        first = not pathlib.Path("notes").exists()
        note(context.aws_request_id)
        if first:
            os.kill(os.getpid(), signal.SIGKILL)

    def leave(event, context):
        note(context.aws_request_id)
        os._exit(7)

    def hang(event, context):
        note(f"{os.getpid()} {context.aws_request_id}")
        time.sleep(60)

    def wait_for(condition):
        until = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.02)

    def pids():
        return {line.split()[0] for line in pathlib.Path("notes").read_text().splitlines()}

    def query(event, context):
        if event.get("seconds") or event.get("until"):
            note(f"{os.getpid()} began")
        if event.get("workers"):
            wait_for(lambda: len(pids()) >= event["workers"])
        if event.get("until"):
            wait_for(pathlib.Path(event["until"]).exists)
        time.sleep(event.get("seconds", 0))
        if event.get("fails"):
            raise ValueError("no")
        return os.getpid()

    def keep(record, context):
        with open("failures", "a") as failures:
            failures.write(json.dumps(record) + "\\n")

    def keep_at_last(record, context):
        if not pathlib.Path("refused").exists():
            pathlib.Path("refused").touch()
            raise ValueError("not yet")
        keep(record, context)

    def keep_later(record, context):
        if not pathlib.Path("later").exists():
            pathlib.Path("later").touch()
            time.sleep(60)
        keep(record, context)
"""


FAILING = ("fail", "leave", "hang", "absent")


def is_running(pid: int) -> bool:
    """A zombie has ended, whether or not its parent has looked."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def lambda_client(url: str) -> Any:
    return new_session().create_client(
        "lambda",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEYS.access_key_id,
        aws_secret_access_key=KEYS.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


class Laptop:
    """A Lambda endpoint with the handlers above, its client, and what the handlers noted.
    The failed events go to the handler `destination`.
    """

    def __init__(
        self,
        project: Path,
        *,
        destination: str = "keep",
        patience: float = 5,
        hang_seconds: float = 0.5,
        **options: Any,
    ) -> None:
        (project / "handlers.py").write_text(textwrap.dedent(HANDLERS))
        self.project = project
        environment = {"PATH": os.environ["PATH"]}
        logs = project / "logs"
        runtime = LambdaRuntime(
            project=project, logs=logs, environment=environment, patience=patience
        )
        self.endpoint = LambdaEndpoint(
            runtime=runtime,
            queue=project / "events.sqlite",
            keys=KEYS,
            destinations={f"test-{name}": f"test-{destination}" for name in FAILING},
            **({"retry_delays": (0.05, 0.05)} | options),
        ).start()
        names = ("echo", "fail_once", "query", *FAILING, "keep", "keep_at_last", "keep_later")
        self.endpoint.deploy(
            LambdaFunction(
                name=f"test-{name}",
                handler=f"handlers.{name}",
                timeout=hang_seconds if name == "hang" else 60,
                memory_mb=256,
                environment={"COLOUR": "green"},
            )
            for name in names
        )
        self.client = lambda_client(self.endpoint.url)

    def invoke(self, name: str, *, kind: str = "Event", payload: bytes = b"{}") -> Any:
        return self.client.invoke(FunctionName=f"test-{name}", InvocationType=kind, Payload=payload)

    def query(self, **event: Any) -> Any:
        """What the handler returned, which is the number of its process; or Lambda's error."""
        answer = self.invoke("query", kind="RequestResponse", payload=json.dumps(event).encode())
        told = json.loads(answer["Payload"].read())
        return told["errorType"] if "FunctionError" in answer else told

    def notes(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.project / "notes").read_text().splitlines()
        return []

    def failures(self) -> list[dict[str, Any]]:
        """What the destination was sent."""
        path = self.project / "failures"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def log(self, name: str) -> str:
        path = self.project / "logs" / f"test-{name}.log"
        return path.read_text() if path.exists() else ""

    def stop(self) -> None:
        self.client.close()
        self.endpoint.stop()


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path)
    yield laptop
    laptop.stop()


def test_an_event_is_accepted_at_once_and_runs_the_real_handler(laptop: Laptop) -> None:
    answer = laptop.invoke("echo", payload=b'{"job_id": "1"}')

    assert answer["StatusCode"] == 202
    request_id = answer["ResponseMetadata"]["RequestId"]
    wait_until(lambda: "REPORT" in laptop.log("echo"))
    assert laptop.notes() == [request_id]
    log = laptop.log("echo")
    assert log.startswith(
        f"START RequestId: {request_id} Version: $LATEST\nhello from the handler\n"
    )
    assert f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: " in log
    assert "\tMemory Size: 256 MB\tMax Memory Used: " in log
    assert laptop.failures() == []


def test_a_synchronous_call_returns_the_answer(laptop: Laptop) -> None:
    answer = laptop.invoke("echo", kind="RequestResponse", payload=b'{"well": 7}')

    shown = json.loads(answer["Payload"].read())
    assert 0 < shown.pop("left") <= 60_000
    assert shown == {"event": {"well": 7}, "name": "test-echo", "memory": "256", "colour": "green"}
    assert "FunctionError" not in answer


def test_a_synchronous_error_is_a_function_error(laptop: Laptop) -> None:
    answer = laptop.invoke("fail", kind="RequestResponse")

    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "the handler's own error")


def test_who_waits_for_answers_gets_them_of_one_warm_worker(laptop: Laptop) -> None:
    first = laptop.query()

    assert [laptop.query() for _ in range(5)] == [first] * 5
    assert is_running(first)
    assert laptop.log("query").count("REPORT") == 6


def test_questions_at_the_same_time_have_two_workers_and_the_next_one_waits(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, patience=60)
    with ThreadPoolExecutor() as threads:
        pids = list(threads.map(lambda _: laptop.query(seconds=0.3, workers=2), range(4)))

    assert len(set(pids)) == 2
    assert laptop.query() in pids
    laptop.stop()


def test_a_question_waits_for_no_event(laptop: Laptop) -> None:
    laptop.invoke("query", payload=b'{"seconds": 60}')
    began = int(wait_until(laptop.notes)[0].split()[0])

    assert laptop.query() != began
    assert is_running(began)


def test_questions_beyond_all_workers_are_throttled(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, patience=0.1)
    with ThreadPoolExecutor() as threads:
        busy = [threads.submit(laptop.query, until="they may go") for _ in range(2)]
        wait_until(lambda: len(laptop.notes()) == 2)

        with pytest.raises(laptop.client.exceptions.TooManyRequestsException):
            laptop.query()

        (tmp_path / "they may go").touch()
        for question in busy:
            assert question.result() != "Sandbox.Timedout"
    laptop.stop()


def test_a_warm_worker_that_was_killed_is_replaced(laptop: Laptop) -> None:
    first = laptop.query()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{first}").exists())  # whose worker it was knows it by then
    second = laptop.query()
    with ThreadPoolExecutor() as threads:
        midway = threads.submit(laptop.query, seconds=60)
        wait_until(laptop.notes)
        os.kill(second, signal.SIGKILL)
        assert midway.result() == "Runtime.ExitError"
    third = laptop.query()

    assert len({first, second, third}) == 3


def test_a_process_that_has_closed_its_connection_takes_no_event() -> None:
    """So a question after the death of a worker meets another one, however soon it comes."""
    api = RuntimeApi()
    host, _, secret = api.address.partition("/")
    name, _, port = host.partition(":")
    path = f"/{secret}/2018-06-01/runtime/invocation/next"
    with socket.create_connection((name, int(port))) as process:
        process.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        wait_until(lambda: api.is_asked)
        assert not api.has_been_left()
    wait_until(api.has_been_left)
    api.stop()


def test_a_warm_worker_that_fails_or_hangs_is_ended_for_good(laptop: Laptop) -> None:
    failed = laptop.query()
    assert laptop.query(fails=True) == "ValueError"
    wait_until(lambda: not is_running(failed))
    assert laptop.query() != failed

    def hung() -> list[str]:
        """The notes; a machine that is busy takes a worker's half second before it writes one."""
        answer = laptop.invoke("hang", kind="RequestResponse")
        assert json.loads(answer["Payload"].read())["errorType"] == "Sandbox.Timedout"
        return laptop.notes()

    assert not is_running(int(wait_until(hung)[0].split()[0]))


def test_stop_ends_the_warm_workers_and_whoever_waits_is_told(laptop: Laptop) -> None:
    warm = laptop.query()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(laptop.query, seconds=60)
        wait_until(laptop.notes)

        laptop.endpoint.stop()

        with pytest.raises((ClientError, HTTPClientError)):
            waiting.result()
    assert not is_running(warm)


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("fail", "ValueError", "the handler's own error"),
        ("leave", "Runtime.ExitError", "exit status 7"),
        ("hang", "Sandbox.Timedout", "Task timed out after 0.50 seconds"),
        ("absent", "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'handlers'"),
    ],
)
def test_a_failing_event_is_tried_three_times_and_given_up(
    laptop: Laptop, name: str, error_type: str, message: str
) -> None:
    request_id = laptop.invoke(name, payload=b'{"job_id": "1"}')["ResponseMetadata"]["RequestId"]

    [record] = wait_until(laptop.failures)
    error = record.pop("responsePayload")
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:test-{name}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"job_id": "1"},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
    }
    assert laptop.log(name).count(f"START RequestId: {request_id} ") == 3
    notes = [note.split()[-1] for note in laptop.notes()]
    if name == "hang":  # whose time may be over before it writes one
        assert set(notes) <= {request_id}
    else:
        assert notes == ([] if name == "absent" else [request_id] * 3)


def test_a_killed_worker_is_tried_again_with_the_same_request_id(laptop: Laptop) -> None:
    request_id = laptop.invoke("fail_once")["ResponseMetadata"]["RequestId"]

    wait_until(lambda: laptop.log("fail_once").count("REPORT") == 2)
    assert laptop.notes() == [request_id, request_id]
    assert "exited with error: signal: 9" in laptop.log("fail_once")
    assert laptop.failures() == []


def test_an_event_too_old_is_given_up_without_another_attempt(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, maximum_event_age=90.0, retry_delays=(90.0, 90.0))
    laptop.invoke("leave")

    [record] = wait_until(laptop.failures)
    laptop.stop()
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert record["responsePayload"]["errorType"] == "Runtime.ExitError"


def test_an_event_that_was_never_delivered_is_told_without_an_answer() -> None:
    record = json.loads(
        FailedEvent(Event("1", "test-fail", b"{}", 0.0), "EventAgeExceeded", 0, None).record()
    )

    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert not record.keys() & {"responseContext", "responsePayload"}


def test_the_destination_is_tried_again_too(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, destination="keep_at_last")
    laptop.invoke("fail")

    assert len(wait_until(laptop.failures)) == 1
    laptop.stop()
    assert laptop.log("keep_at_last").count("START") == 2


def test_a_failure_that_was_not_told_yet_is_told_by_the_next_endpoint(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, destination="keep_later")
    request_id = laptop.invoke("fail")["ResponseMetadata"]["RequestId"]
    wait_until((tmp_path / "later").exists)
    laptop.stop()
    assert laptop.failures() == []

    again = Laptop(tmp_path, destination="keep_later")

    [record] = wait_until(again.failures)
    again.stop()
    assert record["requestContext"]["requestId"] == request_id


@pytest.mark.parametrize(
    "name", ["nobody", "arn:aws:lambda:us-east-1:123456789012:function:nobody"]
)
def test_an_unknown_function_is_not_found(laptop: Laptop, name: str) -> None:
    with pytest.raises(laptop.client.exceptions.ResourceNotFoundException) as refused:
        laptop.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_what_is_no_json_or_too_large_is_refused(laptop: Laptop) -> None:
    with pytest.raises(laptop.client.exceptions.InvalidRequestContentException):
        laptop.invoke("echo", payload=b"{")
    with pytest.raises(laptop.client.exceptions.RequestTooLargeException):
        laptop.invoke("echo", payload=b'"' + b"x" * 1024 * 1024 + b'"')


def test_an_event_that_cannot_be_kept_is_not_accepted(laptop: Laptop) -> None:
    """SQLite's own limit on a file stands for a full disk; the error is the same."""
    database = laptop.endpoint._queue._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    large = json.dumps("x" * 100_000).encode()

    with pytest.raises(laptop.client.exceptions.ServiceException):
        laptop.invoke("echo", payload=large)
    assert laptop.endpoint.disk.trouble
    assert laptop.notes() == []

    database.execute("PRAGMA max_page_count = 1000000")
    laptop.invoke("echo", payload=large)
    wait_until(laptop.notes)
    assert laptop.endpoint.disk.trouble is None


def test_a_function_runs_where_its_log_has_no_room(laptop: Laptop) -> None:
    for log in ("echo", "query"):
        (laptop.project / "logs" / f"test-{log}.log").symlink_to("/dev/full")

    assert laptop.query(seconds=0)
    laptop.invoke("query", payload=b'{"seconds": 0.01}')
    wait_until(laptop.notes)


def test_stop_ends_the_worker_and_the_next_endpoint_delivers_its_event_again(
    tmp_path: Path,
) -> None:
    laptop = Laptop(tmp_path, patience=90, hang_seconds=90)
    request_id = laptop.invoke("hang")["ResponseMetadata"]["RequestId"]
    pid = int(wait_until(laptop.notes)[0].split()[0])

    started = time.monotonic()
    laptop.stop()

    assert time.monotonic() - started < 45  # of its patience with workers
    assert not is_running(pid)
    (tmp_path / "notes").unlink()
    again = Laptop(tmp_path, hang_seconds=90)
    assert wait_until(again.notes)[0].split()[1] == request_id
    again.stop()


def test_a_killed_stack_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text(textwrap.dedent(HANDLERS))
    stack = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from local.aws.lambda_runtime import LambdaRuntime
        from local.aws.runtime_api import LambdaFunction
        project = Path(sys.argv[1])
        runtime = LambdaRuntime(project=project, logs=project / "logs", environment=dict(os.environ))
        function = LambdaFunction(name="hang", handler="handlers.hang", timeout=60)
        runtime.invoke(function, request_id="1", payload=b"{}")
    """)
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", stack, str(tmp_path)], cwd=root) as process:
        notes = tmp_path / "notes"
        wait_until(lambda: notes.exists() and notes.read_text())
        process.send_signal(signal.SIGKILL)
    pid = int(notes.read_text().split()[0])
    wait_until(lambda: not is_running(pid), seconds=30)  # of the minute that it sleeps
