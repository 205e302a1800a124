"""A program that knows nothing of Wellhead but where its OpenAPI document is,
and a token, imports and reads data.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft202012Validator
from support.stack import stack

if TYPE_CHECKING:
    from pathlib import Path


class Reply(NamedTuple):
    url: str
    headers: Any
    data: Any


class Program:
    """Addresses, methods, parameters and schemas are read from the document;
    nothing of it is written here.
    """

    def __init__(self, document_url: str, token: str) -> None:
        with urllib.request.urlopen(document_url, timeout=20) as response:
            self.document = json.load(response)
        self._base = urllib.parse.urljoin(document_url, self.document["servers"][0]["url"])
        self._token = token

    def call(self, operation_id: str, **given: Any) -> Reply:
        path, method, operation = self._find(operation_id)
        query = {}
        for parameter in [
            *self.document["paths"][path].get("parameters", []),
            *operation["parameters"],
        ]:
            told = self._resolve(parameter)
            if told["name"] in given and told["in"] == "path":
                path = path.replace(
                    f"{{{told['name']}}}", urllib.parse.quote(given.pop(told["name"]))
                )
            elif told["name"] in given and told["in"] == "query":
                query[told["name"]] = given.pop(told["name"])
        assert not given, f"the document has no parameter {given}"
        return self._send(
            method,
            self._base + path + ("?" + urllib.parse.urlencode(query) if query else ""),
            operation,
        )

    def follow(self, reply: Reply, header: str, operation_id: str) -> Reply:
        """The address that an answer names."""
        _, method, operation = self._find(operation_id)
        return self._send(method, urllib.parse.urljoin(reply.url, reply.headers[header]), operation)

    def _send(self, method: str, url: str, operation: dict[str, Any]) -> Reply:
        request = urllib.request.Request(url, method=method.upper())
        for scheme in (name for each in operation["security"] for name in each):
            told = self.document["components"]["securitySchemes"][scheme]
            request.add_header("Authorization", f"{told['scheme'].title()} {self._token}")
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = Reply(url, response.headers, json.load(response))
            content = self._resolve(operation["responses"][str(response.status)])["content"][
                "application/json"
            ]
        self._check(content["schema"], answer.data)
        return answer._replace(data=answer.data["data"])

    def _check(self, schema: dict[str, Any], value: Any) -> None:
        Draft202012Validator({**schema, "components": self.document["components"]}).validate(value)

    def _find(self, operation_id: str) -> tuple[str, str, dict[str, Any]]:
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and operation["operationId"] == operation_id:
                    return path, method, operation
        raise AssertionError(f"the document has no {operation_id}")

    def _resolve(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            found: Any = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    def is_final(self, status: str) -> bool:
        """By the words of the schema: the first two go on."""
        known = self.document["components"]["schemas"]["Job"]["properties"]["status"]["enum"]
        return status in known[2:]


def test_a_program_that_has_the_document_alone_imports_and_reads(tmp_path: Path) -> None:
    with stack(tmp_path, rows=1_000) as running:
        program = Program(f"{running.api_url}/api/v1/openapi.json", running.token)

        started = program.call("trigger", full="true")
        job = program.follow(started, "Location", "getStatus")
        while not program.is_final(job.data["status"]):
            time.sleep(min(1, int(job.headers["Retry-After"])))
            job = program.call("getStatus", job_id=started.data["job_id"])
        listed = program.call("listJobs", status="COMPLETED").data["jobs"]
        first = program.call("listProduction", limit=400).data
        second = program.call("listProduction", limit=1_000, cursor=first["next_cursor"]).data
        summary = program.call("getSummary").data

    assert (job.data["status"], job.data["total_records"]) == ("COMPLETED", 1_000)
    assert [each["job_id"] for each in listed] == [started.data["job_id"]]
    assert len(first["rows"]) == 400
    assert len(first["rows"]) + len(second["rows"]) == job.data["new_records"] == summary["rows"]
