"""The rules of asset value: what a year nets, and what years are worth together."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


def net(benefit: Decimal, retention_cost: Decimal) -> Decimal:
    """What a year brought beyond the cost of keeping the customer (T13)."""
    return benefit - retention_cost


def asset_value(nets: Sequence[Decimal], discount_percent: Decimal, places: Decimal) -> Decimal:
    """The sum of what years net, each discounted from its end to the start of the first (T13).

    Args:
        nets: of years in a row, the first one first.
        discount_percent: per year; 0 for the plain sum.
        places: to which the sum is rounded, half up.
    """
    factor = 1 + discount_percent / 100
    total = sum((amount / factor**number for number, amount in enumerate(nets, 1)), Decimal())
    return total.quantize(places, ROUND_HALF_UP)
