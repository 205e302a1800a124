"""Reach: where the sources of a deployed stack may be, and which secrets they may have.

Who may define a source decides where the worker's credentials go. So a stack that others reach
takes no source inside of itself, no directory, only the buckets of a list, of its own bucket only
what was sent for this source, and only secrets of the source's own path. On the laptop, where
WELLHEAD_SOURCE_REACH is `anywhere`, all of that is allowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.http.inside import is_inside

from .faults import fault
from .uploads import uploads_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.settings import Settings

    from .definition import Definition
    from .faults import Fault


def reach_faults(definition: Definition, settings: Settings) -> list[Fault]:
    """As definition.py tells faults; none where the stack lets sources be anywhere."""
    if settings.source_reach == "anywhere":
        return []
    return [*_of_addresses(definition, settings), *_of_secret(definition, settings)]


def _of_addresses(definition: Definition, settings: Settings) -> Iterator[Fault]:
    if definition.url.startswith("s3://"):
        yield from _of_bucket(definition, settings)
    elif definition.url:
        yield from _of_url("url", definition.url)

    aliases = definition.odata.get("aliases", ())
    if isinstance(aliases, str):
        aliases = [aliases]
    beside = [("odata.aliases", alias) for alias in aliases]
    beside.append(("odata.token_url", definition.odata.get("token_url", "")))
    for key, url in beside:
        if url:
            yield from _of_url(key, str(url))


def _of_bucket(definition: Definition, settings: Settings) -> Iterator[Fault]:
    """A path is taken apart as files/s3_place.py does: what stands before the first sign of a
    pattern is all that the keys must begin with. The bucket of the warehouse is never one of the
    list: published databases are no source.
    """
    bucket, path = _place_of(definition.url)
    own_bucket, own_path = _place_of(uploads_address(settings.warehouse, definition.name))
    path = re.split(r"[*?\[]", path)[0]
    is_below_own = path.startswith(own_path) and not {".", ".."} & set(path.split("/"))

    if own_bucket and bucket == own_bucket:
        if not is_below_own:
            problem = (
                "is in this stack's own bucket, where a source may read only what was sent for it"
            )
            yield fault("url", problem, f"an address below s3://{own_bucket}/{own_path}")
    elif bucket not in settings.source_buckets:
        names = ", ".join(settings.source_buckets)
        allowed = names or "none so far: WELLHEAD_SOURCE_BUCKETS lists them"
        problem = "is a bucket that sources of this stack may not read"
        yield fault("url", problem, f"one of the buckets {allowed}")


def _place_of(address: str) -> tuple[str, str]:
    """The bucket, and what lies in it; of a directory no bucket."""
    is_in_bucket = address.startswith("s3://")
    bucket, _, path = address.removeprefix("s3://").partition("/")
    return (bucket, path) if is_in_bucket else ("", "")


def _of_url(key: str, url: str) -> Iterator[Fault]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return  # told by the reader of the definition

    if parts.scheme != "https" or not host:
        yield fault(
            key,
            "is a place that only a source on a laptop may have",
            "an https address, or s3://bucket/…",
        )
    elif is_inside(host):
        yield fault(
            key,
            "leads into the machine that Wellhead itself runs on",
            "an address of the source's own",
        )


def _of_secret(definition: Definition, settings: Settings) -> Iterator[Fault]:
    if not definition.secret:
        return

    store, _, place = definition.secret.partition(":")
    own_path = f"{settings.source_secrets}/{definition.name}"
    own_name = own_path.lstrip("/")  # names in Secrets Manager begin with no slash
    expected = {"ssm": own_path, "secretsmanager": own_name}.get(store)

    # An "a/../b" below the own path would lead out of it.
    steps = set(place.removeprefix("/").split("/"))
    is_plain = re.fullmatch(r"[A-Za-z0-9_./-]+", place) and not {"", ".", ".."} & steps
    is_own = expected is not None and (place == expected or place.startswith(f"{expected}/"))
    if not is_plain or not is_own:
        yield fault(
            "secret",
            "is not under this stack's own path for this source",
            f"ssm:{own_path} or secretsmanager:{own_name}, or what lies below it",
        )
