"""A Lambda whose functions answer as a test says, for the state machine of the template."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.aws.runtime_api import LambdaFunction

if TYPE_CHECKING:
    from collections.abc import Callable

    Answers = dict[str, Callable[[dict[str, Any]], Any]]


class Failed(Exception):
    """The function fails, with this error type."""


class StatesLambda:
    """`asked` keeps each call as (function, event);
    `most_at_once` how many calls of "part" were under way together.
    """

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._mutex = threading.Lock()
        self._server = LoopbackServer(type("Handler", (_Handler,), {"functions": self}))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def arns(self) -> dict[str, str]:
        return {
            f"{name.title()}Function": LambdaFunction(name=name, handler="").arn
            for name in ("plan", "part", "merge", "fail")
        }

    def calls(self, name: str) -> list[dict[str, Any]]:
        return [event for function, event in self.asked if function == name]

    def answer(self, name: str, event: dict[str, Any]) -> Any:
        with self._mutex:
            self.asked.append((name, event))
            self._at_once += name == "part"
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answers[name](event)
        finally:
            with self._mutex:
                self._at_once -= name == "part"


class _Handler(LoopbackHandler):
    functions: ClassVar[StatesLambda]

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        name = (
            self.path.partition("/functions/")[2]
            .partition("/")[0]
            .rpartition("%3A")[2]
            .rpartition(":")[2]
        )
        try:
            answer, headers = self.functions.answer(name, json.loads(self.read_body())), {}
        except Failed as exc:
            answer = {"errorType": str(exc), "errorMessage": "it failed"}
            headers = {"X-Amz-Function-Error": "Unhandled"}
        self.answer(200, json.dumps(answer).encode(), headers)
