"""The rules of targets: their kind, our share of what a customer buys, and attainment."""

from sqlalchemy import case, literal, null

from guanxi.sql import Expression, rounded_ratio, rounded_share
from plugins.value_tiering.models import AccountClass
from plugins.value_tiering.targets.models import TargetKind


def target_kind(account_class: AccountClass | None) -> TargetKind:
    """What a target for a customer of a class is measured by (T8); one without a class is as one of the mass market."""
    if account_class in (AccountClass.MAJOR, AccountClass.NAMED):
        return TargetKind.SHARE_OF_WALLET
    return TargetKind.ABSOLUTE_REVENUE


def share_of_wallet(sales: Expression, total: Expression) -> Expression:
    """Our sales in hundredths of a percent of all that a customer buys (T9); null where that is unknown or 0.

    Args:
        sales, total: of the same year, in minor units of one currency.
    """
    return percentage(sales, total)


def percentage(part: Expression, base: Expression) -> Expression:
    """A part in hundredths of a percent of its base; null where that is unknown or 0."""
    return case((base > 0, rounded_share(part, literal(10_000), base)), else_=null())


def attainment(
    kind: Expression, *, sales: Expression, total: Expression, target_share: Expression, target_revenue: Expression
) -> Expression:
    """What is reached in hundredths of a percent of the target, by its kind alone (T8); null where that is unknown.

    Args:
        kind: of the target.
        sales, total: our sales, and all that the customer buys, in minor units of one currency.
        target_share: in hundredths of a percent.
        target_revenue: in minor units of the same currency.
    """
    # By what the share comes to, not by our share, which is rounded: 3.004 % of 20 % are 15.02 %.
    of_share = percentage(sales, rounded_ratio(total * target_share, literal(10_000)))
    return case(
        (kind == TargetKind.SHARE_OF_WALLET.value, of_share),
        else_=percentage(sales, target_revenue),
    )
