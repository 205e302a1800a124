"""What a definition says of its files:
how they are written, and which columns of theirs become rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from chalicelib.files.form import FORMATS, FileForm

from .choices import read_pattern
from .faults import describe

if TYPE_CHECKING:
    from .faults import Faults

MOST_HEADER = 1_000  # rows before it
_KEYS = tuple(field.name for field in fields(FileForm))


@dataclass(frozen=True, kw_only=True)
class Unpivot:
    """A column a period, or a product, becomes rows: fields like the `pattern`,
    whose named groups become fields, and what they hold the field `value`.
    """

    fields: str
    value: str


def read_file_form(faults: Faults, key: str, value: Any) -> FileForm:
    table = faults.table(key, value, _KEYS)
    facts: dict[str, Any] = {
        name: read(faults, f"{key}.{name}", table[name])
        for name, read in _READERS.items()
        if name in table
    }
    if facts.get("header") is False and not facts.get("fields"):
        faults.add(
            f"{key}.fields",
            "is missing, and there is no header to tell the names",
            "the names of all fields, in order",
        )

    signs = [facts[name] for name in ("delimiter", "quote", "comment") if facts.get(name)]
    if len({*signs}) < len(signs):
        problem = "has one character for two of delimiter, quote and comment"
        faults.add(key, problem, "another one for each")
    return FileForm(**facts)


def read_unpivot(faults: Faults, key: str, value: Any) -> Unpivot | None:
    table = faults.table(key, value, ["fields", "value"])
    if "fields" not in table or "value" not in table:
        example = '{ fields = "(?P<month>[A-Z]{3})_OIL", value = "OIL" }'
        faults.add(key, "needs fields and value", example)
        return None

    pattern = read_pattern(faults, f"{key}.fields", table["fields"], needs_group=True)
    if not re.compile(pattern).groupindex:
        faults.add(f"{key}.fields", "names no group", "groups such as (?P<month>...)")
    value_field = faults.filled_text(f"{key}.value", table["value"])
    return Unpivot(fields=pattern, value=value_field)


def _sign(faults: Faults, key: str, value: Any) -> str:
    is_ascii = isinstance(value, str) and re.fullmatch(r"[\x01-\x7f]", value)
    if is_ascii and value not in "\r\n":
        return str(value)
    faults.add(key, f"is {describe(value)}", "one character of ASCII, and no line break")
    return ","


def _quote(faults: Faults, key: str, value: Any) -> str:
    return "" if value == "" else _sign(faults, key, value)


def _encoding(faults: Faults, key: str, value: Any) -> str:
    name = faults.text(key, value, "utf-8")
    try:
        # A name such as zlib is of something else, and is refused here.
        bytes(4).decode(name, "replace")
    except (LookupError, ValueError):
        problem = f"is {describe(name)}, which is no encoding"
        faults.add(key, problem, "utf-8, latin-1, cp1252 or utf-16")
        return "utf-8"
    return name


def _header(faults: Faults, key: str, value: Any) -> int | bool:
    if value is False:
        return False
    return faults.whole(key, value, 1, MOST_HEADER)


def _pointer(faults: Faults, key: str, value: Any) -> str:
    text = faults.text(key, value)
    if text and not text.startswith("/"):
        faults.add(key, f"is {describe(text)}", "a JSON pointer such as /data/rows")
    return text


_READERS: dict[str, Any] = {
    "format": lambda faults, key, value: faults.choice(key, value, FORMATS),
    "delimiter": _sign,
    "quote": _quote,
    "encoding": _encoding,
    "header": _header,
    "fields": lambda faults, key, value: faults.fields(key, value),
    "skip_rows": lambda faults, key, value: faults.whole(key, value, 0, MOST_HEADER),
    "comment": _sign,
    "sheet": lambda faults, key, value: faults.text(key, value),
    "records": _pointer,
    "members": lambda faults, key, value: faults.filled_text(key, value),
}
