"""Tiering as statements over whole populations: ranks, tiers, and putting them into force; no row reaches Python."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Join,
    MetaData,
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

from guanxi import Context
from guanxi.records import Customer
from guanxi.sql import Expression
from guanxi.vocabulary import CustomerStatus
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue, Policy, TierChangeReason
from plugins.value_tiering.ranking.classes import Thresholds, classes_of, classify, shares_of, thresholds_of
from plugins.value_tiering.ranking.history import announce, holding_tier
from plugins.value_tiering.ranking.measures import MEASURES, Basis, customers, settings_of, sums, upsert, values
from plugins.value_tiering.ranking.moves import Movement, TierMove, movements_of, moves_of
from plugins.value_tiering.settings import AbcPolicy, Measure, Population, Quotas

#: Columns that a recompute works out first.
_RANKED = (*MEASURES, "ranked_value", "rank", "ranked_tier")
#: Columns that the rest follows from.
_ENTERED = ("potential_reporting", "tier", "override_tier", "override_until")


@dataclass(frozen=True, slots=True)
class TiersRecomputed:
    """What a recompute did, or would do.

    Attributes:
        unmeasured: customers of the population that bought something, of none of which the measure is known.
    """

    basis: Basis
    ranked: int
    unmeasured: int
    movements: Sequence[Movement]
    moves: Sequence[TierMove]

    @property
    def changed(self) -> int:
        """How many customers change tier."""
        return sum(movement.customers for movement in self.movements if movement.previous != movement.tier)


def _new_ranking() -> Table:
    """A temporary table of all customers with what a recompute makes of each; `tier` is still the one in force.

    Its columns are named as those of the facet, so that the same expressions work on both.
    """
    return Table(
        "value_tiering_ranking",
        MetaData(),
        Column("is_member", Boolean),
        Column("has_bought", Boolean),
        *(Column(name, values[name].type) for name in ("record_id", *_RANKED, *_ENTERED)),
        prefixes=["TEMPORARY"],
    )


def _rank(ctx: Context, basis: Basis, boundaries: tuple[int, int, int], ranking: Table) -> None:
    """Measures all customers, and ranks those of the population that have data (T1)."""
    settings, summed = settings_of(ctx), sums(basis)
    is_member: Expression = customers.deleted_at.is_(None)
    if settings.population is Population.ACTIVE:
        is_member = and_(is_member, customers.status != CustomerStatus.FORMER)
    value = summed.c.value
    is_ranked = and_(is_member, value.is_not(None))
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
            is_member.label("is_member"),
            func.coalesce(summed.c.counting > 0, False).label("has_bought"),
            *(summed.c[name] for name in MEASURES),
            (value if basis.measure is Measure.USAGE else value * 100).label("ranked_value"),
            *(values[name] for name in (*_ENTERED, "ranked_tier")),
            case((is_ranked, place), else_=null()).label("rank"),
            func.count(case((is_ranked, 1))).over().label("ranked"),
        )
        .select_from(
            Customer.__table__.outerjoin(summed, summed.c.customer_id == customers.id).outerjoin(
                CustomerValue.__table__, values.record_id == customers.id
            )
        )
        .subquery()
    )
    tier = rules.steady_tier(
        everybody.c.ranked_tier,
        everybody.c.rank,
        everybody.c.ranked,
        boundaries,
        settings.hysteresis_percent,
    )
    rows = {column.name: tier if column.name == "ranked_tier" else everybody.c[column.name] for column in ranking.c}
    ctx.session.execute(insert(ranking).from_select(list(rows), select(*rows.values())))


def recompute(ctx: Context, basis: Basis, quotas: Quotas | None = None, listed: int = 0) -> TiersRecomputed:
    """Ranks all customers again and assigns every customer its tier and classes (T1, T6, T7, T11).

    It is done by who holds all keys, so that no measure changes between its statements. What is due to each customer is
    worked out in a table of its own, of which each row that differs is then written once.

    A tier set by hand holds until its last day; one that has expired falls back to the rank. Each change of tier is
    kept in the history and announced.

    Args:
        basis: what customers are ranked by.
        quotas: shares to try; those of the policy if not given.
        listed: how many of those that move to list at most.
    """
    session = ctx.session
    ranking = _new_ranking()
    ranking.create(session.connection(), checkfirst=False)
    _rank(ctx, basis, (quotas or settings_of(ctx).quotas).boundaries(), ranking)
    unmeasured = and_(ranking.c.is_member, ranking.c.has_bought, ranking.c.rank.is_(None))
    ranked, missing = session.execute(select(func.count(ranking.c.rank), func.count(case((unmeasured, 1))))).one()
    thresholds = thresholds_of(ctx, ranking)
    current, potential = thresholds
    moves = moves_of(ctx, ranking, session.get(Policy, 1), basis, listed)
    session.merge(
        Policy(
            id=1,
            computed_at=ctx.clock.now(),
            measure=basis.measure,
            period_start=basis.start,
            period_end=basis.end,
            ranked=ranked,
            current_threshold=current,
            potential_threshold=potential,
        )
    )
    session.flush()
    movements = movements_of(ctx, ranking)
    announce(ctx, ranking.c, TierChangeReason.RECOMPUTED, [])
    _put_into_force(ctx, ranking, thresholds)
    ranking.drop(session.connection(), checkfirst=False)
    return TiersRecomputed(basis, ranked, missing, movements, moves)


def _put_into_force(ctx: Context, ranking: Table, thresholds: Thresholds) -> None:
    """Writes what a ranking says into the facet, each row once and only where it differs."""
    settings, tier = settings_of(ctx), holding_tier(ctx, ranking.c)
    current, potential = (literal(threshold, BigInteger()) for threshold in thresholds)
    source: Join = ranking.outerjoin(CustomerValue.__table__, values.record_id == ranking.c.record_id)
    due: dict[str, Expression] = {
        **{name: ranking.c[name] for name in _RANKED},
        "tier": tier,
        "tier_since": case((values.tier.is_distinct_from(tier), literal(ctx.clock.today())), else_=values.tier_since),
        **classes_of(settings, ranking.c, tier, (current, potential)),
    }
    if settings.abc_policy is AbcPolicy.PARETO:
        shares = shares_of(settings, ranking)
        source = source.outerjoin(shares, shares.c.record_id == ranking.c.record_id)
        due["abc_class"] = shares.c.abc_class
    differs = or_(values.record_id.is_(None), *(values[name].is_distinct_from(value) for name, value in due.items()))
    # Rows that are equal are not even looked up for a conflict, which would lock them.
    upsert(ctx.session, select(ranking.c.record_id, *due.values()).select_from(source).where(differs), list(due))


def move(ctx: Context, reason: TierChangeReason, ids: Collection[str], note: str | None = None) -> None:
    """Puts the tiers due to these customers into force: history, events, then the tiers themselves."""
    tier = holding_tier(ctx, values)
    among = values.record_id.in_(ids)
    announce(ctx, values, reason, [among], note)
    ctx.session.execute(
        update(CustomerValue)
        .where(values.tier.is_distinct_from(tier), among)
        .values(tier=tier, tier_since=ctx.clock.today())
        .execution_options(synchronize_session=False)
    )


def expire_overrides(ctx: Context) -> str:
    """Restores the tier by rank where one set by hand has expired (T1); returns how many.

    Only the customers concerned are locked, because it is done often.
    """
    over = [values.override_until < ctx.clock.today(), values.tier.is_distinct_from(values.ranked_tier)]
    expired = select(values.record_id).where(*over)
    found = ctx.session.scalars(expired).all()
    if not found:
        return _expired(0)
    ctx.lock("customer", *found)
    # Those of which it is still so now that nobody else changes them.
    ids = ctx.session.scalars(expired.where(values.record_id.in_(found))).all()
    move(ctx, TierChangeReason.OVERRIDE_EXPIRED, ids)
    classify(ctx, ids)
    return _expired(len(ids))


def _expired(number: int) -> str:
    return f"{number} tiers set by hand expired"
