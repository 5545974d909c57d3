"""The page on access control: its documents are answered as it shows."""

import json

import pytest

from tests.access.house import House
from tests.docs.test_readme import answered
from tests.snippets import snippets

ANSWERED = answered("docs/access.md")
SHOWN = {asked for asked, _ in ANSWERED}


@pytest.fixture(scope="module")
def house(module_crm):
    return House(module_crm())


def test_every_document_is_answered_as_shown(house):
    asked = house.asks("adm")
    person = house.contacts["ann"]
    for text in snippets("docs/access.md", "graphql"):
        answer = asked.query(text, **({"id": person} if "$id" in text else {}))
        shown = [expected for document, expected in ANSWERED if document == text]
        assert [json.loads(one) for one in shown] in ([], [answer])
    assert len(SHOWN) == 2
    assert house.names("ann") == ["ann"]


def test_what_it_says_of_refusals(house):
    partner = house.asks("par")
    answer = partner.execute("{ contacts { nodes { name email } } }")
    assert answer["data"]["contacts"]["nodes"] == [{"name": "par contact", "email": None}]
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    answer = partner.execute('{ contacts(where: {email: {contains: "x"}}) { totalCount } }')
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    seen = partner.query("query ($id: ID!) { customer(id: $id) { name } }", id=house.customers["bob"])
    assert seen == {"customer": None}
