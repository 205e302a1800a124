"""The tokens of the API, as an operator sees them and renews them:
names and roles, and a token in one answer alone.
"""

from __future__ import annotations

import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TokensUnavailable, TokenUnknown, ValidationError

from .request_fields import json_body
from .token_entry import MOST_DAYS, NAME, OVERLAP_SECONDS, TokenEntry, new_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_ssm import SSMClient

RENEWAL: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "now": {
            "type": "boolean",
            "default": False,
            "description": "the token before ends at once",
        },
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_DAYS,
            "description": "how long the new token lives; without it as long as the one before did",
        },
    },
}


class TokenList:
    """Every method raises TokensUnavailable."""

    def __init__(
        self, *, ssm: SSMClient, path: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._ssm = ssm
        self._path = path
        self._clock = clock

    def all(self, used: Mapping[str, float]) -> list[dict[str, Any]]:
        """By name. `role` is null of a parameter that is no token, which lets nobody in;
        `used` is when by name.
        """
        paginator = self._ssm.get_paginator("get_parameters_by_path")
        try:
            pages = paginator.paginate(Path=self._path, WithDecryption=True)
            parameters = [parameter for page in pages for parameter in page["Parameters"]]
        except (ClientError, BotoCoreError) as exc:
            raise TokensUnavailable from exc
        views = [self._view(parameter, used) for parameter in parameters]
        views = [view for view in views if NAME.fullmatch(view["name"])]
        return sorted(views, key=itemgetter("name"))

    def renew(self, name: str, *, is_at_once: bool, days: int | None = None) -> dict[str, Any]:
        """The new token of this name, in plain text this once.
        The one before is good for a day more, unless it shall end at once. Raises TokenUnknown.
        """
        place = f"{self._path}/{name}"
        try:
            stored = self._ssm.get_parameter(Name=place, WithDecryption=True)["Parameter"]
            entry = TokenEntry.parse(str(stored.get("Value")))
            token = new_token()
            overlap = 0.0 if is_at_once else OVERLAP_SECONDS
            new_entry = entry.renew(
                token,
                now=self._clock(),
                overlap=overlap,
                days=days,
            )
            self._ssm.put_parameter(
                Name=place,
                Value=new_entry.text(),
                Type=stored.get("Type", "SecureString"),
                Overwrite=True,
            )
        except ValueError:
            raise TokenUnknown(name=name) from None
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ParameterNotFound":
                raise TokenUnknown(name=name) from None
            raise TokensUnavailable from exc
        except BotoCoreError as exc:
            raise TokensUnavailable from exc
        return {
            "name": name,
            "role": str(new_entry.role),
            "token": token,
            "expires_at": new_entry.expires_at,
            "previous_until": new_entry.previous[0].until,
        }

    def _view(self, parameter: Any, used: Mapping[str, float]) -> dict[str, Any]:
        name = parameter["Name"].rpartition("/")[2]
        changed = parameter.get("LastModifiedDate")
        view: dict[str, Any] = {
            "name": name,
            "role": None,
            "created_at": changed.timestamp() if changed else None,
            "expires_at": None,
            "last_used_at": used.get(name),
            "previous_until": None,
        }
        try:
            entry = TokenEntry.parse(parameter["Value"])
        except ValueError:
            return view
        now = self._clock()
        ends = [secret.until for secret in entry.previous if secret.until and secret.until > now]
        view["role"] = str(entry.role)
        view["created_at"] = entry.created_at or view["created_at"]
        view["expires_at"] = entry.expires_at
        view["previous_until"] = max(ends, default=None)
        return view


def parse_token_name(name: str) -> str:
    """Raises TokenUnknown: what has no form of a name is nobody's."""
    if not NAME.fullmatch(name) or name in (".", ".."):
        raise TokenUnknown
    return name


def parse_renewal(body: str | bytes) -> dict[str, Any]:
    """`{"now": true, "days": 90}`, or a part of it. Raises ValidationError."""
    sent = json_body(body)
    if not isinstance(sent, dict) or not sent.keys() <= RENEWAL["properties"].keys():
        raise ValidationError(
            'The body may be {"now": true, "days": 90}, a part of it, or nothing.', field="body"
        )
    now = sent.get("now", False)
    if not isinstance(now, bool):
        raise ValidationError("now must be true or false.", field="now", allowed="true or false")
    days = sent.get("days")
    if days is not None and not _is_count_of_days(days):
        allowed = f"a whole number from 1 to {MOST_DAYS:,}"
        raise ValidationError(f"days must be {allowed}.", field="days", allowed=allowed)
    return {"is_at_once": now, "days": days}


def _is_count_of_days(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):  # to Python true is a whole number
        return False
    return 1 <= value <= MOST_DAYS
