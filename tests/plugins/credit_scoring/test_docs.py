"""The page on credit scoring: its queries are answered as it shows, its settings and fields are those there are."""

import json
import re

import pytest

from guanxi import create_app, load_settings
from plugins.credit_scoring import CreditScoring
from plugins.credit_scoring.settings import CreditScoringSettings
from plugins.forecasting import Forecasting
from tests.snippets import ROOT

PAGE = (ROOT / "docs" / "credit_scoring.md").read_text()
SNIPPET = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def client(crm, clock):
    return crm(CreditScoring, Forecasting, clock=clock)


def test_the_page_is_true_from_top_to_bottom(client):
    asked = None
    checked = 0
    for language, text in SNIPPET.findall(PAGE):
        if language == "graphql":
            id = None if "$id" not in text else find(client)
            asked = client.query(text, **({} if id is None else {"id": id}))
        else:
            assert asked == json.loads(text)
            checked += 1
    assert checked == 11


def find(client):
    found = client.query('{ customer(externalId: {system: "docs", value: "harbour"}) { id } }')
    return found["customer"]["id"]


def test_every_field_and_operation_is_named():
    records = create_app(load_settings(), [CreditScoring]).catalog.records
    for record in ("Customer", "Opportunity"):
        for field in records[record].fields.values():
            assert field.owner != "credit_scoring" or named(field.name), field.name
    for operation in (
        "evaluateCredit",
        "creditAssessment",
        "creditCheck",
        "overrideCreditRisk",
        "reviewCredit",
        "ageing",
        "placeCreditHold",
        "releaseCreditHold",
    ):
        assert f"`{operation}(" in PAGE


def named(field):
    return f"`{field}`" in PAGE or any(
        f"`{field.removesuffix(ending)}Reason`" in PAGE for ending in ("By", "At", "Until") if field.endswith(ending)
    )


def test_every_setting_is_named_with_its_default():
    section = PAGE.partition("## Settings")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (`[A-Z_`, ]+`) \| (.*?) \|", section, re.MULTILINE))
    shown = {name.strip("`").lower(): default for names, default in rows.items() for name in names.split(", ")}
    settings = CreditScoringSettings()
    assert shown.keys() == set(CreditScoringSettings.model_fields)
    for name in ("weights", "payment", "review_days"):
        assert json.loads(shown[name].strip("`")) == getattr(settings, name).model_dump()
