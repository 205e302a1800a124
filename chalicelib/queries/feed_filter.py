"""A filter of OData becomes a condition of SQL whose values are bound: nothing of the request's
text gets into it.

The part of the language that is read: eq ne gt ge lt le, and or not, parentheses, contains
startswith endswith, tolower toupper, and literals of text, number, date, moment, truth and null.
What else the language has is answered as not implemented. What null means:
https://docs.oasis-open.org/odata/odata/v4.0/odata-v4.0-part2-url-conventions.html (5.1.1.1): a
comparison is true or false also of what is missing; only a function of it is neither. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from chalicelib.api.feed_model import NUMBERS, STRING
from chalicelib.errors import FeedNotImplemented, ValidationError

from .feed_tokens import NOTHING, NUMBER, TRUTH, NotUnderstood, Token, tokens_of, value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.api.feed_model import EntitySet

DEEPEST = 50  # parentheses and nots within each other
ORDERED = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
EQUAL = ("eq", "ne")
TESTS = {"contains": "contains", "startswith": "starts_with", "endswith": "ends_with"}
CASES = {"tolower": "lower", "toupper": "upper"}
OTHER_OPERATORS = ("add", "sub", "mul", "div", "divby", "mod", "has", "in")


@dataclass
class Bound:
    """The values of a statement, by the name that stands for each."""

    values: dict[str, Any] = field(default_factory=dict)
    letter: str = "v"

    def add(self, value: Any) -> str:
        name = f"{self.letter}{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True)
class Operand:
    """`kind` is what may be compared with each other."""

    sql: str
    kind: str
    is_literal: bool = False


def kind_of(edm: str) -> str:
    return NUMBER if edm in NUMBERS else edm


def condition_of(text: str, entity_set: EntitySet, bound: Bound) -> str:
    """Raises ValidationError for what is no filter of these properties, FeedNotImplemented."""
    reader = _Reader(text, entity_set, bound, option="$filter")
    condition = reader.truth(reader.any_of())
    reader.end()
    return condition


def condition_of_key(text: str, entity_set: EntitySet, bound: Bound) -> str:
    """Of what stands in the parentheses of an address: all parts of the key, each once.
    Raises ValidationError.
    """
    reader = _Reader(text, entity_set, bound, option="key")
    wanted = f"takes {', '.join(entity_set.key)}, each once and of its type"
    parts: dict[str, str] = {}
    while not parts or reader.takes("sign", ","):
        name = reader.property_name()
        reader.expect("=")
        value = reader.literal()
        is_new = name in entity_set.key and name not in parts
        if not is_new or value.kind != kind_of(entity_set.type_of(name)):
            reader.refuse(wanted)
        parts[name] = f"{name} = {value.sql}"
    reader.end()

    if len(parts) != len(entity_set.key):
        reader.refuse(wanted)
    return " AND ".join(parts.values())


class _Reader:
    def __init__(self, text: str, entity_set: EntitySet, bound: Bound, *, option: str) -> None:
        self._entity_set = entity_set
        self._bound = bound
        self._option = option
        self._length = len(text)
        self._tokens = self._cut(text)
        self._next = 0
        self._depth = 0

    # -- tokens -------------------------------------------------------------------------------------------

    def _cut(self, text: str) -> list[Token]:
        try:
            return tokens_of(text)
        except NotUnderstood as exc:
            self.refuse("is not understood", at=exc.place)

    def _peek(self) -> Token:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return Token("end", "", self._length)

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def takes(self, kind: str, *texts: str) -> str:
        """The text of the next token where it is one of these; else it stays."""
        token = self._peek()
        if token.kind != kind or token.text not in texts:
            return ""
        return self._take().text

    def expect(self, sign: str) -> None:
        if not self.takes("sign", sign):
            self.refuse(f"lacks a {sign}")

    def end(self) -> None:
        self._refuse_unknown_operator()
        if self._peek().kind != "end":
            self.refuse("is not understood")

    # -- the language, what binds least first -------------------------------------------------------------

    def any_of(self) -> Operand:
        def all_of() -> Operand:
            return self._chain("and", self._equality)

        return self._chain("or", all_of)

    def _chain(self, word: str, part: Callable[[], Operand]) -> Operand:
        """Parts with the word between them: `a or b or c`. A single part stays what it is."""
        first = part()
        if not self._is_word(word):
            return first

        conditions = [self.truth(first)]
        while self.takes("word", word):
            conditions.append(self.truth(part()))
        joined = f" {word.upper()} ".join(conditions)
        return Operand(f"({joined})", TRUTH)

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token.kind == "word" and token.text == word

    def _equality(self) -> Operand:
        left = self._relation()
        count = 0
        while operator := self.takes("word", *EQUAL):
            left = self._compare(left, operator, self._relation())
            count += 1
            if count > DEEPEST:
                self.refuse(f"has more than {DEEPEST} comparisons of comparisons")
        return left

    def _relation(self) -> Operand:
        left = self._operand()
        while operator := self.takes("word", *ORDERED):
            left = self._compare(left, operator, self._operand())
        return left

    def _compare(self, left: Operand, operator: str, right: Operand) -> Operand:
        kinds = {left.kind, right.kind}
        if NOTHING not in kinds and left.kind != right.kind:
            self.refuse(
                f"compares what has the type {left.kind} with what has the type {right.kind}"
            )
        if operator == "ne":
            return Operand(f"({left.sql} IS DISTINCT FROM {right.sql})", TRUTH)
        if operator == "eq" and not self._is_with_value(left, right):
            return Operand(f"({left.sql} IS NOT DISTINCT FROM {right.sql})", TRUTH)
        if operator != "eq" and TRUTH in kinds:
            self.refuse("asks for an order of true and false")
        return Operand(self._plain(left, ORDERED.get(operator, "="), right), TRUTH)

    @staticmethod
    def _is_with_value(left: Operand, right: Operand) -> bool:
        """Never of what is itself a comparison:
        its text would stand twice, that of a chain of them without end.
        """
        for operand in (left, right):
            if operand.kind in (NOTHING, TRUTH):
                return False
        return left.is_literal or right.is_literal

    @staticmethod
    def _plain(left: Operand, sign: str, right: Operand) -> str:
        """False of what is missing, but that null is as great as null (OData 4.0 part 2, 5.1.1.1).
        Written so that DuckDB can leave row groups out by their least and greatest.
        """
        may_be_missing = [
            operand
            for operand in (left, right)
            if not operand.is_literal or operand.kind == NOTHING
        ]
        conditions = [f"{left.sql} {sign} {right.sql}"]
        conditions += [f"{operand.sql} IS NOT NULL" for operand in may_be_missing]
        condition = f"({' AND '.join(conditions)})"
        if "=" in sign and sign != "=" and len(may_be_missing) == len((left, right)):
            return f"({condition} OR ({left.sql} IS NULL AND {right.sql} IS NULL))"
        return condition

    def _operand(self) -> Operand:
        self._depth += 1
        if self._depth > DEEPEST:
            self.refuse(f"has more than {DEEPEST} parentheses within each other")
        try:
            if self.takes("word", "not"):
                return Operand(f"(NOT {self.truth(self._operand())})", TRUTH)
            if self.takes("sign", "("):
                inner = self.any_of()
                self._close()
                return inner
            return self._name_or_call() or self.literal()
        finally:
            self._depth -= 1

    def _close(self) -> None:
        self._refuse_unknown_operator()
        self.expect(")")

    def _name_or_call(self) -> Operand | None:
        """A property or a function; None where something else stands."""
        token = self._peek()
        if token.kind != "word" or token.text in ("true", "false", "null"):
            return None
        if self._is_before_parenthesis():
            return self._function(self._take().text)
        name = self.property_name()
        return Operand(name, kind_of(self._entity_set.type_of(name)))

    def _is_before_parenthesis(self) -> bool:
        after_this = self._next + 1
        if after_this >= len(self._tokens):
            return False
        return self._tokens[after_this].text == "("

    def _function(self, name: str) -> Operand:
        if name not in TESTS | CASES:
            raise FeedNotImplemented(
                f"The feed does not know the function {name[:40]}.", field=self._option
            )
        self.expect("(")
        first = self._text_operand()
        if name in CASES:
            self._close()
            return Operand(f"{CASES[name]}({first})", STRING)
        self.expect(",")
        second = self._text_operand()
        self._close()
        return Operand(f"{TESTS[name]}({first}, {second})", TRUTH)

    def _text_operand(self) -> str:
        operand = self._operand()
        if operand.kind not in (STRING, NOTHING):
            self.refuse(f"gives a function of text what has the type {operand.kind}")
        if operand.kind == STRING:
            return operand.sql
        return "CAST(NULL AS VARCHAR)"

    def property_name(self) -> str:
        """Only a name of the model gets into the statement."""
        token = self._take()
        if token.kind == "other":
            self._refuse_as_unknown(token)
        for name in self._entity_set.properties:
            if token.kind == "word" and token.text == name:
                return name
        return self.refuse("names no property where one is expected", at=token.at)

    def literal(self) -> Operand:
        token = self._take()
        if token.kind == "other":
            self._refuse_as_unknown(token)
        try:
            value, kind = value_of(token)
        except (ValueError, OverflowError):
            self.refuse("has no value where one is expected", at=token.at)
        if kind == NOTHING:
            return Operand("NULL", NOTHING, is_literal=True)
        return Operand(self._bound.add(value), kind, is_literal=True)

    def truth(self, operand: Operand) -> str:
        if operand.kind not in (TRUTH, NOTHING):
            self._refuse_unknown_operator()
            self.refuse("has a value where something true or false is expected")
        if operand.kind == TRUTH:
            return operand.sql
        return "CAST(NULL AS BOOLEAN)"

    # -- refusals: where, never what: it may be a secret that was put in the wrong place -------------------

    def refuse(self, why: str, *, at: int | None = None) -> NoReturn:
        if at is None:
            at = self._peek().at
        sentence = f"{self._option} {why}, at character {at + 1}."
        raise ValidationError(sentence, field=self._option)

    def _refuse_unknown_operator(self) -> None:
        token = self._peek()
        is_operator = token.kind == "word" and token.text in OTHER_OPERATORS
        if token.kind == "other" or is_operator:
            self._refuse_as_unknown(token)

    def _refuse_as_unknown(self, token: Token) -> NoReturn:
        raise FeedNotImplemented(
            f"The feed does not know what stands at character {token.at + 1} of {self._option}.",
            field=self._option,
        )
