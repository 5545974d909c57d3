"""The worked examples of T1, T2, T6, T7 and T11 as expressions on both engines."""

import pytest
from sqlalchemy import BigInteger, String, literal, null, select

from guanxi import create_app, load_settings
from plugins.value_tiering import rules
from plugins.value_tiering.settings import Quotas


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
