"""The command `guanxi serve`, and how an app is served: by one process or by several."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.base.errors import ConfigurationError
from guanxi.cli.console import FAILED, out

if TYPE_CHECKING:
    from guanxi.app import App

_log = logging.getLogger("guanxi.server")

#: What the last means of ending a process waits beyond the time it has.
_GRACE_SECONDS = 0.5

commands = typer.Typer()

#: How uvicorn serves. Whom proxies name is the guard's business: uvicorn would believe any on this machine.
#: To compress what WebSockets are sent would take each connection more memory than all else.
SERVER: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "ws_per_message_deflate": False,
    "http": "guanxi.cli.http_protocol:HttpProtocol",
}

Host = Annotated[
    str, typer.Option(help="Address to listen on; other than loopback only with authentication, such as 0.0.0.0.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]


@commands.command(epilog="Example: guanxi serve --port 8000")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Number of server processes; more than one on PostgreSQL only.")
    ] = 1,
) -> None:
    """Serve the CRM: its page at /, GraphQL at /graphql, and GraphiQL there in a browser.

    Without an API key or an issuer of tokens it listens on loopback only.
    """
    from core.db.engines import SQLITE
    from guanxi.app import create_app
    from guanxi.logs import configure_logs

    app = create_app()
    configure_logs(app.settings)
    if workers == 1:
        serve_app(app, host, port, _greet)
    elif app.database.dialect == SQLITE:
        raise ConfigurationError(
            f"--workers {workers}: an SQLite file is served by one process; set GUANXI_DATABASE_URL to a PostgreSQL "
            "database, or leave --workers out"
        )
    else:
        serve_by_workers(app, host, port, workers)


async def nothing(app: "App") -> None:
    """What is done before most servers answer."""


def serve_app(
    app: "App",
    host: str,
    port: int,
    greet: Callable[[str, bool], None],
    prepare: Callable[["App"], Awaitable[None]] = nothing,
) -> None:
    """Serves an app until it is stopped; `greet` is called with its address once it runs and is prepared.

    Args:
        app: which one.
        host, port: where it listens.
        greet: called with its address, and whether it has authentication.
        prepare: called before that.

    Raises:
        ConfigurationError: the address is not a loopback address and authentication is not configured, or it cannot be
            listened on.
    """
    import uvicorn

    from guanxi.app import running_alone

    seconds = app.settings.shutdown_deadline_ms / 1000
    config = uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=_share(seconds), **SERVER)
    server = _server(config)

    async def work() -> None:
        stop = StopSignals(server, seconds, app.subscriptions.stop)
        async with running_alone(app, serving=True):
            is_configured = await check_host(app, host)
            # Nobody can connect before it is known who may.
            with listen(host, port) as listener:
                await prepare(app)
                app.jobs.start()
                greet(url_of(host, listener), is_configured)
                watching = asyncio.ensure_future(_stop_without_file(app, stop))
                await server.serve([listener])
                watching.cancel()
        if app.left_behind:
            # A thread that hangs would keep the process from ending.
            _exit(FAILED if app.lost_file.is_set() else 0)

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(work())
    if app.lost_file.is_set():
        raise ConfigurationError(
            f"{app.database.path}: the file was replaced or deleted while the server was running, so it stopped. "
            "All it had answered is in the old file: put that back, or start the server with the new one"
        )


def _share(seconds: float) -> Any:
    """What requests under way get of the time to stop; the rest is for the app. uvicorn takes fractions as well."""
    return seconds / 2


def _server(config: Any) -> Any:
    """A server that leaves signals to `StopSignals`: uvicorn's own ends the process before the app has stopped."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(config)


class StopSignals:
    """Has a server stop at SIGTERM and SIGINT, from the start of the app to its end, and in time whatever happens."""

    def __init__(self, server: Any, seconds: float, first: Callable[[], Awaitable[None]]) -> None:
        """Prepares it; called on the event loop.

        Args:
            server: of uvicorn.
            seconds: after which it ends at the latest.
            first: what is done before connections are closed.
        """
        self._server = server
        self._seconds = seconds
        self._first = first
        self._stopping: asyncio.Task[None] | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            # A second one changes nothing: the time is bounded already.
            asyncio.get_running_loop().add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """Has it stop."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
            last = threading.Timer(self._seconds + _GRACE_SECONDS, _give_up)
            last.daemon = True
            last.start()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(self._seconds / 4):
                await self._first()
        finally:
            self._server.should_exit = True


async def _stop_without_file(app: "App", stop: StopSignals) -> None:
    await app.lost_file.wait()
    stop.stop()


def _give_up() -> None:
    _log.error("the server did not stop in time, and is ended as it is")
    _exit(FAILED)


def _exit(code: int) -> None:
    """Ends the process without waiting for threads."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def serve_by_workers(app: "App", host: str, port: int, workers: int) -> None:
    """Serves by several processes, each with an app of its own; one that dies is replaced.

    Raises:
        ConfigurationError, PluginError: it does not start.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from guanxi.metrics import FOLDER

    async def try_out() -> bool:
        # What keeps a worker from starting is reported once, here, and not by every one of them.
        async with app.running(serving=True):
            return await check_host(app, host)

    is_configured = asyncio.run(try_out())
    listener = listen(host, port)
    seconds = app.settings.shutdown_deadline_ms / 1000
    config = uvicorn.Config(
        "guanxi.cli.server:worker_app",
        factory=True,
        lifespan="on",
        workers=workers,
        timeout_graceful_shutdown=_share(seconds),
        **SERVER,
    )

    class Workers(Multiprocess):
        def terminate_all(self) -> None:
            super().terminate_all()
            last = threading.Timer(seconds + _GRACE_SECONDS, self._kill_all)
            last.daemon = True
            last.start()

        def _kill_all(self) -> None:
            for process in self.processes:
                if process.process.is_alive():
                    _log.error("process %s did not stop in time, and is ended as it is", process.pid)
                    process.process.kill()

    with listener, TemporaryDirectory(prefix="guanxi-") as folder:
        os.environ[FOLDER] = folder
        _greet(url_of(host, listener), is_configured)
        Workers(config, [listener]).run()


def worker_app() -> Any:
    """The app of one of several server processes."""
    from guanxi.app import create_app
    from guanxi.logs import configure_logs

    app = create_app()
    configure_logs(app.settings)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            _stop_subscriptions_first(app)
        await app(scope, receive, send)
        if scope["type"] == "lifespan" and app.left_behind:
            _exit(0)

    return answer


def _stop_subscriptions_first(app: "App") -> None:
    """Has a worker end subscriptions before uvicorn, whose handlers of signals are there by now, closes connections."""
    stopping: set[asyncio.Task[None]] = set()

    async def stop(number: int, then: Any) -> None:
        try:
            async with asyncio.timeout(app.settings.shutdown_deadline_ms / 4000):
                await app.subscriptions.stop()
        finally:
            then(number, None)

    def begin(number: int, then: Any) -> None:
        stopping.add(asyncio.create_task(stop(number, then)))

    for number in (signal.SIGTERM, signal.SIGINT):
        then = signal.getsignal(number)
        if callable(then):
            asyncio.get_running_loop().add_signal_handler(number, begin, number, then)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(f"--port {port}: cannot listen on {host}:{port}: {error.strerror}") from None


def url_of(host: str, listener: socket.socket) -> str:
    """The address of the endpoint."""
    address = f"[{host}]" if ":" in host else host
    return f"http://{address}:{listener.getsockname()[1]}/graphql"


async def check_host(app: "App", host: str) -> bool:
    """Whether there is authentication; without, the server listens only where no other machine can reach it.

    Raises:
        ConfigurationError: the address is not a loopback address and authentication is not configured.
    """
    is_configured = await app.authentication.is_configured()
    if not is_configured and not is_loopback(host):
        raise ConfigurationError(
            f"--host {host}: without authentication the server listens on loopback only; create an API key first "
            "(guanxi keys create), or name an issuer of tokens (GUANXI_ISSUERS__NAME__…), or use 127.0.0.1"
        )
    return is_configured


def is_loopback(host: str) -> bool:
    """Whether an address is one that only this machine reaches."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _greet(url: str, is_configured: bool) -> None:
    out.print(addresses(url))
    if not is_configured:
        out.print(
            "No authentication: every program of this machine is answered as its operator, and no other machine is. "
            "`guanxi keys create` makes the first API key."
        )


def addresses(url: str) -> str:
    """The addresses, for people."""
    page = url.removesuffix("graphql")
    return f"GraphQL   {url}\nGraphiQL  {url} in a browser\nPage      {page} in a browser\nStop with Ctrl-C."
