"""The secret of a source: where it is kept, and what it must look like.

It is in no error, log, repr or job.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.errors import SecretInvalid, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMS = {
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("key",),
    "oauth2": ("client_id", "client_secret"),
}
# Visible ASCII, and blanks only within it. RFC 9110 (section 5.5) has tabs and obsolete bytes too.
HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")

_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can write half a character; no header can
_BUSY = {
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "InternalServiceError",
    "InternalServerError",
}


def stored_secret(
    place: str,
    *,
    client: Callable[[str], Any],
    environment: Mapping[str, str],
    setting: str = "WELLHEAD_SOURCE_SECRET",
) -> str:
    """The secret's text. Errors do not repeat the place:
    it may be a secret put where its name belongs. Raises SecretUnavailable, SecretInvalid.
    """
    store, _, name = place.partition(":")  # what is neither `env` nor `secretsmanager` is of SSM
    try:
        if store == "env":
            return environment[name]
        if store == "secretsmanager":
            return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        return str(
            client("ssm").get_parameter(Name=place, WithDecryption=True)["Parameter"]["Value"]
        )
    except (ParamValidationError, KeyError) as exc:
        raise _unfound(setting) from exc
    except ClientError as exc:
        error = SecretUnavailable() if _is_passing(exc) else _unfound(setting)
        raise error from exc
    except BotoCoreError as exc:
        raise SecretUnavailable from exc


def _unfound(setting: str) -> SecretInvalid:
    return SecretInvalid(
        f"{setting} names no secret that may be read. It is the name of an SSM parameter, or "
        "secretsmanager: and a name or ARN, or env: and a variable. Check that it exists and who may read it."
    )


def _is_passing(exc: ClientError) -> bool:
    error = exc.response.get("Error", {})
    code = error.get("Code", "")
    metadata = exc.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    return status >= 500 or "Throttl" in code or code in _BUSY  # noqa: PLR2004


def kind_of(text: str) -> str:
    """By the names that it holds. Raises SecretInvalid."""
    secret = json_object(text.encode("utf-8", "replace"))
    kinds = [kind for kind, names in FORMS.items() if secret.keys() >= set(names)]
    if len(kinds) != 1:
        forms = "; ".join(" and ".join(names) for names in FORMS.values())
        raise SecretInvalid(
            f"The secret of the source tells no kind of credentials. It holds one of: {forms}."
        )
    return kinds[0]


def secret_parts(kind: str, text: str, *, needed_by: str) -> dict[str, str]:
    """The parts of the secret by name. The parser's own error would hold the whole text.
    Raises SecretInvalid.
    """
    secret = json_object(text.encode("utf-8", "replace"))
    parts: dict[str, str] = {}
    for name in FORMS[kind]:
        part = secret.get(name)
        if not isinstance(part, str) or not _is_fit(name, part.strip()):
            form = ", ".join(f'"{each}": "..."' for each in FORMS[kind])
            raise SecretInvalid(
                f"{needed_by} needs a secret of the form {{{form}}}. Store it again."
            )
        parts[name] = _clean_part(name, part)
    return parts


def _is_fit(name: str, part: str) -> bool:
    if name in ("token", "key"):
        return bool(HEADER_TEXT.fullmatch(part))
    # The first colon ends the user's name (RFC 7617, section 2).
    if _SURROGATE.search(part) or (name == "username" and ":" in part):
        return False
    # Some services take a key as user or password, beside nothing.
    return bool(part) or name in FORMS["basic"]


def _clean_part(name: str, part: str) -> str:
    """A key copied with its line break is the key; in a password every character counts."""
    is_key = name in ("token", "key")
    return part.strip() if is_key else part


def json_object(body: bytes | bytearray) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
