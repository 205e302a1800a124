"""The picture of the command line, docs/images/cli.svg, of a real import: `make screenshots`.

The program runs on a terminal of its own; what it writes there is drawn by rich.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from local.stack import PROJECT, LocalStack, Source

COLUMNS = 92
PICTURE = PROJECT / "docs" / "images" / "cli.svg"
COMMANDS = (
    ("import",),
    ("wells", "kessaholt", "--limit", "3"),
    ("production", "Kessaholt South B-06", "--plot"),
)


def main() -> int:
    paper = Console(
        record=True,
        width=COLUMNS,
        file=Path(os.devnull).open("w"),  # noqa: SIM115  as long as we run
    )
    with (
        tempfile.TemporaryDirectory() as state,
        LocalStack(source=Source(), state=Path(state), port=0) as stack,
    ):
        for command in COMMANDS:
            paper.print(Text(f"$ wellhead {' '.join(map(quote_word, command))}", style="bold"))
            paper.print(Text.from_ansi(last_state(output_of(command, stack))), soft_wrap=True)
    drawn = paper.export_svg(title="wellhead")
    PICTURE.write_text(
        re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), "utf-8"
    )  # fonts of another site
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} kB")
    return 0


def quote_word(word: str) -> str:
    if " " in word:
        return f'"{word}"'
    return word


def output_of(command: tuple[str, ...], stack: LocalStack) -> str:
    near, far = os.openpty()
    environment = {
        **os.environ,
        "WELLHEAD_URL": stack.api_url,
        "WELLHEAD_TOKEN": stack.token,
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
    }
    program = Path(sys.executable).with_name("wellhead")
    process = subprocess.Popen(
        [program, *command], env=environment, stdin=far, stdout=far, stderr=far
    )
    os.close(far)
    written = bytearray()
    try:
        while piece := os.read(near, 65536):
            written += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(near)
    assert process.wait() == 0
    return written.decode()


def last_state(written: str) -> str:
    """A progress bar draws its line again and again; the last time is what stays on the screen."""
    shown = written.replace("\x1b[?25l", "").replace("\x1b[?25h", "")
    lines = []
    for line in shown.replace("\r\n", "\n").split("\n"):
        _, _, last = line.rpartition("\x1b[2K")
        lines.append(last)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
