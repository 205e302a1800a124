"""The pages of the lists, and what a list is answered with where it is asked for as a file."""

from typing import Annotated, TypedDict

from infra.openapi.schema import with_members

from .columns import OF_A_FIELD, SourceName, fields_of
from .published import ListFile, Snapshot
from .rows import (
    Change,
    ChangedField,
    Field,
    Production,
    Registered,
    Reject,
    Revision,
    Total,
    Well,
)


class _Page(TypedDict):
    next_cursor: Annotated[str | None, "asks for the page after; null on the last"]
    snapshot: Snapshot


class ProductionPage(_Page):
    rows: list[Production]


class RevisionPage(_Page):
    rows: list[Revision]


class TotalPage(_Page):
    rows: list[Total]


class FieldPage(_Page):
    rows: list[Field]


class WellPage(_Page):
    rows: list[Well]


class Rejects(_Page):
    rows: list[Reject]


class Changes(_Page):
    rows: list[Change | ChangedField]


class _Counts(TypedDict):
    wells: int
    fields: int


class _RowsOfSource(TypedDict):
    source: SourceName
    rows: int


@with_members(fields_of(OF_A_FIELD))
class _RowsOfField(TypedDict):
    rows: int


class RegisterPage(_Page):
    rows: list[Registered]
    found: Annotated[_Counts, "with the words, of what is chosen"]
    total: Annotated[_Counts, "of all"]
    sources: list[_RowsOfSource]
    fields: Annotated[list[_RowsOfField], "only of wells: the 200 fields with the most of them"]


ProductionPageOrFile = ProductionPage | ListFile
RevisionPageOrFile = RevisionPage | ListFile
TotalPageOrFile = TotalPage | ListFile
FieldPageOrFile = FieldPage | ListFile
WellPageOrFile = WellPage | ListFile
RejectsOrFile = Rejects | ListFile
ChangesOrFile = Changes | ListFile
