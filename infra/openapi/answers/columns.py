"""The columns of the data as fields of a row: chalicelib/store/columns.py has them."""

from typing import Annotated, Any

from chalicelib.jobs.job_types import Shape
from chalicelib.store.columns import COLUMNS, SHOWN, VOLUMES, Column, Kind, Role

_TYPES = {Kind.CODE: str, Kind.NUMBER: float, Kind.DAY: str, Kind.WORDS: str}
SourceName = Annotated[str, "name of the source"]
Days = Annotated[int | None, "calendar days of the period; null in a file that does not tell them"]


def _field(column: Column) -> Any:
    kind: Any = _TYPES[column.kind]
    if column.role is not Role.KEY:
        kind = kind | None
    return Annotated[kind, Shape(column.type, _bounds(column)), column.comment]


def _bounds(column: Column) -> dict[str, Any]:
    if column.kind is Kind.DAY:
        return {"format": "date"}
    if column.kind is Kind.CODE:
        return {"minLength": column.low, "maxLength": column.high}
    if column.high:
        return {"minimum": column.low, "maximum": column.high}
    return {}


_FIELDS: dict[str, Any] = {
    "source": SourceName,
    **{column.name: _field(column) for column in COLUMNS},
    "period_days": Days,
    "source_rows": Annotated[int, "rows of the source in this one"],
}
_COMMENTS = {column.name: column.comment for column in COLUMNS}
OF_A_FIELD = ("source", "field_code", "field_name")
OF_A_WELL = (*OF_A_FIELD, "well_code", "well_reference", "well_name")


def fields_of(names: tuple[str, ...] = SHOWN) -> dict[str, Any]:
    return {name: _FIELDS[name] for name in names}


def last_rates(*names: str) -> dict[str, Any]:
    """Of a well that stands for all its periods."""
    return {
        name: Annotated[_FIELDS[name], f"of the last period: {_COMMENTS[name]}"] for name in names
    }


def sums() -> dict[str, Any]:
    """Of a period: the rates of all wells."""
    return {name: Annotated[float | None, f"sum: {_COMMENTS[name]}"] for name in VOLUMES}


def producing_rates() -> dict[str, Any]:
    """Of a period: the rates of a day on which all wells produce."""
    return {
        name.replace("_production_", "_producing_"): Annotated[
            float | None,
            f"what the wells of {name} make on a day on which all of them produce; null where one "
            "of them does not tell its days on production",
        ]
        for name in VOLUMES
    }
