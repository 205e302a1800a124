"""Rejected rows as CSV (RFC 4180, UTF-8), for people with a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CSV = "text/csv"
COLUMNS = ("page", "position", "reason", "detail", "raw", "rejected_at")
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


def rejects_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    lines.writerows([harmless(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()


def csv_headers(next_cursor: str | None) -> dict[str, str]:
    """The cursor of the next page has no place among the rows."""
    told = {"Content-Type": f"{CSV}; charset=utf-8", "Content-Disposition": 'attachment; filename="rejects.csv"'}
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
