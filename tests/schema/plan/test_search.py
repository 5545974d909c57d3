"""Search: what is found, in which order, by whom, and since when."""

from contextlib import closing

import pytest
from sqlalchemy import text

from core.db.database import Database
from guanxi.testing import QueryError
from tests.writes import changed, done, made, upserted

ASK = """query ($text: String!, $types: [SearchType!], $first: Int) {
  search(text: $text, types: $types, first: $first) { match node { __typename id } } }"""
NAMES = {
    "stone": "Stone Bridge Foods",
    "bridge": "Bridge Stone AG",
    "beijing": "北京长城科技",
    "sons": "Müller & Söhne",
    "gida": "İstanbul Gıda",
}


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


@pytest.fixture(scope="module")
def ids(client):
    found = {key: made(client, "Customer", name=name)["id"] for key, name in NAMES.items()}
    contact = {"customerId": found["stone"], "phone": "+86 10 5555 0100", "email": "fang@acme.example"}
    found["fang"] = made(client, "Contact", name="曾国藩", tags=["Hot lead"], **contact)["id"]
    found["cable"] = made(client, "Product", name="Cable", code="C-1001")["id"]
    return found


def found(client, asked, **more):
    return [(hit["match"], hit["node"]["id"]) for hit in client.query(ASK, text=asked, **more)["search"]]


@pytest.mark.parametrize(
    ("asked", "hits"),
    [
        ("stone bridge foods", [("NAME", "stone")]),
        ("stone bridge", [("BEGINNING", "stone"), ("WORDS", "bridge")]),
        ("bridge fo", [("BEGINNINGS", "stone")]),
        ("brigde foods", [("MISTAKE", "stone")]),
        ("muller sohne", [("NAME", "sons")]),
        ("ISTANBUL", [("BEGINNING", "gida")]),
        ("长城", [("WORDS", "beijing")]),
        ("城长", []),
        ("changcheng", [("BEGINNINGS", "beijing")]),
        ("bjcc", [("BEGINNINGS", "beijing")]),
        ("zengguofan", [("WORDS", "fang")]),
        ("5555 0100", [("BEGINNINGS", "fang")]),
        ("fang@acme.example", [("WORDS", "fang")]),
        ("lead hot", [("WORDS", "fang")]),
        ("hot 国藩", [("WORDS", "fang")]),
        ("c1001", [("MISTAKE", "cable")]),
        ("c-1001", [("WORDS", "cable")]),
        (" ", []),
        ("\" OR ' :* & | !", []),
    ],
)
def test_what_one_remembers_finds_the_record(client, ids, asked, hits):
    assert found(client, asked) == [(match, ids[key]) for match, key in hits]


def test_types_and_how_many_can_be_said(client, ids):
    assert [id for _, id in found(client, "stone")][:2] == [ids["stone"], ids["bridge"]]
    assert len(found(client, "stone", first=1)) == 1
    assert found(client, "stone", types=["CONTACT", "USER"]) == []
    assert found(client, "stone", types=[]) == []
    for first in (0, 1001):
        with pytest.raises(QueryError, match=f"search: first: {first} is not possible; give a number from 1 to 1000"):
            found(client, "stone", first=first)
    with pytest.raises(QueryError, match="text: 201 characters are too many"):
        found(client, "x" * 201)


def test_it_is_current_after_every_kind_of_write(crm):
    client = crm()
    id = made(client, "Customer", name="Original", tags=["blue"])["id"]
    changed(client, "Customer", id, name="Renamed")
    assert (found(client, "original"), found(client, "renamed blue")) == ([], [("WORDS", id)])
    changed(client, "Customer", id, tags=["green"])
    assert (found(client, "blue"), found(client, "renamed green")) == ([], [("WORDS", id)])
    done(client, "delete", "Customer", id)
    assert found(client, "renamed") == []
    done(client, "restore", "Customer", id)
    assert found(client, "renamed") == [("NAME", id)]
    done(client, "destroy", "Customer", id)
    assert found(client, "green") == []


def test_what_a_refused_row_would_have_written_is_not_found(client, ids):
    keys = [{"externalIds": [{"system": "rows", "value": str(number)}]} for number in (1, 2)]
    items = [{"name": "Kept row", **keys[0]}, {"name": "Lost row", "employeeCount": -1, **keys[1]}]
    answer = upserted(client, "customers", items)
    assert (answer["created"], answer["failed"]) == (1, 1)
    assert len(found(client, "kept row")) == 1
    assert found(client, "lost row") == []


def test_records_from_before_there_was_a_search_are_found_after_the_next_start(crm):
    url = crm.databases.fresh()
    client = crm(url=url)
    id = made(client, "Customer", name="Ancient", tags=["old"])["id"]
    with closing(Database(url)) as database, database.engine.begin() as connection:
        connection.execute(text("DELETE FROM search_entry"))
        connection.execute(text("DELETE FROM installation WHERE name = 'core entries'"))
    assert found(client, "ancient") == []
    assert found(crm(url=url), "ancient old") == [("WORDS", id)]
