"""`python -m local demo` imports once and shows what came, `run` serves until Ctrl-C,
`check-source` looks at a source, `token` makes a token for the API.
"""

import argparse
import logging
import os
import select
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

from chalicelib.api.token_entry import Role, days_of_token
from clients.cli.plain import plain
from clients.cli.terminal import Terminal
from local.aws.loopback import SWITCH_SECONDS
from local.commands.demo import DemoError, run_demo
from local.stack import DEFAULTS, PROJECT, LocalStack, Source, StackError, sentence_of_loss
from local.tokens import TokenBook, TokenError, tell_running_stack

TRIGGER, STATUS = "/api/v1/wells/import/trigger", "/api/v1/wells/import/status/"
NEW_LINE = "\n"
ANSWER_SECONDS = 60.0
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    sys.setswitchinterval(SWITCH_SECONDS)
    _log_plainly()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # SIGINT too: a shell's `&` would have it ignored
        signal.signal(number, _terminate)
    try:
        if options.command == "token":
            return make_token(options.state, options.name, Role(options.role), options.days)
        told = options.source or os.environ.get("WELLHEAD_SOURCE_URL")
        source = Source.parse(told, rows=options.rows, preset=options.preset or "")
        if options.command == "check-source":
            from local.commands.check_source import run_check  # what it loads nobody else needs

            return run_check(source, os.environ, Terminal())
        sources = PROJECT / "sources" if options.command == "run" else None
        state = options.state or (
            PROJECT / ".local" if options.store == "file" else PROJECT / ".local-lake"
        )
        stack = LocalStack(
            source=source, state=state, port=options.port, sources=sources, **_kinds(options)
        )
        if options.command == "demo":
            return demo(stack)
        return run(stack)
    except (StackError, TokenError) as exc:
        print(plain(exc, kept="\n"), file=sys.stderr)
        return 2
    except DemoError as exc:
        print(plain(exc), file=sys.stderr)
        return 1


def _kinds(options: argparse.Namespace) -> dict[str, Any]:
    """Of the store, and of what runs an import; and how many workers that is."""
    told = dict(os.environ)
    if options.workers:
        told["WELLHEAD_WORKERS"] = str(options.workers)
    machine = options.machine or told.get("WELLHEAD_MACHINE") or "lambda"
    return {
        "store": options.store,
        "machine": machine,
        "user_environment": told,
    }


def demo(stack: LocalStack) -> int:
    terminal = Terminal()
    try:
        with stack:
            code = run_demo(stack, terminal)
            if code == 0 and _is_kept(terminal):
                terminal.line(
                    f"Wellhead serves until Ctrl-C. Its console, signed in: {stack.console_link}"
                )
                return 0 if _serve(stack) else 1
            if code == 0:
                terminal.line(
                    f"The API was at {stack.api_url} and stops now; `make run` keeps it serving."
                )
            return code
    except KeyboardInterrupt:
        terminal.line()
        terminal.line(
            "Stopped. What was imported is kept: the next `make demo` goes on from there."
        )
        return INTERRUPTED


def _is_kept(terminal: Terminal) -> bool:
    """Whether a person at the terminal wants the stack to go on;
    where there is none nobody is asked.
    """
    if not (terminal.out.is_terminal and _reads_keys()):
        return False
    terminal.line()
    terminal.line(
        "Keep Wellhead serving, to look at it in a browser? Enter keeps it, n or a minute's silence ends it."
    )
    is_answered, _, _ = select.select([sys.stdin], [], [], ANSWER_SECONDS)
    answer = sys.stdin.readline() if is_answered else ""
    return answer.strip().lower() in ("", "y", "yes") and answer.endswith("\n")


def _reads_keys() -> bool:
    """Not from a pipe, and not in the background, where to read would stop this program."""
    try:
        return (
            sys.stdin is not None
            and sys.stdin.isatty()
            and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        )
    except OSError:  # a terminal that is not this program's own
        return False


def _serve(stack: LocalStack) -> bool:
    """Until Ctrl-C; False where the API has ended by itself."""
    try:
        while stack.is_serving():
            time.sleep(0.2)
    except KeyboardInterrupt:
        print("\nStopped.")
        return True
    print(f"The API ended by itself; see {stack.state / 'logs' / 'api.log'}", file=sys.stderr)
    return False


def run(stack: LocalStack) -> int:
    try:
        with stack:
            _show(stack)
            return 0 if _serve(stack) else 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def make_token(state: Path, name: str, role: Role, days: int | None) -> int:
    """Prints the token; it is shown here and never again."""
    book = TokenBook(state.resolve())
    try:
        token = book.make(name, role, days=days)
    except OSError as exc:
        raise StackError(sentence_of_loss(exc, book.state)) from exc
    path = os.environ.get("WELLHEAD_TOKENS") or DEFAULTS["WELLHEAD_TOKENS"]
    is_known = tell_running_stack(book.state, name, book.parameters[name], path=path)
    print(token)
    when = "It works at once" if is_known else "It works when the stack runs"
    print(
        f"{when}, as {name} with the role {role}. Keep it: only its hash is stored.",
        file=sys.stderr,
    )
    return 0


def _show(stack: LocalStack) -> None:
    file = stack.tokens.own_file
    header = f'-H "Authorization: Bearer $(cat {shlex.quote(_shortest(file))})"'
    if stack.has_new_token:
        print(f"The token of this machine, shown once and kept in {file}:\n\n  {stack.token}\n")
    told = (
        f"Wellhead serves {stack.api_url} until Ctrl-C.\n\n"
        f"  {stack.console_link}\n\n"
        "opens the console in a browser, signed in. Or, on the command line:\n\n"
        f"{_program(stack)}"
        f"  curl -X POST {header} {stack.api_url}{TRIGGER}\n"
        f"  curl {header} {stack.api_url}{STATUS}JOB_ID\n\n"
        f"Source     {stack.shown_source}\n"
        f"{''.join(f'           {line}{NEW_LINE}' for line in stack.applied)}"
        f"Warehouse  {stack.warehouse_path}\n"
        f"Logs       {stack.state / 'logs'}"
    )
    print(plain(told, kept="\n"), flush=True)


def _program(stack: LocalStack) -> str:
    """A line for the command line, which finds by itself what serves here."""
    program = Path(sys.executable).with_name("wellhead")
    is_found = program.exists() and stack.state == PROJECT / ".local"
    if is_found:
        return f"  {_shortest(program)} import\n"
    return ""


def _shortest(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


class PlainFormatter(logging.Formatter):
    """What functions and sources have said stands in what is logged."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record), kept="\n")


def _log_plainly() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class PlainParser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        text = plain(message, kept="\n")
        super()._print_message(text, file)


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("demo", "import once and show the result"),
        ("run", "serve until Ctrl-C"),
        ("check-source", "show what an import would find at the source, and store nothing"),
    ):
        command = commands.add_parser(name, help=purpose)
        _add_source(command)
        if name != "check-source":
            _add_stack(command)
    _add_token(commands.add_parser("token", help="make a token for the API and print it"))
    return parser


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--rows", type=_count, default=50_000, help="generated by the sample source"
    )
    command.add_argument(
        "--source",
        help="a file (CSV, Excel, Parquet, JSON), a directory, a definition (.toml) or an OData URL",
    )
    command.add_argument(
        "--preset", help="the mapping of a public source, for the file or URL of --source"
    )


def _add_stack(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--state", type=Path, help="what outlives the stack; .local, and of a lake .local-lake"
    )
    command.add_argument(
        "--store",
        choices=("file", "iceberg"),
        default="file",
        help="a database file, or the tables of a lake",
    )
    command.add_argument(
        "--machine",
        choices=("lambda", "states"),
        help="one worker runs an import, or a state machine with many",
    )
    command.add_argument("--workers", type=_count, help="parts of a source that are read at once")
    command.add_argument("--port", type=int, default=8000, help="of the API, if it is free")


def _add_token(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--name", required=True, help="whose it is; a token that the name had before ends"
    )
    command.add_argument(
        "--role",
        required=True,
        choices=list(Role),
        help="what it allows",
    )
    command.add_argument(
        "--days", type=days_of_token, help="how many days it lives; without an end by default"
    )
    command.add_argument(
        "--state", type=Path, default=PROJECT / ".local", help="of the stack it is for"
    )


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return count


def _terminate(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
