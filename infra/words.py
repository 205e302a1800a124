"""The words that people read and the lists that a screen chooses from: once for the console, the
command line and the window.

What the product knows is taken from it; how it is called stands here. `make shared` writes both
into a module for each side.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from chalicelib.api.csv_rows import CONTROL, FORMULA, UNSEEN
from chalicelib.backoff import Backoff
from chalicelib.jobs.finding import Check
from chalicelib.jobs.job import JobStatus, Phase
from chalicelib.products import PRODUCTS, Product
from chalicelib.sources.measures import KINDS
from chalicelib.sources.units import parse_unit
from chalicelib.store.columns import COLUMNS
from chalicelib.store.period import Period

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMAND = "make shared"


class Source(str):
    """Of the script itself, no text in it."""

    __slots__ = ()


HELD = "HELD"  # not a status: the code of the error that a held import FAILED with
STATUS_WORDS = {
    JobStatus.PENDING: "Pending",
    JobStatus.RUNNING: "Running",
    JobStatus.COMPLETED: "Completed",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Cancelled",
    HELD: "Held",
}
# Names of the window's palette, which the command line has a colour of the terminal for.
TONES = {
    JobStatus.PENDING: "muted",
    JobStatus.RUNNING: "info",
    JobStatus.COMPLETED: "good",
    JobStatus.FAILED: "bad",
    JobStatus.CANCELLED: "warning",
    HELD: "warning",
}
STEP_WORDS = {
    JobStatus.PENDING: "Waiting",
    Phase.FETCHING: "Fetching",
    Phase.MERGING: "Merging",
    Phase.CHECKING: "Checking",
    Phase.PUBLISHING: "Publishing",
}
# Beginnings of the names of counts, such as failed_records: an import fails, a row is rejected.
OUTCOME_WORDS = {
    "new": "New",
    "updated": "Updated",
    "duplicate": "Duplicate",
    "failed": "Rejected",
    "skipped": "Skipped",
    "withdrawn": "Withdrawn",
}
CHECK_WORDS = {
    Check.SOURCE_INCOMPLETE: "The source delivered fewer rows than it counts",
    Check.REJECTED: "Rows were rejected",
    Check.NULLED: "Stored values would turn empty",
    Check.WITHDRAWN: "Stored rows did not come any more",
    Check.RESTATED: "Volumes of periods that are known would change",
    Check.CONFLICTS: "Rows of one key have different values",
    Check.ADOPTED_UNMATCHED: "Wells of the adopted source did not come",
    Check.RATE_BEYOND_A_WELL: "Rates are more than a well can produce",
    Check.COLUMN_GONE: "A column that was filled came no more",
    Check.COMPLETENESS_UNKNOWN: "Whether all rows came cannot be proved",
}
COLUMN_WORDS = {
    "field_code": "Field, its code",
    "field_name": "Field, its name",
    "well_code": "Well, its code",
    "well_name": "Well, its name",
    "well_reference": "Well, the operator's reference",
    "production_period": "Period",
    "days_on_production": "Days on production",
    **{product.rate: product.title for product in PRODUCTS},
    "data_source": "Where the source has it from",
    "source_data": "The source's remarks",
    "partition_0": "The source's partition",
}
# What volumes and rates are shown in: a key for addresses, a sign, a name.
SHOWN_UNITS = {
    "liquid": (
        ("bbl", "bbl", "barrels"),
        ("Mbbl", "Mbbl", "thousand barrels"),
        ("m3", "m³", "cubic metres"),
        ("Sm3", "Sm³", "standard cubic metres"),
    ),
    "gas": (
        ("Mcf", "Mcf", "thousand standard cubic feet"),
        ("MMcf", "MMcf", "million standard cubic feet"),
        ("m3", "m³", "standard cubic metres"),
    ),
}
# Of the console, in seconds. Without the lot: a page has nobody whom it could meet again.
BACKOFF = Backoff(first=1.0, longest=15.0, draw=lambda _, most: most)


def _waits() -> list[float | int]:
    """After the first failure, after the second one, and so on to the longest."""
    waits = [BACKOFF.seconds(0)]
    while waits[-1] < BACKOFF.longest:
        waits.append(BACKOFF.seconds(len(waits)))
    return [_plain(wait) for wait in waits]


def _units(kind: str) -> list[dict[str, Any]]:
    """`factor`: how many of this unit are one of the stored unit. Exact up to the last step."""
    return [
        {
            "key": key,
            "sign": sign,
            "name": name,
            "factor": _plain(1 / parse_unit(key, kind).factor),
        }
        for key, sign, name in SHOWN_UNITS[kind]
    ]


def _formula() -> Source:
    """Matches what csv_rows holds harmless."""
    unseen = "".join(f"\\p{{{category}}}" for category in UNSEEN)
    signs = "".join(FORMULA)
    signs = signs.replace("-", r"\-")
    controls = "".join(CONTROL)
    controls = controls.encode("unicode_escape").decode()
    return Source(f"/^[{controls}]|^[{unseen}]*[{signs}]/u")


def _plain(number: Any) -> float | int:
    if number == int(number):
        return int(number)
    return float(number)


LISTS: dict[str, Any] = {
    "STATUSES": list(JobStatus),
    "FINAL": [status for status in JobStatus if status.final],
    "OPEN": [status for status in JobStatus if not status.final],  # of a check too
    "STATUS_WORDS": STATUS_WORDS,
    "STEP_WORDS": STEP_WORDS,
    "OUTCOME_WORDS": OUTCOME_WORDS,
    "CHECK_WORDS": CHECK_WORDS,
    # A name, and how many calendar days one has at least and at most.
    "PERIODS": [[each, each.days[0], each.days[-1]] for each in Period],
    "PRODUCTS": list(PRODUCTS),
}
OF_CONSOLE = {
    "COLUMN_WORDS": {column.name: COLUMN_WORDS[column.name] for column in COLUMNS},
    "KINDS": KINDS,
    "LIQUIDS": _units("liquid"),
    "GASES": _units("gas"),
    "FORMULA": _formula(),
    "BACKOFF": _waits(),
}
# What TypeScript would not see by itself; Unit and Product are those of tools/console/types.d.ts.
TYPE_OF_CONSOLE = {
    "STATUSES": "string[]",
    "FINAL": "string[]",
    "OPEN": "string[]",
    "PERIODS": "[string, number, number][]",
    "PRODUCTS": "Product[]",
    "KINDS": 'Record<string, "liquid" | "gas" | "days">',
    "LIQUIDS": "Unit[]",
    "GASES": "Unit[]",
    "FORMULA": "RegExp",
    "BACKOFF": "number[]",
}
OF_WORDS = "Record<string, string>"
OF_CLIENTS = {
    "PHASES": list(Phase),
    "TONES": TONES,
}
TYPE_OF = {
    "STATUSES": ": tuple[Status, ...]",
    "FINAL": ": tuple[Status, ...]",
    "OPEN": ": tuple[Status, ...]",
    "PHASES": ": tuple[Phase, ...]",
}


def script() -> str:
    """The module of the console, as prettier lays it out."""
    head = f"// Written by `{COMMAND}` out of infra/words.py and the product: change it there.\n"
    lists = LISTS | OF_CONSOLE
    return head + "".join(
        f"\n/** @type {{{TYPE_OF_CONSOLE.get(name, OF_WORDS)}}} */"
        f"\nexport const {name} = {_of_script(value)};\n"
        for name, value in lists.items()
    )


def _of_script(value: Any) -> str:
    if isinstance(value, dict):
        return _lines("{}", (f"{name}: {_json(each)}" for name, each in value.items()), indent=2)
    if isinstance(value, Source):
        return value
    if isinstance(value[0], str | int):
        return _json(value)
    return _lines("[]", map(_row_of_script, value), indent=2)


def _row_of_script(row: Any) -> str:
    if isinstance(row, list):
        return _json(row)
    if isinstance(row, Product):
        cells = [f"    {name}: {_json(value)},\n" for name, value in asdict(row).items()]
        return f"{{\n{''.join(cells)}  }}"
    pairs = [f"{name}: {_json(value)}" for name, value in row.items()]
    return "{ " + ", ".join(pairs) + " }"


def module() -> str:
    """The module of the clients, as ruff lays it out."""
    of_product = (f"    {each.name}: str\n" for each in fields(Product))
    lists = (
        f"{name}{TYPE_OF.get(name, '')} = {_of_module(value)}\n"
        for name, value in (LISTS | OF_CLIENTS).items()
    )
    return (
        f'"""Written by `{COMMAND}` out of infra/words.py and the product: change it there."""\n\n'
        "from __future__ import annotations\n\n"
        "from typing import TYPE_CHECKING, NamedTuple\n\n"
        "if TYPE_CHECKING:\n    from clients.api.answer_types import Phase, Status\n\n\n"
        f"class Product(NamedTuple):\n{''.join(of_product)}\n\n{''.join(lists)}"
    )


def _of_module(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{_json(name)}: {_json(each)}" for name, each in value.items()]
        return _lines("{}", pairs)
    if isinstance(value[0], str):
        return f"({_list(value)})"
    return _lines("()", map(_row_of_module, value))


def _row_of_module(row: Any) -> str:
    if isinstance(row, list):
        return f"({_list(row)})"
    cells = (f"        {name}={_json(value)},\n" for name, value in asdict(row).items())
    return f"Product(\n{''.join(cells)}    )"


def _lines(brackets: str, parts: Iterable[str], indent: int = 4) -> str:
    """One a line."""
    opening = brackets[0]
    closing = brackets[1]
    margin = " " * indent
    lines = [f"{margin}{part}," for part in parts]
    return "\n".join([opening, *lines, closing])


def _list(words: Iterable[Any]) -> str:
    return ", ".join(map(_json, words))


def _json(value: Any) -> str:
    """Texts, numbers and lists of them: the same in both languages."""
    return json.dumps(value, ensure_ascii=False)
