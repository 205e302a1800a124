"""BoundedSession: HTTP requests whose answers take no more time and bytes than they may.

requests bounds the time of a single read and nothing else. Here every byte that comes off the
socket is counted, and each read waits no longer than what is left: a drip of header lines, chunk
sizes or compressed nothing is no way around.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Self

import requests
from requests.cookies import extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict

from chalicelib import __version__

from .adapter import SILENT_SECONDS, BoundedAdapter
from .allowance import Allowance
from .trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase
    from requests.cookies import RequestsCookieJar

    from .inside import Resolve
    from .proxy import Proxy

USER_AGENT = f"Wellhead/{__version__}"
CONNECT_SECONDS = 10.0


class BoundedSession:
    """For one thread at a time. Follows no redirect, asks the environment for nothing, neither for
    a proxy nor for a password, and keeps no cookie unless it is given a jar for them. One that
    `is_kept_outside` sends nothing into the machine that it is on: asking raises SourceInside. What
    the `proxy` takes goes through it. One that `is_kept_public` connects to public addresses alone,
    and else raises NotPublic; `resolve` is socket.getaddrinfo.

    It takes of requests what a page needs: a `requests.Session` merges its settings, cookies and
    hooks into each request anew, and that showed in pages of few rows.
    """

    def __init__(
        self,
        *,
        auth: AuthBase | None = None,
        clock: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
        is_kept_outside: bool = False,
        is_kept_public: bool = False,
        resolve: Resolve = socket.getaddrinfo,
        proxy: Proxy | None = None,
    ) -> None:
        self._auth = auth
        self._proxy = proxy
        self.allowance = Allowance(clock)
        self.cookies: RequestsCookieJar | None = None
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Connection": "keep-alive",
                "User-Agent": USER_AGENT,
            }
        )
        self.adapter = BoundedAdapter(
            self.allowance,
            trust=trust or Trust(),
            is_kept_outside=is_kept_outside,
            resolve=resolve if is_kept_public else None,
            proxy=proxy,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.adapter.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer without its body. Raises TooSlow, TooLarge, requests.RequestException."""
        connect = min(CONNECT_SECONDS, self.allowance.seconds())
        request = self._prepare(method, url, headers, data)
        proxies = None
        if self._proxy and self._proxy.takes(url):
            proxies = {"https": self._proxy.url}
        response = self.adapter.send(
            request,
            stream=True,
            timeout=(connect, SILENT_SECONDS),
            proxies=proxies,
        )
        if self.cookies is not None and "Set-Cookie" in response.headers:
            extract_cookies_to_jar(self.cookies, request, response.raw)  # type: ignore[no-untyped-call]
        return response

    def _prepare(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        data: bytes | Mapping[str, str] | None,
    ) -> requests.PreparedRequest:
        """In the order of PreparedRequest.prepare: whoever signs a request sees the whole of it."""
        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, None)
        request.prepare_headers(self._headers_with(headers))
        if self.cookies:
            request.prepare_cookies(self.cookies)
        if data is not None:
            request.prepare_body(data, None)
        if self._auth or "@" in url:  # a URL may have a name and a password before its host
            request.prepare_auth(self._auth)
        return request

    def _headers_with(self, headers: Mapping[str, str] | None) -> CaseInsensitiveDict[str]:
        if not headers:
            return self.headers
        all_headers = self.headers.copy()
        all_headers.update(headers)
        return all_headers
