"""Likely duplicates when records are created, and the query that lists them, through the API."""

import pytest
from sqlalchemy import delete, inspect

from guanxi.testing import Rival, together
from plugins.duplicates import Duplicates
from plugins.duplicates.models import DuplicateKey
from tests import writes

ASK = "query ($id: ID!) { duplicates(record: $id) { customer { name } contact { name } score matchedOn } }"
REFUSE = {"duplicates": {"policy": "REFUSE"}}
CREATE = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { userErrors { code } } }"
UPSERT = """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) {
    results { status } userErrors { code } } }"""


@pytest.fixture(scope="module")
def warning(module_crm):
    return module_crm(Duplicates)


@pytest.fixture(scope="module")
def refusing(module_crm):
    return module_crm(Duplicates, plugins=REFUSE)


def create(client, **given):
    errors = "{ code message params }"
    text = f"mutation ($input: CreateCustomerInput!) {{ createCustomer(input: $input) {{ customer {{ id }} userErrors {errors} warnings {errors} }} }}"
    return client.query(text, input=given)["createCustomer"]


def found(client, id):
    return client.query(ASK, id=id)["duplicates"]


def test_a_likely_duplicate_is_warned_of_and_listed(warning):
    first = create(warning, name="Müller & Söhne GmbH", email="info@mueller.example")["customer"]["id"]
    second = create(warning, name="Muller Sohne AG", website="https://www.mueller.example")
    (told,) = second["warnings"]
    assert (told["params"]["matchedOn"], "by name, website;" in told["message"]) == (["name", "website"], True)
    assert (told["code"], told["params"]["candidate"], told["params"]["score"]) == ("DUPLICATE", first, 99)
    id = second["customer"]["id"]
    assert found(warning, id) == [
        {"customer": {"name": "Müller & Söhne GmbH"}, "contact": None, "score": 99, "matchedOn": ["name", "website"]}
    ]
    # It follows what changes, what is deleted and what is restored.
    writes.payload(warning, "update", "Customer", "id", id=first, name="Alpha", email=None)
    assert found(warning, id) == []
    writes.payload(warning, "update", "Customer", "id", id=first, name="Mueller Sohne", email="a@mueller.example")
    assert len(found(warning, id)) == 1
    writes.payload(warning, "delete", "Customer", "id", id=first)
    assert found(warning, id) == []
    writes.payload(warning, "restore", "Customer", "id", id=first)
    assert len(found(warning, id)) == 1
    # Records that are older than the plugin are found once the job has run.
    with warning.app.database.engine.begin() as connection:
        connection.execute(delete(DuplicateKey.__table__))
    assert found(warning, id) == []
    assert warning.run_job("index_duplicates").startswith("indexed ")
    assert len(found(warning, id)) == 1


@pytest.mark.parametrize(
    ("one", "other", "matched"),
    [
        # A mistake in a name, and the names swapped.
        (
            {"name": "Gemaley Matthews", "birthDate": "1973-08-29"},
            {"name": "Matthews, Gemaeky", "birthDate": "1973-08-29"},
            ["birthDate", "name"],
        ),
        (
            {"name": "Anna Berg", "socialProfile": "https://www.linkedin.com/in/anna-berg/?trk=x"},
            {"name": "A. Holm", "socialProfile": "linkedin.com/in/Anna-Berg"},
            [],
        ),
        (
            {"name": "Anna Berg", "socialProfile": "https://www.linkedin.com/in/anna-berg/?trk=x"},
            {"name": "Berg, Ana", "socialProfile": "linkedin.com/in/Anna-Berg"},
            ["socialProfile", "name"],
        ),
        # A name that many have, at one address.
        (
            {"name": "Karl Meyer", "street": "Hauptstr. 5", "postalCode": "20095", "city": "Hamburg", "region": "HH"},
            {"name": "Meier, Karl", "street": "Hauptstraße 5", "postalCode": "20095", "city": "Hamburg"},
            ["name", "street", "postalCode", "city"],
        ),
        (
            {"name": "王小明", "chatHandle": "@Xiao_Ming"},
            {"name": "Wang Xiaoming", "chatHandle": "xiao_ming"},
            ["name", "chatHandle"],
        ),
    ],
)
def test_contacts_are_compared_by_what_is_known_of_people(warning, one, other, matched):
    first = warning.create("Contact", **one)["id"]
    assert listed(warning, warning.create("Contact", **other)["id"]).get(first, []) == matched


def test_colleagues_who_share_a_number_and_the_beginning_of_a_name_are_not_one(warning):
    firm = {"customerId": warning.create("Customer", name="Employer")["id"], "phone": "+49 40 7654321"}
    first, second, third = (
        warning.create("Contact", name=name, **firm)["id"] for name in ("Paul Visser", "Pavel Berg", "P. Viser")
    )
    assert second not in listed(warning, first)
    assert sorted(listed(warning, first)[third]) == ["customerId", "name", "phone"]


def listed(client, id):
    """By what each likely duplicate of a contact is one."""
    asked = client.query("query ($id: ID!) { duplicates(record: $id) { contact { id } matchedOn } }", id=id)
    return {one["contact"]["id"]: one["matchedOn"] for one in asked["duplicates"]}


def test_the_keys_of_a_record_are_found_by_an_index(warning):
    table = DuplicateKey.__table__
    indexes = inspect(warning.app.database.engine).get_indexes(table.name)
    assert ["record_id", "hash"] in [index["column_names"] for index in indexes]


def test_a_likely_duplicate_is_refused_unless_it_is_allowed(refusing):
    first = create(refusing, name="Kern Optics Ltd")["customer"]["id"]
    refused = create(refusing, name="Kern Optcis Limited")
    assert [(error["code"], error["params"]["candidate"]) for error in refused["userErrors"]] == [("DUPLICATE", first)]
    assert create(refusing, name="Kern Optcis Limited", allowDuplicates=True)["userErrors"] == []
    # Of two in one batch the first is there before the second.
    items = [
        {"name": name, "externalIds": [{"system": "a", "value": name}]} for name in ("Fjord AB", "FJORD", "Vesta Oy")
    ]
    results = refusing.query(UPSERT, items=items)["upsertCustomers"]["results"]
    assert [one["status"] for one in results] == ["CREATED", "FAILED", "CREATED"]


def test_of_two_created_at_once_the_second_is_refused(refusing):
    create(refusing, name="Somebody else")
    assert together(refusing, *(Rival(CREATE, {"input": {"name": name}}) for name in ("Castell AG", "CASTELL"))) > 0


def test_what_the_caller_may_not_see_is_not_named(warning, refusing):
    for client in (warning, refusing):
        owner = client.create("User", name="Olga")["id"]
        hidden = client.create("Customer", name="Hidden Harbour", ownerId=owner)["id"]
        stranger = client.acting_as(
            client.create("User", name="Stan")["id"], ["Customer.read:own", "Customer.create:own", "personal"]
        )
        answer = create(stranger, name="Hidden Harbour Ltd")
        assert hidden not in str(answer)
        if client is warning:
            assert (answer["warnings"], answer["userErrors"]) == ([], [])
            assert found(stranger, answer["customer"]["id"]) == []
        else:
            (error,) = answer["userErrors"]
            assert error["message"].startswith("a customer that you may not see may be the same customer")
            assert "candidate" not in error["params"]
