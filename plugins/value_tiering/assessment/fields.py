"""The fields of assessments: means and score of each, and on a customer those of the latest."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func

from guanxi import Field, Row
from guanxi.sql import Expression, whole
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue
from plugins.value_tiering.settings import AssessmentWeights


class AssessmentParts(NamedTuple):
    """The parts of an assessment: profit criteria, and those whose mean counts."""

    current: Expression
    future: Expression
    behaviour: tuple[Expression, ...]
    influence: tuple[Expression, ...]


def assessment_fields(weights: AssessmentWeights) -> Iterator[Field]:
    """Every field of assessments (T14)."""
    facet = CustomerValue
    for name, column, what in (
        ("currentValueScore", facet.current_score, "Current value"),
        ("futureValueScore", facet.future_score, "Future value"),
        ("creditworthinessScore", facet.creditworthiness, "Creditworthiness (used without a credit score)"),
        ("relationshipScore", facet.relationship, "Relationship with us"),
        ("publicityScore", facet.publicity, "Publicity"),
        ("brandScore", facet.brand, "Brand"),
        ("networkScore", facet.network, "Network"),
        ("informationScore", facet.information, "Information"),
    ):
        yield Field(f"Customer.{name}", column, f"{what} as of the latest assessment, 0 to 100.")
    yield Field("Customer.assessedOn", facet.assessed_on, "Day of the latest assessment of its value.")

    yield Field(
        "Customer.effectiveCreditworthinessScore",
        _creditworthiness,
        "Creditworthiness: its credit score, else as judged, 0 to 100.",
        Decimal,
    )
    yield from _scores("Customer", _of_customer, weights)
    yield from _scores("ValueAssessment", _of_assessment, weights)


def _scores(record: str, parts: Callable[[Row], AssessmentParts], weights: AssessmentWeights) -> Iterator[Field]:
    def behaviour(row: Row) -> Expression:
        return rules.mean(*parts(row).behaviour)

    def influence(row: Row) -> Expression:
        return rules.mean(*parts(row).influence)

    def value(row: Row) -> Expression:
        return rules.value_score(parts(row).current, parts(row).future, behaviour(row), influence(row), weights)

    yield Field(f"{record}.behaviourValue", behaviour, "Mean of creditworthiness and relationship.", Decimal)
    yield Field(f"{record}.influenceValue", influence, "Mean of publicity, brand, network and information.", Decimal)
    yield Field(
        f"{record}.valueScore",
        value,
        "Weighted score of profit and non-profit criteria, 0 to 100; null while a part is missing.",
        Decimal,
    )


def _of_customer(row: Row) -> AssessmentParts:
    value = row.facet(CustomerValue)
    return AssessmentParts(
        value.current_score,
        value.future_score,
        (_creditworthiness(row), value.relationship),
        (value.publicity, value.brand, value.network, value.information),
    )


def _of_assessment(row: Row) -> AssessmentParts:
    return AssessmentParts(
        row.current_value_score,
        row.future_value_score,
        (row.creditworthiness_score, row.relationship_score),
        (row.publicity_score, row.brand_score, row.network_score, row.information_score),
    )


def _creditworthiness(row: Row) -> Expression:
    scored = whole(row.other("Customer.creditScore", Decimal))
    return func.coalesce(scored, whole(row.facet(CustomerValue).creditworthiness))
