"""Facts about a database that settings must agree with."""

from core.db.engines import POSTGRESQL
from core.db.transaction import DatabaseTransaction, SqlStatement, mark
from core.records.columns import column
from core.records.record import Table


class Installation(Table):
    """Facts about this database that settings must agree with, such as its reporting currency."""

    name: str = column("Name of the fact.", primary_key=True, exact=True)
    value: str = column("The fact.", exact=True)


def held_fact(transaction: DatabaseTransaction, name: str) -> str | None:
    """A fact; nobody else can change it until the transaction ends."""
    lock = " FOR UPDATE" if transaction.dialect == POSTGRESQL else ""
    sql = f"SELECT value FROM installation WHERE name = {mark(transaction.dialect, 1)}{lock}"
    rows = transaction.rows(SqlStatement(sql, (name,)))
    return rows[0][0] if rows else None


def keep_fact(transaction: DatabaseTransaction, name: str, value: str) -> None:
    """Keeps a fact, whether it is known already or not."""
    first, second = (mark(transaction.dialect, number) for number in (1, 2))
    sql = f"INSERT INTO installation (name, value) VALUES ({first}, {second}) "
    sql += "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    transaction.put(SqlStatement(sql, (name, value)))
