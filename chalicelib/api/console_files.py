"""The files of the web console, as they are served: which there are, their types, and what a
browser may do with them.

Read once, when this is imported. A name is looked up, never joined to a path: nothing else can be
asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import FileNotServed
from chalicelib.setting_values import is_loopback

from .etag import etag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

# All that the page loads is its own, and there is no inline script or style; text never becomes
# markup (Trusted Types). https://www.w3.org/TR/CSP3/
RULES = {
    "default-src": "'none'",
    **dict.fromkeys(("script-src", "style-src", "img-src", "connect-src"), "'self'"),
    **dict.fromkeys(("base-uri", "form-action", "frame-ancestors"), "'none'"),
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
UNUSED = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "microphone",
    "payment",
    "usb",
)
HEADERS = {
    # Kept, and asked after with If-None-Match: a new version shows at the next load.
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


BUCKET = r"s3://([a-z0-9.-]{3,63})(/.*)?"
HTTPS_SECONDS = 31_536_000  # a year


def page_policy(environment: Mapping[str, str]) -> dict[str, str]:
    """What the console may load and ask: its own, and the bucket of the warehouse, where files that
    people choose are sent. By both names of the bucket, as a signed form may have either; a
    directory takes no files.
    """
    sources = ["'self'"]
    bucket = re.fullmatch(BUCKET, environment.get("WELLHEAD_WAREHOUSE", ""))
    if bucket:
        region = environment.get("AWS_REGION", "")
        hosts = [f"{bucket[1]}.s3.amazonaws.com", f"{bucket[1]}.s3.{region}.amazonaws.com"]
        sources += [f"https://{host}" for host in hosts if ".." not in host]
    rules = RULES | {"connect-src": " ".join(sources)}
    policy = "; ".join(f"{directive} {value}" for directive, value in rules.items())
    return {"Content-Security-Policy": policy}


def https_alone(headers: Mapping[str, str]) -> dict[str, str]:
    """Of the answer to a request with these headers: where the page came by https, browsers shall
    ask this host by nothing else. Never for a loopback name, behind whose other ports others serve
    http. RFC 6797; API Gateway sets X-Forwarded-Proto itself.
    """
    host = headers.get("host", "").lower()
    name = re.sub(r":[0-9]*$", "", host).strip("[]")
    is_of_this_machine = not name or name.endswith(".localhost") or is_loopback(name)
    is_https = headers.get("x-forwarded-proto", "").lower() == "https"
    if is_of_this_machine or not is_https:
        return {}
    return {"Strict-Transport-Security": f"max-age={HTTPS_SECONDS}"}


@dataclass(frozen=True, kw_only=True)
class ConsoleFile:
    text: str
    headers: Mapping[str, str]


def read_files(directory: Path) -> dict[str, ConsoleFile]:
    paths = [path for path in directory.iterdir() if path.suffix in TYPES]
    return {path.name: _read(path) for path in paths}


def console_file(name: str) -> ConsoleFile:
    """Raises FileNotServed."""
    file = FILES.get(name)
    if file is None:
        raise FileNotServed
    return file


def _read(path: Path) -> ConsoleFile:
    text = path.read_text("utf-8")
    headers = {
        **HEADERS,
        "Content-Type": TYPES[path.suffix],
        "ETag": etag_of(path.name, text),
    }
    return ConsoleFile(text=text, headers=headers)


FILES = read_files(Path(__file__).with_name("console"))
