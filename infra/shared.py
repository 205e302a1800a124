"""What stands in the product and in the clients, or in the console: written once, and into its
other place by `make shared`.

The clients are installed without the product, so they import nothing of it. What both need is
copied to them as it is.
"""

from __future__ import annotations

from pathlib import Path

from infra.words import COMMAND, module, script

ROOT = Path(__file__).parents[1]
COPIES = {
    "chalicelib/backoff.py": "clients/api/backoff.py",
    "chalicelib/store/statements.py": "clients/cli/statements.py",
    "chalicelib/queries/reading.py": "clients/cli/reading.py",
}


def texts() -> dict[Path, str]:
    """Of each file that is written, what it shall hold."""
    copies = {ROOT / to: _copy(own) for own, to in COPIES.items()}
    return {
        ROOT / "chalicelib/api/console/words.js": script(),
        ROOT / "clients/api/words.py": module(),
        **copies,
    }


def _copy(own: str) -> str:
    head = f"# Written by `{COMMAND}` out of {own}: change it there.\n"
    return head + (ROOT / own).read_text("utf-8")


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, "utf-8")
