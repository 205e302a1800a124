"""What the fields of a job are, besides their Python types: the unit, for people, and the JSON
Schema, for programs. Nothing loads this where requests are answered: annotations stay text there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any


# No two are equal, because Python keeps one of two Annotated types that are.
@dataclass(frozen=True, eq=False)
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

# Objects, by the names of their classes: job_parts.py has those of the job itself. Their values are
# plain, as the table keeps them, and of an older version some lack a field.
Parameters = Annotated[dict[str, Any], Shape("object", of="JobParameters", unfolds=False)]
Waiting = Annotated[dict[str, Any], Shape("object", of="JobWaiting")]
Parts = Annotated[dict[str, int], Shape("object", of="JobParts")]
Stats = Annotated[dict[str, Any], Shape("object", of="JobStats")]
JobError = Annotated[dict[str, Any], Shape("object", of="JobError")]
Completeness = Annotated[dict[str, Any], Shape("object", of="JobCompleteness")]
Diff = Annotated[dict[str, Any], Shape("object", of="JobDiff", unfolds=False)]
TooLate = Annotated[dict[str, Any], Shape("object", of="JobTooLate")]
WarningView = Annotated[dict[str, Any], Shape("list", of="JobWarning")]
