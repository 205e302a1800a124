"""Which form of JSON an OData client takes, and how long a page may be for it. Pure."""

from __future__ import annotations

import re

from chalicelib.errors import FormatNotServed

LEVELS = ("minimal", "none")
JSON = ("application/json", "application/*", "*/*")


def metadata_level(accept: str, form: str | None) -> str:
    """How much the answer tells of itself: minimal or none. `form` is the option $format, which wins over the header.
    Raises FormatNotServed.
    """
    if form is not None:
        accept = "application/json" if form.strip() == "json" else form
    offers = [_offer(part) for part in accept.split(",")] if accept.strip() else [(1.0, "minimal")]
    taken = [offer for offer in offers if offer[1] and offer[0] > 0]
    if not taken:
        raise FormatNotServed
    return max(taken, key=lambda offer: offer[0])[1]


def _offer(part: str) -> tuple[float, str]:
    """How much it is wanted, and the level; an empty one is none that is served."""
    kind, *parameters = (text.strip().lower() for text in part.split(";"))
    told = {name.strip(): value.strip() for name, _, value in (each.partition("=") for each in parameters)}
    level = told.get("odata.metadata") or told.get("metadata") or "minimal"
    if kind not in JSON or level not in LEVELS or told.get("charset", "utf-8").strip('"') != "utf-8":
        return 0.0, ""
    try:
        return float(told.get("q", "1")), level
    except ValueError:
        return 0.0, ""


def page_size(prefer: str, *, most: int) -> str | None:
    """By `Prefer: odata.maxpagesize=100`; None where it says nothing. What is more than a page may have is as much."""
    found = re.search(r'(?:^|[,;\s])(?:odata\.)?maxpagesize\s*=\s*"?([0-9]{1,9})"?', prefer, re.IGNORECASE)
    return str(min(most, int(found[1]))) if found and int(found[1]) else None
