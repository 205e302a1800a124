"""Names of columns:
as the file writes them, but none empty, none twice and none with a line break in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import FileTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Limits

LONGEST = 500  # characters


def unique_names(cells: Iterable[str]) -> tuple[str, ...]:
    """A column without a name is called by its place, `column0`. Of names that differ in large and
    small letters alone DuckDB knows one, so these count as the same, and the later ones get a
    number: `Oil_2`.
    """
    one_line = [" ".join(cell.replace("\0", " ").split()) for cell in cells]
    wanted = [name[:LONGEST] for name in one_line]
    # From the start also those that come later: Oil, Oil, Oil_2 become Oil, Oil_3, Oil_2.
    taken = {name.casefold() for name in wanted}
    seen: set[str] = set()
    found = []
    for place, name in enumerate(wanted):
        chosen = name or _free(f"column{place}", taken)
        if chosen.casefold() in seen:
            chosen = _free(chosen, taken)
        seen.add(chosen.casefold())
        taken.add(chosen.casefold())
        found.append(chosen)
    return tuple(found)


def _free(name: str, taken: set[str]) -> str:
    if name.casefold() not in taken:
        return name
    number = 2
    while f"{name}_{number}".casefold() in taken:
        number += 1
    return f"{name}_{number}"


def check_columns(number: int, file: str, limits: Limits) -> None:
    """Raises FileTooLarge."""
    if number > limits.columns:
        raise FileTooLarge(
            f"{file} has {number:,} columns, and {limits.columns:,} are read at most. Look whether it is the right "
            "file and the right delimiter.",
            file=file,
        )
