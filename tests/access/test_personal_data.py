"""Personal data about a contact or a customer: all of it exported, or erased wherever it is stored (K23)."""

import json
from datetime import date
from typing import ClassVar

import pytest
import strawberry
from sqlmodel import col, select

from core.db.transaction import SqlStatement
from guanxi import Facet, Field, Input, Payload, Plugin, Record, Table, column, hookimpl, mutation, reference
from guanxi.records import Contact
from plugins.credit_scoring import CreditScoring
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from tests.access.house import House
from tests.plugins.satisfaction_surveys.asking import World


class Encounter(Record, plugin="notebook", prefix="nbv"):
    """An encounter with a person."""

    contact_id: str | None = reference(Contact, "Whom.", default=None, on_destroy="SET NULL")
    day: date = column("When.")
    remark: str = column("What was said.", personal=True)
    title: str | None = column("A title.", default=None)


class Page(Table, plugin="notebook"):
    """A page about a visit, which is not a record."""

    id: str = column("Its id.", primary_key=True, exact=True)
    visit_id: str = reference(Encounter, "The visit.", on_destroy="CASCADE")
    text: str = column("What it says.", personal=True)
    moods: list[str] = column("Moods.", default_factory=list, personal=True)
    count: int = column("How often it was read.", default=0)


class Habits(Facet, of="Contact", plugin="notebook"):
    drink: str | None = None
    visits: int = 0


class Letter(Table, plugin="notebook"):
    """A letter, found by the address it was sent to."""

    id: str = column("Its id.", primary_key=True, exact=True)
    address: str = column("Where it was sent.", exact=True)


@strawberry.input
class WriteInput(Input):
    contact_id: strawberry.ID
    address: str


@strawberry.type
class WritePayload(Payload):
    address: str | None = None


@mutation(permission="personal")
def write_letter(ctx, input: WriteInput) -> WritePayload:
    """Writes a letter."""
    visit = Encounter(
        contact_id=input.contact_id, day=ctx.clock.today(), remark="Zoë Quist hums", title="With zoë quist"
    )
    ctx.session.add(visit)
    ctx.session.flush()
    ctx.session.add(Page(id=f"p{visit.id}", visit_id=visit.id, text="Zoe cried", moods=["sad-about-zq"], count=3))
    ctx.session.add(Letter(id=f"l{visit.id}", address=input.address))
    ctx.facet(Habits, input.contact_id).drink = "mint tea"
    ctx.facet(Habits, input.contact_id).visits = 4
    ctx.publish("LETTER_SENT", input.contact_id, to=input.address)
    return WritePayload(address=input.address)


class Notebook(Plugin):
    name, version, api = "notebook", "1.0", ">=1,<2"
    events: ClassVar = {"LETTER_SENT": "A letter was sent."}

    @hookimpl
    def register_records(self):
        return [Encounter]

    @hookimpl
    def register_fields(self):
        yield Field("Contact.drink", Habits.drink, "What the person drinks.", writable=True, personal=True)
        yield Field("Contact.visits", Habits.visits, "How often.")

    @hookimpl
    def register_operations(self):
        return [write_letter]

    @hookimpl
    def erase(self, ctx, records):
        addresses = [record.email for record in records if record.email]
        for letter in ctx.session.exec(select(Letter).where(col(Letter.address).in_(addresses))):
            letter.address = "erased"


EXPORT = "mutation ($id: ID!) { exportPersonalData(input: {id: $id}) { data userErrors { code field } } }"
ERASE = """mutation ($input: ErasePersonalDataInput!) { erasePersonalData(input: $input) {
  isChanged contact { id name email } customer { id name } userErrors { code field message } } }"""
EVENTS = "query ($id: ID!) { events(entity: $id, first: 100) { nodes { type actor data changes { field } } } }"

#: What is said about the person, and nothing else says.
VALUES = [
    "Zoë Quist", "zoe@quist.example", "+47 412 30 199", "1990-02-03", "likes-tulips", "plays-oboe", "met at the zoo",
    "said she is moving", "call her sister", "grumpy remark", "open answer", "mint tea", "Zoe cried", "sad-about-zq",
    "said in passing", "crm-4711", "vip-zoe", "Tulip Lane 9", "PC-0558-X", "Grefsen", "Østlandet", "Nordway",
]  # fmt: skip


@pytest.fixture(scope="module")
def house(module_crm):
    house = House(module_crm(ValueTiering, CreditScoring, SatisfactionSurveys, Notebook))
    surveys = World(house.client)
    house.survey = surveys.survey(questions=[{"kind": "TEXT", "text": "What else?"}])
    surveys.done("setSurveyAudience", surveyId=house.survey, contacts={"name": {"isNull": False}})
    surveys.done("openSurvey", surveyId=house.survey)
    (house.question,) = surveys.questions(house.survey).values()
    return house


def tables(client):
    """Every row of every table, as text."""
    database = client.app.database

    def read():
        with database.driven() as transaction:
            names = (
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
                if transaction.dialect == "postgresql"
                else "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
            found = {}
            for (name,) in transaction.rows(SqlStatement(names)):
                rows = transaction.rows(SqlStatement(f'SELECT * FROM "{name}"'))
                found[name] = [json.dumps([str(value) for value in row], ensure_ascii=False) for row in rows]
            return found

    return client.run(database.in_thread(read))


def traces(client, values):
    """The tables that hold one of the values, with it."""
    found = set()
    for name, rows in tables(client).items():
        text = "\n".join(rows).casefold()
        # SQLite keeps JSON in ASCII.
        found |= {(name, value) for value in values if value.casefold() in text}
        found |= {(name, value) for value in values if json.dumps(value)[1:-1].casefold().replace("\\", "\\\\") in text}
    return found


def entered(house, customer, **more):
    """A person about whom everything is said that can be."""
    client = house.client
    person = client.create(
        "Contact",
        name="Zoë Quist",
        customerId=customer,
        email="zoe@quist.example",
        phone="+47 412 30 199",
        birthDate="1990-02-03",
        street="Tulip Lane 9",
        postalCode="PC-0558-X",
        city="Grefsen",
        region="Østlandet",
        country="Nordway",
        preferences=["likes-tulips"],
        interests=["plays-oboe"],
        description="met at the zoo",
        tags=["vip-zoe"],
        externalIds=[{"system": "crm", "value": "crm-4711"}],
        **more,
    )["id"]
    logged = client.query(
        """mutation ($input: LogInteractionInput!) { logInteraction(input: $input) {
          interaction { id } task { id } userErrors { message } } }""",
        input={
            "contactId": person,
            "channel": "PHONE",
            "summary": "said she is moving",
            "nextStep": "call her sister",
            "followUp": {"subject": "Call Zoë Quist"},
        },
    )["logInteraction"]
    assert logged["userErrors"] == []
    wrote = "mutation ($input: WriteInput!) { writeLetter(input: $input) { address userErrors { message } } }"
    input = {"contactId": person, "address": "zoe@quist.example", "idempotencyKey": f"letter {person}"}
    assert client.query(wrote, input=input)["writeLetter"]["userErrors"] == []
    changed = (
        'mutation ($id: ID!) { updateContact(input: {id: $id, email: "zoe@quist.example", drink: "mint tea", '
        'description: "grumpy remark"}) { userErrors { message } } }'
    )
    assert client.query(changed, id=person)["updateContact"] == {"userErrors": []}
    World(client).done(
        "recordSurveyResponse",
        "surveyResponse { id }",
        surveyId=house.survey,
        contactId=person,
        comment="said in passing",
        answers=[{"questionId": house.question, "text": "open answer"}],
    )
    return person, logged["interaction"]["id"], logged["task"]["id"]


def erase(client, id, **more):
    return client.query(ERASE, input={"id": id, "reason": "asked by letter", **more})["erasePersonalData"]


AUDITED = """query ($id: String!) { auditEntries(where: {subjectId: {eq: $id}}, orderBy: [{createdAt: ASC}]) {
  nodes { action createdBy detail requestId } } }"""


def audited(house, id):
    """The entries of the audit list about a record: action, who, detail."""
    nodes = house.asks("adm").query(AUDITED, id=id)["auditEntries"]["nodes"]
    assert all(node["requestId"] for node in nodes)
    return [(node["action"], node["createdBy"], node["detail"]) for node in nodes]


SUMS = """{ opportunitiesAggregate { count sum { expectedAmount { total { amount } } } }
  receivablesAggregate { count sum { amount { total { amount } } } } transactionsAggregate { count }
  customers { totalCount } contacts { totalCount } surveyResponses { totalCount } }"""


def test_nothing_of_a_person_is_left_anywhere(house):
    client, values = house.client, VALUES
    person, interaction, task = entered(house, house.customers["ann"])
    before, sums = traces(client, values), client.query(SUMS)
    assert {value for _, value in before} == set(values)
    assert {"event", "contact", "interaction", "idempotency_key", "notebook_page", "notebook_letter", "tag"} <= {
        name for name, _ in before
    }
    erased = erase(house.asks("adm"), person)
    assert erased["contact"] == {"id": person, "name": "erased", "email": None}
    assert erased["userErrors"] == []
    assert erased["isChanged"]
    assert traces(client, values) == set()
    assert client.query(SUMS) == sums
    kept = client.query("query ($id: ID!) { contact(id: $id) { visits customer { id } } }", id=person)["contact"]
    assert kept == {"visits": 4, "customer": {"id": house.customers["ann"]}}
    found = client.query("query ($id: ID!) { interaction(id: $id) { summary nextStep } }", id=interaction)
    assert found["interaction"] == {"summary": "erased", "nextStep": None}
    assert client.query("query ($id: ID!) { task(id: $id) { subject } }", id=task)["task"]["subject"] == "Call erased"


def test_hook_erase_reaches_what_no_reference_leads_to(house):
    person, *_ = entered(house, house.customers["ann"])
    assert ("notebook_letter", "zoe@quist.example") in traces(house.client, VALUES)
    erase(house.asks("adm"), person)
    assert {name for name, _ in traces(house.client, VALUES)} == set()


def test_who_erased_and_why_is_in_the_log_and_a_second_time_changes_nothing(house):
    person, *_ = entered(house, house.customers["ann"])
    asked = house.asks("adm")
    assert erase(asked, person)["isChanged"]
    state = tables(house.client)
    again = erase(asked, person)
    assert (again["isChanged"], again["userErrors"]) == (False, [])
    assert tables(house.client) == state
    events = house.client.query(EVENTS, id=person)["events"]["nodes"]
    (noted,) = [event for event in events if event["type"] == "CONTACT_ERASED"]
    assert (noted["actor"], noted["data"]) == (house.adm, {"reason": "asked by letter"})
    assert audited(house, person) == [("ERASED", house.adm, "asked by letter")]
    (changed,) = [event for event in events if event["type"] == "CONTACT_UPDATED"]
    assert {change["field"] for change in changed["changes"]} == {"description"}


def test_a_dry_run_erases_nothing(house):
    person, *_ = entered(house, house.customers["ann"])
    state = tables(house.client)
    assert erase(house.asks("adm"), person, dryRun=True)["isChanged"]
    assert tables(house.client) == state
    assert erase(house.asks("adm"), person)["isChanged"]


def test_a_deleted_contact_can_be_erased(house):
    person, *_ = entered(house, house.customers["ann"])
    house.client.query("mutation ($id: ID!) { deleteContact(input: {id: $id}) { userErrors { code } } }", id=person)
    assert erase(house.asks("adm"), person)["isChanged"]
    assert traces(house.client, ["Zoë Quist", "zoe@quist.example"]) == set()


@pytest.mark.parametrize("contacts", [False, True])
def test_of_a_company_its_contacts_are_erased_if_asked(house, contacts):
    company = house.client.create("Customer", name="Quist Imports", kind="COMPANY")["id"]
    person, *_ = entered(house, company)
    erased = erase(house.asks("adm"), company, contacts=contacts)
    assert erased["customer"] == {"id": company, "name": "Quist Imports"}
    left = traces(house.client, ["zoe@quist.example"])
    assert (left == set()) is contacts
    erase(house.asks("adm"), person)
    assert traces(house.client, ["zoe@quist.example", "said she is moving"]) == set()


def test_erasing_an_individual_erases_the_person_and_keeps_what_was_earned(house):
    client = house.client
    id = client.create(
        "Customer",
        name="Ylva Brandt",
        kind="INDIVIDUAL",
        email="ylva@brandt.example",
        street="Elm 5",
        # Many live there, and it says something else in the name of the opportunity.
        city="Loan",
        taxId="TX-99",
    )["id"]
    person = client.create("Contact", name="Ylva Brandt", customerId=id, phone="+47 412 30 200")["id"]
    deal = client.create(
        "Opportunity", name="Ylva Brandt: loan", customerId=id, expectedAmount={"amount": "500", "currency": "CNY"}
    )["id"]
    client.create(
        "Receivable",
        customerId=id,
        number="R-1",
        amount={"amount": "70", "currency": "CNY"},
        invoicedOn="2025-05-01",
        dueOn="2025-06-01",
    )
    client.create(
        "Transaction", customerId=id, occurredOn="2025-05-01", actualAmount={"amount": "70", "currency": "CNY"}
    )
    referred = client.create("Customer", name="Friend of hers", referredById=id)["id"]
    sums = client.query(SUMS)
    erased = erase(house.asks("adm"), id)
    assert erased["customer"] == {"id": id, "name": "erased"}
    values = ["Ylva Brandt", "ylva@brandt.example", "Elm 5", "TX-99", "+47 412 30 200"]
    assert traces(client, values) == set()
    assert client.query(SUMS) == sums
    names = client.query(
        "query ($p: ID!, $d: ID!, $r: ID!) { contact(id: $p) { name } opportunity(id: $d) { name } customer(id: $r) "
        "{ name referredBy { id } } }",
        p=person,
        d=deal,
        r=referred,
    )
    assert names == {
        "contact": {"name": "erased"},
        "opportunity": {"name": "erased: loan"},
        "customer": {"name": "Friend of hers", "referredBy": {"id": id}},
    }


def test_an_export_has_all_that_is_stored_and_is_noted(house):
    person, interaction, task = entered(house, house.customers["bob"])
    data = house.asks("adm").query(EXPORT, id=person)["exportPersonalData"]["data"]
    text = json.dumps(data, ensure_ascii=False)
    assert [value for value in VALUES if value not in text] == []
    assert data["record"]["name"] == "Zoë Quist"
    assert data["leftOut"] == []
    assert data["externalIds"] == {"crm": "crm-4711"}
    assert [row["id"] for row in data["related"]["Interaction"]] == [interaction]
    assert [row["id"] for row in data["related"]["Task"]] == [task]
    assert data["related"]["notebook_page"][0]["count"] == 3
    assert audited(house, person) == [("EXPORTED", house.adm, None)]
    erase(house.asks("adm"), person)


def test_an_export_has_nothing_that_the_caller_may_not_see(house):
    # May export, but sees neither personal data nor tasks.
    house.client.create("Role", role="SUPPORT_MANAGER", permissions=["*.read", "Task.read:none", "export"])
    asker = house.client.acting_as(house.user("Sue", "SUPPORT_MANAGER", None, None))
    person, *_ = entered(house, house.customers["bob"])
    data = asker.query(EXPORT, id=person)["exportPersonalData"]["data"]
    text = json.dumps(data)
    assert "zoe@quist.example" not in json.dumps(data["record"])
    assert "said she is moving" not in text
    assert "Task" not in data["related"]
    assert {"Contact.email", "Interaction.summary", "Task"} <= set(data["leftOut"])
    erase(house.asks("adm"), person)


@pytest.mark.parametrize(("text", "input"), [(EXPORT, None), (ERASE, {"reason": "asked"})])
def test_who_may_not_is_refused(house, text, input):
    id = house.contacts["bob"]
    given = {"id": id} if input is None else {"input": {"id": id, **input}}
    (error,) = house.asks("ann").execute(text, **given)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


def test_what_one_does_not_see_is_not_there(house):
    house.client.create(
        "Role", role="GRID_MANAGER", permissions=["*.read:own", "*.destroy:own", "export", "administer"]
    )
    asker = house.client.acting_as(house.user("Gus", "GRID_MANAGER", None, None))
    id = house.contacts["bob"]
    assert asker.query(EXPORT, id=id)["exportPersonalData"]["userErrors"] == [{"code": "NOT_FOUND", "field": ["id"]}]
    (error,) = erase(asker, id)["userErrors"]
    assert error["code"] == "NOT_FOUND"
    assert house.client.query("query ($id: ID!) { contact(id: $id) { email } }", id=id)["contact"]["email"]


def test_the_right_to_destroy_is_needed_to_erase(house):
    house.client.create("Role", role="INDUSTRY_MANAGER", permissions=["*.read", "administer"])
    asker = house.client.acting_as(house.user("Ivy", "INDUSTRY_MANAGER", None, None))
    (error,) = erase(asker, house.contacts["bob"])["userErrors"]
    assert error["code"] == "FORBIDDEN"


@pytest.mark.parametrize("id", ["con_01m7zpfbv4ezwtv6e8ah4q8626", "nonsense", "opp_01m7zpfbv4ezwtv6e8ah4q8626"])
def test_only_contacts_and_customers_are_erased(house, id):
    (error,) = erase(house.asks("adm"), id)["userErrors"]
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["id"])
