"""Who is compared, and their servers: each started in its production form with one worker."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from bench.databases import ENGINES
from bench.load import Meter, children, private_bytes
from bench.mutations import Mutation
from bench.queries import ANY_ID, CURSOR, GUANXI, NEW, POSTGRAPHILE, STRAWCHEMY, Query
from core.db.engines import POSTGRESQL

_ROOT = Path(__file__).parent.parent
_PEERS = Path(__file__).parent / "peers"
_PATIENCE_SECONDS = 60
_PAGES_BEFORE_CURSOR = 10


@dataclass(frozen=True)
class Contestant:
    """One of those compared.

    Attributes:
        name: in tables.
        command: starts its server; `{folder}` is where it was installed.
        dialect: of GraphQL it speaks.
        engines: it runs on.
        package: folder of its package.json, if it comes from npm.
        is_limit: whether it gives each query a path of its own, and has its SQL written by hand.
        too_slow_on_sqlite: the queries it is not asked on SQLite.
    """

    name: str
    command: Sequence[str]
    dialect: str = GUANXI
    engines: Sequence[str] = ENGINES
    package: str | None = None
    is_limit: bool = False
    too_slow_on_sqlite: Sequence[str] = ()

    def takes(self, query: Query) -> bool:
        """Whether it can be asked a query."""
        return self.dialect in query.texts and not (self.is_limit and NEW in query.texts[GUANXI])

    def gives_same(self, query: Query) -> bool:
        """Whether its answer is the whole one: the limit leaves Python fields out."""
        return not (self.is_limit and "label" in query.texts[GUANXI])


_UVICORN = "-m uvicorn --host 127.0.0.1 --port {port} --no-access-log --no-server-header --log-level warning"

OURS = Contestant("guanxi", [sys.executable, "-m", "bench.server", "{port}"])
LIMIT = Contestant("limit", [sys.executable, "-m", "bench.peers.limit", "{port}"], is_limit=True)
IDIOMATIC = Contestant("Strawberry + SQLAlchemy", [sys.executable, *_UVICORN.split(), "bench.peers.idiomatic:app"])
POSTGRAPHILE_4 = Contestant(
    "PostGraphile 4", ["node", "server.mjs"], POSTGRAPHILE, [POSTGRESQL], package="postgraphile4"
)
POSTGRAPHILE_5 = Contestant(
    "PostGraphile 5",
    ["node", "-r", "./polyfill.cjs", "server.mjs"],
    POSTGRAPHILE,
    [POSTGRESQL],
    package="postgraphile5",
)
BARE = Contestant("bare route", [sys.executable, "-m", "bench.peers.bare", "{port}"], is_limit=True)
IDIOMATIC_WRITER = Contestant(IDIOMATIC.name, [sys.executable, *_UVICORN.split(), "bench.peers.idiomatic_writes:app"])
STRAWCHEMIZED = Contestant(
    "Strawchemy",
    [sys.executable, *_UVICORN.split(), "bench.peers.strawchemized:app"],
    STRAWCHEMY,
    # It numbers all rows of all parents there: about a minute per request.
    too_slow_on_sqlite=["nested"],
)
EVERYBODY = [OURS, LIMIT, IDIOMATIC, STRAWCHEMIZED, POSTGRAPHILE_4, POSTGRAPHILE_5]
#: Those who write one record at a time.
WRITERS = [OURS, BARE, IDIOMATIC_WRITER, POSTGRAPHILE_4]


def installed(contestant: Contestant, folder: Path) -> Path:
    """The folder its server starts in; what comes from npm is installed there the first time."""
    if contestant.package is None:
        return _ROOT
    place = folder / contestant.package
    place.mkdir(parents=True, exist_ok=True)
    for file in (_PEERS / contestant.package).iterdir():
        shutil.copy(file, place)
    if not (place / "node_modules" / "postgraphile").exists():
        print(f"installing {contestant.name}", flush=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"], cwd=place, check=True
        )
    return place


def installed_version(contestant: Contestant, folder: Path) -> str:
    """The version of what came from npm."""
    package = folder / str(contestant.package) / "node_modules" / "postgraphile" / "package.json"
    return str(json.loads(package.read_text())["version"])


class Server:
    """A running server of a contestant."""

    def __init__(
        self, contestant: Contestant, process: "subprocess.Popen[bytes]", port: int, database: int | None
    ) -> None:
        self.contestant = contestant
        self._process = process
        self._address = f"http://127.0.0.1:{port}"
        self._database = database
        self.cursor: str | None = None

    def address(self, query: Query | Mutation | None) -> str:
        """Where a query or a mutation is posted."""
        if self.contestant.is_limit and query is not None:
            return f"{self._address}/{query.name}"
        return f"{self._address}/graphql"

    def body(self, query: Query) -> dict[str, Any]:
        """What is posted."""
        return query.body(self.contestant.dialect, self.cursor)

    def ask(self, body: Mapping[str, Any], query: Query | Mutation | None = None) -> Any:
        """The data of one answer.

        Raises:
            RuntimeError: it has errors.
        """
        text = json.dumps(body).replace(ANY_ID, "4242".rjust(26, "0")).replace(NEW, "0")
        request = Request(self.address(query), text.encode(), {"content-type": "application/json"})
        with urlopen(request, timeout=600) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise RuntimeError(f"{self.contestant.name}: {answer['errors']}")
        return answer["data"]

    def rows(self, query: Query) -> Any:
        """A query's answer as plain rows."""
        return query.rows(self.contestant.dialect, self.ask(self.body(query), query))

    def find_cursor(self) -> None:
        """Gets the cursor of row 9,990."""
        for _ in range(_PAGES_BEFORE_CURSOR):
            body = {"query": CURSOR[self.contestant.dialect], "variables": {"after": self.cursor}}
            (connection,) = self.ask(body).values()
            self.cursor = connection["pageInfo"]["endCursor"]

    def meter(self) -> Meter:
        """Measures the processor time from now on."""
        return Meter(self._process.pid, self._database)

    def takes(self, query: Query) -> bool:
        """Whether it can be asked a query on its database."""
        is_too_slow = self._database is None and query.name in self.contestant.too_slow_on_sqlite
        return self.contestant.takes(query) and not is_too_slow

    @property
    def memory(self) -> int:
        """Bytes it holds for itself alone."""
        return private_bytes(self._process.pid)

    @property
    def memory_behind(self) -> int:
        """The same of the database server's processes for its connections."""
        return sum(private_bytes(child) for child in children(self._database)) if self._database else 0


@contextmanager
def serving(
    contestant: Contestant, url: str, folder: Path, database: int | None = None, plans: Mapping[str, Any] | None = None
) -> Iterator[Server]:
    """Runs a contestant's server on a database.

    Args:
        contestant: whose.
        url: of the database.
        folder: where things are installed.
        database: process of the database server.
        plans: the bodies of the queries that the limit is to answer.
    """
    place = installed(contestant, folder)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with TemporaryDirectory() as temporary:
        queries = Path(temporary) / "queries.json"
        queries.write_text(json.dumps(plans or {}))
        process = subprocess.Popen(
            [part.format(port=port) for part in contestant.command],
            cwd=place,
            env={
                **os.environ,
                "BENCH_URL": url,
                "BENCH_PORT": str(port),
                "BENCH_QUERIES": str(queries),
                "NODE_ENV": "production",
                "GRAPHILE_ENV": "production",
                "PYTHONWARNINGS": "ignore",
            },
        )
        try:
            server = Server(contestant, process, port, database)
            _await(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _await(server: Server, process: "subprocess.Popen[bytes]") -> None:
    """Waits until a server answers."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            server.ask({"query": "{ __typename }"})
        except (URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{server.contestant.name} does not start; see what it printed") from None
            time.sleep(0.1)
        else:
            return
