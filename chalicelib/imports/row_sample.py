"""RowSample: what a few rows of each page show of the source's fields.

A survey of the first rows tells which fields there are. A field may go later, or have another name
from some day on; then a column would be empty, and nobody would know why. To look at all rows costs
too much.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from chalicelib.sources.column_rules import ColumnRule

LONGEST_LOOK = 1 << 16  # bytes of a row that is looked at by itself
PERIODS_LOOKED_AT = 200
LOOKED_AT = 500  # rows of a page for one that is looked at; its last one always is
RENAMED = "a field under another name"  # among the columns that are missing


class RowSample:
    """`missing` are the columns whose field some page lacked, and RENAMED where such a row had a
    field that was not known. `periods` are some of the texts that the source gave.
    """

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.periods: list[str] = []

    def look_at(
        self, rows: Sequence[Any], rules: Mapping[str, ColumnRule], known: AbstractSet[str]
    ) -> None:
        """The rows of a page, as JSON. Of 1,200 rows these are the last one, and the rows 499 and
        999. `rules` tell which fields fill a column, `known` are all fields that were seen before.
        """
        if not rows:
            return
        last = len(rows) - 1
        for number in (last, *range(LOOKED_AT - 1, last, LOOKED_AT)):
            row = _fields_of(rows[number])
            if row is None:
                continue
            self._look_at_period(row, rules)
            filled = [column for column in VALUES if column in rules]
            lacking = {column for column in filled if _lacks(rules[column], row)}
            self.missing |= lacking
            if lacking and row.keys() - known:
                self.missing.add(RENAMED)

    def look_at_periods(self, texts: Iterable[str], rules: Mapping[str, ColumnRule]) -> None:
        """Of some rows, as JSON."""
        for text in texts:
            self._look_at_period(json.loads(text), rules)

    def _look_at_period(self, row: Mapping[str, Any], rules: Mapping[str, ColumnRule]) -> None:
        rule = rules.get("production_period")
        if rule is None or rule.timezone:
            return
        if len(self.periods) < PERIODS_LOOKED_AT:
            text = str(row.get(rule.field) or "")
            self.periods.append(text)


def _lacks(rule: ColumnRule, row: Iterable[str]) -> bool:
    """Whether the row shows none of what fills the column. The field "Well/Code" is shown by a row
    with an object "Well", or with a field of just that name.
    """
    for name in rule.sources:
        first, _, _ = name.partition("/")
        if name in row or first in row:
            return False
    return bool(rule.sources)


def _fields_of(row: Any) -> dict[str, Any] | None:
    """None when the text is too long or no object."""
    if len(row) > LONGEST_LOOK:
        return None
    try:
        members = json.loads(bytes(row))
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict):
        return None
    return {
        name: value for name, value in members.items() if "@" not in name and name != "__metadata"
    }
