"""The credentials of the source: what its secret puts on a request.

A secret is read once for each import, so a rotated one needs no new deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.settings import BY_FORM

from .access_token import TOKEN_SECONDS, TokenAuth
from .bound import Bound
from .secret import json_object, kind_of, secret_parts, stored_secret
from .signing import HeaderAuth, SourceAuth, basic_auth
from .trust import check_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.settings import Settings

    from .proxy import Proxy


def open_credentials(
    settings: Settings,
    *,
    client: Callable[[str], Any],
    environment: Mapping[str, str],
    proxy: Proxy | None = None,
) -> SourceAuth | None:
    """What signs the requests to the source; None for an open source. `client` makes an AWS client
    by its service, and the `proxy` leads to a token endpoint. Raises SecretUnavailable,
    SecretInvalid, SettingsError.
    """
    if settings.source_auth == "none":
        return None
    check_authority(settings.source_ca)
    text = stored_secret(settings.source_secret, client=client, environment=environment)
    kind = kind_of(text) if settings.source_auth == BY_FORM else settings.source_auth
    parts = secret_parts(kind, text, needed_by=f"WELLHEAD_SOURCE_AUTH={kind}")
    auth = _auth(kind, parts, settings, proxy)
    origin = json_object(text.encode("utf-8", "replace")).get("origin")
    auth.bound = Bound.of_secret(origin, settings)
    return auth


def _auth(kind: str, secret: dict[str, str], settings: Settings, proxy: Proxy | None) -> SourceAuth:
    if kind == "oauth2":
        return TokenAuth(
            url=settings.source_token_url,
            scope=settings.source_scope,
            client_id=secret["client_id"],
            client_secret=secret["client_secret"],
            ca=settings.source_ca,
            seconds=min(TOKEN_SECONDS, settings.page_seconds),
            is_kept_outside=settings.is_kept_outside,
            proxy=proxy,
        )
    if kind == "api_key":
        return HeaderAuth(settings.source_key_header, secret["key"])
    if kind == "bearer":
        return HeaderAuth("Authorization", "Bearer " + secret["token"])
    return basic_auth(secret["username"], secret["password"])
