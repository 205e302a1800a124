"""Format: in which form somebody wants a list: JSON, page by page, or a file of all its rows. Pure."""

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
    "format": choice(*MEDIA_TYPES, meaning="all rows as a file, or json for a page; wins over the header Accept"),
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
    """`kind` is one of MEDIA_TYPES. `is_whole` is whether all rows are meant, not a page of them; `is_taken` whether
    the caller takes the bytes of the file as the answer, and not only an address.
    """

    kind: str = "json"
    separator: str = ","
    decimal: str = "."
    is_whole: bool = False
    is_taken: bool = True

    @property
    def dialect(self) -> Dialect:
        return Dialect(separator=_SEPARATORS[self.separator], decimal=self.decimal)

    def headers(self, name: str) -> dict[str, str]:
        """Of the file of a list of this name."""
        kind = f"{CSV}; charset=utf-8" if self.kind == "csv" else MEDIA_TYPES[self.kind]
        return {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}.{self.kind}"'}


def parse_format(query: dict[str, list[str]], accept: str) -> Format:
    """Takes what tells the form out of the query. A page of CSV is what names a limit or a cursor. Raises
    ValidationError.
    """
    told = single_values({name: query.pop(name) for name in FORMATS if name in query}, allowed=tuple(FORMATS))
    values = {name: read_value(name, FORMATS[name], text) for name, text in told.items()}
    kind = values.pop("format", None) or _accepted(accept)
    return checked_format(kind, values, paging=[name for name in OF_A_PAGE if name in query], accept=accept)


def parse_page_format(query: dict[str, list[str]], accept: str) -> Format:
    """Of an answer that is JSON or CSV and nothing else. Raises ValidationError."""
    form = parse_format(query, accept)
    if form.kind not in ("json", "csv"):
        raise ValidationError("format must be json or csv.", field="format", allowed="json or csv")
    return form


def checked_format(kind: str, values: Mapping[str, str], *, paging: Sequence[str] = (), accept: str = "") -> Format:
    """Raises ValidationError for what does not fit together."""
    if kind != "csv":
        for name in values:
            raise ValidationError(f"{name} goes with format=csv alone.", field=name, allowed="format=csv")
        for name in () if kind == "json" else paging:
            told = f"{name} asks for a page, and {kind} has all rows of the list. Leave it out, or take csv or json."
            raise ValidationError(told, field=name, allowed="format=csv or format=json")
    form = Format(
        kind=kind,
        **values,
        is_whole=kind != "json" and not paging,
        is_taken=kind not in ("parquet", "xlsx") or _first(accept) in (MEDIA_TYPES[kind], ANY_BINARY),
    )
    if form.decimal == form.separator:
        told = "The decimal comma needs another separator, such as separator=; or separator=tab."
        raise ValidationError(told, field="decimal", allowed="another sign than the separator")
    return form


def read_format(said: Any) -> Format:
    """What an event tells of a file. Raises ValidationError."""
    if not isinstance(said, dict) or said.get("kind") not in ("csv", "parquet", "xlsx"):
        raise refusal("format", FORMATS["format"])
    values = {
        name: read_value(name, FORMATS[name], str(said[name])) for name in ("separator", "decimal") if name in said
    }
    form = checked_format(said["kind"], values if said["kind"] == "csv" else {})
    return replace(form, is_whole=True, is_taken=said.get("is_taken") is True)


def file_content(data: Mapping[str, Any]) -> str | bytes | None:
    """Of what the query function answers with a file; None where that is an address."""
    if "text" in data:
        return str(data["text"])
    return base64.b64decode(data["content"]) if "content" in data else None


def _accepted(accept: str) -> str:
    """Another form than JSON where it is wanted more (RFC 9110, 12.5.1)."""
    weights = _weights(accept)
    wanted = {kind: weights.get(media, 0.0) for kind, media in MEDIA_TYPES.items()}
    return max(wanted, key=lambda kind: wanted[kind])  # of those that are wanted alike the first, which is JSON


def _first(accept: str) -> str:
    """The media type that API Gateway goes by when it decides whether an answer may be binary."""
    return accept.lower().split(",")[0].split(";")[0].strip()


def _weights(accept: str) -> dict[str, float]:
    """How much each media type is wanted, from 0 to 1."""
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
