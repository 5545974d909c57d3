"""Writing revisions that turn the tables of a database into those declared."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    DowngradeOps,
    DropTableOp,
    MigrationScript,
    ModifyTableOps,
    UpgradeOps,
)
from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, MetaData, String, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.engine.default import DefaultDialect

from core.base.errors import ConfigurationError
from core.base.text import fold
from core.db.database import Database
from core.db.types import Choice, Json, Scaled, Text, Timestamp
from core.migrations.runner import BASELINE, MigrationSet, context_of, current_revision, pending_of
from core.records.record import CORE, tables_of


def make(database: Database, one: MigrationSet, message: str) -> list[Path]:
    """Writes the revision that turns the database into what is declared; for a set without any also its baseline.

    Raises:
        ConfigurationError, PluginError: there is nothing to write or no place for it, or the database is behind.
    """
    if one.folder is None:
        problem = "it is not a package; declare it in the __init__.py of one, so that they have a folder"
        raise one.error("migrations", problem)
    written = {}
    with database.engine.connect() as connection:
        head = current_revision(connection, one)
        if head is None:
            problem = f"the database has no tables of {one.name} yet; run `guanxi migrate` first"
            raise ConfigurationError(problem)
        if not one.has_revisions:
            written[BASELINE] = _text(one, BASELINE, None, "Tables as first declared.", _reflected(connection, one))
        elif pending_of(connection, one):
            raise ConfigurationError(f"{one.name}: the database is behind its revisions; run `guanxi migrate` first")
        script = produce_migrations(context_of(connection, one), one.metadata)
        assert script.upgrade_ops is not None
        if not script.upgrade_ops.is_empty():
            _fill_in(one, script.upgrade_ops)
            revision = _next(one)
            written[revision] = _text(one, revision, head, message, script)
    if not written:
        raise ConfigurationError(f"{one.name}: the database matches the declarations; there is nothing to write")
    return [_write(one, revision, text) for revision, text in written.items()]


def _next(one: MigrationSet) -> str:
    """A number that no revision has; the baseline counts as the first."""
    names = [] if one.folder is None else [path.stem for path in one.folder.glob("*.py")]
    return f"{max([1, *(int(name) for name in names if name.isdecimal())]) + 1:04d}"


def _fill_in(one: MigrationSet, upgrade: UpgradeOps) -> None:
    """Gives existing rows the default of new columns that must have a value."""
    for table in upgrade.ops:
        if not isinstance(table, ModifyTableOps):
            continue
        for operation in table.ops:
            if isinstance(operation, AddColumnOp) and not operation.column.nullable:
                operation.column = _with_default(one, operation.column)


def _with_default(one: MigrationSet, column: Column[Any]) -> Column[Any]:
    given: Any = column.default
    if given is None or not (given.is_scalar or isinstance(column.type, Json)):
        problem = "is new, and existing rows would have no value; give it a default, or make it `| None`"
        raise one.error(f"column {column.table.name}.{column.name}", problem)
    value = given.arg if given.is_scalar else given.arg(None)
    source = column.table.columns.get(column.name.removesuffix("_folded"))
    if source is not None and source is not column and source.default is not None:
        value = fold(source.default.arg)  # type: ignore[attr-defined]  # the default of a text is one
    return Column(column.name, column.type, nullable=False, server_default=_literal(column, value))


def _literal(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, Boolean):
        return text("true" if value else "false")
    dialect = DefaultDialect()
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    stored = value if convert is None else convert(value)
    return text(str(stored)) if isinstance(stored, int) else str(stored)


def _reflected(connection: Connection, one: MigrationSet) -> MigrationScript:
    """The revision that makes what the database has now."""
    present = MetaData()
    present.reflect(connection, only=lambda name, _: name in one.metadata.tables, resolve_fks=False)
    script = MigrationScript(None, UpgradeOps([]), DowngradeOps([]))
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    for declared in tables_of(one.name):
        if declared.name not in present.tables:
            continue
        table = present.tables[declared.name]
        for column in table.columns:
            # What is read back has lost what both engines need to agree, such as the collation.
            if column.name in declared.columns:
                column.type = declared.columns[column.name].type
        script.upgrade_ops.ops.append(CreateTableOp.from_table(table))
        script.upgrade_ops.ops += [CreateIndexOp.from_index(index) for index in _indexes(table, declared)]
        script.downgrade_ops.ops.insert(0, DropTableOp.from_table(table))
    return script


def _indexes(table: SqlTable, declared: SqlTable) -> Iterator[Any]:
    """The indexes of a table, as they are declared where they are: one engine does not know another's conditions."""
    known = {index.name: index for index in declared.indexes}
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield known.get(index.name, index)


def _render_type(kind: str, item: Any, context: Any) -> Any:
    """How a column type is written in a revision: by what is stored, which outlives a vocabulary or a scale."""
    return kind == "type" and next((text for types, text in _STORED if isinstance(item, types)), False)


#: The declared types, and what either engine reads back of columns that are no longer declared.
_STORED: Sequence[tuple[Any, str]] = (
    ((Text, Choice, String), "types.Text()"),
    ((Timestamp, DateTime), "types.Timestamp()"),
    ((Json, JSON), "types.Json()"),
    (Scaled, "sa.BigInteger()"),
)


_TEMPLATE = '''"""{message}

Revision of {name}: {revision}
"""

{imports}

revision = "{revision}"
down_revision = {previous}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the tables to this revision."""
    {upgrade}


def downgrade() -> None:
    """Takes them back."""
    {downgrade}
'''


def _text(one: MigrationSet, revision: str, previous: str | None, message: str, script: MigrationScript) -> str:
    upgrade, downgrade = _code(script.upgrade_ops), _code(script.downgrade_ops)
    return _TEMPLATE.format(
        message=message.replace("\\", r"\\").replace('"', r"\""),
        name=one.name,
        imports=_imports(one, upgrade + downgrade),
        revision=revision,
        previous=None if previous is None else f'"{previous}"',
        upgrade=upgrade,
        downgrade=downgrade,
    )


def _imports(one: MigrationSet, code: str) -> str:
    """What a revision imports; the types of a plugin's from the public API."""
    home = "core.db" if one.name == CORE else "guanxi"
    types = f"\n\nfrom {home} import types" if "types." in code else ""
    return ("import sqlalchemy as sa\n" if "sa." in code else "") + "from alembic import op" + types


def _write(one: MigrationSet, revision: str, content: str) -> Path:
    assert one.folder is not None
    path = one.folder / f"{revision}.py"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise one.error("migrations", f"{path} cannot be written: {error.strerror}") from None
    return path


def _code(operations: Any) -> str:
    """The operations in Python, on SQLite by a copy of the table where it cannot be changed in place."""
    lines = render_python_code(operations, render_as_batch=True, render_item=_render_type).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("# ###")).strip()
