"""Load: requests sent by wrk for some seconds, and the processor time they cost."""

import itertools
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

_SCRIPT = Path(__file__).parent / "post.lua"
_TICK = os.sysconf("SC_CLK_TCK")
#: Documents that are to be new to a server are numbered through the whole run.
_numbers = itertools.count(1)
_NUMBERS_A_RUN = 10_000_000


@dataclass(frozen=True)
class Load:
    """The result of one load; times of an answer in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    errors: int
    p50: float
    p99: float
    slowest: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Count:
    """What varies from request to request: numbers after `number`, and ten thousand ids after `offset`."""

    number: int
    offset: int = 0


def started(
    url: str, body: Mapping[str, Any], seconds: float, connections: int = 8, count: Count | None = None
) -> "subprocess.Popen[str]":
    """A load that goes on for some seconds; `finished` waits for its figures. It counts on where none did before."""
    count = count or Count(next(_numbers) * _NUMBERS_A_RUN)
    with NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(body, file)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "60s", "-s", str(_SCRIPT), url, "--"]
    command += [file.name, str(count.number), str(count.offset)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(running: "subprocess.Popen[str]") -> Load:
    """The figures of a load.

    Raises:
        RuntimeError: answers were errors.
    """
    said, _ = running.communicate()
    arguments: Any = running.args
    Path(arguments[-3]).unlink()
    load = Load(**json.loads(said.splitlines()[-1]))
    if load.errors:
        raise RuntimeError(f"{load.errors} of {load.requests} requests failed: {' '.join(arguments)}")
    return load


def sent(url: str, body: Mapping[str, Any], seconds: float, connections: int = 8, count: Count | None = None) -> Load:
    """One load from start to end."""
    return finished(started(url, body, seconds, connections, count))


def _used(process: int) -> tuple[float, float]:
    """Processor time a process has used, and that of the processes it had started and that have ended."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own, own_in_system, ended, ended_in_system = (int(ticks) / _TICK for ticks in after_name[11:15])
    return own + own_in_system, ended + ended_in_system


def processor_seconds(process: int) -> float:
    """Processor time a process has used."""
    return _used(process)[0]


def children(process: int) -> Sequence[int]:
    """The processes a process has started."""
    return [int(found) for found in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def private_bytes(process: int) -> int:
    """Memory a process holds for itself alone, without the parts of files that SQLite reads through memory."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))


class Meter:
    """The processor time of a server and of the database server behind it, since it was made."""

    def __init__(self, server: int, database: int | None) -> None:
        self._server, self._database = server, database
        self._before = processor_seconds(server)
        self._behind_before = self._behind()

    def _behind(self) -> float:
        """Processor time of the database server's processes, those that have ended included."""
        if self._database is None:
            return 0.0
        while True:
            _, ended = _used(self._database)
            used = 0.0
            for child in children(self._database):
                with suppress(FileNotFoundError, ProcessLookupError):  # It has just ended.
                    used += processor_seconds(child)
            # One that ends meanwhile would be counted twice or not at all.
            if _used(self._database)[1] == ended:
                return used + ended

    def read(self) -> tuple[float, float]:
        """Seconds of the server, and seconds of the database server."""
        return processor_seconds(self._server) - self._before, self._behind() - self._behind_before
