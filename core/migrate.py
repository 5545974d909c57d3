"""Migrations: one set of Alembic revisions and one version table for the core and for each plugin, core first.

A plugin without a `migrations` folder gets its declared tables created as its recorded baseline. Removing a plugin
breaks nothing, because nobody else's revisions know of it.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateIndexOp, CreateTableOp, DowngradeOps, DropTableOp, MigrationScript, UpgradeOps
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, String, text
from sqlalchemy import Table as SqlTable
from sqlalchemy import inspect as look_at

from core import activities, keys  # noqa: F401  (declares the core's tables)
from core.database import SQLITE, Database
from core.errors import ConfigurationError, GuanxiError, PluginError
from core.host import PluginHost
from core.plugin import Plugin
from core.records import CORE, registry_of, tables_of
from core.types import Choice, Json, Scaled, Text, Timestamp

BASELINE = "baseline"

_LOCK = 0x6D696772


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The revisions of the core or of one plugin.

    Attributes:
        name: `core`, or the plugin's.
        folder: where its revisions lie; None for a plugin that has none.
        requires: names of the sets it cannot go without.
    """

    name: str
    folder: Path | None
    requires: Sequence[str] = ()

    @property
    def metadata(self) -> MetaData:
        """The tables it is about."""
        return registry_of(self.name).metadata

    @property
    def version_table(self) -> str:
        """Where the database keeps how far it is."""
        return f"{self.name}_version"

    def script(self) -> ScriptDirectory:
        """Its revisions."""
        folder = str(self.folder)
        return ScriptDirectory(folder, version_locations=[folder])


def sets_of(host: PluginHost) -> list[MigrationSet]:
    """The sets of the core and of the plugins that keep tables, in the order they are run."""
    found = [MigrationSet(CORE, Path(__file__).parent / "migrations")]
    for plugin in host.plugins:
        if tables_of(plugin.name):
            found.append(MigrationSet(plugin.name, _folder(plugin), plugin.requires))
    return found


def _folder(plugin: Plugin) -> Path | None:
    folder = home_of(plugin) / "migrations"
    is_package = Path(inspect.getfile(type(plugin))).name == "__init__.py"
    return folder if is_package and folder.is_dir() else None


def home_of(plugin: Plugin) -> Path:
    """The folder of a plugin's module."""
    return Path(inspect.getfile(type(plugin))).parent


def pending(database: Database, sets: Sequence[MigrationSet]) -> list[str]:
    """What the database lacks, as `set: revision`; empty when it is up to date."""
    with database.engine.connect() as connection:
        return [f"{one.name}: {revision}" for one in sets for revision in _pending_of(connection, one)]


def _pending_of(connection: Connection, one: MigrationSet) -> list[str]:
    current = _context(connection, one).get_current_revision()
    if one.folder is None:
        return [] if current else [BASELINE]
    waiting = [script.revision for script in one.script().iterate_revisions("heads", current or "base")]
    return waiting[::-1]


def migrate(database: Database, sets: Sequence[MigrationSet], done: Callable[[str], None] = lambda step: None) -> None:
    """Runs what is pending, each revision in a transaction of its own.

    Args:
        database: which one.
        sets: in order.
        done: told each step that was taken, as `set: revision`.

    Raises:
        PluginError, ConfigurationError: a revision failed and was rolled back. Its set stops there; sets that require
            it are not run; the others are.
    """
    failed: dict[str, GuanxiError] = {}
    with _alone(database) as connection:
        for one in sets:
            stopped = [name for name in one.requires if name in failed]
            if stopped:
                failed[one.name] = PluginError(one.name, "migrations", f"not run, because those of {stopped[0]} failed")
                continue
            try:
                _run(connection, one, done)
            except Exception as error:
                failed[one.name] = _failure(one, error)
                if one.name == CORE:
                    break
    if failed:
        raise next(iter(failed.values()))


def _failure(one: MigrationSet, error: Exception) -> GuanxiError:
    if isinstance(error, PluginError):
        return error
    problem = f"{type(error).__name__}: {error}. It was rolled back; mend it and run `guanxi migrate` again"
    if one.name == CORE:
        return ConfigurationError(f"migration of the core failed: {problem}")
    return PluginError(one.name, "migrations", problem)


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A connection that migrates while no other does, with foreign keys unchecked until each commit."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.dialect == SQLITE:
            # Before any BEGIN, or it has no effect; a rebuild of a table would otherwise delete what refers to it.
            driver.execute("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            if database.dialect == SQLITE:
                driver.execute("PRAGMA foreign_keys = ON")
            else:
                connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
                connection.commit()


def _run(connection: Connection, one: MigrationSet, done: Callable[[str], None]) -> None:
    if one.folder is None:
        _create_baseline(connection, one, done)
        return
    script = one.script()

    def upgrade(revision: Any, context: Any) -> Any:
        # The way Alembic's own upgrade command goes.
        return script._upgrade_revs("heads", revision)  # noqa: SLF001

    def applied(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
        _check_keys(connection)
        done(f"{one.name}: {step.up_revision_id}")

    with EnvironmentContext(Config(), script, fn=upgrade, destination_rev="heads") as environment:
        environment.configure(
            connection=connection,
            target_metadata=one.metadata,
            version_table=one.version_table,
            transaction_per_migration=True,
            transactional_ddl=True,
            on_version_apply=applied,
        )
        environment.run_migrations()
    connection.commit()


def _create_baseline(connection: Connection, one: MigrationSet, done: Callable[[str], None]) -> None:
    context = _context(connection, one)
    if context.get_current_revision():
        _refuse_drift(connection, one)
        return
    connection.rollback()
    with connection.begin():
        one.metadata.create_all(connection, tables=tables_of(one.name), checkfirst=False)
        version = SqlTable(one.version_table, MetaData(), Column("version_num", String(32), primary_key=True))
        version.create(connection)
        connection.execute(version.insert().values(version_num=BASELINE))
        _check_keys(connection)
    done(f"{one.name}: {BASELINE}")


def _refuse_drift(connection: Connection, one: MigrationSet) -> None:
    """A plugin without revisions whose declarations have moved on needs some."""
    if differences(connection, one):
        raise PluginError(
            one.name,
            "tables",
            f"they are declared differently from those in the database; run `guanxi migrations make {one.name}`",
        )


def _check_keys(connection: Connection) -> None:
    """Nothing may refer to nothing once a revision is through."""
    if connection.dialect.name != SQLITE:
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise ConfigurationError(
            f"after the revision {len(broken)} rows refer to nothing, first in table {broken[0][0]}"
        )


def _context(connection: Connection, one: MigrationSet) -> MigrationContext:
    names = {table.name for table in tables_of(one.name)}

    def mine(name: str | None, type_: str, parents: Any) -> bool:
        return type_ != "table" or name in names

    return MigrationContext.configure(
        connection,
        opts={
            "version_table": one.version_table,
            "include_name": mine,
            "target_metadata": one.metadata,
            "compare_type": False,
            "render_as_batch": True,
        },
    )


def differences(connection: Connection, one: MigrationSet) -> list[Any]:
    """How the declared tables differ from those in the database."""
    return list(compare_metadata(_context(connection, one), one.metadata))


def make(database: Database, one: MigrationSet, home: Path, message: str) -> list[Path]:
    """Writes the revision that turns the database into what is declared; for a set without revisions also its baseline.

    Raises:
        ConfigurationError: there is nothing to write, or the database is not up to date.
    """
    folder = one.folder or home / "migrations"
    written = []
    with database.engine.connect() as connection:
        if one.folder is not None:
            if _pending_of(connection, one):
                raise ConfigurationError("the database is behind its revisions; run `guanxi migrate` first")
            head = one.script().get_current_head()
        elif look_at(connection).has_table(one.version_table):
            written.append(_write(folder, one, BASELINE, None, "As first declared.", _reflected(connection, one)))
            head = BASELINE
        else:
            raise ConfigurationError(f"the database has no tables of {one.name} yet; run `guanxi migrate` first")
        script = produce_migrations(_context(connection, one), one.metadata)
        if script.upgrade_ops is None or script.upgrade_ops.is_empty():
            if not written:
                raise ConfigurationError(f"{one.name}: the database is as declared; there is nothing to write")
            return written
        revision = BASELINE if head is None and one.name != CORE else f"{len(list(folder.glob('*.py'))) + 1:04d}"
        written.append(_write(folder, one, revision, head, message, script))
    return written


def _reflected(connection: Connection, one: MigrationSet) -> MigrationScript:
    """The revision that makes what the database has now."""
    present = MetaData()
    present.reflect(connection, only=[table.name for table in tables_of(one.name)], resolve_fks=False)
    script = MigrationScript(None, UpgradeOps([]), DowngradeOps([]))
    for declared in tables_of(one.name):
        table = present.tables.get(declared.name)
        if table is None:
            continue
        for column in table.columns:
            # What is read back has lost what both engines need to agree, such as the collation.
            if column.name in declared.columns:
                column.type = declared.columns[column.name].type
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        script.upgrade_ops.ops.append(CreateTableOp.from_table(table))
        script.upgrade_ops.ops += [CreateIndexOp.from_index(index) for index in sorted(table.indexes, key=str)]
        script.downgrade_ops.ops.insert(0, DropTableOp.from_table(table))
    return script


def _render_type(kind: str, item: Any, context: Any) -> Any:
    """How a column type is written in a revision: by what is stored, which outlives a vocabulary or a scale."""
    if kind != "type" or type(item) not in _STORED:
        return False
    return _STORED[type(item)]


_STORED = {
    Text: "types.Text()",
    Choice: "types.Text()",
    Timestamp: "types.Timestamp()",
    Json: "types.Json()",
    Scaled: "sa.BigInteger()",
}


_TEMPLATE = '''"""{message}

Revision of {name}: {revision}
"""

{imports}

revision = {revision!r}
down_revision = {previous!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    {upgrade}


def downgrade() -> None:
    """Takes them back."""
    {downgrade}
'''


def _write(
    folder: Path, one: MigrationSet, revision: str, previous: str | None, message: str, script: MigrationScript
) -> Path:
    folder.mkdir(exist_ok=True)
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None

    def code(operations: Any) -> str:
        lines = render_python_code(operations, render_item=_render_type).splitlines()
        return "\n".join(line for line in lines if not line.lstrip().startswith("# ###")).strip()

    upgrade, downgrade = code(script.upgrade_ops), code(script.downgrade_ops)
    path = folder / f"{revision}.py"
    path.write_text(
        _TEMPLATE.format(
            message=message,
            name=one.name,
            imports=_imports(one, upgrade + downgrade),
            revision=revision,
            previous=previous,
            upgrade=upgrade,
            downgrade=downgrade,
        )
    )
    return path


def _imports(one: MigrationSet, code: str) -> str:
    """What a revision imports; the types of a plugin's from the public API."""
    types = f"\n\nfrom {'core' if one.name == CORE else 'guanxi'} import types" if "types." in code else ""
    return ("import sqlalchemy as sa\n" if "sa." in code else "") + "from alembic import op" + types
