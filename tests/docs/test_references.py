"""The references are what the code says, and every link of every page leads somewhere."""

import ast
import re
import sys

import pytest

from schema.serve.observation import CODES
from tests.snippets import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import references

PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", references.PAGES)
def test_a_reference_is_what_the_code_says(name):
    page = references.FOLDER / f"{name}.md"
    assert page.read_text() == references.PAGES[name](), "run `python docs/references.py`"


def test_every_code_of_a_user_error_is_explained():
    used = references.user_error_codes()
    assert used.keys() <= references.USER_ERRORS.keys()
    assert len(used) > 25


def test_every_code_of_a_request_is_counted_by_its_name():
    assert references.REQUEST_ERRORS.keys() == CODES


def test_no_code_is_explained_that_nothing_uses():
    texts = set()
    for package in ("core", "schema", "guanxi", "plugins"):
        for path in (ROOT / package).rglob("*.py"):
            texts |= {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    assert {*references.USER_ERRORS, *references.REQUEST_ERRORS} <= texts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if not link.startswith(("http:", "https:", "mailto:"))]
    assert [link for link in links if not (page.parent / link).exists()] == []
