"""A win probability model: weights of properties, from which a score and its reasons are computed.

Scoring needs no library: the weights are kept as numbers, and a prediction is a sum of them. What was not seen in
training, or is unknown, gets no weight.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from guanxi import Money
from plugins.forecasting.shared.rules import rounded

_REASONS = 3
_WORTH_TELLING = 0.05


@dataclass(frozen=True, slots=True)
class Properties:
    """The known properties of an opportunity at one moment.

    Attributes:
        numbers: by name; None if unknown.
        choices: likewise.
    """

    numbers: Mapping[str, float | None]
    choices: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class NumberProperty:
    """The weight of a number per standard deviation above the mean."""

    mean: float
    deviation: float
    weight: float


@dataclass(frozen=True, slots=True)
class Definition:
    """A trained model. Weights are of log-odds, those of choices relative to the usual."""

    intercept: float
    numbers: Mapping[str, NumberProperty]
    choices: Mapping[str, Mapping[str, float]]

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "intercept": self.intercept,
            "numbers": {name: [one.mean, one.deviation, one.weight] for name, one in self.numbers.items()},
            "choices": {name: dict(weights) for name, weights in self.choices.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Definition":
        """As it was stored."""
        numbers = {name: NumberProperty(*parts) for name, parts in stored["numbers"].items()}
        return cls(stored["intercept"], numbers, stored["choices"])

    def contributions(self, properties: Properties) -> dict[str, float]:
        """What each known property adds to the log-odds, by name."""
        found = {}
        for name, number in self.numbers.items():
            value = properties.numbers.get(name)
            if value is not None:
                found[name] = (value - number.mean) / number.deviation * number.weight
        for name, weights in self.choices.items():
            choice = properties.choices.get(name)
            if choice is not None:
                found[name] = weights.get(choice, 0.0)
        return found

    def probability(self, properties: Properties) -> float:
        """The predicted win probability, from 0 to 1."""
        return 1 / (1 + math.exp(-self.intercept - sum(self.contributions(properties).values())))


#: The number that is kept as a logarithm, so that ten times as much weighs the same everywhere.
LOGARITHM = "amount"


@dataclass(frozen=True, slots=True)
class Score:
    """A prediction: percent in whole points, so that it is stable from day to day, and what moves it most."""

    probability: Decimal
    reasons: Sequence[str]


def score(definition: Definition, properties: Properties, currency: str) -> Score:
    """Predicts one opportunity; amounts are in a currency."""
    told = sorted(definition.contributions(properties).items(), key=lambda one: (-abs(one[1]), one[0]))
    reasons = [
        f"{weight:+.2f} {name} is {_shown(name, properties, currency)}"
        for name, weight in told[:_REASONS]
        if abs(weight) >= _WORTH_TELLING
    ]
    percent = rounded(Decimal(definition.probability(properties)) * 100, 0)
    return Score(percent.quantize(Decimal("0.01")), reasons)


def _shown(name: str, properties: Properties, currency: str) -> str:
    """A known property in words."""
    value = properties.numbers.get(name)
    if value is None:
        return str(properties.choices[name])
    return str(Money.from_minor(round(10**value), currency)) if name == LOGARITHM else f"{value:.0f}"


# How good predictions are


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Predictions with actual results: probability, won or not, and weight of each."""

    predicted: Sequence[float]
    won: Sequence[bool]
    weights: Sequence[float]

    def brier(self) -> float:
        """The weighted mean squared error; 0 is perfect, and always predicting 50 percent gives 0.25."""
        squares = (
            weight * (prediction - won) ** 2
            for prediction, won, weight in zip(self.predicted, self.won, self.weights, strict=True)
        )
        return sum(squares) / sum(self.weights)

    def auc(self) -> float | None:
        """The chance that a won one has a higher prediction than a lost one; None if all ended alike."""
        order = sorted(zip(self.predicted, self.won, self.weights, strict=True), key=lambda one: one[0])
        lost_below = won_total = area = 0.0
        for _, tied in groupby(order, key=lambda one: one[0]):
            won = lost = 0.0
            for _, is_won, weight in tied:
                won, lost = (won + weight, lost) if is_won else (won, lost + weight)
            area += won * (lost_below + lost / 2)
            won_total, lost_below = won_total + won, lost_below + lost
        return area / (won_total * lost_below) if won_total and lost_below else None

    def bands(self, width: int = 10) -> list["Band"]:
        """The calibration table, without empty bands."""
        found = []
        for lower in range(0, 100, width):
            upper = lower + width
            inside = [
                (prediction, won, weight)
                for prediction, won, weight in zip(self.predicted, self.won, self.weights, strict=True)
                if lower <= prediction * 100 < upper or (upper == 100 and prediction >= 1)
            ]
            total = sum(weight for _, _, weight in inside)
            if total:
                predicted = sum(prediction * weight for prediction, _, weight in inside) / total
                observed = sum(weight for _, won, weight in inside if won) / total
                found.append(Band(lower, upper, total, predicted, observed))
        return found


@dataclass(frozen=True, slots=True)
class Band:
    """Predictions between two percentages: how many opportunities, their mean, and the share that was won."""

    lower: int
    upper: int
    weight: float
    predicted: float
    observed: float
