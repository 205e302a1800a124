"""The settings: read once from the environment, checked, frozen.

`SETTINGS` is the whole list; docs/configuration.md shows it to people and a test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import setting_values as read
from .errors import SettingsError
from .setting_values import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKENS = "/wellhead/tokens"  # the path in SSM, by default
STAGE = "local"
BY_FORM = "by form"  # of a defined source: the form of its secret tells how it is asked


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


@dataclass(frozen=True, kw_only=True)
class Settings:
    table: str = _setting("WELLHEAD_TABLE", read.text)
    import_function: str = _setting("WELLHEAD_IMPORT_FUNCTION", read.text)
    query_function: str = _setting("WELLHEAD_QUERY_FUNCTION", str.strip, "")
    machine: str = _setting("WELLHEAD_MACHINE", read.choice("lambda", "states"), "lambda")
    state_machine: str = _setting("WELLHEAD_STATE_MACHINE", read.state_machine, "")
    warehouse: str = _setting("WELLHEAD_WAREHOUSE", read.warehouse)
    store: str = _setting("WELLHEAD_STORE", read.choice("file", "iceberg"), "file")
    catalog: str = _setting("WELLHEAD_CATALOG", read.catalog, "")
    merge: str = _setting("WELLHEAD_MERGE", read.choice("duckdb", "spark", "auto"), "duckdb")
    scratch: str = _setting("WELLHEAD_SCRATCH", read.text, "/tmp/wellhead")  # noqa: S108  Lambda's own disk
    tokens: str = _setting("WELLHEAD_TOKENS", read.parameter_path, TOKENS)
    cors_origins: tuple[str, ...] = _setting("WELLHEAD_CORS_ORIGINS", read.origins, "")
    snapshots_kept: int = _setting("WELLHEAD_SNAPSHOTS_KEPT", read.whole(1, 1000), "3")
    memory_mb: int = _setting("WELLHEAD_MEMORY_MB", read.whole(100, 100_000), "300")
    query_disk_mb: int = _setting("WELLHEAD_QUERY_DISK_MB", read.whole(0, 1_000_000), "0")

    source_url: str = _setting("WELLHEAD_SOURCE_URL", read.url)
    source_aliases: tuple[str, ...] = _setting("WELLHEAD_SOURCE_ALIASES", read.aliases, "")
    source_ca: str = _setting("WELLHEAD_SOURCE_CA", read.file_or_nothing, "")
    source_proxy: str = _setting("WELLHEAD_SOURCE_PROXY", read.proxy, "")
    source_proxy_secret: str = _setting("WELLHEAD_SOURCE_PROXY_SECRET", str.strip, "")
    source_auth: str = _setting(
        "WELLHEAD_SOURCE_AUTH", read.choice("none", "basic", "bearer", "api_key", "oauth2"), "none"
    )
    source_secret: str = _setting("WELLHEAD_SOURCE_SECRET", str.strip, "")
    source_key_header: str = _setting("WELLHEAD_SOURCE_KEY_HEADER", read.header_name, "X-API-Key")
    source_token_url: str = _setting("WELLHEAD_SOURCE_TOKEN_URL", read.url_or_nothing, "")
    source_scope: str = _setting("WELLHEAD_SOURCE_SCOPE", str.strip, "")
    source_paging: str = _setting(
        "WELLHEAD_SOURCE_PAGING", read.choice("auto", "links", "skip", "keys"), "auto"
    )
    source_columns: dict[str, str] = _setting("WELLHEAD_SOURCE_COLUMNS", read.columns, "")
    source_name: str = _setting("WELLHEAD_SOURCE_NAME", read.source_name, "default")
    source_period: str = _setting(
        "WELLHEAD_SOURCE_PERIOD", read.choice("day", "month", "quarter", "year"), "month"
    )
    source_changed: str = _setting("WELLHEAD_SOURCE_CHANGED", str.strip, "")
    source_rows: str = _setting("WELLHEAD_SOURCE_ROWS", read.choice("one", "sum"), "one")
    source_primary_key: tuple[str, ...] = _setting("WELLHEAD_SOURCE_PRIMARY_KEY", read.names, "")
    source_order_by: str = _setting("WELLHEAD_SOURCE_ORDER_BY", str.strip, "")
    source_aggregate: str = _setting("WELLHEAD_SOURCE_AGGREGATE", read.choice("max", "sum"), "max")
    source_missing: str = _setting(
        "WELLHEAD_SOURCE_MISSING", read.choice("keep", "withdraw"), "keep"
    )
    source_overlap_seconds: int = _setting(
        "WELLHEAD_SOURCE_OVERLAP_SECONDS", read.whole(0, 31_536_000), "3600"
    )
    source_seconds: int = _setting("WELLHEAD_SOURCE_SECONDS", read.whole(1, 2_592_000), "86400")
    source_connections: int = _setting("WELLHEAD_SOURCE_CONNECTIONS", read.whole(1, 16), "8")
    source_rps: float = _setting("WELLHEAD_SOURCE_RPS", read.decimal(0, 10_000), "0")
    source_retries: int = _setting("WELLHEAD_SOURCE_RETRIES", read.whole(0, 20), "4")
    workers: int = _setting("WELLHEAD_WORKERS", read.whole(1, 16), "8")
    page_size: int = _setting("WELLHEAD_PAGE_SIZE", read.whole(1, 1_000_000), "10000")
    page_seconds: int = _setting("WELLHEAD_PAGE_SECONDS", read.whole(1, 600), "60")
    page_mb: int = _setting("WELLHEAD_PAGE_MB", read.whole(1, 1024), "100")
    max_pages: int = _setting("WELLHEAD_MAX_PAGES", read.whole(1, 10_000_000), "100000")

    gate_rejected: float = _setting("WELLHEAD_GATE_REJECTED", read.share, "5 %")
    gate_nulled: float = _setting("WELLHEAD_GATE_NULLED", read.share, "5 %")
    gate_withdrawn: float = _setting("WELLHEAD_GATE_WITHDRAWN", read.share, "1 %")
    gate_restated: float = _setting("WELLHEAD_GATE_RESTATED", read.decimal(1, 1_000_000), "2.0")

    lease_seconds: int = _setting("WELLHEAD_LEASE_SECONDS", read.whole(2, 900), "60")
    lease_grace_seconds: int = _setting("WELLHEAD_LEASE_GRACE_SECONDS", read.whole(0, 300), "15")
    pending_seconds: int = _setting("WELLHEAD_PENDING_SECONDS", read.whole(5, 86_400), "360")
    checkpoint_seconds: int = _setting("WELLHEAD_CHECKPOINT_SECONDS", read.whole(1, 3600), "30")
    max_attempts: int = _setting("WELLHEAD_MAX_ATTEMPTS", read.whole(1, 10_000), "100")
    source_reach: str = _setting(
        "WELLHEAD_SOURCE_REACH", read.choice("outside", "anywhere"), "outside"
    )
    source_secrets: str = _setting(
        "WELLHEAD_SOURCE_SECRETS", read.parameter_path, "/wellhead/sources"
    )
    source_buckets: tuple[str, ...] = _setting("WELLHEAD_SOURCE_BUCKETS", read.names, "")
    webhook_url: str = _setting("WELLHEAD_WEBHOOK_URL", read.webhook_url, "")
    webhook_secret: str = _setting("WELLHEAD_WEBHOOK_SECRET", str.strip, "")
    webhook_form: str = _setting(
        "WELLHEAD_WEBHOOK_FORM", read.choice("standard", "slack", "teams"), "standard"
    )
    notices_topic: str = _setting("WELLHEAD_NOTICES_TOPIC", read.topic, "")
    notices_hours: int = _setting("WELLHEAD_NOTICES_HOURS", read.whole(1, 336), "72")
    stage: str = _setting("WELLHEAD_STAGE", read.stage, STAGE)
    log_level: str = _setting(
        "WELLHEAD_LOG_LEVEL", read.choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"
    )

    # WELLHEAD_SOURCE_CA, where a defined source has another authority or none.
    proxy_ca: str | None = None
    # A Definition, of sources/definition.py; None where the settings themselves are the source.
    definition: Any = None

    @property
    def source_id(self) -> str:
        """Other settings of the source, another id: a checkpoint is of use with the settings it was
        made with alone. Hashed, because the URL's query may hold a token.
        """
        facts: list[Any] = [
            self.source_url,
            self.source_paging,
            self.source_changed,
            sorted(self.source_columns.items()),
        ]
        # The usual grain and the usual period have no part in it: an id from before there were
        # others stays what it was.
        if self._other_grain:
            facts.append(self._other_grain)
        if self.source_period != "month":
            facts.append(self.source_period)
        if self.definition is not None:
            facts.append(self.definition_facts)
        text = json.dumps(facts)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def definition_facts(self) -> str:
        """What the rows depend on of the definition, as a text that is the same for the same;
        nothing without one.
        """
        if self.definition is None:
            return ""
        return str(self.definition.meaning)

    @property
    def is_kept_outside(self) -> bool:
        """Whether the source is one that somebody has defined,
        in a stack where that may reach outwards alone.
        """
        is_defined = self.definition is not None
        return is_defined and self.source_reach == "outside"

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
        if self.definition is None:
            return {}
        return dict(self.definition.odata.get("headers", {}))

    @property
    def _other_grain(self) -> list[Any]:
        """Nothing for the usual one, one row a key."""
        grain = [
            self.source_rows,
            self.source_primary_key,
            self.source_order_by,
            self.source_aggregate,
        ]
        usual_grain = ["one", (), "", "max"]
        return [] if grain == usual_grain else grain

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError: one sentence that names the first wrong variable."""
        values = {}
        for name, setting in SETTINGS.items():
            text = environment.get(setting.variable)
            if text is None and _is_required(name):
                raise SettingsError(f"{setting.variable} is not set; it is required.")
            if text is not None:
                values[name] = _read(setting, text)
        settings = cls(**values)
        _refuse_incomplete(settings)
        if settings.source_proxy_secret and not settings.source_proxy:
            raise SettingsError(
                "WELLHEAD_SOURCE_PROXY is not set; WELLHEAD_SOURCE_PROXY_SECRET is of no use by itself."
            )
        _refuse_open_aliases(settings)
        _refuse_partial_sums(settings)
        has_standard_webhook = settings.webhook_url and settings.webhook_form == "standard"
        if has_standard_webhook and not settings.webhook_secret:
            raise SettingsError(
                "WELLHEAD_WEBHOOK_SECRET is not set; WELLHEAD_WEBHOOK_FORM=standard needs it."
            )
        auth = settings.source_auth
        for name in _needs_of_auth(auth):
            if not getattr(settings, name):
                variable = SETTINGS[name].variable
                raise SettingsError(f"{variable} is not set; WELLHEAD_SOURCE_AUTH={auth} needs it.")
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


SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(Settings) if "setting" in each.metadata
}


def tokens_path(environment: Mapping[str, str]) -> str:
    """WELLHEAD_TOKENS alone, so that callers are known, and told of it,
    when another setting is wrong. Raises SettingsError.
    """
    setting = SETTINGS["tokens"]
    text = environment.get(setting.variable)
    if text is None:
        return TOKENS
    return str(_read(setting, text))


def cors_origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """WELLHEAD_CORS_ORIGINS alone, for answers that need no other setting.
    Empty when it is wrong: the routes that read all settings tell of it.
    """
    text = environment.get("WELLHEAD_CORS_ORIGINS", "")
    try:
        origins = _read(SETTINGS["cors_origins"], text)
    except SettingsError:
        return ()
    return tuple(origin.rstrip("/").lower() for origin in origins)


def stage_name(environment: Mapping[str, str]) -> str:
    """WELLHEAD_STAGE alone, for the log, which tells of wrong settings too."""
    text = environment.get("WELLHEAD_STAGE", STAGE)
    try:
        return str(_read(SETTINGS["stage"], text))
    except SettingsError:
        return STAGE


def _refuse_open_aliases(settings: Settings) -> None:
    """An alias of http is never asked; it may only be another name of the source itself.
    Raises SettingsError.
    """
    source = urlsplit(settings.source_url)
    for alias in map(urlsplit, settings.source_aliases):
        is_own = source.scheme == "https" and alias.hostname == source.hostname
        is_here = is_loopback(str(alias.hostname))
        if alias.scheme == "http" and not is_own and not is_here:
            raise SettingsError(
                "WELLHEAD_SOURCE_ALIASES must be https, because credentials and data would travel in the open. Only "
                "the host of WELLHEAD_SOURCE_URL may stand with http; it is asked by https all the same."
            )


def _refuse_partial_sums(settings: Settings) -> None:
    """A sum needs all of its rows, and a row that comes twice must be known as one.
    Raises SettingsError.
    """
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


def _needs_of_auth(auth: str) -> tuple[str, ...]:
    """The settings without which nobody can be recognised in this way."""
    if auth == "none":
        return ()
    if auth == "oauth2":
        return ("source_secret", "source_token_url")
    return ("source_secret",)


def _is_required(name: str) -> bool:
    with_default = [each.name for each in fields(Settings) if callable(each.default_factory)]
    return name not in with_default


def _read(setting: Setting, text: str) -> Any:
    """The value is not repeated in the error: it may be a secret put in the wrong place."""
    try:
        return setting.read(text)
    except ValueError as exc:
        raise SettingsError(f"{setting.variable} {exc}.") from None
