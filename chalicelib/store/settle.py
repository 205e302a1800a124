"""Settle: what becomes of several rows of one key within an import, before they meet the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .batch import FULL_ROWS
from .columns import COLUMNS, MOST_OF_A_WELL, VALUES, VOLUMES, WHOLE_FIELD, Column, Kind, Role
from .grain import READ_KEY, Aggregate, Rows
from .local_duckdb import exhaustion_errors
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from .grain import Grain
    from .parts import Part
    from .places import Places

BEYOND = "RATE_BEYOND_A_WELL"
_SQL = named_statements(Path(__file__).with_suffix(".sql"))
# What becomes of the keys with several rows: one statement reads what the one before it has made.
STEPS = (
    "find_candidates",
    "find_parts",
    "decide",
    "add_parts",
    "pass_over",
    "accept_settled",
    "refuse",
)
_WORDS = [column.name for column in COLUMNS if column.role is Role.PROVENANCE]


@dataclass(frozen=True, kw_only=True)
class Conflicts:
    """`keys` with several rows of which nobody knows the right one, and these `rows`.
    `volume_share` (0 to 1) is the largest share that they have in the sum of any product's rates.
    """

    keys: int = 0
    rows: int = 0
    volume_share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """`folded_records` went into a row with others: as an equal one, an older one or a part of a
    sum. `failed_records` are rejected because of other rows of their key. `repeated_keys` came on
    more than one page, which keys that are unique do not while all goes well; `overlapping_keys`
    did so because one page began with rows that the one before had ended with. Of `doubtful_keys`
    nobody can tell whether the source has them twice. `rates_beyond_a_well` rows have a rate that
    no single well gives. `is_in_order`: the rows to merge are in the order of the key, near enough.
    `examples` are rows by check, a few each.
    """

    folded_records: int = 0
    conflicts: Conflicts = field(default_factory=Conflicts)
    repeated_keys: int = 0
    overlapping_keys: int = 0
    doubtful_keys: int = 0
    failed_records: int = 0
    rates_beyond_a_well: int = 0
    is_in_order: bool = field(default=False, compare=False)
    warnings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def settle(
    connection: duckdb.DuckDBPyConnection,
    grain: Grain,
    places: Places,
    *,
    delivered: int,
    parts: Sequence[Part],
) -> Settled:
    """Makes the view `accepted`, which the merge reads, and the table `refused`, of the `delivered`
    rows of `staged`; sums are added to it. May be called again, with another grain too. Raises
    ScratchFull, OutOfMemory.
    """
    return _Settling(connection, grain, places, delivered, parts).run()


class _Settling:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        grain: Grain,
        places: Places,
        delivered: int,
        parts: Sequence[Part],
    ) -> None:
        self._connection = connection
        self._grain = grain
        self._places = places
        self._parts = parts
        self._lists = _LISTS | _lists_of(grain) | {"delivered": str(delivered)}

    def run(self) -> Settled:
        for name in ("forget_sums", "refuse_none", "repeat_none"):
            self._run(name)
        is_in_order = self._find_repeats()
        (repeated,) = self._one("count_repeated")
        if not repeated:
            # No key has a second row, so nothing is to be decided.
            self._run("accept_all")
            return self._with_odd_rates(Settled(is_in_order=is_in_order))
        self._run("create_place", values=self._places.columns())
        for name in STEPS:
            self._run(name)
        (sums,) = self._one("count_sums")
        is_in_order = is_in_order and not sums  # which stand behind the other rows
        settled = replace(self._count_outcome(), is_in_order=is_in_order)
        return self._with_odd_rates(settled)

    def _find_repeats(self) -> bool:
        """Whether the rows came in the order of the key. Sources that number their wells have 9
        before 10, which is out of order once in a row group and no harm to who reads the store.

        Rows in order have their equal keys beside each other: it is enough to compare neighbours.
        Otherwise the keys are counted, part after part.
        """
        neighbours = _SQL["neighbours"].format_map(self._lists)
        rows, descents, equal = self._one("look_at_order", neighbours=neighbours)
        if descents:
            for part in self._parts:
                first_number = str(self._one("count_repeated")[0])
                is_in_part = part.condition("staged")
                lists = {"is_in_part": is_in_part, "first_number": first_number}
                self._run("find_repeated", lists)
        elif equal:
            self._run("find_repeated_neighbours", {"neighbours": neighbours})
        return bool(descents * FULL_ROWS <= rows)

    def _count_outcome(self) -> Settled:
        folded, failed, keys, rows = self._one("count_settled")
        repeated, overlapping = self._one("count_pages")
        conflicts = Conflicts()
        examples: dict[str, list[dict[str, Any]]] = {}
        if keys:
            (share,) = self._one("volume_share")
            conflicts = Conflicts(keys=keys, rows=rows, volume_share=share)
            examples = {"CONFLICTS": self._examples("conflict_examples")}
        return Settled(
            folded_records=folded,
            conflicts=conflicts,
            repeated_keys=repeated,
            overlapping_keys=overlapping,
            failed_records=failed,
            warnings=self._warnings(),
            examples=examples,
        )

    def _with_odd_rates(self, settled: Settled) -> Settled:
        (count,) = self._one("count_beyond_a_well")
        if not count:
            return settled
        examples = {**settled.examples, BEYOND: self._examples("beyond_examples")}
        warnings = {**settled.warnings, BEYOND: count}
        return replace(settled, rates_beyond_a_well=count, warnings=warnings, examples=examples)

    def _warnings(self) -> dict[str, int]:
        if self._grain.rows is Rows.ONE or self._grain.primary_key:
            return {}
        (equal,) = self._one("count_equal_parts")
        return {"EQUAL_PARTS": equal} if equal else {}

    def _examples(self, name: str) -> list[dict[str, Any]]:
        with exhaustion_errors():
            answer = self._connection.execute(_SQL[name].format_map(self._lists))
            columns = [column[0] for column in answer.description or []]
            rows = answer.fetchall()
        examples = []
        for row in rows:
            values = [_plain(value) for value in row]
            examples.append(dict(zip(columns, values, strict=True)))
        return examples

    def _run(
        self,
        name: str,
        lists: Mapping[str, str] | None = None,
        *,
        values: Mapping[str, str] | None = None,
    ) -> None:
        all_lists = {**self._lists, **(lists or {})}
        text = _SQL[name].format_map(all_lists)
        with exhaustion_errors():
            self._connection.execute(text, values or None)

    def _one(self, name: str, **lists: str) -> tuple[Any, ...]:
        """The one row of the answer."""
        text = _SQL[name].format_map({**self._lists, **lists})
        with exhaustion_errors():
            (row,) = self._connection.execute(text).fetchall()
        return tuple(row)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, int | float | str):
        return value
    return str(value)


# -- the lists of the statements ------------------------------------------------------------------


def _lists_of(grain: Grain) -> dict[str, str]:
    is_sum = grain.rows is Rows.SUM
    legible = " AND ".join(f"staged.{name} IS NOT NULL" for name in READ_KEY)
    return {
        "is_looked_at": f"(problem IS NULL OR ({legible}))" if is_sum else "problem IS NULL",
        "identity": _identity(grain),
        "may_be_added": str(is_sum),
        "is_replaced": _SQL["is_replaced"] if grain.later_files_replace else "FALSE",
        "with_pages": _SQL["with_pages"] if grain.later_files_replace else "",
        "sums": ", ".join(_sum(column, grain.aggregate) for column in COLUMNS),
    }


def _identity(grain: Grain) -> str:
    """What tells one row of the source from another of its key."""
    if grain.primary_key:
        return "coalesce(primary_key, '')"
    if grain.rows is Rows.SUM:
        return f"md5({_text_of(VALUES)})"
    return "''"


def _sum(column: Column, aggregate: Aggregate) -> str:
    name = f"staged.{column.name}"
    if column.name in VOLUMES or (column.kind is Kind.NUMBER and aggregate is Aggregate.SUM):
        # By way of a text, 0.1 is the decimal 0.1 and not 0.1000000000000000055: nothing is rounded
        # twice, and a sum is the same in any order.
        total = f"sum(CAST(CAST({name} AS VARCHAR) AS DECIMAL(38, 18)))"
        return f"CAST(CAST({total} AS VARCHAR) AS DOUBLE)"
    if column.kind is Kind.NUMBER:
        return f"max({name})"
    return f"min({name})"


def _text_of(names: tuple[str, ...] | list[str]) -> str:
    """A text that is the same where the values are.
    -0.0 is the same as 0.0, and its text is not, so each zero is written as 0.0.
    """
    kinds = {column.name: column.kind for column in COLUMNS}
    texts = []
    for name in names:
        value = f"staged.{name}"
        if kinds[name] is Kind.NUMBER:
            value = f"CASE WHEN {value} = 0 THEN 0.0 ELSE {value} END"
        texts.append(f"CAST({value} AS VARCHAR)")
    return f"CAST(to_json([{', '.join(texts)}]) AS VARCHAR)"


def _difference(name: str) -> str:
    has_two_values = f"min(staged.{name}) <> max(staged.{name})"
    has_some_nulls = f"count(staged.{name}) NOT IN (0, count(*))"
    is_other = f"{has_two_values} OR {has_some_nulls}"
    return f"CASE WHEN {is_other} THEN 'SAME_KEY_OTHER_VALUES {name}' END"


def _share(name: str) -> str:
    """Nothing where there is nothing of the product."""
    disputed = f"sum(abs(staged.{name})) FILTER (disputed.staged_row IS NOT NULL)"
    return f"{disputed} / nullif(sum(abs(staged.{name})), 0)"


def _is_beyond() -> str:
    arms = [f"abs({name}) > {bound}" for name, bound in MOST_OF_A_WELL.items()]
    return " OR ".join(arms)


_LISTS = {
    "columns": ", ".join(column.name for column in COLUMNS),
    "key": ", ".join(READ_KEY),
    "columns_of_key": ", ".join(
        f"{column.name} {column.type}" for column in COLUMNS if column.name in READ_KEY
    ),
    "volumes": ", ".join(VOLUMES),
    "values_said": _text_of(VALUES),
    "words_said": _text_of(_WORDS),
    "differences": f"concat_ws('; ', {', '.join(map(_difference, VALUES))})",
    "sizes": ", ".join(f"coalesce(abs({name}), 0)" for name in VOLUMES),
    "is_beyond_a_well": f"CAST(well_code AS VARCHAR) <> '{WHOLE_FIELD}' AND ({_is_beyond()})",
    "shares": ", ".join(map(_share, VOLUMES)),
}
