"""Where the cooperation with customers stands: classes as judged and as suggested, and customers to be won back."""

import pytest

from plugins.value_tiering import ValueTiering
from tests import data

UPDATE = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { relationshipClass lostReason lostOn isToWinBack
        tasks { nodes { subject dueOn assignee { name } status } } }
    userErrors { code message field } } }"""


@pytest.fixture
def client(crm, clock):
    made = crm(
        ValueTiering,
        clock=clock,
        plugins={"value_tiering": {"current_value_threshold": "500", "potential_value_threshold": "1000"}},
    )
    owner = made.create("User", name="Ann")["id"]
    names = ("buys a little", "bought", "never began", "asks", "always", "nothing", "promising")
    rows = [{"externalIds": [data.key(name)], "name": name, "ownerId": owner} for name in names]
    data.upsert(made, "customers", rows)
    for name in ("buys a little", "promising"):
        data.upsert(made, "customers", [{"externalIds": [data.key(name)], "potentialValue": {"amount": "2000"}}])
    sales = {
        "buys a little": ("2025-06-01",),
        "bought": ("2024-01-01", "2024-06-14"),
        "always": ("2020-01-01", "2024-06-15"),
    }
    data.upsert(
        made,
        "transactions",
        [
            {
                "externalIds": [data.key(f"{name} {day}")],
                "customerExternalId": data.key(name),
                "occurredOn": day,
                "actualAmount": {"amount": "100"},
                "cost": {"amount": "0"},
            }
            for name, days in sales.items()
            for day in days
        ],
    )
    deals = [
        {
            "name": "lost",
            "customerExternalId": data.key("never began"),
            "status": "LOST",
            "lossReason": "PRICE",
            "lossSummary": "Dear",
        },
        {"name": "open", "customerExternalId": data.key("asks")},
        {
            "name": "lost too",
            "customerExternalId": data.key("asks"),
            "status": "LOST",
            "lossReason": "PRICE",
            "lossSummary": "Dear",
        },
    ]
    data.upsert(made, "opportunities", [{"externalIds": [data.key(deal["name"])], **deal} for deal in deals])
    made.query("mutation { recomputeValueTiers(input: {}) { changed } }")
    return made


def customer(client, name, fields):
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ {fields} }} }}')["customer"]


def update(client, name, **given):
    return client.query(UPDATE, input={"id": customer(client, name, "id")["id"], **given})["updateCustomer"]


def test_t18_x26_the_class_is_suggested_by_purchases_potential_and_opportunities(client):
    nodes = client.query("{ customers { nodes { name suggestedRelationshipClass isToWinBack } } }")["customers"][
        "nodes"
    ]
    assert {node["name"]: node["suggestedRelationshipClass"] for node in nodes} == {
        "buys a little": "GROWTH",
        "bought": "LOST",
        "never began": "LOST",
        "asks": "NEW",
        "always": "COOPERATIVE",
        "nothing": None,
        "promising": "NEW",
    }
    assert {node["name"] for node in nodes if node["isToWinBack"]} == {"bought", "never began"}
    groups = client.query(
        "{ customersGroupBy(by: [{suggestedRelationshipClass: true}]) { keys { suggestedRelationshipClass } aggregate { count } } }"
    )["customersGroupBy"]
    assert {group["keys"]["suggestedRelationshipClass"]: group["aggregate"]["count"] for group in groups} == {
        "GROWTH": 1,
        "LOST": 2,
        "NEW": 2,
        "COOPERATIVE": 1,
        None: 1,
    }


def test_t18_a_lost_customer_has_a_reason_and_is_to_be_won_back(client, clock):
    wordless = update(client, "always", relationshipClass="LOST")["userErrors"]
    assert [(error["code"], error["field"]) for error in wordless] == [("INVALID", ["lostReason"])]
    done = update(client, "always", relationshipClass="LOST", lostReason="Went to a cheaper one")["customer"]
    assert done == {
        "relationshipClass": "LOST",
        "lostReason": "Went to a cheaper one",
        "lostOn": "2025-06-15",
        "isToWinBack": True,
        "tasks": {
            "nodes": [
                {"subject": "Win back always", "dueOn": "2025-06-29", "assignee": {"name": "Ann"}, "status": "OPEN"}
            ]
        },
    }
    events = client.query("{ events(types: [CUSTOMER_LOST]) { nodes { entityId } } }")["events"]["nodes"]
    assert events == [{"entityId": customer(client, "always", "id")["id"]}]
    again = update(client, "always", lostReason="Went to a competitor")["customer"]
    assert (len(again["tasks"]["nodes"]), again["lostReason"]) == (1, "Went to a competitor")
    wordless = update(client, "always", lostReason=None)["userErrors"]
    assert wordless[0]["message"] == "lostReason: say why the customer is lost, in at most 1,000 characters"
    back = update(client, "always", relationshipClass="COOPERATIVE")["customer"]
    assert (back["lostReason"], back["lostOn"], back["isToWinBack"]) == (None, None, False)
    (needless,) = update(client, "always", lostReason="Bored")["userErrors"]
    assert needless["message"] == (
        "lostReason: the customer is not lost; leave it out, or give relationshipClass: LOST"
    )
    # One task to win it back is enough.
    once_more = update(client, "always", relationshipClass="LOST", lostReason="Gone again")["customer"]
    assert len(once_more["tasks"]["nodes"]) == 1
    update(client, "always", relationshipClass="COOPERATIVE")


def test_t18_what_is_judged_outweighs_what_is_suggested(client):
    done = update(client, "bought", relationshipClass="GROWTH")["customer"]
    assert (done["relationshipClass"], done["isToWinBack"]) == ("GROWTH", False)


def test_t18_without_days_nobody_is_asked_to_win_back(crm):
    client = crm(ValueTiering, plugins={"value_tiering": {"win_back_days": None}})
    row = {"externalIds": [data.key("a")], "name": "a", "relationshipClass": "LOST", "lostReason": "Moved away"}
    data.upsert(client, "customers", [row])
    assert data.upsert(client, "customers", [row])["unchanged"] == 1
    assert customer(client, "a", "lostReason tasks { totalCount }") == {
        "lostReason": "Moved away",
        "tasks": {"totalCount": 0},
    }


def test_t18_why_a_person_was_lost_is_erased_with_its_data(client):
    update(client, "always", kind="INDIVIDUAL", relationshipClass="LOST", lostReason="Quarrelled with Eve")
    id = customer(client, "always", "id")["id"]
    erased = 'mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { code } } }'
    assert client.query(erased, id=id) == {"erasePersonalData": {"userErrors": []}}
    assert client.query("query ($id: ID!) { customer(id: $id) { lostReason } }", id=id)["customer"] == {
        "lostReason": None
    }
    events = client.query(
        "query ($id: ID!) { events(entity: $id) { nodes { data changes { previous current } } } }", id=id
    )["events"]
    assert "Quarrelled" not in str(events)


def test_k4_needs_are_counted_and_structure_and_usage_are_groups(client):
    needs = {"asks": ["fibre", "Cloud"], "always": ["cloud", "cloud"], "bought": []}
    for name, list_ in needs.items():
        data.upsert(client, "customers", [{"externalIds": [data.key(name)], "needs": list_}])
    found = client.query("{ customerNeeds { need customers } }")["customerNeeds"]
    assert [(one["need"].lower(), one["customers"]) for one in found] == [("cloud", 2), ("fibre", 1)]
    assert len(client.query("{ customerNeeds(first: 1) { need } }")["customerNeeds"]) == 1
    assert "first: 0" in client.execute("{ customerNeeds(first: 0) { need } }")["errors"][0]["message"]
    usage = client.query(
        '{ transactionsGroupBy(by: [{occurredOn: MONTH}], where: {occurredOn: {gte: "2024-06-01"}}) { keys { occurredOn } aggregate { count } } }'
    )["transactionsGroupBy"]
    assert {group["keys"]["occurredOn"]: group["aggregate"]["count"] for group in usage} == {
        "2024-06-01": 2,
        "2025-06-01": 1,
    }
