"""The registry:
one item a source, every version kept, and nothing written over what somebody has not seen.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from simulation.dynamodb import size_of
from support.coordination import NOON, Clock, InterruptedTable, SilentTable, a_job, table_contents
from support.sources import URL, a_definition, faulty_keys, settings

from chalicelib.errors import (
    DefinitionInvalid,
    ImportAlreadyRunning,
    SourceInUse,
    SourceNotNamed,
    SourceOfSettings,
    SourceRedefined,
    SourceUnknown,
    SourceVersionDiffers,
    StateUnavailable,
)
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import Job, new_job
from chalicelib.jobs.lock import Lease, same_source, source_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.schedule import Plan
from chalicelib.jobs.table import Table
from chalicelib.sources.registry import SourceRegistry
from chalicelib.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "wellhead-test"


@pytest.fixture
def registry(manager: JobManager, clock: Clock) -> SourceRegistry:
    return registry_of(manager, clock)


def registry_of(manager: JobManager, clock: Clock, **variables: str) -> SourceRegistry:
    return SourceRegistry(job_manager=manager, settings=settings(**variables), clock=clock)


def job_of(source: Source, clock: Clock) -> Job:
    return new_job(
        now=clock(),
        triggered_by="ada",
        parameters={},
        source_name=source.name,
        source_version=source.version,
    )


def test_a_source_is_stored_whole_and_its_version_beside_it(
    registry: SourceRegistry, dynamodb: Any, clock: Clock
) -> None:
    source = registry.put("north-sea", a_definition(default=True, schedule="0 5 * * *"), by="ada")

    item = {
        "name": "north-sea",
        "version": 1,
        "is_default": True,
        "adopts": "",
        "kind": "odata",
        "period": "month",
        "schedule": "0 5 * * *",
        "timezone": "",
        "fresh_for": "",
        "pause_after": 5,
        "definition": json.dumps(
            a_definition(default=True, schedule="0 5 * * *"), separators=(",", ":")
        ),
        "created_at": NOON,
        "created_by": "ada",
        "updated_at": NOON,
        "updated_by": "ada",
    }
    assert table_contents(dynamodb, TABLE) == {
        "SOURCE#north-sea": item,
        "SOURCE#north-sea#000001": item,
    }
    assert registry.get("north-sea") == source


def test_every_version_is_kept(registry: SourceRegistry, clock: Clock) -> None:
    first = registry.put("north-sea", a_definition(), by="ada")
    clock.advance(60)
    second = registry.put("north-sea", a_definition(period="year"), by="bob", if_match=first.tag)

    assert (second.version, second.created_by, second.created_at) == (2, "ada", NOON)
    assert (second.updated_by, second.updated_at) == ("bob", NOON + 60)
    assert [registry.version("north-sea", number) for number in (1, 2)] == [first, second]
    assert registry.get("north-sea").values() == a_definition(period="year")
    with pytest.raises(SourceUnknown):
        registry.version("north-sea", 3)


def test_the_same_definition_again_makes_no_version(
    registry: SourceRegistry, dynamodb: Any
) -> None:
    first = registry.put("north-sea", a_definition(), by="ada")
    before = table_contents(dynamodb, TABLE)

    assert registry.put("north-sea", a_definition(), by="bob") == first
    assert table_contents(dynamodb, TABLE) == before


@pytest.mark.parametrize("if_match", [None, '"0"', '"2"'])
def test_nothing_is_written_over_a_version_that_was_not_named(
    registry: SourceRegistry, if_match: str | None
) -> None:
    first = registry.put("north-sea", a_definition(), by="ada")

    with pytest.raises(SourceVersionDiffers) as refused:
        registry.put("north-sea", a_definition(period="year"), by="bob", if_match=if_match)

    assert refused.value.details == {"source": "north-sea", "version": 1}
    assert registry.get("north-sea") == first
    assert (
        registry.put("north-sea", a_definition(period="year"), by="bob", if_match="*").version == 2
    )


def test_a_version_of_a_source_that_is_not_there_is_refused(registry: SourceRegistry) -> None:
    with pytest.raises(SourceVersionDiffers):
        registry.put("north-sea", a_definition(), by="ada", if_match='"1"')


def test_of_two_at_once_one_is_told_what_the_other_wrote(dynamodb: Any, clock: Clock) -> None:
    def manager_of(table: Table) -> JobManager:
        return JobManager(table=table, lease=Lease(), clock=clock)

    plain = registry_of(manager_of(Table(dynamodb=dynamodb, name=TABLE)), clock)
    plain.put("north-sea", a_definition(), by="ada")
    slow = InterruptedTable(
        lambda: plain.put("north-sea", a_definition(period="year"), by="bob", if_match='"1"'),
        dynamodb=dynamodb,
        name=TABLE,
    )

    with pytest.raises(SourceVersionDiffers) as refused:
        registry_of(manager_of(slow), clock).put(
            "north-sea", a_definition(period="day"), by="eve", if_match='"1"'
        )

    assert refused.value.details == {"source": "north-sea", "version": 2}
    assert plain.get("north-sea").updated_by == "bob"


def test_a_lost_answer_leaves_a_whole_source(
    dynamodb: Any, clock: Clock, registry: SourceRegistry
) -> None:
    silent = JobManager(
        table=SilentTable(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock
    )
    with pytest.raises(StateUnavailable):
        registry_of(silent, clock).put("north-sea", a_definition(), by="ada")

    assert registry.put("north-sea", a_definition(), by="ada").version == 1


def test_an_item_stays_below_64_kb(registry: SourceRegistry, dynamodb: Any) -> None:
    filler = {"fillers": "é" * 25_000}
    registry.put("a" * 40, a_definition("a" * 40, expect=filler, schedule="0 5 * * *"), by="x" * 64)
    item = dynamodb.get_item(
        TableName=TABLE, Key=to_item({"pk": "SOURCE", "sk": "SOURCE#" + "a" * 40})
    )["Item"]
    assert size_of(item) < 64 << 10

    for expect in ({"fillers": "é" * 40_000}, {"x": float("nan")}, {"x": "\ud800"}):
        with pytest.raises(DefinitionInvalid):
            registry.put("b", a_definition("b", expect=expect), by="ada")
    assert registry.find("b") is None


# -- which source is meant ------------------------------------------------------------------------


def test_the_settings_are_a_source(registry: SourceRegistry) -> None:
    [source] = registry.all()

    assert (
        source
        == registry.get("default")
        == registry.of_trigger(None)
        == registry.of_trigger("default")
    )
    assert (source.name, source.version, source.settings(settings())) == (
        "default",
        None,
        settings(),
    )


def test_a_definition_of_their_name_stands_in_their_place(registry: SourceRegistry) -> None:
    defined = registry.put("default", a_definition("default"), by="ada")

    assert [source.name for source in registry.all()] == ["default"]
    assert registry.of_trigger(None) == registry.get("default") == defined
    assert registry.get("default").settings(settings()).source_url == URL


def test_of_several_sources_one_has_to_be_named(registry: SourceRegistry) -> None:
    registry.put("north-sea", a_definition(), by="ada")
    registry.put("gulf", a_definition("gulf"), by="ada")

    with pytest.raises(SourceNotNamed) as refused:
        registry.of_trigger(None)

    assert refused.value.details == {"field": "source", "sources": ["default", "gulf", "north-sea"]}
    assert registry.of_trigger("gulf").name == "gulf"
    with pytest.raises(SourceUnknown):
        registry.of_trigger("nowhere")


def test_the_default_one_is_meant_where_none_is_named(registry: SourceRegistry) -> None:
    registry.put("gulf", a_definition("gulf"), by="ada")
    chosen = registry.put("north-sea", a_definition(default=True), by="ada")

    assert registry.of_trigger(None) == chosen
    with pytest.raises(DefinitionInvalid) as refused:
        registry.put("gulf", a_definition("gulf", default=True), by="ada", if_match="*")
    assert faulty_keys(refused.value.details["faults"]) == ["default"]


@pytest.mark.parametrize(
    ("name", "values", "keys"),
    [
        ("north-sea", {"name": "other"}, ["name"]),
        ("north-sea", {"adopts": "north-sea"}, ["adopts"]),
        ("north-sea", {"adopts": "gulf"}, ["adopts"]),
        ("check", {"name": "check"}, ["name"]),
        ("north-sea", {"url": "https://localhost/x", "secret": "env:X"}, ["url", "secret"]),
        ("north-sea", {"nmae": "x", "period": "monthly"}, ["nmae", "period"]),
    ],
)
def test_what_cannot_stand_beside_the_others_is_a_fault(
    registry: SourceRegistry, dynamodb: Any, name: str, values: dict[str, Any], keys: list[str]
) -> None:
    registry.put("gulf", a_definition("gulf"), by="ada")
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(DefinitionInvalid) as refused:
        registry.put(name, a_definition(**values), by="ada")

    assert faulty_keys(refused.value.details["faults"]) == keys
    assert table_contents(dynamodb, TABLE) == before


def test_a_source_whose_rows_are_adopted_imports_no_more(registry: SourceRegistry) -> None:
    registry.put("north-sea", a_definition(adopts="default"), by="ada")

    assert [source.name for source in registry.all()] == ["north-sea"]
    with pytest.raises(SourceUnknown):
        registry.of_trigger("default")
    for name in ("default", "other"):
        with pytest.raises(DefinitionInvalid):
            registry.put(
                name,
                a_definition(name, **({} if name == "default" else {"adopts": "default"})),
                by="ada",
            )


# -- deleting ---------------------------------------------------------------------------------------


def test_a_deleted_source_keeps_its_versions_and_its_numbers(registry: SourceRegistry) -> None:
    first = registry.put("north-sea", a_definition(), by="ada")

    assert registry.delete("north-sea", by="bob", if_match='"1"') == first
    assert registry.find("north-sea") is None
    assert [source.name for source in registry.all()] == ["default"]
    assert registry.version("north-sea", 1) == first
    again = registry.put("north-sea", a_definition(), by="eve")
    assert (again.version, again.created_by) == (3, "eve")


def test_what_is_not_there_cannot_be_deleted(registry: SourceRegistry) -> None:
    with pytest.raises(SourceUnknown):
        registry.delete("north-sea", by="ada")
    with pytest.raises(SourceOfSettings):
        registry.delete("default", by="ada")
    registry.put("north-sea", a_definition(), by="ada")
    with pytest.raises(SourceVersionDiffers):
        registry.delete("north-sea", by="ada", if_match='"7"')


def test_a_source_is_not_deleted_while_it_is_imported(
    registry: SourceRegistry, manager: JobManager, clock: Clock
) -> None:
    source, other = (
        registry.put(name, a_definition(name), by="ada") for name in ("north-sea", "gulf")
    )
    job = manager.create(job_of(source, clock))

    with pytest.raises(SourceInUse) as refused:
        registry.delete("north-sea", by="ada")
    assert refused.value.details == {"source": "north-sea", "job_id": job.job_id}
    assert registry.delete("gulf", by="ada") == other
    manager.cancel(job.job_id)
    assert registry.delete("north-sea", by="ada") == source


def test_an_import_that_begins_at_that_moment_keeps_its_source(dynamodb: Any, clock: Clock) -> None:
    def begin() -> None:
        plain_manager.create(job_of(source, clock))

    plain_manager = JobManager(
        table=Table(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock
    )
    source = registry_of(plain_manager, clock).put("north-sea", a_definition(), by="ada")
    slow = JobManager(
        table=InterruptedTable(begin, dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock
    )

    with pytest.raises(SourceInUse):
        registry_of(slow, clock).delete("north-sea", by="ada")


def change(registry: SourceRegistry) -> None:
    registry.put("north-sea", a_definition(period="year"), by="bob", if_match="*")


def remove(registry: SourceRegistry) -> None:
    registry.delete("north-sea", by="bob")


@pytest.mark.parametrize("meanwhile", [change, remove])
def test_no_import_begins_with_a_definition_that_is_not_the_sources_any_more(
    dynamodb: Any,
    clock: Clock,
    registry: SourceRegistry,
    meanwhile: Callable[[SourceRegistry], None],
) -> None:
    source = registry.put("north-sea", a_definition(), by="ada")
    table = InterruptedTable(lambda: meanwhile(registry), dynamodb=dynamodb, name=TABLE)
    slow = JobManager(table=table, lease=Lease(), clock=clock)

    with pytest.raises(SourceRedefined):
        slow.create(job_of(source, clock))

    assert "owner" not in table_contents(dynamodb, TABLE).get("LOCK#import", {})


def test_one_lock_is_for_all_sources(
    registry: SourceRegistry, manager: JobManager, clock: Clock
) -> None:
    one, other = (
        registry.put(name, a_definition(name), by="ada") for name in ("north-sea", "gulf")
    )
    manager.create(job_of(one, clock))

    with pytest.raises(ImportAlreadyRunning):
        manager.create(job_of(other, clock))


# -- the source of a job ------------------------------------------------------------------------------


def test_a_worker_reads_the_definition_that_its_job_was_made_for(
    registry: SourceRegistry, clock: Clock
) -> None:
    first = registry.put("north-sea", a_definition(), by="ada")
    job = job_of(first, clock)
    second = registry.put("north-sea", a_definition(period="year"), by="ada", if_match="*")

    assert registry.of_job(job) == first
    assert registry.of_retry(job) == second
    assert (
        registry.of_job(a_job(clock))
        == registry.of_retry(a_job(clock))
        == Source.of_settings(settings())
    )


def test_what_the_stack_does_not_allow_any_more_is_not_imported(
    registry: SourceRegistry, manager: JobManager, clock: Clock
) -> None:
    bucket = a_definition(kind="files", url="s3://acme-drop/x/*.csv")
    registry.put("north-sea", bucket, by="ada")
    stricter = registry_of(manager, clock, source_buckets="acme-more")

    with pytest.raises(DefinitionInvalid) as refused:
        stricter.get("north-sea").settings(settings(source_buckets="acme-more"))

    assert faulty_keys(refused.value.details["faults"]) == ["url"]


def test_what_the_sweeper_does_is_told_of_each_definition_also_of_one_from_before_schedules(
    registry: SourceRegistry, manager: JobManager, clock: Clock
) -> None:
    new = a_definition(
        "new", schedule="0 5 * * *", timezone="America/Chicago", fresh_for="26 h", pause_after=2
    )
    registry.put("new", new, by="ada")
    for name, cron in (("old", "30 4 * * *"), ("refused", "99 4 * * *"), ("by-hand", "")):
        text = json.dumps(a_definition(name, schedule=cron, timezone="Europe/Oslo"))
        item = {
            "name": name,
            "version": 3,
            "schedule": cron,
            "created_at": 1.0,
            "updated_at": 2.0,
            "definition": text,
        }
        manager.table.transact([manager.table.put(source_key(name) | item, when=same_source(0))])

    by_hand, old, refused = (
        Plan(source=name, version=3, created_at=1.0, updated_at=2.0)
        for name in ("by-hand", "old", "refused")
    )
    assert sorted(registry.plans(), key=lambda plan: plan.source) == [
        by_hand,
        Plan(
            source="new",
            version=1,
            cron="0 5 * * *",
            timezone="America/Chicago",
            created_at=NOON,
            updated_at=NOON,
            fresh_seconds=93_600.0,
            pause_after=2,
        ),
        replace(old, cron="30 4 * * *", timezone="Europe/Oslo"),
        refused,
    ]
    assert registry.get("old").plan == replace(old, cron="30 4 * * *", timezone="Europe/Oslo")
