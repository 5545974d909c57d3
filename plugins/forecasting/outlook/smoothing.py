"""Seasonal smoothing by statsmodels, an extra that is imported when it is used."""

import math
import warnings
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec

EXTRA = "guanxi[seasonal]"


def is_installed() -> bool:
    """Whether the library is there."""
    try:
        return find_spec("statsmodels") is not None
    except ValueError:
        return False


def smoothed(values: Sequence[Decimal], season: int, ahead: int) -> Fraction | None:
    """The value some periods after the last one, by Holt-Winters: level, damped trend and season add up.

    Additive, because periods in which nothing was won are zero. Never below 0.

    Args:
        values: period by period, at least two years.
        season: how many periods make a year.
        ahead: how many periods after the last one; 1 is the next.

    Returns:
        None where the library finds no such curve.
    """
    if len(set(values)) == 1:
        return Fraction(values[0])
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        # That the parameters could still be a little better is no news to who asks for a forecast.
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            [float(value) for value in values],
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=season,
            initialization_method="legacy-heuristic",
        )
        found = float(model.fit().forecast(ahead)[-1])
    return Fraction(Decimal(str(max(found, 0.0)))) if math.isfinite(found) else None
