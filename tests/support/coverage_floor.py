"""The floor: of the rooms that are cheap to trace, how much of their functions the tests run at
least. `make test` asks for it; docs/decisions/071-a-floor-for-the-cheap-rooms.md has the figures.

The tracer is on while a test of these rooms runs, in that test's own thread, and costs the others
nothing.
"""

from __future__ import annotations

import ast
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PRODUCT = Path(__file__).parents[2] / "chalicelib"
FLOORS = {"http": 85, "jobs": 70, "notices": 80}  # percent of the lines in functions
QUIET = ["no-data-collected", "module-not-imported", "module-not-measured", "trace-changed"]
OF_A_WORKER = "lines that tests have run"


class CoverageFloor:
    """A plugin of pytest, in the process that runs tests and in the one that has others do it."""

    def __init__(self) -> None:
        places = [str(PRODUCT / room) for room in FLOORS]
        self._coverage = Coverage(data_file=None, config_file=False, source=places)
        # A process in which no such test runs has nothing to tell, and no fault.
        self._coverage.set_option("run:disable_warnings", QUIET)
        self._of_workers: dict[str, set[int]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.path.parent.name not in FLOORS:
            return (yield)
        self._coverage.start()
        threading.settrace(None)  # the server of the test's AWS is dear to trace
        try:
            return (yield)
        finally:
            self._coverage.stop()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        data = self._coverage.get_data()
        lines = {file: sorted(data.lines(file) or ()) for file in data.measured_files()}
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[OF_A_WORKER] = lines
            return
        self._take(lines)
        if self._rooms_below():
            session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """One that crashed has no output, and another one has taken its place."""
        self._take(getattr(node, "workeroutput", {}).get(OF_A_WORKER, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        shares = ", ".join(f"{room} {share:.1f} %" for room, share in self._shares().items())
        terminalreporter.write_line(f"Lines of functions that their tests have run: {shares}")
        for room in self._rooms_below():
            terminalreporter.write_line(f"FLOOR {room}: less than {FLOORS[room]} %", red=True)

    def _take(self, lines: dict[str, list[int]]) -> None:
        for file, numbers in lines.items():
            self._of_workers[file].update(numbers)

    def _rooms_below(self) -> list[str]:
        return [room for room, share in self._shares().items() if share < FLOORS[room]]

    def _shares(self) -> dict[str, float]:
        return {room: self._share(PRODUCT / room) for room in FLOORS}

    def _share(self, room: Path) -> float:
        there = run = 0
        for file in room.glob("*.py"):
            of_functions = set(_lines_of_functions(file))
            there += len(of_functions)
            run += len(of_functions & self._of_workers[str(file)])
        return 100 * run / there


def _lines_of_functions(file: Path) -> Iterator[int]:
    """Where each statement in a function begins: the rest of a module runs when it is imported."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for statement in node.body:
                yield from _statements(statement)


def _statements(node: ast.AST) -> Iterator[int]:
    for part in ast.walk(node):
        is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
        is_declared = isinstance(part, (ast.Global, ast.Nonlocal))
        if isinstance(part, ast.stmt) and not is_text and not is_declared:
            yield part.lineno
