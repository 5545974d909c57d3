"""Backup and restore of tables on PostgreSQL: COPY under one snapshot, and the statements that make the tables.

The statements come from the server's own catalogue, so that tables of plugins that are not installed are in it too, and
tables of an older version are made as they were.
"""

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from core.backups.archive import RowSum, Structure, TableSum, member
from core.base.errors import ConfigurationError
from core.migrations.runner import MIGRATION_LOCK

_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        "datestyle=ISO,YMD",
        "intervalstyle=postgres",
        "bytea_output=hex",
        "extra_float_digits=3",
        "statement_timeout=0",
        "idle_in_transaction_session_timeout=0",
    )
)
_BLOCK = 1 << 16

_COLUMNS = """SELECT class.relname, column_.attname, format_type(column_.atttypid, column_.atttypmod),
        collation_.collname, column_.attnotnull, pg_get_expr(default_.adbin, default_.adrelid),
        column_.attidentity, column_.attgenerated
    FROM pg_class AS class
    JOIN pg_attribute AS column_ ON column_.attrelid = class.oid AND column_.attnum > 0 AND NOT column_.attisdropped
    JOIN pg_type AS type ON type.oid = column_.atttypid
    LEFT JOIN pg_collation AS collation_
        ON collation_.oid = column_.attcollation AND column_.attcollation <> type.typcollation
    LEFT JOIN pg_attrdef AS default_ ON default_.adrelid = class.oid AND default_.adnum = column_.attnum
    WHERE class.relnamespace = current_schema()::regnamespace AND class.relname = ANY(%s)
    ORDER BY class.relname, column_.attnum"""
_CONSTRAINTS = """SELECT class.relname, conname, pg_get_constraintdef(pg_constraint.oid, true)
    FROM pg_constraint JOIN pg_class AS class ON class.oid = conrelid
    WHERE connamespace = current_schema()::regnamespace AND class.relname = ANY(%s) AND contype = ANY(%s)
    ORDER BY class.relname, conname"""
_INDEXES = """SELECT pg_get_indexdef(indexrelid, 0, true)
    FROM pg_index JOIN pg_class AS class ON class.oid = indrelid
    WHERE class.relnamespace = current_schema()::regnamespace AND class.relname = ANY(%s)
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ORDER BY 1"""
#: Sequences that a column of these tables takes its values from, with the column that owns it, if one does.
_SEQUENCES = """SELECT DISTINCT sequence.relname, form.seqincrement, form.seqmin, form.seqmax, form.seqstart,
        form.seqcache, form.seqcycle, owner_.relname, column_.attname, own.deptype
    FROM pg_class AS sequence
    JOIN pg_sequence AS form ON form.seqrelid = sequence.oid
    LEFT JOIN pg_depend AS own ON own.classid = 'pg_class'::regclass AND own.objid = sequence.oid
        AND own.refclassid = 'pg_class'::regclass AND own.deptype IN ('a', 'i')
    LEFT JOIN pg_class AS owner_ ON owner_.oid = own.refobjid
    LEFT JOIN pg_attribute AS column_ ON column_.attrelid = own.refobjid AND column_.attnum = own.refobjsubid
    WHERE sequence.relnamespace = current_schema()::regnamespace
        AND (owner_.relname = ANY(%s) OR EXISTS (
            SELECT FROM pg_depend AS used
            JOIN pg_attrdef AS default_ ON used.classid = 'pg_attrdef'::regclass AND default_.oid = used.objid
            JOIN pg_class AS user_ ON user_.oid = default_.adrelid AND user_.relname = ANY(%s)
            WHERE used.refclassid = 'pg_class'::regclass AND used.refobjid = sequence.oid))
    ORDER BY sequence.relname"""


@contextmanager
def connected(url: URL, *, alone: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection on which the same rows are always spelled the same, while nobody migrates.

    Args:
        url: of the database.
        alone: nor does anybody back up.

    Raises:
        ConfigurationError: a statement failed; the message is the server's.
    """
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(address, autocommit=True, options=_OPTIONS) as connection:
            connection.execute("SELECT set_config('search_path', quote_ident(current_schema()), false)")
            connection.execute(f"SELECT pg_advisory_lock{'' if alone else '_shared'}({MIGRATION_LOCK})")
            yield connection
    except psycopg.Error as error:
        problem = " ".join(str(error).split())
        raise ConfigurationError(f"the database {url.render_as_string()}: {problem}") from error


def back_up(
    connection: psycopg.Connection[Any], archive: zipfile.ZipFile, tables: Collection[str]
) -> tuple[Structure, dict[str, TableSum]]:
    """Puts the rows of tables into an archive, in a transaction that sees one snapshot; returns how they are made."""
    structure = _structure(connection, [*tables])
    sums = {}
    for table, columns in structure.columns.items():
        rows = _Lines()
        with member(archive, _place(table)) as file, _copied(connection, table, columns) as copy:
            for block in copy:
                file.write(block)
                rows.add(block)
        sums[table] = rows.table
    return structure, sums


def restore(
    connection: psycopg.Connection[Any],
    archive: zipfile.ZipFile,
    structure: Structure,
    sums: Mapping[str, TableSum],
    present: Collection[str],
) -> None:
    """Makes the tables of an archive and loads their rows, in a transaction of the connection's.

    Args:
        connection: in a transaction.
        archive: of the backup.
        structure, sums: what its manifest says.
        present: tables that go before.

    Raises:
        ConfigurationError: what was loaded is not what was backed up.
    """
    if present:
        used = [row[0] for row in connection.execute(_SEQUENCES, [[*present], [*present]]) if row[9] != "i"]
        _run(connection, f"DROP TABLE {_listed(present)}", *(f'DROP SEQUENCE IF EXISTS "{name}"' for name in used))
    _run(connection, *structure.before)
    for table, columns in structure.columns.items():
        _load(connection, archive, table, columns)
    _run(connection, *structure.after)
    for sequence, value in structure.sequences.items():
        if value is not None:
            connection.execute("SELECT setval(quote_ident(%s)::regclass, %s)", [sequence, value])
    wrong = [table for table, columns in structure.columns.items() if _sum(connection, table, columns) != sums[table]]
    if wrong:
        raise ConfigurationError(
            f"{', '.join(wrong)}: the rows loaded are not those that were backed up; nothing was changed, use another "
            "backup"
        )
    leased = ("plugin_cursor", "plugin_job")
    _run(connection, *(f"UPDATE {table} SET holder = NULL, held_until = NULL" for table in leased))  # noqa: S608


def _load(connection: psycopg.Connection[Any], archive: zipfile.ZipFile, table: str, columns: Sequence[str]) -> None:
    statement = f'COPY "{table}" ({_listed(columns)}) FROM STDIN'
    with archive.open(_place(table)) as file, connection.cursor().copy(statement) as copy:
        while block := file.read(_BLOCK):
            copy.write(block)


def _sum(connection: psycopg.Connection[Any], table: str, columns: Sequence[str]) -> TableSum:
    rows = _Lines()
    with _copied(connection, table, columns) as copy:
        for block in copy:
            rows.add(block)
    return rows.table


class _Lines:
    """Adds up rows as COPY writes them, each on a line."""

    def __init__(self) -> None:
        self._rows = RowSum()
        self._rest = b""

    def add(self, block: Any) -> None:
        """Adds what came next."""
        *lines, self._rest = (self._rest + bytes(block)).split(b"\n")
        for line in lines:
            self._rows.add(line)

    @property
    def table(self) -> TableSum:
        """What was added so far."""
        return self._rows.table


@contextmanager
def _copied(connection: psycopg.Connection[Any], table: str, columns: Sequence[str]) -> Iterator[Any]:
    with connection.cursor().copy(f'COPY "{table}" ({_listed(columns)}) TO STDOUT') as copy:
        yield copy


def _structure(connection: psycopg.Connection[Any], tables: list[str]) -> Structure:
    """How these tables are made."""
    columns: dict[str, list[str]] = {table: [] for table in sorted(tables)}
    clauses: dict[str, list[str]] = {table: [] for table in sorted(tables)}
    for table, name, kind, collation, is_required, default, identity, generated in connection.execute(
        _COLUMNS, [tables]
    ):
        clauses[table].append(_column(name, kind, collation, default, identity, generated, is_required=is_required))
        if not generated:
            columns[table].append(name)
    sequences, before, owned = _sequences(connection, tables)
    before += [f'CREATE TABLE "{table}" ({", ".join(parts)})' for table, parts in clauses.items()]
    after = [*owned]
    for kinds in (["p", "u", "c", "x"], ["f"]):
        if kinds == ["f"]:
            after += [row[0] for row in connection.execute(_INDEXES, [tables])]
        after += [
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {text}'
            for table, name, text in connection.execute(_CONSTRAINTS, [tables, kinds])
        ]
    return Structure(
        before=tuple(before),
        columns={table: tuple(names) for table, names in columns.items()},
        after=tuple(after),
        sequences=sequences,
    )


def _column(
    name: str,
    kind: str,
    collation: str | None,
    default: str | None,
    identity: str,
    generated: str,
    *,
    is_required: bool,
) -> str:
    parts = [f'"{name}" {kind}']
    if collation is not None:
        parts.append(f'COLLATE "{collation}"')
    if generated:
        parts.append(f"GENERATED ALWAYS AS ({default}) STORED")
    elif identity:
        parts.append(f"GENERATED {'ALWAYS' if identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif default is not None:
        parts.append(f"DEFAULT {default}")
    return " ".join([*parts, "NOT NULL"] if is_required else parts)


def _sequences(
    connection: psycopg.Connection[Any], tables: list[str]
) -> tuple[dict[str, int | None], list[str], list[str]]:
    """The last values of the sequences of tables, what makes them, and what says whose they are."""
    values: dict[str, int | None] = {}
    made, owned = [], []
    for name, step, least, most, start, cache, cycle, table, column, kind in connection.execute(
        _SEQUENCES, [tables, tables]
    ).fetchall():
        last = connection.execute(f'SELECT last_value, is_called FROM "{name}"').fetchone()  # noqa: S608
        assert last is not None
        values[name] = last[0] if last[1] else None
        if kind == "i":  # made with its column
            continue
        cycles = "CYCLE" if cycle else "NO CYCLE"
        made.append(
            f'CREATE SEQUENCE "{name}" INCREMENT {step} MINVALUE {least} MAXVALUE {most} START {start} CACHE {cache} '
            f"{cycles}"
        )
        if table is not None:
            owned.append(f'ALTER SEQUENCE "{name}" OWNED BY "{table}"."{column}"')
    return values, made, owned


def _run(connection: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _place(table: str) -> str:
    """The part of an archive that holds the rows of a table."""
    return f"tables/{table}"
