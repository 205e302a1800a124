"""The OpenAPI document is made of the code, is valid,
is the one that is served, and leaves no route out.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from chalice.deploy.swagger import TemplatedSwaggerGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.api_contract import complaints, document, operations, resolved

from app import app
from chalicelib.errors import ImportFailed, WellheadError
from chalicelib.routes.route import API as BASE
from chalicelib.routes.table import ROUTES
from infra.openapi.__main__ import expected_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api_client import Api

WITHOUT_ROUTE = {"ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"}
OF_THE_CONSOLE = {"FILE_NOT_FOUND"}
OF_THE_FEED = {"NOT_IN_FEED", "FORMAT_NOT_SERVED", "NOT_IMPLEMENTED"}
OTHERS = {
    "/",
    "/console",
    "/console/{file}",
    "/odata/v4",
    "/odata/v4/{entity_set}",
    "/odata/v4/{entity_set}/{part}",
}


def test_the_committed_document_is_what_the_code_says() -> None:
    """The document, and the tables of the documents for people."""
    for path, content in expected_files().items():
        assert path.read_text("utf-8") == content, f"{path.name} is older: run make openapi"


def test_the_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()

    assert document()["openapi"].startswith("3.1")


def test_every_route_is_in_the_document_and_no_other() -> None:
    routes = {f"{method} {path}" for path, methods in app.routes.items() for method in methods}
    of_the_api = {route.replace(BASE, "", 1) for route in routes if f" {BASE}/" in route}

    assert set(operations()) == of_the_api
    assert {route.split()[1] for route in routes if BASE not in route} == OTHERS


def test_the_packaged_gateway_agrees() -> None:
    """Every method reaches the app, OPTIONS too:
    what is answered does not hang on the settings of who packages.
    """
    packaged = TemplatedSwaggerGenerator().generate_swagger(app)["paths"]
    asked = {
        f"{method.upper()} {path}": told
        for path, item in packaged.items()
        for method, told in item.items()
    }

    assert {told["x-amazon-apigateway-integration"]["type"] for told in asked.values()} == {
        "aws_proxy"
    }
    of_the_api = {
        name.replace(BASE, "", 1): "security" in told
        for name, told in asked.items()
        if f" {BASE}/" in name
    }
    assert of_the_api == {name: bool(told["security"]) for name, told in operations().items()}


def test_an_address_of_the_document_leads_to_the_route() -> None:
    """Relative to where the document is, so also below the name of a stage."""
    [server] = document()["servers"]

    assert server["url"] == "../v1"
    assert BASE.endswith("/v1")


def test_who_may_call_is_told_as_it_is() -> None:
    """The gateway asks for a token where a route has a role, and the document says so."""
    for declared, _ in ROUTES:
        for method in declared.methods:
            authorizer = app.routes[declared.path][method].authorizer
            is_open = declared.role is None or declared.of_feed
            assert (authorizer is None) == is_open, declared
            if declared.path.startswith(BASE):
                told = operations()[f"{method} {declared.path.removeprefix(BASE)}"]
                assert told["security"] == ([] if is_open else [{"bearer": []}]), declared


def test_no_two_routes_have_one_id() -> None:
    ids = [route.id for route, _ in ROUTES]

    assert sorted(ids) == sorted(set(ids))


def test_what_a_path_holds_is_a_parameter() -> None:
    for path, item in document()["paths"].items():
        named = [resolved(each)["name"] for each in item.get("parameters", [])]
        assert [f"{{{name}}}" for name in named] == [
            part for part in path.split("/") if part.startswith("{")
        ]


def contents() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Each example with its schema."""
    for name, operation in operations().items():
        bodies = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for kind, content in (each for body in bodies for each in body.get("content", {}).items()):
            examples = [resolved(each)["value"] for each in content.get("examples", {}).values()]
            if kind == "application/json" and "example" in content:
                examples.append(content["example"])
            yield from ((name, content["schema"], example) for example in examples)


def test_every_example_is_what_its_schema_says() -> None:
    checked = [(name, complaints(schema, example)) for name, schema, example in contents()]

    assert len(checked) > 200
    assert [each for each in checked if each[1]] == []


def test_every_answer_with_data_has_an_example() -> None:
    for name, operation in operations().items():
        for status, response in operation["responses"].items():
            content = resolved(response).get("content", {}).get("application/json", {})
            if content and "/openapi.json" not in name:
                assert content.get("example") or content.get("examples"), (name, status)


def test_every_code_of_the_api_is_told_somewhere() -> None:
    told = {
        code
        for operation in operations().values()
        for response in operation["responses"].values()
        for code in codes(resolved(response))
    }

    def family(kind: type[WellheadError]) -> set[type[WellheadError]]:
        return {kind, *(each for child in kind.__subclasses__() for each in family(child))}

    answered = {
        kind.code
        for kind in family(WellheadError) - family(ImportFailed)
        if kind.http_status != 500
    }
    assert (
        answered - told - OF_THE_CONSOLE - OF_THE_FEED - WITHOUT_ROUTE - {"DISPATCH_FAILED"}
        == set()
    )
    assert {
        "UNAUTHORIZED",
        "FORBIDDEN",
        "TOO_MANY_REQUESTS",
        "PAYLOAD_TOO_LARGE",
        "TOKENS_UNAVAILABLE",
    } <= told
    assert not told & WITHOUT_ROUTE  # what has no route has no place in the document


def test_a_route_shows_each_of_its_errors() -> None:
    """Two routes with one code, BUSINESS_RULE_VIOLATION, are refused by different rules."""
    for declared, _ in ROUTES:
        name = f"{declared.method} {declared.path.removeprefix(BASE)}"
        if declared.of_feed or name not in operations():
            continue
        shown = {
            example
            for response in operations()[name]["responses"].values()
            for content in resolved(response).get("content", {}).values()
            for example in content.get("examples", {})
        }
        assert {error.rule or error.code for error in declared.errors} <= shown, name


def codes(response: dict[str, Any]) -> list[str]:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    parts = [
        each["properties"]["error"]
        for each in schema.get("allOf", [])
        if "error" in each.get("properties", {})
    ]
    return [code for each in parts for code in each["properties"]["code"]["enum"]]


def test_every_route_with_a_token_tells_of_401_and_429() -> None:
    for name, operation in operations().items():
        if operation["security"] and not name.startswith("HEAD"):
            assert {"400", "401", "403", "413", "429", "500", "503", "504"} <= set(
                operation["responses"]
            ), name


# --- as it is served


def fetch(
    api: Api, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
    connection.request(method, f"{BASE}/openapi.json", headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def test_anybody_is_served_the_document_and_once_is_enough(api: Api) -> None:
    status, headers, content = fetch(api)
    again = fetch(api, **{"If-None-Match": headers["ETag"]})
    head = fetch(api, "HEAD")

    assert (status, headers["Content-Type"], json.loads(content)) == (
        200,
        "application/json",
        document(),
    )
    assert (again[0], again[2], again[1]["ETag"]) == (304, b"", headers["ETag"])
    assert (head[0], head[2], head[1]["Content-Length"]) == (200, b"", headers["Content-Length"])


@pytest.mark.parametrize("query", ["?x=1", "?format=yaml"])
def test_the_document_takes_no_parameter(api: Api, query: str) -> None:
    assert api.ask("GET", f"{BASE}/openapi.json{query}", Authorization=None).status == 400
