"""Prepared queries: lists of values, however they are given and however many they are."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from core.base.calendar import PLAIN
from core.db.sql import is_listed
from core.records.selections import Prepared
from guanxi.records import Customer

customers = Customer.__table__.c
QUERY = Prepared(select(customers.id).where(is_listed(customers.id, "ids")))


@pytest.mark.parametrize(
    ("ids", "held"), [(["a"], ["a"]), (iter(["a", "b"]), ["a", "b"]), ({"a": 1}, ["a"]), ((), []), (None, [])]
)
def test_a_list_is_given_as_anything_that_has_its_values(ids: Any, held: list[str]) -> None:
    transaction: Any = SimpleNamespace(dialect="postgresql", calendar=PLAIN)
    statement = QUERY.on(transaction).statement({"ids": ids})
    # Of one value PostgreSQL keeps its plan.
    is_single = len(held) == 1
    assert statement.values == (held if is_single else [held])
    assert ("ANY(" in statement.sql) is not is_single
