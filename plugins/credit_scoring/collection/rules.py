"""The rules of collection: what is wrong with payments and promises, dunning levels, and promises as kept or broken."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate, pairwise

from sqlalchemy import and_, case, null, or_

from guanxi import sentence
from guanxi.sql import Expression
from plugins.credit_scoring.collection.models import PromiseStatus


def amount_problem(amount: int, currency: str, expected: str) -> str | None:
    """What is wrong with an amount paid or promised of a receivable that is in the expected currency."""
    if amount <= 0:
        return sentence("it is not positive; give more than 0, and delete what did not happen")
    if currency != expected:
        return sentence(
            "it is in {currency}, but the receivable is in {expected}; give the amount in {expected}",
            currency=currency,
            expected=expected,
        )
    return None


def before_invoice_doubt(day: date, invoiced_on: date) -> str | None:
    """What is implausible about the day of something that presupposes the invoice."""
    return (
        sentence("{day} is before the invoice date, {invoiced_on}; check both days", day=day, invoiced_on=invoiced_on)
        if day < invoiced_on
        else None
    )


def shares_of(whole: int, parts: Sequence[int], of: int) -> list[int]:
    """Splits a whole in the proportion of parts of another: rounded half up, and together never more than their share.

    Args:
        whole: what is split, such as an amount in the reporting currency.
        parts: in the other measure, such as payments in the currency of the invoice, together at most `of`.
        of: the whole in that measure, above 0.
    """
    sums = [0, *((2 * whole * part + of) // (2 * of) for part in accumulate(parts))]
    return [later - earlier for earlier, later in pairwise(sums)]


def dunning_level(days_late: Expression, is_open: Expression, days: Sequence[int]) -> Expression:
    """The dunning level of a receivable (C4): how many of the days it is past; null unless it is open.

    Args:
        days_late: days past due.
        is_open: whether it is open.
        days: past due from which on each level is reached, rising.
    """
    reached = [(days_late >= least, level) for level, least in reversed([*enumerate(days, 1)])]
    return case((is_open, case(*reached, else_=0)), else_=null())


def is_reminder_due(
    level: Expression, reminded: Expression, is_disputed: Expression, open_promises: Expression
) -> Expression:
    """Whether a reminder is due: a level is reached that no reminder has, without a dispute or an open promise."""
    return case((and_(level > reminded, is_disputed.is_not(True), open_promises == 0), True), else_=False)


def promise_status(
    *,
    promised_on: Expression,
    promised_for: Expression,
    amount: Expression,
    paid: Expression,
    settled_on: Expression,
    as_of: Expression,
) -> Expression:
    """Whether a promise was kept by a day; null before it was made.

    Args:
        promised_on, promised_for: days on which it was made, and by which it is to be paid.
        amount, paid: what was promised, and what was paid from the one day to the other, at most to `as_of`.
        settled_on: when the receivable was paid in full.
        as_of: the day.
    """
    settled = and_(settled_on <= promised_for, settled_on <= as_of)
    return case(
        (promised_on > as_of, null()),
        (or_(settled, paid >= amount), PromiseStatus.KEPT.value),
        (promised_for < as_of, PromiseStatus.BROKEN.value),
        else_=PromiseStatus.OPEN.value,
    )
