"""Windows by policy: the months that count as recent, and the horizon (F3, F5, X9)."""

from datetime import date

from guanxi.calendar import last_of, shifted
from guanxi.vocabulary import DateGrain
from plugins.forecasting.shared.settings import ForecastingSettings


def cohort_start(settings: ForecastingSettings, day: date) -> date:
    """The first day of the months that count as recent: the day's own month and those before it (X9)."""
    return shifted(day.replace(day=1), DateGrain.MONTH, 1 - settings.cohort_months)


def horizon(day: date) -> date:
    """The last day of the month after the day's (F3, F5)."""
    return last_of(shifted(day.replace(day=1), DateGrain.MONTH, 1), DateGrain.MONTH)
