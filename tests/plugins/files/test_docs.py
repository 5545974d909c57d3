"""The page on files: followed from top to bottom, with the settings that it names."""

import json
import re

from plugins.files.settings import FileSettings
from tests.snippets import ROOT, snippets

PAGE = "docs/files.md"


def test_the_page_is_followed_from_top_to_bottom(world):
    prepare, create, find = snippets(PAGE, "graphql")
    (shown,) = snippets(PAGE, "json")
    client = world.client
    customer = client.create("Customer", name="Acme")["id"]
    prepared = client.query(prepare)["prepareUpload"]
    assert prepared["userErrors"] == []
    assert world.put(prepared["url"], b"%PDF-1.7 offer")[0] == 201
    made = client.query(create, upload=prepared["uploadId"], customer=customer)
    assert made == json.loads(shown.replace("$file", made["createFile"]["file"]["id"]))
    found = client.query(find, customer=customer)
    assert found["search"] == [{"node": {"name": "Offer 2025.pdf", "customer": {"name": "Acme"}}}]
    (file,) = found["customer"]["files"]["nodes"]
    assert world.get(file["downloadUrl"])[2] == b"%PDF-1.7 offer"


def test_the_settings_and_codes_that_it_names_are_there():
    names = {name.upper() for name in FileSettings.model_fields}
    for source in (ROOT / "plugins/files").glob("*.py"):
        names |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source.read_text()))
    named = set(re.findall(r"`(?:GUANXI_PLUGINS__FILES__)?((?!AWS_)[A-Z]+(?:_[A-Z]+)+)`", (ROOT / PAGE).read_text()))
    assert named <= names, named - names
