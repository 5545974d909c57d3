"""What value tiering says beyond tiers: abandonment that people confirm."""

import pytest

from plugins.value_tiering import ValueTiering
from tests import data


@pytest.fixture(scope="module")
def shared(module_crm):
    """Ten customers by profit, the last two without any, one of which has high potential."""
    client = module_crm(ValueTiering, plugins={"value_tiering": {"potential_value_threshold": "1000"}})
    profits = [500, 300, 60, 40, 30, 25, 20, 15, 0, 0]
    data.upsert(
        client,
        "customers",
        [{"externalIds": [data.key(f"c{n}")], "name": f"Customer {n}"} for n in range(len(profits))],
    )
    data.upsert(client, "customers", [{"externalIds": [data.key("c9")], "potentialValue": {"amount": "1000"}}])
    data.upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [data.key(f"x{n}")],
                "customerExternalId": data.key(f"c{n}"),
                "occurredOn": "2025-05-01",
                "actualAmount": {"amount": str(profit + 100)},
                "cost": {"amount": "100"},
            }
            for n, profit in enumerate(profits)
        ],
    )
    client.query("mutation { recomputeValueTiers(input: {}) { changed } }")
    return client


def customer(client, number, fields):
    return client.query(
        f'{{ customer(externalId: {{system: "test", value: "c{number}"}}) {{ {fields} }} }}',
    )["customer"]


def test_t5_abandonment_is_recommended_filtered_and_grouped(shared):
    found = shared.query(
        """{ customers(where: {isAbandonmentRecommended: {eq: true}}) { nodes { name smallKind abandonmentReasons } }
          customersGroupBy(by: [{smallKind: true}]) { keys { smallKind } aggregate { count } } }"""
    )
    assert found["customers"]["nodes"] == [
        {"name": "Customer 8", "smallKind": "LOW_PROFIT", "abandonmentReasons": ["NO_PROFIT"]}
    ]
    assert found["customersGroupBy"] == [
        {"keys": {"smallKind": "LOW_PROFIT"}, "aggregate": {"count": 5}},
        {"keys": {"smallKind": None}, "aggregate": {"count": 5}},
    ]


CONFIRM = """mutation ($input: ConfirmAbandonmentInput!) { confirmAbandonment(input: $input) {
    customer { abandonmentConfirmedReason abandonmentConfirmedBy } userErrors { code field } } }"""
WITHDRAW = """mutation ($id: ID!) { withdrawAbandonment(input: {customerId: $id}) {
    customer { abandonmentConfirmedAt abandonmentConfirmedReason } userErrors { code } } }"""


def test_t5_somebody_confirms_what_is_recommended_and_takes_it_back(shared):
    small = customer(shared, 8, "id")["id"]
    clerk = shared.acting_as(shared.create("User", name="Clerk")["id"], {"*.read", "*.change", "override", "value"})
    (error,) = clerk.execute(CONFIRM, input={"customerId": small, "reason": "x"})["errors"]
    assert error["message"] == "this needs the permission approve, which you do not have"
    done = shared.query(CONFIRM, input={"customerId": small, "reason": "Nothing came of it"})["confirmAbandonment"]
    assert done == {
        "customer": {"abandonmentConfirmedReason": "Nothing came of it", "abandonmentConfirmedBy": "local"},
        "userErrors": [],
    }
    events = shared.query("{ events(types: [CUSTOMER_ABANDONED]) { nodes { entityId data } } }")["events"]["nodes"]
    assert events == [{"entityId": small, "data": {"reasons": ["NO_PROFIT"], "note": "Nothing came of it"}}]
    taken = shared.query(WITHDRAW, id=small)["withdrawAbandonment"]
    assert taken["customer"] == {"abandonmentConfirmedAt": None, "abandonmentConfirmedReason": None}
    assert shared.query(WITHDRAW, id=small)["withdrawAbandonment"]["userErrors"] == [{"code": "NOT_ABANDONED"}]


def test_t5_what_is_not_recommended_is_not_confirmed(shared):
    for number in (0, 9):
        id = customer(shared, number, "id")["id"]
        refused = shared.query(CONFIRM, input={"customerId": id, "reason": "x"})["confirmAbandonment"]
        assert refused == {"customer": None, "userErrors": [{"code": "NOT_RECOMMENDED", "field": ["customerId"]}]}
    wordless = shared.query(CONFIRM, input={"customerId": customer(shared, 8, "id")["id"], "reason": " "})
    assert wordless["confirmAbandonment"]["userErrors"] == [{"code": "INVALID", "field": ["reason"]}]
