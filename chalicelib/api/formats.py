"""Format: in which form somebody wants a list:
JSON, page by page, or a file of all its rows. Pure.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError

from .csv_rows import CSV, Dialect
from .parameters import Parameter, choice, read_value, refusal
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSON = "application/json"
MEDIA_TYPES = {
    "json": JSON,
    "csv": CSV,
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BINARY = (MEDIA_TYPES["parquet"], MEDIA_TYPES["xlsx"])
ANY_BINARY = "application/octet-stream"
OF_A_PAGE = ("limit", "cursor")
_SEPARATORS = {",": ",", ";": ";", "tab": "\t"}


def _separator(text: str) -> str:
    if text not in _SEPARATORS:
        raise ValueError
    return text


FORMATS: Mapping[str, Parameter] = {
    "format": choice(
        *MEDIA_TYPES,
        meaning="[all rows as a file](#a-list-as-a-file), or json for a page; wins over the header Accept",
    ),
    "separator": Parameter(
        read=_separator,
        allowed="one of , ; tab",
        schema={"type": "string", "enum": list(_SEPARATORS), "default": ","},
        meaning="what stands between two values of a line of CSV",
    ),
    "decimal": Parameter(
        read=choice(".", ",", meaning="").read,
        allowed="one of . ,",
        schema={"type": "string", "enum": [".", ","], "default": "."},
        meaning="what stands before the decimals of a number in CSV",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Format:
    """`kind` is one of MEDIA_TYPES. `is_whole` is whether all rows are meant, not a page of them;
    `is_taken` whether the caller takes the bytes of the file as the answer, and not only an
    address.
    """

    kind: str = "json"
    separator: str = ","
    decimal: str = "."
    is_whole: bool = False
    is_taken: bool = True

    @property
    def dialect(self) -> Dialect:
        separator = _SEPARATORS[self.separator]
        return Dialect(separator=separator, decimal=self.decimal)

    def headers(self, name: str) -> dict[str, str]:
        """Of the file of a list of this name."""
        media_type = MEDIA_TYPES[self.kind]
        if self.kind == "csv":
            media_type += "; charset=utf-8"
        return {
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}.{self.kind}"',
        }


def parse_format(query: dict[str, list[str]], accept: str) -> Format:
    """Takes what tells the form out of the query. A page of CSV is what names a limit or a cursor.
    Raises ValidationError.
    """
    of_the_form = {name: query.pop(name) for name in FORMATS if name in query}
    texts = single_values(of_the_form, allowed=tuple(FORMATS))
    values = {name: read_value(name, FORMATS[name], text) for name, text in texts.items()}
    kind = values.pop("format", None) or _preferred_kind(accept)
    paging = [name for name in OF_A_PAGE if name in query]
    return checked_format(kind, values, paging=paging, accept=accept)


def parse_page_format(query: dict[str, list[str]], accept: str) -> Format:
    """Of an answer that is JSON or CSV and nothing else. Raises ValidationError."""
    form = parse_format(query, accept)
    if form.kind not in ("json", "csv"):
        raise ValidationError("format must be json or csv.", field="format", allowed="json or csv")
    return form


def checked_format(
    kind: str, values: Mapping[str, str], *, paging: Sequence[str] = (), accept: str = ""
) -> Format:
    """Raises ValidationError for what does not fit together."""
    if kind != "csv":
        for name in values:
            raise ValidationError(
                f"{name} goes only with format=csv.", field=name, allowed="format=csv"
            )
    if kind not in ("csv", "json"):
        for name in paging:
            raise ValidationError(
                f"{name} asks for a page, and {kind} has all rows of the list. Leave it out, or take csv or json.",
                field=name,
                allowed="format=csv or format=json",
            )
    is_binary = kind in ("parquet", "xlsx")
    takes_its_bytes = _first(accept) in (MEDIA_TYPES[kind], ANY_BINARY)
    form = Format(
        kind=kind,
        **values,
        is_whole=kind != "json" and not paging,
        is_taken=takes_its_bytes or not is_binary,
    )
    if form.decimal == form.separator:
        raise ValidationError(
            "The decimal comma needs another separator, such as separator=; or separator=tab.",
            field="decimal",
            allowed="another sign than the separator",
        )
    return form


def read_format(facts: Any) -> Format:
    """What an event tells of a file. Raises ValidationError."""
    if not isinstance(facts, dict) or facts.get("kind") not in ("csv", "parquet", "xlsx"):
        raise refusal("format", FORMATS["format"])
    values = {}
    for name in ("separator", "decimal"):
        if name in facts:
            values[name] = read_value(name, FORMATS[name], str(facts[name]))
    if facts["kind"] != "csv":
        values = {}
    form = checked_format(facts["kind"], values)
    return replace(form, is_whole=True, is_taken=facts.get("is_taken") is True)


def file_content(data: Mapping[str, Any]) -> str | bytes | None:
    """Of what the query function answers with a file; None where that is an address."""
    if "text" in data:
        return str(data["text"])
    if "content" in data:
        return base64.b64decode(data["content"])
    return None


def _preferred_kind(accept: str) -> str:
    """Another form than JSON where it is wanted more (RFC 9110, 12.5.1)."""
    weights = _weights(accept)

    def weight(kind: str) -> float:
        return weights.get(MEDIA_TYPES[kind], 0.0)

    return max(MEDIA_TYPES, key=weight)  # of those that are wanted alike the first, which is JSON


def _first(accept: str) -> str:
    """The media type that API Gateway goes by when it decides whether an answer may be binary."""
    first_part = accept.lower().split(",")[0]
    return first_part.split(";")[0].strip()


def _weights(accept: str) -> dict[str, float]:
    """How much each media type is wanted, from 0 to 1:
    "text/csv, */*;q=0.1" is {"text/csv": 1.0, "*/*": 0.1}.
    """
    weights = {}
    for part in accept.lower().split(","):
        media_type, *parameters = (text.strip() for text in part.split(";"))
        qualities = [_quality(text) for text in parameters if text.startswith("q=")]
        weights[media_type] = min(qualities, default=1.0)
    return weights


def _quality(text: str) -> float:
    try:
        return float(text.removeprefix("q="))
    except ValueError:
        return 0.0
