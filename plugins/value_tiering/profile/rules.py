"""The rules of relationships: the class that is suggested for a customer."""

from sqlalchemy import and_, case, func, null, or_

from guanxi.sql import Expression
from guanxi.vocabulary import LifecycleStage
from plugins.value_tiering.models import ValueQuadrant
from plugins.value_tiering.profile.models import RelationshipClass


def suggested_class(
    *,
    last_bought: Expression,
    lost_before: Expression,
    lifecycle: Expression,
    quadrant: Expression,
    open_deals: Expression,
    lost_deals: Expression,
) -> Expression:
    """The class of relationship that the records of a customer speak for (T18, X26); null where they speak for none.

    Lost is who bought and no longer does, or never did although there was an opportunity. Growth is who buys little and
    has a high potential. Cooperative is who has bought for long and still does. New is who has not bought yet, but may:
    an opportunity is open, or the potential is high.

    Args:
        last_bought: day of the latest purchase; null if nothing was ever bought.
        lost_before: a customer whose latest purchase is earlier is lost.
        lifecycle: stage of its lifecycle.
        quadrant: of current and potential value.
        open_deals, lost_deals: numbers of its opportunities.
    """
    has_potential = func.coalesce(quadrant == ValueQuadrant.LOW_HIGH.value, False)
    never_began = and_(last_bought.is_(None), open_deals == 0, lost_deals > 0)
    return case(
        (or_(func.coalesce(last_bought < lost_before, False), never_began), RelationshipClass.LOST.value),
        (and_(last_bought.is_not(None), has_potential), RelationshipClass.GROWTH.value),
        (
            and_(last_bought.is_not(None), lifecycle == LifecycleStage.LONG_TERM.value),
            RelationshipClass.COOPERATIVE.value,
        ),
        (and_(last_bought.is_(None), or_(open_deals > 0, has_potential)), RelationshipClass.NEW.value),
        else_=null(),
    )


def is_to_win_back(class_: Expression, suggested: Expression, abandoned_at: Expression) -> Expression:
    """Whether a customer is to be won back (T18): lost as judged, else as suggested, and not given up; never null."""
    return and_(func.coalesce(class_, suggested, "") == RelationshipClass.LOST.value, abandoned_at.is_(None))
