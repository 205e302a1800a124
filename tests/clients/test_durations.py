from __future__ import annotations

import pytest

from clients.api.durations import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, None),
        (-0.2, "0.0 s"),  # by two clocks
        (0.04, "0.0 s"),
        (8.44, "8.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.97, "1 min 00 s"),
        (185.0, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7655.0, "2 h 07 min"),
        (3_600_000.0, "1,000 h 00 min"),
    ],
)
def test_a_duration_reads_the_same_in_terminal_and_window(
    seconds: float | None, words: str | None
) -> None:
    assert duration(seconds) == words
