"""The page on the import: its files are the examples, its commands give what it shows, its query is answered so."""

import json
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import guanxi.app
from guanxi import create_app
from guanxi.cli.commands import cli, guarded
from guanxi.testing import running

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLES = DOCS / "examples" / "import"
PAGE = (DOCS / "import.md").read_text()
#: An optional file name in bold before it, the language, the text.
SNIPPET = re.compile(r"(?:\*\*([\w.]+)\*\*\n\n)?```(\w+)\n(.*?)```", re.DOTALL)


class Reader:
    """Somebody who follows the page from top to bottom, in a folder that holds the example files."""

    def __init__(self, folder, monkeypatch, capsys):
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._exit_code = 0
        self._query = None
        self.seen = set()

    def follow(self, name, language, text):
        if name is not None:
            assert text == (EXAMPLES / name).read_text(), name
            self.seen.add(name)
        elif language == "console":
            assert self._session(text) == text
        elif language == "graphql":
            self._query = text
        elif language == "json":
            with running(guanxi.app.create_app()) as client:
                assert client.query(self._query) == json.loads(text)
        else:
            pytest.fail(f"nobody checks this {language}: {text}")

    def _session(self, text):
        shown = []
        for line in text.splitlines():
            if line.startswith("$ "):
                shown += [line, *self._run(line.removeprefix("$ "))]
        return "\n".join(shown) + "\n"

    def _run(self, command):
        word, *arguments = shlex.split(command)
        if word == "export":
            self._monkeypatch.setenv(*arguments[0].split("="))
            return []
        if command == "echo $?":
            return [str(self._exit_code)]
        if word == "guanxi":
            self._exit_code = guarded(lambda: cli(arguments, prog_name="guanxi"))
            captured = self._capsys.readouterr()
            return [line.rstrip() for line in (captured.out + captured.err).splitlines()]
        done = subprocess.run(command, shell=True, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()


def test_the_page_is_true(databases, tmp_path, monkeypatch, capsys):
    shutil.copytree(EXAMPLES, tmp_path / "import")
    monkeypatch.chdir(tmp_path / "import")
    monkeypatch.setenv("GUANXI_DATABASE_URL", databases.installed())
    # Each command runs an app; that it is built once saves a second a command.
    monkeypatch.setattr("guanxi.app.create_app", cache(create_app))
    reader = Reader(tmp_path / "import", monkeypatch, capsys)
    for snippet in SNIPPET.findall(PAGE):
        reader.follow(snippet[0] or None, *snippet[1:])
    assert reader.seen == {path.name for path in EXAMPLES.iterdir()}
