"""Assessments of what a customer is worth, in eight parts."""

from datetime import date
from decimal import Decimal
from typing import Any

from guanxi import Record, column, reference
from guanxi.records import Customer, User
from plugins.value_tiering.models import VALUE


def _score(description: str) -> Any:
    return column(f"{description}, 0 to 100.", default=None, minimum=0, maximum=100)


# T14
class ValueAssessment(Record, plugin="value_tiering", prefix="vas"):
    """What somebody judges a customer to be worth on a day, in eight parts; the latest is the one that counts."""

    __permission__ = VALUE
    __aggregates__ = False
    __order__ = (("assessedOn", True),)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="value_assessments",
        inverse_description="Assessments of its value, latest first.",
        on_destroy="CASCADE",
    )
    assessed_on: date = column("Day of which it is.", index=True, past=True)
    assessor_id: str | None = reference(
        User,
        "Who judged; if not given, the user who enters it.",
        default=None,
        on_destroy="SET NULL",
    )
    current_value_score: Decimal | None = _score("Current value")
    future_value_score: Decimal | None = _score("Future value")
    creditworthiness_score: Decimal | None = _score(
        "Creditworthiness; if left out of an assessment of the day, the customer's credit score where there is one"
    )
    relationship_score: Decimal | None = _score("Relationship with us")
    publicity_score: Decimal | None = _score("Publicity")
    brand_score: Decimal | None = _score("Brand")
    network_score: Decimal | None = _score("Network")
    information_score: Decimal | None = _score("Information")
    note: str | None = column("Reasons.", default=None, max_length=5000, long=True, personal=True, permission=None)
