"""BoundedSession: HTTP requests whose answers take no more time and bytes than they may.

requests bounds the time of a single read and nothing else. Here every byte that comes off the
socket is counted, and each read waits no longer than what is left: a drip of header lines, chunk
sizes or compressed nothing is no way around.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from chalicelib import __version__
from chalicelib.errors import SettingsError, SourceInside

from .inside import Resolve, is_inside_address, public_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.auth import AuthBase

    from .proxy import Proxy

USER_AGENT = f"Wellhead/{__version__}"
CONNECT_SECONDS = 10.0
SILENT_SECONDS = 30.0  # without a single byte
# Status line and headers; http.client itself takes a hundred headers of 64 KiB.
HEAD_BYTES = 1 << 17
BUFFER_BYTES = 1 << 16
HTTPS_PORT = 443


class TooSlow(Exception):
    """The answer was not whole in time.
    No OSError, so that nothing on the way takes it for a broken connection.
    """


class TooLarge(Exception):
    """The answer has more bytes than it may."""


class Allowance:
    """What one exchange may take: seconds in all, and bytes as they come off the socket."""

    _answer: HTTPResponse

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = self._left = float("inf")
        self._body_bytes = 0

    def grant(self, *, seconds: float, body_bytes: int) -> None:
        self._until = self._clock() + seconds
        self._body_bytes = body_bytes
        self.begin_head()  # a proxy answers before the source does

    def hurry(self, seconds: float) -> None:
        """What is still to come of this exchange may take so many seconds at most."""
        end = self._clock() + seconds
        self._until = min(self._until, end)

    def begin_head(self) -> None:
        self._left = HEAD_BYTES

    def begin_body(self, answer: HTTPResponse) -> None:
        self._left = self._body_bytes
        self._answer = answer

    def fill(self, buffer: bytearray) -> int:
        """Read the body of the last answer into the buffer;
        how many bytes came until one of them ended.
        """
        with memoryview(buffer) as room:
            received = 0
            while received < len(room) and (size := self._answer.readinto(room[received:])):
                received += size
            return received

    def seconds(self) -> float:
        """What is left. Raises TooSlow."""
        left = self._until - self._clock()
        if left <= 0:
            raise TooSlow
        return left

    def take(self, size: int) -> None:
        """Raises TooLarge."""
        self._left -= size
        if self._left < 0:
            raise TooLarge


class BoundedSession(requests.Session):
    """For one thread at a time. Follows no redirect, asks the environment for nothing, and keeps no
    cookie unless it is given a jar for them. `ca` is a file of the authorities to trust, in place
    of those that everybody trusts, and `ca_too` one of authorities to trust beside them. One that
    `is_kept_outside` sends nothing into the machine that it is on: asking raises SourceInside. What
    the `proxy` takes goes through it. One that `is_kept_public` connects to public addresses alone,
    and else raises NotPublic; `resolve` is socket.getaddrinfo.
    """

    def __init__(
        self,
        *,
        auth: AuthBase | None = None,
        clock: Callable[[], float] = time.monotonic,
        ca: str = "",
        ca_too: str = "",
        is_kept_outside: bool = False,
        is_kept_public: bool = False,
        resolve: Resolve = socket.getaddrinfo,
        proxy: Proxy | None = None,
    ) -> None:
        super().__init__()
        self._proxy = proxy
        self.allowance = Allowance(clock)
        self.auth = auth
        self.verify = ca or True
        # No HTTPS_PROXY and no .netrc: what is sent goes where the settings say.
        self.trust_env = False
        # They would grow with every answer.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.headers.update(
            {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT}
        )
        for scheme in ("https://", "http://"):
            adapter = _Adapter(
                self.allowance,
                ca_too=ca_too,
                is_kept_outside=is_kept_outside,
                resolve=resolve if is_kept_public else None,
                proxy=proxy,
            )
            self.mount(scheme, adapter)

    def ask(self, method: str, url: str, **options: Any) -> requests.Response:
        """The answer without its body. Raises TooSlow, TooLarge, requests.RequestException."""
        connect = min(CONNECT_SECONDS, self.allowance.seconds())
        timeout = (connect, SILENT_SECONDS)
        if self._proxy and self._proxy.takes(url):
            options["proxies"] = {"https": self._proxy.url}
        return self.request(
            method, url, stream=True, allow_redirects=False, timeout=timeout, **options
        )

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None. Told not to follow, requests still prepares the next request,
        and for that it reads the whole body of this answer, whatever its size.
        """


def check_authority(file: str) -> None:
    """Whether the file of WELLHEAD_SOURCE_CA can be trusted. Raises SettingsError."""
    if not file:
        return
    try:
        create_urllib3_context().load_verify_locations(file)
    except ssl.SSLError:
        raise SettingsError(
            "WELLHEAD_SOURCE_CA names a file without a certificate. Write them there as PEM."
        ) from None
    except OSError:
        raise SettingsError(
            "WELLHEAD_SOURCE_CA names no file that can be read. Correct it, or put the file there."
        ) from None


class _Adapter(HTTPAdapter):
    """What the connections are made of. Every seam is a documented one: of requests the methods for
    subclasses, of urllib3 the classes of pools and connections, of ssl the class of sockets.
    """

    def __init__(
        self,
        allowance: Allowance,
        *,
        ca_too: str,
        is_kept_outside: bool,
        resolve: Resolve | None,
        proxy: Proxy | None,
    ) -> None:
        self._pools = _pools(allowance, _OutsideConnection if is_kept_outside else HTTPConnection)
        # They lead to the proxy, which whoever deploys has named.
        self._tunnels = _pools(allowance, HTTPConnection)
        self._ca_too = ca_too
        self._is_kept_outside = is_kept_outside
        self._resolve = resolve
        self._proxy = proxy
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        options |= self._tls(is_kept_outside=self._is_kept_outside)
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy not in self.proxy_manager and self._proxy:
            options |= self._tls(is_kept_outside=False) | {"proxy_ssl_context": self._proxy.tls()}
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._tunnels
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002  whose URL holds no password
        return self._proxy.headers if self._proxy else {}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> Any:
        """A connection to a public name is made to the very address that was looked at, and the
        certificate is that of the name all the same.
        """
        place: Any
        tls: Any
        place, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if self._resolve:
            name = place["host"]
            place["host"] = public_address(name, place["port"] or HTTPS_PORT, self._resolve)
            tls["server_hostname"] = name
        return place, tls

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """The name, where the connection knows an address only."""
        if self._resolve:
            place = urlsplit(str(request.url)).netloc.rpartition("@")[2]
            request.headers.setdefault("Host", place)

    def _tls(self, *, is_kept_outside: bool) -> dict[str, Any]:
        """Of the source; requests adds the public authorities."""
        if not self._ca_too and not is_kept_outside:
            return {}
        context = create_urllib3_context()
        if self._ca_too:
            context.load_verify_locations(self._ca_too)
        if is_kept_outside:
            context.sslsocket_class = _OutsideTls
        return {"ssl_context": context}


def _refuse_inside(sock: socket.socket) -> None:
    """What a name leads to is known when the connection stands, and before a byte is sent. A look
    at the name beforehand would not do: the next one may get another address.
    """
    if is_inside_address(str(sock.getpeername()[0])):
        sock.close()
        raise SourceInside


class _OutsideConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _refuse_inside(self.sock)


class _OutsideTls(ssl.SSLSocket):
    """TLS sends its first byte in the handshake."""

    def do_handshake(self, block: bool = False) -> None:
        _refuse_inside(self)
        super().do_handshake(block)


def _pools(allowance: Allowance, plain: type[HTTPConnection]) -> dict[str, type]:
    """urllib3's pools, whose connections read their answers within the allowance."""
    reading = {"response_class": type("Response", (_BoundedResponse,), {"allowance": allowance})}
    connection = {"ConnectionCls": type("Connection", (plain,), reading)}
    tls_connection = {"ConnectionCls": type("TlsConnection", (HTTPSConnection,), reading)}
    return {
        "http": type("Pool", (HTTPConnectionPool,), connection),
        "https": type("TlsPool", (HTTPSConnectionPool,), tls_connection),
    }


class _BoundedResponse(HTTPResponse):
    allowance: Allowance

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw = _BoundedRaw(self.fp.detach(), sock, self.allowance)
        self.fp = io.BufferedReader(raw, BUFFER_BYTES)

    def begin(self) -> None:
        self.allowance.begin_head()
        super().begin()
        self.allowance.begin_body(self)


class _BoundedRaw(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, allowance: Allowance) -> None:
        self._raw = raw
        self._sock = sock
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(min(SILENT_SECONDS, self._allowance.seconds()))
        try:
            size: int | None = self._raw.readinto(buffer)
        except TimeoutError as exc:
            raise TooSlow from exc
        self._allowance.take(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()
