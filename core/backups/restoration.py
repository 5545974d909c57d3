"""Restoring a backup: into an empty database, or in the place of what is there where that is asked for."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from core.backups import sqlite
from core.backups.archive import Manifest, opened
from core.backups.backup import own_tables
from core.base.errors import ConfigurationError
from core.db.database import Database
from core.db.engines import SQLITE
from core.migrations.runner import MigrationSet, knows

_NAMES = {SQLITE: "SQLite", "postgresql": "PostgreSQL"}


def examine(path: Path, database: Database, sets: Sequence[MigrationSet]) -> Manifest:
    """What a backup holds, once it is known that it can be restored into a database by what is installed.

    Raises:
        ConfigurationError: it cannot; the message says what can be done.
    """
    with opened(path) as (_, manifest):
        if manifest.engine != database.dialect:
            raise ConfigurationError(
                f"{path} is a backup of {_NAMES[manifest.engine]}, and GUANXI_DATABASE_URL names a database of "
                f"{_NAMES[database.dialect]}: a backup is restored into the engine it was taken from, because each "
                "stores times, JSON and numbers of events in its own way"
            )
        for one in sets:
            revision = manifest.revisions.get(one.name)
            if revision is not None and not knows(one, revision):
                release = manifest.releases.get(one.name)
                newer = f"version {release} or newer" if release else "the version it was taken with"
                raise ConfigurationError(
                    f"{path}: {one.name} was at revision {revision}, which version {one.release} does not have; "
                    f"install {newer} of it, then restore"
                )
        return manifest


def tables_present(database: Database, sets: Sequence[MigrationSet], manifest: Manifest) -> list[str]:
    """The tables that a restore would replace; none where there is no database yet."""
    if database.path is not None and not database.path.exists():
        return []
    with database.engine.connect() as connection:
        return own_tables(connection, sets, manifest.tables)


def restore(path: Path, database: Database, sets: Sequence[MigrationSet], *, replaces: bool) -> Manifest:
    """Restores a backup and compares every table with it: all of it, or nothing is changed.

    Leases are not restored; the numbers of the next events and of all else that is counted are.

    Args:
        path: of the backup.
        database: which may be used by nobody meanwhile.
        sets: of the core and the installed plugins.
        replaces: what the database holds goes.

    Raises:
        ConfigurationError: as `examine`, or the database holds something and is not to be replaced, or what was
            restored is not what was backed up.
    """
    manifest = examine(path, database, sets)
    present = tables_present(database, sets, manifest)
    if present and not replaces:
        raise ConfigurationError(
            f"the database {database.url.render_as_string()} has {len(present)} tables of guanxi already; restore into "
            "an empty one, or add --replace to lose what is in it"
        )
    database.close()
    with opened(path) as (archive, _):
        try:
            _restore(archive, database, manifest, present)
        except (BadZipFile, EOFError, zlib.error) as error:
            raise ConfigurationError(f"{path} is damaged: {error}; nothing was changed, use another backup") from None
    return manifest


def _restore(archive: ZipFile, database: Database, manifest: Manifest, present: Sequence[str]) -> None:
    if database.path is not None:
        sqlite.restore(archive, database.path, manifest.tables)
        return
    from core.backups import postgresql

    with postgresql.connected(database.url, alone=True) as connection:
        with connection.transaction():
            postgresql.restore(connection, archive, manifest.structure, manifest.tables, present)
        connection.execute("ANALYZE")
