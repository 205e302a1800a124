"""The keys of a definition: how the value of each is read. docs/sources.md explains them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.jobs.cron import CronInvalid, check_cron

from .choices import read_choices
from .column_rules import read_columns
from .faults import describe
from .file_form import read_file_form, read_unpivot
from .period_rule import read_zone

if TYPE_CHECKING:
    from .faults import Faults

LONGEST_SCHEDULE = 200  # characters
MOST_FAILURES = 100
SECONDS = {"min": 60.0, "h": 3600.0, "d": 86_400.0}
NAME = re.compile(r"[a-z0-9-]{1,40}")
# Those of store/period.py, which reaches DuckDB, and nothing on the way of the trigger does.
PERIODS = ("day", "month", "quarter", "year")
# Keys that are settings of an import too, each with the name of its setting.
ODATA_SETTINGS = {
    **{name: name for name in ("page_size", "page_seconds", "page_mb", "max_pages")},
    **{
        name: f"source_{name}"
        for name in (
            "paging",
            "seconds",
            "connections",
            "rps",
            "retries",
            "overlap_seconds",
            "aliases",
        )
    },
    **{name: f"source_{name}" for name in ("auth", "key_header", "token_url", "scope")},
}
GATE_SETTINGS = {name: f"gate_{name}" for name in ("rejected", "nulled", "withdrawn", "restated")}
ODATA = ("headers", "filter", "expand", *ODATA_SETTINGS)
GATE = (*GATE_SETTINGS, "skipped")
_SECRET = re.compile(
    r"(ssm:/[A-Za-z0-9_./-]{1,500}|secretsmanager:[A-Za-z0-9_/+=.@:-]{1,500}|env:[A-Za-z_][A-Za-z0-9_]{0,100})"
)
_SPAN = re.compile(r"([1-9][0-9]{0,5}) ?(min|h|d)")
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})? ?%")


def _name(faults: Faults, key: str, value: Any) -> str:
    name = faults.text(key, value, "default")
    if not NAME.fullmatch(name):
        faults.add(key, f"is {describe(name)}", "1 to 40 small letters, digits and hyphens")
    return name


def _secret(faults: Faults, key: str, value: Any) -> str:
    secret = faults.text(key, value)
    if secret and not _SECRET.fullmatch(secret):
        faults.add(
            key,
            "is no reference, and a secret itself must never stand here",
            "ssm:/path, secretsmanager:name or env:NAME",
        )
        return ""
    return secret


def _schedule(faults: Faults, key: str, value: Any) -> str:
    text = faults.text(key, value)
    if len(text) > LONGEST_SCHEDULE:
        faults.add(key, "is too long", "five fields of cron")
        return ""
    if not text.strip():
        return ""
    try:
        check_cron(text)
    except CronInvalid as exc:
        faults.add(key, f"is {describe(text)}, {exc.problem}", exc.instead)
        return ""
    return text


def _span(faults: Faults, key: str, value: Any) -> str:
    text = faults.text(key, value)
    if text and not _SPAN.fullmatch(text):
        faults.add(
            key,
            f"is {describe(text)}",
            'a time such as "26 h", "3 d" or "90 min", or an empty text',
        )
        return ""
    return text


def seconds_of(span: str) -> float:
    """Of what was read as a time."""
    number, unit = re.split(r" ?(?=[a-z])", span, maxsplit=1)
    seconds = SECONDS[unit]
    return int(number) * seconds


def _url(faults: Faults, key: str, value: Any) -> str:
    url = faults.filled_text(key, value)
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            faults.add(key, "holds a user name or a password", "a reference to it in secret")
            return ""
    except ValueError:
        faults.add(
            key, "is no address", "an address such as https://data.example.org/odata/Production"
        )
        return ""
    if re.search(r"[\x00-\x1f]", url):  # which urlsplit leaves out
        faults.add(key, "has a line break or a tab", "the address in one line")
        return ""
    return url


def _words(faults: Faults, key: str, value: Any) -> tuple[str, ...]:
    return faults.texts(key, value)


def _gate(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    table = faults.table(key, value, GATE)
    for name, bound in table.items():
        if name == "restated":
            if not _is_factor(bound):
                faults.add(f"{key}.restated", f"is {describe(bound)}", "a factor such as 2.0")
        elif not _is_share(bound):
            faults.add(f"{key}.{name}", f"is {describe(bound)}", 'a share such as "5 %"')
    return table


def _is_factor(bound: Any) -> bool:
    is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
    return is_number and 1 <= bound <= 1e6  # noqa: PLR2004


def _is_share(bound: Any) -> bool:
    if not isinstance(bound, str) or not _SHARE.fullmatch(bound):
        return False
    return float(bound.rstrip(" %")) <= 100  # noqa: PLR2004


def _odata(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    return faults.table(key, value, ODATA)


def _expect(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return dict(value)
    return faults.table(key, value, ())


def _one_of(*allowed: str) -> Any:
    return lambda faults, key, value: faults.choice(key, value, allowed)


RENAMED = {"default": "is_default"}  # as Definition has them
READERS: dict[str, Any] = {
    "name": _name,
    "default": lambda faults, key, value: faults.flag(key, value),
    "adopts": _name,
    "kind": _one_of("odata", "files"),
    "url": _url,
    "secret": _secret,
    "schedule": _schedule,
    "timezone": read_zone,
    "fresh_for": _span,
    "pause_after": lambda faults, key, value: faults.whole(key, value, 1, MOST_FAILURES),
    "preset": lambda faults, key, value: faults.text(key, value),
    "period": _one_of(*PERIODS),
    "rows": _one_of("one", "sum"),
    "primary_key": lambda faults, key, value: faults.fields(key, value),
    "order_by": lambda faults, key, value: faults.text(key, value),
    "across_files": _one_of("replace", "sum"),
    "missing": _one_of("keep", "withdraw"),
    "increment": lambda faults, key, value: faults.text(key, value),
    "where": read_choices,
    "skip": read_choices,
    "null_values": _words,
    "decimal": _one_of(".", ","),
    "thousands": _one_of("", ",", ".", " ", "'"),
    "columns": read_columns,
    "file": read_file_form,
    "unpivot": read_unpivot,
    "odata": _odata,
    "gate": _gate,
    "expect": _expect,
}
