"""The page on value tiering: followed from top to bottom, its settings, fields, records and operations those there are."""

import json
import re

import pytest

from plugins.value_tiering import ValueTiering
from tests import data
from tests.imports import Folder
from tests.snippets import ROOT, snippets

PAGE = "docs/value_tiering.md"
TEXT = (ROOT / PAGE).read_text()
CUSTOMERS = {
    "Alpha": {"potentialValue": {"amount": "2000000"}, "needs": ["Fibre", "Cloud"]},
    "Beta": {"potentialValue": {"amount": "300000"}, "needs": ["cloud"]},
    "Gamma": {},
}
SALES = (
    ("Alpha", "2024-12-01", "400000", "4"),
    ("Alpha", "2025-03-01", "600000", "6"),
    ("Beta", "2023-05-01", "50000", "1"),
    ("Gamma", "2025-03-15", "200000", "2"),
)


@pytest.fixture
def client(crm, clock):
    thresholds = {"current_value_threshold": "500000", "potential_value_threshold": "1000000"}
    made = crm(ValueTiering, clock=clock, plugins={"value_tiering": thresholds})
    rows = [{"externalIds": [data.key(name)], "name": name, **given} for name, given in CUSTOMERS.items()]
    data.upsert(made, "customers", rows)
    sales = [
        {
            "externalIds": [data.key(f"{name} {day}")],
            "customerExternalId": data.key(name),
            "occurredOn": day,
            "quantity": quantity,
            "actualAmount": {"amount": amount},
            "cost": {"amount": "0"},
        }
        for name, day, amount, quantity in SALES
    ]
    data.upsert(made, "transactions", sales)
    made.query("mutation { recomputeValueTiers(input: {}) { changed } }")
    return made


def answers(client):
    """What the queries of the page are answered, in their order."""
    ids = {
        variable: client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ id }} }}')["customer"][
            "id"
        ]
        for variable, name in (("customer", "Alpha"), ("lost", "Beta"))
    }
    for query in snippets(PAGE, "graphql"):
        yield client.query(query, **{name: id for name, id in ids.items() if f"${name}:" in query})


def test_the_page_is_true(client):
    shown = [json.loads(answer) for answer in snippets(PAGE, "json")]
    assert len(shown) > 8
    for found, expected in zip(answers(client), shown, strict=True):
        assert found == expected


def test_every_field_record_operation_job_and_setting_is_on_the_page(client):
    (plugin,) = [
        one for one in client.query("{ plugins { name fields } }")["plugins"] if one["name"] == "value_tiering"
    ]
    added = [field.removeprefix("Customer.") for field in plugin["fields"] if field.startswith("Customer.")]
    added = [re.sub("^valueTierOverride(?=[A-Z])(?!Reason)", "…", name) for name in added]
    added = [re.sub("^abandonmentConfirmed(?=[A-Z])(?!At)", "…", name) for name in added]
    mine = ValueTiering()
    records = [record.__name__ for record in mine.register_records() if record.__name__ != "TierChange"]
    jobs = [job.name for job in mine.register_jobs()]
    settings = [name.upper() for name in ValueTiering.settings.model_fields]
    missing = [name for name in (*added, *records, *jobs, *ValueTiering.events, *settings) if f"`{name}`" not in TEXT]
    operations = [re.sub(r"_(\w)", lambda m: m[1].upper(), one.function.__name__) for one in mine.register_operations()]
    missing += [name for name in operations if not re.search(rf"`{name}[`(]", TEXT)]
    assert missing == []


ROWS = """
    account,year,total,source
    Delta,2023,120000,Annual report
    Delta,2024,150000.50,Annual report
    Echo,2024,0,
"""


def test_purchases_are_imported_by_customer_and_year_and_a_second_run_changes_nothing(client, tmp_path):
    client.create("ExchangeRate", currency="EUR", rate="8", validFrom="2020-01-01")
    mapping = (ROOT / "docs/examples/purchases/purchases.toml").read_text()
    folder = Folder(tmp_path)
    first = folder.load(client, mapping, ROWS)
    assert first == {"customer": {"created": 2, "unchanged": 1}, "purchaseTotal": {"created": 3}}
    again = folder.load(client, mapping, ROWS.replace("150000.50", "160000"))
    assert again == {"customer": {"unchanged": 3}, "purchaseTotal": {"unchanged": 2, "updated": 1}}
    found = client.query(
        '{ customers(where: {name: {eq: "Delta"}}) { nodes { purchasesYear annualPurchaseTotal { amount } } } }'
    )
    assert found["customers"]["nodes"] == [{"purchasesYear": 2024, "annualPurchaseTotal": {"amount": "1280000.00"}}]
