"""A Python for programs that tests start: each is a process of its own, but has not to import everything first.

A process waits that has imported what nearly all of them import, which takes longer than what most of them do. It
forks one for each program; the program given by `python` only carries over arguments, folder, environment and open
files, and passes signals on. How long a start takes and what it imports is for tests that use `sys.executable`.
"""

import atexit
import subprocess
import sys
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

_HERE = Path(__file__).parent


@cache
def python() -> str:
    """The path of a program that runs `-c code`, `-m module` or a file, as Python does."""
    folder = Path(mkdtemp(prefix="warm-"))
    program = folder / "python"
    address = folder / "socket"
    carrier = (_HERE / "carrier.py").read_text()
    program.write_text(f"#!{sys.executable} -IS\n{carrier}\nsys.exit(carried({str(address)!r}))\n")
    program.chmod(0o755)
    # It ends with this process, which holds the other end of its input.
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.warm.nursery", str(address)],
        cwd=_HERE.parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        nursery.communicate()
        rmtree(folder)

    atexit.register(end)
    assert nursery.stdout is not None
    assert nursery.stdout.readline() == b"ready\n"
    return str(program)
