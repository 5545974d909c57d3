"""The peers that writes are compared with write what guanxi writes; what a request passes through can be counted."""

import asyncio
import importlib
import json
import sqlite3
import sys
from contextlib import closing

import psycopg
import pytest

from bench.data import Size, bench_app, build
from bench.mutations import IDS, MUTATIONS, filled
from bench.paths import measured
from bench.peers.bare import WRITES, connected
from bench.peers.plain_insert import insert_plainly
from bench.queries import GUANXI
from bench.recompute import recompute_plainly
from bench.writes import new_customers
from guanxi.testing import running
from tests.conftest import ENGINES
from tests.shares import by_turns

SMALL = Size(customers=60, has_tiers=False)
#: The records of these numbers are alike but for their names.
OURS, THEIRS = 50, 55


@pytest.fixture
def engine(databases):
    return databases.engine


@pytest.fixture(scope="module")
def built(databases):
    """The address of a database with what is built, which is copied for each test."""
    address = databases.empty()
    build(address, SMALL)
    return address


@pytest.fixture
def url(databases, built):
    return databases.copy(built)


def rows(engine, url, sql):
    made = sqlite3.connect(url.removeprefix("sqlite:///")) if engine == "sqlite" else psycopg.connect(url)
    with closing(made) as connection:
        return connection.execute(sql).fetchall()


def written(engine, url, record, id):
    """The version of a record, and its events in order."""
    version = rows(engine, url, f"SELECT version, updated_at > '2025-06-01' FROM {record} WHERE id = '{id}'")
    sql = f"SELECT type, action, entity_type, changes FROM event WHERE entity_id = '{id}' ORDER BY id"
    found = rows(engine, url, sql)
    logged = [(*kinds, json.loads(changes) if isinstance(changes, str) else changes) for *kinds, changes in found]
    for *_, changes in logged:
        # The moments and the names of the two records differ.
        changes.pop("stageEnteredAt", None)
    return version, logged


def body(mutation, offset):
    return json.loads(filled(json.dumps(mutation.body(GUANXI)), 2 * IDS, offset))


async def answer_of_bare_route(url, mutation):
    database = await connected(url)
    _, write = WRITES[mutation.name]
    try:
        record = await database.run(write, body(mutation, THEIRS)["variables"]["input"])
    finally:
        await database.close()
    return {mutation.name: {mutation.record.lower(): json.loads(record), "userErrors": []}}


async def answer_of_idiomatic_program(url, mutation):
    if url.startswith("sqlite"):
        pytest.importorskip("aiosqlite")
    sys.modules.pop("bench.peers.idiomatic_writes", None)
    program = importlib.import_module("bench.peers.idiomatic_writes")
    asked = body(mutation, THEIRS)
    try:
        result = await program.schema.execute(asked["query"], variable_values=asked["variables"])
    finally:
        await program.engine.dispose()
    assert not result.errors
    return result.data


@pytest.mark.parametrize(
    ("databases", "answer"),
    by_turns(ENGINES, [answer_of_bare_route, answer_of_idiomatic_program]),
    indirect=["databases"],
    scope="session",
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_peers_write_and_log_what_a_mutation_writes_and_logs(engine, url, monkeypatch, answer):
    monkeypatch.setenv("BENCH_URL", url)
    with running(bench_app(url)) as client:
        asked = [body(mutation, OURS) for mutation in MUTATIONS]
        ours = [client.query(one["query"], **one["variables"]) for one in asked]
    theirs = [asyncio.run(answer(url, mutation)) for mutation in MUTATIONS]
    for mutation, our, their in zip(MUTATIONS, ours, theirs, strict=True):
        assert mutation.row(GUANXI, their) == mutation.row(GUANXI, our)
        record = mutation.record.lower()
        ids = [given[mutation.name][record]["id"] for given in (our, their)]
        expected, found = (written(engine, url, record, id) for id in ids)
        assert expected[1]
        assert found == expected


def test_a_plain_insert_writes_what_an_upsert_writes(engine, url):
    ours, theirs = new_customers("Customer")[:2]
    with running(bench_app(url)) as client:
        upsert = "mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {matchBy: ID, items: $items}) {created}}"
        assert client.query(upsert, items=[ours])["upsertCustomers"] == {"created": 1}
    insert_plainly(engine, url, [theirs])
    columns = "kind, status, needs, version, annual_revenue_currency, annual_revenue_minor > 0 OR name = 'Customer 0'"
    sql = f"SELECT {columns} FROM customer WHERE id IN ('{ours['id']}', '{theirs['id']}')"
    (expected, found) = rows(engine, url, sql)
    assert found == expected
    (expected, found) = (written(engine, url, "customer", item["id"])[1] for item in (ours, theirs))
    assert [(*kinds, sorted(changes)) for *kinds, changes in found] == [
        (*kinds, sorted(changes)) for *kinds, changes in expected
    ]


def test_events_of_the_plain_recompute_can_be_read(url):
    with running(bench_app(url)) as client:
        recompute_plainly(client.app.database.dialect, url)
        client.query('mutation { createCustomer(input: {name: "One more"}) { userErrors { code } } }')
        events = client.query("{ events(types: [VALUE_TIER_CHANGED], first: 100) { nodes { entityId } } }")["events"]
        assert len({event["entityId"] for event in events["nodes"]}) == 60


def test_paths_are_counted(url):
    figures = asyncio.run(measured(url, []))
    for mutation in MUTATIONS:
        path = figures[mutation.title]
        assert path["statements"] >= path["round trips"] >= 1
        assert path["calls"] > path["moves"] > path["files"] > 10
    assert figures["point read"]["moves"] < figures["update a customer"]["moves"]
