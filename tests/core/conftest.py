"""Connections of each engine, for rules and constructs that are SQL."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from core.db.database import Database

Compute = Callable[[Any], Any]


@pytest.fixture(scope="module")
def connection(databases) -> Iterator[Connection]:
    """A connection of the engine in turn to a database with nothing in it."""
    database = Database(databases.empty())
    with database.connection() as opened:
        yield opened
    database.close()


@pytest.fixture
def compute(connection) -> Iterator[Compute]:
    """The value of an SQL expression on the engine in turn."""
    savepoint = connection.begin_nested()
    yield lambda expression: connection.scalar(select(expression))
    savepoint.rollback()
