"""Whether what the laptop's AWS must keep can be written.
It is told once, when it begins and when it is over.
"""

import logging

log = logging.getLogger(__name__)


class UnwritableError(Exception):
    """What was asked for could not be written, so it was not done."""

    def __init__(self) -> None:
        super().__init__("The disk takes nothing.")


class Disk:
    """`trouble` is why `what` cannot be written, or None."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.trouble: Exception | None = None

    def is_unwritable(self, why: Exception) -> None:
        if self.trouble is None:
            log.error(
                "%s cannot be written: %s. Nothing is accepted until it can.", self._what, why
            )
        self.trouble = why

    def is_writable(self) -> None:
        if self.trouble is not None:
            log.error("%s can be written again.", self._what)
        self.trouble = None
