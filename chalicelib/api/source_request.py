"""What a request about a source may hold: a definition, as JSON or TOML, and which version is meant."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid, SourceUnknown, ValidationError

from .parameters import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

TOML = "application/toml"
LONGEST = 64 << 10  # bytes
VERSION = whole(1, 999_999, "a whole number from 1 to 999,999", "an earlier version of the definition")


def parse_source_name(text: str) -> str:
    """Raises SourceUnknown: no source has a name of another form."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", text):
        raise SourceUnknown
    return text


def parse_definition(body: str | bytes, content_type: str) -> dict[str, Any]:
    """The keys that the body holds, as JSON takes them: TOML's dates are text. What they must be is known elsewhere.
    Raises DefinitionInvalid.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if len(text.encode(errors="surrogatepass")) > LONGEST:
        raise _unread(f"is longer than {LONGEST >> 10} KB", "a shorter definition")
    is_toml = content_type.partition(";")[0].strip().lower() == TOML
    try:
        told = tomllib.loads(text) if is_toml else json.loads(text)
        values = json.loads(json.dumps(told, default=str, allow_nan=False))
    except (ValueError, RecursionError) as exc:
        raise _unread(f"cannot be read: {str(exc)[:200]}", f"TOML with Content-Type: {TOML}, or JSON") from exc
    if not isinstance(values, dict):
        raise _unread("is no object", "an object with the keys of a definition")
    return values


def parse_if_match(headers: Mapping[str, str]) -> str | None:
    """Raises ValidationError."""
    text = headers.get("if-match")
    if text is not None and not re.fullmatch(r'\*|"[0-9]{1,6}"', text.strip()):
        raise ValidationError('If-Match must be the ETag of the source, such as "3", or *.', field="If-Match")
    return text.strip() if text is not None else None


def _unread(problem: str, instead: str) -> DefinitionInvalid:
    return DefinitionInvalid(faults=[{"key": "", "problem": problem, "instead": instead}])
