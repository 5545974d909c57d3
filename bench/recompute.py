"""The tier recompute as plain SQL: what a recompute in guanxi does, as few statements on a driver's connection.

Measures from transactions, ranks, tiers and classes into the facet; a history row and an event for each customer whose
tier changes. It leaves out what the data of the comparisons has not: tiers set by hand and potential values.
"""

import sqlite3
from typing import Any

import psycopg

from core.db.engines import SQLITE

_AT = "2025-06-15T12:00:00.000Z"
#: Shares in percent at which the first three tiers end (T1).
_ENDS = (1, 20, 50)

_RANKED = """
CREATE TEMP TABLE ranked AS
SELECT c.id, s.revenue, s.profit, s.usage, v.tier AS previous,
  CASE WHEN s.profit IS NOT NULL THEN row_number() OVER (ORDER BY s.profit DESC NULLS LAST, c.id) END AS rank,
  count(s.profit) OVER () AS ranked
FROM customer c
LEFT JOIN (
  SELECT customer_id, CAST(sum(actual_amount_reporting) AS BIGINT) AS revenue,
    CAST(sum(actual_amount_reporting - cost_reporting) AS BIGINT) AS profit, sum(quantity) AS usage
  FROM {sales} WHERE deleted_at IS NULL GROUP BY customer_id
) s ON s.customer_id = c.id
LEFT JOIN value_tiering_customer_value v ON v.record_id = c.id
WHERE c.deleted_at IS NULL"""

_TIERED = f"""
CREATE TEMP TABLE tiered AS
SELECT ranked.*, CASE
  WHEN rank <= (ranked * {_ENDS[0]} + 99) / 100 THEN 'IMPORTANT'
  WHEN rank <= (ranked * {_ENDS[1]} + 99) / 100 THEN 'MAIN'
  WHEN rank <= (ranked * {_ENDS[2]} + 99) / 100 THEN 'ORDINARY'
  WHEN rank IS NOT NULL THEN 'SMALL' END AS tier
FROM ranked"""

_HISTORY = """
INSERT INTO value_tiering_tier_change (id, version, created_at, created_by, updated_at, updated_by, customer_id,
  previous_tier, tier, reason, rank, measure, value, changed_at, changed_by)
SELECT 'tch_1' || substr(id, 6), 1, {at}, 'plain', {at}, 'plain', id, previous, tier, 'RECOMPUTED', rank, 'PROFIT',
  profit * 100, {at}, 'plain'
FROM tiered WHERE previous IS DISTINCT FROM tier"""

#: The batch of the events, whose number is the next one on SQLite and is given later on PostgreSQL.
_COUNT = "UPDATE event_counter SET last = last + 1 WHERE EXISTS (SELECT 1 FROM event WHERE batch_id = {batch})"
_BATCH = """
INSERT INTO event_batch (id, recorded_at, actor, sequence)
SELECT {batch}, {at}, 'plain', {sequence} WHERE EXISTS (SELECT 1 FROM event WHERE batch_id = {batch})"""

_EVENTS = """
INSERT INTO event (id, batch_id, type, entity_type, entity_id, action, occurred_at, changes, data)
SELECT 'evt_1' || substr(id, 6), {batch}, 'VALUE_TIER_CHANGED',
  'Customer', id, 'PUBLISHED', {at}, '{{}}',
  {object}('previous', previous, 'current', tier, 'reason', 'RECOMPUTED')
FROM tiered WHERE previous IS DISTINCT FROM tier"""

_CLASSES = """
INSERT INTO value_tiering_customer_value (record_id, revenue, profit, usage, current, ranked_value, rank, ranked_tier,
  tier, tier_since, account_class, abc_class, is_key)
SELECT id, revenue, profit, usage, profit, profit * 100, rank, tier, tier, {day},
  CASE tier WHEN 'IMPORTANT' THEN 'MAJOR' WHEN 'MAIN' THEN 'NAMED' WHEN 'ORDINARY' THEN 'NON_NAMED'
    WHEN 'SMALL' THEN 'MASS_MARKET' END,
  CASE tier WHEN 'IMPORTANT' THEN 'CLASS_A' WHEN 'MAIN' THEN 'CLASS_A' WHEN 'ORDINARY' THEN 'CLASS_B'
    WHEN 'SMALL' THEN 'CLASS_C' END,
  tier IN ('IMPORTANT', 'MAIN')
FROM tiered WHERE true
ON CONFLICT (record_id) DO UPDATE SET revenue = excluded.revenue, profit = excluded.profit, usage = excluded.usage,
  current = excluded.current, ranked_value = excluded.ranked_value, rank = excluded.rank,
  ranked_tier = excluded.ranked_tier, tier = excluded.tier,
  tier_since = CASE WHEN value_tiering_customer_value.tier IS DISTINCT FROM excluded.tier THEN excluded.tier_since
    ELSE value_tiering_customer_value.tier_since END,
  account_class = excluded.account_class, abc_class = excluded.abc_class, is_key = excluded.is_key
WHERE value_tiering_customer_value.revenue IS DISTINCT FROM excluded.revenue
  OR value_tiering_customer_value.profit IS DISTINCT FROM excluded.profit
  OR value_tiering_customer_value.rank IS DISTINCT FROM excluded.rank
  OR value_tiering_customer_value.tier IS DISTINCT FROM excluded.tier"""


def statements(engine: str, *, logged: bool = True) -> list[str]:
    """All of it, in order; without `logged` neither history nor events."""
    is_sqlite = engine == SQLITE
    words = {
        "sales": '"transaction"' if is_sqlite else "transaction",
        "at": f"'{_AT}'" if is_sqlite else f"TIMESTAMPTZ '{_AT}'",
        "day": f"'{_AT[:10]}'" if is_sqlite else f"DATE '{_AT[:10]}'",
        "object": "json_object" if is_sqlite else "jsonb_build_object",
        "batch": "'evb_' || (SELECT count(*) FROM event_batch)",
        "sequence": "(SELECT last FROM event_counter)" if is_sqlite else "CAST(NULL AS BIGINT)",
    }
    made = [_RANKED, _TIERED, *([_HISTORY, _EVENTS] if logged else []), _CLASSES]
    if logged:
        made += [_COUNT, _BATCH] if is_sqlite else [_BATCH]
    made += ["DROP TABLE ranked", "DROP TABLE tiered"]
    return [statement.format(**words) for statement in made]


def recompute_plainly(engine: str, url: str) -> None:
    """Runs it in one transaction."""
    connection: Any = sqlite3.connect(url.removeprefix("sqlite:///")) if engine == SQLITE else psycopg.connect(url)
    if engine == SQLITE:
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(engine):
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        connection.close()
