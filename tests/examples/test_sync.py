"""The synchronization of examples/, run as its reader would run it, against a real server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize("language", ["py", "ts"])
def test_rows_are_sent_once_and_what_others_change_is_shown(language, tmp_path):
    run = {"py": [sys.executable], "ts": _node()}[language]
    if run is None:
        pytest.skip("there is no node that runs TypeScript; `python -m conformance` compiles and runs it")
    app = create_app(load_settings(database_url=f"sqlite:///{tmp_path}/sync.db"), [])
    app.migrate()
    with serving(app) as url:

        def sync(rows):
            header = "number,name,city\n"
            (tmp_path / "rows.csv").write_text(header + "".join(",".join(row.values()) + "\n" for row in rows))
            (tmp_path / "rows.json").write_text(json.dumps(rows))
            file = {"py": "rows.csv", "ts": "rows.json"}[language]
            command = [*run, str(EXAMPLES / f"sync.{language}"), file]
            environment = os.environ | {"GUANXI_URL": url}
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()

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
