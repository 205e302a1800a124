"""What the routes of lists have in common: the answer, as a page or a file, and its errors."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from chalicelib.api.csv_rows import CSV, csv_headers, rows_csv
from chalicelib.api.etag import etag_of
from chalicelib.api.formats import BINARY, FORMATS, Format, file_content, parse_format
from chalicelib.errors import (
    AnswerTooLarge,
    DatabaseFetching,
    DatabaseTooLarge,
    ListTooLarge,
    NothingPublished,
    QueryFailed,
    QueryFunctionMissing,
    QueryThrottled,
    QueryTooLarge,
    QueryTooSlow,
    QueryUnavailable,
    ScratchFull,
    StateUnavailable,
    WarehouseCorrupt,
    WarehouseForeign,
    WarehouseTooNew,
    WarehouseUnavailable,
)
from chalicelib.queries.ask import ask_about_snapshot, sentence
from chalicelib.queries.query import Query, parse_query

from .route import API, Route

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.errors import WellheadError

    from .route import ApiCall

SNAPSHOT_HEADER = "X-Wellhead-Snapshot"
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
_OR_A_FILE = "With another `format` than json all rows as a file, or, where that is large, the address of one."


def list_route(
    path: str,
    question: str,
    *,
    id: str,  # noqa: A002  as OpenAPI says it
    summary: str,
    data: str,
    answer: str = "A page of rows.",
    section: str = "",
    tag: str = "data",
    errors: tuple[type[WellheadError], ...],
) -> Route:
    return Route(
        "GET",
        f"{API}{path}",
        id=id,
        summary=summary,
        section=section or question,
        tag=tag,
        answer=f"{answer} {_OR_A_FILE}",
        data=data,
        question=question,
        query=FORMATS,
        headers=("X-Next-Cursor", SNAPSHOT_HEADER),
        media_types=(CSV, *BINARY),
        is_conditional=True,
        errors=(*errors, ListTooLarge, *DATA_ERRORS),
    )


def answer_list(call: ApiCall, name: str, **path: str) -> Response:
    query = call.query
    form = parse_format(query, call.headers.get("accept", ""))
    question = parse_query(name, query, **path)
    if form.is_whole:
        question = replace(question, file=form)
    return answer_question(call, question, form)


def answer_question(call: ApiCall, query: Query, form: Format | None = None) -> Response:
    form = form or Format()
    answer = ask_about_snapshot(
        query,
        job_manager=call.services.job_manager,
        query_client=call.services.query_client,
        form=asdict(form),
        known=call.headers.get("if-none-match", ""),
    )
    headers = {"ETag": answer.etag, SNAPSHOT_HEADER: answer.snapshot}
    if answer.data is None:
        return call.respond.not_modified(headers)
    if query.file:
        return _show_file(call, query, answer.data, headers)
    if form.kind == "csv":
        text = rows_csv(query.name, answer.data["rows"], form.dialect)
        headers |= csv_headers(query.name, answer.data["next_cursor"])
        return call.respond.text(text, headers)
    return call.respond.success(answer.data, sentence(answer.data), headers=headers)


def _show_file(
    call: ApiCall, query: Query, data: dict[str, Any], headers: dict[str, str]
) -> Response:
    """An address ends, so the mark of an answer with one is that of no other."""
    content = file_content(data)
    if query.file and content is not None:
        headers = {**headers, **query.file.headers(query.name)}
        return call.respond.text(content, headers)
    headers = {**headers, "ETag": etag_of(data)}
    text = "The file can be read from the address in url."
    return call.respond.success(data, text, headers=headers)
