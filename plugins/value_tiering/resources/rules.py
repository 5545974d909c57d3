"""The rules of resources: what is planned for a class and for each of its customers, and shares."""

from decimal import ROUND_HALF_UP, Decimal

_HUNDREDTH = Decimal("0.01")


def rounded(quantity: Decimal) -> Decimal:
    """A quantity with two places."""
    return quantity.quantize(_HUNDREDTH, ROUND_HALF_UP)


def planned(budget: Decimal, share: Decimal) -> Decimal:
    """What a class gets of a budget by its share in percent (T10), with two places."""
    return rounded(budget * share / 100)


def each(quantity: Decimal, customers: int) -> Decimal | None:
    """What each of so many customers gets, with two places (T10); None without customers."""
    return None if not customers else rounded(quantity / customers)


def planned_limit(used: int, share: Decimal, customers: int) -> int:
    """The most that a customer of a class may have used without getting more than its planned share (T6, T10).

    Args:
        used: what all customers used, in any small unit, which the limit is in as well.
        share: of the class, in percent.
        customers: how many are in the class; at least one.
    """
    return int(used * share / 100 // customers)
