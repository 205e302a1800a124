"""One request that shows whether a service can be asked for the rows after a key. Many that declare
a key cannot filter by it or sort by it, and some take both options and do nothing.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceError, SourceTimeSpent, WorkerTimeSpent

from .addresses import rows_url
from .filters import NUMBER_TYPES, Unwritable, after, literal, read_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .connection import ODataConnection
    from .survey import Survey

FULL_SAMPLE = 20
TEXTS = {"Edm.String", "Edm.Guid"}
FLOATS = {"Edm.Double", "Edm.Single"}  # what JSON shows of them may lie beside the value itself


def can_be_a_key(survey: Survey) -> bool:
    return bool(survey.own_key) and not any(
        survey.type_of(name) in FLOATS for name in survey.own_key
    )


def takes_keys(
    connection: ODataConnection, source_url: str, survey: Survey, sample: Sequence[dict[str, Any]]
) -> bool:
    """Whether the rows after the last one of the sample are what was asked for:
    later ones, in their order.
    """
    names = survey.own_key
    try:
        last = [
            (name, literal(sample[-1].get(name), survey.type_of(name), survey.version))
            for name in names
        ]
        options = {"$orderby": ",".join(names), "$top": str(FULL_SAMPLE)}
        url = rows_url(source_url, options, after(last))
        body, _ = connection.get_page(url, page=1)
        found = [read_row(row) for row in body.rows[:FULL_SAMPLE]]
    except Unwritable:
        return False
    except (SourceTimeSpent, WorkerTimeSpent):
        raise
    except SourceError:
        return False
    if not found:
        return len(sample) < FULL_SAMPLE
    return _is_as_asked(found, sample, survey)


def _is_as_asked(
    found: Sequence[dict[str, Any]], sample: Sequence[dict[str, Any]], survey: Survey
) -> bool:
    """Where keys are text a service has an order of letters of its own:
    then the rows must be others, which they are not where the filter does nothing.
    """
    types = [survey.type_of(name) for name in survey.own_key]
    sample_keys = [_key_of(row, survey) for row in sample]
    keys = [_key_of(row, survey) for row in found]
    if any(kind in TEXTS for kind in types):
        seen = list(sample_keys)
        for key in keys:
            if key in seen:  # two rows of one key: behind the first, the second is never asked for
                return False
            seen.append(key)
        return True
    try:
        ordered = [_comparable(key, types) for key in (sample_keys[-1], *keys)]
        return all(before < later for before, later in pairwise(ordered))
    except (TypeError, ValueError, ArithmeticError):  # of values that are no numbers
        return False


def _key_of(row: dict[str, Any], survey: Survey) -> list[Any]:
    return [row.get(name) for name in survey.own_key]


def _comparable(values: list[Any], types: list[str | None]) -> list[Any]:
    return [
        Decimal(value) if kind in NUMBER_TYPES else value
        for value, kind in zip(values, types, strict=True)
    ]
