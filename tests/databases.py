"""Databases for tests: fresh ones are copies, and on PostgreSQL they are emptied and used again."""

import itertools
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlmodel import col, delete

from core.base.clock import SystemClock
from core.base.settings import Settings
from core.host.host import discover
from core.records.installation import Installation
from guanxi import App, load_settings
from guanxi.design import Design, design
from guanxi.preparation import prepare

#: Makes the design of settings and plugins.
MakeDesign = Callable[[Settings, tuple[Any, ...]], Design]

_numbers = itertools.count()

#: What changes if anything of tables, columns, indexes or statistics does.
_FINGERPRINT = """SELECT (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_class WHERE oid >= 16384)
    || (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_attribute WHERE attrelid >= 16384)
    || (SELECT count(*) FROM pg_statistic)::text || (SELECT count(*) FROM pg_trigger)::text"""
_COLUMNS = """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''
    AND NOT attisdropped ORDER BY attnum"""


class Origin:
    """What a PostgreSQL database had when it was new: its form, and the rows it begins with."""

    def __init__(self, template: str) -> None:
        """Reads it from the database that the others are copies of."""
        with psycopg.connect(template) as connection:
            self._form = self._form_of(connection)
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            one = sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})")
            self._filled = sql.SQL(" UNION ALL ").join(
                one.format(sql.Literal(name), sql.Identifier(name)) for (name,) in names
            )
            self._rows = {name: self._copied(connection, name) for (name,) in connection.execute(self._filled)}

    def restore(self, url: str) -> bool:
        """Empties a database and gives it the rows it began with; false where a test has changed more than rows."""
        with psycopg.connect(url) as connection:
            if self._form_of(connection) != self._form:
                return False
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET lock_timeout = '2s'")
            filled = [name for (name,) in connection.execute(self._filled)]
            emptied = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in filled]
            connection.execute(sql.SQL("; ").join(emptied))
            for name, (columns, rows) in self._rows.items():
                with connection.cursor().copy(
                    sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)
                ) as copy:
                    copy.write(rows)
        return True

    def _form_of(self, connection: psycopg.Connection[Any]) -> str:
        (form,) = connection.execute(_FINGERPRINT).fetchone() or ("",)
        return str(form)

    def _copied(self, connection: psycopg.Connection[Any], name: str) -> tuple[sql.Composed, bytes]:
        """The columns of a table that are written, and its rows."""
        found = connection.execute(_COLUMNS, (f'"{name}"',)).fetchall()
        columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in found)
        with connection.cursor().copy(sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), columns)) as copy:
            return columns, b"".join(bytes(part) for part in copy)


class Databases:
    """Fresh databases of one engine, copied from those that have their tables already, or used before and emptied."""

    def __init__(self, engine: str, folder: Path, server: str | None, designs: MakeDesign) -> None:
        self.engine = engine
        self._folder = folder
        self._server = server
        self._templates: dict[str, str] = {}
        self._designs = designs
        self._origins: dict[str, Origin] = {}
        self._idle: dict[str, list[str]] = defaultdict(list)

    def fresh(self, name: str = "core", made: Callable[[], Design] | None = None) -> str:
        """The address of a database with the tables of a design and nothing else in it: the core's by default."""
        if name not in self._templates:
            url = self.empty() if made is None else self.copy(self._nearest(name))
            settings = load_settings(database_url=url)
            app = App(settings, made() if made else design(settings, []), SystemClock())
            app.migrate()
            # As after a first start, which takes twice as long as others; the currency is each app's own.
            prepare(app.database, app.migrations, settings, app.host, app.catalog.belongings)
            with app.database.engine.begin() as connection:
                connection.execute(delete(Installation).where(col(Installation.name) == "reporting_currency"))
            app.database.close()
            self._templates[name] = url
        return self._idle[name].pop() if self._idle[name] else self.copy(self._templates[name])

    def _nearest(self, name: str) -> str:
        """The template that has most of the plugins of a name and no others, so that few are left to add."""
        if "core" not in self._templates:
            self.fresh()
        wanted = {"core", *name.split("+")}
        fitting = [known for known in self._templates if wanted.issuperset(known.split("+"))]
        return self._templates[max(fitting, key=lambda known: len({"core", *known.split("+")}))]

    def give_back(self, name: str, url: str) -> None:
        """Takes back a database that nobody has open any more, to be used again: to copy one takes four times as long."""
        if self._server is None:
            return
        if name not in self._origins:
            self._origins[name] = Origin(self._templates[name])
        if self._origins[name].restore(url):
            self._idle[name].append(url)

    def installed(self) -> str:
        """The same with the tables of all plugins that are installed."""
        return self.fresh("installed", lambda: self._designs(load_settings(), tuple(discover())))

    def empty(self) -> str:
        """The address of a database with nothing in it."""
        name = f"test_{next(_numbers)}"
        if self._server is None:
            return f"sqlite:///{self._folder / name}.db"
        self._admin(f"CREATE DATABASE {name}")
        return self._server.replace("/postgres?", f"/{name}?")

    def copy(self, url: str) -> str:
        """The address of a copy of a database that nobody has open."""
        name = f"test_{next(_numbers)}"
        if self._server is None:
            path = self._folder / f"{name}.db"
            shutil.copy(url.removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        template = url.partition("?")[0].rpartition("/")[2]
        self._admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.replace("/postgres?", f"/{name}?")

    def _admin(self, statement: str) -> None:
        assert self._server is not None
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]
