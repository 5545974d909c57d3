"""Start: the processor time of each command, installed from a wheel with byte code compiled."""

import compileall
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench.databases import Folder
from bench.machine import stamp

_ROOT = Path(__file__).parent.parent
_RUNS = 5
_TICKS = os.sysconf("SC_CLK_TCK")

_GOOD_MAPPING = """
[[record]]
type = "Customer"
key = { system = "start", column = "name" }
[record.fields]
name = "name"
"""
#: It lacks the key.
_BAD_MAPPING = '[[record]]\ntype = "Customer"\n'
_SAMPLE_QUERY = "{ customers(first: 2) { totalCount nodes { name } } }"


def measure_start(folder: Folder, engine: str, runs: int = _RUNS) -> dict[str, Any]:
    """Processor seconds of each command, with the bundled plugins and without any."""
    program = _installed(folder.path.resolve() / "wheel")
    with folder.engine(engine) as databases:
        databases.make("start")
        home = folder.path / f"start-{engine}"
        home.mkdir(exist_ok=True)
        (home / "bad.toml").write_text(_BAD_MAPPING)
        (home / "good.toml").write_text(_GOOD_MAPPING)
        (home / "rows.csv").write_text("name\nAnn\nBo\n")
        commands = _Commands(program, home, {**os.environ, "GUANXI_DATABASE_URL": databases.url("start")}, runs)
        commands.run("migrate")
        with_plugins = commands.seconds()
        with _without_plugins(program):
            without = commands.seconds()
        found = {
            name: {
                "seconds": round(seconds, 2),
                "without plugins": round(without[name], 2),
                "per plugin": round((seconds - without[name]) / len(_plugins(program)), 3),
            }
            for name, seconds in with_plugins.items()
        }
        versions = {"PostgreSQL" if databases.process else "SQLite": databases.version}
    return {**stamp(**versions), "engine": engine, "runs": runs, "commands": found}


class _Commands:
    """The commands, run in a folder of their own."""

    def __init__(self, program: Path, home: Path, environment: dict[str, str], runs: int) -> None:
        self._program = program
        self._home = home
        self._environment = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._runs = runs

    def seconds(self) -> dict[str, float]:
        """Processor seconds of each command: the median of the runs, after one that does not count."""
        importing = ("import", "rows.csv", "--mapping", "good.toml")
        measured: dict[str, Callable[[], float]] = {
            "guanxi --version": lambda: self.run("--version"),
            "guanxi --help": lambda: self.run("--help"),
            "a refused mapping file": lambda: self.run("import", "rows.csv", "--mapping", "bad.toml", code=1),
            "guanxi plugins": lambda: self.run("plugins"),
            "guanxi migrate, nothing to do": lambda: self.run("migrate"),
            "guanxi import, nothing new": lambda: self.run(*importing),
            "guanxi demo, to the first answer": lambda: self._first_answer("demo"),
            "guanxi serve, to the first answer": lambda: self._first_answer("serve"),
        }
        return {name: median([run() for _ in range(self._runs + 1)][1:]) for name, run in measured.items()}

    def run(self, *arguments: str, code: int = 0) -> float:
        """Processor seconds of one run."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [self._program, *arguments],
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise RuntimeError(f"guanxi {' '.join(arguments)}: exit code {done.returncode}: {done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def _first_answer(self, command: str) -> float:
        """Processor seconds of a server from its start until it has answered a query."""
        with subprocess.Popen(
            [self._program, command, "--port", "0"],
            cwd=self._home,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            assert server.stdout is not None
            try:
                address = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
                body = orjson.dumps({"query": _SAMPLE_QUERY})
                request = urllib.request.Request(address, body, {"content-type": "application/json"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    assert "errors" not in orjson.loads(answer.read())
                fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            finally:
                server.send_signal(signal.SIGINT)
        return (int(fields[11]) + int(fields[12])) / _TICKS


def _installed(folder: Path) -> Path:
    """The command `guanxi` of a new virtual environment in which this distribution is installed from a wheel."""
    venv.create(folder, clear=True, with_pip=True)
    # A copy, because setuptools leaves what it builds next to the source and would put it into the next wheel.
    source = folder / "source"
    shutil.copytree(_ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__"))
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", source], check=True)
    compileall.compile_dir(_packages(folder), quiet=2, workers=0)
    return folder / "bin" / "guanxi"


def _packages(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def _entry_points(program: Path) -> Path:
    return next(_packages(program.parent.parent).glob("guanxi-*.dist-info")) / "entry_points.txt"


def _plugins(program: Path) -> list[str]:
    """The plugins that the installed distribution offers."""
    return _entry_points(program).read_text().partition("[guanxi.plugins]\n")[2].strip().splitlines()


@contextmanager
def _without_plugins(program: Path) -> Iterator[None]:
    """As if the installed distribution offered no plugin."""
    file = _entry_points(program)
    text = file.read_text()
    file.write_text(text.partition("[guanxi.plugins]")[0])
    try:
        yield
    finally:
        file.write_text(text)
