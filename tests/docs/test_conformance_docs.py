"""The table of docs/conformance.md is of the tools that are there; running them needs node (`python -m conformance`)."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_of_the_versions_that_are_installed():
    page = (ROOT / "docs" / "conformance.md").read_text()
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| [^|]+ \| (\d+) of (\d+) \|$", page, re.MULTILINE)
    assert [name for name, _, passed, checks in rows if passed != checks] == []
    packages = json.loads((ROOT / "conformance" / "package.json").read_text())["dependencies"]
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["conformance"]
    exact = {f"{name} {version}" for name, version in packages.items()}
    exact |= {re.sub(r"\[.*\]==", " ", requirement) for requirement in extra}
    shown = {package for _, packages, *_ in rows for package in packages.split(", ")}
    assert shown <= exact, "run `python -m conformance --write`"
    assert len(rows) == 11
