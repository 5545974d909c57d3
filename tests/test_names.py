"""One name, one thing: no two classes or type aliases of the four packages have the same name."""

import ast
from collections import defaultdict

from tests.snippets import ROOT


def names(tree: ast.Module):
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper():
                yield target.id


def test_no_name_means_two_things():
    homes = defaultdict(list)
    for package in ("core", "schema", "guanxi", "plugins"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in names(ast.parse(path.read_text())):
                if not name.startswith("_"):
                    homes[name].append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
