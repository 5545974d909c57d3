"""Value tiering in plain Python, from the page that documents it: measures, ranks, tiers, classes, history (T1, T6, T7, T11)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.oracle.records import REPORTING, Money, Records, Row
from tests.oracle.rules import HUNDREDTH

#: Shares of customers, in percent, at which the tiers end.
_ENDS = {"IMPORTANT": 1, "MAIN": 20, "ORDINARY": 50, "SMALL": 100}
_CLASS_OF_TIER = {"IMPORTANT": "MAJOR", "MAIN": "NAMED", "ORDINARY": "NON_NAMED", "SMALL": "MASS_MARKET"}
_CLASS_OF_QUADRANT = {"HIGH_HIGH": "MAJOR", "LOW_HIGH": "NAMED", "HIGH_LOW": "NON_NAMED", "LOW_LOW": "MASS_MARKET"}
_ABC = {"IMPORTANT": "CLASS_A", "MAIN": "CLASS_A", "ORDINARY": "CLASS_B", "SMALL": "CLASS_C"}

#: Number of values below which their median decides nothing.
_FEW = 5

#: What no customer has before the first recompute.
UNRANKED: dict[str, Any] = dict.fromkeys(
    [
        "valueTier",
        "valueTierSince",
        "valueTierSource",
        "rankedValueTier",
        "valueRank",
        "valueTierOverrideReason",
        "valueTierOverrideBy",
        "valueTierOverrideAt",
        "valueTierOverrideUntil",
    ]
)


#: What the plugin adds that is worked out here: a record, and fields of customers.
KNOWN = {
    "TierChange",
    "tierChanges",
    "tierChangesAggregate",
    *UNRANKED,
    *("lifetimeRevenue", "lifetimeProfit", "lifetimeUsage", "currentValue", "potentialValue"),
    *("valueQuadrant", "accountClass", "abcClass", "isKeyCustomer"),
}


def measure(records: Records) -> None:
    """Fills in what customers brought."""
    for row in records.lists["Customer"]:
        sales = [sale for sale in records.below(row, "transactions") if sale.is_living]
        used = [sale["quantity"] for sale in sales if sale["quantity"] is not None]
        profit = _sum([sale["profit"] for sale in sales])
        row.values |= UNRANKED | {
            "lifetimeRevenue": _sum([sale["actualAmount"] for sale in sales]),
            "lifetimeProfit": profit,
            "lifetimeUsage": sum(used, Decimal(0)) if used else None,
            "currentValue": profit,
        }


def _sum(amounts: Sequence[Money | None]) -> Money | None:
    known = [money.reporting for money in amounts if money is not None]
    total = sum(known, Decimal("0.00"))
    return Money(total, REPORTING, total) if known else None


def rank(records: Records) -> list[Row]:
    """Gives every living customer with data its rank and the rank's tier; answers them in the order of rank."""

    def place(row: Row) -> tuple[Any, ...]:
        potential = row["potentialValue"]
        return -row["lifetimeProfit"].amount, potential is None, -potential.reporting if potential else 0, row["id"]

    ranked = sorted((row for row in _population(records) if row["lifetimeProfit"] is not None), key=place)
    for number, row in enumerate(ranked, 1):
        tier = next(tier for tier, end in _ENDS.items() if number * 100 <= _rounded_up(len(ranked) * end))
        row.values |= {"valueRank": number, "rankedValueTier": tier, "valueTier": tier}
    return ranked


def _population(records: Records) -> list[Row]:
    return [row for row in records.lists["Customer"] if row.is_living and row["status"] != "FORMER"]


def _rounded_up(hundredths: int) -> int:
    return -(-hundredths // 100) * 100


def classify(records: Records) -> None:
    """Gives all customers the classes that follow from tier and values."""
    current = _median([row["lifetimeProfit"] for row in _population(records)])
    potential = _median([row["potentialValue"] for row in _population(records)])
    for row in records.lists["Customer"]:
        tier = row["valueTier"]
        quadrant = None
        brought = (
            Decimal(0) if row["lifetimeRevenue"] is None else row["lifetimeProfit"] and row["lifetimeProfit"].reporting
        )
        if None not in (brought, row["potentialValue"], current, potential):
            high = brought >= current, row["potentialValue"].reporting >= potential
            quadrant = "_".join("HIGH" if is_high else "LOW" for is_high in high)
        row.values |= {
            "valueQuadrant": quadrant,
            "accountClass": _CLASS_OF_QUADRANT.get(quadrant or "", _CLASS_OF_TIER.get(tier or "")),
            "abcClass": _ABC.get(tier or ""),
            "isKeyCustomer": None if tier is None else tier in ("IMPORTANT", "MAIN"),
        }


def _median(amounts: Sequence[Money | None]) -> Decimal | None:
    known = sorted(money.reporting for money in amounts if money is not None)
    if len(known) < _FEW:
        return None
    middle = len(known) // 2
    if len(known) % 2:
        return known[middle]
    return ((known[middle - 1] + known[middle]) / 2).quantize(HUNDREDTH, ROUND_HALF_UP)
