"""What becomes of a customer's open opportunities when it is deleted."""

import pytest

DELETE = """mutation ($input: DeleteCustomerInput!) { deleteCustomer(input: $input) {
  userErrors { code field message } warnings { message } } }"""
RESTORE = """mutation ($id: ID!) { restoreCustomer(input: {id: $id}) {
  customer { name } userErrors { message } warnings { message } } }"""
DEALS = "{ opportunities(orderBy: [{name: ASC}]) { nodes { name customer { name } } } }"


@pytest.fixture
def client(crm):
    return crm()


@pytest.fixture
def acme(client):
    """A customer with two open opportunities and a lost one."""
    customer = client.create("Customer", name="Acme")["id"]
    for name in ("Big", "Small"):
        client.create("Opportunity", name=name, customerId=customer)
    client.create(
        "Opportunity", name="Gone", customerId=customer, status="LOST", lossReason="PRICE", lossSummary="Too dear"
    )
    return customer


def deals(client):
    """Each opportunity that is not deleted, with its customer."""
    nodes = client.query(DEALS)["opportunities"]["nodes"]
    return {node["name"]: (node["customer"] or {}).get("name") for node in nodes}


def deleted(client, customer, **more):
    """The payload of a deletion."""
    return client.query(DELETE, input={"id": customer, **more})["deleteCustomer"]


def test_a_customer_with_open_opportunities_is_not_deleted_by_accident(client, acme):
    (error,) = deleted(client, acme)["userErrors"]
    assert error == {
        "code": "REFERRED_TO",
        "field": ["openOpportunities"],
        "message": "openOpportunities: the customer has 2 open opportunities; decide on them, or say what becomes of them",
    }
    assert deals(client) == {"Big": "Acme", "Gone": "Acme", "Small": "Acme"}


def test_they_are_deleted_with_it_and_come_back_with_it(client, acme):
    client.query(
        "mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { userErrors { message } } }",
        id=client.query('{ opportunities(where: {name: {eq: "Small"}}) { nodes { id } } }')["opportunities"]["nodes"][
            0
        ]["id"],
    )
    assert deleted(client, acme, openOpportunities="DELETE") == {"userErrors": [], "warnings": []}
    assert deals(client) == {"Gone": None}
    assert client.query(RESTORE, id=acme)["restoreCustomer"] == {
        "customer": {"name": "Acme"},
        "userErrors": [],
        "warnings": [],
    }
    # What was deleted before stays deleted.
    assert deals(client) == {"Big": "Acme", "Gone": "Acme"}


def test_what_is_deleted_by_itself_afterwards_does_not_come_back(client, acme):
    deleted(client, acme, openOpportunities="DELETE")
    client.query(RESTORE, id=acme)
    big = client.query('{ opportunities(where: {name: {eq: "Big"}}) { nodes { id } } }')["opportunities"]["nodes"][0]
    deleted(client, acme, openOpportunities="DELETE")
    for action in ("restore", "delete"):
        text = f"mutation ($id: ID!) {{ {action}Opportunity(input: {{id: $id}}) {{ userErrors {{ message }} }} }}"
        assert client.query(text, id=big["id"])[f"{action}Opportunity"] == {"userErrors": []}
    client.query(RESTORE, id=acme)
    assert deals(client) == {"Gone": "Acme", "Small": "Acme"}


def test_what_stays_behind_of_moved_ones_is_reported(client, acme):
    other = client.create("Customer", name="Bolt")["id"]
    big = client.query('{ opportunities(where: {name: {eq: "Big"}}) { nodes { id } } }')["opportunities"]["nodes"][0]
    client.create("Task", subject="Call", opportunityId=big["id"], customerId=acme)
    (warning,) = deleted(client, acme, openOpportunities="MOVE", moveOpportunitiesTo=other)["warnings"]
    assert "1 task of the opportunity belong to another customer" in warning["message"]


def test_they_are_moved_to_another_customer(client, acme):
    other = client.create("Customer", name="Bolt")["id"]
    assert deleted(client, acme, openOpportunities="MOVE", moveOpportunitiesTo=other)["userErrors"] == []
    assert deals(client) == {"Big": "Bolt", "Gone": None, "Small": "Bolt"}
    client.query(RESTORE, id=acme)
    assert deals(client) == {"Big": "Bolt", "Gone": "Acme", "Small": "Bolt"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"openOpportunities": "MOVE"}, "moveOpportunitiesTo: give the customer that gets the open opportunities"),
        ({"moveOpportunitiesTo": "cus_01jaaaaaaaaaaaaaaaaaaaaaaa"}, "leave it out, or give openOpportunities: MOVE"),
        (
            {"openOpportunities": "MOVE", "moveOpportunitiesTo": "cus_01jaaaaaaaaaaaaaaaaaaaaaaa"},
            "there is no customer 'cus_01jaaaaaaaaaaaaaaaaaaaaaaa'",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_done(client, acme, given, message):
    (error,) = deleted(client, acme, **given)["userErrors"]
    assert message in error["message"]
    assert error["field"] == ["moveOpportunitiesTo"]
    assert deals(client) == {"Big": "Acme", "Gone": "Acme", "Small": "Acme"}


def test_a_deleted_customer_gets_nothing_though_nothing_has_to_move(client):
    gone, left = (client.create("Customer", name=name)["id"] for name in ("Gone", "Left"))
    deleted(client, gone)
    (error,) = deleted(client, left, openOpportunities="MOVE", moveOpportunitiesTo=gone)["userErrors"]
    assert error["message"] == (f"moveOpportunitiesTo: customer {gone!r} is deleted; restore it first, or give another")


def test_a_dry_run_deletes_nothing(client, acme):
    assert deleted(client, acme, openOpportunities="DELETE", dryRun=True)["userErrors"] == []
    assert deals(client) == {"Big": "Acme", "Gone": "Acme", "Small": "Acme"}


def test_who_may_not_decide_on_them_deletes_nothing(client, acme):
    user = client.create("User", name="Ann", role="ADMINISTRATOR")["id"]
    limited = client.acting_as(user, ["*.read", "Customer.delete"])
    answer = deleted(limited, acme, openOpportunities="DELETE")
    assert answer["userErrors"] == [
        {
            "code": "FORBIDDEN",
            "field": ["openOpportunities"],
            "message": "openOpportunities: 2 of them you may not delete; ask somebody who may",
        }
    ]
    assert deals(client) == {"Big": "Acme", "Gone": "Acme", "Small": "Acme"}
