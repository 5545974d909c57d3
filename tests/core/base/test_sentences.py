"""Messages that keep the values they are made of."""

from datetime import UTC, date, datetime
from decimal import Decimal

from core.base.errors import UserError
from core.base.sentences import sentence
from core.records.vocabulary import CustomerStatus


def test_a_message_keeps_its_values_and_those_of_messages_within_it():
    inner = sentence("{amount} is above {limit} since {day}", amount=Decimal("1.50"), limit=1, day=date(2026, 1, 2))
    error = UserError("INVALID", sentence("{field}: {problem}", field="budget", problem=inner), ("budget",))
    assert error.message == "budget: 1.50 is above 1 since 2026-01-02"
    assert error.params == {"amount": "1.50", "limit": 1, "day": "2026-01-02", "field": "budget"}
    assert UserError("INVALID", "a text with {braces}").params == {}


def test_a_kept_error_is_restored_whole():
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    inner = sentence("{id!r} was {status} at {moment}", id="a'b", status=CustomerStatus.ACTIVE, moment=moment)
    for message in (sentence("id: {problem}", problem=inner), "a text with {braces}"):
        error = UserError("INVALID", message, ["id"], plugin="loyalty", warning=True)
        assert UserError.restored(error.kept(), warning=True) == error
        assert UserError.restored(error.kept(), warning=True).params == error.params
    # As an earlier version kept it.
    assert UserError.restored(["INVALID", "said", None, None], warning=False) == UserError("INVALID", "said")
