"""The documents read plainly, and what reads their prose knows prose from code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.prose import COLUMNS, documents, faults, faults_of_code, wrap_paragraphs
from tools.sentences import PROJECT, places, sentences_of

if TYPE_CHECKING:
    from pathlib import Path

LONG = "word " * 30


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_document_has_no_odd_word_and_no_long_line(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_wrapping_changes_no_word_of_a_document(path: Path) -> None:
    document = path.read_text("utf-8")

    assert wrap_paragraphs(document).split() == document.split()
    assert wrap_paragraphs(wrap_paragraphs(document)) == wrap_paragraphs(document)


@pytest.mark.parametrize(
    "document",
    [
        "You are told so.",
        "- Whoever comes",
        "| a cell | Alone |",
        "a disk of\nits own",
        "[a key of your own](k.md)",
    ],
)
def test_an_odd_word_is_found_in_prose_lists_tables_and_links(document: str) -> None:
    [fault] = faults(document)

    assert fault.startswith("line 1: ")


@pytest.mark.parametrize(
    "document",
    [
        "`told`",
        "```\ntold\n```",
        "# In the log alone",
        "[the log](#in-the-log-alone)",
        "It untold standalone.",
    ],
)
def test_code_headings_addresses_and_other_words_are_no_odd_words(document: str) -> None:
    assert faults(document) == []


def test_figures_that_a_benchmark_writes_are_left_as_they_are() -> None:
    document = (
        f"<!-- figures: written by make bench -->\n\n{LONG}told\n\n<!-- end of the figures -->\n"
    )

    assert faults(document) == []
    assert wrap_paragraphs(document) == document
    assert len(faults(document + "told\n")) == 1


@pytest.mark.parametrize("document", [LONG, f"- {LONG}", f"1. {LONG}"])
def test_a_long_line_is_found_and_wrapped(document: str) -> None:
    assert faults(document) == [f"line 1: {len(document)} columns; wrap it at {COLUMNS}"]
    assert faults(wrap_paragraphs(document)) == []


@pytest.mark.parametrize(
    "document", [f"| {LONG} |", f"# {LONG}", f"```\n{LONG}\n```", "`" + LONG + "`"]
)
def test_what_cannot_be_wrapped_is_no_long_line(document: str) -> None:
    assert faults(document) == []
    assert wrap_paragraphs(document).strip() == document.strip()


def test_an_item_goes_on_under_its_text_and_no_line_begins_with_a_sign_of_structure() -> None:
    document = "- " + "a" * 90 + " then\n  - 1. last\n"

    assert wrap_paragraphs("1. one two\nthree\n") == "1. one two three\n"
    assert wrap_paragraphs(document) == document
    assert wrap_paragraphs("b" * 94 + " is 204. So") == "b" * 94 + "\nis 204. So\n"


def test_no_sentence_of_the_program_has_an_odd_word() -> None:
    found = {
        path.relative_to(PROJECT).as_posix(): faults_of_code(path.name, path.read_text("utf-8"))
        for path in places()
    }

    assert len(found) > 500
    assert {name: odd for name, odd in found.items() if odd} == {}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("room.py", '\nraise Failed("You are told so.")'),
        ("room.py", '\nraise Failed(f"A {kind} that {name} "\n    f"told {other}.")'),
        ("room.py", '\nsay("a disk of "  # why\n    "its own")'),
        ("errors.py", '\nclass Gone(ApiError):\n    """The data is gone. Begin anew."""'),
        ("room.py", '\n@ops.command()\ndef drill(own: Own) -> int:\n    """Restore it beside."""'),
        ("page.js", '\nsay("You are told so.")'),
        ("page.js", '\nsay(`You are told ${what.join("")}.`)'),
        ("Makefile", "\nbench: .venv ## measure it beside others"),
        ("CHANGELOG.md", "\n- Each has a name of\n  its own."),
        ("preset.toml", '\nassumed = ["Wells are not told."]'),
        ("api.yaml", "\n    Description: A name of your own"),
        ("question.sql", "\n-- Wells beside each other"),
        ("api.json", '{\n"description": "for whoever asks"'),
    ],
)
def test_an_odd_word_is_found_in_what_the_program_says(name: str, code: str) -> None:
    [fault] = faults_of_code(name, code)

    assert re.match(r"line [2-4]: '.+' is an odd word here; say ", fault)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("room.py", 'x = told["told"]  # "who is told so"'),
        ("room.py", 'def look() -> int:\n    """Of those that are told."""\n'),
        ("room.py", "pattern = 'what is told'"),
        ("room.py", 'print(f"{told} rows, `told` rows")'),
        ("page.js", '// "what is told"\nh("p", { id: "url-told other-told" }, told);'),
        ("preset.toml", '# "Wells are not told."\nunit = "bbl"'),
        ("api.yaml", "# of their own\n    GroupDescription: its functions alone"),
        ("Makefile", "# beside\nbench: .venv\n\t@echo beside\n"),
    ],
)
def test_names_comments_and_docstrings_of_code_are_no_sentences(name: str, code: str) -> None:
    assert faults_of_code(name, code) == []


def test_a_text_of_several_parts_is_one_sentence() -> None:
    code = 'say(\n    "One "\n    f"{two} three.",\n    "Another one.",\n)'

    assert [each.text for each in sentences_of("room.py", code)] == [
        "One {} three.",
        "Another one.",
    ]
