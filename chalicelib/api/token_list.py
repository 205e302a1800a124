"""The tokens of the API, as an operator sees them: names and roles, never a token or its hash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TokensUnavailable

from .tokens import NAME, Role

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


def list_tokens(ssm: SSMClient, path: str) -> list[dict[str, Any]]:
    """By name. `created_at` is when the token was made, or made anew under its name; `role` is null of a parameter that
    is no token. Raises TokensUnavailable.
    """
    try:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
        found = [_shown(parameter) for page in pages for parameter in page["Parameters"]]
    except (ClientError, BotoCoreError) as exc:
        raise TokensUnavailable from exc
    return sorted((each for each in found if NAME.fullmatch(each["name"])), key=lambda each: str(each["name"]))


def _shown(parameter: Any) -> dict[str, Any]:
    changed = parameter.get("LastModifiedDate")
    return {
        "name": parameter["Name"].rpartition("/")[2],
        "role": _role(parameter["Value"]),
        "created_at": changed.timestamp() if changed else None,
    }


def _role(value: str) -> str | None:
    try:
        return str(Role(json.loads(value)["role"]))
    except (ValueError, KeyError, TypeError):
        return None
