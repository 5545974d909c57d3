"""The SELECTs of plans: how they are spelt, alone and together with SQLAlchemy's own."""

import sqlite3

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, and_, false, func, literal_column, not_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from schema.sql.json import WHOLE, column, count_rows, json_rows, whole_number
from schema.sql.queries import (
    AliasedRows,
    Both,
    Head,
    Joined,
    Query,
    equal,
    exists,
    is_beyond,
    is_missing,
    is_there,
    ordered,
)

DIALECTS = [sqlite.dialect(), postgresql.dialect()]

NUMBER = Table("number", MetaData(), Column("id", Integer, primary_key=True), Column("is_even", Boolean))
ONE, TWO = column("t0", "id", WHOLE), column("t1", "id", WHOLE)
EVERY = {"": literal_column("*")}


def spelt(element, dialect=DIALECTS[0]) -> str:
    return " ".join(str(element.compile(dialect=dialect)).split())


def answer(query) -> list[tuple]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE number (id INTEGER, is_even INTEGER)")
        connection.executemany("INSERT INTO number VALUES (?, ?)", [(n, n % 2 == 0) for n in range(1, 6)])
        return connection.execute(spelt(query)).fetchall()


def test_all_parts_stand_in_their_order():
    query = Query(
        {"id": ONE, "rows": count_rows()},
        Joined(AliasedRows(NUMBER, "t0"), [(AliasedRows(NUMBER, "t1"), equal(TWO, ONE), True)]),
        [is_there(ONE), or_(is_missing(TWO), equal(ONE, TWO))],
        group_by=[ONE],
        having=[count_rows() > whole_number(0)],
        order_by=[ordered(ONE, descending=True, nulls_first=None)],
        limit=whole_number(2),
    )
    assert spelt(query) == (
        'SELECT t0."id" AS "id", count(*) AS "rows" '
        'FROM number AS t0 LEFT OUTER JOIN number AS t1 ON t1."id" = t0."id" '
        'WHERE t0."id" IS NOT NULL AND (t1."id" IS NULL OR t0."id" = t1."id") '
        'GROUP BY t0."id" HAVING count(*) > 0 ORDER BY t0."id" DESC LIMIT 2'
    )
    assert answer(query) == [(5, 1), (4, 1)]


def test_what_is_worked_out_apart_has_an_offset():
    query = Query(EVERY, AliasedRows(Query({"id": ONE}, AliasedRows(NUMBER, "t0"), is_apart=True), "t1"))
    inner = 'SELECT * FROM (SELECT t0."id" AS "id" FROM number AS t0{}) AS t1'
    assert [spelt(query, dialect) for dialect in DIALECTS] == [
        inner.format(" LIMIT -1 OFFSET 0"),
        inner.format(" OFFSET 0"),
    ]


def test_the_second_of_both_looks_at_the_first():
    first = Head(Query({"id": ONE}, AliasedRows(NUMBER, "t0"), [equal(ONE, whole_number(3))]), "t2")
    so_far = Query({"rows": count_rows()}, first)
    second = Query({"id": column("t1", "id", WHOLE)}, AliasedRows(NUMBER, "t1"), [so_far < TWO], limit=whole_number(1))
    assert answer(Query(EVERY, AliasedRows(Both(first, Query(EVERY, AliasedRows(second, "t3"))), "t4"))) == [(3,), (2,)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conditions_and_orders_are_what_operators_make(dialect):
    pairs = [
        (equal(ONE, TWO), ONE == TWO),
        (is_missing(ONE), ONE.is_(None)),
        (is_there(ONE), ONE.is_not(None)),
        (equal(ONE + TWO, TWO), ONE + TWO == TWO),
        (ordered(ONE, descending=False, nulls_first=None), ONE.asc()),
        (ordered(ONE, descending=True, nulls_first=True), ONE.desc().nulls_first()),
        (ordered(ONE, descending=False, nulls_first=False), ONE.asc().nulls_last()),
    ]
    for made, usual in pairs:
        assert spelt(made, dialect) == spelt(usual, dialect)
    for made, usual in pairs[:4]:
        assert spelt(not_(made), dialect) == spelt(not_(usual), dialect)
        assert spelt(or_(false(), and_(made, usual)), dialect) == spelt(or_(false(), and_(usual, usual)), dialect)


def test_keys_are_beyond_values_in_either_direction():
    keys, values = [ONE, TWO], [whole_number(1), whole_number(2)]
    assert spelt(is_beyond(keys, values, descending=False)) == '(t0."id", t1."id") > (1, 2)'
    assert spelt(is_beyond(keys, values, descending=True)) == '(t0."id", t1."id") < (1, 2)'
    assert answer(
        Query({"id": ONE}, AliasedRows(NUMBER, "t0"), [is_beyond([ONE], [whole_number(4)], descending=False)])
    ) == [(5,)]


def test_an_existence_and_what_denies_it():
    found = exists(AliasedRows(NUMBER, "t1"), [equal(TWO, ONE), whole_number(4) < TWO])
    assert answer(Query({"id": ONE}, AliasedRows(NUMBER, "t0"), [found])) == [(5,)]
    assert answer(Query({"id": ONE}, AliasedRows(NUMBER, "t0"), [not_(found)])) == [(1,), (2,), (3,), (4,)]
    assert spelt(not_(found)).startswith("NOT (EXISTS (SELECT 1 ")


def test_a_column_that_is_true_or_false_is_a_condition():
    is_even = column("t0", "is_even", Boolean())
    assert answer(Query({"id": ONE}, AliasedRows(NUMBER, "t0"), [is_even, whole_number(2) < ONE])) == [(4,)]


def test_a_table_at_the_head_of_sqlalchemys_selects_stands_at_the_head_of_all_once():
    even = select(NUMBER.c.id).where(NUMBER.c.is_even).cte("even")
    most = select(func.max(even.c.id)).scalar_subquery()
    is_among = select(1).select_from(even).where(even.c.id == ONE).exists()
    query = Query({"id": ONE, "most": most}, AliasedRows(NUMBER, "t0"), [is_among])
    assert spelt(query).startswith("WITH even AS (SELECT number.id AS id FROM number")
    assert spelt(query).count("WITH") == 1
    assert answer(query) == [(2, 4), (4, 4)]


def test_both_kinds_are_parts_of_each_other():
    least = Query({"least": func.min(ONE)}, AliasedRows(NUMBER, "t0"))
    assert answer(select(least + whole_number(1))) == [(2,)]
    assert answer(select(TWO).select_from(AliasedRows(NUMBER, "t1")).where(least == TWO)) == [(1,)]
    inner = select(NUMBER.c.id).where(NUMBER.c.id > whole_number(3)).order_by(NUMBER.c.id).subquery("t0")
    assert answer(Query({"ids": json_rows(ONE, [ONE])}, inner)) == [("[4,5]",)]
    # What stands in no FROM clause of SQLAlchemy's own is found in the constructs of plans.
    assert answer(select(json_rows(NUMBER.c.id, []))) == [("[1,2,3,4,5]",)]
