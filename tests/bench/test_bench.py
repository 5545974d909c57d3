"""What the comparisons build and ask stays in step with the schema; the figures the README tells are those stored."""

import asyncio
import json
import sqlite3
from contextlib import closing

import psycopg
import pytest

from bench.data import Size, bench_app, build
from bench.introspection import measured
from bench.peers.limit_sql import POSTGRESQL_SQL, SQLITE_SQL
from bench.queries import ANY_ID, GUANXI, NEW, READS
from bench.results import DOCUMENTS, embedded
from guanxi import create_app, load_settings
from guanxi.testing import running

SMALL = Size(customers=60)


@pytest.fixture(scope="module")
def asked(databases):
    url = databases.empty()
    build(url, SMALL)
    with running(bench_app(url)) as client:
        yield client


@pytest.mark.parametrize("query", READS, ids=lambda query: query.name)
def test_every_query_of_the_comparisons_has_an_answer(asked, query):
    body = query.body(GUANXI, None)
    variables = {name: value and value.replace(ANY_ID, "7".rjust(26, "0")) for name, value in body["variables"].items()}
    assert query.rows(GUANXI, asked.query(body["query"].replace(NEW, "1"), **variables))


@pytest.mark.parametrize("name", POSTGRESQL_SQL)
def test_the_sql_of_the_limit_gives_the_same_json(asked, name):
    query = next(query for query in READS if query.name == name)
    database = asked.app.database
    cursor, values = None, []
    if query.pages:
        text = "{ customers(first: 20, orderBy: [{name: ASC}]) { edges { cursor node { id name } } } }"
        last = asked.query(text)["customers"]["edges"][-1]
        cursor, values = last["cursor"], [last["node"]["name"].lower(), last["node"]["id"]]
    body = query.body(GUANXI, cursor)
    variables = {name: value.replace(ANY_ID, "7".rjust(26, "0")) for name, value in body["variables"].items()}
    values = values or list(variables.values())
    text = body["query"].replace(" label", "")
    (expected,) = asked.query(text, **variables).values()
    if database.dialect == "postgresql":
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as connection, psycopg.RawCursor(connection) as cursor_of_sql:
            found = cursor_of_sql.execute(POSTGRESQL_SQL[name], values).fetchone()[0]
    else:
        with closing(sqlite3.connect(database.path)) as connection:
            found = connection.execute(SQLITE_SQL[name], values).fetchone()[0]
    assert json.loads(found) == expected


def test_the_data_is_of_the_size_that_is_said(asked):
    counts = "customersAggregate { count } contactsAggregate { count } opportunitiesAggregate { count }"
    found = [answer["count"] for answer in asked.query(f"{{ {counts} }}").values()]
    assert found == [60, 180, 300]


def test_introspection_is_measured(databases):
    app = create_app(load_settings(database_url=databases.empty()), [])
    app.migrate()
    figures = asyncio.run(measured(app))
    assert min(figures.values()) >= 0
    assert figures["compressed, kB"] < figures["size, kB"] / 8


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_tables_are_those_of_the_stored_results(document):
    text = document.read_text()
    assert "<!-- bench " in text
    assert embedded(text) == text
