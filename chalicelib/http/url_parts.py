r"""The parts of a URL, by the parser that `requests` sends with: `http://a\@b/` leads to a, where
urllib.parse reads b.

Where the address of a page leads is looked at half a dozen times before it is asked for, so it is
taken apart once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from urllib3.util import Url, parse_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST_KEPT = 128  # the pages of as many requests as are made at once, and what each links to


@lru_cache(maxsize=MOST_KEPT)
def url_parts(url: str) -> Url:
    """Raises urllib3's LocationParseError, which is a ValueError."""
    return parse_url(url)


def with_options(url: str, options: Mapping[str, str], *, without: Collection[str] = ()) -> str:
    """The URL with these options of its query in place of its own of those names, and without some.
    Its other ones stay, and one that is there twice, such as `?region=1&region=2`, stays twice.
    """
    parts = urlsplit(url)
    to_add = dict(options)
    pairs: list[tuple[str, str]] = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in options and name not in without:
            pairs.append((name, value))
        elif name in to_add:  # where it stood
            pairs.append((name, to_add.pop(name)))
    pairs.extend(to_add.items())
    return urlunsplit(parts._replace(query=urlencode(pairs, quote_via=quote, safe="$,")))


def option_of(url: str, name: str) -> str:
    """Of the query of the URL; empty where it has none of that name."""
    return dict(parse_qsl(urlsplit(url).query)).get(name, "")
