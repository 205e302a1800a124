"""What a request about a source may hold:
a definition, as JSON or TOML, and which version is meant.
"""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid, SourceUnknown, ValidationError

from .parameters import whole
from .request_fields import json_body

if TYPE_CHECKING:
    from collections.abc import Mapping

TOML = "application/toml"
LONGEST = 64 << 10  # bytes
# Categories of Unicode: controls, what turns text, line ends.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
FILE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "its name, without a directory",
        }
    },
}
VERSION = whole(
    1, 999_999, "a whole number from 1 to 999,999", "an earlier version of the definition"
)


def parse_source_name(text: str) -> str:
    """Raises SourceUnknown: no source has a name of another form."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", text):
        raise SourceUnknown
    return text


def parse_definition(body: str | bytes, content_type: str) -> dict[str, Any]:
    """The keys that the body holds, as JSON takes them: TOML's dates are text.
    What they must be is known elsewhere. Raises DefinitionInvalid.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if len(text.encode(errors="surrogatepass")) > LONGEST:
        raise _fault(f"is longer than {LONGEST >> 10} KB", "a shorter definition")
    is_toml = content_type.partition(";")[0].strip().lower() == TOML
    try:
        definition = tomllib.loads(text) if is_toml else json.loads(text)
        values = json.loads(json.dumps(definition, default=str, allow_nan=False))
    except (ValueError, RecursionError) as exc:
        problem = f"cannot be read: {str(exc)[:200]}"
        raise _fault(problem, f"TOML with Content-Type: {TOML}, or JSON") from exc
    if not isinstance(values, dict):
        raise _fault("is no object", "an object with the keys of a definition")
    return values


def parse_file_name(body: str | bytes) -> str:
    """Of `{"file": "a.csv"}`. It becomes the end of a key in the bucket, in which S3 would put a
    name of the sender's own in the place of ${filename}. Raises ValidationError.
    """
    sent = json_body(body)
    name = sent.get("file") if isinstance(sent, dict) and sent.keys() == {"file"} else None
    if not isinstance(name, str) or not _is_file_name(name):
        raise ValidationError(
            'Say what the file is called, such as {"file": "2024.csv"}: 1 to 200 characters without slashes, control '
            "characters, blanks at an end, a dot at the beginning, or ${.",
            field="file",
        )
    return name


def _is_file_name(name: str) -> bool:
    if name != name.strip():
        return False
    if any(unicodedata.category(sign) in UNSEEN for sign in name):
        return False
    # No dot at the beginning, no ${ anywhere, no slash.
    return re.fullmatch(r"(?!\.)(?!.*\$\{)[^/\\]{1,200}", name) is not None


def parse_if_match(headers: Mapping[str, str]) -> str | None:
    """Raises ValidationError."""
    text = headers.get("if-match")
    if text is None:
        return None
    tag = text.strip()
    if not re.fullmatch(r'\*|"[0-9]{1,6}"', tag):
        raise ValidationError(
            'If-Match must be the ETag of the source, such as "3", or *.', field="If-Match"
        )
    return tag


def _fault(problem: str, instead: str) -> DefinitionInvalid:
    fault = {
        "key": "",
        "problem": problem,
        "instead": instead,
    }
    return DefinitionInvalid(faults=[fault])
