"""Backup and restore of an SQLite file, by SQLite's own online backup."""

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from core.backups.archive import RowSum, TableSum, member
from core.base.errors import ConfigurationError
from core.db.sqlite import prepare_sqlite

_DATA = "database.sqlite"
_PRIVATE = 0o600
_BLOCK = 1 << 20


def back_up(path: Path, archive: zipfile.ZipFile, beside: Path) -> Mapping[str, TableSum]:
    """Puts the data of a file as it is at one moment into an archive, while others write; returns its sums.

    Args:
        path: of the file.
        archive: where it goes.
        beside: a path near which there is room for a copy.

    Raises:
        ConfigurationError: the copy is not what was copied.
    """
    copy = beside.with_name(f"{beside.name}.copy")
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))
    try:
        with closing(_connected(path)) as source:
            prepare_sqlite(source, read_only=True)
            # From the first statement on it reads one state of the data, and so does the copy that is made of it.
            source.execute("BEGIN")
            sums = table_sums(source)
            with closing(_connected(copy)) as target:
                source.backup(target)
                # All of it in one file.
                target.execute("PRAGMA journal_mode = DELETE")
                _compare(copy, target, sums)
        with copy.open("rb") as file, member(archive, _DATA) as to:
            shutil.copyfileobj(file, to, _BLOCK)
        return sums
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def restore(archive: zipfile.ZipFile, path: Path, sums: Mapping[str, TableSum]) -> None:
    """Puts the file in an archive in the place of another, once it is known to be what was backed up.

    Raises:
        ConfigurationError: it is not, or somebody has the file open.
    """
    draft = path.with_name(f".{path.name}.restored")
    try:
        with archive.open(_DATA) as source, open(draft, "wb", opener=_private) as target:
            shutil.copyfileobj(source, target, _BLOCK)
            target.flush()
            os.fsync(target.fileno())
        with closing(_connected(draft)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise ConfigurationError(f"the data in the backup is damaged: {problem}; use another backup")
            _compare(draft, connection, sums)
            for table in ("plugin_cursor", "plugin_job"):
                connection.execute(f"UPDATE {table} SET holder = NULL, held_until = NULL")  # noqa: S608
            connection.commit()
        close_to_others(path)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def close_to_others(path: Path) -> None:
    """Brings all of a file's data into the file itself, which is possible only where nobody else has it open.

    Raises:
        ConfigurationError: somebody has.
    """
    if not path.exists() or not path.stat().st_size:
        return
    with closing(_connected(path)) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError:
            raise ConfigurationError(f"{path} is open in another process; stop the server first") from None


def table_sums(connection: sqlite3.Connection) -> dict[str, TableSum]:
    """The sums of all tables."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    found = {}
    for (name,) in names:
        rows = RowSum()
        for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608  (the name of a table)
            rows.add(repr(row).encode("utf-8", "surrogatepass"))
        found[name] = rows.table
    return found


def _compare(path: Path, connection: sqlite3.Connection, sums: Mapping[str, TableSum]) -> None:
    found = table_sums(connection)
    if wrong := sorted(name for name in {*found, *sums} if found.get(name) != sums.get(name)):
        raise ConfigurationError(f"{path}: {', '.join(wrong)}: the rows are not those that were copied; try again")


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)
