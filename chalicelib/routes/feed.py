"""The OData feed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from chalicelib.api.feed_request import METADATA, parse_feed_request, refuse_options
from chalicelib.queries.ask import ask_about_snapshot
from chalicelib.queries.query import MOST_ROWS, parse_query

from .lists import SNAPSHOT_HEADER
from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import FeedCall

routes = Routes()


@routes.add(
    Route(
        "GET",
        "/odata/v4",
        id="getFeed",
        summary="The entity sets of the OData feed",
        section="odata-feed",
        answer="The service document.",
        query=None,
        of_feed=True,
    )
)
def get_feed(call: FeedCall) -> Response:
    request = refuse_options(call.query, call.headers)
    return call.respond.service_document(request)


@routes.add(
    Route(
        "GET",
        "/odata/v4/{entity_set}",
        id="getEntitySet",
        summary="`$metadata`, or the rows of a set, or one of them",
        section="odata-feed",
        answer="A page of entities, or one.",
        is_conditional=True,
        query=None,
        of_feed=True,
    )
)
def get_entity_set(call: FeedCall, entity_set: str) -> Response:
    """Also `$metadata`: the gateway takes no $ in the address of a route."""
    if unquote(entity_set) == METADATA:
        return call.respond.metadata()
    return _feed_page(call, entity_set)


@routes.add(
    Route(
        "GET",
        "/odata/v4/{entity_set}/{part}",
        id="getPartOfEntitySet",
        summary="How many rows: the part is `$count`",
        section="odata-feed",
        answer="A number.",
        is_conditional=True,
        query=None,
        of_feed=True,
    )
)
def get_part_of_entity_set(call: FeedCall, entity_set: str, part: str) -> Response:
    return _feed_page(call, entity_set, unquote(part))


def _feed_page(call: FeedCall, entity_set: str, part: str = "") -> Response:
    question = parse_feed_request(entity_set, part, call.query, call.headers, most=MOST_ROWS)
    answer = ask_about_snapshot(
        parse_query("feed", question.query),
        job_manager=call.services.job_manager,
        query_client=call.services.query_client,
        form=question.level,
        known=call.headers.get("if-none-match", ""),
    )
    headers = {"ETag": answer.etag, SNAPSHOT_HEADER: answer.snapshot}
    if answer.data is None:
        return call.respond.not_modified(headers)
    return call.respond.rows(question, answer.data, headers)
