"""A server as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from guanxi import create_app, load_settings

_COMMAND = ["-c", "from guanxi.cli.commands import main; main()"]


def migrated(url: str) -> None:
    """Brings a database up to date."""
    app = create_app(load_settings(database_url=url))
    app.migrate()
    app.database.close()


class Served:
    """The server.

    Attributes:
        process: of it.
        address: of its endpoint.
    """

    def __init__(self, process: "subprocess.Popen[str]", log: IO[str]) -> None:
        self.process = process
        self._log = log
        found = re.search(r"http://\S+", process.stdout.readline()) if process.stdout else None
        assert found is not None, self.log
        self.address = found.group()

    @property
    def log(self) -> str:
        """What it has logged so far."""
        self._log.seek(0)
        return self._log.read()

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.address.replace("/graphql", path), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def until_ready(self, seconds: float = 30) -> float:
        """Waits until it is ready; returns after how many seconds it was."""
        began = time.monotonic()
        while self.get("/readyz")[0] != 200:
            assert time.monotonic() < began + seconds, self.log
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Stops it; returns its exit code and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - began

    def memory(self) -> int:
        """Bytes that its processes hold."""
        import psutil

        main = psutil.Process(self.process.pid)
        return sum(process.memory_info().rss for process in [main, *main.children(recursive=True)])


@contextmanager
def served(
    url: str, *arguments: str, folder: Path | None = None, python: str = sys.executable, **settings: str
) -> Iterator[Served]:
    """A server on a free port, which is killed at the end if it is still there.

    Args:
        url: of its database.
        arguments: of the command.
        folder: in which it runs, and from which plugins are imported.
        python: that runs it.
        settings: in lower case without their prefix.
    """
    environment: Mapping[str, str] = {
        **os.environ,
        "GUANXI_DATABASE_URL": url,
        "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join([str(folder or ""), str(Path(__file__).parents[2])]),
        **{f"GUANXI_{name.upper()}": value for name, value in settings.items()},
    }
    with TemporaryFile("w+") as log:
        command = [python, *_COMMAND, "serve", "--port", "0", *arguments]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process:
            try:
                yield Served(process, log)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    try:
                        process.wait(30)
                    except subprocess.TimeoutExpired:
                        process.kill()
