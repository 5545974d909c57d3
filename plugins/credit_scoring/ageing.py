"""The ageing report as of any day: buckets in total and per customer, per currency, and days sales outstanding (C4)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, InputError, Money, Ref, query, sentence
from guanxi.records import Customer
from plugins.credit_scoring import rules
from plugins.credit_scoring.models import CREDIT, AgeingBucket

_MOST_CUSTOMERS = 100
_MOST_DAYS = 3650
_SUMS = "count sum { outstanding { total { amount } perCurrency { amount currency } } }"
_TOTALS = f"""query ($owed: ReceivableWhere!, $sold: ReceivableWhere!) {{
  owed: receivablesGroupBy(by: [{{ageingBucket: true}}], where: $owed) {{
    keys {{ ageingBucket }} aggregate {{ {_SUMS} }} }}
  sold: receivablesAggregate(where: $sold) {{ sum {{ amount {{ total {{ amount }} }} }} }}
}}"""
_CUSTOMERS = """query ($first: Int!, $where: CustomerWhere!) {
  customers(first: $first, where: $where, orderBy: [{outstanding: DESC}]) { nodes { id } } }"""
_OF_EACH = f"""query ($where: ReceivableWhere!, $first: Int!) {{
  receivablesGroupBy(by: [{{customerId: true}}, {{ageingBucket: true}}], where: $where, first: $first) {{
    keys {{ customerId ageingBucket }} aggregate {{ {_SUMS} }} }} }}"""


@strawberry.type
class AgeingAmount:
    """The outstanding amount of one ageing bucket."""

    bucket: AgeingBucket = strawberry.field(description="The bucket.")
    count: int = strawberry.field(description="Number of receivables.")
    total: Money = strawberry.field(description="Outstanding amount in the reporting currency.")
    per_currency: list[Money] = strawberry.field(description="One amount per currency, never mixed.")


@strawberry.type
class CustomerAgeing:
    """The ageing of one customer's receivables."""

    customer: Ref[Customer] = strawberry.field(description="The customer.")
    total: Money = strawberry.field(description="Outstanding amount in the reporting currency.")
    buckets: list[AgeingAmount] = strawberry.field(description="Each bucket, also those without receivables.")


@strawberry.type
class AgeingReport:
    """What was outstanding at the end of a day, by days past due."""

    as_of: date = strawberry.field(description="The day.")
    total: Money = strawberry.field(description="Outstanding amount in the reporting currency.")
    buckets: list[AgeingAmount] = strawberry.field(description="Each bucket, also those without receivables.")
    invoiced: Money = strawberry.field(description="What was invoiced in the days that days sales outstanding counts.")
    days_sales_outstanding: Decimal | None = strawberry.field(
        description="Days sales outstanding: total by invoiced, times the days; null where nothing was invoiced."
    )
    days_sales_outstanding_gap: str | None = strawberry.field(
        description="Why there are no days sales outstanding; null if there are."
    )
    customers: list[CustomerAgeing] = strawberry.field(
        description="The customers that owe most, largest first; as many as were asked for."
    )


@query(permission=CREDIT)
def ageing(
    ctx: Context,
    as_of: Annotated[date | None, strawberry.argument(description="The day at whose end; today if omitted.")] = None,
    customer_ids: Annotated[
        list[strawberry.ID] | None, strawberry.argument(description="Only these customers; all if omitted.")
    ] = None,
    first: Annotated[int, strawberry.argument(description="How many customers to list, up to 100.")] = 0,
    sales_days: Annotated[
        int | None, strawberry.argument(description="Days that days sales outstanding counts; by policy if omitted.")
    ] = None,
) -> AgeingReport:
    """Reports what was outstanding at the end of a day by days past due, in total and per customer, per currency.

    Payments up to that day count; what is deleted does not. Rule C4.
    """
    today = ctx.clock.today()
    day, days = as_of or today, ctx.settings.sales_days if sales_days is None else sales_days
    if day > today:
        raise InputError(sentence("asOf: {day} is in the future; give {today} or an earlier day", day=day, today=today))
    if not 0 <= first <= _MOST_CUSTOMERS:
        raise InputError(
            sentence(
                "first: {first} is not between 0 and {most_customers}; give a number in that range",
                first=first,
                most_customers=_MOST_CUSTOMERS,
            )
        )
    if not 1 <= days <= _MOST_DAYS:
        raise InputError(
            sentence(
                "salesDays: {days} is not between 1 and {most_days}; give a number in that range",
                days=days,
                most_days=_MOST_DAYS,
            )
        )
    which: dict[str, Any] = {} if customer_ids is None else {"customerId": {"in": list(customer_ids)}}
    sold = {**which, "invoicedOn": {"gt": _before(day, days), "lte": day}}
    found = ctx.query(_TOTALS, {"owed": _owed(which, day), "sold": sold}, as_of=day)
    buckets = _buckets(ctx, found["owed"])
    total = sum((each.total.amount for each in buckets), Decimal(0))
    invoiced = Decimal(found["sold"]["sum"]["amount"]["total"]["amount"])
    return AgeingReport(
        as_of=day,
        total=Money(total, ctx.reporting_currency),
        buckets=buckets,
        invoiced=Money(invoiced, ctx.reporting_currency),
        days_sales_outstanding=rules.sales_days(total, invoiced, days),
        days_sales_outstanding_gap=None if invoiced > 0 else f"nothing was invoiced in the {days} days up to {day}",
        customers=_customers(ctx, which, day, first) if first else [],
    )


def _before(day: date, days: int) -> date:
    return date.min if (day - date.min).days < days else day - timedelta(days=days)


def _owed(which: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Which receivables are open at the end of a day."""
    settled = [{"settledOn": {"isNull": True}}, {"settledOn": {"gt": day}}]
    return {**which, "invoicedOn": {"lte": day}, "or": settled}


def _customers(ctx: Context, which: Mapping[str, Any], day: date, first: int) -> list[CustomerAgeing]:
    where: dict[str, Any] = {"outstanding": {"gt": "0"}}
    if which:
        where["id"] = which["customerId"]
    nodes = ctx.query(_CUSTOMERS, {"first": first, "where": where}, as_of=day)["customers"]["nodes"]
    ids = [node["id"] for node in nodes]
    if not ids:
        return []
    most = len(ids) * (len(AgeingBucket) + 1)
    owed = {"where": _owed({"customerId": {"in": ids}}, day), "first": most}
    groups = ctx.query(_OF_EACH, owed, as_of=day)["receivablesGroupBy"]
    found = []
    for id in ids:
        buckets = _buckets(ctx, (group for group in groups if group["keys"]["customerId"] == id))
        total = sum((each.total.amount for each in buckets), Decimal(0))
        found.append(CustomerAgeing(customer=id, total=Money(total, ctx.reporting_currency), buckets=buckets))
    return found


def _buckets(ctx: Context, groups: Iterable[Mapping[str, Any]]) -> list[AgeingAmount]:
    by_bucket = {group["keys"]["ageingBucket"]: group["aggregate"] for group in groups}
    return [_amount(ctx, bucket, by_bucket.get(bucket.value)) for bucket in AgeingBucket]


def _amount(ctx: Context, bucket: AgeingBucket, found: Mapping[str, Any] | None) -> AgeingAmount:
    currency = ctx.reporting_currency
    if found is None:
        return AgeingAmount(bucket=bucket, count=0, total=Money(Decimal(0), currency), per_currency=[])
    sums = found["sum"]["outstanding"]
    each: Sequence[Mapping[str, str]] = sums["perCurrency"]
    return AgeingAmount(
        bucket=bucket,
        count=found["count"],
        total=Money(Decimal(sums["total"]["amount"]), currency),
        per_currency=[Money(Decimal(money["amount"]), money["currency"]) for money in each],
    )
