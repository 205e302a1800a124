"""Random histories of imports,
and what a store must hold after them by the merge rule, in the plainest Python.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from chalicelib.store.columns import KEY, REJECTION_REASONS, VALUES, VOLUMES
from chalicelib.store.grain import Grain
from chalicelib.store.outcome import MergeResult
from support.settle_model import Delivered, settled
from support.staging import NOON, SAME_NAMES, facts, json_row

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]
Page = list[Row | tuple[bytes, str]]  # a rejected row comes with its problem

# ------------------------------------------------------------------------------------------ the histories

REJECTED = [
    (
        b'{"field_code": null}',
        "MISSING_KEY field_code; MISSING_KEY well_code; MISSING_KEY production_period",
    ),
    (json_row(well_code=1.5), "NOT_A_WHOLE_NUMBER well_code"),
    (json_row(oil_production_kbd="much"), "NOT_A_NUMBER oil_production_kbd"),
    (json_row(production_period="soon"), "NOT_A_DATE production_period"),
    (json_row(well_name={}), "NOT_TEXT well_name"),
    (json_row(days_on_production=1e9), "OUT_OF_RANGE days_on_production"),
    (json_row()[:-1] + b',"well_name":"\\ud800"}', "UNREADABLE row"),
    (b'{"field_code":1,"field_code":1}', "UNREADABLE row"),
]
BROKEN = [
    row for row in REJECTED if row[1] == "UNREADABLE row"
]  # the others cost a statement of 75 ms
CHANGES: list[Row] = [
    {},
    {"well_name": None},
    {"well_name": "C"},
    {"oil_production_kbd": None},
    {"oil_production_kbd": 0.1},
    {"days_on_production": 25.5},
    {"data_source": None},
    {"data_source": "three"},
    {"partition_0": "2025"},
    {"source_data": "sheet"},
]
volumes = st.sampled_from([None, 0.0, 0.1, 2.5, -1.0])


@dataclass(frozen=True)
class Import:
    """Batches of pages. Each batch in `checkpoints` is followed by a segment;
    before each in `restarts` a new worker takes over and loads all segments.
    """

    batches: list[list[Page]]
    checkpoints: set[int] = field(default_factory=set)
    restarts: set[int] = field(default_factory=set)

    @property
    def pages(self) -> list[Page]:
        return [page for batch in self.batches for page in batch]


@st.composite
def histories(draw: st.DrawFn, *, beside: int) -> list[Import]:
    """The imports into one store, in which `beside` histories go on side by side:
    their keys never meet. An import may come again, so that two in turn revert each other.
    """
    rejected = draw(st.sampled_from([BROKEN, BROKEN, BROKEN, REJECTED]))
    known = [draw(st.lists(rows(history), min_size=2, max_size=4)) for history in range(beside)]
    turn = st.tuples(*(pages(of_a_history, rejected) for of_a_history in known))
    batches = st.lists(st.lists(turn, min_size=1, max_size=2), max_size=3)
    published = [an_import(draw, draw(batches)) for _ in range(2)]
    return [
        published[which] for which in draw(st.sampled_from([(0, 1), (0, 1), (0, 0), (0, 1, 0)]))
    ]


def rows(history: int) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "field_code": st.sampled_from([str(2 * history), str(2 * history + 1)]),
            "well_code": st.sampled_from(["1", "2"]),
            "production_period": st.sampled_from(["2023-02-01", "2024-01-01", "2199-12-31"]),
        },
        optional={
            "field_name": st.sampled_from([None, "North"]),
            "well_name": st.sampled_from([None, "", "A", "B"]),
            "days_on_production": st.sampled_from([None, 0.0, 25.5, 31.0]),
            "oil_production_kbd": volumes,
            "liquids_production_kbd": volumes,
            "data_source": st.sampled_from([None, "one", "two"]),
            "partition_0": st.sampled_from(["2023", "2024"]),
        },
    )


def pages(known: list[Row], rejected: list[tuple[bytes, str]]) -> st.SearchStrategy[Page]:
    """Most rows differ from a known one in one column, or in nothing:
    a row drawn anew never comes a second time.
    """
    changed = st.builds(
        lambda row, change: row | change, st.sampled_from(known), st.sampled_from(CHANGES)
    )
    return st.lists(
        st.one_of(changed, changed, changed, changed, st.sampled_from(rejected)), max_size=5
    )


def an_import(draw: st.DrawFn, turns: list[list[tuple[Page, ...]]]) -> Import:
    """One in four stops now and then;
    each of its workers left a segment right before it stopped.
    """
    batches = [[page for turn in batch for page in turn] for batch in turns]
    if len(batches) < 2 or draw(st.integers(0, 3)):
        return Import(batches)
    restarts = draw(st.sets(st.integers(1, len(batches) - 1), min_size=1))
    checkpoints = draw(st.sets(st.integers(0, len(batches)))) | {place - 1 for place in restarts}
    return Import(batches, checkpoints, restarts)


# ---------------------------------------------------------------------------------------------- the model


@dataclass
class Model:
    """What the store holds by DESIGN's merge rule, in the plainest Python."""

    stored: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)

    def run(
        self, number: int, pages: list[Page], expected: int | None, source_warnings: dict[str, int]
    ) -> MergeResult:
        now, job = float(NOON + number * 1000), f"job-{number}"
        sound: list[Delivered] = []
        delivered = failed = new = updated = 0
        for page, position, row in placed(pages):
            delivered += 1
            if isinstance(row, tuple):
                failed += 1
                self.rejected.append(
                    rejected(row, now) | {"job_id": job, "page": page, "position": position}
                )
            else:
                sound.append(Delivered(full_row(row), page, position))
        outcome = settled(sound, Grain())
        for refused, problem in outcome.refused:
            failed += 1
            place = {"job_id": job, "page": refused.page, "position": refused.position}
            self.rejected.append(rejected((refused.raw.encode(), problem), now) | place)
        self._forget_what_came_again(job)
        for row, source_rows in outcome.rows:
            key = key_of(row)
            full = {
                "source": "default",
                **row,
                "period_days": month_days(row),
                "source_rows": source_rows,
            }
            old = self.stored.get(key)
            if old is None:
                new += 1
                self.stored[key] = full | {"created_at": now, "updated_at": now}
            elif any(old[name] != full[name] for name in VALUES):
                updated += 1
                self.history.append(old | {"replaced_at": now, "job_id": job})
                self.stored[key] = full | {"created_at": old["created_at"], "updated_at": now}
        counts: dict[str, Any] = {
            "new_records": new,
            "updated_records": updated,
            "duplicate_records": delivered - failed - new - updated,
            "failed_records": failed,
        }
        warnings = source_warnings | odd([row.columns for row in sound], now)
        run = (
            facts(number, expected).to_columns() | counts | {"merged_at": now, "warnings": warnings}
        )
        self.runs.append(run)
        return MergeResult(**counts, stored_records=len(self.stored), warnings=warnings)

    def _forget_what_came_again(self, job: str) -> None:
        def told(row: Row) -> list[str]:
            return [row["reason"], row["detail"], row["raw"]]

        again = [told(row) for row in self.rejected if row["job_id"] == job]
        self.rejected = [
            row for row in self.rejected if row["job_id"] == job or told(row) not in again
        ]

    def tables(self) -> dict[str, list[Row]]:
        return {
            "well_production": [self.stored[key] for key in sorted(self.stored)],
            "well_production_history": sorted(
                self.history, key=lambda row: (row["replaced_at"], *key_of(row))
            ),
            "rejected_rows": sorted(
                self.rejected, key=lambda row: (row["rejected_at"], row["page"], row["position"])
            ),
            "import_runs": self.runs,
        }


def rejected(row: tuple[bytes, str], now: float) -> Row:
    problems = [problem.split() for problem in row[1].split("; ")]
    detail = "; ".join(f"{column}: {REJECTION_REASONS[reason]}" for reason, column in problems)
    return {"reason": problems[0][0], "detail": detail, "raw": row[0].decode(), "rejected_at": now}


def placed(pages: list[Page]) -> Iterator[tuple[int, int, Row | tuple[bytes, str]]]:
    for number, page in enumerate(pages, start=1):
        for position, row in enumerate(page):
            yield number, position, row


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(str(row[name]) for name in KEY)


def full_row(row: Row) -> Row:
    period = date.fromisoformat(row["production_period"]).replace(day=1)
    return dict.fromkeys(SAME_NAMES) | row | {"production_period": period}


def odd(delivered: list[Row], now: float) -> dict[str, int]:
    today = datetime.fromtimestamp(now, UTC).date()
    names: dict[str, set[str]] = {}
    for row in delivered:
        names.setdefault(row["well_code"], set()).update({row["well_name"]} - {None})
    counts = {
        "NEGATIVE_VOLUME": sum(any((row[name] or 0) < 0 for name in VOLUMES) for row in delivered),
        "DAYS_BEYOND_PERIOD": sum(
            (row["days_on_production"] or 0) > month_days(row) + 0.05 for row in delivered
        ),
        "FUTURE_PERIOD": sum(row["production_period"] > today for row in delivered),
        "LIQUIDS_BELOW_OIL": sum(
            None not in (liquids := row["liquids_production_kbd"], oil := row["oil_production_kbd"])
            and liquids < oil
            for row in delivered
        ),
        "WELL_WITH_TWO_NAMES": sum(len(of_a_well) > 1 for of_a_well in names.values()),
    }
    return {rule: count for rule, count in counts.items() if count}


def month_days(row: Row) -> int:
    return calendar.monthrange(row["production_period"].year, row["production_period"].month)[1]
