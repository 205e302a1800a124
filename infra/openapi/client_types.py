"""The types of the client, clients/api/answer_types.py, written from the schemas: the client knows
the product by its API, and imports nothing of it.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .job_fields import job_fields
from .schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .job_fields import JobField

FILE = Path(__file__).parents[2] / "clients" / "api" / "answer_types.py"
FEW = 5  # choices that a type lists
WIDTH = 92  # of a line of words, four columns to the right
# The classes, in the order in which one needs another, and the schemas that each is of. What a dot
# leads to is an object within a schema; what stands in one of two schemas only may be missing.
CLASSES: Mapping[str, tuple[str, ...]] = {
    "JobError": ("JobError",),
    "Waiting": ("JobWaiting",),
    "Warned": ("JobWarning",),
    "Completeness": ("JobCompleteness",),
    "Sum": ("JobDiff.sums",),
    "FieldSum": ("JobDiff.fields",),
    "Diff": ("JobDiff",),
    "Parts": ("JobParts",),
    "TooLate": ("JobTooLate",),
    "LogLine": ("LogLine",),
    "Well": ("Well",),
    "Field": ("Field",),
    "Production": ("Production",),
    "Totals": ("Total",),
    "RejectedRow": ("Reject",),
    "Change": ("Change",),
    "ChangedField": ("ChangedField",),
    "Token": ("Token",),
    "NewToken": ("NewToken",),
    "SnapshotFacts": ("Summary.snapshot",),
    "StoredSource": ("StoredSource",),
    "Summary": ("Summary",),
    "Pause": ("ScheduleState.paused",),
    "ScheduleState": ("ScheduleState",),
    "Source": ("SourceSummary", "DefinedSource"),
    "Check": ("Check",),
    "Delivery": ("Notice.deliveries",),
    "Notice": ("Notice",),
    "Upload": ("Upload",),
    "Preset": ("Preset",),
    "Health": ("Health",),
}
_NAMES = {schema: name for name, schemas in CLASSES.items() for schema in schemas}
_NAMES |= {
    "JobFinding": "Finding",
    "SourceSummary.paused": "Pause",
    "DefinedSource.paused": "Pause",
}
# The client fills in what an older API leaves out (clients/api/periods.py, row_of).
_FILLED_IN = {"source": "str | None", "period_days": "int", "source_rows": "int | None"}
_ROWS = ("Well", "Field", "Production", "Totals")
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "dict[str, Any]",
    "null": "None",
}
# What a trigger answers has these three of a job, and no more.
_OF_A_TRIGGER = ("job_id", "status", "created_at")
_HEAD = '''"""What the API answers, as types. Written by `make openapi` from the schemas of the API:
infra/openapi and, for a job, chalicelib/jobs/job.py say what each field is.

Times are epoch seconds where they are numbers, counts are rows. A field of an older server may be
missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.findings import Finding

'''


def client_types() -> str:
    """As ruff would have them."""
    classes = [_typed_dict(name, *schemas) for name, schemas in CLASSES.items()]
    text = _HEAD + "\n\n".join([*_choices(), *classes, _job()])
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FILE), "-"]
    done = subprocess.run(
        ruff,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _choices() -> Iterator[str]:
    for name, field in (("Status", "status"), ("Phase", "phase")):
        schema = SCHEMAS["Job"]["properties"][field]
        choices = [value for value in schema["enum"] if value]
        yield f"{name} = {_literal(choices)}"


def _typed_dict(name: str, *schemas: str) -> str:
    found = [(schema, _find_object(schema)) for schema in schemas]
    required = [each["required"] for _, each in found if "required" in each]
    members: dict[str, tuple[str, str]] = {}
    for schema, properties in found:
        for member, told in properties["properties"].items():
            kind = _type(told, f"{schema}.{member}")
            if name in _ROWS:
                kind = _FILLED_IN.get(member, kind)
            if not all(member in names for names in required):
                kind = f"NotRequired[{kind}]"
            members[member] = (kind, told.get("description", ""))
    if any(iskeyword(member) for member in members):  # a class could not have it
        pairs = [f'"{member}": {kind}' for member, (kind, _) in members.items()]
        notes = [f"# `{member}`: {said}\n" for member, (_, said) in members.items() if said]
        return f'{"".join(notes)}{name} = TypedDict("{name}", {{{", ".join(pairs)}}})\n'
    words = next((each["description"] for _, each in found if "description" in each), "")
    lines = [f"class {name}(TypedDict):", *_words(words)]
    for member, (kind, said) in members.items():
        lines += [f"    {member}: {kind}", *_words(said)]
    return "\n".join(lines) + "\n"


def _find_object(schema: str) -> dict[str, Any]:
    """An object, by its name or by the way to it."""
    name, _, member = schema.partition(".")
    found: dict[str, Any] = SCHEMAS[name]
    if not member:
        return found
    inner: dict[str, Any] = found["properties"][member]
    if "anyOf" in inner:
        inner = inner["anyOf"][0]
    return inner.get("items") or inner.get("additionalProperties") or inner


def _type(told: Mapping[str, Any], way: str) -> str:
    if "$ref" in told:
        return _NAMES.get(told["$ref"].rpartition("/")[2], "dict[str, Any]")
    for choice in ("anyOf", "oneOf"):
        if choice in told:
            return " | ".join(dict.fromkeys(_type(each, way) for each in told[choice]))
    if way == "Job.phase":
        return "Phase | None"
    if "enum" in told:
        values = [value for value in told["enum"] if value is not None]
        return _literal(values) + (" | None" if None in told["enum"] else "")
    kinds = told["type"] if isinstance(told["type"], list) else [told["type"]]
    return " | ".join(_plain(kind, told, way) for kind in kinds)


def _plain(kind: str, told: Mapping[str, Any], way: str) -> str:
    if kind == "array":
        return f"list[{_NAMES.get(way) or _type(told['items'], way)}]"
    if kind != "object":
        return _TYPES[kind]
    values = told.get("additionalProperties")
    if isinstance(values, dict):
        return f"dict[str, {_NAMES.get(way) or _type(values, way)}]"
    return _NAMES.get(way, _TYPES["object"])


def _literal(values: list[str]) -> str:
    """Where there are many, a later server has more."""
    if len(values) > FEW:
        return "str"
    quoted = [f'"{value}"' for value in values]
    return f"Literal[{', '.join(quoted)}]"


def _words(words: str) -> list[str]:
    """As the words of the class or of the member above them."""
    if not words:
        return []
    sentence = f"{words[0].upper()}{words[1:]}".rstrip(".") + "."
    lines = textwrap.wrap(f'"""{sentence}"""', WIDTH, break_on_hyphens=False)
    if len(lines) > 1:
        lines = [*textwrap.wrap(f'"""{sentence}', WIDTH, break_on_hyphens=False), '"""']
    return [f"    {line}" for line in lines]


def _job() -> str:
    """The ones without a default first, as what a trigger answers has these alone."""
    fields = {each.name: each for each in job_fields()}
    first = [fields.pop(name) for name in _OF_A_TRIGGER]
    lines = [
        "@dataclass(frozen=True, kw_only=True)",
        "class JobFields:",
        *_words(
            "One import. What a trigger answers has the first three fields only; a list of jobs "
            "lacks `events` and `diff`"
        ),
    ]
    for each in first:
        kind = "Status" if each.name == "status" else _type(each.schema, f"Job.{each.name}")
        lines += [f"    {each.name}: {kind}", *_words(each.description)]
    for each in fields.values():
        lines += [f"    {each.name}: {_with_default(each)}", *_words(each.description)]
    return "\n".join(lines) + "\n"


def _with_default(each: JobField) -> str:
    schema = each.schema
    way = f"Job.{each.name}"
    if each.is_list:
        member = _type(schema["items"], way).replace("dict[str, Any]", "Mapping[str, Any]")
        return f"tuple[{member}, ...] = ()"
    kind = _type(schema, way)
    if kind == "dict[str, Any]":
        return "Mapping[str, Any] = field(default_factory=dict)"
    if kind == "int":
        return "int = 0"
    if kind.endswith("| None"):
        return f"{kind} = None"
    return f"{kind} | None = None"
