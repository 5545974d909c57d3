"""The command `guanxi serve`, as a process of its own."""

import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager

import orjson
import pytest

from tests.warm import python


@contextmanager
def serving(url, *arguments):
    """A server on a free port; gives its address."""
    environment = os.environ | {"GUANXI_DATABASE_URL": url, "COLUMNS": "200"}
    command = [python(), "-c", "from guanxi.cli.commands import main; main()", "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server, re.search(r"http://\S+", server.stdout.readline()).group()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=120)
    assert server.returncode in (0, 130)


def ask(url, query, headers=None):
    headers = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, orjson.dumps({"query": query}), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return orjson.loads(answer.read())


def refused(url, *arguments):
    """What a server says that does not start."""
    environment = os.environ | {"GUANXI_DATABASE_URL": url}
    command = [python(), "-c", "from guanxi.cli.commands import main; main()", "serve", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_workers_that_cannot_start_are_told_of_once(databases):
    said = refused(databases.empty(), "--workers", "2")
    expected = "an SQLite file is served by one process" if databases.engine == "sqlite" else "run `guanxi migrate`"
    assert said.count(expected) == 1


# To where a server listens the engine makes no difference.
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
def test_without_authentication_it_listens_on_loopback_only_and_says_so(databases):
    url = databases.installed()
    with serving(url) as (server, address):
        greeting = "".join(server.stdout.readline() for _ in range(4))
        assert "No authentication" in greeting and "guanxi keys create" in greeting
        ask(address, 'mutation { createCustomer(input: {name: "Äre"}) { customer { id } } }')
        assert ask(address, "{ customers { nodes { name } } }")["data"]["customers"]["nodes"] == [{"name": "Äre"}]
    said = refused(url, "--host", "0.0.0.0")
    assert "--host 0.0.0.0: without authentication the server listens on loopback only" in said


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True, scope="session")
def test_with_a_key_two_workers_listen_anywhere_and_answer_nobody_without_one(databases):
    url = databases.installed()
    environment = os.environ | {"GUANXI_DATABASE_URL": url}
    command = [python(), "-c", "from guanxi.cli.commands import main; main()", "keys", "create"]
    done = subprocess.run(
        [*command, "--name", "test", "--role", "ADMINISTRATOR"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    with serving(url, "--host", "0.0.0.0", "--workers", "2") as (_, address):
        address = address.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(address, "{ customers { totalCount } }")
        for _ in range(10):
            answer = ask(address, "{ customers { totalCount } }", {"authorization": f"Bearer {done.stdout.strip()}"})
            assert answer["data"]["customers"]["totalCount"] == 0
        # A proxy's word counts for nothing here: uvicorn does not rewrite the client's address either.
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(address, "{ customers { totalCount } }", {"x-forwarded-for": "127.0.0.1"})


def test_the_demo_listens_on_loopback_only(tmp_path):
    command = [python(), "-c", "from guanxi.cli.commands import main; main()", "demo", "--host", "0.0.0.0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "--host 0.0.0.0: the demo answers whoever reaches it" in done.stderr
    assert [*tmp_path.iterdir()] == []
