"""The simulated warehouse: a dictionary with the manners of the real one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from chalicelib.errors import WarehouseFileMissing, WarehouseSilent, WarehouseUnavailable
from chalicelib.warehouse.names import LATEST, StoredFile, UploadForm

from .weather import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .weather import Network

FAULTS = tuple(fault for fault in Fault if fault is not Fault.CONFLICT)


class SimulatedWarehouse:
    """`on_change` is told the name of each file that was stored or removed."""

    def __init__(
        self, *, files: dict[str, bytes], network: Network, on_change: Callable[[str, bool], None]
    ) -> None:
        self.files = files
        self.shown: str | None = None
        self.told_owner: str | None = None
        self._network = network
        self._on_change = on_change

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
        self._call(f"put {name}", lambda: self._store(name, content))

    def fetch(self, name: str, path: Path) -> None:
        path.write_bytes(self._call(f"fetch {name}", lambda: self._content(name)))

    def fetch_rest(self, name: str, path: Path, *, goes_on: Callable[[], bool]) -> None:
        raise NotImplementedError  # no import asks for it

    def fetch_older(self, name: str, path: Path, *, sha256: str) -> str:
        raise NotImplementedError  # no import asks for it

    def local_path(self, name: str) -> None:
        """It has no files."""

    def location(self, name: str) -> str:
        raise NotImplementedError  # no import asks for it

    def stat(self, name: str) -> StoredFile | None:
        raise NotImplementedError  # no import asks for it

    def download_url(self, name: str, *, seconds: int, saved_as: str = "") -> str:
        raise NotImplementedError  # no import asks for it

    def upload_form(self, name: str, *, seconds: int, most_bytes: int) -> UploadForm:
        raise NotImplementedError  # no import asks for it

    def set_latest(self, name: str) -> None:
        self._call(f"set latest {name}", lambda: self._set_latest(name))

    def latest(self) -> str | None:
        return self._call("latest", lambda: self.shown)  # type: ignore[no-any-return]

    def owner(self) -> str | None:
        return self._call("owner", lambda: self.told_owner)  # type: ignore[no-any-return]

    def set_owner(self, text: str) -> bool:
        return self._call("set owner", lambda: self._set_owner(text))  # type: ignore[no-any-return]

    def names(self, prefix: str) -> list[str]:
        names: list[str] = self._call(
            "list", lambda: sorted(name for name in self.files if name.startswith(prefix))
        )
        return names

    def remove(self, name: str) -> None:
        self._call(f"remove {name}", lambda: self._remove(name))

    def tidy(self, *, now: float) -> None:
        """Nothing is ever half here."""

    def _store(self, name: str, content: bytes) -> None:
        is_same = self.files.setdefault(name, content) == content
        self._on_change(name, is_same)
        if not is_same:
            raise WarehouseUnavailable(f"Another file stands in the warehouse as {name} already.")

    def _set_latest(self, name: str) -> None:
        self.files[LATEST] = self._content(name)
        self.shown = name

    def _set_owner(self, text: str) -> bool:
        self.told_owner = self.told_owner or text
        return self.told_owner == text

    def _content(self, name: str) -> bytes:
        if name not in self.files:
            raise WarehouseFileMissing(f"There is no {name}.")
        return self.files[name]

    def _remove(self, name: str) -> None:
        self.files.pop(name, None)
        self._on_change(name, True)

    def _call(self, what: str, do: Callable[[], Any]) -> Any:
        return self._network.call(
            "warehouse", what, do, error=lambda _: WarehouseSilent(), faults=FAULTS
        )
