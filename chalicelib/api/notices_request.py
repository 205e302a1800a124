"""What the list of notices is asked for: how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parameters import limit, read_value
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .parameters import Parameter

NOTICES_DEFAULT = 20
NOTICES: Mapping[str, Parameter] = {"limit": limit(100)}


def parse_notices(query: Mapping[str, Sequence[str]]) -> int:
    """Raises ValidationError."""
    texts = single_values(query, allowed=tuple(NOTICES))
    if not texts:
        return NOTICES_DEFAULT
    return int(read_value("limit", NOTICES["limit"], texts["limit"]))
