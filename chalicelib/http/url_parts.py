r"""The parts of a URL, by the parser that `requests` sends with: `http://a\@b/` leads to a, where
urllib.parse reads b.

Where the address of a page leads is looked at half a dozen times before it is asked for, so it is
taken apart once.
"""

from __future__ import annotations

from functools import lru_cache

from urllib3.util import Url, parse_url

MOST_KEPT = 128  # the pages of as many requests as are made at once, and what each links to


@lru_cache(maxsize=MOST_KEPT)
def url_parts(url: str) -> Url:
    """Raises urllib3's LocationParseError, which is a ValueError."""
    return parse_url(url)
