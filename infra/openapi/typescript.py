"""Writes the types of the API's answers as TypeScript has them, for who checks the console's scripts: `make lint`.

namespace Api {
  interface Reject { page: number; reason: "MISSING_KEY" | "NOT_A_DATE"; raw: string }
  interface Answers { "GET wells/import/jobs/{job_id}/rejects": Rejects }
}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.api.document import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any]

ROOT = "/api/v1/"
SCHEMAS = "#/components/schemas/"
OR_FILE = "OrFile"  # a list, or where its file lies; the console asks for the list by `ask`, and for files by `askFile`
NAMES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def typescript(document: Schema) -> str:
    lines = [
        f"  {declaration(name, schema)}"
        for name, schema in document["components"]["schemas"].items()
    ]
    answers = "".join(
        f"    {json.dumps(route)}: {answer};\n" for route, answer in answers_of(document)
    )
    return (
        "// Written out of the OpenAPI document by infra/openapi/typescript.py.\n"
        "declare namespace Api {\n"
        + "\n".join(lines)
        + f"\n  interface Answers {{\n{answers}  }}\n}}\n"
    )


def declaration(name: str, schema: Schema) -> str:
    if schema.get("properties"):
        return f"interface {name} {type_of(schema)}"
    return f"type {name} = {type_of(schema)};"


def type_of(schema: Schema) -> str:
    """What the document says nothing of is `any`: the keys of a definition, of a finding."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(SCHEMAS)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        return " | ".join(json.dumps(value) for value in values)
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    return " | ".join(type_of_kind(kind, schema) for kind in kinds)


def type_of_kind(kind: str | None, schema: Schema) -> str:
    if kind in NAMES:
        return NAMES[kind]
    if kind == "array":
        return f"({type_of(schema.get('items', {}))})[]"
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return " | ".join(type_of(choice) for choice in choices)
    if kind == "object":
        return object_of(schema)
    return "any"


def object_of(schema: Schema) -> str:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    fields = [
        f"{json.dumps(name)}{'' if name in required else '?'}: {type_of(inner)}"
        for name, inner in properties.items()
    ]
    others = schema.get("additionalProperties", not properties)
    if others:
        fields.append(
            f"[name: string]: {'any' if others is True or properties else type_of(others)}"
        )
    return "{ " + "; ".join(fields) + " }"


def answers_of(document: Schema) -> Iterator[tuple[str, str]]:
    """Each route as "GET wells/import/status/{job_id}", and the type of the `data` that it answers with."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            data = (
                data_of(operation.get("responses", {}))
                if method in ("get", "post", "put", "delete")
                else None
            )
            if data is not None:
                yield (
                    f"{method.upper()} {path.removeprefix(ROOT).removeprefix('/')}",
                    type_of(data).removesuffix(OR_FILE),
                )


def data_of(responses: Schema) -> Schema | None:
    """The schema within the envelope; None of an answer that has none, such as the document itself."""
    for status, response in responses.items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        for part in schema.get("allOf", ()) if status.startswith("2") else ():
            if "data" in part.get("properties", {}):
                data: Schema = part["properties"]["data"]
                return data
    return None


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(typescript(json.loads(FILE.read_text("utf-8"))), "utf-8")
