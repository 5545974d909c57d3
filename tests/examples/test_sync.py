"""The synchronization of examples/, run as its reader would run it, against a real server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from guanxi import create_app, load_settings
from tests.examples.serving import serving

EXAMPLES = Path(__file__).parents[2] / "examples"
ROWS = [{"number": str(number), "name": f"Customer {number}", "city": "Köln"} for number in range(3)]


def _node() -> list[str] | None:
    """Node, if it runs TypeScript as it is."""
    node = shutil.which("node")
    if node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = tuple(int(part) for part in version.strip("v\n").split(".")[:2])
    return [node] if numbers >= (22, 18) else None


class _Syncing:
    """The synchronization in a language and a folder, with a server."""

    def __init__(self, language, folder):
        self.run = {"py": [sys.executable], "ts": _node()}[language]
        if self.run is None:
            pytest.skip("node is missing or too old to run TypeScript; `python -m conformance` compiles and runs it")
        self.program = str(EXAMPLES / f"sync.{language}")
        self.file = {"py": "rows.csv", "ts": "rows.json"}[language]
        self.folder = folder
        self.app = create_app(load_settings(database_url=f"sqlite:///{folder}/sync.db"), [])
        self.app.migrate()

    def sync(self, url, rows):
        """What it says of rows."""
        header = "number,name,city\n"
        (self.folder / "rows.csv").write_text(header + "".join(",".join(row.values()) + "\n" for row in rows))
        (self.folder / "rows.json").write_text(json.dumps(rows))
        command, environment = [*self.run, self.program, self.file], os.environ | {"GUANXI_URL": url}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture(params=["py", "ts"])
def syncing(request, tmp_path):
    return _Syncing(request.param, tmp_path)


def test_rows_are_sent_once_and_what_others_change_is_shown(syncing, tmp_path):
    with serving(syncing.app) as url:

        def sync(rows):
            return syncing.sync(url, rows)

        assert sync(ROWS) == ["3 created, 0 updated, 0 unchanged"]
        assert sync(ROWS) == ["0 created, 0 updated, 3 unchanged"]
        changed = [{**ROWS[0], "city": "Bonn"}, {**ROWS[1], "name": " "}]
        said, refused = sync(changed)
        assert said == "0 created, 1 updated, 0 unchanged" and "items.1.name" in refused
        again = []
        # What has just been written comes a moment later.
        while len(again) < 4:
            (tmp_path / "sync.json").unlink()
            again = sync([])
        assert [line.split()[0] for line in again] == ["CUSTOMER_CREATED"] * 3 + ["CUSTOMER_UPDATED"]


def test_an_answer_that_is_lost_is_asked_for_again_and_its_events_are_known_as_own(syncing):
    lost = []

    async def losing(scope, receive, send):
        """The app, of which the first answer breaks off after its head."""

        async def cut(message):
            if message["type"] == "http.response.body" and not lost:
                lost.append(message)
                raise ConnectionError("the connection breaks off")
            await send(message)

        await syncing.app(scope, receive, cut if scope["type"] == "http" else send)

    with serving(losing) as url:
        said = syncing.sync(url, ROWS)
        assert lost
        body = {"query": 'mutation { createCustomer(input: {name: "Of others"}) { customer { id } } }'}
        urlopen(Request(url, json.dumps(body).encode(), {"content-type": "application/json"})).close()
        while "Of others" not in said[-1]:
            said += syncing.sync(url, [])
        assert said[0] == "0 created, 0 updated, 3 unchanged"
        assert len(said) == 2
