"""What customers brought: sums of their transactions, of all time and of the period that counts for the value."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, Select, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from guanxi import Context
from guanxi.records import Customer, Transaction
from guanxi.rules import months_before
from guanxi.sql import Expression, whole
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue, Policy
from plugins.value_tiering.settings import Measure, ValueTieringSettings

values = CustomerValue.__table__.c
sales = Transaction.__table__.c
customers = Customer.__table__.c
policy = Policy.__table__.c

#: Columns of the facet that are sums of transactions.
MEASURES = ("revenue", "profit", "usage", "current")


@dataclass(frozen=True, slots=True)
class Basis:
    """What customers are ranked by: the measure, and the first and last day of the transactions that count."""

    measure: Measure
    start: date | None = None
    end: date | None = None


def settings_of(ctx: Context) -> ValueTieringSettings:
    """Returns the policy of value tiering."""
    found: ValueTieringSettings = ctx.settings
    return found


def basis_of(ctx: Context, measure: Measure | None, start: date | None, end: date | None) -> Basis:
    """Returns what is asked for, and by policy what is not: of a period either both days or none are by policy."""
    settings, today = settings_of(ctx), ctx.clock.today()
    if start is None and end is None and settings.period_months is not None:
        start, end = months_before(today, settings.period_months) + timedelta(days=1), today
    return Basis(measure or settings.measure, start, end)


def sums(basis: Basis) -> Subquery:
    """Sums the transactions of each customer (T1, T6, X24); `counting`, `current` and `value` are those that count."""
    start, end = (literal(day, Date()) for day in (basis.start, basis.end))
    return _summed(literal(basis.measure.value), start, end)


def _summed(measure: Expression, start: Expression, end: Expression, *among: ColumnElement[bool]) -> Subquery:
    profit = sales.actual_amount_reporting - sales.cost_reporting
    counts = and_(
        or_(start.is_(None), sales.occurred_on >= start),
        or_(end.is_(None), sales.occurred_on <= end),
    )

    def total(amount: Expression) -> Expression:
        return func.sum(amount).cast(BigInteger)

    def counting(amount: Expression) -> Expression:
        return total(case((counts, amount)))

    current = rules.current_value(measure, counting(sales.actual_amount_reporting), counting(profit))
    number = func.count(case((counts, 1)))
    return (
        select(
            sales.customer_id,
            total(sales.actual_amount_reporting).label("revenue"),
            total(profit).label("profit"),
            total(whole(sales.quantity)).label("usage"),
            case((number == 0, 0), else_=current).label("current"),
            rules.measured(measure, current, counting(whole(sales.quantity))).label("value"),
            number.label("counting"),
        )
        .where(sales.deleted_at.is_(None), *among)
        .group_by(sales.customer_id)
        .subquery()
    )


def refresh_measures(ctx: Context, ids: Collection[str]) -> None:
    """Sums the transactions of these customers (T1, T6, X24); those that count are as at the last recompute."""

    def ranked_by(column: Expression) -> Expression:
        return select(column).where(policy.id == 1).scalar_subquery()

    measure = func.coalesce(ranked_by(policy.measure), settings_of(ctx).measure.value)
    summed = _summed(measure, ranked_by(policy.period_start), ranked_by(policy.period_end), sales.customer_id.in_(ids))
    rows = (
        select(customers.id, *(summed.c[name] for name in MEASURES))
        .select_from(Customer.__table__.outerjoin(summed, summed.c.customer_id == customers.id))
        # The condition also keeps SQLite from reading ON CONFLICT as part of the join.
        .where(customers.id.in_(ids))
    )
    upsert(ctx.session, rows, MEASURES)


def upsert(session: Session, rows: Select[Any], columns: Sequence[str]) -> None:
    """Writes rows of `(record_id, *columns)` into the facet, created where absent, untouched where equal."""
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    made = dialect.insert(CustomerValue).from_select(["record_id", *columns], rows)
    differs = or_(*(values[name].is_distinct_from(made.excluded[name]) for name in columns))
    session.execute(
        made.on_conflict_do_update(
            index_elements=["record_id"], set_={name: made.excluded[name] for name in columns}, where=differs
        )
    )
