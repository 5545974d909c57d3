"""The page on security: its examples work as it says, and every threat has the test it names."""

import json
import os
import re
import subprocess

import pytest

from guanxi import load_settings
from tests.guanxi.cli.test_serve_command import serving
from tests.snippets import ROOT, snippets
from tests.warm import python

PAGE = (ROOT / "docs" / "security.md").read_text()
CREATE_AND_ASK, WITHOUT, ISSUER = snippets("docs/security.md", "sh")
ANSWER, REFUSED = map(json.loads, snippets("docs/security.md", "json"))
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| `(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("threat", "means", "path", "test"), ROWS, ids=[row[3] for row in ROWS])
def test_every_threat_has_its_test(threat, means, path, test):
    assert f"\ndef {test}(" in (ROOT / path).read_text()


def test_every_row_of_threats_is_read():
    assert len(ROWS) == PAGE.partition("## Threats")[2].count("\n| ") - 1 > 20


# To what is typed the engine makes no difference.
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
def test_a_key_is_created_and_sent_as_the_page_shows(databases, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    guanxi = programs / "guanxi"
    guanxi.write_text(f"#!{python()}\nfrom guanxi.cli.commands import main\nmain()\n")
    guanxi.chmod(0o755)
    url = databases.installed()
    environment = os.environ | {"GUANXI_DATABASE_URL": url, "PATH": f"{programs}:{os.environ['PATH']}"}

    def run(text, address):
        text = text.replace("http://127.0.0.1:8000/graphql", address)
        done = subprocess.run(
            ["sh", "-c", text], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return json.loads(done.stdout)

    first = CREATE_AND_ASK.partition("\n")[0]
    subprocess.run(
        ["sh", "-c", first.partition("(")[2][:-1]], env=environment, check=True, capture_output=True, timeout=120
    )
    with serving(url) as (_, address):
        assert run(CREATE_AND_ASK, address) == ANSWER
        assert run(WITHOUT, address) == REFUSED


def test_the_settings_of_an_issuer_are_settings(monkeypatch):
    for name, value in re.findall(r"^export (\w+)=(.+)$", ISSUER, re.MULTILINE):
        monkeypatch.setenv(name, value)
    (issuer,) = load_settings().issuers.values()
    assert issuer.algorithms == "RS" and issuer.jwks_url.startswith(issuer.issuer)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"GUANXI_[A-Z_]+[A-Z]", PAGE)) - {"GUANXI_KEY"}))
def test_every_setting_it_names_is_one(name):
    from core.base.settings import Settings

    assert name.removeprefix("GUANXI_").partition("__")[0].lower() in Settings.model_fields
