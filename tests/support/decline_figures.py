"""The figures that the fits of the console are held against, by scipy and by petbox-dca, which
nothing else here needs:

    python -m venv /tmp/figures && /tmp/figures/bin/pip install scipy==1.17.1 petbox-dca==2.3.1
    /tmp/figures/bin/python tests/support/decline_figures.py

What it prints stands in tests/api/test_console_decline.py.
"""

import json
from typing import Any

import numpy as np
from petbox import dca
from scipy.optimize import curve_fit

TERMINAL = 0.25
# Boyun Guo, William C. Lyons, Ali Ghalambor: Petroleum Production Engineering (2007), problem 8.4:
# stb/day by month.
GUO = [1810, 1637, 1482, 1341, 1213, 1098, 993, 899, 813, 736, 666, 602,
       545, 493, 446, 404, 365, 331, 299, 271, 245, 222, 201, 181]  # fmt: skip


def exponential(t: Any, qi: float, d: float) -> Any:
    return qi * np.exp(-d * t)


def hyperbolic(t: Any, qi: float, d: float, b: float) -> Any:
    return qi * (1 + b * d * t) ** (-1 / b)


def harmonic(t: Any, qi: float, d: float) -> Any:
    return qi / (1 + d * t)


def terminal(t: Any, qi: float, d: float, b: float) -> Any:
    at = (d / TERMINAL - 1) / (b * d)
    return np.where(
        t <= at, hyperbolic(t, qi, d, b), hyperbolic(at, qi, d, b) * np.exp(-TERMINAL * (t - at))
    )


def fits(t: Any, q: Any, models: list[tuple[Any, int]]) -> dict[str, list[float]]:
    """Of each model its parameters, their standard errors, and the sum of the squares left over."""
    starts = {2: (q[0], 0.5), 3: (q[0], 0.6, 0.7)}
    found = {}
    for model, count in models:
        values, covariance = curve_fit(
            model, t, q, p0=starts[count], ftol=1e-14, xtol=1e-14, gtol=1e-14, maxfev=10**5
        )
        rest = float(np.sum((q - model(t, *values)) ** 2))
        found[model.__name__] = [
            *map(float, values),
            *map(float, np.sqrt(np.diag(covariance))),
            rest,
        ]
    return found


def main() -> None:
    two = [(exponential, 2), (harmonic, 2)]
    months = np.arange(1, 25) / 12
    number = np.arange(60)
    t = (number + 0.5) / 12
    wavy = hyperbolic(t, 1000, 0.6, 0.8) * (1 + 0.05 * np.sin(1.7 * number))
    figures: dict[str, Any] = {
        "guo": fits(months, np.array(GUO, float), two),
        "wavy": fits(t, wavy, [*two, (hyperbolic, 3), (terminal, 3)]),
    }
    nominal = 0.6
    secant = 1 - (1 + 0.8 * nominal) ** (-1 / 0.8)
    curve = dca.MH(1000.0, secant, 0.8, 1 - np.exp(-TERMINAL))
    days = np.array([0.5, 2, 5, 20]) * 365.25
    figures["petbox"] = [
        [*map(float, row)]
        for row in zip(days / 365.25, curve.rate(days), curve.cum(days), strict=True)
    ]
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
