"""`python -m local token`:
a token is made and shown whatever became of the stack that it is for, or is not made.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from support.stack import ROOT, SHORT_LEASE

from chalicelib.api.tokens import digest_of
from local.aws.signature import Keys
from local.keys_file import write_keys
from local.tokens import TokenBook

if TYPE_CHECKING:
    from pathlib import Path


def make_token(state: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "local",
        "token",
        "--name",
        "ada",
        "--role",
        "reader",
        "--state",
        str(state),
    ]
    return subprocess.run(
        command, cwd=ROOT, env=SHORT_LEASE, capture_output=True, text=True, timeout=60, check=False
    )


def hash_of(state: Path, name: str) -> str:
    return str(json.loads(TokenBook(state).parameters[name])["sha256"])


def leave_as_killed(state: Path) -> None:
    """A stack that ended by `kill -9` takes nothing away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (state / "stack.json").write_text(json.dumps({"pid": 1, "aws_url": f"http://127.0.0.1:{port}"}))
    write_keys(state, Keys.random())


def test_a_token_is_made_where_a_stack_was_killed(tmp_path: Path) -> None:
    leave_as_killed(tmp_path)

    made = make_token(tmp_path)

    assert made.returncode == 0, made.stderr
    assert digest_of(made.stdout.strip()) == hash_of(tmp_path, "ada")
    assert made.stderr.startswith("It works when the stack runs, as ada with the role reader.")


def test_a_token_is_made_where_a_stack_is_just_stopping(tmp_path: Path) -> None:
    leave_as_killed(tmp_path)
    (tmp_path / "aws-credentials").unlink()

    made = make_token(tmp_path)

    assert (made.returncode, digest_of(made.stdout.strip())) == (0, hash_of(tmp_path, "ada")), (
        made.stderr
    )


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    made = make_token(tmp_path)

    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.count("\n") == 1
    assert "--state" in made.stderr
