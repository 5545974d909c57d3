"""Migrations: one set of Alembic revisions and one version table for the core and for each plugin, core first.

A plugin without a `migrations` folder gets its declared tables created as its recorded baseline. Removing a plugin
breaks nothing, because nobody else's revisions know of it.

Most starts find nothing to do. To find that takes a query for each set and a look at the texts of its revisions;
Alembic, which is slow to import, is imported where there is something to do, or where a text leaves it in doubt.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, MetaData, String, inspect, select, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

# Importing these declares the core's tables.
import core.access.allowances
import core.access.identities
import core.access.keys
import core.access.sessions
import core.background.backlog
import core.background.jobs
import core.crm.activities
import core.records.installation
import core.unit.idempotency  # noqa: F401
from core.base.errors import ConfigurationError, GuanxiError, PluginError, told
from core.db.database import Database
from core.db.engines import SQLITE
from core.host.folders import folder_of
from core.host.host import PluginHost
from core.migrations.facts import RELEASE, TABLES, is_later, keep, kept
from core.records.record import CORE, registry_of, tables_of
from core.search.entries import TERMS_INDEX

if TYPE_CHECKING:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

BASELINE = "baseline"

MIGRATION_LOCK = 0x6D696772
#: What a revision of one straight line says of itself, as both `guanxi migrations make` and Alembic write it.
_REVISION = re.compile(
    r"""^revision(?::\s*str)?\s*=\s*["'](?P<revision>\w+)["']\s*^down_revision(?::[^=\n]*)?\s*=\s*"""
    r"""(?:None|["'](?P<previous>\w+)["'])[ \t]*$(?!.*^(?:branch_labels|depends_on)[^=\n]*=\s*+(?!None))""",
    re.MULTILINE | re.DOTALL,
)
#: The `op` that revisions use is one for the whole process, whatever database they run on.
_REVISING = Lock()


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The revisions of the core or of one plugin.

    Attributes:
        name: `core`, or the plugin's.
        folder: where its revisions lie, if it has any; None for a plugin that is not a package.
        requires: names of the sets it depends on.
        plugin_version: the version of the plugin; None for the core.
    """

    name: str
    folder: Path | None
    requires: Sequence[str] = ()
    plugin_version: str | None = None

    @property
    def release(self) -> str:
        """The version whose revisions these are: the plugin's, or for the core the distribution's."""
        return version("guanxi") if self.plugin_version is None else self.plugin_version

    @property
    def has_revisions(self) -> bool:
        """Whether it has revisions; a plugin without any has a baseline."""
        return self.folder is not None and any(self.folder.glob("[!_]*.py"))

    @property
    def metadata(self) -> MetaData:
        """The tables it is about."""
        return registry_of(self.name).metadata

    @property
    def version_table(self) -> str:
        """The table that records how far the database is."""
        return f"{self.name}_version"

    def head(self) -> str | None:
        """The last of its revisions, as their texts say it; None where those are not plainly one line."""
        assert self.folder is not None
        following: dict[str | None, str] = {}
        for path in self.folder.glob("[!_]*.py"):
            found = _REVISION.search(path.read_text())
            previous = found and found["previous"]
            if found is None or previous in following:
                return None
            following[previous] = found["revision"]
        last: str | None = None
        while following and last in following:
            last = following.pop(last)
        return None if following else last

    def script(self) -> "ScriptDirectory":
        """Its revisions, as Alembic reads them."""
        from alembic.script import ScriptDirectory

        folder = str(self.folder)
        return ScriptDirectory(folder, version_locations=[folder])

    def error(self, place: str, problem: str) -> GuanxiError:
        """An error that names it."""
        return (
            ConfigurationError(f"{place}: {problem}") if self.name == CORE else PluginError(self.name, place, problem)
        )


def sets_of(host: PluginHost) -> list[MigrationSet]:
    """The sets of the core and of the plugins that have tables, in the order they are run."""
    found = [MigrationSet(CORE, Path(__file__).parent / "versions")]
    found += [
        MigrationSet(plugin.name, folder_of(plugin, "migrations"), plugin.requires, plugin.version)
        for plugin in host.plugins
    ]
    return [one for one in found if one.has_revisions or tables_of(one.name)]


def pending(database: Database, sets: Sequence[MigrationSet]) -> list[str]:
    """The pending revisions, as `set: revision`; empty when the database is up to date."""
    with database.engine.connect() as connection:
        return [f"{one.name}: {revision}" for one in sets for revision in pending_of(connection, one)]


def pending_of(connection: Connection, one: MigrationSet) -> list[str]:
    """The pending revisions of a set, in order.

    Raises:
        PluginError, ConfigurationError: the revisions cannot be read, or do not lead on from where the database is.
    """
    current = current_revision(connection, one)
    if one.has_revisions and current is not None and current == one.head():
        return []
    if current is not None and not knows(one, current):
        raise one.error("migrations", _ahead(connection, one, f"the database is at revision {current}"))
    if not one.has_revisions:
        return [] if current else [BASELINE]
    try:
        script = one.script()
        waiting = script.iterate_revisions(script.get_current_head() or "base", current or "base")
        return [found.revision for found in waiting][::-1]
    except Exception as error:
        problem = f"what follows {current or 'nothing'} cannot be read from {one.folder}: {error}"
        raise one.error("migrations", f"{problem}; fix them") from error


def knows(one: MigrationSet, revision: str) -> bool:
    """Whether a set has a revision, or its baseline; one whose revisions cannot be read is taken to have it."""
    if not one.has_revisions:
        return revision == BASELINE
    if revision == one.head():
        return True
    try:
        return any(found.revision == revision for found in one.script().walk_revisions())
    except Exception:
        # What is wrong with them is said where they are run.
        return True


def _ahead(connection: Connection, one: MigrationSet, problem: str) -> str:
    """What an operator can do where the database was migrated by a later version than the one installed."""
    release = kept(connection, one.name, RELEASE)
    newer = f"version {release} or newer" if release else "the version that it was migrated by, or a newer one"
    said = f"{problem}, which version {one.release} does not have; install {newer} of it"
    if one.name == CORE:
        return f"{said}, or restore a backup from before the upgrade"
    return f"{said}, or give up its data with `guanxi plugins purge {one.name} --installed`"


def current_revision(connection: Connection, one: MigrationSet) -> str | None:
    """The revision a database is at; None if it has nothing of the set."""
    table = _versions(one)
    if not inspect(connection).has_table(table.name):
        return None
    return connection.scalars(select(table)).one_or_none()


def _versions(one: MigrationSet) -> SqlTable:
    """The table that says how far a set is, as Alembic makes it."""
    return SqlTable(one.version_table, MetaData(), Column("version_num", String(32), primary_key=True))


def migrate(
    database: Database,
    sets: Sequence[MigrationSet],
    done: Callable[[str], None] = lambda step: None,
    *,
    thoroughly: bool = True,
) -> None:
    """Runs what is pending, each revision in a transaction of its own.

    Args:
        database: which one.
        sets: in order.
        done: called with each step taken, as `set: revision`, and with what a revision has to say.
        thoroughly: also looks whether the tables of plugins without revisions are in the database as they are
            declared. Otherwise that is taken for granted of declarations that have not changed since.

    Raises:
        PluginError, ConfigurationError: a revision failed and was rolled back. Its set stops there; sets that require
            it are not run; the others are.
    """
    failed: dict[str, GuanxiError] = {}
    with alone(database) as connection:
        for one in sets:
            stopped = [name for name in one.requires if name in failed]
            if stopped:
                failed[one.name] = one.error("migrations", f"not run, because those of {stopped[0]} failed")
                continue
            try:
                _run(connection, one, done, thoroughly=thoroughly)
            except GuanxiError as error:
                failed[one.name] = error
                if one.name == CORE:
                    break
    if failed:
        raise next(iter(failed.values()))


@contextmanager
def alone(database: Database) -> Iterator[Connection]:
    """A connection that migrates while no other does, with foreign keys unchecked until each commit."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.dialect == SQLITE:
            # Before any BEGIN, or it has no effect; a rebuild of a table would otherwise delete what refers to it.
            driver.execute("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
            connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            if database.dialect == SQLITE:
                driver.execute("PRAGMA foreign_keys = ON")
            else:
                connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))
                connection.commit()


def _run(connection: Connection, one: MigrationSet, done: Callable[[str], None], *, thoroughly: bool) -> None:
    """Brings one set up to date.

    Raises:
        PluginError, ConfigurationError: a revision failed and was rolled back.
    """
    is_new = False
    while waiting := pending_of(connection, one):
        failure = None
        notes: list[str] = []
        # Each revision begins a transaction of its own, so none may be under way.
        connection.rollback()
        try:
            _upgrade(connection, one, notes.append) if one.has_revisions else _create_baseline(connection, one)
        except Exception as error:
            failure = error
            connection.rollback()
        left = pending_of(connection, one)
        for revision in waiting[: len(waiting) - len(left)]:
            done(f"{one.name}: {revision}")
        for note in notes if len(left) < len(waiting) else ():
            done(f"{one.name}: {note}")
        # If anything was done, perhaps by another process that began at the same time, it is tried once more.
        if failure is not None and left == waiting:
            problem = f"{told(failure)}. It was rolled back; fix it and run `guanxi migrate` again"
            raise one.error(f"migration {left[0]}", problem) from failure
        is_new = failure is None
    # Tables just created are as declared, and to compare them takes longer than to create them.
    is_known = is_new or one.has_revisions
    if not is_known and (thoroughly or kept(connection, one.name, TABLES) != fingerprint(connection, one)):
        _refuse_drift(connection, one)
    connection.rollback()


def _upgrade(connection: Connection, one: MigrationSet, note: Callable[[str], None]) -> None:
    """Runs the revisions that are pending; by `note` they say what somebody has to look at."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    script = one.script()

    def upgrade(revision: Any, context: Any) -> Any:
        # The way Alembic's own upgrade command goes.
        return script._upgrade_revs("heads", revision)  # noqa: SLF001

    def applied(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
        _check_keys(connection)

    with _REVISING, EnvironmentContext(Config(), script, fn=upgrade, destination_rev="heads") as environment:
        environment.configure(
            connection=connection,
            target_metadata=one.metadata,
            version_table=one.version_table,
            transaction_per_migration=True,
            transactional_ddl=True,
            on_version_apply=applied,
            note=note,
        )
        environment.run_migrations()
    keep(connection, one.name, RELEASE, one.release)
    connection.commit()


def _create_baseline(connection: Connection, one: MigrationSet) -> None:
    with connection.begin():
        one.metadata.create_all(connection, tables=tables_of(one.name), checkfirst=False)
        versions = _versions(one)
        versions.create(connection)
        connection.execute(versions.insert().values(version_num=BASELINE))
        _keep_tables(connection, one)
        _check_keys(connection)


def _refuse_drift(connection: Connection, one: MigrationSet) -> None:
    """A plugin without revisions whose declarations have changed needs some."""
    if differences(connection, one):
        release = kept(connection, one.name, RELEASE)
        if release is not None and is_later(release, one.release):
            raise one.error("tables", _ahead(connection, one, f"those in the database are of version {release}"))
        problem = "they differ from those in the database; run `guanxi migrations make"
        raise one.error("tables", f"{problem} {one.name}`")
    if kept(connection, one.name, TABLES) != fingerprint(connection, one):
        _keep_tables(connection, one)
        connection.commit()


def fingerprint(connection: Connection, one: MigrationSet) -> str:
    """What stands for the declared tables of a set: equal in every process as long as none of them is changed."""
    made = hashlib.sha256()
    for table in tables_of(one.name):
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, indexes)]
        for statement in statements:
            made.update(str(statement.compile(connection)).encode())
    return made.hexdigest()


def _keep_tables(connection: Connection, one: MigrationSet) -> None:
    """Keeps the fingerprint of the tables, which are in the database as they are declared, and whose they are."""
    keep(connection, one.name, TABLES, fingerprint(connection, one))
    keep(connection, one.name, RELEASE, one.release)


def differences(connection: Connection, one: MigrationSet) -> list[Any]:
    """How the declared tables differ from those in the database."""
    from alembic.autogenerate import compare_metadata

    return list(compare_metadata(context_of(connection, one), one.metadata))


def _check_keys(connection: Connection) -> None:
    """Checks that nothing refers to nothing after a revision; PostgreSQL checks that itself."""
    if connection.dialect.name != SQLITE:
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise ValueError(f"after it {len(broken)} rows refer to nothing, the first in table {broken[0][0]}")


def context_of(connection: Connection, one: MigrationSet) -> "MigrationContext":
    """Alembic's view of a database, limited to the tables of a set."""
    from alembic.migration import MigrationContext

    names = {table.name for table in tables_of(one.name)}

    def mine(name: str | None, type_: str, parents: Any) -> bool:
        # Neither reads back an index of an expression as it was declared.
        return name in names if type_ == "table" else name != TERMS_INDEX

    options = {"version_table": one.version_table, "include_name": mine, "compare_type": False}
    return MigrationContext.configure(connection, opts=options | {"target_metadata": one.metadata})
