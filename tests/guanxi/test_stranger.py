"""A stranger's plugin, exactly as the README shows it, on both engines."""

import pytest

from tests import data


@pytest.fixture
def loyal(crm, stranger):
    client = crm(stranger.Loyalty)
    data.upsert(client, "customers", [{"externalIds": [data.key(f"c{n}")], "name": f"Customer {n}"} for n in range(4)])
    data.upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [data.key(f"x{n}")],
                "customerExternalId": data.key(f"c{n % 3}"),
                "occurredOn": "2025-05-01",
                "actualAmount": {"amount": f"{n * 12350}"},
            }
            for n in range(1, 11)
        ],
    )
    return client


def test_the_field_is_selected_filtered_ordered_grouped_and_written(loyal):
    found = loyal.query(
        """{ customers(where: {loyaltyPoints: {gte: 1}}, orderBy: [{loyaltyPoints: DESC}]) {
            nodes { name loyaltyPoints loyaltyLabel } totalCount }
          all: customers(orderBy: [{loyaltyPoints: ASC}]) { nodes { name points: loyaltyPoints label: loyaltyLabel } }
          customersAggregate { sum { loyaltyPoints } max { loyaltyPoints } }
          customersGroupBy(by: [{loyaltyPoints: true}]) { keys { loyaltyPoints } aggregate { count } }
        }"""
    )
    assert found["customers"] == {
        "totalCount": 3,
        "nodes": [
            {"name": "Customer 1", "loyaltyPoints": 2716, "loyaltyLabel": "gold"},
            {"name": "Customer 0", "loyaltyPoints": 2222, "loyaltyLabel": "gold"},
            {"name": "Customer 2", "loyaltyPoints": 1852, "loyaltyLabel": "gold"},
        ],
    }
    assert found["all"]["nodes"][0] == {"name": "Customer 3", "points": 0, "label": "member"}
    assert found["customersAggregate"] == {"sum": {"loyaltyPoints": "6790"}, "max": {"loyaltyPoints": 2716}}
    assert len(found["customersGroupBy"]) == 4
    id = loyal.query('{ customer(externalId: {system: "test", value: "c3"}) { id } }')["customer"]["id"]
    changed = loyal.query(
        "mutation ($id: ID!) { updateCustomer(input: {id: $id, loyaltyPoints: 7}) { customer { loyaltyPoints version loyaltyLabel } userErrors { message } } }",
        id=id,
    )["updateCustomer"]
    assert changed == {"customer": {"loyaltyPoints": 7, "version": 2, "loyaltyLabel": "member"}, "userErrors": []}
    again = loyal.query(
        "mutation ($id: ID!) { updateCustomer(input: {id: $id, loyaltyPoints: null}) { customer { id } userErrors { code message field } } }",
        id=id,
    )["updateCustomer"]
    assert again["userErrors"][0]["field"] == ["loyaltyPoints"]


def test_the_schema_says_whose_field_it_is(loyal):
    assert 'loyaltyPoints: Int @plugin(name: "loyalty", version: "1.0")' in loyal.app.sdl
    assert loyal.query("{ plugins { name version fields hooks } }")["plugins"] == [
        {
            "name": "loyalty",
            "version": "1.0",
            "fields": ["Customer.loyaltyPoints", "Customer.loyaltyLabel"],
            "hooks": ["register_fields", "register_operations", "before_commit"],
        }
    ]


AWARD = """mutation ($input: AwardPointsInput!) { awardPoints(input: $input) {
    customer { loyaltyPoints loyaltyLabel } userErrors { code } warnings { code } } }"""


def test_its_mutation_takes_what_every_mutation_takes(loyal):
    id = loyal.query('{ customer(externalId: {system: "test", value: "c3"}) { id } }')["customer"]["id"]
    given = {"customerId": id, "points": 1200, "idempotencyKey": "award"}
    awarded = {
        "customer": {"loyaltyPoints": 1200, "loyaltyLabel": "gold"},
        "userErrors": [],
        "warnings": [],
    }
    for _ in range(2):
        assert loyal.query(AWARD, input=given) == {"awardPoints": awarded}
    assert loyal.query(AWARD, input={"customerId": id, "points": 5, "dryRun": True}) == {"awardPoints": awarded}
    (error,) = loyal.query(AWARD, input={"customerId": "cus_nobody", "points": 5})["awardPoints"]["userErrors"]
    assert error["code"] == "NOT_FOUND"
