"""Records of collection: payments of receivables, reminders that were sent, and promises to pay."""

from datetime import date

from guanxi import Money, Record, Vocabulary, column, reference
from guanxi.records import Contact
from guanxi.vocabulary import Channel
from plugins.credit_scoring.models import CREDIT, Receivable


class PromiseStatus(Vocabulary):
    """Whether a promise to pay was kept."""

    OPEN = "OPEN", "Its day has not passed, and it is not paid yet."
    KEPT = "KEPT", "What was promised was paid by its day."
    BROKEN = "BROKEN", "Its day has passed without the payment."


# C4
class Payment(Record, plugin="credit_scoring", prefix="pmt"):
    """A payment of a receivable, in whole or in part, on a day."""

    __permission__ = CREDIT
    __groups__ = False
    __order__ = (("paidOn", False),)

    receivable_id: str = reference(
        Receivable,
        "The receivable it pays.",
        inverse="payments",
        inverse_description="Its payments, first to last.",
        on_destroy="CASCADE",
    )
    amount: Money = column("Amount paid, in the currency of the receivable.")
    paid_on: date = column("Day of the payment.", index=True, past=True)
    bank_reference: str | None = column("Reference of the transfer.", default=None, max_length=140, exact=True)


class PaymentReminder(Record, plugin="credit_scoring", prefix="rem"):
    """A reminder that was sent for an overdue receivable."""

    __permission__ = CREDIT
    __groups__ = False
    __order__ = (("sentOn", True),)
    __of_one_customer__ = ("receivable_id", "contact_id")

    receivable_id: str = reference(
        Receivable,
        "The receivable.",
        inverse="reminders",
        inverse_description="Reminders sent for it, latest first.",
        on_destroy="CASCADE",
    )
    level: int = column("Dunning level of the reminder, from 1.", minimum=1)
    sent_on: date = column("Day it was sent.", index=True, past=True)
    channel: Channel | None = column("How it was sent.", default=None)
    contact_id: str | None = reference(
        Contact,
        "The person it was sent to.",
        default=None,
        on_destroy="SET NULL",
    )
    note: str | None = column("Notes.", default=None, long=True, max_length=2000, personal=True)


class PaymentPromise(Record, plugin="credit_scoring", prefix="prm"):
    """A promise of a customer to pay an amount of a receivable by a day."""

    __permission__ = CREDIT
    __groups__ = False
    __order__ = (("promisedFor", True),)
    __of_one_customer__ = ("receivable_id", "contact_id")

    receivable_id: str = reference(
        Receivable,
        "The receivable.",
        inverse="promises",
        inverse_description="Promises to pay it, latest first.",
        on_destroy="CASCADE",
    )
    amount: Money = column("Amount promised, in the currency of the receivable.")
    promised_on: date = column("Day the promise was made.", past=True)
    promised_for: date = column("Last day of the payment that was promised.", index=True)
    contact_id: str | None = reference(
        Contact,
        "The person who promised.",
        default=None,
        on_destroy="SET NULL",
    )
    note: str | None = column("Notes.", default=None, long=True, max_length=2000, personal=True)
