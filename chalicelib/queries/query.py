"""Query: what may be asked about the published data, with which parameters, and what each may be.

The API reads a query out of a request, the query function out of its event; both by the table below. Pure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.api.parameters import (
    AS_OF,
    CURSOR,
    FIELD_CODE,
    FROM,
    SEARCH,
    SOURCE,
    TO,
    WELL_CODE,
    Parameter,
    check_range,
    choice,
    limit,
    read_value,
)
from chalicelib.api.request_fields import single_values
from chalicelib.errors import ValidationError
from chalicelib.jobs.job import parse_job_id

from .cursor import list_of, read_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.api.formats import Format

MOST_ROWS = 4_000  # 2 MB of JSON; from 5,000 on DuckDB sorts the whole table to find the first ones
MOST_REJECTS = 1_000  # each has up to 4 KiB of raw text


@dataclass(frozen=True, kw_only=True)
class Query:
    """`arguments` are checked and plain: whole numbers and text, a date as YYYY-MM-DD. `snapshot` names the one that
    the cursor belongs to; None asks for the current one. `file` is the form of the one that all rows are wanted in.
    """

    name: str
    arguments: dict[str, Any]
    snapshot: str | None = None
    file: Format | None = None

    @property
    def event(self) -> dict[str, Any]:
        """What the query function is sent."""
        told: dict[str, Any] = {"question": self.name, "arguments": self.arguments}
        return told | {"file": asdict(self.file)} if self.file else told


_JOB_ID = Parameter(read=parse_job_id, allowed="the id of a job")
_RANGE = {"from": FROM, "to": TO}
DATABASE, PARQUET = "duckdb", "parquet"
FORM = choice(DATABASE, PARQUET, meaning="the whole database, or its rows of production alone as Parquet")
BY = choice("row", "field", meaning="each row that was changed, or how many of each field and their volumes")
CHANGE = choice("new", "updated", "withdrawn", meaning="only the rows of which this became")
_PAGE = {"limit": limit(MOST_ROWS), "cursor": CURSOR}

QUERIES: Mapping[str, Mapping[str, Parameter]] = {
    "production": {
        "well_code": WELL_CODE,
        "field_code": FIELD_CODE,
        "source": SOURCE,
        **_RANGE,
        "as_of": AS_OF,
        **_PAGE,
    },
    "revisions": {"well_code": WELL_CODE, "field_code": FIELD_CODE, "source": SOURCE, **_RANGE, **_PAGE},
    "totals": {"field_code": FIELD_CODE, "source": SOURCE, **_RANGE, "as_of": AS_OF, **_PAGE},
    "fields": {"search": SEARCH, "source": SOURCE, "as_of": AS_OF, **_PAGE},
    "wells": {"search": SEARCH, "field_code": FIELD_CODE, "source": SOURCE, "as_of": AS_OF, **_PAGE},
    "changes": {"job_id": _JOB_ID, "by": BY, "change": CHANGE, "field_code": FIELD_CODE, **_PAGE},
    "rejects": {"job_id": _JOB_ID, "limit": limit(MOST_REJECTS), "cursor": CURSOR},
    "summary": {"source": SOURCE},
    "export": {"format": FORM},
}


LISTS = ("production", "revisions", "totals", "fields", "wells", "changes", "rejects")  # what may be wanted as a file


def parse_query(name: str, query: Mapping[str, Sequence[str]], **path: str) -> Query:
    """`path` are parameters that the address itself holds. Raises ValidationError with the field and what is
    allowed there, also for a cursor that is none of this list; InvalidJobId.
    """
    known = QUERIES.get(name)
    if known is None:
        raise ValidationError(f"The questions are {', '.join(QUERIES)}.", field="question")
    told = single_values(query, allowed=[each for each in known if each not in path]) | path
    arguments = {each: read_value(each, parameter, told[each]) for each, parameter in known.items() if each in told}
    check_range(arguments)
    return Query(name=name, arguments=arguments, snapshot=_snapshot_of(name, arguments))


def _snapshot_of(name: str, arguments: Mapping[str, Any]) -> str | None:
    cursor = arguments.get("cursor")
    return read_cursor(cursor, of=list_of(name, arguments)).snapshot if cursor else None
