"""What the document says of one route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.errors import WellheadError


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`data` names the schema of what stands in the envelope; empty where there is none.
    `query` has the description and the schema of each parameter.
    """

    id: str
    summary: str
    tag: str
    answer: str
    data: str = ""
    example: Any = None
    status: int = 200
    query: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    other_bodies: Mapping[str, Any] = field(default_factory=dict)
    needs_body: bool = False
    request_headers: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    other_content: Mapping[str, Any] = field(default_factory=dict)
    conditional: bool = False
    errors: tuple[type[WellheadError], ...] = ()
