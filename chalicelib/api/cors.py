"""Which pages of other origins may ask: those of WELLHEAD_CORS_ORIGINS, by default none.

The Fetch standard: https://fetch.spec.whatwg.org/#http-cors-protocol. Tokens are sent by the page
itself, never by the browser, so credentials need not be allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.settings import cors_origins

if TYPE_CHECKING:
    from collections.abc import Mapping

SENT = "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"
SHOWN = "ETag, Location, Retry-After, X-Next-Cursor, X-Request-ID, X-Wellhead-Cut, X-Wellhead-Role, X-Wellhead-Snapshot"
METHODS = "GET, HEAD, POST"
KEPT_SECONDS = 600  # a browser asks once in so long


def cors_headers(headers: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Of the answer to a request with these headers.
    `Vary` keeps an answer to one origin from another.
    """
    origins = cors_origins(environment)
    if not origins:
        return {}
    origin = headers.get("origin", "")
    if origin.lower() not in origins:
        return {"Vary": "Origin"}
    allowed = {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": SHOWN,
    }
    return allowed | (_PREFLIGHT if "access-control-request-method" in headers else {})


_PREFLIGHT = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": SENT,
    "Access-Control-Max-Age": str(KEPT_SECONDS),
}
