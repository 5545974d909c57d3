"""Builds the data of the comparisons by set-based SQL: the same rows on both engines, at any size."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import recompute
from bench.plugin import Labels
from core.db.engines import POSTGRESQL
from guanxi import App, create_app, load_settings
from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering

FIRST_PARTY = (CreditScoring, Forecasting, SatisfactionSurveys, ValueTiering)
#: What is installed in the comparisons: these, and the plugin of the comparisons.
PLUGINS = (*FIRST_PARTY, Labels)
DAY = "2025-01-01"
MOMENT = f"{DAY}T00:00:00.000Z"


@dataclass(frozen=True)
class Size:
    """How many rows of each."""

    customers: int = 10_000
    contacts_each: int = 3
    opportunities_each: int = 5
    roles_each: int = 5
    sales_each: int = 1
    has_tiers: bool = True


def bench_app(url: str) -> App:
    """The app of the comparisons: with all first-party plugins, as it is installed, and that of the comparisons."""
    return create_app(load_settings(database_url=url), PLUGINS)


def build(url: str, size: Size) -> None:
    """Fills an empty database."""
    app = bench_app(url)
    app.migrate()
    app.database.close()
    is_postgres = app.database.dialect == POSTGRESQL
    connection: Any = (
        psycopg.connect(url, autocommit=True) if is_postgres else sqlite3.connect(url[len("sqlite:///") :])
    )
    try:
        _fill(connection, statements(app.database.dialect, size), is_postgres)
        if size.has_tiers:
            for statement in recompute.statements(app.database.dialect, logged=False):
                connection.execute(statement)
            connection.commit()
        connection.execute("VACUUM ANALYZE" if is_postgres else "ANALYZE")
    finally:
        connection.close()


#: Foreign keys are not checked while rows go in: they are right by the way they are made. Nothing is kept of a build
#: that fails, so nothing has to be undone.
_POSTGRES_HASTE = ["SET session_replication_role = replica", "SET maintenance_work_mem = '1GB'"]
_SQLITE_HASTE = ["PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -1048576"]
_POSTGRES_INDEXES = """SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
_SQLITE_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def _fill(connection: Any, inserts: list[str], is_postgres: bool) -> None:
    """Puts the rows in, and makes the indexes afterwards, all of a piece."""
    for setting in _POSTGRES_HASTE if is_postgres else _SQLITE_HASTE:
        connection.execute(setting)
    indexes = connection.execute(_POSTGRES_INDEXES if is_postgres else _SQLITE_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for insert in inserts:
        connection.execute(insert)
    for _, made in indexes:
        connection.execute(made)
    connection.commit()


class Dialect:
    """The few words the engines spell differently."""

    def __init__(self, name: str) -> None:
        self.is_postgres = name == POSTGRESQL

    def series(self, count: int) -> str:
        """Numbers from 1 to `count` as table s(n)."""
        if self.is_postgres:
            return f"(SELECT generate_series(1, {count}::bigint) AS n) s"
        return f"(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {count}) SELECT n FROM r) s"

    def id(self, prefix: str, number: str) -> str:
        """The id of a number: an ordered TypeID."""
        if self.is_postgres:
            return f"'{prefix}_' || lpad(({number})::text, 26, '0')"
        return f"'{prefix}_' || substr('{'0' * 26}' || ({number}), -26)"

    def pick(self, words: list[str], number: str) -> str:
        """One of some words by number."""
        cases = " ".join(f"WHEN {index} THEN '{word}'" for index, word in enumerate(words))
        return f"CASE ({number}) % {len(words)} {cases} END"

    @property
    def empty(self) -> str:
        """An empty JSON list."""
        return "'[]'::jsonb" if self.is_postgres else "'[]'"

    @property
    def false(self) -> str:
        """False."""
        return "false" if self.is_postgres else "0"

    @property
    def true(self) -> str:
        """True."""
        return "true" if self.is_postgres else "1"

    def day(self, number: str) -> str:
        """A day of 2025 by number."""
        if self.is_postgres:
            return f"DATE '{DAY}' + (({number}) % 360)::int"
        return f"date('{DAY}', (({number}) % 360) || ' days')"

    @property
    def moment(self) -> str:
        """The moment everything was entered."""
        return f"TIMESTAMPTZ '{MOMENT}'" if self.is_postgres else f"'{MOMENT}'"


def statements(dialect: str, size: Size) -> list[str]:
    """The INSERTs, parents first."""
    d = Dialect(dialect)
    common: dict[str, Any] = {
        "version": "1",
        "created_at": d.moment,
        "created_by": "'bench'",
        "updated_at": d.moment,
        "updated_by": "'bench'",
    }

    def insert(table: str, count: int, values: dict[str, Any]) -> str:
        columns = {**common, **values}
        if not count:
            return ""
        return (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(map(str, columns.values()))} "
            f"FROM {d.series(count)}"
        )

    customers, users = size.customers, 50
    contacts = customers * size.contacts_each
    opportunities = customers * size.opportunities_each
    name = "'Customer ' || ((n * 7919) % 1000003)"
    folded = "'customer ' || ((n * 7919) % 1000003)"
    industries = ["Retail", "Energy", "Finance", "Health", "Software"]
    regions = ["North", "East", "South", "West"]
    amount = "((n * 7907) % 9973) * 100 + 100"

    def money(field: str, value: str) -> dict[str, str]:
        return {f"{field}_minor": value, f"{field}_currency": "'CNY'", f"{field}_reporting": value}

    def texts(field: str, value: str, folded: str) -> dict[str, str]:
        return {field: value, f"{field}_folded": folded}

    def word(field: str, words: list[str], number: str) -> dict[str, str]:
        return texts(field, d.pick(words, number), d.pick([word.lower() for word in words], number))

    lists = {"needs": d.empty, "preferences": d.empty, "interests": d.empty}
    inserts = [
        insert(
            '"user"',
            users,
            {
                "id": d.id("usr", "n"),
                **texts("name", "'User ' || n", "'user ' || n"),
                "is_active": d.true,
                **word("region", regions, "n"),
            },
        ),
        insert(
            "customer",
            customers,
            {
                "id": d.id("cus", "n"),
                **texts("name", name, folded),
                "kind": "'COMPANY'",
                "status": "'ACTIVE'",
                "account_relation": "'UNSPECIFIED'",
                "do_not_contact": d.false,
                **word("industry", industries, "n * 7"),
                **word("region", regions, "n * 3"),
                "employee_count": "(n * 7901) % 5000",
                **money("annual_revenue", amount),
                "owner_id": d.id("usr", f"n % {users} + 1"),
                **lists,
                "industry_competitors": d.empty,
            },
        ),
        insert(
            "contact",
            contacts,
            {
                "id": d.id("con", "n"),
                **texts("name", "'Contact ' || n", "'contact ' || n"),
                "customer_id": d.id("cus", f"n % {customers} + 1"),
                "attitude": d.pick(["SUPPORT", "NEUTRAL", "OPPOSE"], "n"),
                "is_on_buying_committee": d.false,
                "do_not_contact": d.false,
                "preferences": d.empty,
                "interests": d.empty,
            },
        ),
        insert(
            "opportunity",
            opportunities,
            {
                "id": d.id("opp", "n"),
                **texts("name", "'Opportunity ' || n", "'opportunity ' || n"),
                "customer_id": d.id("cus", f"n % {customers} + 1"),
                "stage_id": d.id("stg", "n % 5 + 1"),
                "stage_entered_at": d.moment,
                "status": "'FOLLOWING'",
                "owner_id": d.id("usr", f"n % {users} + 1"),
                **money("expected_amount", amount),
                "expected_close_date": d.day("n"),
                "needs": d.empty,
                "competitors": d.empty,
                "attachments": d.empty,
            },
        ),
        insert(
            "opportunity_contact",
            contacts * size.roles_each,
            {
                "id": d.id("oct", "n"),
                "contact_id": d.id("con", f"(n - 1) / {size.roles_each} + 1"),
                "opportunity_id": d.id("opp", f"(n * 7) % {opportunities} + 1"),
                "buying_role": d.pick(["USER", "TECHNICAL", "DECISION_MAKER"], "n"),
                "is_primary": d.false,
            },
        ),
        insert(
            "transaction" if d.is_postgres else '"transaction"',
            customers * size.sales_each,
            {
                "id": d.id("txn", "n"),
                "customer_id": d.id("cus", f"n % {customers} + 1"),
                "occurred_on": d.day("n"),
                **money("actual_amount", amount),
                **money("cost", "50"),
            },
        ),
    ]
    return [made for made in inserts if made]
