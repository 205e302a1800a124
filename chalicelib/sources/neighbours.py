"""Neighbours: what speaks against a definition beside the other sources of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import fault

if TYPE_CHECKING:
    from .definition import Definition
    from .faults import Fault
    from .source import Source

MOST_SOURCES = 200
RESERVED = ("check", "presets", "units")  # addresses of the API


def faults_beside_others(name: str, definition: Definition, defined: list[Source]) -> list[Fault]:
    """`name` is that of the address, `defined` are all sources that have a definition."""
    others = [source for source in defined if source.name != name]
    faults: list[Fault] = []
    for source in others:
        if definition.is_default and source.is_default:
            problem = f"{source.name} is the default one already"
            faults.append(fault("default", problem, "take it out there"))

    if name in RESERVED:
        faults.append(fault("name", "is a word of the API's addresses", "another name"))
    if definition.name != name:
        faults.append(fault("name", "is another one than the address says", name))
    if definition.adopts:
        faults += _adoption_faults(name, definition.adopts, others)
    if name in {source.adopts for source in others}:
        problem = "is the name of a source whose rows another one has adopted"
        faults.append(fault("name", problem, "another name"))
    if len(others) >= MOST_SOURCES:
        faults.append(fault("name", f"would be source {MOST_SOURCES + 1}", "fewer sources"))
    return faults


def _adoption_faults(name: str, adopts: str, others: list[Source]) -> list[Fault]:
    """`adopts` is the source whose rows this one takes over."""
    faults: list[Fault] = []
    if adopts == name:
        faults.append(fault("adopts", "is the source itself", "the name of another source"))
    if adopts in {source.name for source in others}:
        problem = "is a source that still imports, so its rows would come back"
        faults.append(fault("adopts", problem, "delete that source first"))
    if adopts in {source.adopts for source in others}:
        faults.append(fault("adopts", "is adopted by another source", "another name"))
    return faults
