"""Trust: whose certificates are believed.

urllib3 reads the list of public authorities for each connection that it makes, which takes longer
than the handshake. A source that is asked over sixteen connections would have it read sixteen
times, all at once and before the first row is there.
"""

from __future__ import annotations

import ssl
import threading

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from chalicelib.errors import SettingsError


class Trust:
    """Safe for threads. `ca` is a file of the authorities to trust, in place of those that
    everybody trusts, and `ca_too` one of authorities to trust beside them.
    """

    def __init__(self, *, ca: str = "", ca_too: str = "") -> None:
        self._files = [file for file in (ca or DEFAULT_CA_BUNDLE_PATH, ca_too) if file]
        self._contexts: dict[type[ssl.SSLSocket], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context(self, sockets: type[ssl.SSLSocket] = ssl.SSLSocket) -> ssl.SSLContext:
        """For all connections whose sockets are of this class. Raises OSError."""
        with self._lock:
            if sockets not in self._contexts:
                self._contexts[sockets] = self._read(sockets)
            return self._contexts[sockets]

    def _read(self, sockets: type[ssl.SSLSocket]) -> ssl.SSLContext:
        context = create_urllib3_context()
        context.sslsocket_class = sockets
        for file in self._files:
            context.load_verify_locations(file)
        context.set_alpn_protocols(ALPN_PROTOCOLS)
        # urllib3 sets them again for each connection, which no other thread may be making then.
        context.set_alpn_protocols = _leave_as_they_are  # type: ignore[assignment, method-assign]
        return context


def _leave_as_they_are(_: object) -> None:
    """They are set."""


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
