"""The rows of the lists: of the data, of what an import rejected and what it changed."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.jobs.job_types import Shape
from chalicelib.queries.changed import OF_A_CHANGE, OF_VOLUMES, SIDES
from chalicelib.store.columns import PROVENANCE, REJECTION_REASONS, SHOWN
from infra.openapi.schema import with_members

from .columns import (
    OF_A_FIELD,
    OF_A_WELL,
    Days,
    fields_of,
    last_rates,
    producing_rates,
    sums,
)
from .kinds import Day, Moment, Uuid

_LAST_RATES = ("oil_production_kbd", "gas_production_mmcfd", "water_production_kbd")
_KEY_AND_NAMES = (*OF_A_FIELD, "well_code", "well_name", "production_period", "period_days")


@with_members(fields_of())
class Production(TypedDict):
    """One well, in one field, for one period: rates of calendar days. A rate times `period_days` is
    a volume.
    """

    created_at: Moment
    updated_at: Moment


@with_members(fields_of(tuple(name for name in SHOWN if name not in PROVENANCE)))
class Revision(TypedDict):
    replaced_at: Moment
    job_id: Uuid


@with_members({**sums(), **producing_rates()})
class Total(TypedDict):
    """The sums of one period over `wells` rows. Those of `cut` and `ratio` are in pairs, of the
    wells that have both sides; those of `producing` are for a day on which all wells produce.
    """

    source: Annotated[str, "name of the source; * for the sum over all of them"]
    production_period: Day
    period_days: Days
    wells: int
    cut_water_kbd: Annotated[
        float | None,
        "water of the wells that tell water and liquids, or water and oil: the one side of a water "
        "cut",
    ]
    cut_liquids_kbd: Annotated[
        float | None, "liquids of these wells, or oil of those that tell no liquids: the other side"
    ]
    ratio_gas_mmcfd: Annotated[
        float | None, "gas of the wells that tell gas and oil: the one side of a gas-oil ratio"
    ]
    ratio_oil_kbd: Annotated[float | None, "oil of these wells: the other side"]


@with_members(fields_of(OF_A_FIELD))
class Field(TypedDict):
    """One field of a source, with its first and last stored period."""

    wells: int
    first_period: Day
    last_period: Day
    well_periods: Annotated[int, "stored periods of all its wells"]


@with_members(fields_of(OF_A_WELL))
class Well(TypedDict):
    """One well in one field, with its first and last stored period."""

    first_period: Day
    last_period: Day
    periods: int


@with_members(
    {
        **fields_of(OF_A_FIELD),
        **{
            name: NotRequired[kind]
            for name, kind in fields_of(OF_A_WELL).items()
            if name not in OF_A_FIELD
        },
        **last_rates(*_LAST_RATES),
    }
)
class Registered(TypedDict):
    """A well in a field, or a field, which has wells and no code of a well."""

    wells: NotRequired[Annotated[int, "of the field"]]
    first_period: Day
    last_period: Day
    periods: int
    oil_production_kb: Annotated[float | None, "of all periods (thousand barrels)"]
    gas_production_mmcf: Annotated[float | None, "of all periods (million standard cubic feet)"]
    water_production_kb: Annotated[float | None, "of all periods (thousand barrels)"]
    water_cut: Annotated[float | None, "water of water and liquids, in the last period (0 to 1)"]
    gas_oil_ratio: Annotated[float | None, "in the last period (standard cubic feet per barrel)"]
    uptime: Annotated[float | None, "days on production of the days of the last period (0 to 1)"]


class Reject(TypedDict):
    """A row that an import rejected, and why."""

    page: int
    position: int
    reason: Annotated[str, Shape("text", {"enum": sorted(REJECTION_REASONS)})]
    detail: str | None
    raw: Annotated[str | None, "up to 4 KiB of what the source sent"]
    rejected_at: Moment


@with_members(fields_of(OF_A_CHANGE))
class Values(TypedDict):
    pass


_ChangedName = Annotated[str, Shape("text", {"enum": list(OF_A_CHANGE)})]


@with_members(fields_of(_KEY_AND_NAMES))
class Change(TypedDict):
    """What an import made of a row: its values before and after, null where it was not there."""

    change: Literal["new", "updated", "withdrawn"]
    before: Values | None
    after: Values | None
    differs: Annotated[list[_ChangedName], "the values that differ"]


@with_members(
    {
        **fields_of(OF_A_FIELD),
        **{
            f"{volume}_{side}": Annotated[float | None, "of the changed rows"]
            for volume in OF_VOLUMES.values()
            for side in SIDES
        },
    }
)
class ChangedField(TypedDict):
    """How many rows of a field an import changed, and the volumes of these rows before and after:
    thousand barrels and million standard cubic feet.
    """

    new_records: int
    updated_records: int
    withdrawn_records: int
