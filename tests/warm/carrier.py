"""What a warm Python is to whoever starts it: it has the program run elsewhere, and ends as that does."""

import array
import json
import os
import signal
import socket
import sys

#: What is passed on to the program.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def carried(address):
    """Runs a program in a fork of the process that waits at an address; gives its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(address)
        asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109  (pathlib takes long to import)
        files = array.array("i", [0, 1, 2]).tobytes()
        connection.sendmsg([len(asked).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        connection.sendall(asked)
        answers = connection.makefile("rb")
        process = int(answers.readline())
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: os.kill(process, number))
        # Whoever reads what the program writes hears of its end, though this has the same files open.
        for file in (0, 1, 2):
            os.close(file)
        code = int(answers.readline())
    if code < 0:
        if -code in _SIGNALS:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code
