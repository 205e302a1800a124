"""How long the API takes under load: status and trigger requests against a local stack that runs,
`make bench-load`.

The client is wrk where it is there, else threads of a Python process of its own. Latencies are the
client's: they hold the local gateway, the authorizer, the app and the emulated DynamoDB, which is
the slowest of them. A table goes to the screen, figures to a JSON file; with --document also into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import environments, report
from benchmarks.measure import facts_of
from local.stack import LocalStack, Source

BEGIN, END = "<!-- load figures: written by make bench-load -->", "<!-- end of the load figures -->"
STATUS, TRIGGER = "status", "trigger"
EXPECTED_P99 = {STATUS: 50.0, TRIGGER: 100.0}  # ms
PERCENTILES = (50, 90, 99, 100)
BASE = "/api/v1/wells/import"
PATIENCE = 120

# wrk knows a duration and no number of requests: when its one thread has enough, it interrupts its
# own process, which then tells its figures. `$PPID` of the shell is wrk, deaf to it while it waits
# for the shell. Latencies are in µs.
WRK_SCRIPT = """
local thread
function setup(made) thread = made end
function init(args) answered, total, statuses = 0, tonumber(args[1]), "" end
function response(status)
  answered = answered + 1
  if answered <= total then statuses = statuses .. status .. "," end
  if answered == total then os.execute("(sleep 0.05; kill -INT $PPID) &") end
end
function done(summary, latency)
  io.stderr:write(string.format(
    '{"p50": %f, "p90": %f, "p99": %f, "p100": %f, "seconds": %f, "lost": %d, "statuses": "%s"}',
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    summary.duration / 1e6, summary.errors.connect + summary.errors.read + summary.errors.timeout,
    thread:get("statuses")))
end
"""


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Of a stack whose first import is complete."""
    client = by_wrk if shutil.which("wrk") and not options.python else by_threads
    with (
        tempfile.TemporaryDirectory(prefix="wellhead-load-") as state,
        LocalStack(
            source=Source(rows=options.rows),
            state=Path(state),
            port=0,
        ) as stack,
    ):
        job_id = _import_once(stack)
        asked = {
            STATUS: ("GET", f"{BASE}/status/{job_id}", options.statuses),
            TRIGGER: ("POST", f"{BASE}/trigger", options.triggers),
        }
        found = {
            name: client(stack.api_url + path, method, count, options.connections, stack.token)
            for name, (method, path, count) in asked.items()
        }
    about = {"client": client.__name__.removeprefix("by_"), "connections": options.connections}
    return {
        **facts_of("chalice", "botocore", "moto"),
        **about,
        "requests": found,
    }


def _import_once(stack: LocalStack) -> str:
    with stack.client() as wellhead:
        job = wellhead.wait(wellhead.trigger().job_id, timeout=PATIENCE)
    assert job.status == "COMPLETED", job.error
    return job.job_id


# -- the clients ----------------------------------------------------------------------------------


def by_wrk(url: str, method: str, count: int, connections: int, token: str) -> dict[str, Any]:
    """The token is in the script, not in the list of processes."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "load.lua")
        asked = f'wrk.method = "{method}"\nwrk.headers["Authorization"] = "Bearer {token}"\n'
        script.write_text(asked + WRK_SCRIPT)
        many = [
            "--threads",
            "1",
            "--connections",
            str(min(connections, count)),
            "--duration",
            "600s",
            "--timeout",
            "30s",
        ]
        command = ["wrk", *many, "--script", str(script), url, "--", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=660)
    told = json.loads(done.stderr)
    statuses = Counter(map(int, told.pop("statuses").strip(",").split(",")))
    return _figures(told, statuses)


def by_threads(url: str, method: str, count: int, connections: int, token: str) -> dict[str, Any]:
    """A process of its own: the emulated AWS answers in this one."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        "client",
        url,
        method,
        str(count),
        str(connections),
    ]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        input=token,
    )
    told = json.loads(done.stdout)
    latencies = sorted(told["latencies"])
    numbers = {f"p{rank}": percentile(latencies, rank) for rank in PERCENTILES}
    return _figures(
        {
            **numbers,
            "seconds": told["seconds"],
            "lost": 0,
        },
        Counter(told["statuses"]),
    )


def percentile(ordered: list[float], rank: int) -> float:
    """The least value that so many percent do not exceed: of 200 values and 99, the 198th."""
    count = -(-rank * len(ordered) // 100)  # rounded up
    place = max(0, count - 1)
    return ordered[place]


def _figures(numbers: dict[str, Any], statuses: Counter[int]) -> dict[str, Any]:
    count = sum(statuses.values())
    rounded = {name: round(value, 2) for name, value in numbers.items()}
    rate = round(count / numbers["seconds"], 1)
    by_status = {str(status): many for status, many in sorted(statuses.items())}
    return {
        "count": count,
        "per_second": rate,
        **rounded,
        "statuses": by_status,
    }


def _client(url: str, method: str, count: int, connections: int, token: str) -> dict[str, Any]:
    """Latencies in ms. Each thread keeps its connection."""
    place = urlsplit(url)
    headers = {"Authorization": f"Bearer {token}"}

    def ask(many: int) -> list[tuple[float, int]]:
        connection = http.client.HTTPConnection(place.netloc, timeout=30)
        found = []
        for _ in range(many):
            began = time.perf_counter()
            connection.request(method, place.path, headers=headers)
            response = connection.getresponse()
            response.read()
            found.append((1000 * (time.perf_counter() - began), response.status))
        connection.close()
        return found

    started = time.perf_counter()
    shares = [
        count // connections + (number < count % connections) for number in range(connections)
    ]
    with ThreadPoolExecutor(connections) as pool:
        answers = [answer for share in pool.map(ask, shares) for answer in share]
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "latencies": [ms for ms, _ in answers],
        "statuses": [status for _, status in answers],
    }


# -- the table ------------------------------------------------------------------------------------


def markdown(found: dict[str, Any]) -> str:
    lines = [
        f"{report.heading(found)} Client: {found['client']}, {found['connections']} connections.",
        "",
        "| request | how many | a second | p50 ms | p90 ms | p99 ms | longest ms | answers |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *(_line(name, told) for name, told in found["requests"].items()),
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, told: dict[str, Any]) -> str:
    p99 = f"{told['p99']:.1f}" if told["p99"] < EXPECTED_P99[name] else f"**{told['p99']:.1f}**"
    shown = [f"{many:,} × {_status(status)}" for status, many in told["statuses"].items()]  # noqa: RUF001  times
    shown += [f"**{told['lost']:,} lost**"] if told["lost"] else []
    numbers = [
        f"{told['count']:,}",
        f"{told['per_second']:,.0f}",
        f"{told['p50']:.1f}",
        f"{told['p90']:.1f}",
        p99,
    ]
    numbers += [f"{told['p100']:.0f}"]
    return f"| {' | '.join([name, *numbers, ', '.join(shown)])} |"


def _status(status: str) -> str:
    if status >= "500":
        return f"**{status}**"
    return status


def main() -> None:
    if sys.argv[1:2] == ["client"]:
        url, method, *numbers = sys.argv[2:]
        count, connections = map(int, numbers)
        print(json.dumps(_client(url, method, count, connections, sys.stdin.read())))
    else:
        _measure_all()


def _measure_all() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--statuses", type=int, default=10_000, help="how many requests of the status"
    )
    parser.add_argument(
        "--triggers", type=int, default=1_000, help="how many requests of the trigger"
    )
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000,
        help="of the sample source: each accepted trigger imports them",
    )
    parser.add_argument(
        "--python", action="store_true", help="the threads of Python, also where wrk is there"
    )
    parser.add_argument(
        "--json", type=Path, default=environments.CACHE / "load.json", help="the figures"
    )
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    options = parser.parse_args()
    found = measure_all(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    if options.document:
        report.put(markdown(found), report.DOCUMENT, BEGIN, END)
    print(markdown(found))


if __name__ == "__main__":
    main()
