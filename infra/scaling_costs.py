"""What each step of docs/scaling.md costs a month, by the prices of infra/costs.py."""

from infra.costs import BYTES, IMPORTS, PRICES, Stack, stack

STATE_CHANGE, LAKE_GB = (
    0.025e-3,
    0.0265,
)  # Step Functions, a change of state; S3 Tables, a GB and month
LAKE_BYTES = 20e-9  # GB a row in a lake
SOURCE = (400_000, 800, 0.1)  # rows, pages, and the seconds before a page is there
MERGE_SECONDS, START_SECONDS, PARTS = 5, 2, 16
SPEED = 6  # of so many parts in one worker against one of them, as measured
ROWS = (1_000_000, 10_000_000, 50_000_000, 200_000_000)


def daily_import(of: Stack) -> dict[str, float]:
    """Dollars a month for one import a day of a slow source, by the way it is read."""
    _, pages, latency = SOURCE
    fetch = pages * latency
    many = of.seconds("plan", START_SECONDS)
    many += of.seconds("part", fetch + PARTS * START_SECONDS)
    many += of.seconds("merge", START_SECONDS + MERGE_SECONDS)
    changes = 6 + 3 * PARTS  # of state
    return {
        "one worker, from end to end": IMPORTS * of.seconds("import", fetch + MERGE_SECONDS),
        "one worker, in parts": IMPORTS
        * of.seconds("import", fetch / SPEED + START_SECONDS + MERGE_SECONDS),
        "many workers": IMPORTS * (many + changes * STATE_CHANGE),
    }


def storage_dollars(rows: int, of: Stack) -> dict[str, float]:
    """Dollars a month for so many rows, by the store,
    with one import a day of a fiftieth of them.
    """
    copies = 4 + 2 * of.old_days  # three snapshots and the stable name, and what was replaced
    into_file = of.seconds("import", rows / 50e6 * 8 + 10)  # of copying, hashing and merging
    into_lake = of.seconds("import", 10)
    return {
        "a file": copies * rows * BYTES * PRICES["TimedStorage-ByteHrs"] + IMPORTS * into_file,
        "a lake": 2 * rows * LAKE_BYTES * LAKE_GB + IMPORTS * into_lake,
    }


def scaling_table() -> str:
    """As Markdown, for docs/scaling.md."""
    of = stack()
    lines = [
        f"| {SOURCE[0]:,} rows a day, {SOURCE[1]} pages of {SOURCE[2]:g} s | dollars a month |",
        "|---|---:|",
    ]
    lines += [f"| {how} | {cost:.2f} |" for how, cost in daily_import(of).items()]
    lines += ["", "| stored rows | a file | a lake |", "|---:|---:|---:|"]
    lines += [
        f"| {rows:,} | {' | '.join(f'{cost:.2f}' for cost in storage_dollars(rows, of).values())} |"
        for rows in ROWS
    ]
    return "\n".join(lines)
