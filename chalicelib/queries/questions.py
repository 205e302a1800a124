"""Questions: statements that ship with Wellhead, for people to run and to change. Each is a file of
docs/questions.

The first line of its leading comment is the title, the rest says what comes of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

PLACE = Path(__file__).parents[2] / "docs" / "questions"


@dataclass(frozen=True, kw_only=True)
class Question:
    name: str
    title: str
    explanation: str
    statement: str


@cache
def all_questions() -> list[dict[str, str]]:
    """By the names of their files."""
    paths = sorted(PLACE.glob("*.sql"))
    return [asdict(read_question(path)) for path in paths]


def read_question(path: Path) -> Question:
    lines = path.read_text("utf-8").strip().splitlines()
    comment = list(takewhile(lambda line: line.startswith("--"), lines))
    sentences = [line.removeprefix("--").strip() for line in comment]
    statement = "\n".join(lines[len(comment) :])
    return Question(
        name=path.stem,
        title=sentences[0] if sentences else path.stem,
        explanation=" ".join(filter(None, sentences[1:])),
        statement=statement.strip(),
    )
