"""What is asked of large tables by default, and by plugins' fields, is found by indexes: no list looks at every row."""

import json
import sqlite3
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import Boolean, Date, Integer, String

from core.db.sqlite import prepare_sqlite
from core.db.types import Choice, Json, Scaled, Text, Timestamp
from core.records.record import tables_of
from guanxi import create_app, load_settings
from plugins.value_tiering import ValueTiering

ROWS = {
    "customer": 40_000,
    "value_tiering_customer_value": 40_000,
    "interaction": 10_000,
    "contact": 10_000,
    "opportunity": 10_000,
    "transaction": 10_000,
    "task": 10_000,
    "product": 10_000,
    "value_tiering_tier_change": 10_000,
}
#: Rows that a page of fifty may look at; of one in four hundred there are a hundred.
FEW = 2_000
#: Virtual machine instructions of SQLite that looking at one row takes at least.
PER_ROW = 8

#: What is asked of all customers. What is asked of few of them, such as who set a tier by hand, has no index.
INDEXED = {
    "abcClass",
    "accountClass",
    "currentValue",
    "isKeyCustomer",
    "potentialValue",
    "lifetimeProfit",
    "lifetimeRevenue",
    "lifetimeUsage",
    "valueQuadrant",
    "valueRank",
    "valueTier",
    "valueTierSince",
}


class Filling:
    """Fills every table of an app with rows of all different values, of which one in four hundred is rare."""

    def __init__(self, engine):
        self._on_sqlite = engine == "sqlite"

    def insert(self, table):
        columns = [column for column in table.c if not (column.name == "deleted_at" or column.info.get("internal"))]
        names = ", ".join(f'"{column.name}"' for column in columns)
        values = ", ".join(self._value(column) for column in columns)
        rows = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS[table.name]})"
        return f'INSERT INTO "{table.name}" ({names}) {rows} SELECT {values} FROM n'

    def _value(self, column):
        for key in column.foreign_keys:
            return f"'{key.column.table.name}_' || (1000000 + i)"
        if column.name == "id":
            return f"'{column.table.name}_' || (1000000 + i)"
        kind = column.type
        if isinstance(kind, Choice):
            common, rare = ([member.value for member in kind.enum] * 2)[:2]
            return f"CASE WHEN i % 400 = 0 THEN '{rare}' ELSE '{common}' END"
        if isinstance(kind, Timestamp):
            return (
                "strftime('%Y-%m-%dT%H:%M:%fZ', '2020-01-01', '+' || i || ' minutes')"
                if self._on_sqlite
                else "timestamptz '2020-01-01' + i * interval '1 minute'"
            )
        if isinstance(kind, Date):
            return (
                "date('2000-01-01', '+' || (i % 5000) || ' days')"
                if self._on_sqlite
                else "date '2000-01-01' + i % 5000"
            )
        if isinstance(kind, Boolean):
            return "i % 400 = 0"
        if isinstance(kind, Json):
            return "'[]'" if self._on_sqlite else "'[]'::jsonb"
        if isinstance(kind, Text | String):
            return "'CNY'" if column.name.endswith("_currency") else "'w' || i"
        assert isinstance(kind, Integer | Scaled), (column, kind)
        return "1" if column.name == "version" else "i"


class Work:
    """How many rows a statement looks at."""

    def __init__(self, url):
        self._url = url
        self._lite = url.startswith("sqlite")

    def of(self, sql, values):
        return self._of_sqlite(sql, values) if self._lite else self._of_postgresql(sql, values)

    def _of_sqlite(self, sql, values):
        connection = sqlite3.connect(self._url.removeprefix("sqlite:///"))
        prepare_sqlite(connection, read_only=True)
        steps = 0

        def count():
            nonlocal steps
            steps += 1

        connection.set_progress_handler(count, 100)
        connection.execute(sql, values).fetchall()
        connection.close()
        return steps * 100 // PER_ROW

    def _of_postgresql(self, sql, values):
        with psycopg.connect(self._url) as connection, psycopg.RawCursor(connection) as cursor:
            (plan,) = cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", values).fetchone()
        return _rows_of((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"])


def _rows_of(node):
    here = 0
    if "Scan" in node["Node Type"]:
        here = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return max([here, *(_rows_of(below) for below in node.get("Plans", ()))])


@pytest.fixture(scope="module")
def large(module_crm):
    """A client of an app whose tables are large, and the work of what it is asked."""
    url = module_crm.databases.fresh()
    app = create_app(load_settings(database_url=url), [ValueTiering])
    app.migrate()
    filling = Filling(module_crm.databases.engine)
    with app.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.execute(
            "PRAGMA foreign_keys = off"
            if module_crm.databases.engine == "sqlite"
            else "SET session_replication_role = replica"
        )
        for table in [*tables_of("core"), *tables_of("value_tiering")]:
            if table.name in ROWS:
                driver.execute(filling.insert(table))
        if module_crm.databases.engine == "postgresql":
            # PostgreSQL does so by itself; nothing gives an SQLite file statistics.
            driver.execute("ANALYZE")
        driver.commit()
    app.database.close()
    return module_crm(ValueTiering, url=url)


def work(client, text, **variables):
    """The rows that the one statement of a query looks at."""
    asked = []
    reader = client.app.services.reader
    fetch = reader.fetch

    async def noted(sql, values):
        asked.append((sql, values))
        return await fetch(sql, values)

    reader.fetch = noted
    try:
        client.query(text, **variables)
    finally:
        del reader.fetch
    ((sql, values),) = asked
    return Work(client.app.settings.database_url).of(sql, values)


def test_a_default_list_does_not_look_at_every_row_on_any_page(large):
    lists = [record.plural for record in large.app.catalog.records.values() if record.table.name in ROWS]
    assert len(lists) == len(ROWS) - 1
    looked = {plural: max(both_pages(large, plural)) for plural in lists}
    assert {plural: rows for plural, rows in looked.items() if rows > FEW} == {}


def both_pages(large, plural):
    """What the first page looks at, and one far behind."""
    first = f"query ($after: String) {{ {plural}(first: 1000, after: $after) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}"
    page = first.replace("1000", "50")
    cursor = large.query(first)[plural]["pageInfo"]["endCursor"]
    return work(large, page), work(large, page, after=cursor)


#: For each kind of field a filter that few rows pass, none of them among the first.
EQUAL = {
    "TextKind": '{eq: "w99999"}',
    "BooleanKind": "{eq: true}",
    "DateKind": '{eq: "2013-09-08"}',
    "MomentKind": '{eq: "2020-03-10T10:39:00Z"}',
    "IntKind": "{eq: 99999}",
    "MoneyKind": '{eq: "999.99"}',
}
BEYOND = {
    "DateKind": '{gt: "2013-09-07"}',
    "MomentKind": '{gt: "2020-03-10T10:30:00Z"}',
    "IntKind": "{gt: 99950}",
    "MoneyKind": '{gt: "999.50"}',
}


def filters(catalog, of_kind):
    """For each of those fields that has such a kind: its filter."""
    for field in catalog.records["Customer"].fields.values():
        kind = type(field.kind).__name__
        if field.name not in INDEXED:
            continue
        if kind == "ChoiceKind" and of_kind is EQUAL:
            yield field.name, f"{{eq: {list(field.kind.enum)[1].name}}}"
        elif kind == "DecimalKind":
            value = Decimal(99_999 if of_kind is EQUAL else 99_950).scaleb(-field.kind.scale)
            yield field.name, f'{{{"eq" if of_kind is EQUAL else "gt"}: "{value}"}}'
        elif kind in of_kind:
            yield field.name, of_kind[kind]


def looked_at(large, of_kind):
    return {
        name: work(large, f"{{ customers(where: {{{name}: {given}}}) {{ nodes {{ id name }} }} }}")
        for name, given in filters(large.app.catalog, of_kind)
    }


def test_a_filter_by_a_plugin_s_field_does_not_look_at_every_row(large):
    looked = looked_at(large, EQUAL)
    assert set(looked) == INDEXED
    assert {name: rows for name, rows in looked.items() if rows > FEW} == {}


def test_nor_does_a_range(large):
    if large.app.database.dialect == "sqlite":
        pytest.skip("without statistics SQLite takes every range for a wide one, and reads in the order of the list")
    looked = looked_at(large, BEYOND)
    assert len(looked) >= 6
    assert {name: rows for name, rows in looked.items() if rows > FEW} == {}


def test_nor_does_a_list_of_values(large):
    rare = list(large.app.catalog.records["Customer"].fields["valueTier"].kind.enum)[1].name
    page = f"customers(where: {{valueTier: {{in: [{rare}]}}}}, orderBy: [{{currentValue: DESC}}])"
    assert work(large, f"{{ {page} {{ nodes {{ id name }} }} }}") <= FEW
