"""Source: one that Wellhead can import, from a definition in the table or from the settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid
from chalicelib.jobs.freshness import stale_since
from chalicelib.jobs.schedule import Plan, Schedule, schedule_view
from chalicelib.odata.masked_link import mask_link

from .definition import PAUSE_AFTER, definition_of
from .definition_keys import seconds_of
from .faults import fault
from .overlay import settings_of
from .reach import reach_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.settings import Settings

    from .definition import Definition
    from .faults import Fault

LARGEST_ITEM = 64 << 10  # bytes, all of it
LONGEST_DEFINITION = 56 << 10  # bytes as JSON; names, times and who it was are the rest


@dataclass(frozen=True, kw_only=True)
class Source:
    """`text` is the definition as it was written, as JSON; empty where only its facts were read,
    and for the source that the settings describe, which has the `version` None. Times are epoch
    seconds. `timezone`, `fresh_for` and `pause_after` are None of one that was stored before they
    were of any effect.
    """

    name: str
    version: int | None = None
    is_default: bool = False
    adopts: str = ""
    kind: str = "odata"
    period: str = "month"
    schedule: str = ""
    timezone: str | None = None
    fresh_for: str | None = None
    pause_after: int | None = None
    text: str = ""
    created_at: float | None = None
    created_by: str | None = None
    updated_at: float | None = None
    updated_by: str | None = None

    @classmethod
    def of_settings(cls, settings: Settings) -> Source:
        return cls(name=settings.source_name, period=settings.source_period)

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> Source:
        facts = {name: item[name] for name in FACTS if name in item}
        text = item.get("definition", "")
        return cls(**facts, text=text)

    @property
    def tag(self) -> str:
        """The entity tag that If-Match takes."""
        return f'"{self.version or 0}"'

    def values(self) -> dict[str, Any]:
        """The definition, as it was written."""
        if not self.text:
            return {}
        return dict(json.loads(self.text))

    def settings(self, base: Settings) -> Settings:
        """Those of an import of it.
        Raises DefinitionInvalid, where what it may do has changed since, too.
        """
        if self.version is None:
            return base
        _, settings = check_definition(self.values(), base)
        return settings

    @property
    def plan(self) -> Plan | None:
        """What the sweeper does for it; None of the source that the settings describe."""
        if self.version is None:
            return None
        return Plan(
            source=self.name,
            version=self.version,
            cron=self.schedule,
            timezone=self.timezone or "",
            created_at=self.created_at or 0.0,
            updated_at=self.updated_at or 0.0,
            fresh_seconds=seconds_of(self.fresh_for) if self.fresh_for else None,
            pause_after=self.pause_after or PAUSE_AFTER,
        )

    def follow(self, schedule: Schedule | None) -> Schedule | None:
        """Its schedule as its newest definition says,
        also where the sweeper has not been there yet.
        """
        if not self.plan:
            return None
        known = schedule or Schedule(source=self.name)
        return known.follow(self.plan)

    def summary(
        self,
        published: Mapping[str, Any] | None = None,
        schedule: Schedule | None = None,
        *,
        now: float = 0.0,
    ) -> dict[str, Any]:
        """What a list shows. `published` are the pointer's facts of its latest import."""
        running = self.running(published, schedule, now=now)
        return self._facts | running | {"last_import": _last_import(published)}

    def view(self, *, is_whole: bool) -> dict[str, Any]:
        """What is shown of it alone.
        Unless `is_whole`, without what the query of an address holds, a key perhaps.
        """
        values = self.values()
        if "url" in values and not is_whole:
            url = str(values["url"])
            values["url"] = mask_link(url, url)
        return self._facts | self.running() | {"definition": values or None}

    def running(
        self,
        published: Mapping[str, Any] | None = None,
        schedule: Schedule | None = None,
        *,
        now: float = 0.0,
    ) -> dict[str, Any]:
        """What becomes of its schedule, and of its age."""
        since = stale_since(self.plan, published, now=now) if self.plan else None
        return schedule_view(schedule) | {"stale_since": since}

    @property
    def _facts(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in FACTS}
        return facts | {
            "is_of_settings": self.version is None,
            "timezone": self.timezone or "",
            "fresh_for": self.fresh_for or "",
        }


FACTS = [name for name in Source.__dataclass_fields__ if name != "text"]


def _last_import(published: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not published:
        return None
    return {"job_id": published["job_id"], "at": published["at"]}


def check_definition(values: Mapping[str, Any], base: Settings) -> tuple[Definition, Settings]:
    """The definition, and the settings of its imports. Raises DefinitionInvalid with every fault:
    of the definition, or where there are none, of what this stack allows.
    """
    definition = definition_of(values)
    faults = reach_faults(definition, base)
    try:
        settings = settings_of(definition, base)
    except DefinitionInvalid as exc:
        faults = [*exc.details["faults"], *faults]
    refuse_any(faults)
    return definition, settings


def refuse_any(faults: list[Fault]) -> None:
    """Raises DefinitionInvalid."""
    if faults:
        raise DefinitionInvalid(faults=faults)


def definition_text(values: Mapping[str, Any]) -> str:
    """As the table keeps it. Raises DefinitionInvalid when it is too long, or no JSON."""
    try:
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        problem = "holds what JSON cannot, such as nan or half a character"
        refuse_any([fault("", problem, "texts, numbers, true and false")])
        raise
    if size > LONGEST_DEFINITION:
        problem = f"is longer than {LONGEST_DEFINITION >> 10} KB"
        refuse_any([fault("", problem, "a shorter definition")])
    return text


def source_sentence(source: Source) -> str:
    """What an answer says of it, for people."""
    if source.version is None:
        return f"The source {source.name} is described by the settings of the stack."
    return f"The source {source.name} has version {source.version}."


def deleted_sentence(source: Source) -> str:
    return (
        f"The source {source.name} is deleted, and every version of its definition is kept. Its rows stay published "
        f'under its name; a source with adopts = "{source.name}" takes them over at its first full import.'
    )
