"""The server that is tried: `guanxi demo` in a folder of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

#: What a busy machine needs for the sample data.
PATIENCE = 180


@contextmanager
def running() -> Iterator[str]:
    """The address of a server with the sample data, which ends with the block.

    Raises:
        RuntimeError: it does not start.
    """
    with TemporaryDirectory(prefix="guanxi-conformance-") as folder:
        port, log = _free_port(), Path(folder) / "server.log"
        command = [sys.executable, "-c", "from guanxi.cli.commands import main; main()", "demo", "--port", str(port)]
        with log.open("wb") as output:
            server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", server, log)
            yield f"http://127.0.0.1:{port}/graphql"
        finally:
            server.terminate()
            server.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < end:
        try:
            with urlopen(url):
                return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the server does not start:\n{log.read_text()}")
