"""Messages that keep the values they are made of."""

from datetime import UTC, date, datetime
from decimal import Decimal

from core.base.errors import UserError
from core.base.sentences import noun, replaced, sentence, translated
from core.records.vocabulary import CustomerStatus


def test_a_message_keeps_its_values_and_those_of_messages_within_it_by_names_as_clients_see_them():
    inner = sentence(
        "{amount} is above {limit} since {first_day}", amount=Decimal("1.50"), limit=1, first_day=date(2026, 1, 2)
    )
    error = UserError("INVALID", sentence("{field}: {problem}", field="budget", problem=inner), ("budget",))
    assert error.message == "budget: 1.50 is above 1 since 2026-01-02"
    assert error.params == {"amount": "1.50", "limit": 1, "firstDay": "2026-01-02", "field": "budget"}
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


def test_a_message_is_translated_with_the_messages_and_terms_within_it():
    said = sentence(
        "{field}: {problem}", field="id", problem=sentence("no {record} {id!r}", record=noun("ApiKey"), id="a")
    )
    german = {
        "{field}: {problem}": "{field}: {problem}!",
        "no {record} {id!r}": "kein {record} {id!r}",
        "api key": "Schlüssel",
    }
    assert translated(said, lambda text: german.get(text, text)) == "id: kein Schlüssel 'a'!"
    # A translation with other places is none.
    assert translated(said, lambda text: text.replace("{id!r}", "{name}")) == said
    hidden = replaced(said, lambda text: "hidden" if text == "a" else text)
    assert (hidden, hidden.template) == ("id: no api key 'hidden'", said.template)
    error = UserError("NOT_FOUND", said)
    assert error.params == {"field": "id", "record": "api key", "id": "a"}
    restored = UserError.restored(error.kept(), warning=False)
    assert translated(restored.message, lambda text: german.get(text, text)) == "id: kein Schlüssel 'a'!"


def test_a_list_is_read_as_its_values_and_stays_one_where_clients_have_it():
    said = sentence("by {fields} of {records}", fields=("name", "birthDate"), records=[noun("Contact"), "others"])
    assert said == "by name, birthDate of contact, others"
    error = UserError("DUPLICATE", said)
    assert error.params == {"fields": ["name", "birthDate"], "records": ["contact", "others"]}
    chinese = {"by {fields} of {records}": "{records}：{fields}", "contact": "联系人", ", ": "、"}
    for message in (said, UserError.restored(error.kept(), warning=False).message):
        assert translated(message, lambda text: chinese.get(text, text)) == "联系人、others：name、birthDate"
    assert sentence("{sizes:,}; {given!r}", sizes=[1000, 2], given=["a"]) == "1,000, 2; ['a']"
    hidden = replaced(said, lambda text: "hidden" if text == "others" else text)
    assert hidden == "by name, birthDate of contact, hidden"
