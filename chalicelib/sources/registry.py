"""SourceRegistry: the sources of the stack, each an item of the one table, with every version of
its definition kept.

The settings WELLHEAD_SOURCE_* are the source that WELLHEAD_SOURCE_NAME names, as long as no
definition has that name or adopts its rows.

    A   reads: version 3 ── writes version 4, if it is 3 still: done
    B   reads: version 3 ── writes version 4, if it is 3 still: refused ── is told: it is version 4 now
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    DefinitionInvalid,
    SourceInUse,
    SourceNotNamed,
    SourceOfSettings,
    SourceUnknown,
    SourceVersionDiffers,
)
from chalicelib.jobs.lock import LOCK, same_lock, same_source, source_key, source_version_key
from chalicelib.jobs.table import ConditionRefused

from .definition import PAUSE_AFTER, definition_of
from .neighbours import MOST_SOURCES, faults_beside_others
from .source import FACTS, Source, check_definition, definition_text, refuse_any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.schedule import Plan
    from chalicelib.settings import Settings

    from .faults import Fault

ANY = "*"  # as If-Match: whatever version there is


class SourceRegistry:
    """`settings` are those of the stack."""

    def __init__(
        self, *, job_manager: JobManager, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._job_manager = job_manager
        self._table = job_manager.table
        self._settings = settings
        self._clock = clock

    # -- reading ------------------------------------------------------------------------------

    def all(self) -> list[Source]:
        """By name, without their definitions. Raises StateUnavailable."""
        defined = self._read_all()
        sources = [*defined, *self._of_settings(defined)]
        return sorted(sources, key=lambda source: source.name)

    def get(self, name: str) -> Source:
        """Raises SourceUnknown, StateUnavailable."""
        source = self.find(name)
        if source is None:
            raise SourceUnknown(source=name)
        return source

    def find(self, name: str) -> Source | None:
        item = self._table.read(source_key(name))
        if item and "deleted_at" not in item:
            return self._whole(Source.of_item(item))

        if name != self._settings.source_name:
            return None
        of_settings = self._of_settings(self._read_all())
        return next(iter(of_settings), None)

    def plans(self) -> list[Plan]:
        """What the sweeper does for each source that a definition describes.
        Raises StateUnavailable.
        """
        plans = [source.plan for source in self._read_all()]
        return [plan for plan in plans if plan]

    def version(self, name: str, version: int) -> Source:
        """As it was once, also of a source that has been deleted since.
        Raises SourceUnknown, StateUnavailable.
        """
        item = self._table.read(source_version_key(name, version))
        if item is None:
            raise SourceUnknown(
                "The source never had this version. The list of sources tells the current one."
            )
        return Source.of_item(item)

    def of_trigger(self, name: str | None) -> Source:
        """The one that is named; without a name the only one, or the one with `default = true`.
        Raises SourceUnknown, SourceNotNamed, StateUnavailable.
        """
        if name is not None:
            return self.get(name)

        known = self.all()
        candidates = known
        if len(known) != 1:
            candidates = [source for source in known if source.is_default]
        if len(candidates) != 1:
            raise SourceNotNamed(field="source", sources=[source.name for source in known])

        (source,) = candidates
        if source.version is None:
            return source
        return self.get(source.name)  # with its definition, which a list leaves out

    def of_job(self, job: Job) -> Source:
        """As it was when the job was made. Raises SourceUnknown, StateUnavailable."""
        if job.source_version is None:
            return Source.of_settings(self._settings)
        return self.version(str(job.source_name), job.source_version)

    def of_retry(self, job: Job) -> Source:
        """As it is now. Raises SourceUnknown, StateUnavailable."""
        is_own_name = job.source_name in (None, self._settings.source_name)
        if job.source_version is None and is_own_name:
            return Source.of_settings(self._settings)
        return self.get(str(job.source_name))

    def refuse_faults(self, values: Mapping[str, Any]) -> None:
        """What a put would refuse. Raises DefinitionInvalid, StateUnavailable."""
        if faults := self.faults_of(values):
            raise DefinitionInvalid(faults=faults)

    def faults_of(self, values: Mapping[str, Any]) -> list[Fault]:
        """What a put would list. Raises StateUnavailable."""
        try:
            definition, _ = check_definition(values, self._settings)
            definition_text(values)
        except DefinitionInvalid as exc:
            return list(exc.details["faults"])
        return faults_beside_others(definition.name, definition, self._read_all())

    # -- writing ------------------------------------------------------------------------------

    def put(
        self, name: str, values: Mapping[str, Any], *, by: str, if_match: str | None = None
    ) -> Source:
        """A new source, or a new version of one. `if_match` is the tag of the version that is
        replaced, which must be told; the same definition again is no new version. Raises
        DefinitionInvalid, SourceVersionDiffers, StateUnavailable.
        """
        values = {**values, "name": values.get("name", name)}
        definition, _ = check_definition(values, self._settings)
        text = definition_text(values)
        refuse_any(faults_beside_others(name, definition, self._read_all()))

        stored = self._table.read(source_key(name)) or {}
        old = Source.of_item(stored) if stored and "deleted_at" not in stored else None
        if old and old.text == text:
            return old
        _refuse_other_version(old, if_match, name)

        now = self._clock()
        stored_version = int(
            stored.get("version", 0)
        )  # of a deleted one too: it goes on from there
        new = Source(
            name=name,
            version=stored_version + 1,
            is_default=definition.is_default,
            adopts=definition.adopts,
            kind=definition.kind,
            period=definition.period,
            schedule=definition.schedule,
            timezone=definition.timezone,
            fresh_for=definition.fresh_for,
            pause_after=definition.pause_after,
            text=text,
            created_at=old.created_at if old else now,
            created_by=old.created_by if old else by,
            updated_at=now,
            updated_by=by,
        )
        self._write(new, stored_version)
        return new

    def delete(self, name: str, *, by: str, if_match: str | None = None) -> Source:
        """The source as it was. Its versions are kept, and its rows. Raises SourceUnknown,
        SourceOfSettings, SourceInUse, SourceVersionDiffers, StateUnavailable.

            A   reads: lock free ──────────────────── deletes, if the lock is as read: refused ── reads anew: in use
            B   trigger: source there ── creates, if the source is as read: done

        """
        while True:
            lock = self._job_manager.lock()
            old = self.get(name)
            if old.version is None:
                raise SourceOfSettings(source=name)
            if if_match not in (None, ANY, old.tag):
                raise _differs(old, name)

            owner = self._job_manager.owner_of(lock)
            if owner and owner.source_name == name:
                raise SourceInUse(source=name, job_id=owner.job_id)

            gone = {
                "name": name,
                "version": old.version + 1,
                "deleted_at": self._clock(),
                "deleted_by": by,
            }
            writes = [
                self._table.put(source_key(name) | gone, when=same_source(old.version)),
                self._table.check(LOCK, when=same_lock(lock)),
            ]
            try:
                self._table.transact(writes)
            except ConditionRefused:
                continue
            return old

    # -- how ----------------------------------------------------------------------------------

    def _read_all(self) -> list[Source]:
        sources: list[Source] = []
        names = [*FACTS, "deleted_at"]
        place = None
        while True:
            items, place = self._table.newest(
                "SOURCE", limit=MOST_SOURCES, names=names, before=place
            )
            present = [item for item in items if "deleted_at" not in item]
            sources += [self._whole(Source.of_item(item)) for item in present]
            if place is None:
                return sources

    def _whole(self, source: Source) -> Source:
        """Of one that was stored when its schedule was of no effect,
        with what its definition says of it. Where that is refused by now, it has none.
        """
        if source.timezone is not None:
            return source

        schedule = timezone = ""
        if source.schedule:
            with suppress(DefinitionInvalid):
                definition = definition_of(json.loads(self._text_of(source)))
                schedule = definition.schedule
                timezone = definition.timezone
        return replace(
            source, schedule=schedule, timezone=timezone, fresh_for="", pause_after=PAUSE_AFTER
        )

    def _text_of(self, source: Source) -> str:
        """Lists leave it out."""
        if source.text:
            return source.text
        item = self._table.read(source_key(source.name)) or {}
        return str(item.get("definition", "{}"))

    def _of_settings(self, defined: Iterable[Source]) -> list[Source]:
        """None where a definition has its name, or takes over its rows:
        they would come back with each import.
        """
        name = self._settings.source_name
        if any(name in (source.name, source.adopts) for source in defined):
            return []
        return [Source.of_settings(self._settings)]

    def _write(self, new: Source, before: int) -> None:
        """Raises SourceVersionDiffers."""
        facts = {name: getattr(new, name) for name in FACTS}
        item = {name: value for name, value in facts.items() if value is not None}
        item["definition"] = new.text
        current = source_key(new.name) | item
        version = source_version_key(new.name, int(new.version or 0)) | item
        writes = [
            self._table.put(current, when=same_source(before)),
            self._table.put(version, when=same_source(0)),
        ]
        try:
            self._table.transact(writes)
        except ConditionRefused:
            stored = self.find(new.name)
            if stored and replace(stored) == new:
                return  # it was written, only the answer was lost
            raise _differs(stored, new.name) from None


def _refuse_other_version(old: Source | None, if_match: str | None, name: str) -> None:
    """Raises SourceVersionDiffers."""
    if old is None:
        if if_match not in (None, '"0"'):  # the version of one that is not there yet
            raise _differs(old, name)
    elif if_match not in (ANY, old.tag):
        raise _differs(old, name)


def _differs(old: Source | None, name: str) -> SourceVersionDiffers:
    version = old.version if old else None
    return SourceVersionDiffers(source=name, version=version)
