"""The command `guanxi serve`, as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import orjson

from guanxi import create_app, load_settings


@contextmanager
def serving(url, *arguments):
    """A server on a free port; gives its address."""
    environment = os.environ | {"GUANXI_DATABASE_URL": url, "COLUMNS": "200"}
    command = [sys.executable, "-c", "from guanxi.cli.commands import main; main()", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server, re.search(r"http://\S+", server.stdout.readline()).group()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=120)
    assert server.returncode in (0, 130)


def ask(url, query):
    request = urllib.request.Request(url, orjson.dumps({"query": query}), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return orjson.loads(answer.read())


def prepared(databases):
    """A database that is up to date with all plugins that are installed."""
    url = databases.fresh()
    app = create_app(load_settings(database_url=url))
    app.migrate()
    app.database.close()
    return url


def test_it_answers_and_stops_with_several_workers_on_postgresql(databases):
    workers = ("--workers", "2") if databases.engine == "postgresql" else ()
    with serving(prepared(databases), *workers) as (_, url):
        ask(url, 'mutation { createCustomer(input: {name: "Äre"}) { customer { id } } }')
        for _ in range(10):
            assert ask(url, "{ customers { totalCount } }")["data"]["customers"]["totalCount"] == 1


def refused(url):
    """What a server with several workers says that does not start."""
    environment = os.environ | {"GUANXI_DATABASE_URL": url}
    command = [sys.executable, "-c", "from guanxi.cli.commands import main; main()", "serve", "--workers", "2"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_workers_that_cannot_start_are_told_of_once(databases):
    said = refused(databases.empty())
    expected = "an SQLite file is served by one process" if databases.engine == "sqlite" else "run `guanxi migrate`"
    assert said.count(expected) == 1
