"""The cold start: CPU of a function's initialisation and first request, under the real
awslambdaric.

The trigger, the status and the authorizer of the unpacked bundle, beside a bare boto3 handler that
builds the two clients of the trigger and makes its calls, and beside a handler that does nothing.
CPU and not wall time: Lambda gives a function its share of a core, and this machine has other work.
AWS is emulated in this process, whose CPU is in nobody's figure.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import environments, measure, report
from chalicelib.api.tokens import digest_of
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import LOCK
from local.aws.emulator import LocalAws
from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.aws.runtime_api import Invocation, LambdaFunction, Outcome, RuntimeApi
from local.aws.signature import Keys

TABLE, TOKEN = "wellhead-cold", "benchmarks-token"
EXPECTED = 1.15
BEGIN, END = (
    "<!-- cold start figures: written by make bench-cold-start -->",
    "<!-- end of the cold start figures -->",
)
EVENTS = Path(__file__).parents[1] / "infra" / "events"
NOTHING, BARE, TRIGGER = "a handler that does nothing", "a bare boto3 handler", "the trigger"

NOTHING_HANDLER = """
def nothing(event, context):
    return {"statusCode": 200}
"""
BOTO3_HANDLER = """
import json
import os
import time
import boto3

name = os.environ["WELLHEAD_TABLE"]
table, functions = boto3.client("dynamodb"), boto3.client("lambda")

def handler(event, context):
    key = {"pk": {"S": "LOCK"}, "sk": {"S": "LOCK#bare"}}
    table.get_item(TableName=name, Key=key, ConsistentRead=True)
    job = {"pk": {"S": "JOB"}, "sk": {"S": f"JOB#{time.time()}"}, "status": {"S": "PENDING"}}
    update = {"UpdateExpression": "SET #o = :o", "ExpressionAttributeNames": {"#o": "owner"},
              "ExpressionAttributeValues": {":o": job["sk"]}, "TableName": name, "Key": key}
    table.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": job}}, {"Update": update}])
    functions.invoke(FunctionName="import", InvocationType="Event", Payload=json.dumps({"job_id": "x"}).encode())
    return {"statusCode": 202, "body": "{}"}
"""


@dataclass(frozen=True)
class Contender:
    """`code` is where its handler is found, `event` what it is sent first."""

    name: str
    code: Path
    handler: str
    event: dict[str, Any]
    status: int | None = None


class Measured(Invocation):
    """Notes the CPU of the process when it asks for the event,
    initialised by then, and when it has answered.
    """

    def __init__(self, contender: Contender, pid: int) -> None:
        function = LambdaFunction(name="measured", handler=contender.handler)
        super().__init__(function, request_id="cold", payload=json.dumps(contender.event).encode())
        self._pid = pid
        self.at: list[float] = []

    def begin(self) -> None:
        self.at.append(cpu_ms(self._pid))
        super().begin()

    def end(self, outcome: Outcome) -> None:
        self.at.append(cpu_ms(self._pid))
        super().end(outcome)


def cpu_ms(pid: int) -> float:
    """Of all its threads, those that ended excepted, to the nanosecond: the kernel's own count is
    in hundredths of a second. https://docs.kernel.org/scheduler/sched-stats.html
    """
    nanoseconds = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        figures = (thread / "schedstat").read_text().split()
        nanoseconds += int(figures[0])
    return nanoseconds / 1e6


def start_once(contender: Contender, known: dict[str, str], log: Path) -> tuple[float, float]:
    """CPU ms of the initialisation, the interpreter's start included, and of the first request."""
    api = RuntimeApi()
    known = {
        **known,
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "_HANDLER": contender.handler,
    }
    known |= {"PYTHONPATH": str(contender.code), "LAMBDA_TASK_ROOT": str(contender.code)}
    command = [sys.executable, "-m", "awslambdaric", contender.handler]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=known, cwd=contender.code, stdout=output, stderr=output
        )
    try:
        invocation = Measured(contender, process.pid)
        api.give(invocation)
        outcome = invocation.outcome()
        answer = json.loads(outcome.payload)
        assert outcome.error is None, f"{contender.name}: {answer}"
        assert contender.status in (None, answer.get("statusCode")), f"{contender.name}: {answer}"
    finally:
        process.kill()
        process.wait()
        api.stop()
    begun, answered = invocation.at
    return begun, answered - begun


def contenders(bundle: Path, bare: Path) -> list[Contender]:
    (bare / "nothing.py").write_text(NOTHING_HANDLER)
    (bare / "bare.py").write_text(BOTO3_HANDLER)
    events = {path.stem: json.loads(path.read_text()) for path in EVENTS.glob("*.json")}
    known = events["authorizer"] | {"authorizationToken": f"Bearer {TOKEN}"}
    return [
        Contender(NOTHING, bare, "nothing.nothing", {}, 200),
        Contender(BARE, bare, "bare.handler", events["api-trigger"], 202),
        Contender(TRIGGER, bundle, "app.app", events["api-trigger"], 202),
        Contender("the status", bundle, "app.app", events["api-status"], 404),
        Contender("the authorizer", bundle, "app.authorizer", known),
    ]


def unpacked_bundle(directory: Path) -> Path:
    """What `make package` makes, as Lambda unpacks it."""
    from infra.bundle import Runtime
    from infra.package import build

    build(
        stage="dev",
        output=directory / "package",
        runtime=Runtime.of_this_machine(),
    )
    with zipfile.ZipFile(directory / "package" / "wellhead.zip") as archive:
        archive.extractall(directory / "bundle")
    return directory / "bundle"


def measure_all(code: Path | None, turns: int) -> dict[str, Any]:
    """CPU ms of every start, by contender; they take turns."""
    handler = type("Lambda", (LoopbackHandler,), {"do_POST": _accept})
    endpoint = LoopbackServer(handler).start()
    with (
        tempfile.TemporaryDirectory() as name,
        LocalAws(
            table=TABLE,
            journal=Path(name) / "table.sqlite",
            keys=Keys.random(),
        ) as aws,
    ):
        directory = Path(name)
        (directory / "bare").mkdir()
        aws.put_parameter(
            "/wellhead/tokens/ada", json.dumps({"sha256": digest_of(TOKEN), "role": "operator"})
        )
        known = environment(aws, endpoint.url, TABLE)
        all_of_them = contenders(code or unpacked_bundle(directory), directory / "bare")
        starts: dict[str, list[tuple[float, float]]] = {one.name: [] for one in all_of_them}
        for _ in range(turns + 1):
            for one in all_of_them:
                _free_the_lock(aws)
                starts[one.name].append(start_once(one, known, directory / "log"))
    endpoint.stop()
    taken = {name: found[1:] for name, found in starts.items()}  # the first one warms the disk
    return {
        **measure.facts_of("awslambdaric", "botocore", "boto3", "chalice"),
        "turns": turns,
        "starts": taken,
    }


def _accept(handler: LoopbackHandler) -> None:
    handler.read_body()
    handler.answer(202, b"")


def _free_the_lock(aws: LocalAws) -> None:
    key = json.dumps({"TableName": TABLE, "Key": to_item(LOCK)}).encode()
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.DeleteItem",
        "Content-Type": "application/x-amz-json-1.0",
    }
    aws.answer("dynamodb", "POST", "/", headers, key)


def environment(aws: LocalAws, functions: str, table: str) -> dict[str, str]:
    """Of a function with this AWS, and Lambda at this URL."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ENDPOINT_URL_LAMBDA": functions,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **aws.keys.environment,
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "WELLHEAD_TABLE": table,
        "WELLHEAD_IMPORT_FUNCTION": "import",
        "WELLHEAD_WAREHOUSE": "s3://wellhead-local/wells",
        "WELLHEAD_SOURCE_URL": "https://example.org/odata/WellProduction",
    }


def markdown(found: dict[str, Any]) -> str:
    lines = [
        f"{report.heading(found)} Medians of {found['turns']} starts, CPU ms.",
        "",
        "| | initialisation | first request | both | of the bare handler |",
        "|---|---:|---:|---:|---:|",
    ]
    bare = median(found["starts"][BARE])
    for name, starts in found["starts"].items():
        init = statistics.median(start[0] for start in starts)
        request = statistics.median(start[1] for start in starts)
        ratio = median(starts) / bare
        shown = f"**{ratio:.2f}**" if name == TRIGGER and ratio > EXPECTED else f"{ratio:.2f}"
        lines.append(f"| {name} | {init:.0f} | {request:.0f} | {median(starts):.0f} | {shown} |")
    return "\n".join(lines) + "\n"


def median(starts: list[tuple[float, float]]) -> float:
    sums = [sum(start) for start in starts]
    return statistics.median(sums)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--turns", type=int, default=11)
    parser.add_argument("--code", type=Path, help="an unpacked bundle; by default one is made")
    parser.add_argument("--json", type=Path, help="the figures; by default in the cache")
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    options = parser.parse_args()
    found = measure_all(options.code, options.turns)
    target = options.json or environments.CACHE / "cold-start.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(f"figures: {target}, at {time.strftime('%H:%M')}")
    if options.document:
        report.put(markdown(found), report.DOCUMENT, BEGIN, END)
    print(markdown(found))


if __name__ == "__main__":
    main()
