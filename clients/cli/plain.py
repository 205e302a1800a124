"""What may be shown on a terminal. Names, raw rows and messages are whatever a source or a server
sent; each text that is printed comes through here, in the command line as in the commands of the
checkout.
"""

from __future__ import annotations

from typing import Any


def plain(value: Any, *, kept: str = "") -> str:
    """A space for every sign that a terminal would obey or that shows in another place than it
    stands: control signs (C0, C1), line breaks and tabs but those `kept`, marks and overrides of
    direction, and all else that is not printable:
    https://docs.python.org/3/library/stdtypes.html#str.isprintable. Nothing for None.
    """
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    signs = [sign if sign.isprintable() or sign in kept else " " for sign in text]
    return "".join(signs)
