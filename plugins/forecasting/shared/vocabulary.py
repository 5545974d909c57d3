"""The vocabularies of forecasting, each value with its meaning."""

from guanxi import Vocabulary


class ForecastCategory(Vocabulary):
    """How surely an opportunity is counted on. By win probability, or as its owner says."""

    PIPELINE = "PIPELINE", "Open, not counted on yet."
    BEST_CASE = "BEST_CASE", "Comes if all goes well."
    COMMIT = "COMMIT", "Its owner answers for it."
    CLOSED = "CLOSED", "Won."
    OMITTED = "OMITTED", "Not counted: lost, or left out by its owner."


# O1
class ProbabilitySource(Vocabulary):
    """Where a win probability comes from, the first that is there: outcome, override, model, stage."""

    OUTCOME = "OUTCOME", "It is decided: 100 when won, 0 when lost."
    OVERRIDE = "OVERRIDE", "Set by hand; 0 is a value."
    MODEL = "MODEL", "Predicted by the model in use."
    STAGE = "STAGE", "The preset of its stage."


# O7
class InvalidReason(Vocabulary):
    """What an opportunity lacks to be valid. What is not known is lacking."""

    NO_NEED = "NO_NEED", "It is not known what the customer wants."
    NO_KEY_PERSON = "NO_KEY_PERSON", "None of its contacts is the decision maker."
    NO_BUDGET = "NO_BUDGET", "The customer has no budget."
    PRICE_NOT_ACCEPTED = "PRICE_NOT_ACCEPTED", "The customer does not accept the price."
    VALUE_NOT_RECOGNISED = "VALUE_NOT_RECOGNISED", "The customer does not recognise the value."


# X27
class ForecastMethod(Vocabulary):
    """How the next period is forecast."""

    FORMULA = "FORMULA", "Valid open amount by last period's conversion rate and achievement rate."
    STAGE_WEIGHTED = "STAGE_WEIGHTED", "Open amount, each opportunity by its win probability."
    TREND = "TREND", "Mean of what was won in the last closed periods."


# F4 to F11, G11
class SalesMetric(Vocabulary):
    """What can be measured by period and group."""

    NEW_COUNT = "NEW_COUNT", "Opportunities that arose in the period."
    NEW_AMOUNT = "NEW_AMOUNT", "Their expected amount."
    WON_COUNT = "WON_COUNT", "Opportunities won in the period."
    WON_AMOUNT = "WON_AMOUNT", "Their expected amount."
    LOST_COUNT = "LOST_COUNT", "Opportunities lost in the period."
    LOST_AMOUNT = "LOST_AMOUNT", "Their expected amount."
    WIN_RATE = "WIN_RATE", "Won in percent of won and lost in the period."
    AVERAGE_WON_AMOUNT = "AVERAGE_WON_AMOUNT", "Expected amount of a won opportunity, on average."
    SALES_CYCLE_DAYS = "SALES_CYCLE_DAYS", "Days from arising to winning, on average."
    REVENUE = "REVENUE", "Discounted actual amount of transactions that came of opportunities."
    CONTRIBUTION = "CONTRIBUTION", "Revenue from new customers in the month after the win."
    ACHIEVEMENT = "ACHIEVEMENT", "Contribution in percent of the amount won in the period before."
    OPEN_COUNT = "OPEN_COUNT", "Opportunities open at the end of the period."
    OPEN_AMOUNT = "OPEN_AMOUNT", "Their expected amount."
    WEIGHTED_AMOUNT = "WEIGHTED_AMOUNT", "The same, each by its win probability."
    VALID_COUNT = "VALID_COUNT", "Valid opportunities open at the end of the period."
    VALID_AMOUNT = "VALID_AMOUNT", "Their expected amount."
    FRESH_COUNT = "FRESH_COUNT", "Fresh opportunities at the end of the period."
    CONVERSION_BY_AMOUNT = "CONVERSION_BY_AMOUNT", "Won amount of the cohort at the end of the period in percent."
    CONVERSION_BY_COUNT = "CONVERSION_BY_COUNT", "Won number of the cohort at the end of the period in percent."


class MetricUnit(Vocabulary):
    """In what a metric is measured."""

    MONEY = "MONEY", "The reporting currency."
    COUNT = "COUNT", "A number of opportunities."
    PERCENT = "PERCENT", "Percent."
    DAYS = "DAYS", "Calendar days."


class FactorName(Vocabulary):
    """What a forecast is made of."""

    VALID_AMOUNT = "VALID_AMOUNT", "Expected amount of the opportunities the formula counts."
    VALID_COUNT = "VALID_COUNT", "Their number."
    CONVERSION_BY_AMOUNT = "CONVERSION_BY_AMOUNT", "Won amount of the last period's cohort in percent."
    CONVERSION_BY_COUNT = "CONVERSION_BY_COUNT", "Won number of that cohort in percent."
    ACHIEVEMENT = "ACHIEVEMENT", "Revenue of the wins before in percent of their expected amount."
    WEIGHTED_AMOUNT = "WEIGHTED_AMOUNT", "Expected amount by win probability."
    WEIGHTED_COUNT = "WEIGHTED_COUNT", "Sum of the win probabilities."
    WON_AMOUNT = "WON_AMOUNT", "Expected amount of what was won in the period."
    WON_COUNT = "WON_COUNT", "Number of what was won in the period."


class BridgeStep(Vocabulary):
    """What leads from one pipeline to a later one."""

    NEW = "NEW", "Was not there before."
    REOPENED = "REOPENED", "Was decided and is open again."
    PULLED_IN = "PULLED_IN", "Was expected to close later, or had no date."
    INCREASED = "INCREASED", "Its amount grew."
    DECREASED = "DECREASED", "Its amount shrank."
    PUSHED_OUT = "PUSHED_OUT", "Is expected to close later, or has no date any more."
    WON = "WON", "Was won, with the amount it was won for."
    LOST = "LOST", "Was lost, with the amount it had."
    REMOVED = "REMOVED", "Was deleted."


class SnapshotKind(Vocabulary):
    """How a snapshot came about."""

    SCHEDULED = "SCHEDULED", "Taken by the job."
    BY_HAND = "BY_HAND", "Taken by somebody."


class ModelStatus(Vocabulary):
    """What became of a model."""

    IN_USE = "IN_USE", "Its predictions are win probabilities."
    RETIRED = "RETIRED", "A later one took its place."
    REFUSED = "REFUSED", "Not good enough to be used; the reason says why."
