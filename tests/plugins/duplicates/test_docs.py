"""The page on duplicates: followed from top to bottom, its settings those there are."""

import json
import re

from plugins.duplicates import Duplicates
from plugins.duplicates.settings import DuplicatesSettings
from tests.snippets import ROOT

PAGE = (ROOT / "docs" / "duplicates.md").read_text()
SNIPPET = re.compile(r"^```(graphql|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_page_is_true_from_top_to_bottom(crm):
    client, known, answer, checked = crm(Duplicates), {}, None, 0
    for language, text in SNIPPET.findall(PAGE):
        if language == "graphql":
            answer = client.query(text, **{name: known[name] for name in re.findall(r"\$(\w+): ID!", text)})
            known |= learned(client, answer)
        else:
            for name, id in known.items():
                text = text.replace(f'"${name}"', f'"{id}"')
            assert answer == json.loads(text)
            checked += 1
    assert checked == 6


def learned(client, answer):
    """The ids that later snippets need."""
    if "first" in answer:
        nodes = client.query("{ customers(orderBy: [{createdAt: ASC}]) { nodes { id } } }")["customers"]["nodes"]
        return {"first": nodes[0]["id"], "second": nodes[1]["id"]}
    merged = answer.get("mergeCustomers", {}).get("mergeId")
    return {"merge": merged} if merged else {}


def test_the_settings_are_those_there_are():
    rows = re.findall(r"^\| `(\w+)` \| `?(\w+)`? \|", PAGE, re.MULTILINE)
    assert dict(rows) == {name: str(field.default) for name, field in DuplicatesSettings.model_fields.items()}
