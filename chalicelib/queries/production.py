"""ProductionQuery: questions to one published database, which is opened read-only and never
changes.

The questions stand in production.sql. Rows come as dicts that are ready for JSON: dates as
YYYY-MM-DD, times as ISO 8601 in UTC.
"""

from __future__ import annotations

import json
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import (
    ChangesNotKept,
    ValidationError,
)
from chalicelib.store.local_duckdb import (
    local_config,
    lock_down,
    sql_path,
    time_limit,
)
from chalicelib.store.older_columns import DECLARED, with_nulls
from chalicelib.store.schema import SCHEMA_VERSION, read_version
from chalicelib.store.statements import named_statements

from .changed import changes_lists, differing, flat_changes, shown_columns
from .cursor import KEYS, Cursor, list_of, no_cursor, read_cursor, write_cursor
from .duckdb_errors import duckdb_errors
from .feed_wells import FeedWells
from .query import DEFAULT_SORT, MOST_REJECTS, MOST_ROWS, WELLS
from .question_time import seconds_for_statement
from .register import Asked, Register

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from botocore.session import Session

    from chalicelib.lake.catalog import Catalog
    from chalicelib.lake.versions import Versions
    from chalicelib.store.own_directory import OwnDirectory

    from .kept_register import KeptRegister

# The version of the schema that brought them, with the columns source, period_days and source_rows.
TEXT_CODES = 3
THREADS = 2  # one question must not take the machine from all others

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_TIMES = {
    name: f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%gZ') AS {name}"
    for name in (
        "created_at",
        "updated_at",
        "replaced_at",
        "rejected_at",
        "started_at",
        "merged_at",
    )
}

OF_ROWS = ("rows", "replaced_rows")  # each is of one source
OF_WELLS = ("wells", "fields", "wells_with_gaps", "missing_periods", "missing_months")
_MOMENTS = {name: name for name in _TIMES}  # as they are, for a file that knows moments
_RANGE = ("first_period", "last_period")
_DAYS = {  # the columns of a list that are days, which an answer has as text
    **dict.fromkeys(("production", "revisions", "totals", "changes"), ("production_period",)),
    **dict.fromkeys(("fields", "wells"), _RANGE),
}
_PART = ("field_code", "source", "first", "last")
_FILTERS: Mapping[str, tuple[str, ...]] = {  # of each list that may be wanted as a file
    "production": ("well_code", *_PART),
    "revisions": ("well_code", *_PART),
    "totals": _PART,
    "fields": ("search", "source"),
    "wells": ("search", "field_code", "source"),
    "changes": ("job_id", "change", "field_code"),
    "changed_fields": ("job_id", "change", "field_code"),
    "rejects": ("job_id",),
}
_LISTS = changes_lists() | shown_columns()
_TABLES = {"production": "wells.well_production", "history": "wells.well_production_history"}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One page. `next_cursor` asks for the following one; it is None on the last."""

    rows: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class RegisterRows(Rows):
    """A page of the register, and what Found counts besides."""

    found: dict[str, int]
    total: dict[str, int]
    sources: list[dict[str, Any]]
    fields: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where a lake is, and with whose rights it is read."""

    catalog: Catalog
    session: Session


class ProductionQuery:
    """Questions to the store that the connection has attached as wells. Threads may ask at the same
    time.

    `snapshot` is the name of the store; a cursor leads on in the one that it came from alone. Every
    method raises WarehouseCorrupt when DuckDB finds a damaged block, QueryTooLarge, ScratchFull,
    and QueryFailed for whatever else DuckDB says; those with pages raise ValidationError for a
    limit or cursor that is none. All bounds are inclusive.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        snapshot: str | None = None,
        directory: OwnDirectory | None = None,
        kept: KeptRegister | None = None,
    ) -> None:
        """`directory` goes when this is closed; `kept` is where figures are that were summed.
        Raises WarehouseTooNew, WarehouseForeign.
        """
        self._connection = connection
        self._directory = directory
        self.snapshot = snapshot
        with duckdb_errors():
            self.schema_version = read_version(connection)
            self._tables = self._tables_of_version()

        # No circle: what nobody holds any more frees its directory at once.
        own = weakref.proxy(self)

        def fetch(text: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
            return _dicts(*own.fetch(text, values))

        place = directory.path if directory else None
        self._register = Register(fetch, self._tables["production"], kept=kept, directory=place)
        self.feed_wells = FeedWells(fetch, self._tables["production"])

    def _tables_of_version(self) -> dict[str, str]:
        """What stands for the rows; what an older file does not say of them is null."""
        if self.schema_version >= SCHEMA_VERSION:
            return _TABLES
        tables = _TABLES
        if self.schema_version < TEXT_CODES:
            tables = {name: _SQL[f"older_{name}"] for name in _TABLES}
        return {
            name: with_nulls(self._connection, table, DECLARED) for name, table in tables.items()
        }

    @property
    def tables(self) -> Mapping[str, str]:
        """What stands for the rows of production and for their history in a statement."""
        return self._tables

    @classmethod
    def open(
        cls,
        store: Path,
        *,
        directory: OwnDirectory,
        memory_mb: int,
        snapshot: str | None = None,
        kept: KeptRegister | None = None,
    ) -> ProductionQuery:
        """`directory` is on local disk, for what does not fit into memory; it goes when this is
        closed. What asks reaches the store and the place of `directory`, and nothing else. Raises
        WarehouseCorrupt, WarehouseTooNew, WarehouseForeign.
        """
        config = local_config(directory.path, memory_mb) | {"threads": THREADS}
        connection = duckdb.connect(config=config)
        try:
            with duckdb_errors():
                connection.execute(f"ATTACH '{sql_path(store)}' AS wells (READ_ONLY)")
                # An export is written beside this directory.
                lock_down(connection, directory.path.parent)
            return cls(connection, snapshot=snapshot, directory=directory, kept=kept)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def of_lake(
        cls,
        versions: Versions,
        lake: Lake,
        *,
        directory: OwnDirectory,
        memory_mb: int,
        snapshot: str | None = None,
        kept: KeptRegister | None = None,
    ) -> ProductionQuery:
        """Of a published state of the lake, which is read where it is.
        Raises LakeUnprepared, LakeUnavailable.
        """
        from chalicelib.lake.extensions import lake_config
        from chalicelib.lake.reading import show_lake

        config = local_config(directory.path, memory_mb) | lake_config()
        connection = duckdb.connect(config=config | {"threads": THREADS})
        try:
            show_lake(connection, lake.catalog, lake.session, versions)
            return cls(connection, snapshot=snapshot, directory=directory, kept=kept)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """No question may be on its way."""
        self._connection.close()
        if self._directory:
            self._directory.remove()

    def production(
        self,
        *,
        field_code: str | None = None,
        well_code: str | None = None,
        source: str | None = None,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Rows:
        """The columns of well_production, by source, field, well and period;
        `as_of` a moment, as they stood then.
        """
        filters: dict[str, Any] = {
            "field_code": field_code,
            "well_code": well_code,
            "source": _one(source),
            "first": _iso(first),
            "last": _iso(last),
            **_moment(as_of),
        }
        return self._page("production", filters, cursor, limit)

    def revisions(
        self,
        *,
        field_code: str | None = None,
        well_code: str | None = None,
        source: str | None = None,
        first: date | None = None,
        last: date | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Rows:
        """The rows as they were before an import, `job_id`, replaced them at `replaced_at`;
        by source, field, well, period and then the oldest first.
        """
        filters = {
            "field_code": field_code,
            "well_code": well_code,
            "source": _one(source),
            "first": _iso(first),
            "last": _iso(last),
        }
        return self._page("revisions", filters, cursor, limit)

    def totals(
        self,
        *,
        field_code: str | None = None,
        source: str | None = None,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
        limit: int = MOST_ROWS,
        cursor: str | None = None,
    ) -> Rows:
        """Sums of the rates by source and period (thousand barrels and million standard cubic feet
        per day), and of how many wells. Over all sources with the source `*` alone: two of them may
        tell of one well.
        """
        filters: dict[str, Any] = {
            "field_code": field_code,
            "source": source,
            **_moment(as_of),
            "first": _iso(first),
            "last": _iso(last),
        }
        return self._page("totals", filters, cursor, limit)

    def wells(
        self,
        *,
        search: str | None = None,
        field_code: str | None = None,
        source: str | None = None,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Rows:
        """The wells whose name, reference or code contains the text, whatever its case, by source,
        field and code.

        One row is one well in one field: the latest names, the first and last period, how many
        periods.
        """
        filters: dict[str, Any] = {
            "search": (search or "").strip() or None,
            "field_code": field_code,
            "source": _one(source),
            **_moment(as_of),
        }
        return self._page("wells", filters, cursor, limit)

    def register(
        self,
        *,
        of: str = WELLS,
        q: str = "",
        sort: str = DEFAULT_SORT,
        order: str | None = None,
        field_code: str | None = None,
        source: str | None = None,
        skip: int = 0,
        limit: int = 100,
        cursor: str | None = None,
    ) -> RegisterRows:
        """The wells, or the fields, that have all words of `q`, by any of their columns: rates,
        water cut, gas oil ratio and uptime of the last period, volumes of all periods. Beside them
        how many were found of how many, and in which sources and fields. So many rows as `skip`
        says are left out first.
        """
        _check_limit(limit, MOST_ROWS)
        list_name = list_of("register", {"of": of, "sort": sort, "order": order})
        after = self._key_in(cursor, "register", of=list_name)["place"] if cursor else None
        asked = Asked(
            of=of,
            words=q,
            sort=sort,
            order=order,
            field_code=field_code,
            source=_one(source),
            skip=skip,
        )
        after_place = None if after is None else int(after)
        found = self._register.ask(asked, after=after_place, limit=limit)

        rows = found.rows[:limit]
        next_cursor = None
        if len(found.rows) > limit:
            next_cursor = self._cursor(rows[-1], "register", of=list_name)
        for row in rows:
            del row["place"]  # which is of the cursor alone
        return RegisterRows(
            rows=rows,
            next_cursor=next_cursor,
            found=found.found,
            total=found.total,
            sources=found.sources,
            fields=found.fields,
        )

    def write_parquet(self, path: Path) -> None:
        """All rows of production, as they lie, in one new file."""
        with (
            duckdb_errors(),
            self._connection.cursor() as own,
            time_limit(own, seconds=seconds_for_statement()),
        ):
            own.execute(_SQL["write_parquet"].format_map({**self._tables, "path": sql_path(path)}))

    def fields(
        self,
        *,
        search: str | None = None,
        source: str | None = None,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Rows:
        """The fields whose name or code contains the text, whatever its case, by source and code:
        the latest name, how many wells, the first and last period, and how many periods of all
        wells.
        """
        filters = {
            "search": (search or "").strip() or None,
            "source": _one(source),
            **_moment(as_of),
        }
        return self._page("fields", filters, cursor, limit)

    def write_list(
        self,
        name: str,
        path: Path,
        wanted: Mapping[str, Any],
        *,
        most: int,
        seconds: float | None = None,
    ) -> int:
        """All rows of a list in a new Parquet file, in the order of its key, and how many: at most
        one more than `most`. `wanted` is what its method takes, less the page; after so many
        `seconds` it is stopped. Raises ChangesNotKept, QueryTooSlow.
        """
        if name == "changes":
            if not self._rows("run", {"job_id": wanted["job_id"]}):
                raise ChangesNotKept(job_id=wanted["job_id"])
            name = "changed_fields" if wanted.get("by") == "field" else name

        filters = _filters_of_list(name, wanted)
        from_the_start = {f"after_{part}": None for part in KEYS[name]}
        values = {**filters, **from_the_start, "limit": most + 1}
        statement = _SQL["write_list"].format_map(
            {
                "columns": _file_columns(name),
                "list": self._text(name, stood="as_of" in filters, times=_MOMENTS),
                "path": sql_path(path),
            }
        )
        with (
            duckdb_errors(),
            self._connection.cursor() as own,
            time_limit(own, seconds=seconds_for_statement(seconds)),
        ):
            ((count,),) = own.execute(statement, values).fetchall()
        return int(count)

    def rejects(self, job_id: str, *, limit: int = 100, cursor: str | None = None) -> Rows:
        """The rows that a completed import rejected, in the order of the source;
        none for any other job. A row that a later import rejected once more is told with that one.
        """
        filters = {"job_id": job_id}
        return self._page("rejects", filters, cursor, limit, most=MOST_REJECTS)

    def changes(
        self,
        job_id: str,
        *,
        by: str = "row",
        change: str | None = None,
        field_code: str | None = None,
        limit: int = 1000,
        cursor: str | None = None,
    ) -> Rows:
        """What a completed import changed, in the order of the key: of each row the `change` (new,
        updated, withdrawn), what it was `before` and `after`, None where it was not there, and the
        names of the values that differ. `by` the fields: how many rows of each, and the volumes of
        these before and after. Raises ChangesNotKept.
        """
        if not self._rows("run", {"job_id": job_id}):
            raise ChangesNotKept(job_id=job_id)

        filters = {"job_id": job_id, "change": change, "field_code": field_code}
        if by == "field":
            return self._page("changed_fields", filters, cursor, limit)

        page = self._page("changes", filters, cursor, limit)
        for row in page.rows:
            row["differs"] = differing(row["before"], row["after"])
        return page

    def summary(self, *, source: str | None = None) -> dict[str, Any]:
        """What the file holds, of one source or of all; docs/using-the-data.md says what each
        figure counts. One well may be told by two sources: of several, what would count it twice is
        None, unless all are asked for, as `*`.
        """
        summary = self._summary
        sources = [facts for facts in summary["sources"] if source in (None, "*", facts["source"])]
        rows = {name: sum(facts[name] for facts in sources) for name in OF_ROWS}

        wells: dict[str, int | None] = dict.fromkeys(OF_WELLS)
        is_summed = len(sources) < 2 or source == "*"  # noqa: PLR2004
        if is_summed:
            wells = {name: sum(facts[name] for facts in sources) for name in OF_WELLS}

        # The first names are those that people look for. Each keeps its place when what is spread
        # behind them has it once more.
        return {
            "rows": rows["rows"],
            "wells": wells["wells"],
            "fields": wells["fields"],
            "first_period": min((facts["first_period"] for facts in sources), default=None),
            "last_period": max((facts["last_period"] for facts in sources), default=None),
            **wells,
            **rows,
            **summary,
            "sources": sources,
        }

    @cached_property
    def _summary(self) -> dict[str, Any]:
        imports = self._rows("last_import")
        for run in imports:
            run["warnings"] = json.loads(run["warnings"])
        return {
            **self._rows("count_rejected")[0],
            "sources": self._rows("sources"),
            "last_import": imports[0] if imports else None,
            "schema_version": self.schema_version,
            "storage_version": self._storage_version(),
        }

    def _storage_version(self) -> str:
        """Such as v1.4.0: the oldest DuckDB that opens the file."""
        ((version,),) = self._fetch("storage_version", {})[1]
        return str(version).rstrip("+")

    def _page(
        self,
        name: str,
        filters: Mapping[str, Any],
        cursor: str | None,
        limit: int,
        *,
        most: int = MOST_ROWS,
    ) -> Rows:
        _check_limit(limit, most)
        of = list_of(name, filters)
        before_first = dict.fromkeys(KEYS[name])
        key = self._key_in(cursor, name, of=of) if cursor else before_first
        values = {**filters, "limit": limit + 1}  # one more tells whether there are more
        values |= {f"after_{part}": value for part, value in key.items()}
        if "as_of" in filters:
            values["as_of"] = filters["as_of"].timestamp()

        rows = self._rows(name, values)
        if len(rows) <= limit:
            return Rows(rows=rows, next_cursor=None)
        last_row = rows[limit - 1]
        next_cursor = self._cursor(last_row, name, of=of)
        return Rows(rows=rows[:limit], next_cursor=next_cursor)

    def _key_in(self, text: str, name: str, *, of: str) -> Mapping[str, int | str | None]:
        cursor = read_cursor(text, of=of)
        if cursor.snapshot != self._snapshot_of_pages(name):
            raise no_cursor()
        return dict(cursor.key)

    def _cursor(self, row: Mapping[str, Any], name: str, *, of: str) -> str:
        key = {part: row[part] for part in KEYS[name]}
        snapshot = self._snapshot_of_pages(name)
        cursor = Cursor(key=key, snapshot=snapshot)
        return write_cursor(cursor, of=of)

    def _snapshot_of_pages(self, name: str) -> str | None:
        """What an import rejected only gets less in later snapshots,
        so its pages need not stay on one.
        """
        return None if name == "rejects" else self.snapshot

    def _rows(self, name: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        names, rows = self._fetch(name, values or {})
        return _dicts(names, rows)

    def _text(self, name: str, *, stood: bool, times: Mapping[str, str] = _TIMES) -> str:
        """The statement.
        Where it is asked how the rows `stood`, they come from the history as well.
        """
        tables = self._tables
        if stood:
            tables = {**tables, "production": _SQL["stood"].format_map(tables)}
        lists = {**times, **_LISTS, **tables}
        # A part of several statements, which has places of its own to fill.
        whole = {**lists, "changes_of_all": _SQL["changes_of_all"].format_map(lists)}
        return _SQL[name].format_map(whole).strip().removesuffix(";")

    def _fetch(
        self, name: str, values: Mapping[str, Any]
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        is_of_old = "as_of" in values
        statement = self._text(name, stood=is_of_old)
        return self.fetch(statement, values)

    def fetch(
        self, text: str, values: Mapping[str, Any]
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of the columns, and the rows."""
        with (
            duckdb_errors(),
            self._connection.cursor() as own,
            time_limit(own, seconds=seconds_for_statement()),
        ):  # a connection of the thread's own
            result = own.execute(text, values)
            return [column[0] for column in result.description or []], result.fetchall()


def _filters_of_list(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """All of its filters, those that nobody wants as None; `as_of` only where it is wanted."""
    filters: dict[str, Any] = dict.fromkeys(_FILTERS[name])
    filters |= {key: value for key, value in wanted.items() if key != "by"}
    if name != "totals" and "source" in filters:
        filters["source"] = _one(filters["source"])
    for key in ("first", "last"):
        if key in filters:
            filters[key] = _iso(filters[key])
    if "as_of" in filters:
        filters["as_of"] = filters["as_of"].timestamp()
    return filters


def _file_columns(name: str) -> str:
    """Of a list, as a file has them."""
    casts = [f"CAST({day} AS DATE) AS {day}" for day in _DAYS.get(name, ())]
    days = ", ".join(casts)
    replaced = f" REPLACE ({days})" if days else ""
    is_nested = name == "changes"
    if is_nested:
        return f"* EXCLUDE (before, after){replaced}, {flat_changes()}"
    return f"*{replaced}"


def _dicts(names: list[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _check_limit(limit: int, most: int) -> None:
    if not 1 <= limit <= most:
        raise ValidationError(f"limit must be from 1 to {most:,}.", field="limit")


def _one(source: str | None) -> str | None:
    """None where all are asked for, which a list shows side by side."""
    return None if source == "*" else source


def _moment(as_of: datetime | None) -> dict[str, datetime]:
    return {"as_of": as_of} if as_of else {}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
