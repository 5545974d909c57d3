"""The vocabularies of forecasting, each value with its meaning."""

from guanxi import Vocabulary


class ForecastCategory(Vocabulary):
    """Forecast category of an opportunity: as its owner says, else by win probability."""

    PIPELINE = "PIPELINE", "Open, without any commitment yet."
    BEST_CASE = "BEST_CASE", "Will be won if all goes well."
    COMMIT = "COMMIT", "Its owner commits to winning it."
    CLOSED = "CLOSED", "Won."
    OMITTED = "OMITTED", "Not counted: lost, or omitted by its owner."


# O1
class ProbabilitySource(Vocabulary):
    """Source of a win probability: the first available of outcome, override, model and stage."""

    OUTCOME = "OUTCOME", "It is decided: 100 when won, 0 when lost."
    OVERRIDE = "OVERRIDE", "Set by hand; 0 is a valid value."
    MODEL = "MODEL", "Predicted by the model in use."
    STAGE = "STAGE", "The preset of its stage."


# O7
class InvalidReason(Vocabulary):
    """What an opportunity lacks to be valid. What is unknown counts as missing."""

    NO_NEED = "NO_NEED", "The need of the customer is unknown."
    NO_KEY_PERSON = "NO_KEY_PERSON", "None of its contacts is the decision maker."
    NO_BUDGET = "NO_BUDGET", "The customer has no budget."
    PRICE_NOT_ACCEPTED = "PRICE_NOT_ACCEPTED", "The customer does not accept the price."
    VALUE_NOT_RECOGNISED = "VALUE_NOT_RECOGNISED", "The customer does not recognise the value."


# X27
class ForecastMethod(Vocabulary):
    """Method of forecasting the next period."""

    FORMULA = "FORMULA", "Valid open amount times last period's conversion rate and achievement rate."
    STAGE_WEIGHTED = "STAGE_WEIGHTED", "Open amount weighted by win probability."
    TREND = "TREND", "Mean of the amounts won in the last closed periods."
    SEASONAL = "SEASONAL", "Level, trend and season of all that was won before, by Holt-Winters smoothing."


# F4 to F11, G11
class SalesMetric(Vocabulary):
    """Metric that is measured by period and group."""

    NEW_COUNT = "NEW_COUNT", "Number of opportunities that originated in the period."
    NEW_AMOUNT = "NEW_AMOUNT", "Their expected amount."
    WON_COUNT = "WON_COUNT", "Number of opportunities won in the period."
    WON_AMOUNT = "WON_AMOUNT", "Their expected amount."
    LOST_COUNT = "LOST_COUNT", "Number of opportunities lost in the period."
    LOST_AMOUNT = "LOST_AMOUNT", "Their expected amount."
    WIN_RATE = "WIN_RATE", "Win rate: won in percent of won and lost in the period."
    AVERAGE_WON_AMOUNT = "AVERAGE_WON_AMOUNT", "Average expected amount of a won opportunity."
    SALES_CYCLE_DAYS = "SALES_CYCLE_DAYS", "Average days from origin to win."
    REVENUE = "REVENUE", "Discounted actual amount of transactions that came from opportunities."
    CONTRIBUTION = "CONTRIBUTION", "Revenue from new customers in the month after the win."
    ACHIEVEMENT = "ACHIEVEMENT", "Contribution in percent of the amount won in the previous period."
    OPEN_COUNT = "OPEN_COUNT", "Number of opportunities open at the end of the period."
    OPEN_AMOUNT = "OPEN_AMOUNT", "Their expected amount."
    WEIGHTED_AMOUNT = "WEIGHTED_AMOUNT", "Their expected amount weighted by win probability."
    VALID_COUNT = "VALID_COUNT", "Number of valid opportunities open at the end of the period."
    VALID_AMOUNT = "VALID_AMOUNT", "Their expected amount."
    FRESH_COUNT = "FRESH_COUNT", "Number of fresh opportunities at the end of the period."
    CONVERSION_BY_AMOUNT = "CONVERSION_BY_AMOUNT", "Won amount of the cohort at the end of the period in percent."
    CONVERSION_BY_COUNT = "CONVERSION_BY_COUNT", "Won number of the cohort at the end of the period in percent."


class MetricUnit(Vocabulary):
    """Unit of a metric."""

    MONEY = "MONEY", "The reporting currency."
    COUNT = "COUNT", "A number of opportunities."
    PERCENT = "PERCENT", "Percent."
    DAYS = "DAYS", "Calendar days."


class FactorName(Vocabulary):
    """Factor of a forecast."""

    VALID_AMOUNT = "VALID_AMOUNT", "Expected amount of the opportunities the formula counts."
    VALID_COUNT = "VALID_COUNT", "Their number."
    CONVERSION_BY_AMOUNT = "CONVERSION_BY_AMOUNT", "Won amount of the last period's cohort in percent."
    CONVERSION_BY_COUNT = "CONVERSION_BY_COUNT", "Won number of that cohort in percent."
    ACHIEVEMENT = "ACHIEVEMENT", "Revenue from the previous wins in percent of their expected amount."
    WEIGHTED_AMOUNT = "WEIGHTED_AMOUNT", "Expected amount weighted by win probability."
    WEIGHTED_COUNT = "WEIGHTED_COUNT", "Sum of the win probabilities."
    WON_AMOUNT = "WON_AMOUNT", "Expected amount of opportunities won in the period."
    WON_COUNT = "WON_COUNT", "Number of opportunities won in the period."
    HISTORY = "HISTORY", "Closed periods on record, of those that are needed; null if they are too few."
    LAST_YEAR_AMOUNT = "LAST_YEAR_AMOUNT", "Amount won in the same period of last year."
    LAST_YEAR_COUNT = "LAST_YEAR_COUNT", "Number won in the same period of last year."


class AccuracyGap(Vocabulary):
    """Why the accuracy of a method is unknown."""

    NO_PAST = "NO_PAST", "Nothing was on record yet before any of the periods."
    NO_FORECAST = "NO_FORECAST", "The method has no result for any of the periods."
    NOTHING_WON = "NOTHING_WON", "Nothing was won in the periods, so that there is nothing to be in percent of."


class CoverageGap(Vocabulary):
    """Why coverage is null."""

    NO_TARGET = "NO_TARGET", "There is no target for the period."
    NOTHING_MISSING = "NOTHING_MISSING", "The target is reached."
    PERIOD_OVER = "PERIOD_OVER", "The period is over."
    OTHER_METRIC = "OTHER_METRIC", "The target is for a metric that a pipeline does not cover."


class BridgeStep(Vocabulary):
    """Step from one pipeline to a later one."""

    NEW = "NEW", "Did not exist before."
    REOPENED = "REOPENED", "Was decided and is open again."
    PULLED_IN = "PULLED_IN", "Was expected to close later, or had no date."
    INCREASED = "INCREASED", "Its amount grew."
    DECREASED = "DECREASED", "Its amount shrank."
    PUSHED_OUT = "PUSHED_OUT", "Is expected to close later, or no longer has a date."
    WON = "WON", "Was won, with the amount it was won for."
    LOST = "LOST", "Was lost, with the amount it had."
    REMOVED = "REMOVED", "Was deleted."


class SnapshotKind(Vocabulary):
    """How a snapshot was taken."""

    SCHEDULED = "SCHEDULED", "Taken by the job."
    BY_HAND = "BY_HAND", "Taken by a user."


class ModelStatus(Vocabulary):
    """Status of a model."""

    IN_USE = "IN_USE", "Its predictions are win probabilities."
    RETIRED = "RETIRED", "Replaced by a later one."
    REFUSED = "REFUSED", "Not good enough to be used; the reason says why."
