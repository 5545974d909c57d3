"""Training a win probability model on this CRM's own decided opportunities, and evaluating it honestly.

The latest decided ones are held out: the model is evaluated on them, against the win rate so far and
against the presets of the stages. Only one that is better than both is used; it is then trained on all. The library is
the optional extra `forecasting`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.win_model.examples import Decided, Look
from plugins.forecasting.win_model.model import Definition, NumberProperty, Outcomes, Properties

#: A choice that fewer opportunities have gets no weight.
_LEAST_OF_A_CHOICE = 10
#: A number that varies less is the same everywhere.
_LEAST_DEVIATION = 1e-9
EXTRA = "guanxi[forecasting]"


def is_installed() -> bool:
    """Whether the library is installed."""
    return find_spec("sklearn") is not None


def algorithm() -> str:
    """The kind of model, with the library's version."""
    return f"logistic regression, scikit-learn {version('scikit-learn')}"


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training.

    Attributes:
        decided, won, judged_on: opportunities learned from, won ones among them, and those held out.
        refusal: why the model is not used; None if it is.
        definition: the model; None if there were too few to train one.
        model, baseline, stages: predictions for those held out: its own, the win rate so far, the stages' presets.
    """

    decided: int
    won: int
    judged_on: int = 0
    refusal: str | None = None
    definition: Definition | None = None
    model: Outcomes | None = None
    baseline: Outcomes | None = None
    stages: Outcomes | None = None


def train(history: Sequence[Decided], settings: ForecastingSettings) -> Trained:
    """Trains and evaluates a model.

    Args:
        history: decided opportunities by the day of their decision.
        settings: how many there must be, and how many are held out.
    """
    won = sum(one.won for one in history)
    too_few = _too_few(len(history), won, settings)
    if too_few:
        return Trained(len(history), won, refusal=too_few)
    aside = len(history) * settings.model_holdout_percent // 100
    seen, unseen = history[:-aside], history[-aside:]
    if not 0 < sum(one.won for one in seen) < len(seen):
        return Trained(len(history), won, refusal="all that were decided before those held out ended alike")
    share = sum(one.won for one in seen) / len(seen)
    candidate = fit(seen)
    model = _held_against(unseen, lambda look: candidate.probability(look.properties))
    baseline = _held_against(unseen, lambda look: share)
    stages = _held_against(unseen, lambda look: share if look.preset is None else look.preset)
    return Trained(
        len(history), won, aside, _not_better(model, baseline, stages), fit(history), model, baseline, stages
    )


def _too_few(decided: int, won: int, settings: ForecastingSettings) -> str | None:
    least, each = settings.model_minimum_closed, settings.model_minimum_of_each
    if decided < least:
        return f"{decided} decided opportunities are too few to train on; there must be at least {least}"
    if min(won, decided - won) < each:
        return f"{won} won and {decided - won} lost are too few to train on; there must be at least {each} of each"
    return None


def _held_against(history: Sequence[Decided], predict: Callable[[Look], float]) -> Outcomes:
    """Predictions for every observation of these opportunities, each opportunity weighted equally."""
    looks = [(look, one.won, 1 / len(one.looks)) for one in history for look in one.looks]
    return Outcomes(
        [predict(look) for look, _, _ in looks], [won for _, won, _ in looks], [weight for _, _, weight in looks]
    )


def _not_better(model: Outcomes, baseline: Outcomes, stages: Outcomes) -> str | None:
    own = model.brier()
    for name, other in (("the win rate so far", baseline.brier()), ("the stages' presets", stages.brier())):
        if own >= other:
            return f"it predicts no better than {name}: its error is {own:.4f}, theirs {other:.4f}"
    return None


# Fitting


def fit(history: Sequence[Decided]) -> Definition:
    """Fits a model to all observations of these opportunities, each opportunity weighted equally."""
    from sklearn.linear_model import LogisticRegression

    looks = [(look.properties, one.won, 1 / len(one.looks)) for one in history for look in one.looks]
    weights = [weight for _, _, weight in looks]
    numbers = _scales([(properties, weight) for properties, _, weight in looks])
    choices = _choices(history)
    rows = [_row(properties, numbers, choices) for properties, _, _ in looks]
    regression = LogisticRegression(max_iter=1000).fit(rows, [won for _, won, _ in looks], sample_weight=weights)
    return _definition(regression, numbers, choices, rows, weights)


def _scales(looks: Sequence[tuple[Properties, float]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each number that varies."""
    known: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for properties, weight in looks:
        for name, value in properties.numbers.items():
            if value is not None:
                known[name].append((value, weight))
    found = {}
    for name, values in sorted(known.items()):
        total = sum(weight for _, weight in values)
        mean = sum(value * weight for value, weight in values) / total
        deviation = math.sqrt(sum((value - mean) ** 2 * weight for value, weight in values) / total)
        if deviation > _LEAST_DEVIATION:
            found[name] = mean, deviation
    return found


def _choices(history: Sequence[Decided]) -> list[tuple[str, str]]:
    """The choices that enough opportunities have had."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for one in history:
        had = {(name, choice) for look in one.looks for name, choice in look.properties.choices.items() if choice}
        for pair in had:
            counts[pair] += 1
    return sorted(pair for pair, count in counts.items() if count >= _LEAST_OF_A_CHOICE)


def _row(
    properties: Properties, numbers: dict[str, tuple[float, float]], choices: Sequence[tuple[str, str]]
) -> list[float]:
    scaled = []
    for name, (mean, deviation) in numbers.items():
        value = properties.numbers.get(name)
        scaled.append(0.0 if value is None else (value - mean) / deviation)
    return scaled + [float(properties.choices.get(name) == choice) for name, choice in choices]


def _definition(
    regression: Any,
    numbers: dict[str, tuple[float, float]],
    choices: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[float]],
    weights: Sequence[float],
) -> Definition:
    """Returns the weights of a fitted regression, those of choices relative to the usual."""
    fitted = [float(weight) for weight in regression.coef_[0]]
    intercept, total = float(regression.intercept_[0]), sum(weights)
    told: dict[str, dict[str, float]] = defaultdict(dict)
    usual: dict[str, float] = defaultdict(float)
    for place, (name, choice) in enumerate(choices, len(numbers)):
        told[name][choice] = fitted[place]
        share = sum(row[place] * weight for row, weight in zip(rows, weights, strict=True)) / total
        usual[name] += fitted[place] * share
    return Definition(
        intercept + sum(usual.values()),
        {
            name: NumberProperty(mean, deviation, fitted[place])
            for place, (name, (mean, deviation)) in enumerate(numbers.items())
        },
        {name: {choice: weight - usual[name] for choice, weight in of.items()} for name, of in told.items()},
    )
