"""Search: what is found, in which order, by whom, and since when."""

from contextlib import closing

import pytest
from sqlalchemy import text

from core.db.database import Database
from core.search.samples import MARKS, depth
from guanxi.testing import QueryError
from schema.plan import search
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
        ("beijignchang", [("MISTAKE", "beijing")]),
        ("chengcheng", [("MISTAKE", "beijing")]),
        ("zenguofan", [("MISTAKE", "fang")]),
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


def test_within_a_step_the_shortest_names_come_first(client):
    names = [f"Quarry {'x' * length}" for length in (7, 3, 12, 5)]
    ids = {made(client, "Customer", name=name)["id"]: name for name in names}
    asked = [ids[id] for match, id in found(client, "quarry")]
    assert asked == sorted(names, key=len)
    assert [ids[id] for match, id in found(client, "quarry", first=2)] == asked[:2]


def test_of_a_common_word_a_sample_is_compared_and_of_a_rare_one_everything(crm, monkeypatch):
    monkeypatch.setattr(search, "_ENOUGH", 1)
    client = crm()
    names = [f"Common {'y' * (number % 7)}z{number}" for number in range(120)]
    items = [{"name": name, "externalIds": [{"system": "rows", "value": name}]} for name in names]
    assert upserted(client, "customers", items)["created"] == len(names)
    rows = client.query("{ customers(first: 1000) { nodes { id name } } }")["customers"]["nodes"]
    # One that is in no sample, but is called what is asked for.
    exact = made(client, "Customer", name="Common")["id"]
    while depth(exact):
        changed(client, "Customer", exact, name="Another")
        exact = made(client, "Customer", name="Common")["id"]
    samples = ([row for row in rows if depth(row["id"]) >= least] for least in reversed(range(len(MARKS) + 1)))
    smallest = next(sample for sample in samples if len(sample) >= 2)
    shortest = min(smallest, key=lambda row: (len(row["name"]), row["id"]))["id"]
    assert found(client, "common", first=2) == [("NAME", exact), ("BEGINNING", shortest)]
    rare = next(row["id"] for row in rows if row["name"].endswith(" z77"))
    assert found(client, "z77 common", first=1) == [("WORDS", rare)]
    assert len(found(client, "common", first=100)) == 100


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


def test_entries_of_many_rows_are_found_in_whatever_order_they_are_written(crm):
    client = crm()
    rows = [
        {"externalIds": [{"system": "many", "value": str(number)}], "name": f"Many {number}"} for number in range(600)
    ]
    upserted(client, "customers", rows)
    upserted(client, "customers", [{**row, "name": f"Other {row['name']}"} for row in reversed(rows)])
    assert found(client, "other many 17", first=1)[0][0] == "NAME"
    with closing(Database(client.app.database.url)) as database, database.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            # Each part of its index is looked into for each term, and joined with others again and again.
            parts = connection.scalar(text("SELECT count(DISTINCT segid) FROM search_index_idx"))
            assert parts <= 3
