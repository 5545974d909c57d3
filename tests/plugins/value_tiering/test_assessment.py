"""Assessments of what customers are worth, in eight parts, day by day."""

from datetime import timedelta

import pytest

from plugins.credit_scoring import CreditScoring
from plugins.value_tiering import ValueTiering
from tests import data
from tests.keys import administrator

WHOLE = {
    "currentValueScore": "80",
    "futureValueScore": "60",
    "creditworthinessScore": "70",
    "relationshipScore": "90",
    "publicityScore": "40",
    "brandScore": "60",
    "networkScore": "50",
    "informationScore": "50",
}
CREATE = """mutation ($input: CreateValueAssessmentInput!) { createValueAssessment(input: $input) {
    valueAssessment { id assessor { name } creditworthinessScore behaviourValue influenceValue valueScore }
    userErrors { code message field } } }"""
SCORES = "assessedOn currentValueScore creditworthinessScore behaviourValue influenceValue valueScore"


@pytest.fixture
def client(crm, clock):
    made = crm(ValueTiering, CreditScoring, clock=clock)
    data.upsert(made, "customers", [{"externalIds": [data.key(name)], "name": name} for name in ("a", "b")])
    return made


def assess(client, name, day, **scores):
    input = {"customerExternalId": data.key(name), "assessedOn": day, **scores}
    return client.query(CREATE, input=input)["createValueAssessment"]


def customer(client, name, fields):
    return client.query(f'{{ customer(externalId: {{system: "test", value: "{name}"}}) {{ {fields} }} }}')["customer"]


def test_t14_eight_parts_give_one_score_on_the_assessment_and_on_its_customer(client, clock):
    done = assess(client, "a", clock.now().date(), **WHOLE)
    means = {"behaviourValue": "80.00", "influenceValue": "50.00", "valueScore": "69.50"}
    assert done["valueAssessment"].items() >= {**means, "creditworthinessScore": "70.00"}.items()
    assert customer(client, "a", SCORES) == {
        "assessedOn": clock.now().date().isoformat(),
        "currentValueScore": "80.00",
        "creditworthinessScore": "70.00",
        **means,
    }
    best = client.query('{ customers(where: {valueScore: {gte: "69.5"}}) { nodes { name } } }')["customers"]
    assert best["nodes"] == [{"name": "a"}]


def test_t14_there_is_no_score_while_a_part_is_missing(client, clock):
    part = {name: score for name, score in WHOLE.items() if name != "futureValueScore"}
    done = assess(client, "a", clock.now().date(), **part)["valueAssessment"]
    assert (done["behaviourValue"], done["valueScore"]) == ("80.00", None)
    assert customer(client, "a", "valueScore")["valueScore"] is None


def test_t14_the_latest_day_counts_whenever_it_was_entered_and_the_others_are_kept(client):
    assess(client, "a", "2025-03-01", **WHOLE)
    assess(client, "a", "2025-01-01", **{**WHOLE, "currentValueScore": "10"})
    assert customer(client, "a", "currentValueScore assessedOn") == {
        "currentValueScore": "80.00",
        "assessedOn": "2025-03-01",
    }
    history = customer(client, "a", "valueAssessments { nodes { id assessedOn valueScore } }")["valueAssessments"][
        "nodes"
    ]
    assert [(one["assessedOn"], one["valueScore"]) for one in history] == [
        ("2025-03-01", "69.50"),
        ("2025-01-01", "41.50"),
    ]
    client.query(
        "mutation ($id: ID!) { deleteValueAssessment(input: {id: $id}) { userErrors { code } } }", id=history[0]["id"]
    )
    assert customer(client, "a", SCORES)["currentValueScore"] == "10.00"
    client.query(
        "mutation ($id: ID!) { deleteValueAssessment(input: {id: $id}) { userErrors { code } } }", id=history[1]["id"]
    )
    assert set(customer(client, "a", SCORES).values()) == {None}


def test_t14_creditworthiness_that_is_left_out_is_the_credit_score_of_the_day(client, clock):
    dimensions = {"creditFinancialStatus": "85", "creditReputation": "70", "creditTransactionRecord": "90"}
    data.upsert(client, "customers", [{"externalIds": [data.key("a")], **dimensions}])
    part = {name: score for name, score in WHOLE.items() if name != "creditworthinessScore"}
    done = assess(client, "a", clock.now().date(), **part)["valueAssessment"]
    assert (done["creditworthinessScore"], done["behaviourValue"], done["valueScore"]) == ("82.00", "86.00", "70.40")
    past = assess(client, "a", clock.now().date() - timedelta(days=1), **part)["valueAssessment"]
    assert (past["creditworthinessScore"], past["valueScore"]) == (None, None)
    without = assess(client, "b", clock.now().date(), **part)["valueAssessment"]
    assert without["creditworthinessScore"] is None
    data.upsert(client, "customers", [{"externalIds": [data.key("a")], "creditReputation": "90"}])
    assert customer(client, "a", "effectiveCreditworthinessScore valueScore") == {
        "effectiveCreditworthinessScore": "88.00",
        "valueScore": "70.85",
    }


def test_t14_who_enters_it_is_the_assessor_unless_another_is_named(client, clock):
    admin = administrator(client)
    user = admin.create("User", name="Ann", role="ACCOUNT_MANAGER")["id"]
    other = admin.create("User", name="Bo")["id"]
    admin.query(
        "mutation ($id: ID!, $owner: ID!) { updateCustomer(input: {id: $id, ownerId: $owner}) { userErrors { code } } }",
        id=admin.query('{ customer(externalId: {system: "test", value: "a"}) { id } }')["customer"]["id"],
        owner=user,
    )
    ann = client.acting_as(user)
    done = assess(ann, "a", clock.now().date(), **WHOLE)["valueAssessment"]
    assert done["assessor"] == {"name": "Ann"}
    named = assess(ann, "a", clock.now().date(), assessorId=other, **WHOLE)["valueAssessment"]
    assert named["assessor"] == {"name": "Bo"}


def test_t14_assessments_are_imported_and_a_second_run_changes_nothing(client):
    rows = [
        {"externalIds": [data.key(f"{name} {day}")], "customerExternalId": data.key(name), "assessedOn": day, **WHOLE}
        for name in ("a", "b")
        for day in ("2024-12-31", "2025-03-31")
    ]
    assert data.upsert(client, "valueAssessments", rows)["created"] == 4
    assert data.upsert(client, "valueAssessments", rows)["unchanged"] == 4


def test_t14_a_score_outside_0_to_100_and_a_day_to_come_are_refused(client):
    (error,) = assess(client, "a", "2025-06-15", brandScore="100.01")["userErrors"]
    assert error["message"] == "brandScore: 100.01 is too large; the maximum is 100"
    (error,) = assess(client, "a", "2025-06-20")["userErrors"]
    assert error["message"].startswith("assessedOn: 2025-06-20 is in the future")
