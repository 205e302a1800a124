"""Which form of JSON an OData client takes, and how long a page may be for it. Pure."""

from __future__ import annotations

import re

from chalicelib.errors import FormatNotServed

LEVELS = ("minimal", "none")
JSON = ("application/json", "application/*", "*/*")
_MAXPAGESIZE = re.compile(
    r'(?:^|[,;\s])(?:odata\.)?maxpagesize\s*=\s*"?([0-9]{1,9})"?',
    re.IGNORECASE,
)


def metadata_level(accept: str, form: str | None) -> str:
    """How much the answer tells of itself: minimal or none.
    `form` is the option $format, which wins over the header. Raises FormatNotServed.
    """
    if form is not None:
        accept = "application/json" if form.strip() == "json" else form
    if not accept.strip():
        return "minimal"
    most_wanted = 0.0
    best_level = None
    for part in accept.split(","):
        weight, level = _weight_and_level(part)
        if level and weight > most_wanted:
            most_wanted = weight
            best_level = level
    if best_level is None:
        raise FormatNotServed
    return best_level


def _weight_and_level(part: str) -> tuple[float, str]:
    """How much it is wanted, and the level; an empty one is none that is served.

    "application/json;odata.metadata=none;q=0.5" is (0.5, "none").
    """
    kind, *texts = (text.strip().lower() for text in part.split(";"))
    parameters = {}
    for text in texts:
        name, _, value = text.partition("=")
        parameters[name.strip()] = value.strip()
    level = parameters.get("odata.metadata") or parameters.get("metadata") or "minimal"
    charset = parameters.get("charset", "utf-8").strip('"')
    if kind not in JSON or level not in LEVELS or charset != "utf-8":
        return 0.0, ""
    try:
        return float(parameters.get("q", "1")), level
    except ValueError:
        return 0.0, ""


def page_size(prefer: str, *, most: int) -> str | None:
    """By `Prefer: odata.maxpagesize=100`; None where it says nothing.
    What is more than a page may have is as much.
    """
    found = _MAXPAGESIZE.search(prefer)
    size = int(found[1]) if found else 0
    if size:
        return str(min(most, size))
    return None
