"""BoundedAdapter: the connections of a session, which read their answers within its allowance."""

from __future__ import annotations

import io
import ssl
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from chalicelib.errors import SourceInside

from .allowance import TooSlow
from .inside import Resolve, is_inside_address, public_address

if TYPE_CHECKING:
    import socket
    from collections.abc import Hashable, Mapping

    import requests

    from .allowance import Allowance
    from .proxy import Proxy
    from .trust import Trust

SILENT_SECONDS = 30.0  # without a single byte
BUFFER_BYTES = 1 << 16
HTTPS_PORT = 443


class BoundedAdapter(HTTPAdapter):
    """What the connections are made of. Every seam is a documented one: of requests the methods for
    subclasses, of urllib3 the classes of pools and connections, of ssl the class of sockets.
    """

    def __init__(
        self,
        allowance: Allowance,
        *,
        trust: Trust,
        is_kept_outside: bool,
        resolve: Resolve | None,
        proxy: Proxy | None,
    ) -> None:
        self._pools = _pools(allowance, _OutsideConnection if is_kept_outside else HTTPConnection)
        # They lead to the proxy, which whoever deploys has named.
        self._tunnels = _pools(allowance, HTTPConnection) if proxy else {}
        self._last_place: Hashable = None
        self._last_pool: Any = None
        self._trust = trust
        self._sockets = _OutsideTls if is_kept_outside else ssl.SSLSocket
        self._is_tunnel = False
        self._resolve = resolve
        self._proxy = proxy
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def close(self) -> None:
        self._last_place = None  # its pool is closed with all others
        super().close()

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> Any:
        """The pool of the request before, where this one goes to the same place: page after page
        it does. A name that is looked up is looked up each time.
        """
        url = urlsplit(str(request.url))
        place = (url.scheme, url.netloc, bool(proxies))
        if place != self._last_place or self._resolve:
            # Read in build_connection_pool_key_attributes, which the next call makes.
            self._is_tunnel = bool(proxies)
            self._last_pool = super().get_connection_with_tls_context(
                request, verify, proxies, cert
            )
            self._last_place = place
        return self._last_pool

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy not in self.proxy_manager and self._proxy:
            options |= {"proxy_ssl_context": self._proxy.tls()}
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
        if place["scheme"] == "https":
            # Through a tunnel the other end is the proxy, which may well be inside.
            sockets = ssl.SSLSocket if self._is_tunnel else self._sockets
            tls["ssl_context"] = self._trust.context(sockets)
        if self._resolve:
            name = place["host"]
            place["host"] = public_address(name, place["port"] or HTTPS_PORT, self._resolve)
            tls["server_hostname"] = name
        return place, tls

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Nothing is to be read for it: the context has the authorities, and demands a certificate
        of one of them.
        """

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """The name, where the connection knows an address only."""
        if self._resolve:
            place = urlsplit(str(request.url)).netloc.rpartition("@")[2]
            request.headers.setdefault("Host", place)


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
    # Pools make their connections, and connections their responses, by a class and with arguments
    # of urllib3's. So the allowance is an attribute of classes that are made for it.
    reading = {"response_class": type("Response", (_BoundedResponse,), {"allowance": allowance})}
    connection = {"ConnectionCls": type("Connection", (plain,), reading)}
    # Of these the socket looks where it leads, before its handshake: _OutsideTls.
    tls_connection = {"ConnectionCls": type("TlsConnection", (HTTPSConnection,), reading)}
    return {
        "http": type("Pool", (HTTPConnectionPool,), connection),
        "https": type("TlsPool", (HTTPSConnectionPool,), tls_connection),
    }


class _BoundedResponse(HTTPResponse):
    allowance: Allowance

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        # http.client reads through a buffer of its own. Detached, it gives the socket's file.
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
        seconds = min(SILENT_SECONDS, self._allowance.seconds())
        # To set it asks the system, and a page comes in many pieces.
        if seconds != self._sock.gettimeout():
            self._sock.settimeout(seconds)
        try:
            size: int | None = self._raw.readinto(buffer)
        except TimeoutError as exc:
            raise TooSlow from exc
        self._allowance.take(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()
