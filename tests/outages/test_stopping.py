"""SIGTERM: requests under way end, `shutdown` hooks run, leases are released, and the server ends in time."""

import http.client
import signal
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from core.db.database import Database
from tests.outages.clients import asked
from tests.outages.served import served
from tests.warm import python

PLUGIN = """
import os, time
from datetime import timedelta
from pathlib import Path
from sqlalchemy import text
from guanxi import Job, Plugin, hookimpl

HANGS = bool(os.environ.get("SLUGGISH"))

def linger(ctx):
    if HANGS:
        Path(os.environ["MARKS"], "job").touch()
        while True:
            ctx.session.execute(text("SELECT 1"))
            time.sleep(0.02)

class Sluggish(Plugin):
    name, version, api = "sluggish", "1.0", ">=1,<2"

    @hookimpl
    def register_jobs(self):
        # It relies on nothing, so nobody waits for it.
        return [Job("linger", timedelta(seconds=1), linger, "Lingers.", locks=())]

    @hookimpl
    def before_commit(self, ctx, changes):
        if changes.created("Customer"):
            Path(os.environ["MARKS"], "asked").touch()
            time.sleep(60 if HANGS else 0.7)

    @hookimpl
    def after_commit(self, ctx, events):
        pass

    @hookimpl
    def shutdown(self, ctx):
        Path(os.environ["MARKS"], "shutdown").touch()
        if HANGS:
            time.sleep(60)
"""


@pytest.fixture
def sluggish(databases, tmp_path, monkeypatch):
    """The address of a database, and the folder of a plugin that takes its time."""
    (tmp_path / "sluggish.py").write_text(PLUGIN)
    described = tmp_path / "sluggish-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: sluggish\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[guanxi.plugins]\nsluggish = sluggish:Sluggish\n")
    monkeypatch.setenv("MARKS", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    from guanxi import create_app, load_settings

    url = databases.fresh()
    app = create_app(load_settings(database_url=url))
    app.migrate()
    app.database.close()
    return url, tmp_path


def asking(address, answers):
    """A thread that creates a customer."""
    parts = urlsplit(address)

    def ask():
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        try:
            answers.append(asked(connection, 'mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }'))
        except (OSError, http.client.HTTPException) as error:
            answers.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def eventually(is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def until(path):
    eventually(path.exists)


def held(url):
    """How many rows some process works on."""
    with closing(Database(url)) as database, database.connection() as connection:
        tables = ("plugin_job", "plugin_cursor")
        counts = [f"SELECT count(*) FROM {table} WHERE holder IS NOT NULL" for table in tables]
        return [connection.execute(text(count)).scalar() for count in counts]


def test_requests_end_hooks_run_and_leases_are_released(databases, sluggish):
    url, folder = sluggish
    # Ctrl-C, and what a service manager sends to a server of several processes.
    number, workers = (signal.SIGINT, ()) if databases.engine == "sqlite" else (signal.SIGTERM, ("--workers", "2"))
    answers = []
    with served(url, *workers, folder=folder, python=python()) as server:
        server.until_ready()
        if workers:
            # Whichever process is asked, it adds up the figures of both.
            eventually(lambda: "guanxi_processes 2.0" in server.get("/metrics")[1])
        thread = asking(server.address, answers)
        until(folder / "asked")
        code, seconds = server.stop(number)
        thread.join()
        assert server.get("/healthz")[0] == 0
        assert (code, seconds < 10) == (0, True), server.log
    assert answers[0][0] == 200, answers
    assert "errors" not in answers[0][2]
    assert (folder / "shutdown").exists()
    assert held(url) == [0, 0]


def test_what_hangs_keeps_no_server_from_ending(databases, sluggish, monkeypatch):
    url, folder = sluggish
    monkeypatch.setenv("SLUGGISH", "1")
    answers = []
    # On SQLite the job keeps everybody else from writing.
    waits_for = folder / ("job" if databases.engine == "sqlite" else "asked")
    with served(url, folder=folder, python=python(), shutdown_deadline_ms="3000") as server:
        server.until_ready()
        until(folder / "job")
        thread = asking(server.address, answers)
        until(waits_for)
        code, seconds = server.stop()
        thread.join()
        assert (code, seconds < 5) == (0, True), (code, seconds, server.log)
        log = server.log
        assert "did not end in time" in log
        # What waits for its turn is still answered; code that hangs has nobody left to answer.
        assert isinstance(answers[0], http.client.RemoteDisconnected) or answers[0][0] == 503, answers
    assert held(url) == [0, 0], log
