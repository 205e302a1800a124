"""Proxy: the way out to a source that knows its callers by their address, or that nothing else
leads to.

Only what is asked of the source by https goes through it, by CONNECT: the proxy sees which host is
asked, and nothing of what is said. What a name leads to the proxy alone knows, so the look at the
address of a connection (_refuse_inside in adapter.py) is not taken here. It need not be: the source still
has to show a certificate for its name before it is sent a word, which no service that hands out
credentials can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from .inside import is_inside
from .secret import secret_parts, stored_secret
from .signing import HeaderAuth, basic_auth
from .trust import check_authority
from .url_parts import url_parts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from chalicelib.settings import Settings

SECRET = "WELLHEAD_SOURCE_PROXY_SECRET"  # noqa: S105  the name of the setting


@dataclass(frozen=True)
class Proxy:
    """`url` holds no password; `auth` does.
    `ca` is the file of an authority to trust beside the public ones.
    """

    url: str
    auth: HeaderAuth | None = field(default=None, repr=False)
    ca: str = ""

    def takes(self, url: str) -> bool:
        """What is on this machine is asked as it is: a proxy's own machine is another one."""
        parts = url_parts(url)
        host = parts.host or ""
        return parts.scheme == "https" and not is_inside(host)

    @property
    def headers(self) -> dict[str, str]:
        return self.auth.headers if self.auth else {}

    def tls(self) -> ssl.SSLContext | None:
        """How the proxy itself is trusted; None where it is asked in the open."""
        if not self.url.startswith("https://"):
            return None
        context = create_urllib3_context()
        for authorities in filter(None, (DEFAULT_CA_BUNDLE_PATH, self.ca)):
            context.load_verify_locations(authorities)
        return context


def open_proxy(
    settings: Settings, *, client: Callable[[str], Any], environment: Mapping[str, str]
) -> Proxy | None:
    """The proxy of the settings, its secret read; None where there is none.
    Raises SecretUnavailable, SecretInvalid, SettingsError.
    """
    if not settings.source_proxy:
        return None
    ca = settings.source_ca if settings.proxy_ca is None else settings.proxy_ca
    check_authority(ca)
    auth = None
    if settings.source_proxy_secret:
        text = stored_secret(
            settings.source_proxy_secret, client=client, environment=environment, setting=SECRET
        )
        parts = secret_parts("basic", text, needed_by=SECRET)
        auth = basic_auth(parts["username"], parts["password"], header="Proxy-Authorization")
    return Proxy(settings.source_proxy, auth, ca)
