"""Text that commands a terminal, breaks a line,
turns the reading direction or is markup to who prints it.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
TURNS = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BREAKS = ["\u2028", "\u2029", "\x85", "\r\n", "\ufeff", "\u200b", "\ud800", "\U000e0001"]
COMMANDS = [
    "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;Y3VybCBldmls\x07", "\x1b]8;;https://evil.example\x1b\\", "\x9b31m",
    "\x1bP+q544e\x1b\\", "\x1b[?1049h", "\r", "\x08\x08\x08", "\x1bc", "\x0e",
]  # fmt: skip
MARKUP = [
    "[/9]",
    "[/]",
    "[bold]",
    "[red]x",
    "[link=https://evil.example]",
    "[[",
    "\\[",
    ":skull:",
    "[@click=x]",
    "Block [/9] North",
]
EVIL = [*CONTROLS, *TURNS, *BREAKS, *COMMANDS, *MARKUP]
hostile = st.lists(st.one_of(st.sampled_from(EVIL), st.text(max_size=4)), max_size=8).map("".join)
OWN = re.compile(
    r"\x1b\[\?25[lh]|\x1b\[2K|\x1b\[[0-9]*A|\r(?=\x1b\[2K)"
)  # how rich draws a progress bar again


def commands_in(printed: str, *, kept: str = "\n\t") -> set[str]:
    """The signs in what was printed without colours that did not come from us."""
    return {sign for sign in OWN.sub("", printed) if not sign.isprintable() and sign not in kept}
