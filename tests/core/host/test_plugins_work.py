"""What a plugin writes in a transaction of its own goes before every plugin, as any change does."""

import threading

import pytest
import strawberry

from guanxi import (
    Facet,
    Field,
    Input,
    InputError,
    Money,
    Plugin,
    PluginError,
    Ref,
    UserError,
    hookimpl,
    mutation,
    query,
)
from guanxi.records import Customer, Transaction


class Sales(Facet, of="Customer", plugin="till"):
    count: int = 0


class Till(Plugin):
    """Counts what is sold, and takes no large notes."""

    name, version, api = "till", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.sales", Sales.count, "How often it bought.")

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Transaction"):
            if change.record.actual_amount_minor > 100_00:
                yield UserError("TOO_LARGE", "actualAmount: is more than 100", ("actualAmount",), change.record)
            elif change.record.actual_amount_minor > 50_00:
                yield UserError("LARGE", "actualAmount: is more than 50", record=change.record, warning=True)

    @hookimpl
    def before_commit(self, ctx, changes):
        for sale in changes.created("Transaction"):
            ctx.facet(Sales, sale.customer_id).count += 1
            sale.description = "counted"


def sell(ctx, customer, amount):
    sale = Transaction(
        customer_id=customer, occurred_on=ctx.clock.today(), actual_amount=Money(amount, ctx.reporting_currency)
    )
    ctx.session.add(sale)
    return sale


@strawberry.input
class SellNowInput(Input):
    """What is sold."""

    customer: strawberry.ID = strawberry.field(description="To whom.")
    amount: str = strawberry.field(description="For how much.")


@mutation
def sell_now(ctx, input: SellNowInput) -> Ref[Transaction]:
    """Sells."""
    return sell(ctx, input.customer, input.amount)


class Counter(Plugin):
    """Sells over the counter, and a first thing when it starts."""

    name, version, api = "counter", "1.0", ">=1,<2"
    opening: str | None = None

    @hookimpl
    def startup(self, ctx):
        if self.opening is not None:
            customer = Customer(name="First")
            ctx.session.add(customer)
            ctx.session.flush()
            sell(ctx, customer.id, self.opening)

    @hookimpl
    def register_operations(self):
        return [sell_now]


@pytest.fixture(scope="module")
def shop(module_crm):
    return module_crm(Till, Counter)


def customer(client, name):
    made = client.query(f'mutation {{ createCustomer(input: {{name: "{name}"}}) {{ customer {{ id }} }} }}')
    return made["createCustomer"]["customer"]["id"]


SELL = """mutation ($customer: ID!, $amount: String!) { sellNow(input: {customer: $customer, amount: $amount}) {
    transaction { description version customer { sales transactionCount } } userErrors { message plugin } } }"""


def sold(client, customer, amount):
    return client.query(SELL, customer=customer, amount=amount)["sellNow"]


def test_an_operation_s_changes_go_before_every_plugin_s_before_commit(shop):
    ann = customer(shop, "Ann")
    first = {"description": "counted", "version": 1, "customer": {"sales": 1, "transactionCount": 1}}
    assert sold(shop, ann, "9") == {"transaction": first, "userErrors": []}
    assert sold(shop, ann, "60")["transaction"]["customer"] == {"sales": 2, "transactionCount": 2}
    found = shop.query("{ events(types: [TRANSACTION_CREATED]) { nodes { changes { field current } } } }")
    notes = [{"field": "description", "current": "counted"} in event["changes"] for event in found["events"]["nodes"]]
    assert notes == [True, True]


def test_an_operation_s_changes_are_refused_by_any_plugin_s_validate(shop):
    bo = customer(shop, "Bo")
    assert sold(shop, bo, "101") == {
        "transaction": None,
        "userErrors": [{"message": "actualAmount: is more than 100", "plugin": "till"}],
    }
    bought = "query ($id: ID!) { customer(id: $id) { sales transactions { totalCount } } }"
    assert shop.query(bought, id=bo)["customer"] == {"sales": 0, "transactions": {"totalCount": 0}}


def test_what_startup_writes_is_put_before_them_too(crm):
    opening = Counter()
    opening.opening = "5"
    client = crm(Till, opening)
    assert client.query("{ customers { nodes { name sales } } }")["customers"]["nodes"] == [
        {"name": "First", "sales": 1}
    ]
    opening.opening = "500"
    with pytest.raises(PluginError, match="plugin 'counter', startup: actualAmount: is more than 100"):
        crm(Till, opening)


class Gifts(Plugin):
    """Gives away a first thing, which the till is asked about too."""

    name, version, api = "gifts", "1.0", ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        for customer in changes.created("Customer"):
            sell(ctx, customer.id, {"Modest": "10", "Grand": "60", "Excessive": "110"}[customer.name])


NEW = """mutation ($name: String!) { createCustomer(input: {name: $name}) {
    customer { sales } userErrors { code plugin } warnings { code message plugin } } }"""

NEW_ONES = """mutation ($rows: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $rows}) {
    created warnings { code field } } }"""


def test_warnings_about_what_a_hook_writes_are_returned(crm):
    client = crm(Till, Gifts)

    def new(name):
        return client.query(NEW, name=name)["createCustomer"]

    assert new("Modest")["warnings"] == []
    warning = {"code": "LARGE", "message": "actualAmount: is more than 50", "plugin": "till"}
    assert new("Grand") == {"customer": {"sales": 0}, "userErrors": [], "warnings": [warning]}
    assert new("Excessive")["userErrors"] == [{"code": "TOO_LARGE", "plugin": "till"}]
    rows = [{"name": name, "externalIds": [{"system": "s", "value": name}]} for name in ("Modest", "Grand")]
    upserted = client.query(NEW_ONES, rows=rows)["upsertCustomers"]
    # The warning names the gift, which is not a row of the batch, so every row has it.
    assert upserted == {
        "created": 2,
        "warnings": [{"code": "LARGE", "field": ["items", place]} for place in ("0", "1")],
    }


def test_all_root_fields_that_fail_are_reported_in_the_order_in_which_they_were_asked_for(crm):
    later = threading.Event()

    @query
    def first_count(ctx) -> int:
        """Fails after the other has."""
        assert later.wait(10)
        raise InputError("first: it failed")

    @query
    def last_count(ctx) -> int:
        """Fails at once."""
        later.set()
        raise InputError("last: it failed")

    class Failing(Plugin):
        name, version, api = "failing", "1.0", ">=1,<2"

        @hookimpl
        def register_operations(self):
            return [first_count, last_count]

    answer = crm(Failing).execute("{ firstCount customers { totalCount } lastCount }")
    assert answer["data"] is None
    assert [(error["path"], error["message"]) for error in answer["errors"]] == [
        (["firstCount"], "first: it failed"),
        (["lastCount"], "last: it failed"),
    ]
