"""SourceFields:
which field of the source fills which column, and what the rows of an import tell of the fields.
"""

from __future__ import annotations

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
from .row_sample import RENAMED, RowSample

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

PRIMARY_KEY = "primary key"  # beside the columns


class SourceFields:
    """As the survey found them; rows may show more. `changed_until` is the latest change among the
    rows so far, in epoch seconds, `undated` the number of those without one.
    """

    def __init__(self, *, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self.changed_until: float | None = None
        self.undated = 0
        self._names = survey.fields
        self._rules: dict[str, ColumnRule] | None = None  # by these names
        self._settings = settings
        self._leaves_out = survey.leaves_out
        self._before: Fingerprint | None = None
        # Of rows that are accepted, of which the source is asked nothing.
        self._accepted: Fingerprint | None = None
        self._sample = RowSample()

    def rules(self) -> dict[str, ColumnRule]:
        """Of each column that is filled. Raises SourceColumns."""
        if self._rules is None:
            settings = self._settings
            self._rules = rules_of(self._names, settings.definition, settings.source_columns)
        return self._rules

    def mapping(self) -> dict[str, str]:
        """`{column: field}` of the columns that a field fills as it is. Raises SourceColumns."""
        return _plain_fields(self.rules())

    def reading(self, table: Table | None = None) -> RowReading:
        """How rows become ours. A table shows all its fields,
        and may have others than the source's first file. Raises SourceColumns.
        """
        return reading_of(self._settings, self._names, table)

    def key(self, way: str = "") -> list[str]:
        """How the source calls the key: in its order rows are asked for. Where pages are cut by it
        and several rows have one of our keys, it must be another one. Raises SourceColumns.
        """
        mapping = self._mapping_so_far()
        grain = self.grain()
        is_by_keys = way == Way.KEYS
        if is_by_keys and grain.rows is Rows.SUM and mapping and not grain.is_unique:
            raise SourceColumns(
                "WELLHEAD_SOURCE_PAGING=keys cuts pages by a key that no two rows share, and with "
                "WELLHEAD_SOURCE_ROWS=sum several rows have one well and period. Name the fields "
                "that tell them apart in WELLHEAD_SOURCE_PRIMARY_KEY, or set "
                "WELLHEAD_SOURCE_PAGING to auto."
            )
        rules = self.rules() if self._names else {}
        fields = [field for name in KEY if name in rules for field in rules[name].sources]
        if not is_by_keys:
            return fields
        # Each once: a field may fill our key and be part of the source's.
        return list(dict.fromkeys([*fields, *grain.primary_key]))

    def grain(self) -> Grain:
        """With the key that the service declares, where the settings name none.
        Raises SourceColumns.
        """
        own_name = names_among(self._names)  # as the source spells it
        grain = Grain.of(self._settings)
        grain = replace(
            grain,
            primary_key=tuple(own_name(field) for field in grain.primary_key),
            order_by=own_name(grain.order_by),
        )
        if self._accepted:
            # Whatever it is called: only that there is one counts. The segments have its values.
            identity = ("primary_key",) if self._accepted.identified else ()
            return replace(grain, primary_key=identity, is_unique=self._accepted.is_unique)
        self._refuse_absent("WELLHEAD_SOURCE_PRIMARY_KEY", grain.primary_key)
        if grain.order_by and not self.survey.leaves_out:
            self._refuse_absent("WELLHEAD_SOURCE_ORDER_BY", [grain.order_by])
        return grain.with_declared_key(self.survey.own_key, self._mapping_so_far())

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
        used = set(self.grain().fields)
        for rule in rules.values():
            used.update(rule.all_fields)
        without_column = unknown_fields(self._names, self._mapping_so_far())
        return [name for name in without_column if name not in used]

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
        """The fields that the rows of the batch show for the first time: a source that leaves
        nulls out may show a field late. Looking costs a third of staging, so it is done only while
        a column that counts has no field. Raises SourceColumns, SourceChangedSince.
        """
        rules = self._rules_so_far()
        are_all_filled = all(name in rules for name in VALUES)
        if batch.table or self._settings.definition or are_all_filled:
            return
        names = [name for name in repository.field_names(batch) if name not in self.survey.links]
        fingerprint = self.fingerprint()  # by the names that were known so far
        self._names = list(dict.fromkeys([*self._names, *names]))
        self._rules = None
        if rules and self._rules_so_far() != rules:
            self._leaves_out = True  # as the field that is there now did in the rows before
            fields = self.fingerprint().fields
            fingerprint.refuse_other_fields(fields)
            if self._before:
                self._before.refuse_other_fields(fields)

    def look_at(self, rows: Sequence[Any]) -> None:
        """The rows of a page: some of them show whether the fields are still there."""
        known = {*self._names, *self.survey.links}
        rules = self._rules_so_far()
        self._sample.look_at(rows, rules, known)

    def look_at_periods(self, texts: Iterable[str]) -> None:
        """Of some rows, as JSON."""
        self._sample.look_at_periods(texts, self._rules_so_far())

    @property
    def local_midnights(self) -> int:
        """How many periods were looked at,
        where all of them are the first of a month of a place further east.
        """
        definition = self._settings.definition
        has_timezone = definition is not None and bool(definition.timezone)
        if has_timezone or not local_midnight(self._sample.periods):
            return 0
        return len(self._sample.periods)

    def doubtful_columns(self) -> list[str]:
        """Those without a field, and those whose field some page lacked;
        none when no row has shown any field.
        """
        filled = set(self._rules_so_far())
        if not filled and self._before:
            filled = set(self._before.fields)
        if not filled:
            return []
        return [
            column for column in VALUES if column not in filled or column in self._sample.missing
        ]

    @property
    def is_renamed(self) -> bool:
        """Whether some row lacked a field and had another one in its place;
        else it may have left a null out.
        """
        return RENAMED in self._sample.missing

    def fingerprint(self) -> Fingerprint:
        """Of what rows are read with now."""
        rules = self._rules_so_far()
        mapping = {column: rule.plain_field or str(rule) for column, rule in rules.items()}
        grain = self.grain()
        if mapping:
            # A service may not declare its key when it is asked once more: then other rows would
            # be the same, so the key belongs to the mapping.
            mapping[PRIMARY_KEY] = ",".join(grain.primary_key)
        of_mapping = Fingerprint.of(
            self._settings.source_id,
            mapping,
            leaves_out=self._leaves_out,
            missing=sorted(self._sample.missing),
        )
        return replace(
            of_mapping,
            identified=bool(grain.primary_key),
            is_unique=grain.is_unique,
            files=self.survey.files,
            periods=self._sample.periods,
        )

    @property
    def files_are_as_read(self) -> bool:
        """Whether the files that are there now are those that the rows were read from;
        of a service that is so.
        """
        if self._before is None:
            return True
        return self.are_its_files(self._before)

    def are_its_files(self, before: Fingerprint) -> bool:
        return before.is_of_listing(self.survey.files)

    def _mapping_so_far(self) -> dict[str, str]:
        return _plain_fields(self._rules_so_far())

    def _rules_so_far(self) -> dict[str, ColumnRule]:
        """An empty source has no names to show."""
        if not self._names:
            return {}
        return self.rules()

    # -- when rows were changed ---------------------------------------------------------------

    def note_changes(
        self, repository: DuckDBWellProductionRepository, batch: Batch
    ) -> tuple[float | None, int]:
        """The latest change in the batch, epoch seconds,
        and in how many of its rows none is told.
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
        """What was known of the rows before the cursor,
        when no more will come and nobody asks the source.
        """
        self._accepted = before
        self._know_rows_before(cursor, before)

    def _know_rows_before(self, cursor: Cursor, before: Fingerprint) -> None:
        self._before = before
        self._sample.missing |= set(before.missing)
        self._sample.periods.extend(before.periods)
        self.changed_until = cursor.changed_until
        self.undated = cursor.undated


def _plain_fields(rules: Mapping[str, ColumnRule]) -> dict[str, str]:
    fields = {column: rule.plain_field for column, rule in rules.items()}
    return {column: field for column, field in fields.items() if field}
