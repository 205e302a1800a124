"""Faults that the sample source shows on purpose, by page."""

import threading
from dataclasses import dataclass, replace
from typing import Literal, Self, cast, get_args

FaultKind = Literal["fail", "truncate", "error", "drop", "hang"]
FAULT_KINDS = get_args(FaultKind)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a page, the first `times` that it is asked for.

    Pages are numbered from 1 by where they begin among all the rows, so that asking again keeps the
    number.
    """

    page: int
    kind: FaultKind
    times: int = 1
    status: int = 503
    retry_after: str | None = None
    seconds: float = 60

    @classmethod
    def parse(cls, text: str) -> Self:
        parts = [*text.split(":"), "1"]  # once, where the text says no more
        kind, page, times = parts[:3]
        if kind not in FAULT_KINDS or text.count(":") not in {1, 2}:
            raise ValueError(text)
        return cls(int(page), cast("FaultKind", kind), int(times))


class Faults:
    """The faults still to come; they can be added while the source serves."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def fail_page(
        self, page: int, status: int = 503, times: int = 1, retry_after: str | None = None
    ) -> None:
        fault = Fault(page, "fail", times, status=status, retry_after=retry_after)
        self.add(fault)

    def truncate_page(self, page: int, times: int = 1) -> None:
        """Half of the promised bytes, then the connection closes."""
        self.add(Fault(page, "truncate", times))

    def error_in_page(self, page: int, times: int = 1) -> None:
        """Status 200, half of the rows, then an error object: well-formed JSON that is no page."""
        self.add(Fault(page, "error", times))

    def drop_connection(self, page: int, times: int = 1) -> None:
        """Not a byte of an answer."""
        self.add(Fault(page, "drop", times))

    def hang(self, page: int, seconds: float, times: int = 1) -> None:
        """The answer is right but late."""
        fault = Fault(page, "hang", times, seconds=seconds)
        self.add(fault)

    def take(self, page: int) -> Fault | None:
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.page == page and fault.times > 0:
                    self._faults[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None
