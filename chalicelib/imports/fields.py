"""SourceFields: which field of the source fills which column, and what the rows of an import tell of the fields."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.sources.mapping import map_columns, unknown_fields
from chalicelib.store.columns import KEY, VALUES

from .partial import part_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.odata.cursor import Cursor
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings
    from chalicelib.store.batch import Batch
    from chalicelib.store.repository import DuckDBWellProductionRepository


class SourceFields:
    """As the survey found them; rows may show more. `changed_until` is the latest change among the rows so far, in
    epoch seconds, `undated` the number of those without one.
    """

    def __init__(self, *, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self.changed_until: float | None = None
        self.undated = 0
        self._names = survey.fields
        self._settings = settings

    def mapping(self) -> dict[str, str]:
        """`{column: field}`. Raises SourceColumns."""
        return map_columns(self._names, self._settings.source_columns)

    def key(self) -> list[str]:
        """How the source calls the key."""
        mapping = self._mapping_so_far()
        return [mapping[name] for name in KEY if name in mapping]

    def unknown(self) -> list[str]:
        """The fields that fill no column."""
        return unknown_fields(self._names, self._mapping_so_far())

    def part_filter(self, parameters: Mapping[str, Any]) -> str:
        """What a partial import asks for. Raises SourceColumns."""
        return part_filter(parameters, self.mapping(), self.survey) if self._names else ""

    def learn(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        """A source that leaves nulls out may show a field late. Looking costs a third of staging, so it is
        done only while a column that counts has no field.
        """
        mapping = self._mapping_so_far()
        if any(name not in mapping for name in VALUES):
            names = [name for name in repository.field_names(batch) if name not in self.survey.links]
            self._names = list(dict.fromkeys([*self._names, *names]))

    def _mapping_so_far(self) -> dict[str, str]:
        """An empty source has no names to show."""
        return self.mapping() if self._names else {}

    # -- when rows were changed ---------------------------------------------------------------

    def note_changes(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        if not self._settings.source_changed:
            return
        newest, undated = repository.change_times(batch, self._settings.source_changed)
        self.undated += undated
        if newest is not None:
            self.changed_until = max(newest, self.changed_until or newest)

    def go_on_from(self, cursor: Cursor) -> None:
        """With the changes among the rows before the cursor."""
        self.changed_until, self.undated = cursor.changed_until, cursor.undated

    def add_changes(self, cursor: Cursor) -> Cursor:
        """The cursor with the changes among the rows before it."""
        return replace(cursor, changed_until=self.changed_until, undated=self.undated)
