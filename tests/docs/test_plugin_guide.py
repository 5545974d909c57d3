"""The guide for plugin authors is followed from top to bottom: files written, commands run, queries answered."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.snippets import ROOT
from tests.warm import python

PAGE = (ROOT / "docs" / "plugins.md").read_text()
#: A file name in bold before it, whether it is added to the file, the language, the text.
SNIPPET = re.compile(r"(?:\*\*([\w./\\-]+)\*\*(, added:)?\n\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: What pytest says where its plugins, for which nobody asked, were imported before it.
IMPORTED = "ignore:Module already imported"


class Author:
    """Somebody who follows the guide in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: subprocess.Popen[str] | None = None
        self._url = ""
        self._query = ""
        path = os.pathsep.join([str(folder), str(ROOT)])
        binaries = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environment = {"PATH": binaries, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}

    def follow(self, name: str, added: str, language: str, text: str) -> None:
        if name:
            self._write(self.folder / name.replace("\\", ""), text, added=bool(added))
        elif language == "console":
            self._session(text)
        elif language == "graphql":
            self._query = text
        elif language == "json":
            body = json.dumps({"query": self._query}).encode()
            with urlopen(Request(self._url, body, {"content-type": "application/json"})) as response:
                assert json.load(response) == {"data": json.loads(text)}
        else:
            pytest.fail(f"nobody follows this {language}: {text}")

    def _write(self, path: Path, text: str, *, added: bool) -> None:
        if added:
            # Imports go to the top, below the docstring; what is indented goes to the end of the last class.
            imports, indent, rest = text.partition("    ")
            docstring, _, code = path.read_text().partition("\n\n")
            text = f"{docstring}\n\n{imports}{code}{imports and chr(10)}{indent}{rest}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def _session(self, text: str) -> None:
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            pattern = "".join(_pattern(line) for line in shown.splitlines())
            said = "".join(" ".join(line.split()) + "\n" for line in self._run(command).splitlines())
            assert re.fullmatch(pattern, said), f"{command} said:\n{said}"

    def _run(self, command: str) -> str:
        if command == "pip install -e .":
            return self._install()
        arguments = shlex.split(command)
        if arguments[0] == "pytest":
            arguments = [python(), "-m", "pytest", "-p", "no:cacheprovider", "-W", IMPORTED, *arguments[1:]]
        else:
            arguments = [python(), str(Path(sys.executable).parent / arguments[0]), *arguments[1:]]
        if command == "guanxi serve":
            return self._serve(arguments)
        done = subprocess.run(arguments, cwd=self.folder, env=self._environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    def _install(self) -> str:
        """What pip would leave behind, without asking a registry for the tools to build with."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        info = self.folder / f"guanxi_leasing-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        (points,) = project["entry-points"].items()
        lines = [f"{name} = {value}" for name, value in points[1].items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{points[0]}]", *lines, ""]))
        return ""

    def _serve(self, arguments: list[str]) -> str:
        self._server = subprocess.Popen(
            [*arguments, "--port", "0"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._server.stdout is not None
        said = "".join(self._server.stdout.readline() for _ in range(4))
        found = re.search(r"http://127\.0\.0\.1:\d+/graphql", said)
        assert found, said
        self._url = found.group()
        return re.sub(r":\d+/", ":8000/", said)

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.communicate(timeout=30)


def _pattern(line: str) -> str:
    """What a shown line stands for: `…` for anything."""
    if line == "…":
        return r"(?:.*\n)*"
    return ".*".join(re.escape(" ".join(part.split())) for part in line.split("…")) + "\n"


def test_a_stranger_gets_from_an_empty_folder_to_a_plugin_with_revisions(tmp_path):
    author = Author(tmp_path)
    try:
        for snippet in SNIPPET.findall(PAGE):
            author.follow(*snippet)
    finally:
        author.stop()
