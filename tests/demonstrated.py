"""The demo, started by the README's command, and the sample that it makes."""

import json
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

from guanxi.cli.demonstration import DEMO_FILE
from tests.snippets import snippets


class Served:
    """A command that serves, run as its user runs it, in a folder of its own."""

    def __init__(self, command: str, folder: Path) -> None:
        program, *arguments = shlex.split(command)
        path = Path(sys.executable).parent / program
        self._process = subprocess.Popen(
            [path, *arguments, "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONUNBUFFERED": "1", "PATH": ""},
        )
        self.said = ""

    def __enter__(self):
        while not self.said.rstrip().endswith("\n}"):
            line = self._process.stdout.readline()
            assert line, self._process.stderr.read()
            self.said += line
        self.url = re.search(r"GraphQL +(\S+)", self.said).group(1)
        return self

    def ask(self, query: str):
        body = json.dumps({"query": query}).encode()
        with urlopen(Request(self.url, body, {"content-type": "application/json"})) as response:
            return json.load(response)

    def __exit__(self, *error):
        self.stop()

    def stop(self):
        """Stops it, if it runs."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            self._process.communicate(timeout=30)


class Demonstration:
    """The README's first start of the demo, in an empty folder, and its sample as nobody has touched it.

    Attributes:
        command: that was typed.
        folder: where.
        served: what was started.
        sample: a copy of the database as it was then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = snippets("README.md", "sh")[0].split("&&")[-1].strip()
        self.served = Served(self.command, folder)
        self.sample = folder / "sample.db"

    def copy(self) -> None:
        """Copies the database while the server runs."""
        with closing(sqlite3.connect(self.folder / DEMO_FILE)) as made, closing(sqlite3.connect(self.sample)) as copy:
            made.backup(copy)
