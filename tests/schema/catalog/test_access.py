"""What a caller may not see has no part in any answer: as if rows were not there, and fields had no name."""

import pytest

from core.base.actors import Actor
from guanxi import Facet, Field, Permission, Plugin, hookimpl
from guanxi.sql import Expression
from schema.catalog.access import Access
from schema.request.questions import ask
from tests import data


class Secrets(Facet, of="Contact", plugin="secretive"):
    secret: int | None = None


class Secretive(Plugin):
    """A field for few, and one made from it."""

    name, version, api = "secretive", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Contact.secret", Secrets.secret, "For few.", writable=True, permission="secrets")
        yield Field("Contact.hint", python=hints, needs=["secret"], type=str, description="Made from it.")

    @hookimpl
    def register_permissions(self):
        yield Permission("secrets", "Know secrets.")


def hints(ctx, rows):
    return [str(row["secret"]) for row in rows]


def supporters(row) -> Expression:
    return row.attitude == "SUPPORT"


def filled(module_crm, access):
    client = module_crm(Secretive)
    data.fill(client)
    items = [{"externalIds": [data.key(f"p{number}")], "secret": number} for number in range(20)]
    data.upsert(client, "contacts", items)
    client.app.services.access = access
    return client


@pytest.fixture(scope="module")
def limited(module_crm):
    """Who sees contacts that support us, and no secrets."""
    return filled(module_crm, lambda actor: Access("few", frozenset({"secrets"}), {"Contact": supporters}))


@pytest.fixture(scope="module")
def whole(module_crm):
    """Who sees everything, where there are no other contacts than those."""
    client = filled(module_crm, lambda actor: Access())
    others = client.query("{ contacts(where: {attitude: {ne: SUPPORT}}) { nodes { id } } }")["contacts"]["nodes"]
    assert others
    for contact in others:
        deleted = "mutation ($id: ID!) { deleteContact(input: {id: $id}) { userErrors { code } } }"
        assert client.query(deleted, **contact)["deleteContact"] == {"userErrors": []}
    return client


ROWS = [
    "{ contacts(first: 3, orderBy: [{name: ASC}]) { totalCount nodes { name } pageInfo { hasNextPage } } }",
    "{ contacts(last: 3, orderBy: [{name: ASC}]) { nodes { name } pageInfo { hasPreviousPage } } }",
    "{ customers { nodes { name contacts { totalCount nodes { name } } contactsAggregate { count } } } }",
    "{ contactsAggregate { count } contacts(orderBy: [{createdAt: ASC}], first: 1) { nodes { name } } }",
    "{ contactsAggregate(where: {attitude: {eq: OPPOSE}}) { count } }",
    "{ contactsGroupBy(by: [{attitude: true}]) { keys { attitude } aggregate { count } } }",
    "{ contactsGroupBy(by: [{customer: {name: true}}]) { keys { customer { name } } aggregate { count } } }",
    "{ customers(where: {contacts: {some: {attitude: {ne: SUPPORT}}}}) { nodes { name } } }",
    "{ customers(where: {contacts: {none: {attitude: {eq: OPPOSE}}}}) { nodes { name } } }",
    "{ customers(where: {contacts: {every: {attitude: {eq: SUPPORT}}}}) { nodes { name } } }",
    "{ customers(where: {contactsAggregate: {count: {gt: 1}}}) { nodes { name } } }",
    "{ customers(where: {contactsAggregate: {count: {eq: 0}}}) { totalCount } }",
    '{ opportunities { nodes { name customer { contacts(where: {name: {contains: "1"}}) { totalCount } } } } }',
    "{ contacts { nodes { name reportsTo { name } } } }",
    "{ customersGroupBy(by: [{industry: true}], where: {contacts: {some: {}}}) { keys { industry } aggregate { count } } }",
]


@pytest.mark.parametrize("text", ROWS)
def test_rows_that_may_not_be_seen_are_not_there(limited, whole, text):
    assert limited.query(text) == whole.query(text)


def test_a_record_that_may_not_be_seen_is_not_found_by_its_id(limited):
    everybody = limited.app.services
    limited.app.services.access, few = (lambda actor: Access()), everybody.access
    try:
        found = limited.query("{ contacts { nodes { id attitude } } }")["contacts"]["nodes"]
    finally:
        everybody.access = few
    for contact in found:
        there = limited.query(
            """query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } contact(id: $id) { id } }""",
            id=contact["id"],
        )
        expected = {"id": contact["id"]} if contact["attitude"] == "SUPPORT" else None
        assert there == {"node": expected, "nodes": [expected], "contact": expected}


def test_a_field_that_may_not_be_seen_is_null_with_an_error_at_each_place(limited, whole):
    text = "{ contacts(first: 2, orderBy: [{name: ASC}]) { nodes { name secret other: secret hint } } }"
    assert all(node["secret"] is not None for node in whole.query(text)["contacts"]["nodes"])
    answer = limited.execute(text)
    nodes = answer["data"]["contacts"]["nodes"]
    assert [node["name"] for node in nodes] == ["Person 00", "Person 01"]
    assert all(node["secret"] is node["other"] is node["hint"] is None for node in nodes)
    places = sorted(error["path"][-2:] for error in answer["errors"])
    assert places == [[n, key] for n in (0, 1) for key in ("hint", "other", "secret")]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


USES = [
    "{ contacts(where: {secret: {gt: 3}}) { totalCount } }",
    "{ contacts(where: {not: {or: [{secret: {isNull: true}}]}}) { totalCount } }",
    "{ contacts(orderBy: [{name: ASC}, {secret: DESC}]) { nodes { name } } }",
    "{ contactsAggregate { sum { secret } } }",
    "{ contactsAggregate { count max { secret } } }",
    "{ contactsGroupBy(by: [{secret: true}]) { aggregate { count } } }",
    "{ contactsGroupBy(by: [{attitude: true}], having: {avg: {secret: {gt: 1}}}) { aggregate { count } } }",
    "{ contactsGroupBy(by: [{attitude: true}], orderBy: [{max: {secret: ASC}}]) { aggregate { count } } }",
    "{ customers(where: {contacts: {some: {secret: {gt: 1}}}}) { totalCount } }",
    "{ customers(where: {contactsAggregate: {max: {secret: {gt: 1}}}}) { totalCount } }",
    "{ customersGroupBy(by: [{industry: true}], where: {contacts: {none: {secret: {gt: 1}}}}) { aggregate { count } } }",
]


@pytest.mark.parametrize("text", USES)
def test_a_field_that_may_not_be_seen_filters_orders_groups_and_sums_nothing(limited, whole, text):
    whole.query(text)
    answer = limited.execute(text)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "Contact.secret: needs the permission secrets" in error["message"]
    assert not answer["data"]


def test_below_the_root_it_spares_what_stands_beside_it(limited):
    answer = limited.execute(
        "{ customers(first: 1) { nodes { name contacts(where: {secret: {gt: 1}}) { totalCount } tags } } }"
    )
    (node,) = answer["data"]["customers"]["nodes"]
    assert node["name"]
    assert node["tags"] is not None
    assert node["contacts"] is None
    assert [error["path"] for error in answer["errors"]] == [["customers", "nodes", 0, "contacts"]]


def test_accesses_of_two_callers_never_share_a_plan(limited):
    text = "{ contacts { totalCount } }"
    services = limited.app.services
    few = services.access
    assert limited.query(text)["contacts"]["totalCount"] == 10
    services.access = lambda actor: Access()
    try:
        assert limited.query(text)["contacts"]["totalCount"] == 20
    finally:
        services.access = few
    assert limited.query(text)["contacts"]["totalCount"] == 10


def test_a_condition_may_ask_who_it_is(module_crm):
    mine = Access("mine", rows={"Contact": lambda row: row.created_by == row.actor})
    client = module_crm()
    data.fill(client)
    client.app.services.access = lambda actor: mine
    assert client.query("{ contacts { totalCount } }")["contacts"]["totalCount"] == 20
    somebody = client.app.context(Actor("somebody"))
    assert client.run(ask(somebody, "{ contacts { totalCount } }"))["contacts"]["totalCount"] == 0
