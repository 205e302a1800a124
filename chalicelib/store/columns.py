"""The columns of well production: names, types, units, what is accepted, and why a row is rejected.

One row is one well, in one field, for one production period, of one source. A row is rejected, and
kept with its reason, when its key is missing or a value cannot be what its column says. What is odd
but possible is imported and counted as a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.products import PRODUCTS


class Kind(StrEnum):
    """How a value is read. The names are the macros of well_production.sql."""

    CODE = "code"
    NUMBER = "number"
    DAY = "day"
    WORDS = "words"


class Role(StrEnum):
    """Key columns identify a row, values are compared on a re-import,
    provenance is kept but not compared.
    """

    KEY = "key"
    VALUE = "value"
    PROVENANCE = "provenance"


@dataclass(frozen=True)
class Column:
    """`comment` is that of the published file, `note` what docs/data.md adds to it. `low` and
    `high` bound what is accepted: years of a day, characters of a code, else numbers.
    """

    name: str
    kind: Kind
    role: Role
    comment: str
    low: int = 0
    high: int = 0
    note: str = ""

    @property
    def type(self) -> str:
        types = {Kind.NUMBER: "DOUBLE", Kind.DAY: "DATE"}
        return types.get(self.kind, "VARCHAR")


# A volume beyond a billion barrels (or 1,000 Tcf) a day is no measurement: the world
# makes 0.1 billion barrels.
_VOLUME = 1_000_000
# Drake's well, the first drilled for oil, was finished in 1859; dates such as
# 9999-12-31 mean "no date".
_YEARS = (1859, 2199)
# One period is a year at most; 25-hour days and corrections stay well inside.
_DAYS = 400
# The longest identifiers in use, such as a UWI, have some 20; two of them must fit into a
# cursor, and so into a URL.
MOST_CODE = 100

COLUMNS = (
    Column(
        "field_code",
        Kind.CODE,
        Role.KEY,
        "code of the field, as the source writes it",
        1,
        MOST_CODE,
    ),
    Column("field_name", Kind.WORDS, Role.VALUE, "name of the field"),
    Column(
        "well_code",
        Kind.CODE,
        Role.KEY,
        "code of the well, such as an API number or a UWI, as the source writes it",
        1,
        MOST_CODE,
    ),
    Column("well_reference", Kind.WORDS, Role.VALUE, "the operator's reference of the well"),
    Column("well_name", Kind.WORDS, Role.VALUE, "name of the well"),
    Column(
        "production_period",
        Kind.DAY,
        Role.KEY,
        "first day of the production period",
        *_YEARS,
        note="whatever day of it the source writes",
    ),
    Column(
        "days_on_production",
        Kind.NUMBER,
        Role.VALUE,
        "days on production in the period (days)",
        -_DAYS,
        _DAYS,
        note="fractions exist",
    ),
    Column(
        "oil_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "oil rate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "gas_production_mmcfd",
        Kind.NUMBER,
        Role.VALUE,
        "gas rate (million standard cubic feet per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "liquids_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "liquids rate, oil and condensate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "water_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "water rate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column("data_source", Kind.WORDS, Role.PROVENANCE, "where the source has the row from"),
    Column("source_data", Kind.WORDS, Role.PROVENANCE, "the source's own remarks on the row"),
    Column("partition_0", Kind.WORDS, Role.PROVENANCE, "the source's partition"),
)
KEY = tuple(column.name for column in COLUMNS if column.role is Role.KEY)
VALUES = tuple(column.name for column in COLUMNS if column.role is Role.VALUE)
STORED_KEY = ("source", *KEY)
PROVENANCE = tuple(column.name for column in COLUMNS if column.role is Role.PROVENANCE)
_NAMES = tuple(column.name for column in COLUMNS)
_AFTER_PERIOD = _NAMES.index("production_period") + 1
# Of a stored row, in the order in which it is shown: the columns, and what we add to them.
SHOWN = (
    "source",
    *_NAMES[:_AFTER_PERIOD],
    "period_days",
    *_NAMES[_AFTER_PERIOD:],
    "source_rows",
)
VOLUMES = tuple(product.rate for product in PRODUCTS)

WHOLE_FIELD = "*"  # the well of a source that tells of whole fields
# Chosen to find another unit or a whole field, not to judge a good well: barrels taken for
# thousands of them, or a month's volume taken for a rate, lie beyond these bounds nearly always.
MOST_OF_A_WELL = {
    "oil_production_kbd": 100,
    "gas_production_mmcfd": 1_000,
    "liquids_production_kbd": 100,
    "water_production_kbd": 200,
}

REJECTION_REASONS = {
    "MISSING_KEY": (
        "field, well and period identify a row; without one of them it cannot be distinguished from others"
    ),
    "NOT_A_WHOLE_NUMBER": (
        "a code that comes as a number must be a whole one that can be read exactly"
    ),
    "NOT_A_NUMBER": "a rate or a number of days must be a finite number",
    "WITHOUT_DAYS": "a rate per producing day says nothing without the days on production",
    "NOT_A_DATE": (
        "a period must be a calendar date such as 2024-01-31, with or without a time after it"
    ),
    "NOT_TEXT": "a name or a code must be text, not an object or a list",
    "TOO_LONG": "a code has 100 characters at most",
    "OUT_OF_RANGE": "the value is beyond anything that can be measured",
    "SAME_KEY_OTHER_VALUES": (
        "rows of one well and period with different values, and nobody can tell the right one"
    ),
    "PART_REJECTED": (
        "another row of the same well and period is rejected, so their sum would lack a part"
    ),
    "UNREADABLE": "the row is not valid JSON: broken text, or one field twice",
}

WARNING_RULES = {
    "NEGATIVE_VOLUME": "a rate below zero",
    "DAYS_BEYOND_PERIOD": "more days on production than the period has",
    "RATE_BEYOND_A_WELL": (
        "a rate beyond what a single well can give: a whole field, or another unit"
    ),
    "FUTURE_PERIOD": "a production period that has not begun",
    "LIQUIDS_BELOW_OIL": "liquids, which include oil, below the oil rate",
    "WELL_WITH_TWO_NAMES": "a well code that comes with more than one name",
    "EQUAL_PARTS": "rows of a sum that equal another one; without a primary key they count once",
    "SAME_KEY_ON_TWO_PAGES": (
        "keys that came on two pages: the source has them twice, or others came on none"
    ),
    "SOURCE_CHANGED": "the source delivered another number of rows than it had announced",
    "LOCAL_MIDNIGHT": (
        "periods that are evenings of a last day in UTC, the midnight of another place; say its "
        "timezone"
    ),
    "UNKNOWN_FIELDS": "fields of the source that no column takes; they are not stored",
    "WITHOUT_CHANGE_TIME": (
        "no time of change that can be read; only a full import notices when such a row changes"
    ),
}
