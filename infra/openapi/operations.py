"""What the document says of each route, beside what the code tells by itself."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from chalicelib.api.csv_rows import CSV
from chalicelib.api.formats import BINARY, FORMATS
from chalicelib.api.history import HISTORY, JOBS_DEFAULT
from chalicelib.api.import_request import ASKED
from chalicelib.api.notices_request import NOTICES, NOTICES_DEFAULT
from chalicelib.api.parameters import choice
from chalicelib.api.source_request import TOML, VERSION
from chalicelib.errors import (
    AcceptTooLate,
    AnswerTooLarge,
    ChangesNotKept,
    ChangesNotYet,
    CheckUnknown,
    DatabaseFetching,
    DatabaseTooLarge,
    DefinitionInvalid,
    DispatchFailed,
    ExportTooLarge,
    FindingsDiffer,
    ImportAlreadyRunning,
    InvalidJobId,
    JobIsFinal,
    JobNotFound,
    ListTooLarge,
    NotHeld,
    NothingPublished,
    NotResumable,
    NotRetryable,
    QueryFailed,
    QueryFunctionMissing,
    QueryThrottled,
    QueryTooLarge,
    QueryTooSlow,
    QueryUnavailable,
    RejectsNotKept,
    RejectsNotYet,
    RequestForbidden,
    RetriedAlready,
    ScratchFull,
    SnapshotGone,
    SourceChangedSince,
    SourceInUse,
    SourceNotNamed,
    SourceNotScheduled,
    SourceOfSettings,
    SourceRedefined,
    SourceUnknown,
    SourceVersionDiffers,
    SqlEnded,
    SqlInvalid,
    SqlOff,
    SqlTooLarge,
    SqlTooSlow,
    StateUnavailable,
    Unhealthy,
    UploadNotHere,
    WarehouseCorrupt,
    WarehouseForeign,
    WarehouseTooNew,
    WarehouseUnavailable,
)
from chalicelib.queries.production import ProductionQuery
from chalicelib.queries.query import QUERIES

from . import examples
from .operation import Operation
from .ops_operations import OPS_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.api.parameters import Parameter

DATA_ERRORS = (
    NothingPublished,
    StateUnavailable,
    QueryUnavailable,
    QueryFunctionMissing,
    QueryThrottled,
    QueryTooSlow,
    AnswerTooLarge,
    QueryTooLarge,
    QueryFailed,
    DatabaseFetching,
    DatabaseTooLarge,
    WarehouseUnavailable,
    WarehouseCorrupt,
    WarehouseTooNew,
    WarehouseForeign,
    ScratchFull,
)
SNAPSHOT_HEADER = "X-Wellhead-Snapshot"
OF_THE_SOURCE = (SourceUnknown, DefinitionInvalid, SourceRedefined)
START_ERRORS = (
    RequestForbidden,
    ImportAlreadyRunning,
    SourceNotNamed,
    *OF_THE_SOURCE,
    StateUnavailable,
)
ID_ERRORS = (InvalidJobId, JobNotFound, StateUnavailable)


def _query(parameters: Mapping[str, Parameter], **defaults: Any) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "description": f"{parameter.meaning}; {parameter.allowed}",
            "schema": {
                **parameter.schema,
                **({"default": defaults[name]} if name in defaults else {}),
            },
        }
        for name, parameter in parameters.items()
    }


def _asked(name: str) -> dict[str, dict[str, Any]]:
    parameters = {each: told for each, told in QUERIES[name].items() if each != "job_id"}
    method = getattr(ProductionQuery, name, None)
    default = (
        signature(method).parameters["limit"].default if "limit" in parameters and method else None
    )
    return _query(parameters, **({"limit": default} if default else {}))


def _list_of(name: str, id: str, summary: str, data: str) -> Operation:  # noqa: A002  as OpenAPI says it
    return Operation(
        id=id,
        summary=summary,
        tag="data",
        answer=f"A page of rows. {_OR_A_FILE}",
        data=f"{data}OrFile",
        example=examples.PAGES[name],
        query={**_asked(name), **_query(FORMATS)},
        headers=("X-Next-Cursor", SNAPSHOT_HEADER),
        other_content=_files(examples.LIST_CSV),
        conditional=True,
        errors=(SnapshotGone, ListTooLarge, *DATA_ERRORS),
    )


_OR_A_FILE = "With another `format` than json all rows as a file, or, where that is large, the address of one."


def _files(example: str) -> dict[str, Any]:
    binary = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in BINARY}
    return {CSV: {"schema": {"type": "string"}, "example": example}, **binary}


_START = {
    "summary": "Start an import",
    "tag": "import",
    "answer": "The import is accepted, or the one that the same Idempotency-Key started.",
    "data": "Accepted",
    "example": examples.ACCEPTED,
    "query": _query(ASKED),
    "request_headers": ("Idempotency-Key",),
    "headers": ("Location", "Retry-After"),
    "errors": START_ERRORS,
}
_BODY = {
    "schema": {"$ref": "#/components/schemas/Import"},
    "examples": {
        "everything": {"value": {"full": True}},
        "a part": {"value": {"field_code": "1001", "from": "2024-01-01", "to": "2024-06-30"}},
    },
}

_SOURCE_BODY = {
    "body": {
        "schema": {"$ref": "#/components/schemas/SourceDefinition"},
        "examples": {"an OData service": {"value": examples.DEFINITION}},
    },
    "other_bodies": {TOML: {"schema": {"type": "string"}}},
    "needs_body": True,
}

_ACCEPTANCE = {
    "schema": {"$ref": "#/components/schemas/Acceptance"},
    "examples": {"two findings": {"value": {"findings": ["NULLED", "RESTATED"]}}},
}

OPERATIONS: Mapping[str, Operation] = {
    "GET /wells/import/trigger": Operation(id="triggerByGet", **_START),  # type: ignore[arg-type]
    "POST /wells/import/trigger": Operation(id="trigger", status=202, body=_BODY, **_START),  # type: ignore[arg-type]
    "GET /wells/import/status/{job_id}": Operation(
        id="getStatus",
        summary="Follow a job",
        tag="import",
        answer="The job. One that FAILED is a success too, with the cause in `data.error`.",
        data="Job",
        example=examples.JOB,
        headers=("Retry-After",),
        conditional=True,
        errors=ID_ERRORS,
    ),
    "GET /wells/import/jobs": Operation(
        id="listJobs",
        summary="List the jobs, newest first",
        tag="import",
        answer="A page of jobs, without their events.",
        data="JobPage",
        example=examples.JOBS,
        query=_query(HISTORY, limit=JOBS_DEFAULT),
        conditional=True,
        errors=(StateUnavailable,),
    ),
    "POST /wells/import/jobs/{job_id}/cancel": Operation(
        id="cancelJob",
        summary="Ask a job to stop",
        tag="import",
        answer="The job: CANCELLED, or with `cancel_requested_at` until its next report.",
        data="Job",
        example=examples.CANCELLED,
        status=202,
        headers=("Location", "Retry-After"),
        errors=(*ID_ERRORS, JobIsFinal),
    ),
    "POST /wells/import/jobs/{job_id}/retry": Operation(
        id="retryJob",
        summary="Go on from the checkpoint of a job that FAILED or was CANCELLED",
        tag="import",
        answer="A new job is accepted.",
        data="Accepted",
        example=examples.RETRIED,
        status=202,
        request_headers=("Idempotency-Key",),
        headers=("Location", "Retry-After"),
        errors=(
            *ID_ERRORS,
            ImportAlreadyRunning,
            NotRetryable,
            RetriedAlready,
            NotResumable,
            SourceChangedSince,
            *OF_THE_SOURCE,
            WarehouseUnavailable,
        ),
    ),
    "POST /wells/import/jobs/{job_id}/accept": Operation(
        id="acceptJob",
        summary="Publish what a held job was held with",
        tag="import",
        answer="A new job that asks the source nothing, or the one that the same call made before.",
        data="Job",
        example=examples.ACCEPTING,
        status=202,
        body=_ACCEPTANCE,
        needs_body=True,
        headers=("Location", "Retry-After"),
        errors=(
            *ID_ERRORS,
            NotHeld,
            FindingsDiffer,
            AcceptTooLate,
            ImportAlreadyRunning,
            RetriedAlready,
            SourceChangedSince,
            *OF_THE_SOURCE,
        ),
    ),
    "POST /wells/import/jobs/{job_id}/discard": Operation(
        id="discardJob",
        summary="Let a held job go",
        tag="import",
        answer="The job, with `discarded_at`; twice is the same.",
        data="Job",
        example=examples.DISCARDED,
        errors=(*ID_ERRORS, NotHeld),
    ),
    "GET /wells/import/jobs/{job_id}/rejects": Operation(
        id="listRejects",
        summary="The rows that a completed import rejected",
        tag="import",
        answer=f"A page of rows. {_OR_A_FILE}",
        data="RejectsOrFile",
        example=examples.PAGES["rejects"],
        query={**_asked("rejects"), **_query(FORMATS)},
        headers=("X-Next-Cursor", SNAPSHOT_HEADER),
        other_content=_files(examples.REJECTS_CSV),
        conditional=True,
        errors=(
            InvalidJobId,
            JobNotFound,
            RejectsNotYet,
            RejectsNotKept,
            ListTooLarge,
            *DATA_ERRORS,
        ),
    ),
    "GET /wells/import/jobs/{job_id}/changes": Operation(
        id="listChanges",
        summary="What a completed import changed",
        tag="import",
        answer=f"A page of rows; with `by=field` a row is a field. {_OR_A_FILE}",
        data="ChangesOrFile",
        example=examples.PAGES["changes"],
        query={**_asked("changes"), **_query(FORMATS)},
        headers=("X-Next-Cursor", SNAPSHOT_HEADER),
        other_content=_files(examples.CHANGES_CSV),
        conditional=True,
        errors=(
            InvalidJobId,
            JobNotFound,
            ChangesNotYet,
            ChangesNotKept,
            SnapshotGone,
            ListTooLarge,
            *DATA_ERRORS,
        ),
    ),
    "GET /wells/import/jobs/{job_id}/logs": Operation(
        id="listLog",
        summary="What was logged of a job last",
        tag="import",
        answer="The last 200 lines, in their order.",
        data="JobLog",
        example=examples.LOG,
        headers=("Retry-After",),
        conditional=True,
        errors=ID_ERRORS,
    ),
    "GET /wells/production": _list_of(
        "production",
        "listProduction",
        "The production, by source, field, well and period",
        "ProductionPage",
    ),
    "GET /wells/production/revisions": _list_of(
        "revisions", "listRevisions", "The values that later imports replaced", "RevisionPage"
    ),
    "GET /wells/production/totals": _list_of(
        "totals", "listTotals", "Sums by period, for charts", "TotalPage"
    ),
    "GET /wells/production/summary": Operation(
        id="getSummary",
        summary="What is published, and by which import",
        tag="data",
        answer="The facts of the published database.",
        data="Summary",
        example=examples.SUMMARY,
        query=_asked("summary"),
        headers=(SNAPSHOT_HEADER,),
        conditional=True,
        errors=DATA_ERRORS,
    ),
    "GET /wells/fields": _list_of("fields", "listFields", "The fields", "FieldPage"),
    "GET /wells": _list_of("wells", "listWells", "The wells", "WellPage"),
    "GET /wells/register": Operation(
        id="listRegister",
        summary="All wells or all fields with figures",
        tag="data",
        answer="A page of rows.",
        data="RegisterPage",
        example=examples.PAGES["register"],
        query=_asked("register"),
        headers=(SNAPSHOT_HEADER,),
        conditional=True,
        errors=(SnapshotGone, *DATA_ERRORS),
    ),
    "GET /wells/export": Operation(
        id="getExport",
        summary="Where the whole database can be read from",
        tag="data",
        answer="An address, short-lived where it is signed: do not log it.",
        data="Export",
        example=examples.EXPORT,
        query=_asked("export"),
        errors=(ExportTooLarge, *DATA_ERRORS),
    ),
    "GET /wells/sql": Operation(
        id="offerSql",
        summary="Statements of SQL that ship with Wellhead",
        tag="data",
        answer="They can be sent as they are, unless `off` says why none is answered.",
        data="SqlOffer",
        example=examples.SQL_OFFER,
        conditional=True,
        errors=(StateUnavailable,),
    ),
    "POST /wells/sql": Operation(
        id="answerSql",
        summary="Ask the published data in SQL, reading alone",
        tag="data",
        answer="What the statement found, cut at `limit` rows and 2 MB.",
        data="SqlAnswer",
        example=examples.SQL_ANSWER,
        query=_query(
            {**FORMATS, "format": choice("json", "csv", meaning="wins over the header Accept")}
        ),
        body={
            "schema": {"$ref": "#/components/schemas/SqlStatement"},
            "examples": {"fields": {"value": {"statement": examples.SQL_STATEMENT}}},
        },
        needs_body=True,
        headers=("X-Wellhead-Cut", SNAPSHOT_HEADER),
        other_content={CSV: {"schema": {"type": "string"}, "example": examples.SQL_CSV}},
        errors=(SqlInvalid, SqlOff, SqlTooSlow, SqlTooLarge, SqlEnded, *DATA_ERRORS),
    ),
    "GET /sources": Operation(
        id="listSources",
        summary="The sources",
        tag="sources",
        answer="All of them, by name, without their definitions.",
        data="SourceList",
        example=examples.SOURCES,
        conditional=True,
        errors=(StateUnavailable,),
    ),
    "GET /sources/{name}": Operation(
        id="getSource",
        summary="A source and its definition",
        tag="sources",
        answer="The source; its version is the ETag.",
        data="DefinedSource",
        example=examples.SOURCE,
        query=_query({"version": VERSION}),
        headers=("ETag",),
        errors=(SourceUnknown, StateUnavailable),
    ),
    "PUT /sources/{name}": Operation(
        id="putSource",
        summary="Define a source, or replace its definition",
        tag="sources",
        answer="The source with its new version; the same definition again makes none.",
        data="DefinedSource",
        example=examples.SOURCE,
        request_headers=("If-Match",),
        headers=("ETag",),
        errors=(SourceUnknown, DefinitionInvalid, SourceVersionDiffers, StateUnavailable),
        **_SOURCE_BODY,  # type: ignore[arg-type]
    ),
    "DELETE /sources/{name}": Operation(
        id="deleteSource",
        summary="Delete a source; its rows stay",
        tag="sources",
        answer="It is deleted. Every version of its definition is kept.",
        data="DeletedSource",
        example=examples.SOURCE_DELETED,
        request_headers=("If-Match",),
        errors=(
            SourceUnknown,
            SourceVersionDiffers,
            SourceInUse,
            SourceOfSettings,
            StateUnavailable,
        ),
    ),
    "POST /sources/{name}/pause": Operation(
        id="pauseSource",
        summary="Start nothing by the schedule of a source",
        tag="sources",
        answer="Its schedule, which starts nothing until it is resumed; twice is the same.",
        data="ScheduleState",
        example=examples.PAUSED,
        errors=(SourceUnknown, SourceNotScheduled, StateUnavailable),
    ),
    "POST /sources/{name}/resume": Operation(
        id="resumeSource",
        summary="Let the schedule of a source go on",
        tag="sources",
        answer="Its schedule, which goes on: what was due meanwhile is skipped, and its failures are forgotten.",
        data="ScheduleState",
        example=examples.RESUMED,
        errors=(SourceUnknown, SourceNotScheduled, StateUnavailable),
    ),
    "GET /sources/presets": Operation(
        id="listPresets",
        summary="The mappings of public sources that ship with Wellhead",
        tag="sources",
        answer="All of them, by name.",
        data="PresetList",
        example=examples.PRESETS,
        conditional=True,
    ),
    "GET /sources/units": Operation(
        id="listUnits",
        summary="The units that a definition may name",
        tag="sources",
        answer="By what they measure.",
        data="Units",
        example=examples.UNITS,
        conditional=True,
    ),
    "POST /sources/check": Operation(
        id="checkSource",
        summary="Look at what an import of a definition would find",
        tag="sources",
        answer="The definition has no fault, and its source is looked at now. Nothing is imported.",
        data="Check",
        example=examples.CHECK_STARTED,
        status=202,
        headers=("Location",),
        errors=(DefinitionInvalid, StateUnavailable, DispatchFailed),
        **_SOURCE_BODY,  # type: ignore[arg-type]
    ),
    "GET /sources/check/{check_id}": Operation(
        id="getCheck",
        summary="What a check has found",
        tag="sources",
        answer="The check. One that FAILED is a success too, with the cause in `data.error`.",
        data="Check",
        example=examples.CHECKED,
        errors=(CheckUnknown, StateUnavailable),
    ),
    "POST /sources/{name}/files": Operation(
        id="sendFile",
        summary="Where to send a file that a source shall read",
        tag="sources",
        answer="A form that is good for this one file, for a quarter of an hour: do not log it.",
        data="Upload",
        example=examples.UPLOAD,
        body={
            "schema": {"$ref": "#/components/schemas/SentFile"},
            "examples": {"a table": {"value": {"file": "2024.csv"}}},
        },
        needs_body=True,
        errors=(SourceUnknown, UploadNotHere, WarehouseUnavailable),
    ),
    **OPS_OPERATIONS,
    "GET /notices": Operation(
        id="listNotices",
        summary="The last notices, and what has become of them",
        tag="notices",
        answer="Newest first, those that wait to be sent among them.",
        data="NoticeList",
        example=examples.NOTICES,
        query=_query(NOTICES, limit=NOTICES_DEFAULT),
        conditional=True,
        errors=(StateUnavailable,),
    ),
    "POST /notices/test": Operation(
        id="testNotices",
        summary="Send a notice that is a test",
        tag="notices",
        answer="It is sent within about a minute, on each channel that is set up.",
        data="NoticeKey",
        example=examples.NOTICE_KEY,
        status=202,
        headers=("Location",),
        errors=(StateUnavailable,),
    ),
    "GET /health": Operation(
        id="getHealth",
        summary="Whether what the API needs answers",
        tag="service",
        answer="It does.",
        data="Health",
        example=examples.HEALTH,
        errors=(Unhealthy,),
    ),
    "GET /openapi.json": Operation(
        id="getDocument",
        summary="This document",
        tag="service",
        answer="The document, without an envelope.",
        other_content={"application/json": {"schema": {"$ref": "#/components/schemas/Document"}}},
        conditional=True,
    ),
}
