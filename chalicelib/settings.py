"""The settings: read once from the environment, checked, frozen.

`SETTINGS` is the whole list; docs/configuration.md shows it to people and a test compares the two.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKENS = "/wellhead/tokens"  # the path in SSM, by default
STAGE = "local"
WHOLE = 100  # percent
BY_FORM = "by form"  # of a defined source: the form of its secret tells how it is asked
_FRAMING = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade"}


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


def _decimal(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip()):
            raise ValueError("must be a number such as 2 or 0.5")
        number = float(value)
        if not low <= number <= high:
            raise ValueError(f"must be from {low:,} to {high:,}")
        return number

    return read


def _share(value: str) -> float:
    """`5 %` or `0.5%`, as a part of one."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", value.strip())
    if not found or float(found[1]) > WHOLE:
        raise ValueError("must be a share such as 5 % or 0.5 %")
    return float(found[1]) / WHOLE


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


def _url(value: str) -> str:
    try:
        url = urlsplit(value.strip())
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError("must be an http or https URL")
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user name or password; use WELLHEAD_SOURCE_SECRET")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("must be https, because credentials and data would travel in the open")
    if url.fragment:
        raise ValueError("must not hold a fragment")
    return value.strip()


def _url_or_nothing(value: str) -> str:
    return _url(value) if value.strip() else ""


def _webhook(value: str) -> str:
    """Only the laptop's receiver may be asked without TLS: https, or http to this machine."""
    try:
        return _url_or_nothing(value)
    except ValueError as exc:
        raise ValueError(str(exc).partition("; use WELLHEAD_SOURCE_SECRET")[0]) from None


def _topic(value: str) -> str:
    if value.strip() and not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", value.strip()):
        raise ValueError("must be the ARN of a topic of SNS")
    return value.strip()


def _file_or_nothing(value: str) -> str:
    """Whether it is there, the function tells that needs it; others may have another disk."""
    path = value.strip()
    if path and not re.fullmatch(r"/.*[^/]", path):
        raise ValueError("must be the absolute path of a file")
    return path


def _origins(value: str) -> tuple[str, ...]:
    """`https://host:port,https://host`: places, without a path."""
    return _places(value, _url)


def _proxy(value: str) -> str:
    """Its secret has a place of its own, for this one is shown."""
    text = value.strip()
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if text and (url.scheme not in ("http", "https") or not host):
        raise ValueError("must be an http or https URL such as http://proxy.example.org:3128")
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user name or password; use WELLHEAD_SOURCE_PROXY_SECRET")
    if url.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError("must be an origin such as http://proxy.example.org:3128, without a path")
    return text.rstrip("/")


def _aliases(value: str) -> tuple[str, ...]:
    """As _origins; also the http name of a service that is asked by https, see Settings.from_environment."""
    return _places(value, lambda origin: origin.strip() if _is_plain(origin) else _url(origin))


def _is_plain(origin: str) -> bool:
    """Whether it would be good if it were https."""
    return origin.strip().startswith("http://") and bool(_url("https" + origin.strip().removeprefix("http")))


def _places(value: str, read: Callable[[str], str]) -> tuple[str, ...]:
    origins = tuple(read(origin) for origin in value.split(",") if origin.strip())
    if any(urlsplit(origin).path not in ("", "/") or "?" in origin for origin in origins):
        raise ValueError("must be origins such as https://data.example.org:8443, without a path")
    return origins


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


def _warehouse(value: str) -> str:
    if not (value.startswith("/") or re.match(r"s3://[A-Za-z0-9._-]+(/|$)", value)):
        raise ValueError("must be an absolute directory or s3://bucket/prefix")
    return value.rstrip("/") or "/"


def _catalog(value: str) -> str:
    """A table bucket of S3 Tables by its ARN, or the URL of an Iceberg REST catalog; nothing where there is no lake."""
    place = value.strip()
    if place.startswith("arn:"):
        if not re.fullmatch(r"arn:aws[a-z-]*:s3tables:[a-z0-9-]+:[0-9]{12}:bucket/[a-z0-9.-]{3,63}", place):
            raise ValueError("must be the ARN of a table bucket or the URL of a catalog")
        return place
    return _url_or_nothing(place)


def _state_machine(value: str) -> str:
    """Its ARN; nothing where there is none."""
    arn = value.strip()
    if arn and not re.fullmatch(r"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{1,80}", arn):
        raise ValueError("must be the ARN of a state machine")
    return arn


def _parameter_path(value: str) -> str:
    """Of SSM: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html"""
    if not re.fullmatch(r"(/[A-Za-z0-9_.-]{1,100}){1,10}/?", value):
        raise ValueError("must be a path such as /wellhead/tokens")
    return value.rstrip("/")


def _stage(value: str) -> str:
    """A dimension of metrics and a field of each line of the log, so it is short."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError("must be 1 to 64 letters, digits, hyphens or underscores")
    return value


def _source_name(value: str) -> str:
    """A part of the key of each row, of addresses and of questions."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", value):
        raise ValueError("must be 1 to 40 small letters, digits or hyphens")
    return value


def _columns(value: str) -> dict[str, str]:
    """`column=Field,column=Field`: which field of the source fills a column."""
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if any(not (column.strip() and equals and source.strip()) for column, equals, source in pairs):
        raise ValueError("must look like well_code=ApiNumber,oil_production_kbd=Oil")
    return {column.strip(): source.strip() for column, _, source in pairs}


def _names(value: str) -> tuple[str, ...]:
    """`Field,Field`, each once."""
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))


@dataclass(frozen=True, kw_only=True)
class Settings:
    table: str = _setting("WELLHEAD_TABLE", _text)
    import_function: str = _setting("WELLHEAD_IMPORT_FUNCTION", _text)
    query_function: str = _setting("WELLHEAD_QUERY_FUNCTION", str.strip, "")
    machine: str = _setting("WELLHEAD_MACHINE", _choice("lambda", "states"), "lambda")
    state_machine: str = _setting("WELLHEAD_STATE_MACHINE", _state_machine, "")
    warehouse: str = _setting("WELLHEAD_WAREHOUSE", _warehouse)
    store: str = _setting("WELLHEAD_STORE", _choice("file", "iceberg"), "file")
    catalog: str = _setting("WELLHEAD_CATALOG", _catalog, "")
    merge: str = _setting("WELLHEAD_MERGE", _choice("duckdb", "spark", "auto"), "duckdb")
    scratch: str = _setting("WELLHEAD_SCRATCH", _text, "/tmp/wellhead")  # noqa: S108  Lambda's own disk
    tokens: str = _setting("WELLHEAD_TOKENS", _parameter_path, TOKENS)
    cors_origins: tuple[str, ...] = _setting("WELLHEAD_CORS_ORIGINS", _origins, "")
    snapshots_kept: int = _setting("WELLHEAD_SNAPSHOTS_KEPT", _whole(1, 1000), "3")
    memory_mb: int = _setting("WELLHEAD_MEMORY_MB", _whole(100, 100_000), "300")
    query_disk_mb: int = _setting("WELLHEAD_QUERY_DISK_MB", _whole(0, 1_000_000), "0")

    source_url: str = _setting("WELLHEAD_SOURCE_URL", _url)
    source_aliases: tuple[str, ...] = _setting("WELLHEAD_SOURCE_ALIASES", _aliases, "")
    source_ca: str = _setting("WELLHEAD_SOURCE_CA", _file_or_nothing, "")
    source_proxy: str = _setting("WELLHEAD_SOURCE_PROXY", _proxy, "")
    source_proxy_secret: str = _setting("WELLHEAD_SOURCE_PROXY_SECRET", str.strip, "")
    source_auth: str = _setting("WELLHEAD_SOURCE_AUTH", _choice("none", "basic", "bearer", "api_key", "oauth2"), "none")
    source_secret: str = _setting("WELLHEAD_SOURCE_SECRET", str.strip, "")
    source_key_header: str = _setting("WELLHEAD_SOURCE_KEY_HEADER", header_name, "X-API-Key")
    source_token_url: str = _setting("WELLHEAD_SOURCE_TOKEN_URL", _url_or_nothing, "")
    source_scope: str = _setting("WELLHEAD_SOURCE_SCOPE", str.strip, "")
    source_paging: str = _setting("WELLHEAD_SOURCE_PAGING", _choice("auto", "links", "skip", "keys"), "auto")
    source_columns: dict[str, str] = _setting("WELLHEAD_SOURCE_COLUMNS", _columns, "")
    source_name: str = _setting("WELLHEAD_SOURCE_NAME", _source_name, "default")
    source_period: str = _setting("WELLHEAD_SOURCE_PERIOD", _choice("day", "month", "quarter", "year"), "month")
    source_changed: str = _setting("WELLHEAD_SOURCE_CHANGED", str.strip, "")
    source_rows: str = _setting("WELLHEAD_SOURCE_ROWS", _choice("one", "sum"), "one")
    source_primary_key: tuple[str, ...] = _setting("WELLHEAD_SOURCE_PRIMARY_KEY", _names, "")
    source_order_by: str = _setting("WELLHEAD_SOURCE_ORDER_BY", str.strip, "")
    source_aggregate: str = _setting("WELLHEAD_SOURCE_AGGREGATE", _choice("max", "sum"), "max")
    source_missing: str = _setting("WELLHEAD_SOURCE_MISSING", _choice("keep", "withdraw"), "keep")
    source_overlap_seconds: int = _setting("WELLHEAD_SOURCE_OVERLAP_SECONDS", _whole(0, 31_536_000), "3600")
    source_seconds: int = _setting("WELLHEAD_SOURCE_SECONDS", _whole(1, 2_592_000), "86400")
    source_connections: int = _setting("WELLHEAD_SOURCE_CONNECTIONS", _whole(1, 16), "8")
    source_rps: float = _setting("WELLHEAD_SOURCE_RPS", _decimal(0, 10_000), "0")
    source_retries: int = _setting("WELLHEAD_SOURCE_RETRIES", _whole(0, 20), "4")
    workers: int = _setting("WELLHEAD_WORKERS", _whole(1, 16), "8")
    page_size: int = _setting("WELLHEAD_PAGE_SIZE", _whole(1, 1_000_000), "10000")
    page_seconds: int = _setting("WELLHEAD_PAGE_SECONDS", _whole(1, 600), "60")
    page_mb: int = _setting("WELLHEAD_PAGE_MB", _whole(1, 1024), "100")
    max_pages: int = _setting("WELLHEAD_MAX_PAGES", _whole(1, 10_000_000), "100000")

    gate_rejected: float = _setting("WELLHEAD_GATE_REJECTED", _share, "5 %")
    gate_nulled: float = _setting("WELLHEAD_GATE_NULLED", _share, "5 %")
    gate_withdrawn: float = _setting("WELLHEAD_GATE_WITHDRAWN", _share, "1 %")
    gate_restated: float = _setting("WELLHEAD_GATE_RESTATED", _decimal(1, 1_000_000), "2.0")

    lease_seconds: int = _setting("WELLHEAD_LEASE_SECONDS", _whole(2, 900), "60")
    lease_grace_seconds: int = _setting("WELLHEAD_LEASE_GRACE_SECONDS", _whole(0, 300), "15")
    pending_seconds: int = _setting("WELLHEAD_PENDING_SECONDS", _whole(5, 86_400), "360")
    checkpoint_seconds: int = _setting("WELLHEAD_CHECKPOINT_SECONDS", _whole(1, 3600), "30")
    max_attempts: int = _setting("WELLHEAD_MAX_ATTEMPTS", _whole(1, 10_000), "100")
    source_reach: str = _setting("WELLHEAD_SOURCE_REACH", _choice("outside", "anywhere"), "outside")
    source_secrets: str = _setting("WELLHEAD_SOURCE_SECRETS", _parameter_path, "/wellhead/sources")
    source_buckets: tuple[str, ...] = _setting("WELLHEAD_SOURCE_BUCKETS", _names, "")
    webhook_url: str = _setting("WELLHEAD_WEBHOOK_URL", _webhook, "")
    webhook_secret: str = _setting("WELLHEAD_WEBHOOK_SECRET", str.strip, "")
    webhook_form: str = _setting("WELLHEAD_WEBHOOK_FORM", _choice("standard", "slack", "teams"), "standard")
    notices_topic: str = _setting("WELLHEAD_NOTICES_TOPIC", _topic, "")
    notices_hours: int = _setting("WELLHEAD_NOTICES_HOURS", _whole(1, 336), "72")
    stage: str = _setting("WELLHEAD_STAGE", _stage, STAGE)
    log_level: str = _setting("WELLHEAD_LOG_LEVEL", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")

    proxy_ca: str | None = None  # WELLHEAD_SOURCE_CA, where a defined source has another authority or none
    definition: Any = None  # a Definition, of sources/definition.py; None where the settings themselves are the source

    @property
    def source_id(self) -> str:
        """Other settings of the source, another id: a checkpoint is of use with the settings it was made with alone.
        Hashed, because the URL's query may hold a token.
        """
        told = [self.source_url, self.source_paging, self.source_changed, sorted(self.source_columns.items())]
        if grain := self._other_grain:  # of the usual grain nothing is told, as before there were others
            told = [*told, grain]
        if self.source_period != "month":  # an id of before there were others stays what it was
            told.append(self.source_period)
        if self.definition is not None:
            told.append(self.definition_facts)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def definition_facts(self) -> str:
        """What the rows depend on of the definition, as a text that is the same for the same; nothing without one."""
        return "" if self.definition is None else str(self.definition.meaning)

    @property
    def is_kept_outside(self) -> bool:
        """Whether the source is one that somebody has defined, in a stack where that may reach outwards alone."""
        return self.definition is not None and self.source_reach == "outside"

    @property
    def is_of_files(self) -> bool:
        """Whether files are read, and no OData service."""
        return self.definition is not None and self.definition.kind == "files"

    @property
    def later_files_replace(self) -> bool:
        """Of a key that is in two files, the later one holds; else they complete each other."""
        return self.is_of_files and self.definition.across_files == "replace"

    @property
    def source_headers(self) -> dict[str, str]:
        """That a defined source is sent besides those of Wellhead."""
        return {} if self.definition is None else dict(self.definition.odata.get("headers", {}))

    @property
    def _other_grain(self) -> list[Any]:
        """Nothing for the usual one, one row a key."""
        grain = [self.source_rows, self.source_primary_key, self.source_order_by, self.source_aggregate]
        return [] if grain == ["one", (), "", "max"] else grain

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
        _refuse_incomplete(settings)
        if settings.source_proxy_secret and not settings.source_proxy:
            raise SettingsError("WELLHEAD_SOURCE_PROXY is not set; WELLHEAD_SOURCE_PROXY_SECRET is of no use alone.")
        _refuse_open_aliases(settings)
        _refuse_partial_sums(settings)
        if settings.webhook_url and settings.webhook_form == "standard" and not settings.webhook_secret:
            raise SettingsError("WELLHEAD_WEBHOOK_SECRET is not set; WELLHEAD_WEBHOOK_FORM=standard needs it.")
        for name in _needed_for(settings.source_auth):
            if not getattr(settings, name):
                variable = SETTINGS[name].variable
                raise SettingsError(f"{variable} is not set; WELLHEAD_SOURCE_AUTH={settings.source_auth} needs it.")
        return settings


def _refuse_incomplete(settings: Settings) -> None:
    """Where rows are kept, what runs an import, and what merges. Raises SettingsError."""
    if settings.store == "iceberg" and not settings.catalog:
        raise SettingsError("WELLHEAD_CATALOG is not set; WELLHEAD_STORE=iceberg needs it.")
    if settings.machine == "states" and not settings.state_machine:
        raise SettingsError("WELLHEAD_STATE_MACHINE is not set; WELLHEAD_MACHINE=states needs it.")
    if settings.merge != "duckdb" and (settings.store, settings.machine) != ("iceberg", "states"):
        raise SettingsError(
            f"WELLHEAD_MERGE={settings.merge} is for a lake that a state machine imports into: it needs "
            "WELLHEAD_STORE=iceberg and WELLHEAD_MACHINE=states."
        )


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in fields(Settings) if "setting" in f.metadata}


def tokens_path(environment: Mapping[str, str]) -> str:
    """WELLHEAD_TOKENS alone, so that callers are known, and told of it, when another setting is wrong. Raises
    SettingsError.
    """
    setting = SETTINGS["tokens"]
    text = environment.get(setting.variable)
    return TOKENS if text is None else str(_read(setting, text))


def cors_origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """WELLHEAD_CORS_ORIGINS alone, for answers that need no other setting. Empty when it is wrong: the routes that
    read all settings tell of it.
    """
    try:
        origins = _read(SETTINGS["cors_origins"], environment.get("WELLHEAD_CORS_ORIGINS", ""))
    except SettingsError:
        return ()
    return tuple(origin.rstrip("/").lower() for origin in origins)


def stage_name(environment: Mapping[str, str]) -> str:
    """WELLHEAD_STAGE alone, for the log, which tells of wrong settings too."""
    try:
        return str(_read(SETTINGS["stage"], environment.get("WELLHEAD_STAGE", STAGE)))
    except SettingsError:
        return STAGE


def _refuse_open_aliases(settings: Settings) -> None:
    """An alias of http is never asked; it may only be another name of the source itself. Raises SettingsError."""
    source = urlsplit(settings.source_url)
    for alias in map(urlsplit, settings.source_aliases):
        is_own = source.scheme == "https" and alias.hostname == source.hostname
        if alias.scheme == "http" and not is_own and not is_loopback(str(alias.hostname)):
            raise SettingsError(
                "WELLHEAD_SOURCE_ALIASES must be https, because credentials and data would travel in the open. Only "
                "the host of WELLHEAD_SOURCE_URL may stand with http; it is asked by https all the same."
            )


def _refuse_partial_sums(settings: Settings) -> None:
    """A sum needs all of its rows, and a row that comes twice must be known as one. Raises SettingsError."""
    if settings.source_rows != "sum":
        return
    if settings.source_changed:
        raise SettingsError(
            "WELLHEAD_SOURCE_ROWS=sum and WELLHEAD_SOURCE_CHANGED exclude each other: an increment brings only those "
            "rows of a key that changed, and their sum would replace the sum of all. Leave one of them out."
        )
    if settings.source_order_by and not settings.source_primary_key:
        raise SettingsError(
            "WELLHEAD_SOURCE_ORDER_BY with WELLHEAD_SOURCE_ROWS=sum needs WELLHEAD_SOURCE_PRIMARY_KEY, which tells an "
            "edition of a row from another row of its key."
        )


def _needed_for(auth: str) -> tuple[str, ...]:
    return {"none": (), "oauth2": ("source_secret", "source_token_url")}.get(auth, ("source_secret",))


def _required(name: str) -> bool:
    return not any(f.name == name and callable(f.default_factory) for f in fields(Settings))


def _read(setting: Setting, text: str) -> Any:
    """The value is not repeated in the error: it may be a secret put in the wrong place."""
    try:
        return setting.read(text)
    except ValueError as exc:
        raise SettingsError(f"{setting.variable} {exc}.") from None
