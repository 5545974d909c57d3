"""Records that are merged into one: what moves, where ids lead, what is logged, and how it is undone."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
import strawberry
from sqlalchemy import insert

from guanxi import FixedClock, Plugin, hookimpl, query
from guanxi.testing import Rival, together
from plugins.credit_scoring import CreditScoring
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.satisfaction_surveys.models import ContactSurveys
from plugins.value_tiering import ValueTiering
from tests import writes

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
ERRORS = "userErrors { code message field params plugin } warnings { code message params }"
MERGE = f"""mutation ($input: MergeCustomersInput!) {{ mergeCustomers(input: $input) {{
    customer {{ id name email doNotContact tags externalIds {{ system value }} potentialValue {{ amount }} version }}
    mergeId fields {{ field takenFrom value values {{ recordId value }} }} {ERRORS} }} }}"""
MERGE_ONLY = "mutation ($input: MergeCustomersInput!) { mergeCustomers(input: $input) { mergeId } }"
UNMERGE = (
    f"mutation ($input: UnmergeInput!) {{ unmerge(input: $input) {{ customer {{ id }} contact {{ id }} {ERRORS} }} }}"
)
STATE = """query ($id: ID!) { customer(id: $id) { id name email doNotContact tags externalIds { system value }
    potentialValue { amount } lifetimeRevenue { amount } lastTransactionOn outstanding { amount }
    parent { id } contacts { nodes { name } } accountTeam { nodes { id role } } purchaseTotals { nodes { year } }
    opportunities { nodes { name } } } }"""


_KEYS = itertools.count()


class World:
    """Two customers that are one, with what belongs to them."""

    def __init__(self, client, clock):
        self.client, self.clock = client, clock
        self.user = client.create("User", name="Ulla")["id"]

    def enter(self):
        create = self.client.create
        key = str(next(_KEYS))
        self.keys = [{"system": "erp", "value": f"{key}-{number}"} for number in (1, 2)] + [
            {"system": "shop", "value": key}
        ]
        self.a = create("Customer", name="Acme", tags=["x", "y"], externalIds=self.keys[:1])["id"]
        more = {"potentialValue": {"amount": "50"}, "doNotContact": True, "parentId": self.a}
        self.b = create(
            "Customer", name="Acme Ltd", email="b@acme.example", tags=["y", "z"], externalIds=self.keys[1:], **more
        )["id"]
        self.kay = create("Contact", name="Kay", customerId=self.b)["id"]
        self.first = create("AccountTeamMember", customerId=self.a, userId=self.user)["id"]
        self.second = create("AccountTeamMember", customerId=self.b, userId=self.user, role="lead")["id"]
        create("PurchaseTotal", customerId=self.b, year=2024, total={"amount": "9"})
        deal = create("Opportunity", name="Deal", customerId=self.b, ownerId=self.user)["id"]
        create("OpportunityContact", opportunityId=deal, contactId=self.kay, isPrimary=True)
        for customer, day, amount in ((self.a, "2025-01-05", 10), (self.b, "2025-02-05", 20)):
            create("Transaction", customerId=customer, occurredOn=day, actualAmount={"amount": str(amount)})
        invoice = {"invoicedOn": "2025-01-01", "dueOn": "2025-02-01", "opportunityId": deal}
        self.invoice = create("Receivable", number="7", amount={"amount": "3"}, customerId=self.b, **invoice)["id"]
        return self

    def merge(self, client=None, **given):
        input = {"id": self.a, "mergeIds": [self.b], **given}
        return (client or self.client).query(MERGE, input=input)["mergeCustomers"]

    def unmerge(self, id, client=None):
        return (client or self.client).query(UNMERGE, input={"mergeId": id})["unmerge"]

    def state(self, id):
        return self.client.query(STATE, id=id)["customer"]


@pytest.fixture(scope="module")
def house(module_crm):
    clock = FixedClock(NOON)
    return World(module_crm(CreditScoring, SatisfactionSurveys, ValueTiering, clock=clock), clock)


@pytest.fixture
def world(house):
    return house.enter()


def codes(answer, kind="userErrors"):
    return [error["code"] for error in answer[kind]]


def test_what_refers_to_the_merged_one_follows_it_and_comes_back(world):
    before = {id: world.state(id) for id in (world.a, world.b)}
    preview = world.merge(dryRun=True)
    assert (preview["customer"]["name"], preview["mergeId"]) == ("Acme", None)
    taken = {one["field"]: (one["takenFrom"], one["value"]) for one in preview["fields"]}
    assert taken == {
        "name": (world.a, "Acme"),
        "email": (world.b, "b@acme.example"),
        "doNotContact": (world.b, True),
        "potentialValue": (world.b, {"amount": "50.00", "currency": "CNY"}),
        "tags": (None, ["x", "y", "z"]),
    }
    assert {id: world.state(id) for id in before} == before
    done = world.merge(fields=[{"field": "name", "id": world.b}], expectedVersion=1, idempotencyKey=world.a)
    assert world.merge(fields=[{"field": "name", "id": world.b}], expectedVersion=1, idempotencyKey=world.a) == done
    assert codes(done, "warnings") == ["LEFT_OUT"]
    assert world.state(world.a) == {
        "id": world.a,
        "name": "Acme Ltd",
        "email": "b@acme.example",
        "doNotContact": True,
        "tags": ["x", "y", "z"],
        "externalIds": [world.keys[0], world.keys[2]],
        "potentialValue": {"amount": "50.00"},
        "lifetimeRevenue": {"amount": "30.00"},
        "lastTransactionOn": "2025-02-05",
        "outstanding": {"amount": "3.00"},
        "parent": None,
        "contacts": {"nodes": [{"name": "Kay"}]},
        "accountTeam": {"nodes": [{"id": world.first, "role": "lead"}]},
        "purchaseTotals": {"nodes": [{"year": 2024}]},
        "opportunities": {"nodes": [{"name": "Deal"}]},
    }
    undone = world.unmerge(done["mergeId"])
    assert (undone["customer"], undone["userErrors"], undone["warnings"]) == ({"id": world.a}, [], [])
    assert {id: world.state(id) for id in before} == before
    assert codes(world.unmerge(done["mergeId"])) == ["CANNOT_UNMERGE"]
    asked = "query ($id: ID!) { events(entity: $id, last: 5) { nodes { type action data } } }"
    events = world.client.query(asked, id=world.a)["events"]["nodes"]
    data = {"merge": done["mergeId"], "records": [world.b]}
    assert [(one["type"], one["action"]) for one in events if one["data"] == data] == [
        ("CUSTOMER_MERGED", "MERGED"),
        ("CUSTOMER_UNMERGED", "UNMERGED"),
    ]


def test_ids_of_merged_records_lead_to_the_one_that_stays(world):
    client = world.client
    world.merge()
    asked = """query ($id: ID!, $erp: ExternalIdInput!, $shop: ExternalIdInput!) {
        customer(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id }
        erp: customer(externalId: $erp) { id } shop: customer(externalId: $shop) { id } }"""
    found = client.query(asked, id=world.b, erp=world.keys[1], shop=world.keys[2])
    here = {"id": world.a}
    assert found == {"customer": here, "node": here, "nodes": [here], "erp": here, "shop": here}
    contact = client.create("Contact", "customer { id }", name="New", customerId=world.b)
    assert contact["customer"] == here
    contact = client.create("Contact", "customer { id }", name="New", customerExternalId=world.keys[1])
    assert contact["customer"] == here
    assert writes.payload(client, "update", "Customer", "id", id=world.b, city="Leeds")["record"] == here
    for key in world.keys:
        done = writes.upserted(client, "customers", [{"name": "Acme", "city": "York", "externalIds": [key]}])
        assert [one["record"] for one in done["results"]] == [here]
    assert codes(writes.payload(client, "restore", "Customer", "id", id=world.b)) == ["MERGED"]
    assert codes(writes.payload(client, "delete", "Customer", "id", id=world.b)) == ["DELETED"]
    other = client.create("Customer", name="Acme again")["id"]
    for given in ({"id": world.b, "mergeIds": [other]}, {"id": other, "mergeIds": [world.b]}):
        (error,) = world.merge(**given)["userErrors"]
        assert (error["code"], error["params"]["into"]) == ("MERGED", world.a)
    # In filters and in what plugins do, too.
    filtered = """query ($id: ID!) {
        eq: contacts(where: {customerId: {eq: $id}}) { totalCount } ne: contacts(where: {customerId: {ne: $id}}) { totalCount }
        in: contacts(where: {customerId: {in: [$id]}}) { totalCount } notIn: contacts(where: {customer: {id: {notIn: [$id]}}}) { totalCount }
        customers(where: {id: {eq: $id}}) { nodes { id } } some: customers(where: {subsidiaries: {some: {id: {eq: $id}}}}) { totalCount }
        creditCheck(customerId: $id, amount: "1") { __typename } }"""
    by_old, by_new = (client.query(filtered, id=id) for id in (world.b, world.a))
    assert by_old == by_new and by_old["customers"]["nodes"] == [here] and by_old["eq"] == by_old["in"] != by_old["ne"]
    override = """mutation ($input: OverrideValueTierInput!) {
        overrideValueTier(input: $input) { customer { id } userErrors { message } } }"""
    done = client.query(override, input={"customerId": world.b, "tier": "MAIN", "reason": "a friend"})
    assert done["overrideValueTier"] == {"customer": here, "userErrors": []}
    # So do those that led to it.
    c = client.create("Customer", name="Acme Group")["id"]
    merged = client.query(MERGE, input={"id": c, "mergeIds": [world.a]})["mergeCustomers"]
    lead = "query ($id: ID!) { customer(id: $id) { id } }"
    assert client.query(lead, id=world.b) == {"customer": {"id": c}}
    by_key = "query ($key: ExternalIdInput!) { customer(externalId: $key) { id } }"
    assert [client.query(by_key, key=key)["customer"] for key in world.keys] == [{"id": c}] * 3
    # What leads to a deleted record leads nowhere, until it is restored.
    for action, given, found in (("delete", {"openOpportunities": "DELETE"}, None), ("restore", {}, {"id": c})):
        writes.payload(client, action, "Customer", "id", id=c, **given)
        assert [client.query(by_key, key=key)["customer"] for key in world.keys] == [found] * 3
    assert codes(world.unmerge(merged["mergeId"])) == []
    assert client.query(lead, id=world.b) == {"customer": here}
    assert [client.query(by_key, key=key)["customer"] for key in world.keys] == [here] * 3


def test_an_operation_that_asks_about_its_request_is_given_where_ids_lead(crm):
    @query(unscoped=True)
    def whose(ctx, info: strawberry.Info, customer_ids: list[strawberry.ID]) -> list[str]:
        """What it is called, and the ids that it is given."""
        return [info.field_name, *customer_ids]

    class Asking(Plugin):
        name, version, api = "asking", "1", ">=1,<2"

        @hookimpl
        def register_operations(self):
            return [whose]

    client = crm(Asking)
    a, b = (client.create("Customer", name=name)["id"] for name in "AB")
    client.query(MERGE_ONLY, input={"id": a, "mergeIds": [b]})
    assert client.query("query ($ids: [ID!]!) { whose(customerIds: $ids) }", ids=[b, a]) == {"whose": ["whose", a, a]}


def test_what_has_changed_since_is_not_restored(world):
    client = world.client
    done = world.merge()
    writes.payload(client, "update", "Customer", id=world.a, email="other@acme.example")
    other = client.create("Customer", name="Other")["id"]
    writes.payload(client, "update", "Contact", id=world.kay, customerId=other)
    undone = world.unmerge(done["mergeId"])
    assert sorted(error["params"]["fields"] for error in undone["warnings"]) == [["customerId"], ["email"]]
    assert world.state(world.a)["email"] == "other@acme.example"
    assert world.state(world.b)["email"] == "b@acme.example"
    late = world.merge()
    world.clock.moment += timedelta(days=31)
    assert codes(world.unmerge(late["mergeId"])) == ["CANNOT_UNMERGE"]


def test_what_cannot_be_merged_is_refused(world):
    client = world.client
    overtaken = world.merge(expectedVersion=7)
    assert (codes(overtaken), overtaken["customer"]["version"], overtaken["mergeId"]) == (["CONFLICT"], 1, None)
    assert codes(world.merge(mergeIds=[world.a])) == ["INVALID"]
    assert codes(world.merge(fields=[{"field": "nothing", "id": world.a}])) == ["INVALID"]
    both = [{"field": "name", "id": id} for id in (world.a, world.b)]
    assert codes(world.merge(fields=both)) == ["INVALID", "INVALID"]
    client.create(
        "Receivable",
        number="7",
        amount={"amount": "4"},
        customerId=world.a,
        invoicedOn="2025-01-01",
        dueOn="2025-02-01",
    )
    (error,) = world.merge()["userErrors"]
    assert (error["code"], error["plugin"], error["params"]["number"]) == ("CANNOT_MERGE", "credit_scoring", "7")
    owner = client.create("User", name="Olga")["id"]
    mine = client.create("Customer", name="Mine", ownerId=owner)["id"]
    rights = ["Customer.read:own", "Customer.change:own", "Customer.delete:own", "value", "personal"]
    limited = client.acting_as(owner, rights)
    assert codes(world.merge(limited, id=mine)) == ["NOT_FOUND"]
    reader = client.acting_as(owner, ["Customer.read", "Customer.change:own", "Customer.delete", "value", "personal"])
    assert codes(world.merge(reader, id=mine)) == ["FORBIDDEN"]


def test_contacts_are_merged_too(world):
    client = world.client
    email = "kay@acme.example"
    twin = client.create("Contact", name="Kay K", customerId=world.b, email=email, reportsToId=world.kay)["id"]
    home = {"street": "Elm 5", "postalCode": "04103", "city": "Leipzig", "region": "Saxony", "country": "Germany"}
    writes.payload(client, "update", "Contact", id=world.kay, **home)
    deal = client.query(
        "query ($id: ID!) { contact(id: $id) { opportunities: opportunityRoles { nodes { opportunity { id } } } } }",
        id=world.kay,
    )
    deal = deal["contact"]["opportunities"]["nodes"][0]["opportunity"]["id"]
    client.create("OpportunityContact", opportunityId=deal, contactId=twin)
    text = MERGE.replace("Customers", "Contacts").replace("customer {", "contact {")
    text = text.replace(" doNotContact tags externalIds { system value } potentialValue { amount } version", "")
    shown = client.query(text, input={"id": twin, "mergeIds": [world.kay], "dryRun": True})["mergeContacts"]["fields"]
    assert {one["field"]: one["value"] for one in shown if one["field"] in home} == home
    done = client.query(text, input={"id": twin, "mergeIds": [world.kay]})["mergeContacts"]
    assert (codes(done), codes(done, "warnings")) == ([], ["LEFT_OUT"])
    found = client.query(
        "query ($id: ID!) { contact(id: $id) { id opportunityRoles { nodes { isPrimary } } } }", id=world.kay
    )
    assert found["contact"] == {"id": twin, "opportunityRoles": {"nodes": [{"isPrimary": True}]}}
    undone = world.unmerge(done["mergeId"])
    assert (codes(undone), codes(undone, "warnings")) == ([], [])
    superior = client.query("query ($id: ID!) { contact(id: $id) { reportsTo { id } } }", id=twin)
    assert superior["contact"] == {"reportsTo": {"id": world.kay}}


def test_the_hook_merge_keeps_when_somebody_was_invited_last(world):
    client, days = world.client, (date(2025, 5, 1), date(2025, 6, 1))
    people = [client.create("Contact", name=name)["id"] for name in ("Ann", "Anna")]
    with client.app.database.engine.begin() as connection:
        rows = [{"record_id": id, "invited_on": day} for id, day in zip(people, days, strict=True)]
        connection.execute(insert(ContactSurveys.__table__), rows)
    text = "mutation ($i: MergeContactsInput!) { mergeContacts(input: $i) { mergeId userErrors { message } } }"
    done = client.query(text, i={"id": people[0], "mergeIds": people[1:]})["mergeContacts"]
    asked = "query ($id: ID!) { contact(id: $id) { lastSurveyInvitationOn } }"
    assert client.query(asked, id=people[0])["contact"] == {"lastSurveyInvitationOn": "2025-06-01"}
    assert codes(world.unmerge(done["mergeId"])) == []
    assert client.query(asked, id=people[0])["contact"] == {"lastSurveyInvitationOn": "2025-05-01"}


def test_erased_with_the_one_that_stays(world):
    person = world.client.create("Contact", name="Ann Known", email="ann@known.example")["id"]
    twin = world.client.create("Contact", name="A. Known", phone="+49401234567")["id"]
    text = "mutation ($i: MergeContactsInput!) { mergeContacts(input: $i) { mergeId userErrors { message } } }"
    done = world.client.query(text, i={"id": person, "mergeIds": [twin]})["mergeContacts"]
    erase = """mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { isChanged userErrors { message } } }"""
    assert world.client.query(erase, id=twin)["erasePersonalData"] == {"isChanged": True, "userErrors": []}
    with world.client.app.database.connection() as connection:
        names = connection.exec_driver_sql("SELECT name FROM contact").scalars().all()
        assert not {"Ann Known", "A. Known"} & {*names}
        undo = connection.exec_driver_sql(f"SELECT undo FROM merge WHERE id = '{done['mergeId']}'").scalar()
        assert undo in ({}, "{}")
    assert codes(world.unmerge(done["mergeId"])) == ["CANNOT_UNMERGE"]


def test_a_contact_for_the_one_that_goes_at_the_same_time(world):
    merge = "mutation ($input: MergeCustomersInput!) { mergeCustomers(input: $input) { userErrors { code } } }"
    create = """mutation ($input: CreateContactInput!) { createContact(input: $input) {
        contact { customer { id } } userErrors { code } } }"""
    one = Rival(merge, {"input": {"id": world.a, "mergeIds": [world.b]}})
    other = Rival(create, {"input": {"name": "New", "customerId": world.b}})
    assert together(world.client, one, other, rounds=5) > 0
