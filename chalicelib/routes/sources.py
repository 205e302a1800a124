"""What is imported: the sources, their definitions, schedules and files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chalicelib.api.parameters import read_value
from chalicelib.api.request_fields import single_values
from chalicelib.api.source_request import (
    TOML,
    VERSION,
    parse_definition,
    parse_file_name,
    parse_if_match,
    parse_source_name,
)
from chalicelib.api.tokens import Role
from chalicelib.errors import (
    CheckUnknown,
    DefinitionInvalid,
    DispatchFailed,
    SourceInUse,
    SourceNotScheduled,
    SourceOfSettings,
    SourceUnknown,
    SourceVersionDiffers,
    StateUnavailable,
    UploadNotHere,
    WarehouseUnavailable,
)
from chalicelib.jobs.schedule import schedule_view
from chalicelib.sources.presets import all_presets
from chalicelib.sources.source import Source, deleted_sentence, source_sentence
from chalicelib.sources.units import all_units
from chalicelib.sources.uploads import new_upload

from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.jobs.schedule import Plan, Schedule

    from .route import ApiCall

routes = Routes()


@routes.add(
    Route(
        "GET",
        "/api/v1/sources",
        id="listSources",
        summary="The sources",
        section="sources",
        tag="sources",
        answer="All of them, by name, without their definitions.",
        data="SourceList",
        is_conditional=True,
        errors=(StateUnavailable,),
    )
)
def list_sources(call: ApiCall) -> Response:
    current = call.services.job_manager.current_snapshot()
    published = (current.sources if current else None) or {}
    schedules = call.services.schedules.all()
    now = time.time()
    summaries = []
    for source in call.services.sources.all():
        schedule = source.follow(schedules.get(source.name))
        summaries.append(source.summary(published.get(source.name), schedule, now=now))
    return call.respond.success_or_not_modified(
        {"sources": summaries}, "The sources, by name.", seen=summaries
    )


@routes.add(
    Route(
        "GET",
        "/api/v1/sources/presets",
        id="listPresets",
        summary="The mappings of public sources that ship with Wellhead",
        section="sources",
        tag="sources",
        answer="All of them, by name.",
        data="PresetList",
        is_conditional=True,
    )
)
def list_presets(call: ApiCall) -> Response:
    presets = all_presets()
    text = "The mappings that ship with Wellhead."
    return call.respond.success_or_not_modified({"presets": presets}, text, seen=presets)


@routes.add(
    Route(
        "GET",
        "/api/v1/sources/units",
        id="listUnits",
        summary="The units that a definition may name",
        section="sources",
        tag="sources",
        answer="By what they measure.",
        data="Units",
        is_conditional=True,
    )
)
def list_units(call: ApiCall) -> Response:
    units = all_units()
    return call.respond.success_or_not_modified(
        units, "The units that a definition may name.", seen=units
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/sources/check",
        role=Role.ADMIN,
        id="checkSource",
        summary="Look at what an import of a definition would find",
        section="sources",
        tag="sources",
        answer="The definition has no fault, and its source is looked at now. Nothing is imported.",
        data="Check",
        status=202,
        headers=("Location",),
        errors=(DefinitionInvalid, StateUnavailable, DispatchFailed),
        body="SourceDefinition",
        needs_body=True,
        body_types=(TOML,),
    )
)
def check_source(call: ApiCall) -> Response:
    values = parse_definition(call.body, call.headers.get("content-type", ""))
    call.services.sources.refuse_faults(values)
    check = call.services.checks.create(values, by=call.caller.name)
    call.services.dispatcher.dispatch_check(check.check_id)
    return call.respond.success(
        check.view(),
        "The definition has no fault. What its source holds is looked at now; see the address in Location.",
        status=202,
        headers={"Location": f"check/{check.check_id}"},
    )


@routes.add(
    Route(
        "GET",
        "/api/v1/sources/check/{check_id}",
        role=Role.ADMIN,
        id="getCheck",
        summary="What a check has found",
        section="sources",
        tag="sources",
        answer="The check. One that FAILED is a success too, with the cause in `data.error`.",
        data="Check",
        errors=(CheckUnknown, StateUnavailable),
    )
)
def get_check(call: ApiCall, check_id: str) -> Response:
    check = call.services.checks.read(check_id)
    message = f"The check is {check.status}."
    return call.respond.success(check.view(), message)


@routes.add(
    Route(
        "GET",
        "/api/v1/sources/{name}",
        id="getSource",
        summary="A source and its definition",
        section="sources",
        tag="sources",
        answer="The source; its version is the ETag.",
        data="DefinedSource",
        query={"version": VERSION},
        headers=("ETag",),
        errors=(SourceUnknown, StateUnavailable),
    )
)
def get_source(call: ApiCall, name: str) -> Response:
    texts = single_values(call.query, allowed=["version"])
    name = parse_source_name(name)
    is_whole = call.caller.role.covers(Role.ADMIN)
    if not texts:
        source = call.services.sources.get(name)
        return _show_source(call, source, is_whole=is_whole)
    version = read_value("version", VERSION, texts["version"])
    source = call.services.sources.version(name, version)
    return _show_source(call, source, is_whole=is_whole, is_newest=False)


@routes.add(
    Route(
        "PUT",
        "/api/v1/sources/{name}",
        role=Role.ADMIN,
        id="putSource",
        summary="Define a source, or replace its definition",
        section="sources",
        tag="sources",
        answer="The source with its new version; the same definition again makes none.",
        data="DefinedSource",
        request_headers=("If-Match",),
        headers=("ETag",),
        errors=(SourceUnknown, DefinitionInvalid, SourceVersionDiffers, StateUnavailable),
        body="SourceDefinition",
        needs_body=True,
        body_types=(TOML,),
    )
)
def put_source(call: ApiCall, name: str) -> Response:
    values = parse_definition(call.body, call.headers.get("content-type", ""))
    source = call.services.sources.put(
        name,  # of another form it is a fault like any other
        values,
        by=call.caller.name,
        if_match=parse_if_match(call.headers),
    )
    return _show_source(call, source, is_whole=True)


@routes.add(
    Route(
        "DELETE",
        "/api/v1/sources/{name}",
        role=Role.ADMIN,
        id="deleteSource",
        summary="Delete a source; its rows stay",
        section="sources",
        tag="sources",
        answer="It is deleted. Every version of its definition is kept.",
        data="DeletedSource",
        request_headers=("If-Match",),
        errors=(
            SourceUnknown,
            SourceVersionDiffers,
            SourceInUse,
            SourceOfSettings,
            StateUnavailable,
        ),
    )
)
def delete_source(call: ApiCall, name: str) -> Response:
    source = call.services.sources.delete(
        parse_source_name(name),
        by=call.caller.name,
        if_match=parse_if_match(call.headers),
    )
    data = {"name": source.name, "version": source.version}
    return call.respond.success(data, deleted_sentence(source))


@routes.add(
    Route(
        "POST",
        "/api/v1/sources/{name}/pause",
        role=Role.OPERATOR,
        id="pauseSource",
        summary="Start nothing by the schedule of a source",
        section="schedules",
        tag="sources",
        answer="Its schedule, which starts nothing until it is resumed; twice is the same.",
        data="ScheduleState",
        errors=(SourceUnknown, SourceNotScheduled, StateUnavailable),
    )
)
def pause_source(call: ApiCall, name: str) -> Response:
    name = parse_source_name(name)
    by = call.caller.name

    def pause(plan: Plan) -> Schedule:
        return call.services.schedules.pause(plan, by=by)

    schedule = call.services.change_schedule(name, pause)
    data = {"name": name, **schedule_view(schedule)}
    return call.respond.success(data, f"The schedule of {name} is paused.")


@routes.add(
    Route(
        "POST",
        "/api/v1/sources/{name}/resume",
        role=Role.OPERATOR,
        id="resumeSource",
        summary="Let the schedule of a source go on",
        section="schedules",
        tag="sources",
        answer="Its schedule, which goes on: what was due meanwhile is skipped, and its failures are forgotten.",
        data="ScheduleState",
        errors=(SourceUnknown, SourceNotScheduled, StateUnavailable),
    )
)
def resume_source(call: ApiCall, name: str) -> Response:
    name = parse_source_name(name)
    schedule = call.services.change_schedule(name, call.services.schedules.resume)
    data = {"name": name, **schedule_view(schedule)}
    return call.respond.success(data, f"The schedule of {name} goes on.")


@routes.add(
    Route(
        "POST",
        "/api/v1/sources/{name}/files",
        role=Role.ADMIN,
        id="sendFile",
        summary="Where to send a file that a source shall read",
        section="files-of-a-source",
        tag="sources",
        answer="A form that is good for this one file, for a quarter of an hour: do not log it.",
        data="Upload",
        body="SentFile",
        needs_body=True,
        errors=(SourceUnknown, UploadNotHere, WarehouseUnavailable),
    )
)
def send_file(call: ApiCall, name: str) -> Response:
    name = parse_source_name(name)
    file = parse_file_name(call.body)
    upload = new_upload(
        name,
        file,
        warehouse=call.services.warehouse,
        address=call.services.settings.warehouse,
        now=time.time(),
    )
    text = "Send the file to url, as a form of these fields with the file as the last one."
    return call.respond.success(upload, text)


def _show_source(
    call: ApiCall, source: Source, *, is_whole: bool, is_newest: bool = True
) -> Response:
    """Of an old version, without what becomes of its schedule."""
    view = source.view(is_whole=is_whole)
    if is_newest:
        current = call.services.job_manager.current_snapshot()
        published = (current.sources if current else None) or {}
        latest = published.get(source.name)
        schedule = call.services.schedule_of(source)
        view |= source.running(latest, schedule, now=time.time())
    sentence = source_sentence(source)
    return call.respond.success(view, sentence, headers={"ETag": source.tag})
