"""The process that has imported everything, and forks one for each program that is asked for."""

import atexit
import gc
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
import types
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

#: What programs import sooner or later; not the command line, which looks at its environment when it is imported.
_IMPORTED = (
    *("guanxi.app", "guanxi.demo.entry", "guanxi.importing.importer", "guanxi.logs", "guanxi.testing"),
    *("alembic.command", "asyncpg", "phonenumbers", "psycopg", "rich.console", "rich.table", "schema.read.postgresql"),
    *("schema.read.sqlite", "typer", "uvicorn", "uvloop", "websockets"),
)

#: Programs that run, with who waits for each.
_running: dict[int, socket.socket] = {}
#: Where modules are found; the folder that the nursery is started in is not one of them.
_PATH = sys.path[1:]


def main(address: str) -> None:
    """Forks programs until its input ends."""
    for name in _IMPORTED:
        import_module(name)
    for point in entry_points(group="guanxi.plugins"):
        if point.value.startswith("plugins."):
            point.load()
    gc.freeze()
    assert threading.active_count() == 1, "threads do not outlive a fork"
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # Ctrl-C is for whoever has started the programs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, selectors.DefaultSelector() as ready:
        listener.bind(address)
        listener.listen()
        for source in (sys.stdin, listener, ended):
            ready.register(source, selectors.EVENT_READ)
        print("ready", flush=True)  # noqa: T201
        while _attend(ready, listener, [listener.fileno(), ended, wake]):
            pass


def _attend(ready: selectors.BaseSelector, listener: socket.socket, own: list[int]) -> bool:
    """Does what there is to do next; false at the end of the input."""
    for key, _ in ready.select():
        if key.fileobj is sys.stdin:
            return False
        if key.fileobj is listener:
            connection, _ = listener.accept()
            process = _fork(connection, own)
            ready.register(connection, selectors.EVENT_READ, process)
        elif isinstance(key.fileobj, int):
            os.read(key.fileobj, 1000)
            for connection in _ended():
                if connection in ready.get_map():
                    ready.unregister(connection)
                connection.close()
        elif key.data in _running:
            # Who waited for it was killed, so it is.
            ready.unregister(key.fileobj)
            os.kill(key.data, signal.SIGKILL)
    return True


def _fork(connection: socket.socket, own: list[int]) -> int:
    """Starts the program that is asked for; gives its number."""
    head, files, *_ = socket.recv_fds(connection, 8, 3)
    asked = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    process = os.fork()
    if process:
        for file in files:
            os.close(file)
        _running[process] = connection
        connection.sendall(b"%d\n" % process)
        return process
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for file in own:
        os.close(file)
    connection.close()
    for other in _running.values():
        other.close()
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    os._exit(_run(*json.loads(asked)))


def _ended() -> Iterator[socket.socket]:
    """Those who wait for programs that have ended; they have been told."""
    while _running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        connection = _running.pop(process)
        with suppress(BrokenPipeError):
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        yield connection


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    """Runs a program as a new Python would; gives its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *_PATH]
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    invalidate_caches()
    hasty = bool(environment.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _written(1, hasty=hasty)
    sys.stderr = _written(2, hasty=True)
    code = 0
    try:
        _execute(*arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)  # noqa: T201
    except BaseException:
        traceback.print_exc()
        code = 1
    # What Python does at its end, in this order.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    return code


def _written(file: int, *, hasty: bool) -> io.TextIOWrapper:
    """A standard stream that is written to."""
    return io.TextIOWrapper(open(file, "wb", 0 if hasty else -1, closefd=False), encoding="utf-8", write_through=hasty)


def _execute(what: str, *arguments: str) -> None:
    """Runs `-c code`, `-m module` or a file, as `__main__`."""
    if what == "-c":
        code, *arguments_of_it = arguments
        sys.argv = ["-c", *arguments_of_it]
        sys.path.insert(0, "")
        module: Any = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        exec(compile(code, "<string>", "exec"), module.__dict__)
    elif what == "-m":
        name, *arguments_of_it = arguments
        sys.argv = [name, *arguments_of_it]
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [what, *arguments]
        sys.path.insert(0, str(Path(what).absolute().parent))
        runpy.run_path(what, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
