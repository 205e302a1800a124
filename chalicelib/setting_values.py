"""What the text of a setting means: each function reads one, or raises ValueError with what it must
be.

The sentence goes on from the name of the variable: "WELLHEAD_STAGE must be …".
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = 100  # percent
_FRAMING = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "te",
    "upgrade",
}
_TABLE_BUCKET = r"arn:aws[a-z-]*:s3tables:[a-z0-9-]+:[0-9]{12}:bucket/[a-z0-9.-]{3,63}"
_STATE_MACHINE = r"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{1,80}"


def text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def decimal(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip()):
            raise ValueError("must be a number such as 2 or 0.5")
        number = float(value)
        if not low <= number <= high:
            raise ValueError(f"must be from {low:,} to {high:,}")
        return number

    return read


def share(value: str) -> float:
    """`5 %` or `0.5%`, as a part of one."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", value.strip())
    if not found or float(found[1]) > WHOLE:
        raise ValueError("must be a share such as 5 % or 0.5 %")
    return float(found[1]) / WHOLE


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be from {low:,} to {high:,}")
        return number

    return read


def url(value: str) -> str:
    parts = _split(value.strip())
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; use WELLHEAD_SOURCE_SECRET")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must be https, because credentials and data would travel in the open")
    if parts.fragment:
        raise ValueError("must not hold a fragment")
    return value.strip()


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.hostname, parts.port  # which are read, and refused, only when somebody asks
    except ValueError:
        raise ValueError("must be a URL") from None
    return parts


def url_or_nothing(value: str) -> str:
    if not value.strip():
        return ""
    return url(value)


def webhook_url(value: str) -> str:
    """Only the laptop's receiver may be asked without TLS: https, or http to this machine."""
    try:
        return url_or_nothing(value)
    except ValueError as exc:
        sentence, _, _ = str(exc).partition("; use WELLHEAD_SOURCE_SECRET")
        raise ValueError(sentence) from None


def topic(value: str) -> str:
    arn = value.strip()
    if arn and not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", arn):
        raise ValueError("must be the ARN of a topic of SNS")
    return arn


def file_or_nothing(value: str) -> str:
    """Whether it is there, the function tells that needs it; others may have another disk."""
    path = value.strip()
    if path and not re.fullmatch(r"/.*[^/]", path):
        raise ValueError("must be the absolute path of a file")
    return path


def origins(value: str) -> tuple[str, ...]:
    """`https://host:port,https://host`: places, without a path."""
    return _origins_of(value, url)


def proxy(value: str) -> str:
    """Its secret has a place of its own, for this one is shown."""
    address = value.strip()
    parts = _split(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be an http or https URL such as http://proxy.example.org:3128")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; use WELLHEAD_SOURCE_PROXY_SECRET")
    if parts.path not in ("", "/") or "?" in address or "#" in address:
        raise ValueError("must be an origin such as http://proxy.example.org:3128, without a path")
    return address.rstrip("/")


def aliases(value: str) -> tuple[str, ...]:
    """As `origins`;
    also the http name of a service that is asked by https, see Settings.from_environment.
    """
    return _origins_of(value, _alias)


def _alias(origin: str) -> str:
    """An origin of http has to be right but for its scheme."""
    address = origin.strip()
    if not address.startswith("http://"):
        return url(address)
    url("https" + address.removeprefix("http"))
    return address


def _origins_of(value: str, read: Callable[[str], str]) -> tuple[str, ...]:
    addresses = tuple(read(origin) for origin in value.split(",") if origin.strip())
    for address in addresses:
        if urlsplit(address).path not in ("", "/") or "?" in address:
            raise ValueError(
                "must be origins such as https://data.example.org:8443, without a path"
            )
    return addresses


def header_name(value: str) -> str:
    name = value.strip()
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or name.lower() in _FRAMING:
        raise ValueError("must be the name of an HTTP header that may carry a key")
    return name


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def warehouse(value: str) -> str:
    is_directory = value.startswith("/")
    is_in_bucket = re.match(r"s3://[A-Za-z0-9._-]+(/|$)", value)
    if not is_directory and not is_in_bucket:
        raise ValueError("must be an absolute directory or s3://bucket/prefix")
    return value.rstrip("/") or "/"


def catalog(value: str) -> str:
    """A table bucket of S3 Tables by its ARN, or the URL of an Iceberg REST catalog;
    nothing where there is no lake.
    """
    place = value.strip()
    if place.startswith("arn:"):
        if not re.fullmatch(_TABLE_BUCKET, place):
            raise ValueError("must be the ARN of a table bucket or the URL of a catalog")
        return place
    return url_or_nothing(place)


def state_machine(value: str) -> str:
    """Its ARN; nothing where there is none."""
    arn = value.strip()
    if arn and not re.fullmatch(_STATE_MACHINE, arn):
        raise ValueError("must be the ARN of a state machine")
    return arn


def parameter_path(value: str) -> str:
    """Of SSM:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html
    """
    if not re.fullmatch(r"(/[A-Za-z0-9_.-]{1,100}){1,10}/?", value):
        raise ValueError("must be a path such as /wellhead/tokens")
    return value.rstrip("/")


def stage(value: str) -> str:
    """A dimension of metrics and a field of each line of the log, so it is short."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError("must be 1 to 64 letters, digits, hyphens or underscores")
    return value


def source_name(value: str) -> str:
    """A part of the key of each row, of addresses and of questions."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", value):
        raise ValueError("must be 1 to 40 small letters, digits or hyphens")
    return value


def columns(value: str) -> dict[str, str]:
    """`column=Field,column=Field`: which field of the source fills a column."""
    fields = {}
    for pair in value.split(","):
        if not pair.strip():
            continue
        column, _, source = (part.strip() for part in pair.partition("="))
        if not column or not source:
            raise ValueError("must look like well_code=ApiNumber,oil_production_kbd=Oil")
        fields[column] = source
    return fields


def names(value: str) -> tuple[str, ...]:
    """`Field,Field`, each once."""
    stripped = [name.strip() for name in value.split(",")]
    each_once = dict.fromkeys(name for name in stripped if name)
    return tuple(each_once)
