"""What a month costs, by the prices of 23 November 2026, as docs/operations.md shows it."""

SIZES = {  # rows of an import, its seconds, requests of the API, GB that leave AWS
    "small": (100_000, 30, 10_000, 0.1),
    "medium": (1_000_000, 180, 200_000, 5),
    "large": (10_000_000, 1_800, 2_000_000, 100),
}
IMPORTS, MINUTES, HOURS = 30, 43_200, 720
GB_SECOND, DISK_GB_SECOND, CALL = 0.0000166667, 0.0000000309, 0.20e-6  # Lambda
GATEWAY_CALL, WRITE, READ = 3.50e-6, 0.625e-6, 0.125e-6  # API Gateway, DynamoDB
S3_GB, S3_PUT, S3_GET = 0.023, 0.005e-3, 0.0004e-3  # PUT is also LIST
STATE_CHANGE, LAKE_GB = 0.025e-3, 0.0265  # Step Functions, S3 Tables
LOG_GB, METRIC, ALARM, DASHBOARD, TRANSFER_GB = 0.50, 0.30, 0.10, 3.00, 0.09


def month(rows: int, seconds: int, requests: int, gb_out: float) -> dict[str, float]:
    """Dollars, by what they are paid for."""
    questions, pages = requests / 5, rows / 10_000
    database_gb = rows * 26e-9  # bytes a row of a published file
    work = {  # GB of memory by seconds
        "import": IMPORTS * seconds * 1.73,
        "api": (requests * 0.02 + questions * 0.3) * 1.0 + requests / 2 * 0.02 * 0.5,
        "query": questions * 0.3 * 1.73,
        "sweeper": MINUTES * 0.3 * 0.25,
        "notices": MINUTES * 0.1 * 0.25,
    }
    calls = 1.5 * requests + questions + 2 * MINUTES + IMPORTS
    writes = IMPORTS * seconds * 2 * (8 + 1)  # a job of 8 KB and the lock, each second, in a transaction
    writes += MINUTES * 2  # the sweeper's pulse
    reads = MINUTES * (19 + 42) + requests * 3  # of the sweeper and of notices; 42 for the last 20 jobs
    files = 4 + 2 * IMPORTS  # three snapshots and the stable name, and what was replaced within 30 days
    log_gb = (MINUTES * 3 + requests * 4 + IMPORTS * pages * 1) * 1e-6  # KB
    metrics = 9 + 20 * IMPORTS / HOURS  # of sweeper, notices and questions always, the others an hour a day
    return {
        "Lambda": sum(work.values()) * GB_SECOND + IMPORTS * seconds * 3.5 * DISK_GB_SECOND + calls * CALL,
        "API Gateway": requests * GATEWAY_CALL,
        "DynamoDB": writes * WRITE + reads * READ,
        "S3": files * database_gb * S3_GB + MINUTES * (2 * S3_PUT + S3_GET) + questions * S3_GET,
        "logs": log_gb * LOG_GB,
        "metrics, alarms, dashboard": metrics * METRIC + 19 * ALARM + DASHBOARD,
        "transfer out": gb_out * TRANSFER_GB,
    }


def monthly_costs() -> dict[str, dict[str, float]]:
    """By size."""
    return {size: month(*what) for size, what in SIZES.items()}


def table() -> str:
    """As Markdown."""
    costs = monthly_costs()
    lines = [f"| | {' | '.join(costs)} |", f"|---|{'---|' * len(costs)}"]
    lines += [f"| rows of an import | {' | '.join(f'{size[0]:,}' for size in SIZES.values())} |"]
    lines += [f"| requests of the API | {' | '.join(f'{size[2]:,}' for size in SIZES.values())} |"]
    for what in costs["small"]:
        lines.append(f"| {what} | {' | '.join(f'{cost[what]:.2f}' for cost in costs.values())} |")
    whole = " | ".join(f"**{sum(cost.values()):.2f}**" for cost in costs.values())
    return "\n".join([*lines, f"| **together** | {whole} |"])


SOURCE = (400_000, 800, 0.1)  # rows, pages, and the seconds before a page is there
MERGE_SECONDS, START_SECONDS, PARTS = 5, 2, 16


def daily_import() -> dict[str, float]:
    """Dollars a month for one import a day of a slow source, by the way it is read."""
    _, pages, latency = SOURCE
    fetch = pages * latency
    alone = (fetch + MERGE_SECONDS) * 1.73
    in_parts = (fetch / 6 + START_SECONDS + MERGE_SECONDS) * 1.73
    many = START_SECONDS + fetch + PARTS * START_SECONDS + (START_SECONDS + MERGE_SECONDS) * 1.73
    changes = 6 + 3 * PARTS  # of state
    return {
        "one worker, from end to end": IMPORTS * alone * GB_SECOND,
        "one worker, in parts": IMPORTS * in_parts * GB_SECOND,
        "many workers": IMPORTS * (many * GB_SECOND + changes * STATE_CHANGE),
    }


def stored(rows: int) -> dict[str, float]:
    """Dollars a month for so many rows, by the store, with one import a day of a fiftieth of them."""
    file_gb, lake_gb = rows * 26e-9, rows * 20e-9
    copies = 4 + 2 * IMPORTS  # as above
    into_file = (rows / 50e6 * 8 + 10) * 1.73  # seconds, of copying, hashing and merging
    into_lake = 10 * 1.73
    return {
        "a file": copies * file_gb * S3_GB + IMPORTS * into_file * GB_SECOND,
        "a lake": 2 * lake_gb * LAKE_GB + IMPORTS * into_lake * GB_SECOND,
    }


def scaling_table() -> str:
    """As Markdown, for docs/scaling.md."""
    lines = [f"| {SOURCE[0]:,} rows a day, {SOURCE[1]} pages of {SOURCE[2]:g} s | dollars a month |", "|---|---:|"]
    lines += [f"| {how} | {cost:.2f} |" for how, cost in daily_import().items()]
    lines += ["", "| stored rows | a file | a lake |", "|---:|---:|---:|"]
    for rows in (1_000_000, 10_000_000, 50_000_000, 200_000_000):
        lines.append(f"| {rows:,} | {' | '.join(f'{cost:.2f}' for cost in stored(rows).values())} |")
    return "\n".join(lines)
