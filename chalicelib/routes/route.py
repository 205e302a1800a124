"""Route: all that is said of a route, said once, above the function that answers it.

The app registers the routes by it, who may call them and which methods an address knows; what a
request may hold is checked by it. The OpenAPI document, the tables of docs/api.md and the client's
types are written from it. It names schemas and holds no example: these are read where documents are
written, never where requests are answered.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chalicelib.api.feed import FeedResponses
from chalicelib.api.request_fields import refuse_body, single_values
from chalicelib.api.responses import ResponseBuilder, principal_of
from chalicelib.api.tokens import Role
from chalicelib.queries.query import QUERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chalice.app import Request, Response

    from chalicelib.api.parameters import Parameter
    from chalicelib.api.tokens import Principal
    from chalicelib.errors import WellheadError
    from chalicelib.services import Services

    View = Callable[..., Response]

Builder = TypeVar("Builder", ResponseBuilder, FeedResponses)
API = "/api/v1"


@dataclass(frozen=True)
class Route:
    """`summary` says what it does, `answer` what a success with `status` says, in the envelope the
    schema `data`; `section` is where docs/api.md tells more.

    `role` is what the caller must have, None for everybody. A GET answers HEAD too, unless a look
    `changes` something. One `of_feed` answers as OData does, and takes a token as a password.

    The query holds the parameters of a `question` to the data, or of `query`; whatever there is
    where that is None. `defaults` are what the answer takes for those that are left out. The body
    is that of the schema `body`; nothing where there is none.

    `headers` are those of the answer, `request_headers` those that the request may have.
    `is_conditional`: the answer has an ETag, and may be 304.
    """

    method: str
    path: str
    _: KW_ONLY
    id: str
    summary: str
    answer: str
    section: str = ""
    tag: str = ""
    role: Role | None = Role.READER
    changes: bool = False
    of_feed: bool = False
    status: int = 200
    data: str = ""
    media_types: tuple[str, ...] = ()
    is_conditional: bool = False
    question: str = ""
    query: Mapping[str, Parameter] | None = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""
    needs_body: bool = False
    body_types: tuple[str, ...] = ()
    request_headers: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    errors: tuple[type[WellheadError], ...] = ()

    @property
    def methods(self) -> list[str]:
        is_look = self.method == "GET" and not self.changes
        if is_look:
            return ["GET", "HEAD"]
        return [self.method]

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Of the query; those that the address holds are none."""
        asked = QUERIES.get(self.question, {})
        of_the_question = {
            name: parameter for name, parameter in asked.items() if f"{{{name}}}" not in self.path
        }
        return {**of_the_question, **(self.query or {})}

    def check(self, call: Call[Any]) -> None:
        """Raises ValidationError for what it does not know."""
        if self.query is not None:
            single_values(call.query, allowed=tuple(self.parameters))
        if self.method == "POST" and not self.body:
            refuse_body(call.body)


@dataclass(frozen=True)
class Call(Generic[Builder]):
    """A request, and what it is answered with."""

    request: Request
    respond: Builder
    services: Services

    @property
    def query(self) -> dict[str, list[str]]:
        parameters = self.request.query_params
        if not parameters:
            return {}
        return {name: parameters.getlist(name) for name in parameters}

    @property
    def headers(self) -> Mapping[str, str]:
        headers: Mapping[str, str] = self.request.headers
        return headers

    @property
    def body(self) -> str | bytes:
        body: str | bytes = self.request.raw_body
        return body

    @property
    def caller(self) -> Principal:
        return principal_of(self.request)


ApiCall = Call[ResponseBuilder]
FeedCall = Call[FeedResponses]


class Served(NamedTuple):
    route: Route
    view: View


class Routes:
    """Those of one subject, in the order of the document.
    A view takes the call, and by name what the address holds.
    """

    def __init__(self) -> None:
        self._served: list[Served] = []

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served)

    def add(self, route: Route) -> Callable[[View], View]:
        def serve(view: View) -> View:
            self._served.append(Served(route, view))
            return view

        return serve
