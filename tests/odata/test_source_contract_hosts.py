"""The contract of the source, hosts:
the credentials reach the source and its aliases, whatever it points to.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.credentials import TokenEndpoint
from support.scripted_source import PATH, Answer, ScriptedHandler, Step, page
from support.source_contract import (
    PASSWORD,
    QUERY,
    USER,
    Case,
    Completed,
    Failed,
    Stage,
    script,
    wells,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TWO = {10: 10.0, 11: 11.0}
FIRST = page(wells(10, 11), odata_count=2)


def moved(address: str, status: int = 302) -> Answer:
    return Answer(b"", status, {"Location": address})


def pointing(
    make: Callable[[str, Stage], Step], link: str, code: str = "SOURCE_REDIRECTED", **more: Any
) -> Case:
    """The second page lies elsewhere."""

    def steps(stage: Stage) -> list[Step]:
        here, there = f"127.0.0.1:{stage.source.port}", f"127.0.0.1:{stage.stranger.port}"
        address = link.format(here=here, there=there, here_port=stage.source.port)
        return script(make(address, stage))

    return Case(steps=steps, expect=Failed(code, **more))


def by_link(address: str, _: Stage) -> Step:
    return Answer(page(wells(10, 11), odata_nextLink=address))


def by_redirect(address: str, _: Stage) -> Step:
    return moved(address)


def via_alias(stage: Stage) -> list[Step]:
    stage.alias.steps = [Answer(FIRST)]
    return [Answer(FIRST), moved(f"http://localhost:{stage.alias.port}{PATH}", 307)]


def alias_to_stranger(stage: Stage) -> list[Step]:
    stage.alias.steps = [moved(f"{stage.stranger.root}{PATH}")]
    return [Answer(FIRST), moved(f"http://localhost:{stage.alias.port}{PATH}", 307)]


SIGNED = {"source_auth": "oauth2"}


def tokens(*steps: Step) -> Callable[[Stage], list[Step]]:
    """A token endpoint of these steps, and a source that would answer."""

    def set_up(stage: Stage) -> list[Step]:
        stage.tokens.steps = list(steps)
        return script(FIRST)

    return set_up


def token_failure(
    *steps: Step, code: str = "TOKEN_UNAVAILABLE", retryable: bool = True, says: str = ""
) -> Case:
    return Case(
        steps=tokens(*steps),
        expect=Failed(code, retryable=retryable, says=says),
        settings=SIGNED | {"source_retries": "0", "page_seconds": "1"},
        asked=0,
    )


def knows(*numbers: int) -> Step:
    """A source that takes these tokens alone."""

    def answer(handler: ScriptedHandler) -> Answer:
        number = int(handler.asked.headers["authorization"].rpartition("-")[2])
        return Answer(FIRST) if number in numbers else Answer(b"expired", 401)

    return answer


def pour(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(1_000):
        handler.raw(b'{"x": "' + b"x" * 100_000)


def drip(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(200):
        handler.raw(b" ")
        time.sleep(0.05)


def cut(handler: ScriptedHandler) -> None:
    handler.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"access_token": "')


CASES = {
    # --- links and redirects to somebody else
    "a link to another host": pointing(by_link, "http://{there}/odata/Wells"),
    "a link to another port by another name": pointing(
        by_link, "http://localhost:{here_port}/odata/Wells"
    ),
    "a link with user and password": pointing(
        by_link, f"http://{USER}:{PASSWORD}@{{there}}/x?sap-key={QUERY}"
    ),
    "a link whose host is hidden by a backslash": pointing(
        by_link, "http://{there}\\@{here}/odata/Wells"
    ),
    "a link without a scheme": pointing(by_link, "//{there}/odata/Wells"),
    "a link to https": pointing(by_link, "https://{here}/odata/Wells"),
    "a link to a file": pointing(by_link, "file:///etc/hostname"),
    "a redirect to another host": pointing(by_redirect, "http://{there}/odata/Wells"),
    "a redirect to another host, key in a header": Case(
        steps=lambda stage: [moved(stage.stranger.url)],
        expect=Failed("SOURCE_REDIRECTED", says="WELLHEAD_SOURCE_ALIASES"),
        settings={"source_auth": "api_key"},
        asked=1,
    ),
    "a redirect to another host, bearer": Case(
        steps=lambda stage: [moved(stage.stranger.url, 308)],
        expect=Failed("SOURCE_REDIRECTED"),
        settings={"source_auth": "bearer"},
        asked=1,
    ),
    "an alias that redirects to another host": Case(
        steps=alias_to_stranger, expect=Failed("SOURCE_REDIRECTED"), alias_asked=1
    ),
    # --- redirects at home
    "a redirect within the source": Case(
        steps=[Answer(FIRST), moved("/moved?$top=2"), Answer(FIRST)],
        expect=Completed(oil=TWO),
        asked=3,
    ),
    "a redirect to an alias": Case(
        steps=via_alias, expect=Completed(oil=TWO), asked=2, alias_asked=1
    ),
    "redirects without end": Case(
        steps=[Answer(FIRST), moved(PATH)],
        expect=Failed("SOURCE_REDIRECTED", says="without end"),
        asked=7,
    ),
    # --- kinds of credentials
    "a key in a header": Case(
        steps=script(FIRST), expect=Completed(oil=TWO), settings={"source_auth": "api_key"}
    ),
    "a bearer token": Case(
        steps=script(FIRST), expect=Completed(oil=TWO), settings={"source_auth": "bearer"}
    ),
    # --- OAuth2
    "a token": Case(steps=script(FIRST), expect=Completed(oil=TWO), settings=SIGNED),
    "a token that ends early": Case(
        steps=[Answer(FIRST), Answer(b"expired", 401), knows(2)],
        expect=Completed(oil=TWO),
        settings=SIGNED,
        asked=3,
    ),
    "a token that is refused for ever": Case(
        steps=[Answer(b"no", 401)], expect=Failed("SOURCE_UNAUTHORIZED"), settings=SIGNED, asked=2
    ),
    "a token that lives no second": Case(
        steps=tokens(TokenEndpoint(expires_in="0.0001")),
        expect=Completed(oil=TWO),
        settings=SIGNED,
    ),
    "a token endpoint that refuses the client": token_failure(
        Answer(b'{"error": "invalid_client"}', 401),
        code="TOKEN_REFUSED",
        retryable=False,
        says="invalid_client",
    ),
    "a token endpoint that repeats the secret": token_failure(
        Answer(json.dumps({"error": f"no {PASSWORD}"}).encode(), 400),
        code="TOKEN_REFUSED",
        retryable=False,
    ),
    "a token endpoint that fails": token_failure(Answer(b"", 503), says="HTTP 503"),
    "a token endpoint that fails once": Case(
        steps=tokens(Answer(b"", 500), TokenEndpoint()),
        expect=Completed(oil=TWO, retries=1),
        settings=SIGNED,
    ),
    "a token endpoint that redirects": token_failure(
        moved("http://127.0.0.1:1/"), code="TOKEN_REFUSED", retryable=False
    ),
    "a token endpoint without end": token_failure(pour),
    "a token endpoint that drips": token_failure(drip),
    "a token endpoint that is cut off": token_failure(cut),
    "a token endpoint that is HTML": token_failure(Answer(b"<html>log in</html>")),
    "a token that is no header text": token_failure(
        Answer(b'{"access_token": "a\\nb", "token_type": "bearer"}')
    ),
    "a token of 100,000 levels": token_failure(Answer(b"[" * 100_000)),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_contract_holds(stage: Stage, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    stage.check(case, caplog)
