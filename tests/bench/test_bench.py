"""What the comparisons build and ask stays in step with the schema; the figures the README tells are those stored."""

import asyncio

import pytest

from bench.data import Size, bench_app, build
from bench.introspection import measured
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
