"""Requests made from the OpenAPI document, right and wrong ones, against the whole running stack:
no failure of the server, and every answer is what the document says, with nothing in it that is not
told.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from support.api_contract import closed, document, operations
from support.soak import longer, some_of
from support.stack import job_at_its_end, stack, trigger

from chalicelib.routes.route import API as BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import APIOperation, Case

    from local.stack import LocalStack

load_all_checks()
# Not `positive_data_acceptance`: a well-formed cursor need not be anybody's, and a range may be
# upside down.
CHECKED: Any = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "allow_header_conformance",
    ]
)
PROBLEM = "application/problem+json"
EXAMPLES = {
    "get": longer(12, 400),
    "post": longer(12, 400),
    "put": longer(8, 200),
    "delete": longer(5, 100),
    "head": longer(2, 30),
    "options": longer(1, 5),
}
ALWAYS = {
    "GET /health",
    "OPTIONS /health",
    "POST /wells/import/jobs/{job_id}/cancel",
}  # what is found, what is nothing, and what is too late

AT_LEAST = {GenerationMode.POSITIVE: (40, 4_600), GenerationMode.NEGATIVE: (20, 3_400)}  # requests


class Fuzzed:
    """The API of a stack that has imported."""

    def __init__(self, url: str, token: str, job_id: str) -> None:
        self.url, self.job_id = url, job_id
        self.session = requests.Session()
        self.session.trust_env = False  # it would look for a proxy with each request
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.asked = 0
        self.statuses: set[int] = set()

    def ask(self, case: Case[Any], *, accept: str) -> None:
        response = case.call(
            base_url=self.url + BASE, session=self.session, headers={"Accept": accept}
        )
        self.asked += 1
        self.statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKED)
        if response.status_code >= 400 and case.method != "HEAD":
            told = json.loads(response.content)
            assert ("success" in told) == (accept != PROBLEM)


@pytest.fixture(scope="module")
def after_an_import(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, str]]:
    state = tmp_path_factory.mktemp("state")
    with stack(state, rows=1_000) as running:
        job_id = trigger(state)
        job_at_its_end(state, job_id)
        yield running, job_id


@pytest.fixture
def fuzzed(after_an_import: tuple[LocalStack, str]) -> Iterator[Fuzzed]:
    running, job_id = after_an_import
    fuzzed = Fuzzed(running.api_url, running.token, job_id)
    yield fuzzed
    fuzzed.session.close()


@pytest.mark.timeout(longer(400, 7200))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_what_the_document_says(fuzzed: Fuzzed, mode: GenerationMode) -> None:
    """A sixth of the operations by lot with a dozen requests each;
    all of them with hundreds in a soak.
    """
    schema: Any = schemathesis.openapi.from_dict(told())
    operations = {operation.ok().label: operation.ok() for operation in schema.get_all_operations()}
    for name in sorted(ALWAYS | {*some_of(sorted(operations), one_in=6)}):
        fuzz(operations[name], fuzzed, mode)

    assert fuzzed.asked >= longer(*AT_LEAST[mode])
    assert (
        {200, 204, 404, 409} <= fuzzed.statuses
        if mode is GenerationMode.POSITIVE
        else 400 in fuzzed.statuses
    )


def told() -> dict[str, Any]:
    """The document without its security:
    every request has the token, none is wrong for the lack of it.
    """
    whole: dict[str, Any] = closed(document())
    for name in operations():
        method, path = name.split()
        whole["paths"][path][method.lower()].pop("security")
    return whole


def fuzz(operation: APIOperation[Any, Any, Any, Any], fuzzed: Fuzzed, mode: GenerationMode) -> None:
    """Every other job id is a real one. OPTIONS looks at no parameter, so none is wrong there."""
    if mode is GenerationMode.NEGATIVE and (
        operation.method == "options" or not _has_rules(operation)
    ):
        return

    @settings(
        max_examples=EXAMPLES[operation.method],
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        is_real=st.booleans() if mode is GenerationMode.POSITIVE else st.just(False),
        accept=st.sampled_from(["*/*", "application/json", PROBLEM]),
    )
    def ask(case: Case[Any], is_real: bool, accept: str) -> None:
        if is_real and "job_id" in case.path_parameters:
            case.path_parameters["job_id"] = fuzzed.job_id
        fuzzed.ask(case, accept=accept)

    ask()


def _has_rules(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    return any((operation.query, operation.path_parameters, operation.body))
