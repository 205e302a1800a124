"""What a request for an import may hold, and which requests a browser makes by itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from chalicelib.errors import RequestForbidden, ValidationError

from .parameters import FIELD_CODE, FROM, FULL, SOURCE_NAME, TO, check_range, read_value, refusal
from .request_fields import json_body, single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .parameters import Parameter

PARAMETERS: Mapping[str, Parameter] = {
    "full": FULL,
    "field_code": FIELD_CODE,
    "from": FROM,
    "to": TO,
}
ASKED: Mapping[str, Parameter] = {"source": SOURCE_NAME, **PARAMETERS}


MOST_EXACT = 2**53  # from here on two numbers with a point or an exponent may be read as one
_JSON_TYPES = {"boolean": bool, "integer": int, "string": str}


def parse_parameters(query: Mapping[str, Sequence[str]], body: str | bytes = "") -> dict[str, Any]:
    """What is to be imported, from the query or from a JSON body: the name of the `source`,
    codes as text, dates as YYYY-MM-DD, and `full` only when it is true. Raises ValidationError.
    """
    values = _members(json_body(body))
    texts = single_values(query, allowed=tuple(ASKED))
    of_query = {name: read_value(name, ASKED[name], text) for name, text in texts.items()}
    for name, value in of_query.items():
        if values.setdefault(name, value) != value:
            raise ValidationError(
                "The query and the body ask for different things. Send one of them.", field=name
            )
    check_range(values)
    names = [name for name in ASKED if name in values and values[name] is not False]
    return {name: values[name] for name in names}


def _members(body: Any) -> dict[str, Any]:
    """The members of the body, read like the parameters of a query. Raises ValidationError."""
    if not isinstance(body, dict) or not body.keys() <= ASKED.keys():
        known = ", ".join(ASKED)
        sentence = f"The body may be an object with {known}, or nothing."
        raise ValidationError(sentence, field="body")
    return {name: _read_member(name, value) for name, value in body.items()}


def _read_member(name: str, value: Any) -> Any:
    """A code may come as a whole number, however it is written, which is its digits:
    as the source's own are read.
    """
    parameter = ASKED[name]
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST_EXACT:
        value = int(value)
    kinds = parameter.schema["type"]
    if isinstance(kinds, str):
        kinds = [kinds]
    if type(value) not in [_JSON_TYPES[kind] for kind in kinds]:
        raise refusal(name, parameter)
    text = value if isinstance(value, str) else json.dumps(value)
    return read_value(name, parameter, text)


def parse_idempotency_key(text: str | None) -> str | None:
    """Raises ValidationError. The characters are those that an HTTP header carries unchanged."""
    if text is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", text):
        raise ValidationError(
            "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.",
            field="Idempotency-Key",
        )
    return text


def refuse_browser(headers: Mapping[str, str], *, allowed_origins: Sequence[str] = ()) -> None:
    """Refuse what a browser sends by itself or for another site: a GET trigger changes state. The
    pages of the allowed origins may.

    Fetch metadata: https://www.w3.org/TR/fetch-metadata/ (Sec-Fetch-Site), Sec-Purpose for
    prefetch.
    """
    sent = {name.lower(): value.lower() for name, value in headers.items()}
    purposes = [sent.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")]
    is_prefetch = any("prefetch" in purpose for purpose in purposes)
    is_from_another_site = sent.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    is_allowed = sent.get("origin") in allowed_origins
    if is_prefetch or (is_from_another_site and not is_allowed):
        raise RequestForbidden
