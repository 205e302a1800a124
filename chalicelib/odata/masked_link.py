"""A link as it is stored and shown: what the configured URL's query says of its own, a key perhaps,
is left out.

A source may give a key back under its own name, as `name=***` is stored then, with the name written
in another way; or somewhere else, in a path or within a token, percent-encoded once, twice or not:
`***form.name***` there, so that the link can be put together again to the letter. A source knows
its tokens by that. With the configured URL …/rows?key=secret7890:

    …/rows?key=secret7890&$skip=5   becomes   …/rows?key=***&$skip=5
    …/rows/secret7890/next          becomes   …/rows/***r.key***/next
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
SECOND = "\0"  # behind the name of an option that stands in the query again; in no name itself
MOST_ENCODINGS = 5  # one within the other
_PLACE = re.compile(r"\*\*\*([a-z])\.([^*]*)\*\*\*")


def mask_link(link: str, source_url: str) -> str:
    """The link without the values of `source_url`, but for those of OData's own options."""
    own_options = _own_options(source_url)

    def mask(names: set[str], values: set[str]) -> str | None:
        option = _own_option(names, values, own_options)
        if option is None or SECOND not in option:
            return option and MASK
        return f"{MASK}q.{quote(option, safe='')}{MASK}"  # the name alone would not tell which

    link = _each_option(link, mask)
    for name, value in _long_values(own_options):
        pattern = _pattern_of_forms(value)
        link = pattern.sub(partial(_place, name, value), link)
    return link


def unmask_link(link: str, source_url: str) -> str:
    """The link that was masked, with the values that `source_url` has now."""
    own_options = _own_options(source_url)

    def unmask(names: set[str], values: set[str]) -> str | None:
        return _value_of(names, own_options) if MASK in values else None

    link = _PLACE.sub(partial(_put_back, own_options), link)
    return _each_option(link, unmask)


def _own_options(source_url: str) -> dict[str, str]:
    """By its name; of those with one name, the second and so on have a sign behind it."""
    query = urlsplit(source_url).query
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.startswith("$"):
            continue
        times = sum(each.partition(SECOND)[0] == name for each in options)
        options[name + SECOND * times] = value
    return options


def _own_option(names: set[str], values: set[str], own_options: Mapping[str, str]) -> str | None:
    for option, value in own_options.items():
        name, _, _ = option.partition(SECOND)
        if value and name.casefold() in names and value.casefold() in values:
            return option
    return None


def _value_of(names: set[str], own_options: Mapping[str, str]) -> str | None:
    for name, value in own_options.items():
        if name.casefold() in names:
            return quote(value, safe="")
    return None


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
    new_value = exchange(_meanings(name), _meanings(value))
    if new_value is None:
        return option
    return f"{name}={new_value}"


def _meanings(text: str) -> set[str]:
    """Decoded not at all, once, twice:
    how often it was encoded is not known, nor whether a plus is a space.

    a%252Fb may mean a%252fb, a%2fb and a/b.
    """
    meanings = newest = {text}
    for _ in range(MOST_ENCODINGS):
        decoded = {decode(each) for each in newest for decode in (unquote, unquote_plus)}
        newest = decoded - meanings
        meanings = meanings | newest
    return {meaning.casefold() for meaning in meanings}


# -- anywhere else ---------------------------------------------------------------------------------------------------


def _small_digits(encoded: str) -> str:
    """%2F becomes %2f."""
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)


# How a value may be written, each by the letter that stands for it in a mask.
_FORMS: dict[str, Callable[[str], str]] = {
    "r": str,
    "q": lambda value: quote(value, safe=""),
    "p": quote_plus,
    "s": lambda value: _small_digits(quote(value, safe="")),
    "t": lambda value: _small_digits(quote_plus(value)),  # as .NET writes it
    "d": lambda value: quote(quote(value, safe=""), safe=""),
    "e": lambda value: _small_digits(quote(quote(value, safe=""), safe="")),
}


def _long_values(own_options: Mapping[str, str]) -> list[tuple[str, str]]:
    """The longest first: another may be a part of it."""
    long = [(name, value) for name, value in own_options.items() if len(value) >= SHORTEST]
    return sorted(long, key=lambda option: len(option[1]), reverse=True)


@lru_cache(maxsize=64)
def _pattern_of_forms(value: str) -> re.Pattern[str]:
    """The value in large or small letters, each sign as it is or percent-encoded, that again
    encoded and so on. Whole forms come first, the longest one before the others: %25 at the end is
    one sign, and not a % before a 25.
    """
    forms = {write(value) for write in _FORMS.values()}
    longest_first = sorted(forms, key=len, reverse=True)
    whole_forms = map(re.escape, longest_first)
    sign_by_sign = "".join(map(_pattern_of_sign, value))

    pattern = "|".join([*whole_forms, sign_by_sign])
    return re.compile(pattern, re.IGNORECASE)


def _pattern_of_sign(sign: str) -> str:
    """Of a slash: itself, or %2f with any number of `25` behind the percent sign, as in %25252f."""
    cases = {sign, sign.lower(), sign.upper()}
    encodings = [_pattern_of_bytes(case.encode()) for case in cases]
    spaces = [r"\+", "%(?:25)*2b"] if sign == " " else []
    pattern = "|".join([re.escape(sign), *encodings, *spaces])
    return f"(?:{pattern})"


def _pattern_of_bytes(encoded: bytes) -> str:
    return "".join(f"%(?:25)*{byte:02x}" for byte in encoded)


def _place(name: str, value: str, match: re.Match[str]) -> str:
    """What stands in the link for this value of the option `name`: `***q.api%20key***`."""
    forms = [form for form, write in _FORMS.items() if write(value) == match[0]]
    form = forms[0] if forms else "q"
    return f"{MASK}{form}.{quote(name, safe='')}{MASK}"


def _put_back(own_options: Mapping[str, str], match: re.Match[str]) -> str:
    form, name = match.groups()
    value = own_options.get(unquote(name))
    write = _FORMS.get(form)
    if value is None or write is None:
        return match[0]
    return write(value)
