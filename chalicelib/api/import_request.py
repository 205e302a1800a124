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

PARAMETERS: Mapping[str, Parameter] = {"full": FULL, "field_code": FIELD_CODE, "from": FROM, "to": TO}
ASKED: Mapping[str, Parameter] = {"source": SOURCE_NAME, **PARAMETERS}


MOST_EXACT = 2**53  # from here on two numbers with a point or an exponent may be read as one
_JSON_TYPES = {"boolean": bool, "integer": int, "string": str}


def parse_parameters(query: Mapping[str, Sequence[str]], body: str | bytes = "") -> dict[str, Any]:
    """What is to be imported, from the query or from a JSON body: the name of the `source`, codes as text, dates as
    YYYY-MM-DD, and `full` only when it is true. Raises ValidationError.
    """
    sent = _sent(json_body(body))
    told = single_values(query, allowed=tuple(ASKED))
    for name, value in {name: read_value(name, ASKED[name], text) for name, text in told.items()}.items():
        if sent.setdefault(name, value) != value:
            raise ValidationError("The query and the body ask for different things. Send one of them.", field=name)
    check_range(sent)
    return {name: sent[name] for name in ASKED if name in sent and sent[name] is not False}


def _sent(body: Any) -> dict[str, Any]:
    """The members of the body, read like the parameters of a query. Raises ValidationError."""
    if not isinstance(body, dict) or not body.keys() <= ASKED.keys():
        known = ", ".join(ASKED)
        raise ValidationError(f"The body may be an object with {known}, or nothing.", field="body")
    return {name: _read_member(name, value) for name, value in body.items()}


def _read_member(name: str, value: Any) -> Any:
    """A code may come as a whole number, however it is written, which is its digits: as the source's own are read."""
    parameter = ASKED[name]
    value = int(value) if isinstance(value, float) and value.is_integer() and abs(value) < MOST_EXACT else value
    kinds = parameter.schema["type"]
    if type(value) not in [_JSON_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]:
        raise refusal(name, parameter)
    return read_value(name, parameter, value if isinstance(value, str) else json.dumps(value))


def parse_idempotency_key(text: str | None) -> str | None:
    """Raises ValidationError. The characters are those that an HTTP header carries unchanged."""
    if text is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", text):
        raise ValidationError(
            "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.", field="Idempotency-Key"
        )
    return text


def refuse_unasked(headers: Mapping[str, str], *, allowed_origins: Sequence[str] = ()) -> None:
    """Refuse what a browser sends by itself or for another site: a GET trigger changes state. The pages of the
    allowed origins may.

    Fetch metadata: https://www.w3.org/TR/fetch-metadata/ (Sec-Fetch-Site), Sec-Purpose for prefetch.
    """
    sent = {name.lower(): value.lower() for name, value in headers.items()}
    prefetch = "prefetch" in sent.get("sec-purpose", "") + sent.get("purpose", "") + sent.get("x-moz", "")
    foreign = sent.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    if prefetch or (foreign and sent.get("origin") not in allowed_origins):
        raise RequestForbidden
