"""The documents read plainly, and what reads their prose knows prose from code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.prose import COLUMNS, PROJECT, documents, faults, wrap_paragraphs

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
