"""A link as it is stored: what the configured URL's query says of its own, a key perhaps, stays in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = "***"


def masked(link: str, source_url: str) -> str:
    """The link with MASK for each value that `source_url` has under the same name. OData's own options stay."""
    own = _own_options(source_url)
    return _each_option(link, lambda name, value: MASK if value and own.get(name) == value else None)


def unmasked(link: str, source_url: str) -> str:
    """The link that was masked, with the values that `source_url` has now."""
    own = _own_options(source_url)
    return _each_option(link, lambda name, value: quote(own[name], safe="") if value == MASK and name in own else None)


def _own_options(source_url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(source_url).query, keep_blank_values=True)
    return {name: value for name, value in pairs if not name.startswith("$")}


def _each_option(link: str, exchange: Callable[[str, str], str | None]) -> str:
    """Only the values that are exchanged are written anew: a source knows its tokens by the letter."""
    place, mark, query = link.partition("?")
    return place + mark + "&".join(_exchanged(option, exchange) for option in query.split("&"))


def _exchanged(option: str, exchange: Callable[[str, str], str | None]) -> str:
    name, _, value = option.partition("=")
    other = exchange(unquote_plus(name), unquote_plus(value))
    return option if other is None else f"{name}={other}"
