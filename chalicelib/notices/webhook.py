"""Webhook: a notice posted to a receiver of somebody's own, signed, without redirects, in bounded
time.

Who sets its address decides where this function connects to. So in a deployed stack it is https,
and the name leads to public addresses alone; the connection is made to the very address that was
looked at (http/adapter.py).
"""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
import urllib3

from chalicelib.backoff import seconds_of_retry_after
from chalicelib.errors import NoticeUnsent
from chalicelib.http.allowance import TooLarge, TooSlow
from chalicelib.http.inside import NotPublic
from chalicelib.http.session import BoundedSession

from .forms import body_of
from .signature import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.http.inside import Resolve
    from chalicelib.jobs.notice import Notice
    from chalicelib.settings import Settings

SECONDS = 15.0  # until the answer's head is there; Standard Webhooks advises 15 to 30
BUSY = {429, 500, 502, 503, 504}


class Webhook:
    """`keys` reads the keys that it is signed with, none where the form needs no signature;
    it may raise SecretUnavailable or SecretInvalid.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        keys: Callable[[], list[bytes]],
        clock: Callable[[], float] = time.time,
        resolve: Resolve = socket.getaddrinfo,
        seconds: float = SECONDS,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._resolve = resolve
        self._seconds = seconds

    def send(self, notice: Notice) -> None:
        """Raises NoticeUnsent, SecretUnavailable, SecretInvalid."""
        body = body_of(notice, self._settings.webhook_form, stage=self._settings.stage)
        timestamp = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notice.key,
            "webhook-timestamp": str(timestamp),
        }
        if keys := self._keys():
            headers["webhook-signature"] = signature(
                keys, key=notice.key, timestamp=timestamp, body=body
            )
        try:
            self._post(body, headers)
        except NotPublic as exc:
            raise NoticeUnsent(
                "WELLHEAD_WEBHOOK_URL leads to an address that is not public, or is not https, so nothing was sent. "
                "Correct it, or ask who runs its name."
            ) from exc
        except (TooSlow, requests.Timeout, urllib3.exceptions.TimeoutError) as exc:
            raise NoticeUnsent(
                f"The receiver gave no answer within {self._seconds:g} seconds.", is_busy=True
            ) from exc
        except TooLarge as exc:
            raise NoticeUnsent("The receiver's answer has too long a head.", is_busy=True) from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise NoticeUnsent(
                "The receiver cannot be reached, or broke off.", is_busy=True
            ) from exc

    def _post(self, body: bytes, headers: dict[str, str]) -> None:
        """The status alone is of interest:
        the answer's body is left where it is, however long it may be.
        """
        url = self._settings.webhook_url
        is_public = self._settings.source_reach == "outside"
        if is_public and not _is_https(url):
            raise NotPublic
        with BoundedSession(is_kept_public=is_public, resolve=self._resolve) as session:
            session.allowance.grant(seconds=self._seconds, body_bytes=0)
            with session.ask("POST", url, data=body, headers=headers) as response:
                _check(response)


def _is_https(url: str) -> bool:
    scheme = urllib3.util.parse_url(url).scheme
    return scheme == "https"


def _check(response: requests.Response) -> None:
    """Raises NoticeUnsent. Who answers 410 wants to hear nothing any more."""
    status = response.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    told = f"The receiver answered with HTTP {status}."
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        told += " It is not followed elsewhere: set WELLHEAD_WEBHOOK_URL to where it really is."
    wait = seconds_of_retry_after(response.headers.get("Retry-After"))
    raise NoticeUnsent(
        told, is_busy=status in BUSY, is_final=status == HTTPStatus.GONE, retry_after=wait
    )
