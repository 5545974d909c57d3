"""Forecasts real series again, period by period, and compares SEASONAL with the same period of last year.

    pip install 'guanxi[seasonal]' sktime
    python -m bench.seasonal_backtest

The series come with statsmodels and sktime. Each of the last 48 periods is forecast from all before it, one and two
periods ahead: the next forecast made at the end of a period, and within one. Prints the table of docs/forecasting.md.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from plugins.forecasting.outlook.smoothing import smoothed
from plugins.forecasting.shared.rules import forecast_error, moving_average

PERIODS, YEARS = 48, 3


def series() -> Iterator[tuple[str, int, list[Decimal]]]:
    """Name, periods a year, and values of each series."""
    from sktime.datasets import load_airline, load_PBS_dataset
    from statsmodels.datasets import elec_equip, elnino

    def exact(values: object) -> list[Decimal]:
        return [Decimal(str(value)) for value in values]  # type: ignore[attr-defined]

    airline = exact(load_airline())
    yield "airline passengers, 1949 to 1960 (sktime)", 12, airline
    yield "the same by quarter", 4, [sum(airline[n : n + 3], Decimal(0)) for n in range(0, len(airline), 3)]
    yield "turnover of electrical equipment, 1995 to 2016 (statsmodels)", 12, exact(elec_equip.load().data.iloc[:, 0])
    rows = elnino.load_pandas().data.to_numpy()[:, 1:]
    yield "sea temperature, 1950 to 2010 (statsmodels)", 12, exact(value for row in rows for value in row)
    yield "a rare medicine, 0 to 3 a month, 1991 to 2008 (sktime)", 12, exact(load_PBS_dataset())


def percent(said: Sequence[Fraction], actual: Sequence[Decimal]) -> str:
    error = forecast_error(said, actual)
    return "unknown" if error is None else f"{error:.1f} %"


def main() -> None:
    print("| series | ahead | same period of last year | mean of three | SEASONAL |")
    print("|---|--:|--:|--:|--:|")
    for name, season, values in series():
        for ahead in (1, 2):
            ends = range(max(YEARS * season, len(values) - ahead + 1 - PERIODS), len(values) - ahead + 1)
            actual = [values[end + ahead - 1] for end in ends]
            naive = [Fraction(values[end + ahead - 1 - season]) for end in ends]
            mean = [moving_average(values[:end], 3) or Fraction(0) for end in ends]
            curve = [smoothed(values[:end], season, ahead) or Fraction(0) for end in ends]
            shown = " | ".join(percent(said, actual) for said in (naive, mean, curve))
            print(f"| {name} | {ahead} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
