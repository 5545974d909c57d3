"""Tiering as statements over whole populations: measures, ranks, tiers, classes, history; no row reaches Python."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Join,
    MetaData,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from guanxi import Context, Money
from guanxi.records import Customer, Transaction
from guanxi.sql import Expression, Prepared, is_listed, new_stem, numbered, whole
from guanxi.vocabulary import CustomerStatus
from plugins.value_tiering import rules
from plugins.value_tiering.models import (
    CustomerValue,
    Policy,
    TierChange,
    TierChangeReason,
    ValueTier,
)
from plugins.value_tiering.settings import AbcPolicy, Measure, ValueTieringSettings

TIER_CHANGED = "VALUE_TIER_CHANGED"

values = CustomerValue.__table__.c
sales = Transaction.__table__.c
customers = Customer.__table__.c

#: The columns of the facet, or of a ranking.
Columns = Any
#: From which current and which potential value on it counts as high.
Thresholds = tuple[int | None, int | None]

#: Columns that a recompute works out first.
_MEASURES = ("revenue", "profit", "usage")
_RANKED = (*_MEASURES, "rank", "ranked_tier")
#: Columns that the rest follows from.
_ENTERED = ("potential_reporting", "tier", "override_tier", "override_until")


@dataclass(frozen=True, slots=True)
class Movement:
    """Number of customers moving from one tier to another."""

    previous: ValueTier | None
    tier: ValueTier | None
    customers: int


@dataclass(frozen=True, slots=True)
class TiersRecomputed:
    """What a recompute did, or would do."""

    measure: Measure
    ranked: int
    movements: Sequence[Movement]
    current_threshold: int | None
    potential_threshold: int | None

    @property
    def changed(self) -> int:
        """How many customers change tier."""
        return sum(movement.customers for movement in self.movements if movement.previous != movement.tier)


def _upsert(session: Session, rows: Select[Any], columns: Sequence[str]) -> None:
    """Writes rows of `(record_id, *columns)` into the facet, created where absent, untouched where equal."""
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    made = dialect.insert(CustomerValue).from_select(["record_id", *columns], rows)
    differs = or_(*(values[name].is_distinct_from(made.excluded[name]) for name in columns))
    session.execute(
        made.on_conflict_do_update(
            index_elements=["record_id"], set_={name: made.excluded[name] for name in columns}, where=differs
        )
    )


def _sums() -> Subquery:
    """Sums the transactions of each customer: revenue, profit and usage (T1, X24)."""
    return (
        select(
            sales.customer_id,
            func.sum(sales.actual_amount_reporting).cast(BigInteger).label("revenue"),
            func.sum(sales.actual_amount_reporting - sales.cost_reporting).cast(BigInteger).label("profit"),
            func.sum(whole(sales.quantity)).cast(BigInteger).label("usage"),
        )
        .where(sales.deleted_at.is_(None))
        .group_by(sales.customer_id)
        .subquery()
    )


def refresh_measures(ctx: Context, ids: Collection[str]) -> None:
    """Sums the transactions of these customers: revenue, profit and usage (T1, X24)."""
    sums = _sums()
    rows = (
        select(customers.id, sums.c.revenue, sums.c.profit, sums.c.usage)
        .select_from(Customer.__table__.outerjoin(sums, sums.c.customer_id == customers.id))
        # The condition also keeps SQLite from reading ON CONFLICT as part of the join.
        .where(customers.id.in_(ids))
    )
    _upsert(ctx.session, rows, ["revenue", "profit", "usage"])


def _measured(settings: ValueTieringSettings, columns: Columns) -> Expression:
    return rules.measured(settings.measure, columns.revenue, columns.profit, whole(columns.usage))


def _new_ranking() -> Table:
    """A temporary table of all customers with what a recompute makes of each; `tier` is still the one in force.

    Its columns are named as those of the facet, so that the same expressions work on both.
    """
    return Table(
        "value_tiering_ranking",
        MetaData(),
        Column("is_living", Boolean),
        *(Column(name, values[name].type) for name in ("record_id", *_RANKED, *_ENTERED)),
        prefixes=["TEMPORARY"],
    )


def _rank(ctx: Context, ranking: Table) -> None:
    """Measures all customers, and ranks those that live, are not former ones, and have data (T1)."""
    settings, sums = _settings(ctx), _sums()
    is_living = customers.deleted_at.is_(None)
    value = rules.measured(settings.measure, sums.c.revenue, sums.c.profit, sums.c.usage)
    is_ranked = and_(is_living, customers.status != CustomerStatus.FORMER.value, value.is_not(None))
    place = func.row_number().over(
        order_by=[
            case((is_ranked, 0), else_=1),
            value.desc(),
            values.potential_reporting.desc().nulls_last(),
            customers.id,
        ]
    )
    everybody = (
        select(
            customers.id.label("record_id"),
            is_living.label("is_living"),
            *(sums.c[name] for name in _MEASURES),
            *(values[name] for name in _ENTERED),
            case((is_ranked, place), else_=null()).label("rank"),
            func.count(case((is_ranked, 1))).over().label("ranked"),
        )
        .select_from(
            Customer.__table__.outerjoin(sums, sums.c.customer_id == customers.id).outerjoin(
                CustomerValue.__table__, values.record_id == customers.id
            )
        )
        .subquery()
    )
    tier = rules.tier_of_rank(everybody.c.rank, everybody.c.ranked, settings.quotas.boundaries())
    rows = {column.name: tier if column.name == "ranked_tier" else everybody.c[column.name] for column in ranking.c}
    ctx.session.execute(insert(ranking).from_select(list(rows), select(*rows.values())))


def recompute(ctx: Context) -> TiersRecomputed:
    """Ranks all customers again and assigns every customer its tier and classes (T1, T6, T7, T11).

    It is done by who holds all keys, so that no measure changes between its statements. What is due to each customer is
    worked out beside the facet, of which each row that differs is then written once.

    A tier set by hand holds until its last day; one that has expired falls back to the rank. Each change of tier is
    kept in the history and announced.
    """
    session, settings = ctx.session, _settings(ctx)
    ranking = _new_ranking()
    ranking.create(session.connection(), checkfirst=False)
    _rank(ctx, ranking)
    ranked: int = session.scalar(select(func.count(ranking.c.rank))) or 0
    thresholds = _thresholds(ctx, ranking)
    current, potential = thresholds
    session.merge(
        Policy(
            id=1,
            computed_at=ctx.clock.now(),
            measure=settings.measure,
            ranked=ranked,
            current_threshold=current,
            potential_threshold=potential,
        )
    )
    session.flush()
    movements = _movements(ctx, ranking)
    _announce(ctx, ranking.c, TierChangeReason.RECOMPUTED, [])
    _put_into_force(ctx, ranking, thresholds)
    ranking.drop(session.connection(), checkfirst=False)
    return TiersRecomputed(settings.measure, ranked, movements, *thresholds)


def unmeasured_customers(ctx: Context) -> int:
    """The number of living customers that bought something which does not have what they are measured by (X24)."""
    value = _measured(_settings(ctx), values)
    living = and_(customers.id == values.record_id, customers.deleted_at.is_(None))
    bought = select(func.count()).select_from(Customer.__table__).join(CustomerValue.__table__, living)
    found: int = ctx.session.scalar(bought.where(values.revenue.is_not(None), value.is_(None))) or 0
    return found


def _put_into_force(ctx: Context, ranking: Table, thresholds: Thresholds) -> None:
    """Writes what a ranking says into the facet, each row once and only where it differs."""
    settings, tier = _settings(ctx), holding_tier(ctx, ranking.c)
    current, potential = (literal(threshold, BigInteger()) for threshold in thresholds)
    source: Join = ranking.outerjoin(CustomerValue.__table__, values.record_id == ranking.c.record_id)
    due: dict[str, Expression] = {
        **{name: ranking.c[name] for name in _RANKED},
        "tier": tier,
        "tier_since": case((values.tier.is_distinct_from(tier), literal(ctx.clock.today())), else_=values.tier_since),
        **_classes(settings, ranking.c, tier, (current, potential)),
    }
    if settings.abc_policy is AbcPolicy.PARETO:
        shares = _shares(settings, ranking)
        source = source.outerjoin(shares, shares.c.record_id == ranking.c.record_id)
        due["abc_class"] = shares.c.abc_class
    differs = or_(values.record_id.is_(None), *(values[name].is_distinct_from(value) for name, value in due.items()))
    # Rows that are equal are not even looked up for a conflict, which would lock them.
    _upsert(ctx.session, select(ranking.c.record_id, *due.values()).select_from(source).where(differs), list(due))


def _settings(ctx: Context) -> ValueTieringSettings:
    found: ValueTieringSettings = ctx.settings
    return found


def holding_tier(ctx: Context, columns: Columns) -> Expression:
    """The tier due: the one set by hand while it lasts, else the one by rank (T1)."""
    today = literal(ctx.clock.today())
    active = rules.is_override_active(columns.override_tier, columns.override_until, today)
    return case((active, columns.override_tier), else_=columns.ranked_tier)


def _movements(ctx: Context, ranking: Table) -> list[Movement]:
    """Counts the movements of customers between tiers, before they are made."""
    moves = select(ranking.c.tier, holding_tier(ctx, ranking.c).label("new")).subquery()
    rows = ctx.session.execute(
        select(moves.c.tier, moves.c.new, func.count())
        .where(or_(moves.c.tier.is_not(None), moves.c.new.is_not(None)))
        .group_by(moves.c.tier, moves.c.new)
    )
    order = [*ValueTier, None]
    found = [
        Movement(ValueTier(old) if old else None, ValueTier(new) if new else None, count) for old, new, count in rows
    ]
    return sorted(found, key=lambda movement: (order.index(movement.previous), order.index(movement.tier)))


def move(ctx: Context, reason: TierChangeReason, ids: Collection[str], note: str | None = None) -> None:
    """Puts the tiers due to these customers into force: history, events, then the tiers themselves."""
    tier = holding_tier(ctx, values)
    among = values.record_id.in_(ids)
    _announce(ctx, values, reason, [among], note)
    ctx.session.execute(
        update(CustomerValue)
        .where(values.tier.is_distinct_from(tier), among)
        .values(tier=tier, tier_since=ctx.clock.today())
        .execution_options(synchronize_session=False)
    )


def _announce(
    ctx: Context,
    columns: Columns,
    reason: TierChangeReason,
    among: Sequence[ColumnElement[bool]],
    note: str | None = None,
) -> None:
    """Keeps each change of tier in the history and announces it, before it is made."""
    tier = holding_tier(ctx, columns)
    moving = [columns.tier.is_distinct_from(tier), *among]
    _write_history(ctx, columns, reason, moving, note)
    ctx.publish_each(
        TIER_CHANGED,
        Customer,
        select(
            columns.record_id,
            columns.tier.label("previous"),
            tier.label("current"),
            literal(reason.value).label("reason"),
        ).where(*moving),
    )


def expire_overrides(ctx: Context) -> str:
    """Restores the tier by rank where one set by hand has expired (T1); returns how many."""
    over = [values.override_until < ctx.clock.today(), values.tier.is_distinct_from(values.ranked_tier)]
    ids = ctx.session.scalars(select(values.record_id).where(*over)).all()
    move(ctx, TierChangeReason.OVERRIDE_EXPIRED, ids)
    classify(ctx, ids)
    return f"{len(ids)} tiers set by hand expired"


def _write_history(
    ctx: Context,
    columns: Columns,
    reason: TierChangeReason,
    moving: Sequence[ColumnElement[bool]],
    note: str | None,
) -> None:
    settings = _settings(ctx)
    now, actor = ctx.clock.now(), ctx.actor.id
    value = _measured(settings, columns)
    in_tenthousandths = value if settings.measure is Measure.USAGE else value * 100
    stored = TierChange.__table__.c
    expired = and_(columns.override_tier.is_not(None), columns.override_until < ctx.clock.today())
    because: Expression = literal(reason.value)
    if reason is TierChangeReason.RECOMPUTED:
        because = case((expired, literal(TierChangeReason.OVERRIDE_EXPIRED.value)), else_=because)
    row: dict[str, Any] = {
        "id": numbered(new_stem(TierChange.__prefix__), func.row_number().over(order_by=columns.record_id) - 1),
        "version": literal(1),
        "created_at": literal(now, stored.created_at.type),
        "created_by": literal(actor),
        "updated_at": literal(now, stored.updated_at.type),
        "updated_by": literal(actor),
        "customer_id": columns.record_id,
        "previous_tier": columns.tier,
        "tier": holding_tier(ctx, columns),
        "reason": because,
        "note": literal(note, stored.note.type) if note is not None else null(),
        "rank": columns.rank,
        "measure": literal(settings.measure.value),
        "value": in_tenthousandths,
        "changed_at": literal(now, stored.changed_at.type),
        "changed_by": literal(actor),
    }
    rows = select(*row.values()).where(*moving)
    ctx.session.execute(insert(TierChange).from_select(list(row), rows))


def _thresholds(ctx: Context, ranking: Table) -> Thresholds:
    """Returns the thresholds of high current and potential value (T6): as set, else the median."""
    settings, columns = _settings(ctx), ranking.c
    current = rules.current_value(settings.measure, columns.revenue, columns.profit)
    fixed = [
        None if amount is None else Money(amount, ctx.reporting_currency)
        for amount in (settings.current_value_threshold, settings.potential_value_threshold)
    ]
    return (
        _threshold(ctx.session, fixed[0], current, columns.is_living, 1),
        # Of one estimate the median is itself, which would make it high.
        _threshold(
            ctx.session, fixed[1], columns.potential_reporting, columns.is_living, settings.median_from_estimates
        ),
    )


def _threshold(
    session: Session, fixed: Money | None, value: Expression, is_living: Expression, fewest: int
) -> int | None:
    if fixed is not None:
        return fixed.minor
    known = [value.is_not(None), is_living]
    count: int = session.scalar(select(func.count(value)).where(*known)) or 0
    if count < fewest:
        return None
    middle = select(value).where(*known).order_by(value).offset((count - 1) // 2).limit(2 - count % 2)
    return rules.median(list(session.scalars(middle)))


def classify(ctx: Context, ids: Collection[str]) -> None:
    """Assigns these customers the classes that follow from tier and values (T2, T6, T7, T11)."""
    ctx.change_rows(CustomerValue, ctx.rows(_stale_classes(_settings(ctx)), ids=ids))


@lru_cache(20)
def _stale_classes(settings: ValueTieringSettings) -> Prepared:
    """The classes of these customers that are not what follows."""
    policy = Policy.__table__.c
    classes = _classes(settings, values, values.tier, (policy.current_threshold, policy.potential_threshold))
    stale = or_(*(values[name].is_distinct_from(value) for name, value in classes.items()))
    return Prepared(
        select(values.record_id, *(value.label(name) for name, value in classes.items()))
        .select_from(CustomerValue.__table__.outerjoin(Policy.__table__, policy.id == 1))
        .where(is_listed(values.record_id, "ids"), stale)
    )


def _classes(
    settings: ValueTieringSettings, columns: Columns, tier: Expression, thresholds: tuple[Expression, Expression]
) -> dict[str, Expression]:
    """The classes that follow from tier and values, by column (T2, T6, T7, T11)."""
    current, potential = thresholds
    quadrant = rules.value_quadrant(
        rules.value_so_far(rules.current_value(settings.measure, columns.revenue, columns.profit), columns.revenue),
        columns.potential_reporting,
        current,
        potential,
    )
    classes: dict[str, Expression] = {
        "quadrant": quadrant,
        "account_class": rules.account_class(quadrant, tier),
        "is_key": rules.is_key_customer(tier),
    }
    if settings.abc_policy is AbcPolicy.TIER:
        classes["abc_class"] = rules.abc_of_tier(tier)
    return classes


def _shares(settings: ValueTieringSettings, ranking: Table) -> Subquery:
    """The ABC class of ranked customers by cumulative share of total value (T11)."""
    columns = ranking.c
    value = _measured(settings, columns)
    positive = case((value > 0, value), else_=0)
    shares = (
        select(
            columns.record_id,
            (func.sum(positive).over(order_by=columns.rank) - positive).label("before"),
            func.sum(positive).over().label("total"),
        )
        .where(columns.rank.is_not(None))
        .subquery()
    )
    share = rules.abc_of_share(
        shares.c.before, shares.c.total, settings.abc_a_below_percent, settings.abc_b_below_percent
    )
    return select(shares.c.record_id, share.label("abc_class")).subquery()
