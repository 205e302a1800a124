"""What a stack costs, by the template's parameters and the prices of 23 November 2026;
docs/costs.md shows it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.bundle import PROJECT
from infra.fragments import merged_fragments

PRICES = {  # dollars in US East (N. Virginia), by AWS's names of what is used
    "Lambda-GB-Second": 0.0000166667,
    "Lambda-GB-Second-ARM": 0.0000133334,
    "Lambda-Storage-GB-Second": 0.0000000309,  # of the local disk, beyond the first 512 MB
    "Lambda-Request": 0.20e-6,
    "ApiGatewayRequest": 3.50e-6,
    "WriteRequestUnits": 0.625e-6,  # DynamoDB
    "ReadRequestUnits": 0.125e-6,
    "TimedStorage-ByteHrs": 0.023,  # S3, a GB and month
    "Requests-Tier1": 0.005e-3,  # PUT and LIST
    "Requests-Tier2": 0.0004e-3,  # GET
    "DataProcessing-Bytes": 0.50,  # logs, a GB
    "CW:MetricMonitorUsage": 0.30,
    "CW:AlarmMonitorUsage": 0.10,
    "DashboardsUsageHour": 3.00,  # a month
    "DataTransfer-Out-Bytes": 0.09,
}
REDUCE = {  # what makes an item smaller
    "Lambda": "Imports of what changed (`SourceChanged`), and fewer of them.",
    "API Gateway": "Fewer requests: take exports and pages of 10,000 rows, and wait for a job as `Retry-After` says.",
    "DynamoDB": "Imports of what changed: a job is written each second that it runs.",
    "S3": "A smaller `OldVersionDays`: the bucket keeps what each import has replaced.",
    "logs": "`WELLHEAD_LOG_LEVEL=WARNING`. `LogDays` changes nearly nothing.",
    "metrics, alarms, dashboard": "Nothing in the template. The same for every size, and mostly within the free tier.",
    "transfer out": "Ask the API or Athena in place of downloading the database, or read it from within the region.",
}
STANDS = "metrics, alarms, dashboard"  # costs the same for every size
IMPORTS, WORKDAYS, MINUTES, HOURS = 30, 21, 43_200, 720  # of a month
REQUESTS, QUESTIONS, DOWNLOADS = (
    100,
    20,
    0.1,
)  # of a user: a workday's, those of them that ask for data; a month's
BYTES = 26e-9  # GB a row of a published file
GB = 1024


@dataclass(frozen=True)
class Load:
    """`rows` are stored, `brought` come with each import, a day apart, in so many seconds."""

    name: str
    rows: int
    brought: int
    seconds: int
    lake: bool = False


LOADS = (
    Load("10^5 rows", 100_000, 100_000, 30),
    Load("10^7 rows", 10_000_000, 10_000_000, 1_800),
    Load("10^8 rows, 10^6 a day", 100_000_000, 1_000_000, 200, lake=True),
)
USERS = (3, 300)


@dataclass(frozen=True)
class Stack:
    """What of the deployment decides on costs."""

    memory: Mapping[str, float]  # GB, by function
    import_disk: float  # GB that are paid for
    old_days: int
    processor: str
    alarms: int

    def seconds(self, function: str, count: float) -> float:
        is_arm = self.processor == "arm64"
        price = PRICES["Lambda-GB-Second-ARM" if is_arm else "Lambda-GB-Second"]
        gigabytes = self.memory[function]
        return count * gigabytes * price


@cache
def template() -> dict[str, Any]:
    return merged_fragments()


def stack(**parameters: int) -> Stack:
    """By the defaults of the template, but for what is given."""
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    values = {
        name: told.get("Default") for name, told in template()["Parameters"].items()
    } | parameters
    return Stack(
        memory={
            name: told["lambda_memory_size"] / GB
            for name, told in config["lambda_functions"].items()
        },
        import_disk=(int(values["ImportDiskMb"]) - 512) / GB,
        old_days=int(values["OldVersionDays"]),
        processor=config["lambda_architecture"],
        alarms=sum(_count_metrics(told) for told in template()["Resources"].values()),
    )


def _count_metrics(resource: Mapping[str, Any]) -> int:
    """How many metrics an alarm is paid for."""
    if resource.get("Type") != "AWS::CloudWatch::Alarm":
        return 0
    return sum("MetricStat" in told for told in resource["Properties"].get("Metrics", [])) or 1


def one_import(load: Load, of: Stack) -> dict[str, float]:
    """Dollars, by what they are paid for."""
    writes = load.seconds * 2 * (8 + 1)  # a job of 8 KB and the lock, each second, in a transaction
    pages = load.brought / 10_000
    disk = load.seconds * of.import_disk * PRICES["Lambda-Storage-GB-Second"]
    return {
        "Lambda": of.seconds("import", load.seconds) + disk + PRICES["Lambda-Request"],
        "DynamoDB": writes * PRICES["WriteRequestUnits"],
        "S3": (pages + 10) * PRICES["Requests-Tier1"],
        "logs": pages * 1e-6 * PRICES["DataProcessing-Bytes"],  # 1 KB a page
    }


def users_day(users: int, of: Stack) -> dict[str, float]:
    requests = users * REQUESTS
    questions = users * QUESTIONS
    work = of.seconds("api_handler", requests * 0.02 + questions * 0.3)
    work += of.seconds("query", questions * 0.3) + of.seconds("authorizer", requests / 2 * 0.02)
    return {
        "Lambda": work + (1.5 * requests + questions) * PRICES["Lambda-Request"],
        "API Gateway": requests * PRICES["ApiGatewayRequest"],
        "DynamoDB": requests * 3 * PRICES["ReadRequestUnits"],
        "S3": questions * PRICES["Requests-Tier2"],
        "logs": requests * 4e-6 * PRICES["DataProcessing-Bytes"],
    }


def standing(load: Load, users: int, of: Stack) -> dict[str, float]:
    """A month of what is there whether anybody imports or asks:
    the sweeper, the notices, what is stored.
    """
    reads = MINUTES * (19 + 42)  # of the sweeper and of notices; 42 for the last 20 jobs
    copies = (
        1.3 if load.lake else 4 + 2 * of.old_days
    )  # three snapshots and the stable name, and what was replaced
    size = load.rows * BYTES
    listed = MINUTES * (2 * PRICES["Requests-Tier1"] + PRICES["Requests-Tier2"])
    metrics = (
        9 + 20 * IMPORTS / HOURS
    )  # of sweeper, notices and questions always, the others an hour a day
    return {
        "Lambda": of.seconds("sweeper", MINUTES * 0.3)
        + of.seconds("notices", MINUTES * 0.1)
        + 2 * MINUTES * PRICES["Lambda-Request"],
        "DynamoDB": MINUTES * 2 * PRICES["WriteRequestUnits"] + reads * PRICES["ReadRequestUnits"],
        "S3": size * copies * PRICES["TimedStorage-ByteHrs"] + listed,
        "logs": MINUTES * 3e-6 * PRICES["DataProcessing-Bytes"],
        "metrics, alarms, dashboard": metrics * PRICES["CW:MetricMonitorUsage"]
        + of.alarms * PRICES["CW:AlarmMonitorUsage"]
        + PRICES["DashboardsUsageHour"],
        "transfer out": users
        * (DOWNLOADS * size + WORKDAYS * REQUESTS * 10e-6)
        * PRICES["DataTransfer-Out-Bytes"],
    }


def month(load: Load, users: int, of: Stack) -> dict[str, float]:
    """Dollars by item, those of a stack that imports each day and is used on workdays."""
    parts = [
        (one_import(load, of), IMPORTS),
        (users_day(users, of), WORKDAYS),
        (standing(load, users, of), 1),
    ]
    return {item: sum(part.get(item, 0.0) * times for part, times in parts) for item in REDUCE}


def day(load: Load, users: int, of: Stack) -> float:
    """A workday, with an import."""
    parts = (one_import(load, of), users_day(users, of))
    return (
        sum(sum(part.values()) for part in parts)
        + sum(standing(load, users, of).values()) / IMPORTS
    )


def largest(costs: Mapping[str, float]) -> str:
    return max(costs, key=lambda item: costs[item])


def growing(costs: Mapping[str, float]) -> str:
    """The largest of the others than what is always there."""
    others = {item: cost for item, cost in costs.items() if item != STANDS}
    return largest(others)


def table() -> str:
    """As Markdown."""
    of = stack()
    cases = [(load, users) for load in LOADS for users in USERS]
    heads = [f"{load.name}, {users} users" for load, users in cases]
    imports = [sum(one_import(load, of).values()) for load, _ in cases]
    days = [day(*case, of) for case in cases]
    months = [month(*case, of) for case in cases]
    sums = [f"**{sum(costs.values()):,.2f}**" for costs in months]
    most = [largest(costs) for costs in months]
    most_of_others = [growing(costs) for costs in months]
    lines = [
        f"| | {' | '.join(heads)} |",
        "|---|" + "---|" * len(cases),
        _line("an import", imports, places=4),
        _line("a workday", days),
    ]
    lines += [_line(f"a month: {item}", [costs[item] for costs in months]) for item in REDUCE]
    lines += [
        f"| **a month, together** | {' | '.join(sums)} |",
        f"| largest item | {' | '.join(most)} |",
        f"| largest of what grows | {' | '.join(most_of_others)} |",
    ]
    items = {*most, *most_of_others}
    lines.append("")
    for item, words in REDUCE.items():
        if item in items:
            lines.append(f"- **{item}**. {words}")
    return "\n".join(lines)


def _line(what: str, costs: list[float], *, places: int = 2) -> str:
    cells = [f"{cost:,.{places}f}" for cost in costs]
    return f"| {what} | {' | '.join(cells)} |"
