"""A strict catalog that a test disturbs:
something happens before or after a commit, or its answer is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from local.catalog.server import CatalogHandler

Disturb = Callable[[Callable[[], dict[str, Any]]], Any]


class LostAnswer(Exception):
    """The commit may have happened; who asked is told 503."""


class DisturbedHandler(CatalogHandler):
    """`disturb` has by the table's name what becomes of its next commit:
    it is called with the commit itself.
    """

    disturb: ClassVar[dict[str, Disturb]] = {}
    commits: ClassVar[list[tuple[str, str]]] = []  # the table, and who made it

    def commit(self, namespace: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        def really() -> dict[str, Any]:
            done = super(DisturbedHandler, self).commit(namespace, name, asked)
            told = [
                each["updates"] for each in asked["updates"] if each["action"] == "set-properties"
            ]
            self.commits.append((name, told[0].get("wellhead.job", "") if told else ""))
            return done

        disturb = self.disturb.pop(name, None)
        return disturb(really) if disturb else really()

    def answer(self, status: int, body: bytes, headers: Any = None) -> None:
        super().answer(status, body, headers)

    def _reply(self, answers: Any, asked: list[Any]) -> tuple[int, Any]:
        try:
            return super()._reply(answers, asked)
        except LostAnswer:
            return HTTPStatus.SERVICE_UNAVAILABLE, {
                "error": {"message": "", "type": "Unavailable", "code": 503}
            }


def lose_the_answer(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    commit()
    raise LostAnswer


def lose_the_request(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    raise LostAnswer
