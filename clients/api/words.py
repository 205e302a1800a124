"""Written by `make shared` out of infra/words.py and the product: change it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clients.api.answer_types import Phase, Status


class Product(NamedTuple):
    key: str
    title: str
    kind: str
    rate: str
    volume: str
    unit: str


STATUSES: tuple[Status, ...] = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
FINAL: tuple[Status, ...] = ("COMPLETED", "FAILED", "CANCELLED")
OPEN: tuple[Status, ...] = ("PENDING", "RUNNING")
STATUS_WORDS = {
    "PENDING": "Pending",
    "RUNNING": "Running",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "HELD": "Held",
}
STEP_WORDS = {
    "PENDING": "Waiting",
    "FETCHING": "Fetching",
    "MERGING": "Merging",
    "CHECKING": "Checking",
    "PUBLISHING": "Publishing",
}
OUTCOME_WORDS = {
    "new": "New",
    "updated": "Updated",
    "duplicate": "Duplicate",
    "failed": "Rejected",
    "skipped": "Skipped",
    "withdrawn": "Withdrawn",
}
CHECK_WORDS = {
    "SOURCE_INCOMPLETE": "The source delivered fewer rows than it counts",
    "REJECTED": "Rows were rejected",
    "NULLED": "Stored values would turn empty",
    "WITHDRAWN": "Stored rows did not come any more",
    "RESTATED": "Volumes of periods that are known would change",
    "CONFLICTS": "Rows of one key have different values",
    "ADOPTED_UNMATCHED": "Wells of the adopted source did not come",
    "RATE_BEYOND_A_WELL": "Rates are more than a well can produce",
    "COLUMN_GONE": "A column that was filled came no more",
    "COMPLETENESS_UNKNOWN": "Whether all rows came cannot be proved",
}
PERIODS = (
    ("day", 1, 1),
    ("month", 28, 31),
    ("quarter", 90, 92),
    ("year", 365, 366),
)
PRODUCTS = (
    Product(
        key="oil",
        title="Oil",
        kind="liquid",
        rate="oil_production_kbd",
        volume="oil_production_kb",
        unit="thousand barrels",
    ),
    Product(
        key="gas",
        title="Gas",
        kind="gas",
        rate="gas_production_mmcfd",
        volume="gas_production_mmcf",
        unit="million standard cubic feet",
    ),
    Product(
        key="liquids",
        title="Liquids",
        kind="liquid",
        rate="liquids_production_kbd",
        volume="liquids_production_kb",
        unit="thousand barrels",
    ),
    Product(
        key="water",
        title="Water",
        kind="liquid",
        rate="water_production_kbd",
        volume="water_production_kb",
        unit="thousand barrels",
    ),
)
PHASES: tuple[Phase, ...] = ("FETCHING", "MERGING", "CHECKING", "PUBLISHING")
TONES = {
    "PENDING": "muted",
    "RUNNING": "info",
    "COMPLETED": "good",
    "FAILED": "bad",
    "CANCELLED": "warning",
    "HELD": "warning",
}
