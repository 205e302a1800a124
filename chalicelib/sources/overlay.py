"""The settings of one import:
those of the stack, and over them what the definition of its source says.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.errors import DefinitionInvalid
from chalicelib.http.url_parts import option_of, with_options
from chalicelib.setting_values import header_name
from chalicelib.settings import BY_FORM, SETTINGS, Settings

from .definition_keys import GATE_SETTINGS, ODATA_SETTINGS
from .faults import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .definition import Definition
    from .faults import Fault

# What belongs to the source that the settings describe, and to no other.
OF_THE_SOURCE = (
    "source_url",
    "source_aliases",
    "source_auth",
    "source_secret",
    "source_key_header",
    "source_token_url",
    "source_scope",
    "source_paging",
    "source_columns",
    "source_name",
    "source_period",
    "source_changed",
    "source_rows",
    "source_primary_key",
    "source_order_by",
    "source_aggregate",
    "source_missing",
)
OF_CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"}


def settings_of(definition: Definition, base: Settings) -> Settings:
    """The settings that an import of this source has. What the definition leaves out is as in the
    stack, or, for what belongs to one source alone, at its default. Raises DefinitionInvalid.
    """
    faults: list[Fault] = []
    is_at_same_host = _host_of(definition.url) == _host_of(base.source_url)
    values = {
        **_read_each("odata", ODATA_SETTINGS, definition.odata, faults),
        **_read_each("gate", GATE_SETTINGS, definition.gate, faults),
        "source_url": _url_of(definition, faults),
        "source_name": definition.name,
        "source_period": definition.period,
        "source_rows": definition.rows,
        "source_primary_key": definition.primary_key,
        "source_order_by": definition.order_by,
        "source_missing": definition.missing,
        "source_changed": definition.increment,
        "source_aggregate": definition.aggregate,
        "source_secret": definition.secret.removeprefix("ssm:"),
        "proxy_ca": base.source_ca,
        "source_ca": base.source_ca if is_at_same_host else "",
    }
    if definition.secret:
        values.setdefault("source_auth", BY_FORM)

    headers = definition.odata.get("headers", {})
    faults += [*_of_credentials(values), *_of_headers(headers)]
    if faults:
        raise DefinitionInvalid(faults=faults)
    return replace(base, **(_defaults() | values), definition=definition)


def _defaults() -> dict[str, Any]:
    factories = {field.name: field.default_factory for field in fields(Settings)}
    names = [name for name in OF_THE_SOURCE if name != "source_url"]
    return {name: factories[name]() for name in names}  # type: ignore[operator]


def _read_each(
    table: str, names: Mapping[str, str], values: Mapping[str, Any], faults: list[Fault]
) -> dict[str, Any]:
    """Each as the variable of the setting is read."""
    settings: dict[str, Any] = {}
    for name, setting in names.items():
        if name in values:
            key = f"{table}.{name}"
            settings |= _try_setting(key, setting, SETTINGS[setting].read, values[name], faults)
    return settings


def _try_setting(
    key: str, setting: str, read: Callable[[str], Any], value: Any, faults: list[Fault]
) -> dict[str, Any]:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    try:
        return {setting: read(text)}
    except ValueError as exc:
        faults.append(fault(key, "cannot be taken", f"it {exc}"))
        return {}


def _url_of(definition: Definition, faults: list[Fault]) -> str:
    """With the filter and the fields to expand, where the definition has them apart."""
    if not definition.url:
        faults.append(fault("url", "is missing", "the address of the source"))
    if urlsplit(definition.url).scheme not in ("http", "https"):
        return definition.url
    if not _try_setting("url", "source_url", SETTINGS["source_url"].read, definition.url, faults):
        return definition.url

    url = definition.url.strip()
    odata = definition.odata
    options = {f"${name}": str(odata[name]) for name in ("filter", "expand") if odata.get(name)}
    of_address = option_of(url, "$filter")
    if of_address and "$filter" in options:  # it holds too
        options["$filter"] = f"({of_address}) and ({options['$filter']})"
    return with_options(url, options) if options else url


def _of_credentials(settings: Mapping[str, Any]) -> list[Fault]:
    auth = settings.get("source_auth", "none")
    problem = f'is missing, and auth = "{auth}" needs it'
    if auth not in ("none", BY_FORM) and not settings["source_secret"]:
        return [fault("secret", problem, "a reference")]
    if auth == "oauth2" and not settings.get("source_token_url"):
        return [fault("odata.token_url", problem, "the address of the token endpoint")]
    return []


def _of_headers(headers: Any) -> Iterator[Fault]:
    if not isinstance(headers, dict):
        yield fault("odata.headers", "is no table", '{ "Accept-Language" = "en" }')
        return

    for name, value in headers.items():
        key = f"odata.headers.{name[:60]}"
        try:
            header_name(name)
        except ValueError as exc:
            yield fault(key, "cannot be sent", f"it {exc}")

        if name.lower() in OF_CREDENTIALS:
            yield fault(key, "carries credentials", "a reference to them in secret")
        if not isinstance(value, str) or not re.fullmatch(r"[\x20-\x7e]{1,1000}", value):
            yield fault(key, "is no text that a header carries", "visible ASCII characters")


def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname if url else None
