"""Questions to what the last completed import has published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.csv_rows import CSV, answer_csv, csv_headers
from chalicelib.api.formats import FORMATS, parse_page_format
from chalicelib.api.parameters import choice
from chalicelib.errors import (
    ExportTooLarge,
    SnapshotGone,
    SqlEnded,
    SqlInvalid,
    SqlOff,
    SqlTooLarge,
    SqlTooSlow,
    StateUnavailable,
)
from chalicelib.queries.query import parse_query
from chalicelib.queries.sql_request import parse_sql, sql_offer, sql_sentence

from .lists import DATA_ERRORS, SNAPSHOT_HEADER, answer_list, answer_question, list_route
from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

routes = Routes()


@routes.add(
    list_route(
        "/wells/production",
        "production",
        id="listProduction",
        summary="The production, by source, field, well and period",
        data="ProductionPageOrFile",
        errors=(SnapshotGone,),
    )
)
def list_production(call: ApiCall) -> Response:
    return answer_list(call, "production")


@routes.add(
    list_route(
        "/wells/production/revisions",
        "revisions",
        id="listRevisions",
        summary="The values that later imports replaced",
        data="RevisionPageOrFile",
        errors=(SnapshotGone,),
    )
)
def list_revisions(call: ApiCall) -> Response:
    return answer_list(call, "revisions")


@routes.add(
    list_route(
        "/wells/production/totals",
        "totals",
        id="listTotals",
        summary="Sums by period, for charts",
        data="TotalPageOrFile",
        errors=(SnapshotGone,),
    )
)
def list_totals(call: ApiCall) -> Response:
    return answer_list(call, "totals")


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/production/summary",
        id="getSummary",
        summary="What is published, and by which import",
        section="summary",
        tag="data",
        answer="The facts of the published database.",
        data="Summary",
        question="summary",
        headers=(SNAPSHOT_HEADER,),
        is_conditional=True,
        errors=DATA_ERRORS,
    )
)
def get_summary(call: ApiCall) -> Response:
    query = parse_query("summary", call.query)
    return answer_question(call, query)


@routes.add(
    list_route(
        "/wells",
        "wells",
        id="listWells",
        summary="The wells",
        data="WellPageOrFile",
        errors=(SnapshotGone,),
    )
)
def list_wells(call: ApiCall) -> Response:
    return answer_list(call, "wells")


@routes.add(
    list_route(
        "/wells/fields",
        "fields",
        id="listFields",
        summary="The fields",
        data="FieldPageOrFile",
        errors=(SnapshotGone,),
    )
)
def list_fields(call: ApiCall) -> Response:
    return answer_list(call, "fields")


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/register",
        id="listRegister",
        summary="All wells or all fields with figures",
        section="the-register",
        tag="data",
        answer="A page of rows.",
        data="RegisterPage",
        question="register",
        headers=(SNAPSHOT_HEADER,),
        is_conditional=True,
        errors=(SnapshotGone, *DATA_ERRORS),
    )
)
def list_register(call: ApiCall) -> Response:
    query = parse_query("register", call.query)
    return answer_question(call, query)


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/export",
        id="getExport",
        summary="Where the whole database can be read from",
        section="export",
        tag="data",
        answer="An address, short-lived where it is signed: do not log it.",
        data="Export",
        question="export",
        errors=(ExportTooLarge, *DATA_ERRORS),
    )
)
def get_export(call: ApiCall) -> Response:
    query = parse_query("export", call.query)
    export = call.services.query_client.ask(query)
    message = "The current database can be read from the address in url."
    return call.respond.success(export, message)


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/sql",
        id="offerSql",
        summary="Statements of SQL that ship with Wellhead",
        section="sql",
        tag="data",
        answer="They can be sent as they are, unless `off` says why none is answered.",
        data="SqlOffer",
        is_conditional=True,
        errors=(StateUnavailable,),
    )
)
def offer_sql(call: ApiCall) -> Response:
    offer = sql_offer(call.services.job_manager.current_snapshot())
    text = "Statements that ship with Wellhead, to run and to change."
    return call.respond.success_or_not_modified(offer, text, seen=offer)


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/sql",
        id="answerSql",
        summary="Ask the published data with a statement of SQL that reads",
        section="sql",
        tag="data",
        answer="What the statement found, cut at `limit` rows and 2 MB.",
        data="SqlAnswer",
        query={**FORMATS, "format": choice("json", "csv", meaning="wins over the header Accept")},
        body="SqlStatement",
        needs_body=True,
        headers=("X-Wellhead-Cut", SNAPSHOT_HEADER),
        media_types=(CSV,),
        errors=(SqlInvalid, SqlOff, SqlTooSlow, SqlTooLarge, SqlEnded, *DATA_ERRORS),
    )
)
def answer_sql(call: ApiCall) -> Response:
    form = parse_page_format(call.query, call.headers.get("accept", ""))
    query = parse_sql(call.body)
    data = call.services.query_client.ask(query)
    headers = {SNAPSHOT_HEADER: data["snapshot"]["name"]}
    if form.kind != "csv":
        return call.respond.success(data, sql_sentence(data), headers=headers)
    if data["cut"]:
        headers["X-Wellhead-Cut"] = data["cut"]
    headers |= csv_headers("answer")
    return call.respond.text(answer_csv(data, form.dialect), headers)
