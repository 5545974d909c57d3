"""The guide for plugin authors is followed: its files are written, its plugin is tested as it says."""

import re
import subprocess
import sys

from tests.snippets import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text()
FILES = re.findall(r"^\*\*([\w./]+)\*\*\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_plugin_s_own_tests_pass(tmp_path):
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
