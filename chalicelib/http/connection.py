"""SourceConnection: one document of the source at a time, whatever the network and a hostile server do.

A document is atomic. A body cut off, or one that its reader refuses, is a failed request, tried again and then
reported.

The credentials go to the configured origin and its listed aliases, and nowhere else: links and redirects to another
one are refused.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
import urllib3

from chalicelib.errors import (
    SourceEncoding,
    SourceError,
    SourceInvalid,
    SourceRedirected,
    SourceTimeSpent,
    SourceTooLarge,
    SourceTooSlow,
    WorkerTimeSpent,
)
from chalicelib.metrics import record

from .body import Broken, Unreadable, read_body
from .cookies import OriginCookies
from .credentials import SourceAuth, TokenAuth
from .failures import broken_exchange, check_status, shown
from .session import HEAD_BYTES, Allowance, BoundedSession, TooLarge, TooSlow, check_authority
from .throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests.auth import AuthBase

    from chalicelib.settings import Settings

    from .proxy import Proxy

MAX_REDIRECTS = 5
LONGEST_WAIT = 780.0  # seconds between two tries; a worker of 15 minutes can wait so long, and beats while it does
LONGEST_LINK = 16 << 10  # bytes, as the longest request line of the usual servers; it goes into the job's item, twice
FRAMING_BYTES = 1 << 20  # what chunk sizes and trailers may add to a page on the wire
SHORTEST_SECRET = 4  # characters

OVERLOADED = {429, 503}

T = TypeVar("T")


class SourceConnection:
    """Safe for threads: each request takes an idle session, so connections are used again, by one at a time.

    `remaining` tells the seconds that this worker has left to fetch in, `spent` those that earlier workers took of
    WELLHEAD_SOURCE_SECONDS.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        auth: AuthBase | None = None,
        proxy: Proxy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        remaining: Callable[[], float] = lambda: float("inf"),
        spent: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        check_authority(settings.source_ca)
        self._settings = settings
        self._most = settings.page_mb << 20
        self._auth = auth
        self._proxy = proxy
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._remaining = remaining
        self._until = clock() + settings.source_seconds - spent
        self._own_origin = _origin(settings.source_url)
        self._own_words = _values_of_the_query(settings.source_url)
        self._origins = {_origin(url) for url in (settings.source_url, *settings.source_aliases)}
        self._cookies = OriginCookies()
        self._was_let_in = False
        self._throttle = Throttle(
            most=settings.source_connections, per_second=settings.source_rps, clock=clock, sleep=self._rest
        )
        self._idle: list[BoundedSession] = []
        self._counting = threading.Lock()
        self._now = now
        self._waits: dict[int, dict[str, Any]] = {}
        self.retries = 0

    @property
    def requests_at_once(self) -> int:
        """How many may be under way now: those of the setting, or fewer while the source is overloaded."""
        return self._throttle.limit

    @property
    def waiting(self) -> dict[str, Any] | None:
        """The longest wait before another try that is under way: for the code of what failed, until when in epoch
        seconds, and the number of the try, of which 2 is the first that repeats.
        """
        waits = list(self._waits.values())
        return max(waits, key=lambda wait: float(wait["until"]), default=None)

    def close(self) -> None:
        """Nothing more is asked; who waits for another try gives up."""
        self._closed.set()
        while self._idle:
            self._idle.pop().close()

    def get(
        self,
        url: str,
        read: Callable[[bytes | bytearray], T],
        *,
        most: int | None = None,
        accept: str | None = None,
        once: float | None = None,
        **details: Any,
    ) -> T:
        """What `read` makes of the document's body, which has `most` bytes or what the setting allows. A passing
        failure is tried again, and so is a SourceInvalid that `read` raises; not so what is asked for `once`, in so
        many seconds. `details` go into the error. Raises SourceError.
        """
        limit, headers = min(most or self._most, self._most), {"accept": accept} if accept else {}

        def receive(response: requests.Response, allowance: Allowance) -> bytes | bytearray:
            return read_body(response, allowance, most=limit)

        most_seconds = self._settings.page_seconds
        seconds = most_seconds if once is None else min(once, most_seconds)

        def attempt() -> T:
            return read(self._exchange(url, headers, receive, most=limit, seconds=seconds))

        do = self._insist if once is None else self._try_once
        return do(attempt, {**details, "url": shown(url)})

    def _try_once(self, attempt: Callable[[], T], details: dict[str, Any]) -> T:
        """What nobody needs to know. A source that asks for time is given it all the same. Raises SourceError."""
        try:
            return attempt()
        except SourceError as failed:
            failed.details |= details
            self._hide_secrets(failed)
            if failed.details.get("status") in OVERLOADED:
                self._throttle.pause(min(_backoff(0, failed.details.get("retry_after")), LONGEST_WAIT))
            raise

    def _insist(self, attempt: Callable[[], T], details: dict[str, Any]) -> T:
        """Again, as long as it fails in a way that may pass. Raises SourceError."""
        tries = 0
        while True:
            try:
                return attempt()
            except SourceError as exc:
                wait, code = self._next_try(tries, exc, details), exc.code
            tries += 1
            self._wait(wait, code, tries + 1)

    def follow(self, url: str, link: str, **details: Any) -> str:
        """Where a link leads, within the configured origin and its aliases. Raises SourceRedirected, SourceInvalid."""
        if len(link.encode(errors="surrogatepass")) > LONGEST_LINK:
            raise SourceInvalid(
                f"The source at {shown(url)} gave a link of more than {LONGEST_LINK:,} bytes. Ask its operator.",
                **details,
            )
        try:
            address = self._kept_secret(urljoin(url, link))
            origin, place = _origin(address), shown(address)
        except ValueError as exc:
            raise SourceInvalid(f"The source at {shown(url)} gave a link that is no URL.", **details) from exc
        if origin not in self._origins:
            raise SourceRedirected(
                f"The source points to another origin, {place}, where the credentials must not go. Set "
                "WELLHEAD_SOURCE_URL to the place where the data really is, or name that origin in "
                "WELLHEAD_SOURCE_ALIASES if it is the same service.",
                **details,
            )
        return address

    def _kept_secret(self, address: str) -> str:
        """What stands behind a proxy may not know that it is asked by https. A link to its http name, an alias, leads
        to the service itself, so that nothing ever travels in the open.
        """
        origin, (scheme, host, port) = _origin(address), self._own_origin
        if scheme != "https" or origin[0] != "http" or origin[1] != host or origin not in self._origins:
            return address
        parts = urllib3.util.parse_url(address)
        return parts._replace(scheme=scheme, port=port).url

    # -- tries and time -----------------------------------------------------------------------

    def _next_try(self, attempt: int, failed: SourceError, details: dict[str, Any]) -> float:
        """Seconds until then. It is told and counted. Raises what ends the import instead."""
        failed.details |= details
        self._hide_secrets(failed)
        wait = self._wait_before(attempt, failed)
        told = f"{failed.message} Trying again in {wait:.1f} s."
        record(told, {"HttpRetries": 1}, level=logging.WARNING, code=failed.code, page=details.get("page"))
        with self._counting:
            self.retries += 1
        return wait

    def _wait(self, seconds: float, code: str, number: int) -> None:
        mine = threading.get_ident()
        self._waits[mine] = {"for": code, "until": round(self._now() + seconds, 3), "try": number}
        try:
            self._sleep(seconds)
        finally:
            del self._waits[mine]

    def _hide_secrets(self, exc: SourceError) -> None:
        """A source may repeat what it was sent, in its own words or in a link."""
        for word in self._own_words:
            exc.message = exc.message.replace(word, "…")
            exc.details["says"] = exc.details.get("says", "").replace(word, "…")
        exc.args = (exc.message,)
        if isinstance(self._auth, SourceAuth):
            exc.message = self._auth.hide(exc.message)
            exc.details["says"] = self._auth.hide(exc.details.get("says", ""))
            exc.details["url"] = self._auth.hide(exc.details["url"])
            exc.args = (exc.message,)

    def _wait_before(self, attempt: int, failed: SourceError) -> float:
        wait = _backoff(attempt, failed.details.get("retry_after"))
        spent = isinstance(failed, WorkerTimeSpent) or attempt >= self._settings.source_retries
        if spent or not failed.retryable or wait > LONGEST_WAIT:
            raise failed
        left, error = self._time_left()
        if wait >= left:
            raise error(**failed.details) from failed
        if failed.details.get("status") in OVERLOADED:
            self._throttle.pause(wait)
        return wait

    def _time_left(self, *others: tuple[float, type[SourceError]]) -> tuple[float, type[SourceError]]:
        """Seconds until the first limit of time, and the error that tells of it."""
        limits = [(self._until - self._clock(), SourceTimeSpent), (self._remaining(), WorkerTimeSpent), *others]
        return min(limits, key=lambda limit: limit[0])

    def _rest(self, seconds: float) -> None:
        """Until this request's turn comes. Raises SourceTimeSpent, WorkerTimeSpent."""
        left, error = self._time_left()
        if seconds >= left:
            raise error
        self._sleep(seconds)

    # -- one try ------------------------------------------------------------------------------

    def _exchange(
        self,
        url: str,
        headers: dict[str, str],
        receive: Callable[[requests.Response, Allowance], T],
        *,
        most: int,
        seconds: float,
    ) -> T:
        """What `receive` makes of one good answer, whose body has `most` bytes and is there in so many seconds."""
        with self._turn():
            seconds, late = self._time_left((seconds, SourceTooSlow))
            if self._closed.is_set():
                raise WorkerTimeSpent
            if seconds <= 0:
                raise late
            with self._errors_as_ours(url, late), self._session() as session:
                session.allowance.grant(seconds=seconds, body_bytes=most + FRAMING_BYTES)
                with self._get(session, url, headers) as response:
                    check_status(response, session.allowance)
                    self._was_let_in = True
                    return receive(response, session.allowance)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """When this request may begin. The throttle learns whether the source was overloaded."""
        with self._throttle.slot() as slot:
            try:
                yield
            except SourceError as exc:
                slot.overloaded = isinstance(exc, SourceTooSlow) or exc.details.get("status") in OVERLOADED
                raise

    @contextmanager
    def _errors_as_ours(self, url: str, late: type[SourceError]) -> Iterator[None]:
        """`late` tells of the limit of time that comes first."""
        try:
            yield
        except TooSlow as exc:
            raise late from exc
        except TooLarge as exc:
            raise self._too_large() from exc
        except Unreadable as exc:
            raise SourceEncoding(f"The page of {shown(url)} is not read: {exc}. Ask for UTF-8, plain or gzip.") from exc
        except Broken as exc:
            raise SourceInvalid(f"The page of {shown(url)} is damaged: {exc}. Start the import again.") from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise broken_exchange(exc, url) from exc

    def _too_large(self) -> SourceError:
        return SourceTooLarge(
            f"The source sent a page of more than {self._settings.page_mb} MB, or headers of more than "
            f"{HEAD_BYTES >> 10} KB. Ask for fewer rows with WELLHEAD_PAGE_SIZE, or raise WELLHEAD_PAGE_MB if that is "
            "right."
        )

    @contextmanager
    def _session(self) -> Iterator[BoundedSession]:
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._new_session()
        try:
            yield session
        finally:
            self._idle.append(session)
            if self._closed.is_set():
                self.close()

    def _new_session(self) -> BoundedSession:
        settings = self._settings
        session = BoundedSession(
            auth=self._auth,
            clock=self._clock,
            ca=settings.source_ca,
            is_kept_outside=settings.is_kept_outside,
            proxy=self._proxy,
        )
        session.headers["OData-MaxVersion"] = "4.01"
        session.headers["Prefer"] = f"odata.maxpagesize={settings.page_size}"
        session.headers.update(settings.source_headers)
        return session

    def _get(self, session: BoundedSession, url: str, headers: dict[str, str]) -> requests.Response:
        """The first answer that is no redirect. The first URL is checked too: it may come from a checkpoint that was
        written under other settings.
        """
        url = self.follow(url, "")
        for _ in range(MAX_REDIRECTS + 1):
            response = self._ask(session, url, headers)
            if not response.is_redirect:
                return response
            response.close()
            url = self.follow(url, response.headers["Location"])
        raise SourceRedirected(f"The source at {shown(url)} redirects without end.")

    def _ask(self, session: BoundedSession, url: str, headers: dict[str, str]) -> requests.Response:
        """A token that the source refuses is renewed, once. Other credentials that it has taken before are shown once
        more, in a new session: one of several servers may have missed them, or the old session is over.
        """
        origin = _origin(url)
        session.cookies = self._cookies.of(origin)
        response = session.ask("GET", url, headers=headers)
        is_refused = response.status_code == requests.codes.unauthorized
        if is_refused and (isinstance(self._auth, TokenAuth) or self._was_let_in):
            response.close()
            if isinstance(self._auth, TokenAuth):
                self._auth.forget(response.request)
            self._cookies.forget(origin)
            session.cookies = self._cookies.of(origin)
            response = session.ask("GET", url, headers=headers)
        return response


def _backoff(attempt: int, retry_after: float | None) -> float:
    """Seconds: 0.5, 1, 2, 4 … at most 20, each halved at random, and never less than the source asks for."""
    spread: float = min(20.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(spread, retry_after or 0.0)


def _origin(url: str) -> tuple[str | None, str | None, int | None]:
    r"""By the parser that `requests` sends with: `http://a\@b/` leads to a, where urllib.parse reads b."""
    parts = urllib3.util.parse_url(url)
    return parts.scheme, parts.host, parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")


def _values_of_the_query(url: str) -> list[str]:
    """Of the options that are not OData's: a key perhaps. A word so short would be in every sentence."""
    pairs = parse_qsl(urlsplit(url).query)
    return [value for name, value in pairs if not name.startswith("$") and len(value) >= SHORTEST_SECRET]
