# Written by `make shared` out of chalicelib/queries/reading.py: change it there.
"""Whether a text of SQL is one statement that reads. What cannot be proved to read is taken for one
that does not.

DuckDB's parser tells the kind of a statement, but says EXPLAIN of whatever is explained, and
EXPLAIN ANALYZE runs it: a COPY would write. So what is explained is parsed once more, by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of ASCII alone, and no comment in a comment.
_BLANK = r"(?:[ \t\r\n\f\v]|--[^\r\n]*[\r\n]|/\*(?:(?!\*/|/\*).)*\*/)"
_EXPLAIN = re.compile(rf"{_BLANK}*EXPLAIN{_BLANK}*", re.ASCII | re.DOTALL | re.IGNORECASE)
# ANALYZE, ANALYSE, or options such as (FORMAT json).
_HOW = re.compile(
    rf"(?:ANALY[SZ]E|\((?:{_BLANK}|[\w,]|'\w*')*\)){_BLANK}*", re.ASCII | re.DOTALL | re.IGNORECASE
)


def is_reading(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Raises duckdb.Error where the text is no SQL."""
    kinds = [statement.type for statement in connection.extract_statements(text)]
    if kinds == [duckdb.StatementType.EXPLAIN]:
        return any(_is_select(connection, rest) for rest in _statements_behind_explain(text))
    return kinds == [duckdb.StatementType.SELECT]


def _statements_behind_explain(text: str) -> Iterator[str]:
    """What stands behind EXPLAIN, and behind how it is to be explained:
    `(…)` may belong to either.
    """
    explain = _EXPLAIN.match(text)
    if explain:
        yield text[explain.end() :]
        how = _HOW.match(text, explain.end())
        if how:
            yield text[how.end() :]


def _is_select(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    try:
        kinds = [statement.type for statement in connection.extract_statements(text)]
    except duckdb.Error:
        return False
    return "\0" not in text and kinds == [duckdb.StatementType.SELECT]
