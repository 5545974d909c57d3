"""Purging a plugin: everything the database holds of it is shown, written to a file, and removed in one transaction."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, String, column, delete, func, inspect, select, table, text

from core.background.backlog import HeldBack, PluginCursor, SetAside
from core.background.jobs import PluginJob, jobs_fact
from core.base.errors import ConfigurationError
from core.base.files import private_file
from core.db.database import Database
from core.db.engines import POSTGRESQL
from core.migrations.facts import facts_of, kept
from core.migrations.runner import alone
from core.records.installation import Installation
from core.records.leftovers import VERSIONS, owner_of, recorded_plugins, stored_keys, stored_tables
from core.records.record import tables_of
from core.search.entries import SearchEntry
from core.search.rebuild import ENTRIES

#: Tables of the core with rows about a plugin, and the columns that name it.
_ABOUT = (PluginCursor, HeldBack, SetAside)


@dataclass(frozen=True, slots=True)
class HeldTable:
    """A table of a plugin, or rows about it in one of the core's.

    Attributes:
        name: of the table.
        columns: their names.
        rows: how many there are.
        facet_of: the table of the records whose values it holds, for a facet.
        condition: which rows of a table of the core; None for a table of the plugin, which goes as a whole.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    facet_of: str | None = None
    condition: Any = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a database holds of a plugin.

    Attributes:
        plugin: its name.
        revision: how far its migrations are; None if it has none.
        tables: its tables, the table of its revision, and rows about it in the core's.
    """

    plugin: str
    revision: str | None
    tables: tuple[HeldTable, ...]

    @property
    def own(self) -> list[HeldTable]:
        """The tables that go as a whole."""
        return [held for held in self.tables if held.condition is None]


def holdings(connection: Connection, plugin: str, installed: Collection[str]) -> Holdings:
    """What a database holds of a plugin.

    Args:
        connection: to it.
        plugin: its name.
        installed: names of the installed plugins.

    Raises:
        ConfigurationError: it holds nothing of it, or tables that stay refer to what would go.
    """
    present = stored_tables(connection)
    known = {*recorded_plugins(present), *installed, plugin}
    foreign = {one.name for other in ("core", *installed) if other != plugin for one in tables_of(other)}
    own = [name for name in present if name not in foreign and owner_of(name, known) == plugin]
    keys = stored_keys(connection)
    staying = sorted({key.table for key in keys if key.to in own and key.table not in own})
    if staying:
        owners = sorted({owner_of(name, known) or name for name in staying})
        problem = f"{', '.join(staying)} of {', '.join(owners)} refers to its tables; purge that first"
        raise ConfigurationError(f"plugin {plugin!r}: {problem}")
    facets = {key.table: key.to for key in keys if key.column == "record_id"}
    tables = [_held(connection, name, facet_of=facets.get(name)) for name in own]
    tables += [_held(connection, model.__tablename__, condition=column("plugin") == plugin) for model in _ABOUT]
    found_by = json.loads(kept(connection, plugin, ENTRIES) or "{}")
    tables.append(_held(connection, SearchEntry.__tablename__, condition=column("entity_type").in_(found_by)))
    tables.append(_held(connection, PluginJob.__tablename__, condition=column("name").in_(_jobs(connection, plugin))))
    tables.append(_held(connection, Installation.__tablename__, condition=column("name").in_(facts_of(plugin))))
    found = [held for held in tables if held.rows or held.condition is None]
    if not found:
        others = [name for name in recorded_plugins(present) if name != "core"]
        raise ConfigurationError(f"the database holds nothing of a plugin {plugin!r}; it does of: {', '.join(others)}")
    versions = f"{plugin}{VERSIONS}"
    revision = _revision(connection, versions) if versions in own else None
    return Holdings(plugin, revision, tuple(found))


def _revision(connection: Connection, versions: str) -> str | None:
    return connection.scalar(select(column("version_num", String)).select_from(table(versions)))


def _jobs(connection: Connection, plugin: str) -> list[str]:
    """The names of the plugin's jobs that were ever scheduled."""
    facts = Installation.__table__.c
    names = connection.scalar(select(facts.value).where(facts.name == jobs_fact(plugin)))
    return (names or "").split()


def _held(connection: Connection, name: str, *, facet_of: str | None = None, condition: Any = None) -> HeldTable:
    columns = tuple(found["name"] for found in inspect(connection).get_columns(name))
    query = select(func.count()).select_from(table(name))
    rows = connection.scalar(query if condition is None else query.where(condition)) or 0
    return HeldTable(name, columns, rows, facet_of, condition)


def purge(database: Database, plugin: str, path: Path, installed: Collection[str]) -> Holdings:
    """Writes all that the database holds of a plugin to a new file, and removes it, in one transaction.

    Args:
        database: which one.
        plugin, installed: as for `holdings`.
        path: of the file, in JSON Lines, readable by its owner only.

    Returns:
        What was written and removed.

    Raises:
        ConfigurationError: as `holdings`, or the file is there already or cannot be written; nothing is removed then.
    """
    # The file has its name before anything is gone for good.
    with alone(database) as connection, connection.begin():
        found = holdings(connection, plugin, installed)
        if database.dialect == POSTGRESQL and found.own:
            names = ", ".join(f'"{held.name}"' for held in found.own)
            connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            found = holdings(connection, plugin, installed)
        with private_file(path) as draft, draft.open("w", encoding="utf-8") as file:
            _write(connection, found, file)
        for held in found.tables:
            if held.condition is not None:
                connection.execute(delete(table(held.name)).where(held.condition))
        if database.dialect == POSTGRESQL and found.own:
            connection.exec_driver_sql(f"DROP TABLE {names}")
        elif found.own:
            for held in found.own:
                connection.exec_driver_sql(f'DROP TABLE "{held.name}"')
    return found


def _write(connection: Connection, found: Holdings, file: IO[str]) -> None:
    head = {"plugin": found.plugin, "revision": found.revision}
    file.write(json.dumps(head) + "\n")
    for held in found.tables:
        file.write(json.dumps({"table": held.name, "columns": held.columns, "rows": held.rows}) + "\n")
        for row in _rows(connection, held):
            file.write(f'{{"table": {json.dumps(held.name)}, "row": {row}}}\n')


def _rows(connection: Connection, held: HeldTable) -> Iterator[str]:
    """The rows of a table as JSON objects, one after another."""
    is_json = connection.dialect.name == POSTGRESQL
    query = select(text(f'to_jsonb("{held.name}")::text' if is_json else "*")).select_from(table(held.name))
    if held.condition is not None:
        query = query.where(held.condition)
    for row in connection.execute(query, execution_options={"yield_per": 1000}):
        yield row[0] if is_json else json.dumps(dict(row._mapping), ensure_ascii=False, default=bytes.hex)  # noqa: SLF001
