"""Survey: what a source shows of itself before the first page,
in its first rows and its `$metadata`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    SourceError,
    SourceForbidden,
    SourceGone,
    SourceNotFound,
    SourceRefused,
    SourceTimeSpent,
    WorkerTimeSpent,
)

from .addresses import entity_set, metadata_url, rows_url
from .filters import V2, V4, Unwritable, read_row, type_of
from .key_trial import can_be_a_key, takes_keys
from .metadata import BrokenMetadata, EntityType, read_entity_type
from .requests_ahead import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .connection import ODataConnection

PROBE_ROWS = 20
EXAMPLE_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Survey:
    """`values` are examples, one of each field; `links` lead to other entities and are no fields.
    `takes_keys`: the service has shown that it can be asked for what comes after a key.
    """

    fields: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    version: int = V4
    entity: EntityType | None = None
    takes_keys: bool = False
    leaves_out: bool = False  # not every row has all the fields
    files: str = ""  # of files: which ones are to be read, as files.place.digest_of tells

    @property
    def own_key(self) -> list[str]:
        """The fields of the key that the service declares;
        none where a row does not show them all.
        """
        own = self.entity.key if self.entity else []
        is_shown = all(name in self.fields for name in own)
        return own if is_shown else []

    def type_of(self, name: str) -> str | None:
        """The Edm type of a field: what the service declares, else what its values look like."""
        declared = self.entity.types.get(name) if self.entity else None
        if declared:
            return declared
        if name not in self.values:
            return None
        return type_of(self.values[name])


def survey_of(
    connection: ODataConnection, source_url: str, *, with_types: bool, with_trial: bool = False
) -> Survey:
    """One request for the first rows, and one for what is declared of them: a key on two pages
    shows that rows moved. Neither waits for the other where two may be made at once. `with_types`:
    it is needed, so that a failure to deliver it is one of the import; `with_trial`: the declared
    key is tried with a third request. No fields when the source has no rows. Raises SourceError.
    """
    declared_type: Callable[[], EntityType | None]
    declared_type = partial(_declared_type, connection, source_url, is_needed=with_types)
    if connection.requests_at_once > 1:
        declared_type = begin(declared_type, name="metadata").result
    first, is_v2 = _first_rows(connection, source_url)
    values = example_values(first)
    survey = Survey(
        fields=list(values),
        values={name: value for name, value in values.items() if value is not None},
        links={name for row in first for name, value in row.items() if _is_deferred(value)},
        version=V2 if is_v2 else V4,
        entity=declared_type(),
        leaves_out=any(row.keys() != first[0].keys() for row in first),
    )
    if with_trial and can_be_a_key(survey):
        return replace(survey, takes_keys=takes_keys(connection, source_url, survey, first))
    return survey


def survey_by_keys(
    connection: ODataConnection, source_url: str, survey: Survey, key: list[str]
) -> Survey | None:
    """The survey with what is needed to ask by keys, once the service has shown that it can be
    asked so: by the key that it declares, or else by `key`, which nobody has declared. Raises
    SourceTimeSpent, WorkerTimeSpent.
    """
    try:
        first, _ = _first_rows(connection, source_url)
    except (SourceTimeSpent, WorkerTimeSpent):
        raise
    except SourceError:
        return None
    entity = survey.entity or _declared_type(connection, source_url, is_needed=False)
    known = replace(survey, entity=entity)
    types = entity.types if entity else {}
    tried = known if known.own_key else replace(known, entity=EntityType(key=key, types=types))
    if first and can_be_a_key(tried) and takes_keys(connection, source_url, tried, first):
        return known
    return None


def _first_rows(connection: ODataConnection, source_url: str) -> tuple[list[dict[str, Any]], bool]:
    """By `$top`, or of the whole first page of a service that knows none;
    and whether they are of OData v2. The page itself, which may be large, is gone then.
    """
    try:
        body, _ = connection.get_page(rows_url(source_url, {"$top": str(PROBE_ROWS)}), page=1)
    except SourceRefused as refused:
        if refused.details.get("status") not in (400, 501):
            raise
        try:
            body, _ = connection.get_page(rows_url(source_url, {}), page=1)
        except SourceError:
            raise refused from None
    return readable_rows(body.rows[:PROBE_ROWS]), body.is_v2


def _declared_type(
    connection: ODataConnection, source_url: str, *, is_needed: bool
) -> EntityType | None:
    """None when the service does not describe itself; it need not."""
    try:
        document = connection.get_document(metadata_url(source_url), accept="application/xml")
        return read_entity_type(document, entity_set(source_url))
    except (SourceTimeSpent, WorkerTimeSpent):
        raise
    except (SourceNotFound, SourceGone, SourceForbidden, SourceRefused, BrokenMetadata):
        return None
    except SourceError:
        if is_needed:
            raise
        return None


def readable_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        with contextlib.suppress(Unwritable):
            found.append(read_row(row))
    return found


def example_values(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The fields of these rows, in order, each with its first value that is not null.
    Annotations, v2's `__metadata` and its links to other entities are no fields.
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
    if type(value) is str:
        return value[:EXAMPLE_CHARACTERS]
    return value


def _is_deferred(value: Any) -> bool:
    return isinstance(value, dict) and "__deferred" in value
