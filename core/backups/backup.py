"""Taking a backup, while the database is in use."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, String, column, select, table
from sqlalchemy.exc import DBAPIError

from core.backups import sqlite
from core.backups.archive import FORMAT, Manifest, Structure, check, put_manifest, written
from core.base.errors import ConfigurationError
from core.base.files import private_file
from core.db.database import Database
from core.migrations.facts import RELEASE, kept
from core.migrations.runner import MigrationSet
from core.records.leftovers import VERSIONS, owner_of, recorded_plugins, stored_tables


def back_up(database: Database, sets: Sequence[MigrationSet], path: Path) -> Manifest:
    """Writes all that a database holds of guanxi at one moment to a new file, and reads it back.

    Nobody has to wait for it. The file is there under its name once it is whole and on the disk, and only its owner can
    read it.

    Args:
        database: which one.
        sets: of the core and the installed plugins.
        path: of the file.

    Raises:
        ConfigurationError: the file is there already or cannot be written, or there is nothing to back up.
    """
    with private_file(path) as draft:
        with database.engine.connect() as connection:
            own = own_tables(connection, sets)
            if f"core{VERSIONS}" not in own:
                raise ConfigurationError(f"the database {database.url.render_as_string()} holds nothing to back up")
            revisions, releases = _versions(connection, own)
        with written(draft) as archive:
            structure = Structure()
            taken_at = datetime.now(UTC)
            if database.path is not None:
                sums = sqlite.back_up(database.path, archive, draft)
            else:
                from core.backups import postgresql

                with postgresql.connected(database.url) as reader, reader.transaction():
                    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    taken_at = reader.execute("SELECT transaction_timestamp()").fetchone()[0]  # type: ignore[index]
                    structure, sums = postgresql.back_up(reader, archive, own)
            with database.engine.connect() as connection:
                if _versions(connection, own) != (revisions, releases):
                    raise ConfigurationError("the database was migrated meanwhile; take the backup again")
            manifest = Manifest(
                format=FORMAT,
                release=version("guanxi"),
                engine=database.dialect,
                taken_at=taken_at.isoformat(timespec="seconds"),
                revisions=revisions,
                releases=releases,
                tables=sums,
                structure=structure,
            )
            put_manifest(archive, manifest)
        check(draft)
    return manifest


def own_tables(connection: Connection, sets: Sequence[MigrationSet], more: Collection[str] = ()) -> list[str]:
    """The tables of a database that the core or a plugin made, installed or not.

    Args:
        connection: to it.
        sets: of the core and the installed plugins.
        more: names of further tables, counted in where there are any.
    """
    present = stored_tables(connection)
    plugins = [name for name in recorded_plugins(present) if name != "core"]
    declared = {table for one in sets for table in (*one.metadata.tables, one.version_table)} | {*more}
    return [name for name in present if name in declared or owner_of(name, plugins) is not None]


def _versions(connection: Connection, own: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The revision of each set, and the version that last changed its tables, where it is known."""
    revisions: dict[str, str] = {}
    releases: dict[str, str] = {}
    for name in recorded_plugins(own):
        query = select(column("version_num", String)).select_from(table(f"{name}{VERSIONS}"))
        try:
            revision = connection.scalar(query)
        except DBAPIError:
            # A table of a plugin that happens to have such a name.
            connection.rollback()
            continue
        if revision is not None:
            revisions[name] = revision
            release = kept(connection, name, RELEASE)
            releases |= {} if release is None else {name: release}
    return revisions, releases
