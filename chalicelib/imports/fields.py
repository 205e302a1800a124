"""SourceFields: which field of the source fills which column, and what the rows of an
import tell of the fields.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceChangedSince, SourceColumns
from chalicelib.odata.reading import Way
from chalicelib.sources.expressions import reading_of
from chalicelib.sources.mapping import names_among, rules_of, unknown_fields
from chalicelib.sources.plausibility import local_midnight
from chalicelib.store.columns import KEY, VALUES
from chalicelib.store.grain import Grain, Rows
from chalicelib.store.period import Period

from .fingerprint import Fingerprint
from .partial import is_partial, part_filter, whole_periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.odata.cursor import Cursor
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings
    from chalicelib.sources.column_rules import ColumnRule
    from chalicelib.store.batch import Batch
    from chalicelib.store.repository import DuckDBWellProductionRepository
    from chalicelib.store.row_reading import RowReading
    from chalicelib.store.table import Table

LONGEST_LOOK = 1 << 16  # bytes of a row that is looked at by itself
PERIODS_LOOKED_AT = 200
LOOKED_AT = 500  # rows of a page for one that is looked at; its last one always is


PRIMARY_KEY = "primary key"  # beside the columns
RENAMED = "a field under another name"  # beside the columns that are missing


class SourceFields:
    """As the survey found them; rows may show more. `changed_until` is the latest change among the
    rows so far, in epoch seconds, `undated` the number of those without one.
    """

    def __init__(self, *, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self.changed_until: float | None = None
        self.undated = 0
        self._names = survey.fields
        self._settings = settings
        self._leaves_out = survey.leaves_out
        self._before: Fingerprint | None = None
        self._taken_over: Fingerprint | None = None  # when the source is not asked
        self._missing: set[str] = set()  # columns whose field some page lacked
        self._periods: list[str] = []  # some texts of it

    def rules(self) -> dict[str, ColumnRule]:
        """Of each column that is filled. Raises SourceColumns."""
        return rules_of(self._names, self._settings.definition, self._settings.source_columns)

    def mapping(self) -> dict[str, str]:
        """`{column: field}` of the columns that a field fills as it is. Raises SourceColumns."""
        return _plain_fields(self.rules())

    def reading(self, table: Table | None = None) -> RowReading:
        """How rows become ours. A table shows all its fields, and may have others than the source's
        first file. Raises SourceColumns.
        """
        return reading_of(self._settings, self._names, table)

    def key(self, way: str = "") -> list[str]:
        """How the source calls the key: in its order rows are asked for. Where pages are cut by it
        and several rows have one of our keys, it must be another one. Raises SourceColumns.
        """
        mapping, grain = self._mapping_so_far(), self.grain()
        if way == Way.KEYS and grain.rows is Rows.SUM and mapping and not grain.is_unique:
            raise SourceColumns(
                "WELLHEAD_SOURCE_PAGING=keys cuts pages by a key that no two rows share, and with "
                "WELLHEAD_SOURCE_ROWS=sum several rows have one well and period. Name the fields "
                "that tell them apart in WELLHEAD_SOURCE_PRIMARY_KEY, or set "
                "WELLHEAD_SOURCE_PAGING to auto."
            )
        rules = self.rules() if self._names else {}
        own = [field for name in KEY if name in rules for field in rules[name].sources]
        return list(dict.fromkeys([*own, *grain.primary_key])) if way == Way.KEYS else own

    def grain(self) -> Grain:
        """With the key that the service declares, where the settings name
        none. Raises SourceColumns.
        """
        known_as = names_among(self._names)
        grain = Grain.of(self._settings)
        own_key = tuple(map(known_as, grain.primary_key))
        grain = replace(grain, primary_key=own_key, order_by=known_as(grain.order_by))
        if self._taken_over:
            identity = ("primary_key",) if self._taken_over.identified else ()
            return replace(grain, primary_key=identity, is_unique=self._taken_over.is_unique)
        self._refuse_absent("WELLHEAD_SOURCE_PRIMARY_KEY", grain.primary_key)
        if grain.order_by and not self.survey.leaves_out:
            self._refuse_absent("WELLHEAD_SOURCE_ORDER_BY", [grain.order_by])
        return grain.known_from(self.survey.own_key, self._mapping_so_far())

    def _refuse_absent(self, setting: str, named: Iterable[str]) -> None:
        absent = [name for name in named if self._names and name not in self._names]
        if absent:
            raise SourceColumns(
                f"{setting} names {', '.join(absent)}, and the first rows of the source have no "
                "such field. Name fields that every row has."
            )

    def unknown(self) -> list[str]:
        """The fields that fill no column and are of no other use."""
        rules = self.rules() if self._names else {}
        used = {
            *self.grain().fields,
            *(name for rule in rules.values() for name in rule.all_fields),
        }
        return [
            name for name in unknown_fields(self._names, self._mapping_so_far()) if name not in used
        ]

    def part_filter(self, parameters: Mapping[str, Any]) -> str:
        """What a partial import asks for. Raises SourceColumns."""
        if not self._names:
            return ""
        definition = self._settings.definition
        if definition is not None and definition.kind == "files" and is_partial(parameters):
            raise SourceColumns(
                "Files are read whole. Start the import without a field and without limits of "
                "periods."
            )
        if self._settings.source_rows == Rows.SUM:
            parameters = whole_periods(parameters, Period(self._settings.source_period))
        return part_filter(parameters, self.mapping(), self.survey)

    def learn(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        """A source that leaves nulls out may show a field late. Looking costs a third of
        staging, so it is done only while a column that counts has no field. Raises
        SourceColumns, SourceChangedSince.
        """
        before = self._rules_so_far()
        if batch.table or self._settings.definition or all(name in before for name in VALUES):
            return
        names = [name for name in repository.field_names(batch) if name not in self.survey.links]
        known = self.fingerprint()
        self._names = list(dict.fromkeys([*self._names, *names]))
        if before and self._rules_so_far() != before:
            self._leaves_out = True
            fields = self.fingerprint().fields
            for earlier in filter(None, (known, self._before)):
                earlier.refuse_moved(fields)

    def look_at(self, rows: Sequence[Any]) -> None:
        """The rows of a page: some of them show whether the fields are still there. To
        look at all costs too much.
        """
        rules = self._rules_so_far()
        known = {*self._names, *self.survey.links}
        for place in range(-1, len(rows), LOOKED_AT):
            row = _fields_of(rows[place]) if rows else None
            if row is None:
                continue
            self._look_at_period(rules, row)
            lacking = {
                column for column in VALUES if column in rules and _lacks(rules[column], row)
            }
            self._missing |= lacking | ({RENAMED} if lacking and row.keys() - known else set())

    def look_at_periods(self, texts: Iterable[str]) -> None:
        """Of some rows, as JSON."""
        rules = self._rules_so_far()
        for text in texts:
            self._look_at_period(rules, json.loads(text))

    def _look_at_period(self, rules: Mapping[str, ColumnRule], row: Mapping[str, Any]) -> None:
        rule = rules.get("production_period")
        if rule and not rule.timezone and len(self._periods) < PERIODS_LOOKED_AT:
            self._periods.append(str(row.get(rule.field) or ""))

    @property
    def local_midnights(self) -> int:
        """How many periods were looked at, where all of them are the first of a month
        of a place further east.
        """
        definition = self._settings.definition
        is_told = definition is not None and bool(definition.timezone)
        return len(self._periods) if not is_told and local_midnight(self._periods) else 0

    def doubtful_columns(self) -> list[str]:
        """Those without a field, and those whose field some page lacked; none when no
        row has shown any field.
        """
        filled = self._rules_so_far().keys() or (
            self._before.fields.keys() if self._before else set()
        )
        return (
            [column for column in VALUES if column not in filled or column in self._missing]
            if filled
            else []
        )

    @property
    def is_renamed(self) -> bool:
        """Whether some row lacked a field and had another one in its place; else it
        may have left a null out.
        """
        return RENAMED in self._missing

    def fingerprint(self) -> Fingerprint:
        """Of what rows are read with now."""
        mapping = {
            column: rule.plain_field or str(rule) for column, rule in self._rules_so_far().items()
        }
        grain = self.grain()
        # a service that does not declare its key when it is asked again would
        # have other rows be the same
        if mapping:
            mapping = {**mapping, PRIMARY_KEY: ",".join(grain.primary_key)}
        told = Fingerprint.of(
            self._settings.source_id,
            mapping,
            leaves_out=self._leaves_out,
            missing=sorted(self._missing),
        )
        return replace(
            told,
            identified=bool(grain.primary_key),
            is_unique=grain.is_unique,
            files=self.survey.files,
            periods=self._periods,
        )

    @property
    def files_are_as_read(self) -> bool:
        """Whether the files that are there now are those that the rows were read from;
        of a service that is so.
        """
        return self._before is None or self.are_its_files(self._before)

    def are_its_files(self, before: Fingerprint) -> bool:
        return before.files.partition(".")[0] == self.survey.files.partition(".")[0]

    def _mapping_so_far(self) -> dict[str, str]:
        return _plain_fields(self._rules_so_far())

    def _rules_so_far(self) -> dict[str, ColumnRule]:
        """An empty source has no names to show."""
        return self.rules() if self._names else {}

    # -- when rows were changed ---------------------------------------------------------------

    def note_changes(
        self, repository: DuckDBWellProductionRepository, batch: Batch
    ) -> tuple[float | None, int]:
        """The latest change in the batch, epoch seconds, and in how many
        of its rows none is told.
        """
        if batch.table or not self._settings.source_changed:
            return None, 0
        newest, undated = repository.change_times(batch, self._settings.source_changed)
        self.undated += undated
        if newest is not None:
            self.changed_until = max(newest, self.changed_until or newest)
        return newest, undated

    def go_on_from(self, cursor: Cursor, before: Fingerprint) -> None:
        """With the changes among the rows before the cursor, which were read with that fingerprint.
        Raises SourceChangedSince.
        """
        try:
            before.refuse_other(self.fingerprint())
        except SourceColumns as exc:
            raise SourceChangedSince from exc
        self._leaves_out = self._leaves_out or before.leaves_out
        self._know_rows_before(cursor, before)

    def take_over(self, cursor: Cursor, before: Fingerprint) -> None:
        """What was known of the rows before the cursor, when no more will come
        and nobody asks the source.
        """
        self._taken_over = before
        self._know_rows_before(cursor, before)

    def _know_rows_before(self, cursor: Cursor, before: Fingerprint) -> None:
        self._before = before
        self._missing |= set(before.missing)
        self._periods.extend(before.periods)
        self.changed_until, self.undated = cursor.changed_until, cursor.undated


def _plain_fields(rules: Mapping[str, ColumnRule]) -> dict[str, str]:
    return {column: rule.plain_field for column, rule in rules.items() if rule.plain_field}


def _lacks(rule: ColumnRule, row: Iterable[str]) -> bool:
    """Whether the row shows none of what fills the column."""
    return bool(rule.sources) and not any(
        name.partition("/")[0] in row or name in row for name in rule.sources
    )


def _fields_of(row: Any) -> dict[str, Any] | None:
    """None when the text is too long or no object."""
    if len(row) > LONGEST_LOOK:
        return None
    try:
        read = json.loads(bytes(row))
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    return {name: value for name, value in read.items() if "@" not in name and name != "__metadata"}
