"""What plugins left in a database that declare it no longer: those that were removed, and old tables of others.

Nobody asks for these rows, so they never stand in the way of a record that is destroyed: they let go of it, or go with
it where they cannot. Tables are known by what the migrations recorded: each plugin that had any has a table of
versions. What neither core nor a plugin has made is nobody's business here, and is left alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text

VERSIONS = "_version"

_KEYS = {
    "sqlite": """SELECT tables.name, keys."from", keys."table", coalesce(keys."to", 'id'), keys.on_delete,
            columns."notnull" OR columns.pk
        FROM sqlite_master AS tables, pragma_foreign_key_list(tables.name) AS keys
        JOIN pragma_table_info(tables.name) AS columns ON columns.name = keys."from"
        WHERE tables.type = 'table'""",
    "postgresql": """SELECT child.relname, held.attname, parent.relname, given.attname,
            CASE keys.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END, held.attnotnull
        FROM pg_constraint AS keys
        JOIN pg_class AS child ON child.oid = keys.conrelid
        JOIN pg_class AS parent ON parent.oid = keys.confrelid
        JOIN pg_attribute AS held ON held.attrelid = child.oid AND held.attnum = keys.conkey[1]
        JOIN pg_attribute AS given ON given.attrelid = parent.oid AND given.attnum = keys.confkey[1]
        WHERE keys.contype = 'f' AND cardinality(keys.conkey) = 1
            AND keys.connamespace = current_schema()::regnamespace""",
}
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A foreign key as the database has it.

    Attributes:
        table, column: that refer.
        to, to_column: what they refer to.
        on_destroy: `CASCADE`, `SET NULL` or `NO ACTION`.
        is_required: the column cannot be empty.
    """

    table: str
    column: str
    to: str
    to_column: str
    on_destroy: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class LetGo:
    """What rows of a table nobody declares did about a record that is destroyed.

    Attributes:
        plugin, table: whose rows.
        column: by which they referred to what is destroyed.
        count: how many.
        is_removed: they went with it; otherwise they lost the reference.
    """

    plugin: str
    table: str
    column: str
    count: int
    is_removed: bool


def stored_keys(connection: Connection) -> list[StoredKey]:
    """The foreign keys of a database that have one column, as all that plugins declare do."""
    rows = connection.execute(text(_KEYS[connection.dialect.name]))
    return [
        StoredKey(table, column, to, to_column, on_destroy, bool(is_required))
        for table, column, to, to_column, on_destroy, is_required in rows
    ]


def stored_tables(connection: Connection) -> list[str]:
    """The names of the tables of a database, in order."""
    return sorted(connection.scalars(text(_TABLES[connection.dialect.name])))


def recorded_plugins(tables: Iterable[str]) -> list[str]:
    """The plugins that have been migrated in a database with these tables, installed or not; and `core`."""
    return sorted(table.removesuffix(VERSIONS) for table in tables if table.endswith(VERSIONS))


def owner_of(table: str, plugins: Iterable[str]) -> str | None:
    """Which of these plugins a table belongs to by its name; None if to none of them."""
    return max((name for name in plugins if table.startswith(f"{name}_")), key=len, default=None)


class Leftovers:
    """The foreign keys of tables that nobody declares any longer, in one transaction."""

    def __init__(self, connection: Connection, declared: Collection[str]) -> None:
        """Looks for them.

        Args:
            connection: in the transaction.
            declared: names of the tables of the core and of the installed plugins.
        """
        self._connection = connection
        keys = stored_keys(connection)
        unknown = {key.table for key in keys} - {*declared}
        plugins = recorded_plugins(stored_tables(connection)) if unknown else ()
        self._owners = {table: owner for table in unknown if (owner := owner_of(table, plugins)) is not None}
        self._keys: dict[str, list[StoredKey]] = defaultdict(list)
        for key in keys:
            if key.table in self._owners or (key.table in declared and key.on_destroy == "CASCADE"):
                self._keys[key.to].append(key)
        self._above = self._leading_to()
        self._seen: set[tuple[StoredKey, Any]] = set()

    def _leading_to(self) -> set[str]:
        """The tables whose rows may be referred to by such keys, or take rows with them that are."""
        found: set[str] = set()
        while more := {
            to
            for to, keys in self._keys.items()
            if to not in found and any(key.table in self._owners or key.table in found for key in keys)
        }:
            found |= more
        return found

    def let_go(self, table: str, ids: Sequence[str]) -> list[LetGo]:
        """Lets go of rows of a table that are about to be destroyed; returns what had to be done for that."""
        return self._let_go(table, "id", ids)

    def _let_go(self, table: str, column: str, values: Sequence[Any]) -> list[LetGo]:
        """Lets go of the rows of a table that have these values in a column."""
        done: list[LetGo] = []
        if table not in self._above or not values:
            return done
        for key in self._keys[table]:
            wanted = values if key.to_column == column else self._values(table, key.to_column, column, values)
            wanted = [value for value in wanted if value is not None and (key, value) not in self._seen]
            self._seen |= {(key, value) for value in wanted}
            if not wanted:
                continue
            is_left = key.table in self._owners
            if is_left and key.on_destroy == "NO ACTION" and not key.is_required:
                count = self._execute(f'UPDATE "{key.table}" SET "{key.column}" = NULL', key.column, wanted)
                done += self._done(key, count, is_removed=False)
            elif key.on_destroy != "SET NULL":
                # These rows go, so what refers to them must let go first.
                done += self._let_go(key.table, key.column, wanted)
                if is_left and key.on_destroy == "NO ACTION":
                    count = self._execute(f'DELETE FROM "{key.table}"', key.column, wanted)
                    done += self._done(key, count, is_removed=True)
        return done

    def _done(self, key: StoredKey, count: int, *, is_removed: bool) -> list[LetGo]:
        return [LetGo(self._owners[key.table], key.table, key.column, count, is_removed)] if count else []

    def _values(self, table: str, column: str, by: str, values: Sequence[Any]) -> list[Any]:
        return [row[0] for row in self._run(f'SELECT "{column}" FROM "{table}"', by, values)]

    def _execute(self, statement: str, column: str, values: Sequence[Any]) -> int:
        return int(self._run(statement, column, values).rowcount)

    def _run(self, statement: str, column: str, values: Sequence[Any]) -> Any:
        whole = text(f'{statement} WHERE "{column}" IN :wanted').bindparams(bindparam("wanted", expanding=True))
        return self._connection.execute(whole, {"wanted": [*values]})
