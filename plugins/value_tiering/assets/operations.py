"""Asset value of a customer, and equity, which is that of all customers."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, Money, Reject, UserError, query, sentence
from guanxi.records import Customer
from guanxi.vocabulary import DateGrain
from plugins.value_tiering.assets import rules
from plugins.value_tiering.models import VALUE
from plugins.value_tiering.settings import Benefit
from plugins.value_tiering.years import FIRST_YEAR, LAST_YEAR, days_of, year_of

#: Most years of a period.
_YEARS = 100

FirstYear = Annotated[int, strawberry.argument(description="First fiscal year, by the calendar year it begins in.")]
LastYear = Annotated[int, strawberry.argument(description="Last fiscal year, at most 100 years from the first on.")]
DiscountPercent = Annotated[
    Decimal | None,
    strawberry.argument(
        description="Discount per year in percent, from the end of each year to the start of the first; by default as"
        " set by policy."
    ),
]


@strawberry.type
class AssetYear:
    """What a fiscal year brought."""

    year: int = strawberry.field(description="The year, by the calendar year it begins in.")
    benefit: Money = strawberry.field(description="Revenue, or by policy profit, of the year.")
    retention_cost: Money = strawberry.field(description="What it cost to keep the customers: resources spent on them.")
    net: Money = strawberry.field(description="Benefit minus retention cost.")


@strawberry.type
class AssetValue:
    """What customers are worth as an asset: the sum of what their years brought."""

    benefit: Benefit = strawberry.field(description="What counts as benefit.")
    discount_percent: Decimal = strawberry.field(description="Discount per year in percent.")
    value: Money = strawberry.field(description="Sum of the net amounts, discounted.")
    years: list[AssetYear] = strawberry.field(description="Its years, the first one first.")


@query(permission=VALUE)
def customer_asset_value(
    ctx: Context,
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
    first_year: FirstYear,
    last_year: LastYear,
    discount_percent: DiscountPercent = None,
) -> AssetValue:
    """Values a customer by what it brought in a period beyond what it cost to keep it.

    Rule T13.
    """
    customer = ctx.session.get(Customer, customer_id)
    if customer is None or customer.deleted_at is not None:
        problem = sentence(
            "there is no customer {customer_id!r}; give the id of an existing one", customer_id=customer_id
        )
        raise _refusal("customerId", problem, "NOT_FOUND")
    return _valued(ctx, {"customerId": {"eq": customer_id}}, first_year, last_year, discount_percent)


@query(permission=VALUE)
def customer_equity(
    ctx: Context, first_year: FirstYear, last_year: LastYear, discount_percent: DiscountPercent = None
) -> AssetValue:
    """Values all customers together, that is, as many as the caller may see.

    Rule T13.
    """
    return _valued(ctx, {"customer": {"id": {"isNull": False}}}, first_year, last_year, discount_percent)


def _valued(
    ctx: Context, where: Mapping[str, Any], first: int, last: int, discount_percent: Decimal | None
) -> AssetValue:
    if not FIRST_YEAR <= first <= LAST_YEAR:
        raise _refusal(
            "firstYear",
            sentence(
                "{first} is outside {earliest} to {latest}; give a year between them",
                first=first,
                earliest=FIRST_YEAR,
                latest=LAST_YEAR,
            ),
        )
    if last < first:
        raise _refusal(
            "lastYear",
            sentence("{last} is before firstYear, {first}; give that or a later one", last=last, first=first),
        )
    if last > (latest := min(LAST_YEAR, first + _YEARS - 1)):
        raise _refusal(
            "lastYear",
            sentence("{last} is after {latest}; give at most {most} years", last=last, latest=latest, most=_YEARS),
        )
    discount = ctx.settings.discount_percent if discount_percent is None else discount_percent
    if not 0 <= discount <= 100:
        raise _refusal(
            "discountPercent",
            sentence("{discount} is not between 0 and 100; give a percentage, such as 10", discount=discount),
        )
    sold = _by_year(ctx, "Transaction", "occurredOn", where, first, last, ["actualAmount", "profit"])
    spent = _by_year(ctx, "ResourceUse", "usedOn", where, first, last, ["cost"])
    benefit = "profit" if ctx.settings.benefit is Benefit.PROFIT else "actualAmount"
    zero, currency = Money(Decimal(0), ctx.reporting_currency).amount, ctx.reporting_currency
    years, nets = [], []
    for year in range(first, last + 1):
        brought = (sold.get(year) or {}).get(benefit) or zero
        cost = (spent.get(year) or {}).get("cost") or zero
        nets.append(rules.net(brought, cost))
        years.append(
            AssetYear(
                year=year,
                benefit=Money(brought, currency),
                retention_cost=Money(cost, currency),
                net=Money(nets[-1], currency),
            )
        )
    value = rules.asset_value(nets, discount, zero)
    return AssetValue(
        benefit=ctx.settings.benefit, discount_percent=discount, value=Money(value, currency), years=years
    )


def _by_year(
    ctx: Context, record: str, day: str, where: Mapping[str, Any], first: int, last: int, sums: list[str]
) -> dict[int, Mapping[str, Any]]:
    """Sums of amounts by fiscal year."""
    period = {day: {"gte": days_of(ctx.calendar, first)[0], "lte": days_of(ctx.calendar, last)[1]}}
    found = ctx.groups(record, [{day: DateGrain.YEAR}], {**where, **period}, sum=sums)
    return {year_of(ctx.calendar, date.fromisoformat(group.keys[day])): group.sum for group in found}


def _refusal(field: str, message: str, code: str = "INVALID") -> Reject:
    return Reject(UserError(code, sentence("{field}: {message}", field=field, message=message), (field,)))
