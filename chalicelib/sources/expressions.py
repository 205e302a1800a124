"""A source's rules as SQL: an expression a column, with units, dates, choices and words that mean
nothing.

What somebody wrote reaches SQL only as a value or a quoted name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceColumns
from chalicelib.store.columns import COLUMNS, Kind
from chalicelib.store.row_reading import (
    UNREADABLE,
    ColumnReading,
    RowReading,
    field_text,
    literal,
    text_of_json,
    unique,
)
from chalicelib.store.table import PLACE

from .choices import BLANKS
from .column_rules import PERIOD, ColumnRule, Place
from .mapping import names_among, refuse_absent_key, rules_of
from .measures import DAYS
from .number_sql import plain_number, sum_of, times, volume_of_mass
from .period_sql import date_of_parts, date_of_text, day_in_zone, iso_date
from .periods import usual_forms
from .units import Rate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from chalicelib.settings import Settings
    from chalicelib.store.table import Table

    from .choices import Choice
    from .period_rule import Part

OF_A_DEFINITION = ("where", "skip", "null_values", "decimal", "thousands", "timezone")
NULL = "CAST(NULL AS VARCHAR)"
PERIOD_DAYS = f"days_of_period(value_of_{PERIOD})"
KIND = {column.name: column.kind for column in COLUMNS}


@dataclass(frozen=True, kw_only=True)
class Expressions:
    """`present` are the fields that have been seen; rows may show others unless it `is_closed`.
    `constants` are fields that the reader knows, such as the name of the file, as SQL. `timezone`
    is of moments whose rule names none; `numbers` are fields of which the file itself knows that
    they are numbers, so that no sign is of their text.
    """

    rules: Mapping[str, ColumnRule]
    where: tuple[Choice, ...] = ()
    skip: tuple[Choice, ...] = ()
    null_values: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    period: str = "month"
    timezone: str = ""
    is_closed: bool = False
    present: Collection[str] | None = None
    constants: Mapping[str, str] | None = None
    numbers: Collection[str] = ()

    def reading(self) -> RowReading:
        columns = {name: ColumnReading() for name in KIND}
        for name, rule in self.rules.items():
            if name in KIND:
                columns[name] = self._column(rule)

        names = [name for rule in self.rules.values() for name in rule.all_fields]
        names += [choice.field for choice in (*self.where, *self.skip)]
        fields = unique(self._own(names))
        return RowReading(
            columns=columns, fields=fields, is_meant=self._is_meant(), as_json=self._is_json
        )

    @property
    def _is_json(self) -> bool:
        """Whether fields are read as JSON: it tells a number from a text in the definition's form."""
        return not self.is_closed and self.decimal != "."

    def _own(self, names: Iterable[str]) -> list[str]:
        """Those of them that are to be read from a row."""
        constants = self.constants or {}
        owners = [self._owner(name) for name in names if name not in constants]
        return [name for name in owners if self._may_be(name)]

    def _may_be(self, name: str) -> bool:
        if not self.is_closed:
            return True
        return name in (self.present or ())

    # -- fields -------------------------------------------------------------------------------

    def _owner(self, name: str) -> str:
        """`a/b` is the member `b` of the object in field `a`, where no field has the whole name."""
        if "/" not in name or self.present is None or name in self.present:
            return name
        outer, _, _ = name.partition("/")
        return outer if outer in self.present else name

    def raw(self, name: str) -> str:
        """The field's text, whatever it means."""
        constants = self.constants or {}
        if name in constants:
            return constants[name]

        if self._owner(name) != name:
            return f"json_extract_string({self._member(name)})"
        return self._field(name) if self._may_be(name) else NULL

    def _field(self, name: str) -> str:
        return text_of_json(name) if self._is_json else field_text(name)

    def _member(self, name: str) -> str:
        """The object, and the pointer to its member."""
        owner = self._owner(name)
        member = name[len(owner) :]  # with its slash
        pointer = literal(member.replace("~", "~0"))  # as a JSON pointer has a ~
        return f"TRY_CAST({self._field(owner)} AS JSON), {pointer}"

    def text(self, name: str) -> str:
        """The field's text; NULL when it is a word that means nothing."""
        text = self.raw(name)
        if not self.null_values:
            return text

        words = ", ".join(literal(word.strip(BLANKS)) for word in self.null_values)
        is_word_in_blanks = f"has_blanks({text}) AND stripped({text}) IN ({words})"
        is_word = f"{text} IN ({words}) OR ({is_word_in_blanks})"
        return f"CASE WHEN {is_word} THEN NULL ELSE {text} END"

    def number_of(self, name: str) -> str:
        return self._number_in(name, self.text(name))

    def _number_in(self, name: str, text: str) -> str:
        """`text` is of the field, or a part of it. What the source itself has as a number is that
        number, in whatever form its texts are.
        """
        if name in self.numbers:
            return text
        number = self.number(text)
        if not self._is_json or name in (self.constants or {}):
            return number
        of_field = field_text(name) if self._owner(name) == name else self._member(name)
        return f"CASE WHEN json_type({of_field}) = 'VARCHAR' THEN {number} ELSE {text} END"

    def number(self, text: str) -> str:
        """As the definition says that numbers are written."""
        return plain_number(text, decimal=self.decimal, thousands=self.thousands)

    # -- rows ---------------------------------------------------------------------------------

    def _is_meant(self) -> str:
        conditions = [self._holds(choice) for choice in self.where]
        if self.skip:
            skipped = " AND ".join(self._holds(choice) for choice in self.skip)
            conditions.append(f"NOT ({skipped})")
        return " AND ".join(conditions) or "TRUE"

    def _holds(self, choice: Choice) -> str:
        # No value is an empty text here, so that a choice may name it: { Status = [""] }.
        text = f"coalesce(stripped({self.raw(choice.field)}), '')"
        if choice.pattern:
            return f"regexp_full_match({text}, {literal(choice.pattern)})"
        words = ", ".join(literal(word.strip(BLANKS)) for word in choice.words)
        return f"{text} IN ({words})"

    # -- columns ------------------------------------------------------------------------------

    def _column(self, rule: ColumnRule) -> ColumnReading:
        text = self._text_of(rule)
        iso_text = ""
        if rule.column == PERIOD:
            iso_text = self._iso_period_of(rule, text)
            text = self._period_of(rule, text)
        return ColumnReading(
            text=self._when(rule, text),
            iso_text=self._when(rule, iso_text) if iso_text else "",
            value=self._value_of(rule),
            typed_by=self._field_of_type(rule),
        )

    def _when(self, rule: ColumnRule, text: str) -> str:
        if not rule.when:
            return text
        conditions = " AND ".join(self._holds(choice) for choice in rule.when)
        return f"CASE WHEN {conditions} THEN {text} END"

    def _field_of_type(self, rule: ColumnRule) -> str:
        """The field whose own type says what the text is, where it is read as it is."""
        name = rule.field
        is_whole = not rule.pattern and self._owner(name) == name
        is_read = name not in (self.constants or {}) and self._may_be(name)
        return name if is_whole and is_read else ""

    def _text_of(self, rule: ColumnRule) -> str:
        text = self._text_by_way(rule)
        # Of numbers, each field has been read by the pattern already.
        is_number = KIND[rule.column] is Kind.NUMBER
        is_read = is_number and bool(rule.field or rule.coalesce)
        if rule.pattern and not is_read:
            text = self._first_group(text, rule)
        if is_number and (rule.fields or rule.template):
            text = self.number(text)

        if isinstance(rule.density, str):
            return volume_of_mass(text, self.number_of(rule.density))
        return text

    def _text_by_way(self, rule: ColumnRule) -> str:  # noqa: PLR0911  one for each way
        """By the one of WAYS that the rule has."""
        if rule.sum:
            return sum_of([self.number_of(name) for name in rule.sum])
        if rule.fields:
            return _join([self._code(name) for name in rule.fields])
        if rule.template:
            return self._template(rule)
        if rule.coalesce:
            return self._first_filled(rule)
        if rule.value is not None:
            return literal(rule.value)
        if rule.field:
            return self._plain(rule.field, rule)
        return NULL

    def _plain(self, name: str, rule: ColumnRule) -> str:
        text = self.text(name)
        if KIND[rule.column] is not Kind.NUMBER:
            return text
        if rule.pattern:
            text = self._first_group(text, rule)
        return self._number_in(name, text)

    def _first_group(self, text: str, rule: ColumnRule) -> str:
        """Of the pattern; one whose group is empty says that there is nothing. A text that the
        pattern does not know is no number, and says nothing where it would be a name or a code.
        """
        pattern = literal(rule.pattern)
        group = f"nullif(regexp_extract({text}, {pattern}, 1), '')"
        if KIND[rule.column] is not Kind.NUMBER:
            return group

        is_known = f"coalesce(stripped({text}), '') = '' OR regexp_matches({text}, {pattern})"
        return f"CASE WHEN {is_known} THEN {group} ELSE {UNREADABLE}{text} END"

    def _first_filled(self, rule: ColumnRule) -> str:
        """NULL where there are only blanks in all.
        A code is without those around it, and a number as its digits.
        """
        if KIND[rule.column] is Kind.CODE:
            codes = [self._code(name) for name in rule.coalesce]
            return f"coalesce({', '.join(codes)})"
        texts = [
            f"WHEN stripped({self.text(name)}) <> '' THEN {self._plain(name, rule)}"
            for name in rule.coalesce
        ]
        return f"CASE {' '.join(texts)} END"

    def _code(self, name: str) -> str:
        """A part of a code: without blanks, and a number as its digits.
        What is an object or a list is none.
        """
        text = self.text(name)
        if self.is_closed:
            return f"part_of_code({text})"
        return f"CASE WHEN NOT is_json_of_more({text}) THEN part_of_code({text}) END"

    def _template(self, rule: ColumnRule) -> str:
        places = [self._place(place) for place in rule.template]
        return "(" + " || ".join(places) + ")"

    def _place(self, place: Place) -> str:
        if not place.field:
            return literal(place.text)
        return f"padded({self._code(place.field)}, {place.width})"

    # -- the period ---------------------------------------------------------------------------

    def _period_of(self, rule: ColumnRule, text: str) -> str:
        if rule.parts:
            parts = {name: self._part(part) for name, part in rule.parts}
            return date_of_parts(parts)

        text = self._local_day(rule, text)
        if rule.formats:
            return date_of_text(text, rule.formats, is_strict=True)
        return date_of_text(text, usual_forms(self.period), is_strict=False)

    def _iso_period_of(self, rule: ColumnRule, text: str) -> str:
        """Empty where the definition tells the form."""
        if rule.parts or rule.formats:
            return ""
        return iso_date(self._local_day(rule, text))

    def _local_day(self, rule: ColumnRule, text: str) -> str:
        zone = rule.timezone or self.timezone
        return day_in_zone(text, zone, is_sure=bool(rule.timezone)) if zone else text

    def _part(self, part: Part) -> str:
        text = self.text(part.field) if part.field else literal(part.value)
        if not part.pattern:
            return text
        return f"regexp_extract({text}, {literal(part.pattern)}, 1)"

    # -- units --------------------------------------------------------------------------------

    def _value_of(self, rule: ColumnRule) -> str:
        """A volume a period is a rate once divided by the days of the period; days are days."""
        unit = rule.unit
        if unit is None:
            return ""

        value = times(f"draft_number({rule.column})", unit.factor)
        if isinstance(rule.density, float):
            value = f"{value} / {rule.density!r}::DOUBLE"

        if rule.column == DAYS:
            return f"{value} * {PERIOD_DAYS}" if unit.of_period else value
        if unit.rate is Rate.PERIOD:
            return f"{value} / {PERIOD_DAYS}"
        if not rule.is_per_producing_day:
            return value

        # A rate without its days is nothing that could be read, and NaN is no number between two
        # bounds.
        days = f"CASE WHEN {value} <> 0 THEN coalesce(value_of_{DAYS}, 'NaN'::DOUBLE) ELSE 0 END"
        return f"{value} * {days} / {PERIOD_DAYS}"


def reading_of(settings: Settings, names: Sequence[str], table: Table | None = None) -> RowReading:
    """How rows of the source become ours. `names` are its fields, as far as they have been seen; a
    table shows all of its own, and may have others than the source's first file. Raises
    SourceColumns.
    """
    definition = settings.definition
    options: dict[str, Any] = {"period": settings.source_period}
    if definition is not None:
        known_as = names_among(names if table is None else table.names)
        options |= {name: getattr(definition, name) for name in OF_A_DEFINITION}
        for key in ("where", "skip"):
            choices = options[key]
            options[key] = tuple(
                replace(choice, field=known_as(choice.field)) for choice in choices
            )

    if table is None:
        rules = rules_of(names, definition, settings.source_columns)
        return Expressions(rules=rules, present=names or None, **options).reading()

    return Expressions(
        rules=_rules_of_table(settings, table),
        present=table.names,
        is_closed=True,
        constants=_constants(table),
        numbers=_numbers(table),
        **options,
    ).reading()


def _rules_of_table(settings: Settings, table: Table) -> dict[str, ColumnRule]:
    """Raises SourceColumns, which names the file: another one may have what this one lacks."""
    try:
        refuse_absent_key(settings, table.names)
        return rules_of(table.names, settings.definition, settings.source_columns)
    except SourceColumns as exc:
        raise SourceColumns(f"{table.file}: {exc.message}", file=table.file) from exc


def _numbers(table: Table) -> frozenset[str]:
    columns = zip(table.names, table.kinds, strict=False)
    return frozenset(name for name, kind in columns if kind == "number")


def _constants(table: Table) -> dict[str, str]:
    """A column of the file that is called so is that column."""
    row = f"CAST(1 + {table.place} AS VARCHAR)"  # as people count
    constants = {"_file": literal(table.file), "_sheet": literal(table.sheet), "_row": row}
    columns = set(table.names)
    if table.has_places:
        columns.discard(PLACE)
    return {name: value for name, value in constants.items() if name not in columns}


def _join(parts: list[str]) -> str:
    """A part that is empty leaves the whole empty."""
    return "(" + " || '/' || ".join(parts) + ")"
