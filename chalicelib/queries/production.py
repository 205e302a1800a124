"""ProductionQuery: questions to one published database, which is opened read-only and never changes.

The questions stand in production.sql. Rows come as dicts that are ready for JSON: dates as YYYY-MM-DD,
times as ISO 8601 in UTC.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import ValidationError, WarehouseCorrupt, WarehouseTooNew
from chalicelib.store.local_duckdb import LATER_FORMAT, local_config, raise_if_forbidden, raise_if_full
from chalicelib.store.schema import read_version
from chalicelib.store.statements import named_statements

from .query import MOST_REJECTS, MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

THREADS = 2  # one question must not take the machine from all others

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_TIMES = {
    name: f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%gZ') AS {name}"
    for name in ("created_at", "updated_at", "replaced_at", "rejected_at", "started_at", "merged_at")
}
_KEYS: Mapping[str, Mapping[str, type]] = {
    "production": {"field_code": int, "well_code": int, "production_period": date},
    "revisions": {"field_code": int, "well_code": int, "production_period": date, "job_id": str},
    "totals": {"production_period": date},
    "wells": {"field_code": int, "well_code": int},
    "rejects": {"page": int, "position": int},
}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One page. `next_cursor` asks for the following one; it is None on the last."""

    rows: list[dict[str, Any]]
    next_cursor: str | None


class ProductionQuery:
    """Questions to the store that the connection has attached as wells. Threads may ask at the same time.

    Every method raises WarehouseCorrupt when the file is damaged; those with pages raise ValidationError for a
    limit or cursor that is none. All bounds are inclusive.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raises WarehouseCorrupt, WarehouseTooNew."""
        self._connection = connection
        with _file_errors():
            self.schema_version = read_version(connection)

    @classmethod
    def open(cls, store: Path, *, directory: Path, memory_mb: int) -> ProductionQuery:
        """`directory` is on local disk, for what does not fit into memory. Raises WarehouseCorrupt, WarehouseTooNew."""
        directory.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(config=local_config(directory, memory_mb) | {"threads": THREADS})
        try:
            with _file_errors():
                path = str(store).replace("'", "''")
                connection.execute(f"ATTACH '{path}' AS wells (READ_ONLY)")
            return cls(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Questions that are being answered end as if it were open."""
        self._connection.close()

    def production(
        self,
        *,
        field_code: int | None = None,
        well_code: int | None = None,
        first: date | None = None,
        last: date | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Rows:
        """The columns of well_production, by field, well and period."""
        filters = {"field_code": field_code, "well_code": well_code, "first": _iso(first), "last": _iso(last)}
        return self._page("production", filters, cursor, limit)

    def revisions(
        self,
        *,
        field_code: int | None = None,
        well_code: int | None = None,
        first: date | None = None,
        last: date | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Rows:
        """The rows as they were before an import, `job_id`, replaced them at `replaced_at`; by field, well, period
        and then the oldest first.
        """
        filters = {"field_code": field_code, "well_code": well_code, "first": _iso(first), "last": _iso(last)}
        return self._page("revisions", filters, cursor, limit)

    def totals(
        self,
        *,
        field_code: int | None = None,
        first: date | None = None,
        last: date | None = None,
        limit: int = MOST_ROWS,
        cursor: str | None = None,
    ) -> Rows:
        """Sums of the rates by period (thousand barrels and million standard cubic feet per day), and of how
        many wells.
        """
        filters = {"field_code": field_code, "first": _iso(first), "last": _iso(last)}
        return self._page("totals", filters, cursor, limit)

    def wells(
        self, *, search: str | None = None, field_code: int | None = None, limit: int = 100, cursor: str | None = None
    ) -> Rows:
        """The wells whose name, reference or code contains the text, whatever its case, by field and code.

        One row is one well in one field: the latest names, the first and last period, how many periods.
        """
        return self._page("wells", {"search": (search or "").strip() or None, "field_code": field_code}, cursor, limit)

    def rejects(self, job_id: str, *, limit: int = 100, cursor: str | None = None) -> Rows:
        """The rows that a completed import rejected, in the order of the source; none for any other job."""
        return self._page("rejects", {"job_id": job_id}, cursor, limit, most=MOST_REJECTS)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What the file holds; docs/using-the-data.md says what each figure counts."""
        imports = self._rows("last_import")
        for run in imports:
            run["warnings"] = json.loads(run["warnings"])
        return {
            **self._rows("counts")[0],
            "last_import": imports[0] if imports else None,
            "schema_version": self.schema_version,
            "storage_version": self._storage_version(),
        }

    def _storage_version(self) -> str:
        """Such as v1.4.0: the oldest DuckDB that opens the file."""
        ((version,),) = self._fetch("storage_version", {})[1]
        return str(version).rstrip("+")

    def _page(
        self, name: str, filters: Mapping[str, Any], cursor: str | None, limit: int, *, most: int = MOST_ROWS
    ) -> Rows:
        if not 1 <= limit <= most:
            raise ValidationError(f"limit must be from 1 to {most:,}.", field="limit")
        after = _read_cursor(cursor, name) if cursor else dict.fromkeys(_KEYS[name])
        place = {f"after_{part}": value for part, value in after.items()}
        rows = self._rows(name, {**filters, **place, "limit": limit + 1})
        more = len(rows) > limit
        return Rows(rows=rows[:limit], next_cursor=_cursor(rows[limit - 1], name) if more else None)

    def _rows(self, name: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        names, rows = self._fetch(name, values or {})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _fetch(self, name: str, values: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        with _file_errors(), self._connection.cursor() as own:  # a connection of the thread's own
            result = own.execute(_SQL[name].format_map(_TIMES), values)
            return [column[0] for column in result.description or []], result.fetchall()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _cursor(row: Mapping[str, Any], name: str) -> str:
    place = json.dumps([name, *(row[part] for part in _KEYS[name])], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, name: str) -> dict[str, Any]:
    """The key of the last row of the page before. What is in a cursor is bound, never trusted."""
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        list_of, *parts = place
        key = _KEYS[name] if list_of == name else {}
        return {part: _part(value, of) for (part, of), value in zip(key.items(), parts, strict=True)}
    except (ValueError, TypeError, RecursionError) as exc:
        raise ValidationError(
            "That is no cursor of this list. Send next_cursor as it came, or no cursor to begin anew.", field="cursor"
        ) from exc


def _part(value: Any, of: type) -> int | str:
    if of is date:
        return date.fromisoformat(value).isoformat()
    if of is str and isinstance(value, str) and value.isascii():
        return value
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError("no whole number of 64 bits")
    return value


@contextmanager
def _file_errors() -> Iterator[None]:
    """The questions are right and their values bound: what fails is the file, or there is too little memory.

    DuckDB tells by its text alone what is wrong, and 2.0 has no class for a damaged block.
    """
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as exc:
        raise_if_full(exc)
        raise_if_forbidden(exc)
        if LATER_FORMAT in str(exc):
            raise WarehouseTooNew from exc
        raise WarehouseCorrupt from exc
