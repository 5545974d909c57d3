"""What a plugin writes in a transaction of its own goes before every plugin, as any change does."""

from typing import Any

import pytest
import strawberry

from guanxi import Facet, Field, Money, Operations, Plugin, PluginError, Reject, UserError, hookimpl
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
    def register_operations(self, types: Any) -> Operations:
        class Mutation:
            @strawberry.mutation(description="Sells.")
            async def sell(self, info: strawberry.Info, customer: strawberry.ID, amount: str) -> types.Transaction:
                return await info.context.transact("counter", lambda ctx: sell(ctx, customer, amount))

            @strawberry.mutation(description="Sells, and tells what is wrong.")
            async def try_to_sell(self, info: strawberry.Info, customer: strawberry.ID, amount: str) -> list[str]:
                try:
                    await info.context.transact("counter", lambda ctx: sell(ctx, customer, amount))
                except Reject as reject:
                    return [f"{error.plugin}: {error.message}" for error in reject.errors]
                return []

        return Operations(mutation=Mutation)


@pytest.fixture(scope="module")
def shop(module_crm):
    return module_crm(Till, Counter)


def customer(client, name):
    made = client.query(f'mutation {{ createCustomer(input: {{name: "{name}"}}) {{ customer {{ id }} }} }}')
    return made["createCustomer"]["customer"]["id"]


SELL = """mutation ($customer: ID!, $amount: String!) { sell(customer: $customer, amount: $amount) {
    description version customer { sales transactionCount } } }"""


def test_an_operation_s_changes_go_before_every_plugin_s_before_commit(shop):
    ann = customer(shop, "Ann")
    sold = {"description": "counted", "version": 1, "customer": {"sales": 1, "transactionCount": 1}}
    assert shop.query(SELL, customer=ann, amount="9") == {"sell": sold}
    assert shop.query(SELL, customer=ann, amount="60")["sell"]["customer"] == {"sales": 2, "transactionCount": 2}
    found = shop.query("{ events(types: [TRANSACTION_CREATED]) { nodes { changes { field current } } } }")
    notes = [{"field": "description", "current": "counted"} in event["changes"] for event in found["events"]["nodes"]]
    assert notes == [True, True]


def test_an_operation_s_changes_are_refused_by_any_plugin_s_validate(shop):
    bo = customer(shop, "Bo")
    asked = "mutation ($id: ID!, $amount: String!) { tryToSell(customer: $id, amount: $amount) }"
    assert shop.query(asked, id=bo, amount="101") == {"tryToSell": ["till: actualAmount: is more than 100"]}
    answer = shop.execute(SELL, customer=bo, amount="101")
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [
        ("actualAmount: is more than 100", "REJECTED")
    ]
    bought = "query ($id: ID!) { customer(id: $id) { sales transactions { totalCount } } }"
    assert shop.query(bought, id=bo)["customer"] == {"sales": None, "transactions": {"totalCount": 0}}


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
