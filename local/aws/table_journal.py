"""The table on disk: the items of one DynamoDB table in SQLite.
They outlive the process, and it holds none of them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Item = dict[str, Any]


class Key(NamedTuple):
    pk: str
    sk: str

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> "Key":
        pk = attributes["pk"]["S"]
        sk = attributes["sk"]["S"]
        return cls(pk, sk)


class Look(NamedTuple):
    """The items of a partition by their sort key, from behind `after` on;
    `most` of them, or all where that is -1.
    """

    pk: str
    after: str | None
    ascends: bool
    most: int


class TableJournal:
    """Each item is kept as DynamoDB's own JSON. The caller serialises the calls."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = wal")
        self._db.execute("PRAGMA synchronous = normal")  # survives the process, not a power cut
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS item (pk TEXT, sk TEXT, attributes TEXT, PRIMARY KEY (pk, sk))"
        )

    def items(self) -> Iterator[Item]:
        for (attributes,) in self._db.execute("SELECT attributes FROM item"):
            yield json.loads(attributes, object_hook=_with_bytes)

    def look(self, look: "Look") -> Iterator[Item]:
        """In SQLite's order of text, by its UTF-8, which is DynamoDB's."""
        beyond, order = (">", "ASC") if look.ascends else ("<", "DESC")
        rows = self._db.execute(
            f"SELECT attributes FROM item WHERE pk = :pk AND (:after IS NULL OR sk {beyond} :after)"  # noqa: S608  two words
            f" ORDER BY sk {order} LIMIT :most",
            {
                "pk": look.pk,
                "after": look.after,
                "most": look.most,
            },
        )
        for (attributes,) in rows:
            yield json.loads(attributes, object_hook=_with_bytes)

    def item(self, key: Key) -> Item | None:
        found = self._db.execute(
            "SELECT attributes FROM item WHERE pk = ? AND sk = ?", key
        ).fetchone()
        if found:
            item: Item = json.loads(found[0], object_hook=_with_bytes)
            return item
        return None

    def write(self, items: Mapping[Key, Item | None]) -> None:
        """None deletes the item.
        All of them or none; raises sqlite3.Error, as where the disk is full.
        """
        puts = [
            (*key, json.dumps(item, default=_as_text))
            for key, item in items.items()
            if item is not None
        ]
        deletes = [key for key, item in items.items() if item is None]
        self._db.execute("BEGIN")
        try:
            self._db.executemany("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", puts)
            self._db.executemany("DELETE FROM item WHERE pk = ? AND sk = ?", deletes)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:  # SQLite itself has taken it back where the disk is full
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()


def _as_text(binary: bytes) -> dict[str, str]:
    return {"$bytes": binary.hex()}


def _with_bytes(value: dict[str, Any]) -> Any:
    if isinstance(value.get("$bytes"), str):
        return bytes.fromhex(value["$bytes"])
    return value
