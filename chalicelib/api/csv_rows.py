"""Rows of an answer as CSV (RFC 4180, UTF-8), for people with a spreadsheet: what was rejected, what was changed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CSV = "text/csv"
OF_REJECTS = ("page", "position", "reason", "detail", "raw", "rejected_at")
SIDES = ("before", "after")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001  the wide ones that Excel takes for them
CONTROL = ("\t", "\r", "\n")


def wants_csv(formats: Sequence[str], accept: str) -> bool:
    """`formats` are the values of the parameter `format`, which wins over the header. Raises ValidationError."""
    if formats:
        if list(formats) not in (["json"], ["csv"]):
            raise ValidationError("format must be json or csv.", field="format", allowed="json or csv")
        return list(formats) == ["csv"]
    weights = _weights(accept)
    return weights.get(CSV, 0.0) > weights.get("application/json", 0.0)


def rows_csv(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of a list of this name."""
    if name == "rejects":
        return _written(OF_REJECTS, rows)
    flat = [_flat(row) for row in rows]
    return _written(list(flat[0]) if flat else [], flat)


def answer_csv(data: Mapping[str, Any]) -> str:
    """Of a statement of SQL, which names its columns, as it likes and perhaps twice."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([harmless(column["name"]) for column in data["columns"]])
    lines.writerows([harmless(value) for value in row] for row in data["rows"])
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was changed: each value before and after beside each other."""
    told = {name: value for name, value in row.items() if name not in (*SIDES, "differs")}
    known = {side: row.get(side) or {} for side in SIDES}
    values = dict.fromkeys(name for side in SIDES for name in known[side])
    return told | {f"{name}_{side}": known[side].get(name) for name in values for side in SIDES}


def _written(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(columns)
    lines.writerows([harmless(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def csv_headers(name: str, next_cursor: str | None) -> dict[str, str]:
    """The cursor of the next page has no place among the rows."""
    told = {"Content-Type": f"{CSV}; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return told | {"X-Next-Cursor": next_cursor} if next_cursor else told


def harmless(value: Any) -> Any:
    """A rejected row is whatever the source sent. Text that a spreadsheet would run as a formula gets a leading
    apostrophe, which makes it text. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, str) and (value.startswith(CONTROL) or value.lstrip().startswith(FORMULA)):
        return f"'{value}"
    return value


def _weights(accept: str) -> dict[str, float]:
    """How much each media type is wanted, from 0 to 1 (RFC 9110, 12.5.1)."""
    weights = {}
    for part in accept.lower().split(","):
        kind, *parameters = (text.strip() for text in part.split(";"))
        weights[kind] = min((_quality(text) for text in parameters if text.startswith("q=")), default=1.0)
    return weights


def _quality(text: str) -> float:
    try:
        return float(text.removeprefix("q="))
    except ValueError:
        return 0.0
