"""What a mutation answers of records is read with its commit, a plugin's mutation as one of the core."""

import pytest
import strawberry

from core.db.transaction import COMMIT
from guanxi import Facet, Field, Input, Payload, Plugin, Ref, Reject, UserError, column, hookimpl, mutation
from guanxi.records import Customer
from guanxi.testing import Rival, together


class Praise(Facet, of="Customer", plugin="praising"):
    """How often it was praised."""

    praised: int = column("How often.", default=0)


@strawberry.input
class PraiseInput(Input):
    """Who is praised."""

    customer_ids: list[strawberry.ID] = strawberry.field(description="Who.")


@strawberry.type
class Speech:
    """What is said of somebody."""

    said_of: Ref[Customer] | None = strawberry.field(description="Of whom.")


@strawberry.type
class PraisePayload(Payload):
    """Who was praised."""

    all_of_them: list[Ref[Customer]] = strawberry.field(default_factory=list, description="Who was.")
    speeches: list[Speech] = strawberry.field(default_factory=list, description="What was said.")


def praise_each(ctx, input):
    for id in input.customer_ids:
        ctx.facet(Praise, id).praised += 1
        if ctx.facet(Praise, id).praised > 9:
            raise Reject(UserError("TOO_MUCH", "customerIds: that is too much praise", ("customerIds",)))


@mutation
def praise(ctx, input: PraiseInput) -> Ref[Customer]:
    """Praises one customer."""
    praise_each(ctx, input)
    return input.customer_ids[0]


@mutation(as_plugin=True)
def praise_all(ctx, input: PraiseInput) -> PraisePayload:
    """Praises customers."""
    praise_each(ctx, input)
    ids = list(input.customer_ids)
    return PraisePayload(all_of_them=ids, speeches=[Speech(said_of=id) for id in [None, *ids]])


class Praising(Plugin):
    name, version, api = "praising", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.praised", Praise.praised, "How often it was praised.", writable=True)
        yield Field("Customer.fame", python=fame, needs=["praised"], type=str, description="The same in stars.")

    @hookimpl
    def register_operations(self):
        return [praise, praise_all]


def fame(ctx, rows):
    return ["*" * (row["praised"] or 0) for row in rows]


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(Praising)


@pytest.fixture
def customers(client):
    return [client.create("Customer", name=name)["id"] for name in ("Ann", "Bo")]


ONE = """mutation ($ids: [ID!]!, $dry: Boolean, $key: String) {
    praise(input: {customerIds: $ids, dryRun: $dry, idempotencyKey: $key}) {
        customer { praised } userErrors { code } } }"""


def praised(client, *ids, **given):
    return client.query(ONE, ids=ids, **given)["praise"]


@pytest.fixture
def committed(client, monkeypatch):
    """The numbers of statements that read how often somebody was praised, by commits with which some were sent."""
    found = []

    def note(process, statements):
        number = sum(each.sql.startswith("SELECT") and "praised" in each.sql for each in statements)
        if COMMIT in statements and number:
            found.append(number)

    monkeypatch.setattr(client.app.database, "on_trip", note)
    return found


def test_a_record_is_read_in_the_round_trip_of_the_commit(client, customers, committed):
    assert praised(client, customers[0]) == {"customer": {"praised": 1}, "userErrors": []}
    assert committed == [1]


def test_of_two_at_once_each_answers_its_own(client, customers):
    variables = {"ids": customers[:1], "dry": False, "key": None}
    assert together(client, *[Rival(ONE, variables)] * 2) >= 1


def test_each_record_of_a_payload_is_read_so_once_for_all_places_of_a_selection(client, customers, committed):
    text = """mutation ($ids: [ID!]!) {
        first: praiseAll(input: {customerIds: $ids}) {
            allOfThem { name praised } again: allOfThem { fame } speeches { ...Said } }
        second: praiseAll(input: {customerIds: $ids}) { allOfThem { praised } speeches { ...Said } } }
        fragment Said on Speech { saidOf { praised } }"""
    answer = client.query(text, ids=customers)
    assert answer["first"] == {
        "allOfThem": [{"name": "Ann", "praised": 1}, {"name": "Bo", "praised": 1}],
        "again": [{"fame": "*"}, {"fame": "*"}],
        "speeches": [{"saidOf": None}, {"saidOf": {"praised": 1}}, {"saidOf": {"praised": 1}}],
    }
    assert answer["second"]["allOfThem"] == [{"praised": 2}, {"praised": 2}]
    assert committed == [3, 2]


def test_what_python_makes_of_a_record_of_the_core_is_made_of_what_was_read_so(client, customers, committed):
    text = """mutation ($id: ID!) { updateCustomer(input: {id: $id, praised: 3}) { customer { fame } } }"""
    assert client.query(text, id=customers[0]) == {"updateCustomer": {"customer": {"fame": "***"}}}
    assert committed == [1]


def test_a_repetition_is_answered_with_the_record_as_it_is_and_a_dry_run_as_it_stays(client, customers):
    assert praised(client, customers[0], key=customers[0])["customer"] == {"praised": 1}
    assert praised(client, customers[0], dry=True)["customer"] == {"praised": 1}
    assert praised(client, customers[0])["customer"] == {"praised": 2}
    assert praised(client, customers[0], key=customers[0])["customer"] == {"praised": 2}


def test_what_is_refused_shows_no_record(client, customers):
    answer = praised(client, *customers[:1] * 10)
    assert answer == {"customer": None, "userErrors": [{"code": "TOO_MUCH"}]}
    assert praised(client, customers[0])["customer"] == {"praised": 1}
