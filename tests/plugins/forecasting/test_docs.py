"""The page on forecasting: its queries are answered as it shows, its settings and fields are those there are."""

import json
import re

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from plugins.forecasting.shared.settings import ForecastingSettings
from tests.plugins.forecasting.sales import at, live_until_june
from tests.snippets import ROOT, snippets

PAGE = "docs/forecasting.md"
TEXT = (ROOT / PAGE).read_text()


@pytest.fixture(scope="module")
def client(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-01-01")))
    live_until_june(made)
    made.run_job("pipeline_snapshots")
    return made


def test_every_query_is_answered_as_shown(client):
    pytest.importorskip("sklearn")
    queries, answers = snippets(PAGE, "graphql"), snippets(PAGE, "json")
    assert len(queries) == len(answers) > 0
    for query, answer in zip(queries, answers, strict=True):
        assert client.query(query) == json.loads(answer)


def test_every_setting_is_on_the_page_with_its_default():
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", TEXT.partition("## Settings")[2], re.MULTILINE)
    told = {
        name: default.strip("` ")
        for names, defaults in rows
        for name, default in zip(re.findall(r"\w+", names), defaults.split(", "), strict=True)
    }
    defaults = ForecastingSettings().model_dump(mode="json")
    assert told == {name.upper(): json.dumps(value).strip('"') for name, value in defaults.items()}


def test_every_field_is_on_the_page(client):
    (plugin,) = client.query("{ plugins { name fields } }")["plugins"]
    own = {record.__name__ for record in Forecasting().register_records()}
    fields = [field.split(".") for field in plugin["fields"]]
    assert [
        name for record, name in fields if record not in own and f"`{name}`" not in TEXT.replace(f"{record}.", "")
    ] == []
    assert [record for record in own if f"`{record}`" not in TEXT] == []
