"""The test kit for plugin authors: an app with chosen plugins on a database of its own, and a client for it."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from core.access.reach import user_actor
from core.base.actors import Actor
from core.base.clock import Clock
from core.base.settings import load_settings
from core.host.host import PluginSource
from core.log.changes import shown
from guanxi.app import App, create_app
from guanxi.races import RaceError, Races, Rival
from schema.serve.callers import ACTOR

__all__ = ["Client", "QueryError", "RaceError", "Rival", "app_with", "running", "together"]


class QueryError(AssertionError):
    """What was expected to succeed has errors; the message has them all."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = errors


class Client:
    """Queries a running app as an HTTP client does, without a network.

    It is a program of this machine, and so the local operator as long as there are neither keys nor issuers of tokens.
    """

    def __init__(
        self, app: App, runner: asyncio.Runner, *, actor: Actor | None = None, credential: str | None = None
    ) -> None:
        self.app = app
        self._runner = runner
        self._actor = actor
        self._headers = {} if credential is None else {"authorization": f"Bearer {credential}"}

    def reading(self, language: str) -> "Client":
        """The same client, which asks for messages and labels in a language, such as `zh-CN`."""
        client = Client(self.app, self._runner, actor=self._actor)
        client._headers = {**self._headers, "accept-language": language}
        return client

    def bearing(self, credential: str) -> "Client":
        """A client of the same app that sends an API key or a token with each request."""
        return Client(self.app, self._runner, credential=credential)

    def acting_as(self, user_id: str, permissions: Collection[str] | None = None) -> "Client":
        """A client whose requests a user sends, with the permissions and the reach it has now.

        Args:
            user_id: of the user.
            permissions: in place of those of its role, such as `Customer.read:team`.

        Raises:
            ValueError: there is no such active user.
        """

        def read() -> Actor | None:
            with self.app.database.driven() as transaction:
                return user_actor(transaction, user_id)

        actor = self.run(self.app.database.in_thread(read))
        if actor is None:
            raise ValueError(f"there is no active user {user_id!r}")
        if permissions is not None:
            actor = replace(actor, role=None, permissions=frozenset(permissions))
        return Client(self.app, self._runner, actor=actor)

    def run(self, coroutine: Any) -> Any:
        """Runs a coroutine on the app's event loop; afterwards queries see the events of what it wrote."""
        # As `asyncio.Runner.run` does, but for Ctrl-C: to be ready for it takes longer than many a query.
        run = self._runner.get_loop().run_until_complete
        try:
            return run(coroutine)
        finally:
            if self.app.publisher.is_behind:
                run(self.app.publisher.publish())

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        query: str = "",
        address: str = "127.0.0.1",
        path: str = "/graphql",
    ) -> Any:
        """One HTTP request, by default to the endpoint, from an address: status, headers and body of the answer."""
        sent = {**self._headers, **(headers or {})}
        return self.run(_request(self.app, method, body, sent, query, path=path, address=address, actor=self._actor))

    def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a query, with its errors. Variables may be Python values, such as dates and `Money`."""
        body = orjson.dumps({"query": query, "variables": shown(variables)})
        _, _, answer = self.post(body, {"content-type": "application/json"})
        return orjson.loads(answer)  # type: ignore[no-any-return]

    def query(self, query: str, **variables: Any) -> Any:
        """The data of a query.

        Raises:
            QueryError: it has errors.
        """
        answer = self.execute(query, **variables)
        if answer.get("errors"):
            raise QueryError(answer["errors"])
        return answer["data"]

    def create(self, record: str, selection: str = "id", **input: Any) -> Any:
        """Creates a record and returns what is selected of it: `client.create("Customer", "id name", name="Ann")`.

        Raises:
            QueryError: it was refused; the message says why.
        """
        name = record[:1].lower() + record[1:]
        answer = self.query(
            f"mutation ($input: Create{record}Input!) {{ create{record}(input: $input) {{"
            f" {name} {{ {selection} }} userErrors {{ code message field plugin }} }} }}",
            input=input,
        )[f"create{record}"]
        if answer["userErrors"]:
            raise QueryError(answer["userErrors"])
        return answer[name]

    async def answer(self, operation: Rival) -> Any:
        """The whole answer to an operation, for code that runs on the app's event loop."""
        body = orjson.dumps({"query": operation.text, "variables": shown(dict(operation.variables))})
        headers = {**self._headers, "content-type": "application/json"}
        _, _, answer = await _request(self.app, "POST", body, headers, "", actor=self._actor)
        return orjson.loads(answer)

    def deliver(self) -> None:
        """Delivers everything that is due to after-commit hooks."""
        self.run(self.app.delivery.drain())

    def run_job(self, name: str) -> str | None:
        """Runs a job of a plugin now, due or not, and returns its report.

        Raises:
            GuanxiError: it failed.
        """
        return self.run(self.app.jobs.run(name))  # type: ignore[no-any-return]


def together(client: Client, *operations: Rival, rounds: int | None = None, left_out: Sequence[str] = ()) -> int:
    """Checks that operations at once give what some order of them, one after the other, gives.

    Every order is run from the data that is there now, and its answers and what is then in the database are what is
    right. Then the operations are run at once: one of them is stopped before a round trip to the database, the others
    go on until they are done or wait for it, and it goes on; so for each round trip of each. Ids, moments and numbers
    of events make no difference. Afterwards the data is as it was before.

    On SQLite, which has one writer, there is one round. On PostgreSQL it takes a role that may set
    `session_replication_role`, such as the owner of a server of your own.

    Args:
        client: of a running app.
        operations: two or more; of more than four some must be equal.
        rounds: how many of the places to stop at are tried, spread evenly; all by default.
        left_out: columns that differ each time, such as random tokens, as `table.column`.

    Returns:
        The number of rounds.

    Raises:
        RaceError: a round gave what no order gives; the message has the operations, their answers and the difference.
    """
    races = Races(client.app.database, [plugin.name for plugin in client.app.host.plugins], client.answer)
    return client.run(races.check(operations, rounds, left_out))  # type: ignore[no-any-return]


async def _request(
    app: App,
    method: str,
    body: bytes,
    headers: Mapping[str, str],
    query: str,
    *,
    path: str = "/graphql",
    address: str = "127.0.0.1",
    actor: Actor | None = None,
) -> tuple[int, dict[str, str], bytes]:
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()
        ],
        "server": ("127.0.0.1", 80),
        "client": (address, 50000) if address else None,
        "http_version": "1.1",
    }
    if actor is not None:
        scope[ACTOR] = actor
    sent: list[Any] = []
    arriving = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        # After the body a client only waits.
        return next(arriving, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, answer


@contextmanager
def running(app: App) -> Iterator[Client]:
    """Runs an app on an event loop of its own and provides a client for it."""
    with asyncio.Runner() as runner:
        lifespan = app.running()
        runner.run(lifespan.__aenter__())
        try:
            yield Client(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


@contextmanager
def app_with(*plugins: PluginSource, clock: Clock | None = None, **settings: Any) -> Iterator[Client]:
    """A running app with these plugins on a fresh SQLite database, and a client for it.

    `settings` are those of `guanxi.Settings`; a `database_url` replaces the fresh database, and is migrated.
    """
    with TemporaryDirectory() as folder:
        url = settings.pop("database_url", f"sqlite:///{Path(folder) / 'test.db'}")
        app = create_app(load_settings(database_url=url, **settings), plugins, clock)
        # Made now, so that what is wrong with an operation is reported here, as at the start of a server.
        _ = app.assembled
        app.migrate()
        with running(app) as client:
            yield client
