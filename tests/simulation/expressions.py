"""DynamoDB's condition and update expressions, as far as the product uses them.

Grammar and semantics:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
A comparison with an absent attribute is false, `<>` alone is true; values of two types are unequal
and have no order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

Item = Mapping[str, Any]  # attribute name → typed value, such as {"N": "7"}
# Moto's list, read and not imported: its DynamoDB takes a second to load.
KEYWORDS = distribution("moto").locate_file("moto/dynamodb/parsing/reserved_keywords.txt")
RESERVED = frozenset(Path(str(KEYWORDS)).read_text().upper().split())
TOKEN = re.compile(r"\s*(#\w+|:\w+|<>|<=|>=|[<>=(),]|[A-Za-z_]\w*)")
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class InvalidExpression(Exception):
    """DynamoDB would answer ValidationException."""


@dataclass(frozen=True)
class Scope:
    """What an expression is evaluated against."""

    item: Item
    names: Mapping[str, str]
    values: Mapping[str, Any]

    def operand(self, token: str) -> Any:
        """The typed value, or None for an absent attribute."""
        if token.startswith(":"):
            return self.values[token]
        return self.item.get(self.names[token] if token.startswith("#") else token)


Test = Callable[[Scope], bool]


@cache
def condition(text: str) -> Test:
    parser = Parser(text)
    test = parser.disjunction()
    parser.end()
    return test


@cache
def update(text: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The (attribute, value) pairs of SET and the attributes of REMOVE."""
    parser = Parser(text)
    sets: list[tuple[str, str]] = []
    removes: list[str] = []
    while clause := parser.take_if("SET", "REMOVE"):
        while True:
            attribute = parser.attribute()
            if clause == "SET":
                parser.take("=")
                sets.append((attribute, parser.operand()))
            else:
                removes.append(attribute)
            if not parser.take_if(","):
                break
    parser.end()
    return tuple(sets), tuple(removes)


@cache
def placeholders(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[#:]\w+", text))


class Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._last_group = 0, 0  # the tokens of the latest group, its closing parenthesis included

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self.take_if("OR"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda scope: any(test(scope) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._negation()]
        while self.take_if("AND"):
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else lambda scope: all(test(scope) for test in tests)

    def _negation(self) -> Test:
        if self.take_if("NOT"):
            test = self._negation()
            return lambda scope: not test(scope)
        if self.take_if("("):
            return self._group()
        return self._existence() or self._comparison()

    def _group(self) -> Test:
        begins = self._at
        test = self.disjunction()
        if self._last_group == (begins + 1, self._at):
            raise InvalidExpression("The expression has redundant parentheses")
        self.take(")")
        self._last_group = begins, self._at
        return test

    def _existence(self) -> Test | None:
        function = self.take_if("ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS")
        if function is None:
            return None
        self.take("(")
        attribute = self.attribute()
        self.take(")")
        wanted = function == "ATTRIBUTE_EXISTS"
        return lambda scope: (scope.operand(attribute) is not None) is wanted

    def _comparison(self) -> Test:
        left = self.operand()
        if self.take_if("IN"):
            self.take("(")
            members = [self.operand()]
            while self.take_if(","):
                members.append(self.operand())
            self.take(")")
            return lambda scope: any(
                _equal(scope.operand(left), scope.operand(member)) for member in members
            )
        comparator = self.take("=", "<>", *ORDERS)
        right = self.operand()
        if comparator == "=":
            return lambda scope: _equal(scope.operand(left), scope.operand(right))
        if comparator == "<>":
            return lambda scope: not _equal(scope.operand(left), scope.operand(right))
        return lambda scope: _ordered(comparator, scope.operand(left), scope.operand(right))

    def attribute(self) -> str:
        token = self._next()
        if token.startswith("#"):
            return token
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise InvalidExpression(f"an attribute is expected, not {token}")
        if token.upper() in RESERVED:
            raise InvalidExpression(
                f"Attribute name is a reserved keyword; reserved keyword: {token}"
            )
        return token

    def operand(self) -> str:
        if self._peek().startswith(":"):
            return self._next()
        return self.attribute()

    def take_if(self, *wanted: str) -> str | None:
        token = self._peek().upper()
        if token not in wanted:
            return None
        self._at += 1
        return token

    def take(self, *wanted: str) -> str:
        token = self.take_if(*wanted)
        if token is None:
            raise InvalidExpression(
                f"{' or '.join(wanted)} is expected, not {self._peek() or 'the end'}"
            )
        return token

    def end(self) -> None:
        if self._peek():
            raise InvalidExpression(f"the end is expected, not {self._peek()}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        if match is None:
            raise InvalidExpression(f"nothing can be made of {text[at:]}")
        tokens.append(match[1])
        at = match.end()
    return tokens


def _equal(left: Any, right: Any) -> bool:
    return left is not None and right is not None and _plain(left) == _plain(right)


def _ordered(comparator: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    (kind, a), (other, b) = _plain(left), _plain(right)
    return kind == other and kind in ("N", "S", "B") and ORDERS[comparator](a, b)


def _plain(typed: Mapping[str, Any]) -> tuple[str, Any]:
    """Comparable as DynamoDB compares:
    numbers by value, strings by their UTF-8 bytes, the rest by structure.
    """
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return kind, Decimal(value)
        case "S":
            return kind, value.encode()
        case "L":
            return kind, [_plain(inner) for inner in value]
        case "M":
            return kind, {name: _plain(inner) for name, inner in value.items()}
    return kind, value
