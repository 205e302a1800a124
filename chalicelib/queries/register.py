"""Register: all wells and all fields of a published state with their figures, searched, sorted and
counted.

The figures are summed once, at the first question, into tables in memory; every later question
reads these. They go with the connection, and are kept in the warehouse for the next process
(kept_register.py). docs/decisions/057-a-register-made-once.md has what was measured.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.errors import QueryFailed, ValidationError, WellheadError
from chalicelib.store.local_duckdb import sql_path
from chalicelib.store.statements import named_statements

from .cursor import no_cursor
from .query import DEFAULT_SORT, FIELDS, OF_FIELDS, OF_WELLS, TEXTS, WELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .kept_register import KeptRegister

MOST_OF_A_FACET = 200  # fields, those with the most hits; the search finds the others

COLUMNS = {WELLS: OF_WELLS, FIELDS: OF_FIELDS}
CHOICES = ("source", "field_code")
_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_DAYS = "coalesce(period_days, day(last_day(production_period)))"


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`words` is what was typed: each of its words has to be found.
    So many rows as `skip` says are left out first.
    """

    of: str
    words: str = ""
    sort: str = DEFAULT_SORT
    order: str | None = None
    field_code: str | None = None
    source: str | None = None
    skip: int = 0

    def check(self) -> None:
        """Raises ValidationError."""
        known = COLUMNS[self.of]
        if self.sort not in known:
            raise ValidationError(
                f"sort must be one of {', '.join(known)}.", field="sort", allowed=", ".join(known)
            )

    @property
    def direction(self) -> str:
        """Names begin with the first one and figures with the largest,
        when nothing else is said.
        """
        usual = "asc" if self.sort in TEXTS else "desc"
        order = self.order or usual
        return {"asc": "ASC", "desc": "DESC"}[order]  # no other text gets into SQL

    @property
    def by(self) -> str:
        if self.sort in TEXTS:
            return f"lower({self.sort})"
        return self.sort


@dataclass(frozen=True, kw_only=True)
class Found:
    """`rows` each with their `place`, one more than asked for when there are more. `found` and
    `total` count the wells and the fields that have the words, and all. `sources` and `fields` tell
    how many rows each has, whichever of them is chosen.
    """

    rows: list[dict[str, Any]]
    found: dict[str, int]
    total: dict[str, int]
    sources: list[dict[str, Any]]
    fields: list[dict[str, Any]]


class Register:
    """`fetch` asks the connection; `production` is what stands after FROM for the rows. `kept` is
    what another process may have kept, and `directory` on local disk, where the connection may
    write. Threads may ask at once.
    """

    def __init__(
        self,
        fetch: Callable[[str, Mapping[str, Any]], list[dict[str, Any]]],
        production: str,
        *,
        kept: KeptRegister | None = None,
        directory: Path | None = None,
    ) -> None:
        self._fetch = fetch
        self._lock = Lock()
        self._production = production
        self._kept = kept
        self._file = directory / "register.parquet" if kept and directory else None
        self._to_make: list[Callable[[], None]] = [
            partial(self._run, "folded"),
            partial(self._run, "sum_of"),
            self._make_wells,
            self._make_fields,
            *(partial(self._show, of) for of in COLUMNS),
        ]

    def ask(self, asked: Asked, *, after: int | None, limit: int) -> Found:
        """Raises ValidationError for a column to sort by that the list has not,
        and for a place that is none.
        """
        asked.check()
        self._make()
        words = self._fold(asked.words)
        hits = self._hits(asked, words)
        return Found(
            rows=self._page(asked, words, after, limit),
            found={of: hits[of] for of in COLUMNS},
            total=dict(self._totals),
            sources=hits["by_source"] or [],
            fields=(hits["by_field"] or []) if asked.of == WELLS else [],
        )

    @cached_property
    def _totals(self) -> dict[str, int]:
        rows = self._fetch(_SQL["totals"], {})
        return rows[0]

    def _make(self) -> None:
        """What is made stays, also when the time for the question ends before all of it is:
        the next one goes on.
        """
        with self._lock:
            while self._to_make:
                make = self._to_make[0]
                make()
                del self._to_make[0]  # after it: what was stopped is made once more

    def _run(self, name: str, **filled: str) -> None:
        statement = _SQL[name].format(**filled)
        self._fetch(statement, {})

    def _make_wells(self) -> None:
        """Summed once for all processes, where there is a place to keep them."""
        if self._kept is None or self._file is None:
            self._run(WELLS, production=self._production, days=_DAYS)
            return
        try:
            if not self._take_wells(self._kept, self._file):
                self._run(WELLS, production=self._production, days=_DAYS)
                self._keep_wells(self._kept, self._file)
        finally:
            self._file.unlink(missing_ok=True)

    def _take_wells(self, kept: KeptRegister, file: Path) -> bool:
        if not kept.fetch(file):
            return False
        try:
            self._run("kept_wells", path=sql_path(file))
        except QueryFailed:
            log.warning("the kept register is no Parquet file")
            return False
        return True

    def _keep_wells(self, kept: KeptRegister, file: Path) -> None:
        """The question has its answer without it."""
        file.unlink(missing_ok=True)
        try:
            self._run("keep_wells", path=sql_path(file))
            kept.keep(file)
        except WellheadError as exc:
            log.warning("the register is not kept: %s", exc.code)

    def _make_fields(self) -> None:
        self._run(FIELDS)

    def _show(self, of: str) -> None:
        self._run("index", list=of)
        self._run("figures", list=of)

    def _fold(self, words: str) -> list[str]:
        """As the texts are that they are looked for in. A word of signs alone is none."""
        if not words:
            return []
        folded = self._fetch(_SQL["fold_words"], {"words": words.split()})
        return [word for row in folded for word in row.values() if word]

    def _page(
        self, asked: Asked, words: list[str], after: int | None, limit: int
    ) -> list[dict[str, Any]]:
        condition, values = _condition(asked, words)
        if after is not None:
            beyond, values_beyond = self._beyond(asked, after)
            condition = f"{condition} AND ({beyond})"
            values = values | values_beyond

        statement = _SQL["places"].format(
            list=asked.of, condition=condition, sort=asked.by, order=asked.direction
        )
        bounds = {**values, "limit": limit + 1, "skip": asked.skip}
        places = [int(row["place"]) for row in self._fetch(statement, bounds)]
        return self._rows(asked.of, places)

    def _rows(self, of: str, places: list[int]) -> list[dict[str, Any]]:
        if not places:
            return []
        statement = _SQL["rows"].format(
            columns=", ".join(map(_as_text, COLUMNS[of])),
            list=of,
            places=", ".join(map(str, places)),
        )
        rows = self._fetch(statement, {})
        # In the order that was asked for, and not in that of the answer.
        row_at = {row["place"]: row for row in rows}
        return [row_at[place] for place in places]

    def _beyond(self, asked: Asked, after: int) -> tuple[str, dict[str, Any]]:
        """What comes later than the row at this place, whose value is looked up:
        a name of any length has no room in an address. Sums are the same in every process.
        """
        statement = _SQL["value_at"].format(sort=asked.by, list=asked.of)
        rows = self._fetch(statement, {"place": after})
        if not rows:
            raise no_cursor()
        [value] = rows[0].values()
        if value is None:
            return f"{asked.by} IS NULL AND place > $after", {"after": after}

        sign = "<" if asked.direction == "DESC" else ">"
        conditions = [
            f"{asked.by} {sign} $value",
            f"({asked.by} = $value AND place > $after)",  # equal rows are in the order of places
            f"{asked.by} IS NULL",  # what is missing comes last
        ]
        return " OR ".join(conditions), {"value": value, "after": after}

    def _hits(self, asked: Asked, words: list[str]) -> dict[str, Any]:
        """How many wells and fields have the words,
        and each facet of these, whatever is chosen there.
        """
        has_words, values_of_words = _having(words)
        is_chosen, values_of_choices = _choices(asked)
        conditions = dict.fromkeys(CHOICES, "TRUE") | is_chosen
        statement = _SQL["hits"].format(
            list=asked.of,
            words=has_words,
            is_source=conditions["source"],
            is_field=conditions["field_code"],
        )
        bounds = {**values_of_words, **values_of_choices, "most": MOST_OF_A_FACET}
        rows = self._fetch(statement, bounds)
        return rows[0]


def _having(words: list[str]) -> tuple[str, dict[str, str]]:
    """SQL, whose texts are bound, and the values that it binds."""
    values = {f"word_{number}": word for number, word in enumerate(words)}
    if not values:
        return "TRUE", values
    condition = " AND ".join(f"contains(words, ${name})" for name in values)
    return condition, values


def _choices(asked: Asked) -> tuple[dict[str, str], dict[str, str]]:
    """The same of the source and the field, each of these by itself."""
    chosen = {name: getattr(asked, name) for name in CHOICES}
    values = {name: value for name, value in chosen.items() if value is not None}
    conditions = {name: f"{name} = ${name}" for name in values}
    return conditions, values


def _condition(asked: Asked, words: list[str]) -> tuple[str, dict[str, Any]]:
    has_words, values_of_words = _having(words)
    is_chosen, values_of_choices = _choices(asked)
    condition = " AND ".join([*is_chosen.values(), has_words])
    return condition, {**values_of_choices, **values_of_words}


def _as_text(name: str) -> str:
    is_day = name.endswith("_period")
    if is_day:
        return f"CAST({name} AS VARCHAR) AS {name}"
    return name
