"""KeptRegister: the wells of a register in the warehouse, among the exports of its snapshot.
Who sums them first keeps them there for every other process; they go with the snapshot.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import WarehouseUnavailable
from chalicelib.warehouse.names import REGISTER, StoredFile, Warehouse, export_name, sha256_of

from .copies import is_damaged

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class KeptRegister:
    warehouse: Warehouse
    snapshot: str

    @property
    def name(self) -> str:
        return export_name(self.snapshot, REGISTER)

    def fetch(self, path: Path) -> bool:
        """Whether it is there, and whole. What the warehouse cannot say is as good as no."""
        try:
            stored = self.warehouse.stat(self.name)
            if stored is None:
                return False
            self.warehouse.fetch(self.name, path)
            return not is_damaged(path, stored)
        except WarehouseUnavailable as exc:
            log.warning("the kept register cannot be read: %s", exc.code)
            return False

    def keep(self, path: Path) -> None:
        """Somebody else may have been faster: his has the same figures."""
        made = StoredFile(
            name=self.name,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
        )
        try:
            self.warehouse.put(made.name, path, sha256=str(made.sha256))
        except WarehouseUnavailable as exc:
            log.info("the register is not kept: %s", exc.code)
