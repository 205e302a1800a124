"""What the imports of a set-up leave, the items of the table and the files of the warehouse:
made once in a process, and put again into the table and the warehouse of each later test.
"""

from __future__ import annotations

import os
import shutil
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import LATEST_NOTE
from support.coordination import aws_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.imports import Worker

T = TypeVar("T")
TRANSACTION = 100  # items in one, at most


@dataclass(frozen=True)
class _Kept:
    items: list[dict[str, Any]]
    files: Path
    made: Any


_KEPT: dict[str, _Kept] = {}


def shelved(name: str, environment: Mapping[str, str], make: Callable[[], T]) -> T:
    """What `make` makes by its imports. Who asks for the name again finds the same table, files and
    answer; what is in a bucket or a lake, or comes on top of what is there, is made anew each time.
    """
    warehouse = environment["WELLHEAD_WAREHOUSE"]
    if "://" in warehouse or "WELLHEAD_CATALOG" in environment or Path(warehouse).exists():
        return make()
    dynamodb, table = aws_client(os.environ["AWS_ENDPOINT_URL"]), environment["WELLHEAD_TABLE"]
    try:
        if name in _KEPT:
            _put(_KEPT[name].items, dynamodb, table)
            _fill(Path(warehouse), _KEPT[name].files)
            Path(environment["WELLHEAD_SCRATCH"]).mkdir(exist_ok=True)
        else:
            made, files = make(), Path(_shelf().name, name)
            if Path(warehouse).exists():
                shutil.copytree(warehouse, files)
            _KEPT[name] = _Kept(items=_items(dynamodb, table), files=files, made=made)
    finally:
        dynamodb.close()
    return cast("T", deepcopy(_KEPT[name].made))


def shelved_by(worker: Worker, name: str, make: Callable[[], T]) -> T:
    """As `shelved`, of what the worker does: its clock stands then where it stood.
    A source that is asked further has to stay at its address.
    """
    settings = worker.settings
    environment = {
        "WELLHEAD_TABLE": settings.table,
        "WELLHEAD_WAREHOUSE": settings.warehouse,
        "WELLHEAD_SCRATCH": settings.scratch,
    }
    if settings.store != "file":
        environment["WELLHEAD_CATALOG"] = settings.catalog
    made, worker.clock.now = shelved(name, environment, lambda: (make(), worker.clock()))
    return made


def _put(items: list[dict[str, Any]], dynamodb: Any, table: str) -> None:
    """These and no others."""
    for item in _items(dynamodb, table):
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    for first in range(0, len(items), TRANSACTION):
        puts = [
            {"Put": {"TableName": table, "Item": item}}
            for item in items[first : first + TRANSACTION]
        ]
        dynamodb.transact_write_items(TransactItems=puts)


def _fill(warehouse: Path, files: Path) -> None:
    """The stable name is a copy that is known by its inode."""
    if files.exists():
        shutil.copytree(files, warehouse)
    if (files / LATEST_NOTE).exists():
        DirectoryWarehouse(warehouse).set_latest((files / LATEST_NOTE).read_text().splitlines()[0])


def _items(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    return list(dynamodb.scan(TableName=table, ConsistentRead=True)["Items"])


@cache
def _shelf() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="wellhead-tests-")
