"""What a measurement was made with: versions of programs and libraries, and the machine without its name."""

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = (
    "guanxi",
    "strawberry-graphql",
    "graphql-core",
    "SQLAlchemy",
    "asyncpg",
    "aiosqlite",
    "starlette",
    "uvicorn",
    "uvloop",
)


def _said(*command: str) -> str:
    """What a program prints, or nothing if it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def versions() -> dict[str, str]:
    """The versions of what takes part on every engine."""
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    found |= {library: version(library) for library in _LIBRARIES}
    load = re.search(r"wrk (?:debian/)?([\d.]+)", _said("wrk", "-v"))
    return found | {"wrk": load[1] if load else "?", "node": _said("node", "--version").lstrip("v")}


def machine() -> dict[str, str]:
    """Processor, memory and kernel."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor[1].strip() if processor else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def stamp(**more: str) -> Mapping[str, object]:
    """What every stored result carries."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "load before": round(os.getloadavg()[0], 2),
        "machine": machine(),
        "versions": versions() | more,
    }
