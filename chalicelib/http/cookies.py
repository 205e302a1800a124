"""The cookies of a source while an import runs: some services keep a session, and the place in
their paging with it.

They stay in memory, go back to the origin that set them and to no other, and are few.
"""

from __future__ import annotations

import threading
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from requests.cookies import RequestsCookieJar

if TYPE_CHECKING:
    from collections.abc import Hashable

MOST_COOKIES = 20  # of an origin: each of them goes with every request
LONGEST_COOKIE = 4096  # bytes, as RFC 6265 asks of everybody


class OriginCookies:
    """A jar for each origin; safe for threads."""

    def __init__(self) -> None:
        self._jars: dict[Hashable, RequestsCookieJar] = {}
        self._lock = threading.Lock()

    def of(self, origin: Hashable) -> RequestsCookieJar:
        with self._lock:
            return self._jars.setdefault(origin, _new_jar())

    def forget(self, origin: Hashable) -> None:
        """A session that the source refuses is over."""
        with self._lock:
            self._jars.pop(origin, None)


class _FewCookies(DefaultCookiePolicy):
    jar: RequestsCookieJar

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        is_new = not any(cookie.name == each.name for each in self.jar)
        is_fit = len(cookie.name) + len(cookie.value or "") <= LONGEST_COOKIE
        has_room = not is_new or len(self.jar) < MOST_COOKIES  # one that is there is replaced
        return is_fit and has_room and super().set_ok(cookie, request)


def _new_jar() -> RequestsCookieJar:
    policy = _FewCookies()
    policy.jar = RequestsCookieJar(policy)
    return policy.jar
