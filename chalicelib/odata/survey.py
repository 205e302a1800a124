"""Survey: what a source shows of itself before the first page, in its first rows and its `$metadata`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceForbidden, SourceGone, SourceNotFound, SourceRefused

from .addresses import entity_set, metadata_url, rows_url
from .filters import V2, V4, Unwritable, read_row, type_of
from .metadata import BrokenMetadata, EntityType, read_entity_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .connection import ODataConnection

PROBE_ROWS = 20
EXAMPLE_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Survey:
    """`values` are examples, one of each field; `links` lead to other entities and are no fields."""

    fields: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    version: int = V4
    entity: EntityType | None = None

    def type_of(self, name: str) -> str | None:
        """The Edm type of a field: what the service declares, else what its values look like."""
        declared = self.entity.types.get(name) if self.entity else None
        return declared or (type_of(self.values[name]) if name in self.values else None)


def survey_of(connection: ODataConnection, source_url: str, *, with_types: bool) -> Survey:
    """One request for the first rows, and one for the declared types where they are wanted.
    No fields when the source has no rows. Raises SourceError.
    """
    body, _ = connection.get_page(rows_url(source_url, {"$top": str(PROBE_ROWS)}), page=1)
    first = readable_rows(body.rows[:PROBE_ROWS])
    values = example_values(first)
    return Survey(
        fields=list(values),
        values={name: value for name, value in values.items() if value is not None},
        links={name for row in first for name, value in row.items() if _is_deferred(value)},
        version=V2 if body.is_v2 else V4,
        entity=_declared_type(connection, source_url) if with_types else None,
    )


def _declared_type(connection: ODataConnection, source_url: str) -> EntityType | None:
    """None when the service does not describe itself; it need not."""
    try:
        document = connection.get_document(metadata_url(source_url), accept="application/xml")
        return read_entity_type(document, entity_set(source_url))
    except (SourceNotFound, SourceGone, SourceForbidden, SourceRefused, BrokenMetadata):
        return None


def readable_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        with contextlib.suppress(Unwritable):
            found.append(read_row(row))
    return found


def example_values(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The fields of these rows, in order, each with its first value that is not null. Annotations, v2's
    `__metadata` and its links to other entities are no fields.
    """
    found: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            if "@" in name or name == "__metadata" or _is_deferred(value):
                continue
            if found.get(name) is None:
                found[name] = _example(value)
    return found


def _example(value: Any) -> Any:
    """Enough to tell its type; a long text is of no use and stays in memory."""
    return value[:EXAMPLE_CHARACTERS] if type(value) is str else value


def _is_deferred(value: Any) -> bool:
    return isinstance(value, dict) and "__deferred" in value
