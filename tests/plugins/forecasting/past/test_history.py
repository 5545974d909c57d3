"""The pipeline's past through the API: what was so when, what was learned late, what was there before the plugin."""

from datetime import timedelta

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.data import upsert
from tests.plugins.forecasting.sales import VALID, at, change, deal, enter, ids, move, people, stage, won

STATES = """query ($name: String!, $living: Boolean!) {
  pipelineStates(where: {opportunity: {name: {eq: $name}}, supersededAt: {isNull: $living}}, orderBy: [{validFrom: ASC}]) { nodes {
    validFrom validUntil outcome stage { key } expectedAmount { amount } winProbability weightedAmount { amount } isInferred isValid
    expectedCloseDate forecastCategory owner { name } } } }"""


@pytest.fixture(scope="module")
def client(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-06-15")))
    people(made)
    return made


@pytest.fixture(autouse=True)
def noon(client):
    set_clock(client, "2025-06-15")


def set_clock(client, day, hour=12):
    client.app.services.clock.source.moment = at(day, hour)


def states(client, name, *, living=True):
    return client.query(STATES, name=name, living=living)["pipelineStates"]["nodes"]


def brief(rows):
    return [
        (
            row["validFrom"][:10],
            row["validUntil"] and row["validUntil"][:10],
            (row["stage"] or {}).get("key"),
            (row["expectedAmount"] or {}).get("amount"),
        )
        for row in rows
    ]


def test_a_row_is_written_for_each_change_that_matters_and_for_no_other(client):
    enter(client, deal("kept", 100, openedOn="2025-06-01"))
    set_clock(client, "2025-06-16")
    change(client, "kept", description="Nothing of the pipeline")
    set_clock(client, "2025-06-17")
    change(client, "kept", expectedAmount={"amount": "150"})
    set_clock(client, "2025-06-18")
    move(client, "kept", "C", "2025-06-18")
    assert brief(states(client, "kept")) == [
        ("2025-06-01", "2025-06-17", "A", "100.00"),
        ("2025-06-17", "2025-06-18", "A", "150.00"),
        ("2025-06-18", None, "C", "150.00"),
    ]
    assert states(client, "kept", living=False) == []
    last = states(client, "kept")[-1]
    assert (last["winProbability"], last["weightedAmount"], last["forecastCategory"]) == (
        "50.00",
        {"amount": "75.00"},
        "BEST_CASE",
    )


def test_a_move_told_late_corrects_the_past_and_what_was_known_stays(client):
    enter(client, deal("late", 100, openedOn="2025-06-01"))
    set_clock(client, "2025-06-20")
    change(client, "late", expectedAmount={"amount": "200"})
    set_clock(client, "2025-06-25")
    move(client, "late", "D", "2025-06-10")
    assert brief(states(client, "late")) == [
        ("2025-06-01", "2025-06-10", "A", "100.00"),
        ("2025-06-10", "2025-06-20", "D", "100.00"),
        ("2025-06-20", None, "D", "200.00"),
    ]
    assert brief(states(client, "late", living=False)) == [
        ("2025-06-01", "2025-06-20", "A", "100.00"),
        ("2025-06-20", None, "A", "200.00"),
    ]


def test_history_entered_when_it_was_over_was_open_before(client):
    enter(client, won("over", 70, "2025-03-10", openedOn="2025-01-20"))
    first, last = states(client, "over")
    assert (first["validFrom"][:10], first["outcome"], first["stage"], first["isInferred"]) == (
        "2025-01-20",
        "OPEN",
        None,
        True,
    )
    assert (last["validFrom"][:10], last["outcome"], last["stage"]["key"], last["isInferred"]) == (
        "2025-03-10",
        "WON",
        "F",
        False,
    )


def test_a_key_person_makes_valid_from_the_moment_it_is_known(client):
    enter(
        client, deal("slow", openedOn="2025-06-01") | {"hasBudget": True, "acceptsPrice": True, "recognisesValue": True}
    )
    set_clock(client, "2025-06-19")
    enter(client, deal("slow", valid=True))
    assert [(row["validFrom"][:10], row["isValid"]) for row in states(client, "slow")] == [
        ("2025-06-01", False),
        ("2025-06-19", True),
    ]


def key_person(client, name, **given):
    """Makes a contact a key person of an opportunity."""
    contact = client.create("Contact", name="Kay")["id"]
    client.create(
        "OpportunityContact", opportunityId=ids(client)[name], contactId=contact, buyingRole="DECISION_MAKER", **given
    )


def test_a_key_person_entered_with_an_opportunity_is_one_since_it_arose(client):
    upsert(client, "opportunities", [won("imported", 70, "2025-03-10", openedOn="2025-01-20") | VALID])
    key_person(client, "imported")
    assert [(row["validFrom"][:10], row["isValid"]) for row in states(client, "imported")] == [
        ("2025-01-20", True),
        ("2025-03-10", True),
    ]


def test_a_key_person_is_one_since_the_day_that_is_given(client):
    upsert(client, "opportunities", [deal("dated", openedOn="2025-06-01") | VALID])
    set_clock(client, "2025-06-19")
    key_person(client, "dated", since="2025-06-05")
    assert [(row["validFrom"][:10], row["isValid"]) for row in states(client, "dated")] == [
        ("2025-06-01", False),
        ("2025-06-05", True),
    ]


def test_deleting_ends_and_restoring_begins_anew(client):
    enter(client, deal("gone", 10, openedOn="2025-06-01"))
    id = ids(client)["gone"]
    set_clock(client, "2025-06-16")
    client.query("mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { userErrors { message } } }", id=id)
    set_clock(client, "2025-06-18")
    client.query("mutation ($id: ID!) { restoreOpportunity(input: {id: $id}) { userErrors { message } } }", id=id)
    assert brief(states(client, "gone")) == [
        ("2025-06-01", "2025-06-16", "A", "10.00"),
        ("2025-06-18", None, "A", "10.00"),
    ]
    client.query("mutation ($id: ID!) { destroyOpportunity(input: {id: $id}) { userErrors { message } } }", id=id)
    assert states(client, "gone") == []


def test_a_new_preset_of_a_stage_is_a_change_of_all_that_are_in_it(client):
    enter(client, deal("preset", 100, stageId=stage("B"), openedOn="2025-06-01"))
    set_clock(client, "2025-06-16")
    client.query(
        'mutation ($id: ID!) { updateStage(input: {id: $id, winProbability: "30"}) { userErrors { message } } }',
        id=stage("B"),
    )
    assert [(row["validFrom"][:10], row["winProbability"]) for row in states(client, "preset")] == [
        ("2025-06-01", "25.00"),
        ("2025-06-16", "30.00"),
    ]
    client.query(
        'mutation ($id: ID!) { updateStage(input: {id: $id, winProbability: "25"}) { userErrors { message } } }',
        id=stage("B"),
    )


def test_states_are_no_events_of_their_own(client):
    found = client.query("{ events(first: 1000) { nodes { type } } }")["events"]["nodes"]
    assert not [node for node in found if node["type"].startswith("PIPELINE_STATE")]


def test_the_past_of_opportunities_that_were_there_before_the_plugin_follows_from_their_transitions(crm):
    clock = FixedClock(at("2025-06-15"))
    url = crm.databases.fresh()
    before = crm(clock=clock, url=url)
    people(before)
    enter(before, deal("old", 100, openedOn="2025-05-01"), won("done", 70, "2025-03-10", openedOn="2025-01-20"))
    move(before, "old", "B", "2025-05-20")
    crm.close()
    clock.moment += timedelta(days=1)
    client = crm(Forecasting, clock=clock, url=url)
    assert brief(states(client, "old")) == [
        ("2025-05-01", "2025-05-20", "A", "100.00"),
        ("2025-05-20", None, "B", "100.00"),
    ]
    assert [row["isInferred"] for row in states(client, "old")] == [True, False]
    assert [row["outcome"] for row in states(client, "done")] == ["OPEN", "WON"]
    move(client, "old", "C", "2025-06-16")
    assert [row["stage"]["key"] for row in states(client, "old")] == ["A", "B", "C"]
