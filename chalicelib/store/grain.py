"""Grain: what one row of the source stands for,
and what becomes of several under one of our keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from .columns import COLUMNS, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.settings import Settings

# The columns of the key that a row tells; the source's name is the other one.
READ_KEY = tuple(column.name for column in COLUMNS if column.role is Role.KEY)


class Rows(StrEnum):
    """Of one key: the source has one row, or several that are to be added."""

    ONE = "one"
    SUM = "sum"


class Aggregate(StrEnum):
    """Of the days of rows that are added: they ran side by side, or one after the other."""

    MAX = "max"
    SUM = "sum"


@dataclass(frozen=True, kw_only=True)
class Grain:
    """`primary_key` are the source's fields that tell one of its rows from another of the same key;
    `order_by` is the field whose largest value is the newest edition of a row. `is_unique`: the
    source or its settings say so of the key, so a row that comes twice shows that the reading went
    wrong. Of files, which are pages, a later one may replace what an earlier one has of a key.
    """

    rows: Rows = Rows.ONE
    primary_key: tuple[str, ...] = ()
    order_by: str = ""
    aggregate: Aggregate = Aggregate.MAX
    is_unique: bool = False
    later_files_replace: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            rows=Rows(settings.source_rows),
            primary_key=settings.source_primary_key,
            order_by=settings.source_order_by,
            aggregate=Aggregate(settings.source_aggregate),
            later_files_replace=settings.later_files_replace,
        )

    def with_declared_key(self, declared: Iterable[str], mapping: Mapping[str, str]) -> Self:
        """With the key that the service declares, where the settings name none.
        Fields that fill our key are left out: they are in the key anyway.
        """
        fields = self.primary_key or tuple(declared)
        fills_our_key = {mapping.get(name) for name in READ_KEY}
        return replace(
            self,
            primary_key=tuple(field for field in fields if field not in fills_our_key),
            is_unique=bool(fields),
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """Of the source, beside those that fill columns."""
        if not self.order_by:
            return self.primary_key
        return (*self.primary_key, self.order_by)
