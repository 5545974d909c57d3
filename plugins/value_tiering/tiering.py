"""Tiering as statements over whole populations: measures, ranks, tiers, classes, history; no row reaches Python."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from guanxi import Context, Money
from guanxi.records import Customer, Transaction
from guanxi.sql import Expression, new_stem, numbered, whole
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


def refresh_measures(ctx: Context, ids: Collection[str] | None = None) -> None:
    """Sums the transactions of these customers, or of all: revenue, profit and usage (T1, X24)."""
    sums = (
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
    rows = (
        select(customers.id, sums.c.revenue, sums.c.profit, sums.c.usage)
        .select_from(Customer.__table__.outerjoin(sums, sums.c.customer_id == customers.id))
        # The condition also keeps SQLite from reading ON CONFLICT as part of the join.
        .where(customers.id.in_(ids) if ids is not None else true())
    )
    _upsert(ctx.session, rows, ["revenue", "profit", "usage"])


def _measured(settings: ValueTieringSettings) -> Expression:
    return rules.measured(settings.measure, values.revenue, values.profit, whole(values.usage))


def _ranks(settings: ValueTieringSettings) -> Select[Any]:
    """Selects every living customer with data, with its rank and its tier by rank (T1)."""
    value = _measured(settings)
    population = (
        select(
            customers.id,
            func.row_number()
            .over(order_by=[value.desc(), values.potential_reporting.desc().nulls_last(), customers.id])
            .label("rank"),
            func.count().over().label("ranked"),
        )
        .select_from(Customer.__table__.join(CustomerValue.__table__, values.record_id == customers.id))
        .where(customers.deleted_at.is_(None), value.is_not(None))
        .subquery()
    )
    tier = rules.tier_of_rank(population.c.rank, population.c.ranked, settings.quotas.boundaries())
    return select(population.c.id, population.c.rank, tier.label("ranked_tier"))


def recompute(ctx: Context) -> TiersRecomputed:
    """Ranks all customers again and assigns every customer its tier and classes (T1, T6, T7, T11).

    It is done by who holds all keys, so that no measure changes between its statements.

    A tier set by hand holds until its last day; one that has expired falls back to the rank. Each change of tier is
    kept in the history and announced.
    """
    session, settings = ctx.session, _settings(ctx)
    refresh_measures(ctx)
    ranks = _ranks(settings).subquery()
    everybody = (
        select(values.record_id, ranks.c.rank, ranks.c.ranked_tier)
        .select_from(CustomerValue.__table__.outerjoin(ranks, ranks.c.id == values.record_id))
        .where(true())
    )
    _upsert(session, everybody, ["rank", "ranked_tier"])
    ranked: int = session.scalar(select(func.count()).where(values.rank.is_not(None))) or 0
    thresholds = _thresholds(ctx)
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
    movements = _movements(ctx)
    move(ctx, TierChangeReason.RECOMPUTED)
    if settings.abc_policy is AbcPolicy.PARETO:
        _classify_by_share(session, settings)
    classify(ctx)
    return TiersRecomputed(settings.measure, ranked, movements, *thresholds)


def _settings(ctx: Context) -> ValueTieringSettings:
    found: ValueTieringSettings = ctx.settings
    return found


def holding_tier(ctx: Context) -> Expression:
    """The tier due: the one set by hand while it lasts, else the one by rank (T1)."""
    today = literal(ctx.clock.today())
    active = rules.is_override_active(values.override_tier, values.override_until, today)
    return case((active, values.override_tier), else_=values.ranked_tier)


def _movements(ctx: Context) -> list[Movement]:
    """Counts the movements of customers between tiers, before they are made."""
    tier = holding_tier(ctx)
    rows = ctx.session.execute(
        select(values.tier, tier.label("new"), func.count())
        .select_from(CustomerValue.__table__)
        .where(or_(values.tier.is_not(None), tier.is_not(None)))
        .group_by(values.tier, tier)
    )
    order = [*ValueTier, None]
    found = [
        Movement(ValueTier(old) if old else None, ValueTier(new) if new else None, count) for old, new, count in rows
    ]
    return sorted(found, key=lambda movement: (order.index(movement.previous), order.index(movement.tier)))


def move(ctx: Context, reason: TierChangeReason, ids: Collection[str] | None = None, note: str | None = None) -> None:
    """Puts the tiers due into force: history, events, then the tiers themselves."""
    tier = holding_tier(ctx)
    moving = [values.tier.is_distinct_from(tier)]
    if ids is not None:
        moving.append(values.record_id.in_(ids))
    _write_history(ctx, reason, tier, moving, note)
    ctx.publish_each(
        TIER_CHANGED,
        Customer,
        select(
            values.record_id,
            values.tier.label("previous"),
            tier.label("current"),
            literal(reason.value).label("reason"),
        ).where(*moving),
    )
    today = ctx.clock.today()
    ctx.session.execute(
        update(CustomerValue)
        .where(*moving)
        .values(tier=tier, tier_since=today)
        .execution_options(synchronize_session=False)
    )


def expire_overrides(ctx: Context) -> str:
    """Restores the tier by rank where one set by hand has expired (T1); returns how many."""
    over = [values.override_until < ctx.clock.today(), values.tier.is_distinct_from(values.ranked_tier)]
    ids = ctx.session.scalars(select(values.record_id).where(*over)).all()
    move(ctx, TierChangeReason.OVERRIDE_EXPIRED, ids)
    classify(ctx, ids)
    return f"{len(ids)} tiers set by hand expired"


def _write_history(
    ctx: Context, reason: TierChangeReason, tier: Expression, moving: Sequence[ColumnElement[bool]], note: str | None
) -> None:
    settings = _settings(ctx)
    now, actor = ctx.clock.now(), ctx.actor.id
    value = _measured(settings)
    in_tenthousandths = value if settings.measure is Measure.USAGE else value * 100
    columns = TierChange.__table__.c
    expired = and_(values.override_tier.is_not(None), values.override_until < ctx.clock.today())
    because: Expression = literal(reason.value)
    if reason is TierChangeReason.RECOMPUTED:
        because = case((expired, literal(TierChangeReason.OVERRIDE_EXPIRED.value)), else_=because)
    row: dict[str, Any] = {
        "id": numbered(new_stem(TierChange.__prefix__), func.row_number().over(order_by=values.record_id) - 1),
        "version": literal(1),
        "created_at": literal(now, columns.created_at.type),
        "created_by": literal(actor),
        "updated_at": literal(now, columns.updated_at.type),
        "updated_by": literal(actor),
        "customer_id": values.record_id,
        "previous_tier": values.tier,
        "tier": tier,
        "reason": because,
        "note": literal(note, columns.note.type) if note is not None else null(),
        "rank": values.rank,
        "measure": literal(settings.measure.value),
        "value": in_tenthousandths,
        "changed_at": literal(now, columns.changed_at.type),
        "changed_by": literal(actor),
    }
    rows = select(*row.values()).select_from(CustomerValue.__table__).where(*moving)
    ctx.session.execute(insert(TierChange).from_select(list(row), rows))


def _thresholds(ctx: Context) -> tuple[int | None, int | None]:
    """Returns the thresholds of high current and potential value (T6): as set, else the median."""
    settings = _settings(ctx)
    current = rules.current_value(settings.measure, values.revenue, values.profit)
    fixed = [
        None if amount is None else Money(amount, ctx.reporting_currency)
        for amount in (settings.current_value_threshold, settings.potential_value_threshold)
    ]
    return (
        _threshold(ctx.session, fixed[0], current),
        _threshold(ctx.session, fixed[1], values.potential_reporting),
    )


def _threshold(session: Session, fixed: Money | None, value: Expression) -> int | None:
    if fixed is not None:
        return fixed.minor
    known = [
        value.is_not(None),
        values.record_id.in_(select(customers.id).where(customers.deleted_at.is_(None))),
    ]
    count: int = session.scalar(select(func.count()).select_from(CustomerValue.__table__).where(*known)) or 0
    if not count:
        return None
    middle = select(value).where(*known).order_by(value).offset((count - 1) // 2).limit(2 - count % 2)
    return rules.median(list(session.scalars(middle)))


def classify(ctx: Context, ids: Collection[str] | None = None) -> None:
    """Assigns these customers, or all, the classes that follow from tier and values (T2, T6, T7, T11)."""
    settings, session = _settings(ctx), ctx.session
    policy = session.get(Policy, 1)
    thresholds = (policy.current_threshold, policy.potential_threshold) if policy else (None, None)
    current, potential = (literal(threshold, BigInteger()) for threshold in thresholds)
    quadrant = rules.value_quadrant(
        rules.current_value(settings.measure, values.revenue, values.profit),
        values.potential_reporting,
        current,
        potential,
    )
    classes: dict[str, Expression] = {
        "quadrant": quadrant,
        "account_class": rules.account_class(quadrant, values.tier),
        "is_key": rules.is_key_customer(values.tier),
    }
    if settings.abc_policy is AbcPolicy.TIER:
        classes["abc_class"] = rules.abc_of_tier(values.tier)
    stale = or_(*(values[name].is_distinct_from(value) for name, value in classes.items()))
    where = [stale] if ids is None else [stale, values.record_id.in_(ids)]
    session.execute(update(CustomerValue).where(*where).values(**classes).execution_options(synchronize_session=False))


def _classify_by_share(session: Session, settings: ValueTieringSettings) -> None:
    """Assigns ABC classes by cumulative share of total value (T11) to ranked customers."""
    value = _measured(settings)
    positive = case((value > 0, value), else_=0)
    shares = (
        select(
            values.record_id,
            (func.sum(positive).over(order_by=values.rank) - positive).label("before"),
            func.sum(positive).over().label("total"),
        )
        .where(values.rank.is_not(None))
        .subquery()
    )
    share = rules.abc_of_share(
        shares.c.before, shares.c.total, settings.abc_a_below_percent, settings.abc_b_below_percent
    )
    abc = case((shares.c.record_id.is_not(None), share), else_=null())
    rows = (
        select(values.record_id, abc.label("abc_class"))
        .select_from(CustomerValue.__table__.outerjoin(shares, shares.c.record_id == values.record_id))
        .where(true())
    )
    _upsert(session, rows, ["abc_class"])
