"""Which version it is, for those who report a fault."""

import tomllib

from guanxi.cli.commands import cli, guarded
from tests.snippets import ROOT


def test_the_command_tells_its_version(capsys):
    assert guarded(lambda: cli(["--version"])) == 0
    assert capsys.readouterr().out.strip() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
