"""Looks at data, and what a draft of them says."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import read_definition
from chalicelib.sources.draft import Draft, Look, draft
from chalicelib.sources.presets import find_preset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SAMPLES = Path(__file__).parents[1] / "sources" / "presets" / "samples"
CASES = Path(__file__).parents[3] / "shared" / "cases"


def look(text: str, kinds: Mapping[str, str] | None = None) -> Look:
    """Of lines with semicolons, the first of which is the header; an empty text is nothing."""
    header, *rows = csv.reader(io.StringIO(text.strip()), delimiter=";")
    return Look(
        fields=tuple(header),
        rows=[dict(zip(header, [value or None for value in row], strict=True)) for row in rows],
        kinds=kinds or {},
    )


def drafted(
    seen: Look | str, *, kind: str = "files", url: str = "wells/*.csv", **others: Any
) -> Draft:
    """Without presets; it must be read as it is."""
    found = draft(
        look(seen) if isinstance(seen, str) else seen,
        name="wells",
        kind=kind,
        url=url,
        presets={},
        **others,
    )
    read_definition(found.text)
    return found


def faults_of(text: str) -> list[dict[str, str]]:
    try:
        read_definition(text)
    except DefinitionInvalid as exc:
        return [*exc.details["faults"], {"text": text}]
    return []


def values(found: Draft) -> dict[str, Any]:
    """What the text says, comments apart, without what was given."""
    told = tomllib.loads(found.text)
    return {name: value for name, value in told.items() if name not in ("name", "kind", "url")}


def asked(found: Draft) -> dict[str, str]:
    """What is to be filled in, and why."""
    return {guess.key: guess.why for guess in found.guesses if not guess.is_complete}


# -- looks at files -----------------------------------------------------------------------------


def of_cells(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Look:
    """As the reader of a file names its columns; an empty cell is nothing."""
    names = tuple(" ".join(name.split()) or f"column{place}" for place, name in enumerate(header))
    return Look(
        fields=names,
        rows=[dict(zip(names, [cell or None for cell in row], strict=True)) for row in rows],
    )


def sample_look(preset: str, path: Path) -> Look:
    """Of a preset's sample in CSV, read as the preset says."""
    form = find_preset(preset).get("file", {})
    lines = path.read_text(encoding=form.get("encoding", "utf-8-sig")).splitlines()
    header = form.get("header", 1)
    delimiter = form.get("delimiter") or max(",;\t", key=lines[header - 1 if header else 0].count)
    quoting = csv.QUOTE_NONE if form.get("quote") == "" else csv.QUOTE_MINIMAL
    told = lines[header - 1 if header else 0 :]
    rows = list(csv.reader(told, delimiter=delimiter, quoting=quoting))  # type: ignore[arg-type]
    return of_cells(rows.pop(0) if header else form["fields"], rows)


def case_look(number: str) -> Look:
    """Of a case that lies beside the checkout, numbers as JSON writes them.
    The test is skipped without it.
    """
    path = next(CASES.glob(f"{number}-*/input.ndjson"), None)
    if path is None:
        pytest.skip(f"there is no case {number} in {CASES}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    fields = tuple(dict.fromkeys(name for row in rows for name in row))
    kinds = {
        name: "number" for name in fields if not any(isinstance(row.get(name), str) for row in rows)
    }
    texts = [
        {name: None if value is None else str(value) for name, value in row.items()} for row in rows
    ]
    return Look(fields=fields, rows=texts, kinds=kinds)
