"""Chains of customers: looked up one by one, however many customers there are."""

from core.db.transaction import SqlStatement
from plugins.credit_scoring import CreditScoring
from plugins.credit_scoring.groups import _CHAIN


def test_a_chain_is_looked_up_without_reading_all_customers(crm):
    client = crm(CreditScoring)
    database = client.app.database
    if database.dialect != "sqlite":
        # PostgreSQL makes no filters of whole tables.
        return
    with database.driven() as transaction:
        # As ANALYZE leaves it where there are many.
        transaction.put(SqlStatement("ANALYZE sqlite_schema"))
        many = "INSERT INTO sqlite_stat1 VALUES ('customer', 'sqlite_autoindex_customer_1', '10000 1')"
        transaction.commit(SqlStatement(many))
    database.close()
    with client.app.database.driven() as transaction:
        asked = _CHAIN.on(transaction).statement({"ids": ["cus_1", "cus_2"]})
        steps = transaction.rows(SqlStatement(f"EXPLAIN QUERY PLAN {asked.sql}", asked.values))
    said = [step[-1] for step in steps]
    assert any("SEARCH parent_customer" in step for step in said)
    assert not [step for step in said if "BLOOM" in step or "SCAN customer" in step or "SCAN parent" in step]
