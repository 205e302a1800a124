"""What is asked of the feed: which entity set or entity, by which options. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from chalicelib.errors import FeedNotImplemented, NotInFeed, ValidationError

from .feed_format import LEVELS, metadata_level, page_size
from .feed_model import ENTITY_SETS
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METADATA, COUNT = "$metadata", "$count"
READ = ("$filter", "$orderby", "$select", "$top", "$skip", "$count", "$skiptoken")
NOT_READ = (
    "$expand",
    "$search",
    "$apply",
    "$compute",
    "$deltatoken",
    "$index",
    "$levels",
    "$schemaversion",
    "$id",
)
OF_THE_SERVICE = ("$batch", "$all", "$crossjoin", "$entity")


@dataclass(frozen=True, kw_only=True)
class FeedRequest:
    """What is asked of an entity set. `key` is what stands in the parentheses of the address;
    `options` are those of the query, `limit` how many rows a page may have where the caller has
    said it.
    """

    entity_set: str
    key: str | None
    is_count: bool
    options: Mapping[str, str]
    limit: str | None
    level: str

    @property
    def query(self) -> dict[str, list[str]]:
        """For parse_query. The number of rows alone needs none of them."""
        values = {"entity_set": self.entity_set, **self.options}
        if self.key is not None:
            values["key"] = self.key
        if self.is_count:
            values |= {"$count": "true", "$top": "0"}
        elif self.limit:
            values["limit"] = self.limit
        return {name: [value] for name, value in values.items()}


def parse_feed_request(
    path: str,
    part: str,
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    *,
    most: int,
) -> FeedRequest:
    """`path` is what follows the root, `part` what follows that, `most` how many rows a page may
    have. Raises ValidationError, NotInFeed, FormatNotServed, FeedNotImplemented.
    """
    name, key = _parse_path(path)
    if part not in ("", COUNT) or (part and key is not None):
        raise FeedNotImplemented(
            "The feed knows only whole entities. Ask for properties with $select."
        )
    options = _options(query)
    is_count = bool(part)
    if is_count:
        level = LEVELS[0]
        allowed: tuple[str, ...] = ("$filter",)
    else:
        level = metadata_level(headers.get("accept", ""), options.pop("$format", None))
        allowed = READ if key is None else ("$select",)
    for option in options:
        if option not in allowed:
            raise ValidationError(f"{option} has no meaning at this address.", field=option)
    return FeedRequest(
        entity_set=name,
        key=key,
        is_count=is_count,
        options=options,
        limit=page_size(headers.get("prefer", ""), most=most),
        level=level,
    )


def refuse_options(query: Mapping[str, Sequence[str]], headers: Mapping[str, str]) -> str:
    """At the root of the feed, which has a form alone: how much the answer tells of itself.
    Raises ValidationError, FeedNotImplemented, FormatNotServed.
    """
    options = _options(query)
    level = metadata_level(headers.get("accept", ""), options.pop("$format", None))
    for option in options:
        raise ValidationError(f"{option} has no meaning at this address.", field=option)
    return level


def _parse_path(path: str) -> tuple[str, str | None]:
    """The entity set, and the key that stands in parentheses behind it: "Wells(source='a')"."""
    found = re.fullmatch(r"([^()]+)(?:\((.*)\))?", unquote(path), re.DOTALL)
    if found is None:
        raise FeedNotImplemented
    name, key = found.groups()
    if name.split(".")[0] in OF_THE_SERVICE:
        raise FeedNotImplemented
    if name not in ENTITY_SETS:
        raise NotInFeed
    return name, key


def _options(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    for name in query:
        if name in NOT_READ or name.startswith("@"):
            raise FeedNotImplemented(f"The feed does not know {name[:40]}.", field=name[:40])
    return single_values(query, allowed=(*READ, "$format"))
