"""Fingerprint: the source and the mapping that a checkpoint's rows were read with.

Rows read with another one are not the same import's, whatever they look like, so
they are never put together.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from chalicelib.errors import SourceChangedSince

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The form of the rows in a segment. From 2 on, codes are text and dates the first days of periods.
FORM = 2
# Of a hash. A source may give its fields names of any length, and the item of a job stays small.
FIELD_DIGITS = 12
MOST_PERIODS = 5  # so many are kept, for the same reason
LONGEST_PERIOD = 40  # characters of one


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """`settings` is Settings.source_id, `fields` tells of each column which field fills it, hashed.
    A source that `leaves_out` fields without a value shows some of them late. `missing` are columns
    whose field some page lacked. `files`: which ones the rows are from, as the survey told; ""
    where that is not known, and for a service. `identified`: the rows carry a primary key, and
    `is_unique` whether that is known to be one. `periods` are some of the texts that the source
    gave: whoever goes on judges them together with its own.
    """

    settings: str
    fields: Mapping[str, str] = field(default_factory=dict)
    leaves_out: bool = False
    form: int = FORM
    missing: Sequence[str] = ()
    identified: bool = False
    is_unique: bool = False
    files: str = ""
    periods: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        settings: str,
        mapping: Mapping[str, str],
        *,
        leaves_out: bool,
        missing: Sequence[str] = (),
    ) -> Self:
        fields = {column: _hash(name) for column, name in mapping.items()}
        return cls(
            settings=settings,
            fields=fields,
            leaves_out=leaves_out,
            missing=missing,
        )

    def to_attributes(self) -> dict[str, Any]:
        """As a checkpoint keeps it."""
        some_periods = self.periods[:MOST_PERIODS]
        lists = {
            "missing": list(self.missing),
            "periods": [_short(text) for text in some_periods],
        }
        return asdict(self) | lists

    def join(self, other: Fingerprint) -> Self:
        """Of the rows of both. Raises SourceChangedSince."""
        self.refuse_other_settings(other.settings)
        self.refuse_other_fields(other.fields)
        return replace(
            self,
            fields={**self.fields, **other.fields},
            leaves_out=self.leaves_out or other.leaves_out,
            missing=sorted({*self.missing, *other.missing}),
            identified=self.identified and other.identified,
            is_unique=self.is_unique and other.is_unique,
            files=self.files if self.is_of_listing(other.files) else "",
            periods=[*self.periods, *other.periods],
        )

    def is_of_listing(self, listing: str) -> bool:
        """Whether the rows are from the files of this listing, as a survey tells it: before the
        point stands a digest of the files, behind it when the newest of them was changed.
        """
        digest, _, _ = self.files.partition(".")
        other_digest, _, _ = listing.partition(".")
        return digest == other_digest

    def refuse_other_settings(self, settings: str) -> None:
        """Raises SourceChangedSince."""
        if settings != self.settings:
            raise SourceChangedSince

    def refuse_other(self, now: Fingerprint) -> None:
        """What the survey shows now must be what it showed then. Where a source leaves fields out,
        its first rows may show others of them; one that fills the same column must still be the
        same. Raises SourceChangedSince.
        """
        self.refuse_other_settings(now.settings)
        self.refuse_other_fields(now.fields)
        leaves_some_out = self.leaves_out or now.leaves_out
        is_lenient = leaves_some_out and bool(now.fields)
        are_others = self.fields.keys() != now.fields.keys()
        has_other_columns = bool(self.fields) and are_others
        if has_other_columns and not is_lenient:
            raise SourceChangedSince

    def refuse_other_fields(self, fields: Mapping[str, str]) -> None:
        """A column that was filled by one field is not filled by another one later.
        Raises SourceChangedSince.
        """
        for column, name in fields.items():
            if self.fields.get(column, name) != name:
                raise SourceChangedSince


def is_of_this_form(stored: Mapping[str, Any] | None) -> bool:
    """Whether rows that were read with this fingerprint,
    as a checkpoint keeps it, can be put together with today's.
    """
    if stored is None:
        return False
    return bool(stored.get("form") == FORM)


def _short(text: str) -> str:
    """A date or moment as it is; of anything else as much as an item of the table can hold."""
    beginning = text[:LONGEST_PERIOD]
    return beginning.encode("ascii", "replace").decode()


def _hash(name: str) -> str:
    digest = hashlib.sha256(name.encode(errors="surrogatepass"))
    return digest.hexdigest()[:FIELD_DIGITS]
