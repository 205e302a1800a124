"""`make soak` runs the same tests, only longer: it sets SOAK=1 in the environment, and this is where it is read."""

import os

SOAK = os.environ.get("SOAK") == "1"


def longer(usual: int, soak: int) -> int:
    return soak if SOAK else usual
