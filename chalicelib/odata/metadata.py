"""The part of a service's `$metadata` that an import needs: the key and the types of one entity
set.

OData v2 and v4 write it alike for that. The document comes from outside: one with a DTD is refused,
so no entity is ever expanded, and nothing but names is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat  # it reads no external entity by itself

MOST_BYTES = 16 << 20
MOST_NAMES = 100_000


class BrokenMetadata(ValueError):
    """No metadata document, or one that is not read; says why in a few words."""


@dataclass(kw_only=True)
class EntityType:
    """`types` tells the Edm type of each property, in the document's order;
    `key` the names of its key.
    """

    base: str = ""
    key: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)


def read_entity_type(document: bytes | bytearray, entity_set: str) -> EntityType | None:
    """The type of the set's entities, inherited properties included; None when the document does
    not name the set.

    Raises BrokenMetadata.
    """
    if len(document) > MOST_BYTES:
        raise BrokenMetadata(f"it has more than {MOST_BYTES >> 20} MB")
    reader = _Reader()
    try:
        reader.read(document)
    except (expat.ExpatError, UnicodeError, LookupError) as exc:
        raise BrokenMetadata("it is no well-formed XML") from exc

    name = reader.sets.get(entity_set)
    return None if name is None else reader.whole_type(name)


class _Reader:
    def __init__(self) -> None:
        self.sets: dict[str, str] = {}
        self._types: dict[str, EntityType] = {}  # by namespace and name: N.Production
        self._namespace = ""
        self._aliases: dict[str, str] = {}  # of a namespace
        self._current: EntityType | None = None
        self._names = 0

    def read(self, document: bytes | bytearray) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.Parse(document, True)

    def whole_type(self, name: str) -> EntityType | None:
        """Own and inherited; a chain that comes back to itself ends there."""
        key: list[str] = []
        types: dict[str, str] = {}
        seen: set[str] = set()
        while (found := self._full_name(name)) and found not in seen:
            seen.add(found)
            own_type = self._types[found]
            key = key or own_type.key
            types = own_type.types | types  # the base's properties stand before those of its heir
            name = own_type.base
        return EntityType(key=key, types=types) if seen else None

    def _full_name(self, name: str) -> str | None:
        """Of a type that the document has. Two namespaces may each have a Production; a name whose
        namespace is not known means the only type that is called so.
        """
        space, _, last = name.rpartition(".")
        full_name = f"{self._aliases.get(space, space)}.{last}"
        if full_name in self._types:
            return full_name
        alike = [each for each in self._types if _last(each, ".") == last]
        return alike[0] if len(alike) == 1 else None

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        self._names += 1
        if self._names > MOST_NAMES:
            raise BrokenMetadata(f"it has more than {MOST_NAMES:,} elements")

        name = attributes.get("Name", "")
        element = _last(element, " ")
        namespace = attributes.get("Namespace", "")
        if "Alias" in attributes and element in ("Schema", "Include", "Using"):
            self._aliases[attributes["Alias"]] = namespace
        if element == "Schema":
            self._namespace = namespace
        elif element == "EntityType":
            self._current = EntityType(base=attributes.get("BaseType", ""))
            self._types[f"{self._namespace}.{name}"] = self._current
        elif element == "EntitySet":
            self.sets[name] = attributes.get("EntityType", "")
        elif element == "Property" and self._current:
            self._current.types[name] = attributes.get("Type", "")
        elif element == "PropertyRef" and self._current:
            self._current.key.append(name)

    def _end(self, element: str) -> None:
        if _last(element, " ") == "EntityType":
            self._current = None


def _last(name: str, separator: str) -> str:
    """Of Model.Production, with a point: Production."""
    _, _, last = name.rpartition(separator)
    return last


def _refuse_doctype(*_: object) -> None:
    raise BrokenMetadata("it has a DTD, which is not read")
