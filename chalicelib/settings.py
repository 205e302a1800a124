"""The settings: read once from the environment, checked, frozen.

`SETTINGS` is the whole list; docs/configuration.md shows it to people and a test compares the two.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, kw_only=True)
class Setting:
    variable: str
    read: Callable[[str], Any]


def _setting(variable: str, read: Callable[[str], Any], default: str | None = None) -> Any:
    """A field read from `variable`; without a default it is required."""
    setting = Setting(variable=variable, read=read)
    if default is None:
        return field(metadata={"setting": setting})
    return field(default_factory=lambda: read(default), metadata={"setting": setting})


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be from {low:,} to {high:,}")
        return number

    return read


def _source_url(value: str) -> str:
    try:
        url = urlsplit(value.strip())
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError("must be an http or https URL of an OData entity set")
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user name or password; use WELLHEAD_SOURCE_SECRET")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("must be https, because credentials and data would travel in the open")
    if url.fragment:
        raise ValueError("must not hold a fragment")
    return value.strip()


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _warehouse(value: str) -> str:
    if not (value.startswith("/") or re.match(r"s3://[A-Za-z0-9._-]+(/|$)", value)):
        raise ValueError("must be an absolute directory or s3://bucket/prefix")
    return value.rstrip("/") or "/"


def _columns(value: str) -> dict[str, str]:
    """`column=Field,column=Field`: which field of the source fills a column."""
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if any(not (column.strip() and equals and source.strip()) for column, equals, source in pairs):
        raise ValueError("must look like well_code=ApiNumber,oil_production_kbd=Oil")
    return {column.strip(): source.strip() for column, _, source in pairs}


@dataclass(frozen=True, kw_only=True)
class Settings:
    table: str = _setting("WELLHEAD_TABLE", _text)
    import_function: str = _setting("WELLHEAD_IMPORT_FUNCTION", _text)
    warehouse: str = _setting("WELLHEAD_WAREHOUSE", _warehouse)
    scratch: str = _setting("WELLHEAD_SCRATCH", _text, "/tmp/wellhead")  # noqa: S108  Lambda's own disk
    snapshots_kept: int = _setting("WELLHEAD_SNAPSHOTS_KEPT", _whole(1, 1000), "3")
    memory_mb: int = _setting("WELLHEAD_MEMORY_MB", _whole(100, 100_000), "700")

    source_url: str = _setting("WELLHEAD_SOURCE_URL", _source_url)
    source_auth: str = _setting("WELLHEAD_SOURCE_AUTH", _choice("none", "basic"), "none")
    source_secret: str = _setting("WELLHEAD_SOURCE_SECRET", str.strip, "")
    source_paging: str = _setting("WELLHEAD_SOURCE_PAGING", _choice("auto", "links", "skip"), "auto")
    source_columns: dict[str, str] = _setting("WELLHEAD_SOURCE_COLUMNS", _columns, "")
    source_retries: int = _setting("WELLHEAD_SOURCE_RETRIES", _whole(0, 20), "4")
    page_size: int = _setting("WELLHEAD_PAGE_SIZE", _whole(1, 1_000_000), "10000")
    page_seconds: int = _setting("WELLHEAD_PAGE_SECONDS", _whole(1, 600), "60")
    page_mb: int = _setting("WELLHEAD_PAGE_MB", _whole(1, 1024), "100")
    max_pages: int = _setting("WELLHEAD_MAX_PAGES", _whole(1, 10_000_000), "100000")

    lease_seconds: int = _setting("WELLHEAD_LEASE_SECONDS", _whole(2, 900), "60")
    lease_grace_seconds: int = _setting("WELLHEAD_LEASE_GRACE_SECONDS", _whole(0, 300), "15")
    pending_seconds: int = _setting("WELLHEAD_PENDING_SECONDS", _whole(5, 86_400), "360")
    checkpoint_seconds: int = _setting("WELLHEAD_CHECKPOINT_SECONDS", _whole(1, 3600), "30")
    max_attempts: int = _setting("WELLHEAD_MAX_ATTEMPTS", _whole(1, 10_000), "100")
    log_level: str = _setting("WELLHEAD_LOG_LEVEL", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError: one sentence that names the first wrong variable."""
        values = {}
        for name, setting in SETTINGS.items():
            text = environment.get(setting.variable)
            if text is None and _required(name):
                raise SettingsError(f"{setting.variable} is not set; it is required.")
            if text is not None:
                values[name] = _read(setting, text)
        settings = cls(**values)
        if settings.source_auth != "none" and not settings.source_secret:
            raise SettingsError("WELLHEAD_SOURCE_SECRET is not set; WELLHEAD_SOURCE_AUTH=basic needs it.")
        return settings


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in fields(Settings)}


def _required(name: str) -> bool:
    return not any(f.name == name and callable(f.default_factory) for f in fields(Settings))


def _read(setting: Setting, text: str) -> Any:
    """The value is not repeated in the error: it may be a secret put in the wrong place."""
    try:
        return setting.read(text)
    except ValueError as exc:
        raise SettingsError(f"{setting.variable} {exc}.") from None
