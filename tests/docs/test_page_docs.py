"""The page on the page: its commands are commands, and its pictures are small."""

import shlex
from itertools import chain

from typer.testing import CliRunner

from guanxi.cli.commands import cli
from tests.snippets import ROOT, snippets

IMAGES = ROOT / "docs" / "images"
_MOST_BYTES = 150_000


def test_a_key_is_created_as_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("GUANXI_DATABASE_URL", f"sqlite:///{tmp_path}/crm.db")
    start, create = snippets("docs/page.md", "sh")
    done = CliRunner().invoke(cli, shlex.split(create)[1:])
    assert done.exit_code == 0 and done.stdout.startswith("gx_"), done.output
    assert start.strip().endswith("&& guanxi demo")


def test_pictures_are_small_and_shown():
    pages = "".join(page.read_text() for page in chain(ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md")))
    for picture in IMAGES.iterdir():
        assert picture.stat().st_size < _MOST_BYTES, picture.name
        assert f"images/{picture.name}" in pages, picture.name
