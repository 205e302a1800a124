"""How plainly the code and the documents read, in figures.

`python tools/figures.py [--names] [FOLDER or FILE ...]`; without a folder, the whole project, one
line a room. A figure says where to look, and no more: a line can be short and still a riddle.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
import tokenize
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[1]
HOMES_OF_ROOMS = ("chalicelib", "clients", "local")  # each folder in these is a room
OTHER_ROOMS = ("app.py", "infra", "spark", "benchmarks", "tools", "tests")
LEFT_OUT = {".venv", "build", "node_modules", "__pycache__"}

WIDE = 100  # columns
LONG = 300  # lines of a file

LITTLE_WORDS = """
    again ago as at away back by down first for from here in into it of off on out over since to up
    with
""".split()
IRREGULAR = """
    begun bought bound broken brought built chosen cut done drawn driven fallen fed felt found given
    gone got grown heard held hidden kept known laid led left lent lost made meant met paid put read
    run said seen sent shown shut spent split spoken stood stuck taken taught thought told torn
    understood withdrawn won worn written
""".split()
VERBS_TOO = ["cut", "put", "read", "run", "shut", "split"]  # `read()` is an order as well
NO_PARTICIPLES = "embed exceed feed indeed need proceed seed speed succeed".split()
REGULAR = re.compile(r"\w{2,}ed")

SECOND_PERSON = re.compile(r"\b(you|your|yours|yourself)\b", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z][A-Za-z']*")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class CodeFigures:
    lines: int = 0
    wide_lines: int = 0
    comments: int = 0
    functions: int = 0
    nodes_a_line: list[float] = field(default_factory=list)  # one figure a function
    local_names: list[str] = field(default_factory=list)  # each once a function
    participles: list[str] = field(default_factory=list)  # "file:line name"
    long_files: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description="How plainly the code and the documents read.")
    parser.add_argument("places", nargs="*", type=Path, help="folders or files; else the project")
    parser.add_argument("--names", action="store_true", help="list the participles and long files")
    arguments = parser.parse_args()

    rooms = arguments.places or project_rooms()
    print_code(rooms, names=arguments.names)
    if not arguments.places:
        print_documents([ROOT / "docs", ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def project_rooms() -> list[Path]:
    rooms = []
    for name in HOMES_OF_ROOMS:
        home = ROOT / name
        rooms += sorted(home.glob("*.py"))
        rooms += sorted(folder for folder in home.iterdir() if any(folder.rglob("*.py")))
    return rooms + [ROOT / name for name in OTHER_ROOMS]


def python_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*.py") if not LEFT_OUT & set(path.parts))


def code_figures(paths: list[Path]) -> CodeFigures:
    figures = CodeFigures()
    for path in paths:
        count_lines(path, figures)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, Function):
                count_function(node, path, figures)
    return figures


def count_lines(path: Path, figures: CodeFigures) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    figures.lines += len(lines)
    figures.wide_lines += sum(len(line) > WIDE for line in lines)
    if len(lines) > LONG:
        figures.long_files.append(f"{short_path(path)} {len(lines)}")
    with path.open("rb") as file:
        tokens = tokenize.tokenize(file.readline)
        figures.comments += sum(token.type == tokenize.COMMENT for token in tokens)


def count_function(function: Function, path: Path, figures: CodeFigures) -> None:
    figures.functions += 1
    figures.local_names += local_names(function)
    if named_by_participle(function):
        figures.participles.append(f"{short_path(path)}:{function.lineno} {function.name}")
    body = body_without_docstring(function)
    if body:
        nodes = sum(1 for statement in body for _ in ast.walk(statement))
        last_line = body[-1].end_lineno or body[-1].lineno
        figures.nodes_a_line.append(nodes / (last_line - body[0].lineno + 1))


def body_without_docstring(function: Function) -> list[ast.stmt]:
    if ast.get_docstring(function) is None:
        return function.body
    return function.body[1:]


def local_names(function: Function) -> set[str]:
    """The function's variables, also those of its loops and comprehensions; no parameters."""
    names = {node.id for node in ast.walk(function) if is_assigned(node)}
    return names - {"_"}


def is_assigned(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def named_by_participle(function: Function) -> bool:
    """Whether a name ends in a participle: `_rows_read` and `kept_for`, and not `kept_rows`.

    A property that is true or false may have an adjective's name: `if job.finished`.
    """
    if is_property(function) and returns_bool(function):
        return False
    words = function.name.strip("_").split("_")
    if words[0] in ("is", "has", "was", "are", "were", "test"):
        return False
    while len(words) > 1 and words[-1] in LITTLE_WORDS:
        words.pop()
    if len(words) == 1 and words[0] in VERBS_TOO:
        return False
    return is_participle(words[-1])


def is_participle(word: str) -> bool:
    if word in NO_PARTICIPLES:
        return False
    return word in IRREGULAR or REGULAR.fullmatch(word) is not None


def is_property(function: Function) -> bool:
    decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any(decorator.endswith("property") for decorator in decorators)


def returns_bool(function: Function) -> bool:
    if function.returns is None:
        return False
    return ast.unparse(function.returns) == "bool"


def print_code(rooms: list[Path], *, names: bool) -> None:
    print("nodes        AST nodes a line of a function's body, the median of the functions")
    print("mean         and their mean")
    print("wide         lines over 100 columns")
    print("comments     in a hundred lines")
    print("participles  functions that are named by one")
    print("letters      of a local name")
    print("long         files over 300 lines\n")
    heads = f"{'lines':>7}{'nodes':>7}{'mean':>6}{'wide':>7}{'comments':>10}"
    more_heads = f"{'functions':>11}{'participles':>13}{'letters':>9}{'long':>6}"
    print(f"{'':28}{heads}{more_heads}")
    all_paths = []
    for room in rooms:
        paths = python_files(room)
        all_paths += paths
        print_room(short_path(room), code_figures(paths), names=names)
    if len(rooms) > 1:
        print_room("together", code_figures(all_paths), names=False)


def print_room(name: str, figures: CodeFigures, *, names: bool) -> None:
    nodes = figures.nodes_a_line or [0.0]
    letters = [len(local_name) for local_name in figures.local_names] or [0]
    lines = max(figures.lines, 1)
    print(
        f"{name:28}{figures.lines:7}"
        f"{statistics.median(nodes):7.1f}{statistics.mean(nodes):6.1f}"
        f"{figures.wide_lines / lines:7.1%}{100 * figures.comments / lines:10.1f}"
        f"{figures.functions:11}{len(figures.participles):13}"
        f"{statistics.mean(letters):9.1f}{len(figures.long_files):6}"
    )
    if names:
        for finding in figures.participles + figures.long_files:
            print(f"    {finding}")


def print_documents(places: list[Path]) -> None:
    print("\nyou          you and your in a thousand words\n")
    print(f"{'':28}{'lines':>7}{'wide':>7}{'words':>8}{'you':>6}")
    for place in places:
        paths = [place] if place.is_file() else sorted(place.rglob("*.md"))
        text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
        lines = text.splitlines()
        wide_share = sum(len(line) > WIDE for line in lines) / len(lines)
        prose = FENCE.sub("", text)
        words = len(WORD.findall(prose))
        addresses = len(SECOND_PERSON.findall(prose))
        you = 1000 * addresses / words
        print(f"{short_path(place):28}{len(lines):7}{wide_share:7.1%}{words:8}{you:6.1f}")


def short_path(path: Path) -> str:
    path = path.resolve()
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    return str(path)


if __name__ == "__main__":
    main()
