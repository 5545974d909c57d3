"""The page on business rules: it explains just the rules that code and tests cite, by names that the API has."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens

import pytest
from graphql import DocumentNode, EnumTypeDefinitionNode, parse

from guanxi import load_settings
from tests.snippets import ROOT

#: Where rules are cited.
FOLDERS = ("core", "schema", "guanxi", "plugins", "tests")
#: An id on its own: not part of a time or a name, and not quoted, as the key of a grid cell or a test's record is.
_ID = r"(?<![\w:.\"'`])([CFGKOSTX])([1-9]\d?)(?![\w\"`]|:\d)"
_ONE = re.compile(_ID)
#: "C1 to C5" and "S1-S4" cite what lies between as well.
_RANGE = re.compile(_ID + r"(?: to |-|–)\1([1-9]\d?)\b")
#: Codes of linters look like ids.
_NOQA = re.compile(r"#\s*noqa\b(?::[\sA-Z0-9,]*\d)?")

_ENTRY = re.compile(r"^### ([^\n]+)\n(.*?)(?=^###? |\Z)", re.DOTALL | re.MULTILINE)
_PARTS = re.compile(r"^- \*\*(.+?):\*\* (.*?)(?=^- \*\*|\Z)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def ids(text: str) -> set[str]:
    """The ids that a comment or a docstring cites."""
    text = _NOQA.sub("", text)
    between = (
        f"{area}{number}" for area, first, last in _RANGE.findall(text) for number in range(int(first), int(last) + 1)
    )
    return {area + number for area, number in _ONE.findall(text)} | set(between)


def prose(path: Path) -> Iterator[str]:
    """Comments and docstrings of a file, those of attributes included; other strings are what users read, or data."""
    source = path.read_text()
    if not _ONE.search(source):
        return
    yield from (token.string for token in generate_tokens(StringIO(source).readline) if token.type == COMMENT)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def order(id: str) -> tuple[int, int]:
    """Areas as on the page, then numbers."""
    return "TCSOFKGX".index(id[0]), int(id[1:])


@pytest.fixture(scope="module")
def cited() -> dict[str, set[str]]:
    """Each id with the files that cite it."""
    found: dict[str, set[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in prose(path):
                for id in ids(text):
                    found.setdefault(id, set()).add(str(path.relative_to(ROOT)))
    return found


@pytest.fixture(scope="module")
def entries() -> list[tuple[str, str]]:
    """Heading and text of every rule on the page, in its order."""
    return _ENTRY.findall((ROOT / "docs" / "business-rules.md").read_text())


@pytest.fixture(scope="module")
def api() -> set[str]:
    """What may be named: types, `Type.field`, `Enum.VALUE`, root fields by their bare names, and settings."""
    names = set(schema_names(parse((ROOT / "schema.graphql").read_text(), no_location=True)))
    names |= {f"GUANXI_{name.upper()}" for name in type(load_settings()).model_fields}
    for point in entry_points(group="guanxi.plugins"):
        if point.value.startswith("plugins."):
            fields = point.load().settings.model_fields
            names |= {f"GUANXI_PLUGINS__{point.name.upper()}__{name.upper()}" for name in fields}
    return names


def schema_names(sdl: DocumentNode) -> Iterator[str]:
    """The names of a schema, as the page writes them."""
    for definition in sdl.definitions:
        name = getattr(definition, "name", None)
        if name is None:
            continue
        yield name.value
        is_enum = isinstance(definition, EnumTypeDefinitionNode)
        for member in (definition.values if is_enum else getattr(definition, "fields", None)) or ():
            is_root = name.value in ("Query", "Mutation")
            yield member.name.value if is_root else f"{name.value}.{member.name.value}"


def test_the_page_explains_every_rule_that_is_cited_and_no_other(cited, entries):
    explained = {heading.split()[0] for heading, _ in entries}
    unexplained = {id: sorted(cited[id]) for id in sorted(cited.keys() - explained, key=order)}
    uncited = sorted(explained - cited.keys(), key=order)
    assert not unexplained and not uncited, (
        f"cited, but not explained in docs/business-rules.md: {unexplained}; "
        f"explained there, but cited by no comment or docstring: {uncited}"
    )


def test_rules_that_any_page_mentions_are_explained(entries):
    explained = {heading.split()[0] for heading, _ in entries}
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        unexplained = sorted(ids(page.read_text()) - explained, key=order)
        assert not unexplained, (
            f"{page.relative_to(ROOT)} mentions {unexplained}, which business-rules.md does not explain"
        )


def test_rules_are_sorted_by_id_and_each_is_explained_once(entries):
    headings = [heading for heading, _ in entries]
    assert all(re.fullmatch(r"[CFGKOSTX][1-9]\d? \S.*", heading) for heading in headings), headings
    found = [heading.split()[0] for heading in headings]
    assert found == sorted(set(found), key=order)


def test_every_rule_has_an_example_and_its_place_in_the_api(entries):
    for heading, text in entries:
        names = [name for name, _ in _PARTS.findall(text)]
        assert names in (["Formula", "Example", "In the API"], ["Example", "In the API"]), heading
        assert text.split("- **")[0].strip(), f"{heading} is not explained in words"


def test_what_the_page_names_is_in_the_api(entries, api):
    named = {heading: _CODE.findall(dict(_PARTS.findall(text))["In the API"]) for heading, text in entries}
    assert all(named.values()), [heading for heading, names in named.items() if not names]
    missing = {heading: wrong for heading, names in named.items() if (wrong := sorted({*names} - api))}
    assert not missing, f"neither schema.graphql nor the settings have {missing}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Actual minus expected rating (S1); null if one is unknown.", {"S1"}),
        ("# T23, T20", {"T23", "T20"}),
        ("# X3: when is it won", {"X3"}),
        ("The worked examples of T1, T5 to T7 and T11.", {"T1", "T5", "T6", "T7", "T11"}),
        ("what they make of a customer (S1-S4, T12)", {"S1", "S2", "S3", "S4", "T12"}),
        ("# noqa: S311  (made-up data)", set()),
        ("# noqa: C901, F401 (T22)", {"T22"}),
        ("from 2025-06-01T10:00:00Z on, at T12:00, by S101 and C3PO, in stage C", set()),
        ("records \"G1\" and `X1`, and the cell 'O2'", set()),
    ],
)
def test_an_id_is_told_from_what_looks_like_one(text, found):
    assert ids(text) == found
