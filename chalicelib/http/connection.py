"""SourceConnection: one document of the source at a time, whatever the network and a hostile server
do.

A document is atomic. A body cut off, or one that its reader refuses, is a failed request, tried
again and then reported.

The credentials go to the configured origin and its listed aliases, and nowhere else: links and
redirects to another one are refused.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import urllib3

from chalicelib.errors import (
    SourceEncoding,
    SourceError,
    SourceInvalid,
    SourceRedirected,
    SourceTooLarge,
    SourceTooSlow,
    WorkerTimeSpent,
)

from .access_token import TokenAuth
from .allowance import HEAD_BYTES, Allowance, TooLarge, TooSlow
from .body import Broken, Unreadable, read_body
from .cookies import OriginCookies
from .failures import broken_exchange, check_status, safe_url
from .origins import Origin, Origins
from .retries import Retries, is_overload
from .secret_words import SecretWords
from .session import BoundedSession
from .throttle import Throttle
from .time_limits import TimeLimits
from .trust import Trust, check_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests.auth import AuthBase

    from chalicelib.settings import Settings

    from .proxy import Proxy

MAX_REDIRECTS = 5
FRAMING_BYTES = 1 << 20  # what chunk sizes and trailers may add to a page on the wire

T = TypeVar("T")


class SourceConnection:
    """Safe for threads: each request takes an idle session, so connections are used again, by one
    at a time.

    `remaining` gives the seconds that this worker has left to fetch in, `spent` those that earlier
    workers took of WELLHEAD_SOURCE_SECONDS.
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
        self._page_bytes = settings.page_mb << 20
        self._auth = auth
        self._proxy = proxy
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._limits = TimeLimits(
            source_seconds=settings.source_seconds - spent, remaining=remaining, clock=clock
        )
        self._origins = Origins(settings.source_url, settings.source_aliases)
        self._cookies = OriginCookies()
        self._trust = Trust(ca=settings.source_ca)
        self._has_succeeded = False
        self._throttle = Throttle(
            most=settings.source_connections,
            per_second=settings.source_rps,
            clock=clock,
            sleep=self._wait_for_turn,
        )
        self._retries = Retries(
            most=settings.source_retries,
            limits=self._limits,
            throttle=self._throttle,
            secrets=SecretWords(settings.source_url, auth),
            sleep=self._sleep,
            now=now,
        )
        self._idle: list[BoundedSession] = []

    @property
    def requests_at_once(self) -> int:
        """How many may be under way now:
        those of the setting, or fewer while the source is overloaded.
        """
        return self._throttle.limit

    @property
    def retries(self) -> int:
        """How many requests were tried again."""
        return self._retries.count

    @property
    def waiting(self) -> dict[str, Any] | None:
        """The longest wait before another try that is under way: for the code of what failed, until
        when in epoch seconds, and the number of the try, of which 2 is the first that repeats.
        """
        return self._retries.longest_wait

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
        """What `read` makes of the document's body, which has `most` bytes or what the setting
        allows. A passing failure is tried again, and so is a SourceInvalid that `read` raises; not
        so what is asked for `once`, in so many seconds. `details` go into the error. Raises
        SourceError.
        """
        most_bytes = min(most or self._page_bytes, self._page_bytes)
        seconds: float = self._settings.page_seconds
        if once is not None:
            seconds = min(once, seconds)
        headers = {"Accept": accept} if accept else {}

        def receive(response: requests.Response, allowance: Allowance) -> bytes | bytearray:
            return read_body(response, allowance, most=most_bytes)

        def attempt() -> T:
            return read(self._exchange(url, headers, receive, most=most_bytes, seconds=seconds))

        details["url"] = safe_url(url)
        if once is None:
            return self._retries.insist(attempt, details)
        return self._retries.try_once(attempt, details)

    def follow(self, url: str, link: str, **details: Any) -> str:
        """Where a link leads, within the configured origin and its aliases.
        Raises SourceRedirected, SourceInvalid.
        """
        return self._origins.follow(url, link, **details)

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
        """What `receive` makes of one good answer,
        whose body has `most` bytes and is there in so many seconds.
        """
        with self._turn():
            # Looked at when the turn has come: to wait for it takes of the same time.
            limit = self._limits.first_of_exchange(seconds)
            if self._closed.is_set():
                raise WorkerTimeSpent
            if limit.seconds <= 0:
                raise limit.error
            with self._errors_as_ours(url, limit.error), self._session() as session:
                session.allowance.grant(seconds=limit.seconds, body_bytes=most + FRAMING_BYTES)
                with self._get(session, url, headers) as response:
                    check_status(response, session.allowance)
                    self._has_succeeded = True
                    return receive(response, session.allowance)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """When this request may begin. The throttle learns whether the source was overloaded."""
        with self._throttle.slot() as slot:
            try:
                yield
            except SourceError as exc:
                slot.overloaded = isinstance(exc, SourceTooSlow) or is_overload(exc)
                raise

    def _wait_for_turn(self, seconds: float) -> None:
        """Raises SourceTimeSpent, WorkerTimeSpent."""
        self._limits.check(seconds)
        self._sleep(seconds)

    @contextmanager
    def _errors_as_ours(self, url: str, late: type[SourceError]) -> Iterator[None]:
        """`late` is the error of the limit of time that comes first."""
        try:
            yield
        except TooSlow as exc:
            raise late from exc
        except TooLarge as exc:
            raise self._too_large() from exc
        except Unreadable as exc:
            raise SourceEncoding(
                f"The page of {safe_url(url)} is not read: {exc}. Ask for UTF-8, plain or gzip."
            ) from exc
        except Broken as exc:
            raise SourceInvalid(
                f"The page of {safe_url(url)} is damaged: {exc}. Start the import again."
            ) from exc
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
            if self._closed.is_set():  # and close() did not find this one, which was at work
                self.close()

    def _new_session(self) -> BoundedSession:
        settings = self._settings
        session = BoundedSession(
            auth=self._auth,
            clock=self._clock,
            trust=self._trust,
            is_kept_outside=settings.is_kept_outside,
            proxy=self._proxy,
        )
        session.headers["OData-MaxVersion"] = "4.01"
        session.headers["Prefer"] = f"odata.maxpagesize={settings.page_size}"
        session.headers.update(settings.source_headers)
        return session

    def _get(self, session: BoundedSession, url: str, headers: dict[str, str]) -> requests.Response:
        """The first answer that is no redirect. The first URL is checked too:
        it may come from a checkpoint that was written under other settings.
        """
        url = self.follow(url, "")
        for _ in range(MAX_REDIRECTS + 1):
            response = self._ask(session, url, headers)
            if not response.is_redirect:
                return response
            response.close()
            url = self.follow(url, response.headers["Location"])
        raise SourceRedirected(f"The source at {safe_url(url)} redirects without end.")

    def _ask(self, session: BoundedSession, url: str, headers: dict[str, str]) -> requests.Response:
        """A token that the source refuses is renewed, once. Other credentials that it has taken
        before are shown once more, in a new session: one of several servers may have missed them,
        or the old session is over.
        """
        origin = Origin.of(url)
        session.cookies = self._cookies.of(origin)
        response = session.ask("GET", url, headers=headers)
        is_refused = response.status_code == requests.codes.unauthorized
        may_pass = isinstance(self._auth, TokenAuth) or self._has_succeeded
        if not is_refused or not may_pass:
            return response
        response.close()
        if isinstance(self._auth, TokenAuth):
            self._auth.forget(response.request)
        self._cookies.forget(origin)
        session.cookies = self._cookies.of(origin)
        return session.ask("GET", url, headers=headers)
