"""The fields that follow from payments, reminders and promises, all of them as of any day."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, and_, case, func

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.sql import Expression
from plugins.credit_scoring import rules
from plugins.credit_scoring.collection import rules as collection
from plugins.credit_scoring.collection.models import Payment, PaymentPromise, PaymentReminder, PromiseStatus
from plugins.credit_scoring.models import AgeingBucket, Receivable


def total(minor: Expression) -> Expression:
    """Sums in SQL; 0 without rows."""
    return func.coalesce(func.sum(minor).cast(BigInteger), 0)


def is_open(invoice: Row) -> Expression:
    """Whether a receivable is open as of the day of the request."""
    return rules.is_open(invoice.invoiced_on, invoice.settled_on, invoice.as_of)


def is_owed(invoice: Row) -> Expression:
    """Whether a receivable is open and is not a credit note, of which the customer is not reminded."""
    return and_(is_open(invoice), invoice.amount.minor >= 0)


def days_late(invoice: Row) -> Expression:
    """Days late of a receivable as of the day of the request."""
    return rules.days_late(invoice.due_on, invoice.settled_on, invoice.as_of)


def unpaid(invoice: Row) -> Expression:
    """What is unpaid of an open receivable as of the day of the request, in the reporting currency."""
    minor: Expression = invoice.amount.reporting
    return minor - _paid(invoice, "reporting")


def _paid(invoice: Row, part: str) -> Expression:
    def is_counted(payment: Row) -> Expression:
        counted: Expression = payment.paid_on <= payment.as_of
        return counted

    return invoice.over(Payment, "receivable_id", lambda payment: total(getattr(payment.amount, part)), is_counted)


def receivable_fields(dunning_days: Sequence[int]) -> Iterator[Field]:
    """The fields of receivables and promises.

    Args:
        dunning_days: days past due from which on each dunning level is reached.
    """

    def level(row: Row) -> Expression:
        return collection.dunning_level(days_late(row), is_owed(row), dunning_days)

    def is_due(row: Row) -> Expression:
        return collection.is_reminder_due(
            level(row), _reminded(row), row.is_disputed, _promises(row, PromiseStatus.OPEN)
        )

    yield Field(
        "Receivable.outstanding",
        _outstanding,
        "Outstanding amount, in its currency: the amount less the payments so far; 0 once it is settled.",
        Money,
    )
    yield Field(
        "Receivable.paidAmount",
        _paid_amount,
        "Amount paid so far, in its currency: all of it once it is settled.",
        Money,
    )
    yield Field(
        "Receivable.daysLate", days_late, "Days past due at settlement, or so far while it is open; 0 if on time.", int
    )
    yield Field(
        "Receivable.isLate",
        lambda row: rules.is_late(row.due_on, row.settled_on, row.as_of),
        "Whether it was settled after its due date, or is open past it.",
        bool,
    )
    yield Field(
        "Receivable.ageingBucket",
        lambda row: rules.ageing_bucket(case((is_open(row), row.amount.minor), else_=0), days_late(row)),
        "Ageing of the outstanding amount; null if nothing is outstanding.",
        AgeingBucket,
    )
    yield Field(
        "Receivable.dunningLevel",
        level,
        "Dunning level by days past due, 0 while the first is not reached; null unless it is open.",
        int,
    )
    yield Field(
        "Receivable.remindedLevel", _reminded, "Highest level of the reminders sent so far; 0 without any.", int
    )
    yield Field(
        "Receivable.isReminderDue",
        is_due,
        "Whether a dunning level is reached for which no reminder was sent; false while it is disputed, or a promise "
        "to pay it is open.",
        bool,
    )
    yield Field(
        "PaymentPromise.status", _status, "Whether it was kept; null as of a day before it was made.", PromiseStatus
    )


def _outstanding(row: Row) -> MoneyExpression:
    def left(part: str) -> Expression:
        return case((is_open(row), getattr(row.amount, part) - _paid(row, part)), else_=0)

    return MoneyExpression(left("minor"), row.amount.currency, left("reporting"))


def _paid_amount(row: Row) -> MoneyExpression:
    def paid(part: str) -> Expression:
        return case((row.settled_on <= row.as_of, getattr(row.amount, part)), else_=_paid(row, part))

    return MoneyExpression(paid("minor"), row.amount.currency, paid("reporting"))


def _reminded(row: Row) -> Expression:
    return row.over(
        PaymentReminder,
        "receivable_id",
        lambda reminder: func.coalesce(func.max(reminder.level), 0),
        lambda reminder: reminder.sent_on <= reminder.as_of,
    )


def _promises(invoice: Row, status: PromiseStatus) -> Expression:
    """How many promises to pay an invoice have a status."""
    return invoice.over(
        PaymentPromise, "receivable_id", lambda promise: func.count(), lambda promise: _status(promise) == status.value
    )


def _status(promise: Row) -> Expression:
    invoice: Any = promise.as_fact().to("receivable")
    until = case((promise.promised_for < promise.as_of, promise.promised_for), else_=promise.as_of)
    paid = invoice.over(
        Payment,
        "receivable_id",
        lambda payment: total(payment.amount.minor),
        lambda payment: and_(payment.paid_on >= promise.promised_on, payment.paid_on <= until),
    )
    return collection.promise_status(
        promised_on=promise.promised_on,
        promised_for=promise.promised_for,
        amount=promise.amount.minor,
        paid=paid,
        settled_on=invoice.settled_on,
        as_of=promise.as_of,
    )


def customer_fields(dunning_days: Sequence[int]) -> Iterator[Field]:
    """The fields of customers.

    Args:
        dunning_days: days past due from which on each dunning level is reached.
    """

    def level(row: Row) -> Expression:
        return row.over(
            Receivable,
            "customer_id",
            lambda invoice: func.max(collection.dunning_level(days_late(invoice), is_owed(invoice), dunning_days)),
        )

    def broken(row: Row) -> Expression:
        return row.over(Receivable, "customer_id", lambda invoice: total(_promises(invoice, PromiseStatus.BROKEN)))

    yield Field("Customer.dunningLevel", level, "Highest dunning level of its open invoices; null without any.", int)
    yield Field("Customer.brokenPromises", broken, "Number of promises to pay that it broke.", int)
