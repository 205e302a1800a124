"""A link as it is stored and shown: what the configured URL's query says of its own, a key perhaps,
is left out.

A source may give a key back under its own name, as `name=***` is stored then, with the name written
in another way; or somewhere else, in a path or within a token, percent-encoded once, twice or not:
`***form.name***` there, so that the link can be put together again to the letter. A source knows
its tokens by that.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MASK = "***"
# Characters; a shorter word may stand anywhere by chance, and is masked under its own name alone.
SHORTEST = 8
MOST_ENCODINGS = 5  # one within the other
_PLACE = re.compile(r"\*\*\*([a-z])\.([^*]*)\*\*\*")


def mask_link(link: str, source_url: str) -> str:
    """The link without the values of `source_url`, but for those of OData's own options."""
    own = _own_options(source_url)

    def mask(names: set[str], values: set[str]) -> str | None:
        return MASK if _is_own(names, values, own) else None

    link = _each_option(link, mask)
    for name, value in _long_values(own):
        pattern = _pattern_of_forms(value)
        link = pattern.sub(partial(_place, name, value), link)
    return link


def unmask_link(link: str, source_url: str) -> str:
    """The link that was masked, with the values that `source_url` has now."""
    own = _own_options(source_url)

    def unmask(names: set[str], values: set[str]) -> str | None:
        return _value_of(names, own) if MASK in values else None

    link = _PLACE.sub(partial(_put_back, own), link)
    return _each_option(link, unmask)


def _own_options(source_url: str) -> dict[str, str]:
    query = urlsplit(source_url).query
    pairs = parse_qsl(query, keep_blank_values=True)
    return {name: value for name, value in pairs if not name.startswith("$")}


def _is_own(names: set[str], values: set[str], own: Mapping[str, str]) -> bool:
    return any(
        value and name.casefold() in names and value.casefold() in values
        for name, value in own.items()
    )


def _value_of(names: set[str], own: Mapping[str, str]) -> str | None:
    return next(
        (quote(value, safe="") for name, value in own.items() if name.casefold() in names), None
    )


# -- within one option ----------------------------------------------------------------------------------------------


def _each_option(link: str, exchange: Callable[[set[str], set[str]], str | None]) -> str:
    """`exchange` is given what name and value of an option may mean, in small letters.
    What it leaves stays.
    """
    place, mark, query = link.partition("?")
    options = [_exchange_value(option, exchange) for option in query.split("&")]
    return place + mark + "&".join(options)


def _exchange_value(option: str, exchange: Callable[[set[str], set[str]], str | None]) -> str:
    name, _, value = option.partition("=")
    other = exchange(_meanings(name), _meanings(value))
    if other is None:
        return option
    return f"{name}={other}"


def _meanings(text: str) -> set[str]:
    """Decoded not at all, once, twice:
    how often it was encoded is not known, nor whether a plus is a space.
    """
    found = level = {text}
    for _ in range(MOST_ENCODINGS):
        level = {decode(each) for each in level for decode in (unquote, unquote_plus)} - found
        found = found | level
    return {each.casefold() for each in found}


# -- anywhere else ---------------------------------------------------------------------------------------------------


def _small_digits(encoded: str) -> str:
    """%2F becomes %2f."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


_FORMS: dict[str, Callable[[str], str]] = {
    "r": str,
    "q": lambda value: quote(value, safe=""),
    "p": quote_plus,
    "s": lambda value: _small_digits(quote(value, safe="")),
    "t": lambda value: _small_digits(quote_plus(value)),  # as .NET writes it
    "d": lambda value: quote(quote(value, safe=""), safe=""),
    "e": lambda value: _small_digits(quote(quote(value, safe=""), safe="")),
}


def _long_values(own: Mapping[str, str]) -> list[tuple[str, str]]:
    """The longest first: another may be a part of it."""
    long = [(name, value) for name, value in own.items() if len(value) >= SHORTEST]
    return sorted(long, key=lambda option: len(option[1]), reverse=True)


@lru_cache(maxsize=64)
def _pattern_of_forms(value: str) -> re.Pattern[str]:
    """The value in large or small letters, each sign as it is or percent-encoded, that again
    encoded and so on. Whole forms come first, the longest one before the others: %25 at the end is
    one sign, and not a % before a 25.
    """
    forms = {write(value) for write in _FORMS.values()}
    longest_first = sorted(forms, key=len, reverse=True)
    sign_by_sign = "".join(map(_pattern_of_sign, value))
    patterns = [*map(re.escape, longest_first), sign_by_sign]
    return re.compile("|".join(patterns), re.IGNORECASE)


def _pattern_of_sign(sign: str) -> str:
    """Of a slash: itself, or %2f with any number of `25` behind the percent sign, as in %25252f."""
    encodings = [
        "".join(f"%(?:25)*{byte:02x}" for byte in each.encode())
        for each in {sign, sign.lower(), sign.upper()}
    ]
    spaces = [r"\+", "%(?:25)*2b"] if sign == " " else []
    patterns = [re.escape(sign), *encodings, *spaces]
    return f"(?:{'|'.join(patterns)})"


def _place(name: str, value: str, found: re.Match[str]) -> str:
    """What stands in the link for this value of the option `name`: `***q.api%20key***`."""
    forms = [mark for mark, write in _FORMS.items() if write(value) == found[0]]
    form = forms[0] if forms else "q"
    return f"{MASK}{form}.{quote(name, safe='')}{MASK}"


def _put_back(own: Mapping[str, str], found: re.Match[str]) -> str:
    form, name = found.groups()
    value = own.get(unquote(name))
    write = _FORMS.get(form)
    if value is None or write is None:
        return found[0]
    return write(value)
