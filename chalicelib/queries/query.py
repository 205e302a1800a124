"""Query: what may be asked about the published data, with which parameters, and what each may be.

The API reads a query out of a request, the query function out of its event; both by the table
below. Pure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.api.feed_model import ENTITY_SETS
from chalicelib.api.parameters import (
    AS_OF,
    CURSOR,
    FIELD_CODE,
    FROM,
    OPTION,
    SEARCH,
    SOURCE,
    TO,
    WELL_CODE,
    WORDS,
    Parameter,
    check_range,
    choice,
    limit,
    read_value,
    whole,
)
from chalicelib.api.request_fields import single_values
from chalicelib.errors import ValidationError
from chalicelib.jobs.job_id import parse_job_id

from .cursor import DEFAULTS, list_of, read_cursor, snapshot_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.api.formats import Format

MOST_ROWS = 4_000  # 2 MB of JSON; from 5,000 on DuckDB sorts the whole table to find the first ones
MOST_REJECTS = 1_000  # each has up to 4 KiB of raw text
MOST_OF_SQL = 10_000  # rows; they are cut at 2 MB besides
MOST_STATEMENT = 20_000  # characters


@dataclass(frozen=True, kw_only=True)
class Query:
    """`arguments` are checked and plain: whole numbers and text, a date as YYYY-MM-DD. `snapshot`
    names the one that the cursor belongs to; None asks for the current one. `file` is the form of
    the one that all rows are wanted in.
    """

    name: str
    arguments: dict[str, Any]
    snapshot: str | None = None
    file: Format | None = None

    @property
    def event(self) -> dict[str, Any]:
        """What the query function is sent."""
        event: dict[str, Any] = {"question": self.name, "arguments": self.arguments}
        if self.file:
            event["file"] = asdict(self.file)
        return event


_JOB_ID = Parameter(read=parse_job_id, allowed="the id of a job")
_RANGE = {"from": FROM, "to": TO}
DATABASE, PARQUET = "duckdb", "parquet"
FORM = choice(
    DATABASE, PARQUET, meaning="the whole database, or only its rows of production, as Parquet"
)
BY = choice(
    "row", "field", meaning="each row that was changed, or how many of each field and their volumes"
)
CHANGE = choice("new", "updated", "withdrawn", meaning="only the rows of which this became")
_PAGE = {"limit": limit(MOST_ROWS), "cursor": CURSOR}
ENTITY_SET = choice(*ENTITY_SETS, meaning="a set of the feed")
COUNTED = choice("true", "false", meaning="whether the answer says how many rows there are")
MANY = whole(0, 2**31 - 1, "a whole number from 0 to 2,147,483,647", "how many rows")

# The register: which lists it has, and the columns of each, by all of which it is sorted.
WELLS, FIELDS = "wells", "fields"
DEFAULT_SORT = DEFAULTS["sort"]
_FIGURES = (
    "first_period",
    "last_period",
    "periods",
    "oil_production_kbd",
    "gas_production_mmcfd",
    "water_production_kbd",
    "oil_production_kb",
    "gas_production_mmcf",
    "water_production_kb",
    "water_cut",
    "gas_oil_ratio",
    "uptime",
)
TEXTS = ("source", "field_code", "field_name", "well_code", "well_reference", "well_name")
OF_WELLS = (*TEXTS, *_FIGURES)
OF_FIELDS = (*TEXTS[:3], "wells", *_FIGURES)
OF = choice(WELLS, FIELDS, meaning="a row is a well in a field, or a field")
SORT = choice(
    *dict.fromkeys((*OF_WELLS, *OF_FIELDS)), meaning="by which column; what has no value comes last"
)
ORDER = choice(
    "asc",
    "desc",
    meaning="from the smallest on, or from the largest; without it names asc, figures desc",
)

SKIP = whole(
    0,
    2**31 - 1,
    "a whole number from 0 to 2,147,483,647",
    "how many rows to leave out first, for a page by its number: of whichever snapshot is published "
    "then, where a cursor stays on one",
)


def _statement(text: str) -> str:
    if not text.strip() or len(text) > MOST_STATEMENT or "\0" in text:
        raise ValueError
    text.encode()  # a lone surrogate is no text
    return text


STATEMENT = Parameter(
    read=_statement,
    allowed=f"a statement of SQL of at most {MOST_STATEMENT:,} characters",
    schema={"type": "string", "minLength": 1, "maxLength": MOST_STATEMENT},
    meaning="one statement that reads",
)

QUERIES: Mapping[str, Mapping[str, Parameter]] = {
    "production": {
        "well_code": WELL_CODE,
        "field_code": FIELD_CODE,
        "source": SOURCE,
        **_RANGE,
        "as_of": AS_OF,
        **_PAGE,
    },
    "revisions": {
        "well_code": WELL_CODE,
        "field_code": FIELD_CODE,
        "source": SOURCE,
        **_RANGE,
        **_PAGE,
    },
    "totals": {"field_code": FIELD_CODE, "source": SOURCE, **_RANGE, "as_of": AS_OF, **_PAGE},
    "fields": {"search": SEARCH, "source": SOURCE, "as_of": AS_OF, **_PAGE},
    "wells": {
        "search": SEARCH,
        "field_code": FIELD_CODE,
        "source": SOURCE,
        "as_of": AS_OF,
        **_PAGE,
    },
    "register": {
        "of": OF,
        "q": WORDS,
        "sort": SORT,
        "order": ORDER,
        "field_code": FIELD_CODE,
        "source": SOURCE,
        "skip": SKIP,
        **_PAGE,
    },
    "changes": {"job_id": _JOB_ID, "by": BY, "change": CHANGE, "field_code": FIELD_CODE, **_PAGE},
    "rejects": {"job_id": _JOB_ID, "limit": limit(MOST_REJECTS), "cursor": CURSOR},
    "summary": {"source": SOURCE},
    "sql": {"statement": STATEMENT, "limit": limit(MOST_OF_SQL)},
    "export": {"format": FORM},
    "feed": {
        "entity_set": ENTITY_SET,
        "key": OPTION,
        "$filter": OPTION,
        "$orderby": OPTION,
        "$select": OPTION,
        "$top": MANY,
        "$skip": MANY,
        "$count": COUNTED,
        "$skiptoken": CURSOR,
        "limit": limit(MOST_ROWS),
    },
}


# What may be wanted as a file.
LISTS = ("production", "revisions", "totals", "fields", "wells", "changes", "rejects")


def parse_query(name: str, query: Mapping[str, Sequence[str]], **path: str) -> Query:
    """`path` are parameters that the address itself holds. Raises ValidationError with the field
    and what is allowed there, also for a cursor that is none of this list; InvalidJobId.
    """
    known = QUERIES.get(name)
    if known is None:
        raise ValidationError(f"The questions are {', '.join(QUERIES)}.", field="question")
    # What the address holds cannot be given once more behind its question mark.
    allowed = [each for each in known if each not in path]
    texts = single_values(query, allowed=allowed) | path
    arguments = {
        each: read_value(each, parameter, texts[each])
        for each, parameter in known.items()
        if each in texts
    }
    check_range(arguments)
    return Query(
        name=name,
        arguments=arguments,
        snapshot=_snapshot_of(name, arguments),
    )


def _snapshot_of(name: str, arguments: Mapping[str, Any]) -> str | None:
    token = arguments.get("$skiptoken")
    if token:
        return snapshot_in(token)
    cursor = arguments.get("cursor")
    if cursor:
        return read_cursor(cursor, of=list_of(name, arguments)).snapshot
    return None
