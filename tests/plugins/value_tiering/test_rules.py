"""The worked examples of T1, T2, T5 to T9, T11, T14, T16, T18 and T24 as expressions on both engines."""

import pytest
from sqlalchemy import BigInteger, Boolean, String, literal, null, select

from guanxi import create_app, load_settings
from plugins.value_tiering import rules
from plugins.value_tiering.profile.rules import suggested_class
from plugins.value_tiering.revenue.rules import is_top, spending_band
from plugins.value_tiering.settings import AssessmentWeights, Quotas
from plugins.value_tiering.targets.rules import attainment, share_of_wallet


@pytest.fixture(scope="module")
def connection(databases):
    database = create_app(load_settings(database_url=databases.fresh()), []).database
    with database.engine.connect() as connection:
        yield connection
    database.close()


@pytest.fixture
def scalar(connection):
    return lambda expression: connection.scalar(select(expression))


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
def test_t1_boundaries_are_rounded_up(connection, ranked, counts):
    ranks = select(integer(1).label("rank")).cte(recursive=True)
    ranks = ranks.union_all(select(ranks.c.rank + 1).where(ranks.c.rank < ranked))
    tiers = connection.scalars(select(rules.tier_of_rank(ranks.c.rank, integer(ranked), Quotas().boundaries()))).all()
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


def text(value):
    return literal(value, String()) if value is not None else null().cast(String)


@pytest.mark.parametrize(
    ("sales", "total", "share"),
    [
        (200_000, 210_000, 95_24),
        (600_000, 20_000_000, 3_00),
        (300, 200, 150_00),
        (1, 0, None),
        (1, None, None),
        (-50, 100, -50_00),
    ],
)
def test_t9_the_share_of_wallet_is_null_without_a_total(scalar, sales, total, share):
    assert scalar(share_of_wallet(integer(sales), integer(total))) == share


@pytest.mark.parametrize(
    ("kind", "total", "share", "revenue", "attained"),
    [
        ("ABSOLUTE_REVENUE", 21_000_000, None, 15_000_000, 133_33),
        ("ABSOLUTE_REVENUE", None, 20_00, 15_000_000, 133_33),
        ("SHARE_OF_WALLET", 2_000_000_000, 20_00, None, 5_00),
        ("SHARE_OF_WALLET", 2_000_000_000, 20_00, 1, 5_00),
        ("SHARE_OF_WALLET", None, 20_00, 15_000_000, None),
        ("SHARE_OF_WALLET", 0, 20_00, None, None),
    ],
)
def test_t8_attainment_is_by_the_kind_alone(scalar, kind, total, share, revenue, attained):
    found = attainment(
        text(kind),
        sales=integer(20_000_000),
        total=integer(total),
        target_share=integer(share),
        target_revenue=integer(revenue),
    )
    assert scalar(found) == attained


@pytest.mark.parametrize(("rank", "top"), [(1, True), (100, True), (101, False), (None, False)])
def test_t16_rank_100_is_top_and_rank_101_is_not(scalar, rank, top):
    assert bool(scalar(is_top(integer(rank)))) is top


@pytest.mark.parametrize(
    ("total", "revenue", "band"),
    [
        (None, None, None),
        (0, None, "LOW"),
        (199, 5, "LOW"),
        (200, None, "MEDIUM"),
        (None, 999, "MEDIUM"),
        (1000, 5, "HIGH"),
        (5, 1000, "HIGH"),
    ],
)
def test_t24_the_spending_band_is_by_all_purchases_or_by_ours_if_more(scalar, total, revenue, band):
    assert scalar(spending_band(integer(total), integer(revenue), integer(1000), integer(200))) == band


NEVER = {"last_bought": None, "lifecycle": "NEW", "quadrant": None, "open_deals": 0, "lost_deals": 0}


@pytest.mark.parametrize(
    ("given", "suggested"),
    [
        ({"last_bought": "2024-06-14"}, "LOST"),
        ({"last_bought": "2024-06-15"}, None),
        ({"last_bought": "2025-01-01", "quadrant": "LOW_HIGH"}, "GROWTH"),
        ({"last_bought": "2024-06-14", "quadrant": "LOW_HIGH"}, "LOST"),
        ({"last_bought": "2025-01-01", "lifecycle": "LONG_TERM"}, "COOPERATIVE"),
        ({"lost_deals": 1}, "LOST"),
        ({"lost_deals": 1, "open_deals": 1}, "NEW"),
        ({"quadrant": "LOW_HIGH"}, "NEW"),
        ({}, None),
    ],
)
def test_t18_the_class_that_is_suggested(scalar, given, suggested):
    parts = NEVER | given
    found = suggested_class(
        last_bought=text(parts["last_bought"]),
        lost_before=text("2024-06-15"),
        lifecycle=text(parts["lifecycle"]),
        quadrant=text(parts["quadrant"]),
        open_deals=integer(parts["open_deals"]),
        lost_deals=integer(parts["lost_deals"]),
    )
    assert scalar(found) == suggested
