"""What a request for an answer in SQL may hold,
what is told of its answer, and what is offered to begin with. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.api.request_fields import json_body
from chalicelib.errors import SqlOff, ValidationError

from .ask import count_of_rows
from .query import QUERIES, Query, parse_query
from .questions import all_questions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.jobs.lock import Snapshot

CUT = {"rows": "the limit of rows is reached", "bytes": "an answer may have 2 MB"}


def parse_sql(body: str | bytes) -> Query:
    """`{"statement": "SELECT …"}`, and perhaps a `limit`. Raises ValidationError."""
    request = json_body(body)
    known = QUERIES["sql"]
    is_known = isinstance(request, dict) and request.keys() <= known.keys()
    if not is_known or "statement" not in request:
        raise ValidationError(
            'The body must be {"statement": "SELECT …"}, and may have a limit.', field="statement"
        )

    # By the very type, because `true` is an int in Python too.
    for name, kind in (("statement", str), ("limit", int)):
        if name in request and type(request[name]) is not kind:
            allowed = known[name].allowed
            raise ValidationError(f"{name} must be {allowed}.", field=name, allowed=allowed)
    # From here on as the parameters of an address are read, each a list of texts.
    texts = {name: [str(value)] for name, value in request.items()}
    return parse_query("sql", texts)


def sql_offer(published: Snapshot | None) -> dict[str, Any]:
    """`off` says why statements are not answered, or is None;
    `questions` are those that ship with Wellhead.
    """
    is_lake = published is not None and published.is_lake
    return {
        "off": SqlOff().message if is_lake else None,
        "questions": all_questions(),
    }


def sql_sentence(data: Mapping[str, Any]) -> str:
    rows = count_of_rows(data)
    cut = data["cut"]
    if not cut:
        return f"{rows}."
    return f"The first {rows}: {CUT[cut]}."
