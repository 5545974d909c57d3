"""The worked examples of T1, T2, T5 to T7, T11 and T14 as expressions on both engines."""

import pytest
from sqlalchemy import BigInteger, Boolean, String, literal, null, select

from guanxi import create_app, load_settings
from plugins.value_tiering import rules
from plugins.value_tiering.settings import AssessmentWeights, Quotas


@pytest.fixture(scope="module")
def scalar(databases):
    database = create_app(load_settings(database_url=databases.fresh()), []).database
    with database.engine.connect() as connection:
        yield lambda expression: connection.scalar(select(expression))
    database.close()


def integer(value):
    return literal(value, BigInteger()) if value is not None else null().cast(BigInteger)


@pytest.mark.parametrize(
    ("ranked", "counts"),
    [
        (200, (2, 38, 60, 100)),
        (1000, (10, 190, 300, 500)),
        (150, (2, 28, 45, 75)),
        (10, (1, 1, 3, 5)),
        (7, (1, 1, 2, 3)),
        (2, (1, 0, 0, 1)),
        (1, (1, 0, 0, 0)),
    ],
)
def test_t1_boundaries_are_rounded_up(scalar, ranked, counts):
    tiers = [
        scalar(rules.tier_of_rank(integer(rank), integer(ranked), Quotas().boundaries()))
        for rank in range(1, ranked + 1)
    ]
    assert tuple(tiers.count(tier) for tier in ("IMPORTANT", "MAIN", "ORDINARY", "SMALL")) == counts


@pytest.mark.parametrize(
    ("current", "potential", "quadrant"),
    [
        (200_000, 300_000, "LOW_LOW"),
        (800_000, 300_000, "HIGH_LOW"),
        (200_000, 2_000_000, "LOW_HIGH"),
        (800_000, 2_000_000, "HIGH_HIGH"),
        (500_000, 1_000_000, "HIGH_HIGH"),
        (None, 1_000_000, None),
        (500_000, None, None),
    ],
)
def test_t6_equality_counts_as_high_and_the_unknown_has_no_quadrant(scalar, current, potential, quadrant):
    found = rules.value_quadrant(integer(current), integer(potential), integer(500_000), integer(1_000_000))
    assert scalar(found) == quadrant


def test_t7_the_class_follows_the_quadrant_else_the_tier(scalar):
    assert scalar(rules.account_class(literal("LOW_HIGH"), literal("SMALL"))) == "NAMED"
    assert scalar(rules.account_class(null().cast(String), literal("ORDINARY"))) == "NON_NAMED"


def test_t11_abc_is_a_view_of_the_tiers(scalar):
    tiers = ["IMPORTANT"] + ["MAIN"] + ["ORDINARY"] * 3 + ["SMALL"] * 5
    found = [scalar(rules.abc_of_tier(literal(tier))) for tier in tiers]
    assert [found.count(abc) for abc in ("CLASS_A", "CLASS_B", "CLASS_C")] == [2, 3, 5]


def test_t11_pareto(scalar):
    profits = [500, 300, 60, 40, 30, 25, 20, 15, 7, 3]
    found = [
        scalar(rules.abc_of_share(integer(sum(profits[:place])), integer(sum(profits)), 80, 95))
        for place in range(len(profits))
    ]
    assert [found.count(abc) for abc in ("CLASS_A", "CLASS_B", "CLASS_C")] == [2, 4, 4]


@pytest.mark.parametrize(("values", "middle"), [([], None), ([5], 5), ([1, 4], 3), ([1, 2, 9], 2), ([-3, -2], -2)])
def test_median(values, middle):
    assert rules.median(values) == middle


@pytest.mark.parametrize(
    ("tier", "profit", "cannot", "negative", "potential", "reasons"),
    [
        ("SMALL", 0, None, None, None, ["NO_PROFIT"]),
        ("SMALL", 0, False, False, 999_999, ["NO_PROFIT"]),
        ("ORDINARY", 0, True, True, None, []),
        ("SMALL", 100, None, None, 1_000_000, []),
        ("SMALL", 0, True, True, 1_000_000, []),
        ("SMALL", 100, True, True, None, ["CANNOT_PERFORM_CONTRACT", "NEGATIVE_INFLUENCE"]),
        ("SMALL", None, None, None, None, []),
        (None, 0, True, None, None, []),
    ],
)
def test_t5_only_small_customers_without_high_potential_are_abandoned(
    scalar, tier, profit, cannot, negative, potential, reasons
):
    found = rules.abandonment_reasons(
        tier=literal(tier, String()),
        profit=integer(profit),
        cannot_perform_contract=literal(cannot, Boolean()),
        negative_influence=literal(negative, Boolean()),
        potential=integer(potential),
        high_potential=integer(1_000_000),
    )
    assert [reason for reason, holds in found.items() if scalar(holds)] == reasons


@pytest.mark.parametrize(
    ("tier", "is_low_credit", "kind"),
    [
        ("SMALL", True, "LOW_CREDIT"),
        ("SMALL", False, "LOW_PROFIT"),
        ("SMALL", None, "LOW_PROFIT"),
        ("MAIN", True, None),
        (None, True, None),
    ],
)
def test_t5_low_credit_makes_a_small_customer_inferior(scalar, tier, is_low_credit, kind):
    assert scalar(rules.small_kind(literal(tier, String()), literal(is_low_credit, Boolean()))) == kind


def test_t14_the_assessment_weighs_profit_and_non_profit_criteria(scalar):
    behaviour = rules.mean(integer(7000), integer(9000))
    influence = rules.mean(integer(4000), integer(6000), integer(5000), integer(5000))
    weights = AssessmentWeights()
    assert scalar(behaviour) == 8000 and scalar(influence) == 5000
    assert scalar(rules.value_score(integer(8000), integer(6000), behaviour, influence, weights)) == 6950
    assert scalar(rules.mean(integer(7000), integer(None))) is None
