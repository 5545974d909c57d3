"""What is judged and settled when purchases and targets are entered."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from guanxi import Action, Changes, Context, UserError, sentence
from guanxi.records import Transaction
from plugins.value_tiering.models import AccountClass, CustomerValue
from plugins.value_tiering.targets.models import CustomerTarget, PurchaseTotal, TargetKind
from plugins.value_tiering.targets.rules import target_kind
from plugins.value_tiering.years import days_of, year_of

_ENTERED = (Action.CREATED, Action.UPDATED, Action.RESTORED)
_VALUES = {TargetKind.SHARE_OF_WALLET: "targetShare", TargetKind.ABSOLUTE_REVENUE: "targetRevenue"}
#: Why a target has its kind where none is given; who is in no class is as one of the mass market.
_REASONS = {
    TargetKind.SHARE_OF_WALLET: sentence(
        "customers classed as major or named accounts have targets of SHARE_OF_WALLET"
    ),
    TargetKind.ABSOLUTE_REVENUE: sentence("customers of other classes, or of none, have targets of ABSOLUTE_REVENUE"),
}
_MEANT = {
    TargetKind.SHARE_OF_WALLET: sentence("a share in percent"),
    TargetKind.ABSOLUTE_REVENUE: sentence("an amount"),
}


def customers_of(changes: Changes) -> set[str]:
    """The customers whose targets or purchases change."""
    return changes.ids("PurchaseTotal", "customer_id") | changes.ids("CustomerTarget", "customer_id")


def target_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Why a target is refused: it lacks the value of its kind, or has that of the other (T8)."""
    entered = [change.record for change in changes.of("CustomerTarget", *_ENTERED)]
    for target, kind in _kinds(ctx, entered):
        given = {"targetShare": target.target_share is not None, "targetRevenue": target.target_revenue is not None}
        needed = _VALUES[kind]
        (other,) = given.keys() - {needed}
        if not given[needed]:
            asked = sentence("give {meant}", meant=_MEANT[kind])
            because = sentence("a target of the kind {kind} needs it; {asked}", kind=kind, asked=asked)
            if target.kind is None:
                because = sentence("{reason}; {asked}, or another kind", reason=_REASONS[kind], asked=asked)
            yield UserError(
                "INVALID", sentence("{needed}: {because}", needed=needed, because=because), (needed,), target
            )
        elif given[other]:
            message = sentence(
                "{other}: a target of the kind {kind} is measured by {needed} alone; leave {other} out, or give "
                "another kind",
                other=other,
                kind=kind,
                needed=needed,
            )
            if target.kind is None:
                message = sentence(
                    "{other}: {reason}, which is measured by {needed} alone; leave {other} out, or give another kind",
                    other=other,
                    reason=_REASONS[kind],
                    needed=needed,
                )
            yield UserError("INVALID", message, (other,), target)


def purchase_warnings(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Warns of purchases of years to come, and of those that are less than what we alone sold (T9)."""
    this_year = year_of(ctx.calendar, ctx.clock.today())
    for change in changes.of("PurchaseTotal", *_ENTERED):
        purchases: Any = change.record
        if purchases.year > this_year:
            yield ctx.doubt(
                purchases,
                "year",
                sentence(
                    "{year} has not begun; give {this_year} or an earlier year",
                    year=purchases.year,
                    this_year=this_year,
                ),
            )
        sales = _sales(ctx, purchases)
        if sales > purchases.total_reporting:
            message = sentence(
                "total: in {year} we alone sold more than that to the customer, so that our share is above 100 %; "
                "correct the total, or the transactions",
                year=purchases.year,
            )
            yield UserError("ABOVE_WHOLE", message, ("total",), purchases, warning=True)


def settle_targets(ctx: Context, changes: Changes) -> None:
    """Gives targets without a kind that of their customer's account class (T8)."""
    entered = [change.record for change in changes.of("CustomerTarget", *_ENTERED)]
    for target, kind in _kinds(ctx, entered):
        if target.kind is None:
            target.kind = kind


def _kinds(ctx: Context, targets: Iterable[Any]) -> list[tuple[CustomerTarget, TargetKind]]:
    """Each target with its kind: the one given, else by account class."""
    targets = list(targets)
    ids = {target.customer_id for target in targets if target.kind is None}
    classes: dict[str, AccountClass | None] = {}
    if ids:
        known = select(CustomerValue.record_id, CustomerValue.account_class)
        rows = ctx.session.execute(known.where(col(CustomerValue.record_id).in_(ids)))
        classes = {row.record_id: row.account_class for row in rows}
    return [(target, target.kind or target_kind(classes.get(target.customer_id))) for target in targets]


def _sales(ctx: Context, purchases: PurchaseTotal) -> int:
    first, last = days_of(ctx.calendar, purchases.year)
    sales = Transaction.__table__.c
    found = ctx.session.scalar(
        select(func.sum(sales.actual_amount_reporting)).where(
            sales.customer_id == purchases.customer_id,
            sales.deleted_at.is_(None),
            sales.occurred_on.between(first, last),
        )
    )
    return int(found or 0)
