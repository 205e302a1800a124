"""What the fields of a job are, besides their Python types: the unit, for people, and the JSON
Schema, for programs. Nothing loads this where requests are answered: annotations stay text there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any


@dataclass(
    frozen=True, eq=False
)  # each is its own: Python keeps one of Annotated types that are equal
class Shape:
    """`unit` is what a table says of the type, `schema` what the type does not say. `of` names the
    schema of an object, or of each member of a list; a table shows its members where it `unfolds`.
    """

    unit: str
    schema: dict[str, Any] = field(default_factory=dict)
    of: str = ""
    unfolds: bool = True


Epoch = Annotated[float, Shape("epoch s")]
Seconds = Annotated[float, Shape("s")]
Rows = Annotated[int, Shape("rows")]
RowsPerSecond = Annotated[float, Shape("rows/s")]
Percent = Annotated[float, Shape("0 to 100", {"minimum": 0, "maximum": 100})]
JobId = Annotated[str, Shape("text", {"format": "uuid"})]

# Objects that are made elsewhere, by the names of their schemas: of a request, by phases, by what a
# refusal says, by the rules of the store.
Parameters = Annotated[dict[str, Any], Shape("object", of="JobParameters", unfolds=False)]
Stats = Annotated[dict[str, Any], Shape("object", of="JobStats")]
TooLate = Annotated[dict[str, Any], Shape("object", of="JobTooLate")]
WarningView = Annotated[dict[str, Any], Shape("list", of="JobWarning")]
