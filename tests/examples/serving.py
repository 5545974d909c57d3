"""A server of an app in a thread, for programs that ask it by HTTP."""

from contextlib import contextmanager
from threading import Thread
from time import sleep

import uvicorn


@contextmanager
def serving(app):
    """The address of a server of an app."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            sleep(0.01)
        (port,) = {socket.getsockname()[1] for one in server.servers for socket in one.sockets}
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        server.should_exit = True
        thread.join()
