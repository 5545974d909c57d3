"""The pipeline of past days, snapshots, and bridges that always sum exactly."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.data import key
from tests.plugins.forecasting.sales import at, change, deal, enter, ids, lost, move, people, stage

AS_OF = """query ($date: Date, $snapshot: ID, $by: [PipelineStateGroupKey!], $where: PipelineStateWhere) {
  pipelineAsOf(date: $date, snapshotId: $snapshot, by: $by, where: $where) {
    asOf knownAt groups { keys { stage { key } owner { name } } count amount { amount currency } weightedAmount { amount } } } }"""

BRIDGE = """query ($opening: PipelinePointInput!, $closing: PipelinePointInput, $by: Date, $keys: [OpportunityGroupKey!], $where: OpportunityWhere) {
  pipelineBridge(opening: $opening, closing: $closing, closingBy: $by, by: $keys, where: $where) {
    keys { owner { name } openedOn } openingCount opening { amount } closingCount closing { amount }
    steps { step count amount { amount } moves { opportunity { name } amount { amount } } } } }"""


def as_of(client, day=None, **more):
    return client.query(AS_OF, date=day, **more)["pipelineAsOf"]


def steps(bridge):
    return {step["step"]: Decimal(step["amount"]["amount"]) for step in bridge["steps"] if step["count"]}


def tick(client, day, hour=12):
    client.app.services.clock.source.moment = at(day, hour)


SNAPSHOT = """mutation ($input: TakePipelineSnapshotInput!) { takePipelineSnapshot(input: $input) {
    snapshot { id name kind asOf openCount openAmount { amount } weightedAmount { amount } } userErrors { code field message } } }"""


@pytest.fixture(scope="module")
def story(module_crm):
    """Seven opportunities in June 2025: at the beginning of the month, and what became of them."""
    client = module_crm(Forecasting, clock=FixedClock(at("2025-06-01")))
    people(client)
    soon, later = "2025-06-20", "2025-07-20"
    enter(
        client,
        deal("stays", 100, expectedCloseDate=soon, stageId=stage("B"), openedOn="2025-05-01"),
        deal("grows", 200, expectedCloseDate=soon, openedOn="2025-05-01"),
        deal("shrinks", 300, expectedCloseDate=soon, openedOn="2025-05-01"),
        deal("slips", 400, expectedCloseDate=soon, openedOn="2025-05-01"),
        deal("comes", 500, expectedCloseDate=later, openedOn="2025-05-01"),
        deal("wins", 600, expectedCloseDate=soon, openedOn="2025-05-01", ownerExternalId=key("bo")),
        deal("loses", 700, expectedCloseDate=soon, openedOn="2025-05-01", ownerExternalId=key("bo")),
        deal("vanishes", 800, expectedCloseDate=soon, openedOn="2025-05-01", ownerExternalId=key("bo")),
        lost("returns", 900, "2025-05-15", expectedCloseDate=soon, openedOn="2025-05-01"),
    )
    client.opening = client.query(SNAPSHOT, input={"name": "June"})["takePipelineSnapshot"]["snapshot"]
    tick(client, "2025-06-10")
    change(client, "grows", expectedAmount={"amount": "250"})
    change(client, "shrinks", expectedAmount={"amount": "290"})
    change(client, "slips", expectedCloseDate=later, expectedAmount={"amount": "450"})
    change(client, "comes", expectedCloseDate=soon)
    change(client, "returns", status="FOLLOWING")
    enter(client, deal("arises", 50, expectedCloseDate=soon))
    tick(client, "2025-06-12")
    change(client, "wins", expectedAmount={"amount": "660"})
    move(client, "wins", "F", "2025-06-12")
    change(client, "loses", status="LOST", lossReason="PRICE", lossSummary="Too expensive")
    client.query(
        "mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { userErrors { message } } }",
        id=ids(client)["vanishes"],
    )
    tick(client, "2025-06-30")
    return client


def test_the_pipeline_of_a_past_day_by_the_keys_of_then(story):
    found = as_of(story, "2025-06-09", by=[{"owner": {"name": True}}])
    assert found["asOf"] == "2025-06-09T23:59:59.999Z" and found["knownAt"] is None
    groups = {group["keys"]["owner"]["name"]: (group["count"], group["amount"]["amount"]) for group in found["groups"]}
    assert groups == {"Ann": (5, "1500.00"), "Bo": (3, "2100.00")}
    today = as_of(story, "2025-06-30")["groups"]
    assert [(group["keys"], group["count"], group["amount"]["amount"]) for group in today] == [(None, 7, "2540.00")]
    assert as_of(story, "2025-04-30")["groups"][0]["count"] == 0


def test_any_condition_on_the_states_of_then(story):
    found = as_of(story, "2025-06-09", where={"stage": {"key": {"eq": "B"}}}, by=[{"stage": {"key": True}}])
    assert found["groups"] == [
        {
            "keys": {"stage": {"key": "B"}, "owner": None},
            "count": 1,
            "amount": {"amount": "100.00", "currency": "CNY"},
            "weightedAmount": {"amount": "25.00"},
        }
    ]


def test_a_day_that_lies_ahead_has_no_pipeline(story):
    error = story.execute(AS_OF, date="2025-07-01")["errors"][0]
    assert error["message"] == "date: 2025-07-01 is in the future; give 2025-06-30 or an earlier day"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_snapshot_keeps_totals_and_stays_what_it_was(story):
    assert {**story.opening, "id": ""} == {
        "id": "",
        "name": "June",
        "kind": "BY_HAND",
        "asOf": "2025-06-01T12:00:00.000Z",
        "openCount": 8,
        "openAmount": {"amount": "3600.00"},
        "weightedAmount": {"amount": "375.00"},
    }
    before = as_of(story, snapshot=story.opening["id"])
    move(story, "stays", "C", "2025-05-20")  # told late: it changes the past, but not what was known
    assert as_of(story, snapshot=story.opening["id"]) == before
    assert before["groups"][0]["weightedAmount"]["amount"] == "375.00"
    assert as_of(story, "2025-06-01")["groups"][0]["weightedAmount"]["amount"] == "400.00"
    move(story, "stays", "B", "2025-05-20")


def test_a_snapshot_copies_no_row(story):
    count = "{ pipelineStatesAggregate { count } }"
    before = story.query(count)
    assert story.query(SNAPSHOT, input={"idempotencyKey": "one"}) == story.query(
        SNAPSHOT, input={"idempotencyKey": "one"}
    )
    assert story.query(count) == before


def test_a_snapshot_of_a_day_that_lies_ahead_is_refused(story):
    refused = story.query(SNAPSHOT, input={"asOf": "2025-07-01"})["takePipelineSnapshot"]
    assert refused["snapshot"] is None
    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [("INVALID", ["asOf"])]


def test_the_bridge_of_june_tells_each_step_with_its_opportunities(story):
    (bridge,) = story.query(BRIDGE, opening={"date": "2025-06-01"}, closing={"date": "2025-06-30"}, by="2025-06-30")[
        "pipelineBridge"
    ]
    assert steps(bridge) == {
        "NEW": 50,
        "REOPENED": 900,
        "PULLED_IN": 500,
        "INCREASED": 110,
        "DECREASED": -10,
        "PUSHED_OUT": -400,
        "WON": -660,
        "LOST": -700,
        "REMOVED": -800,
    }
    assert (bridge["openingCount"], bridge["opening"]["amount"]) == (7, "3100.00")
    assert (bridge["closingCount"], bridge["closing"]["amount"]) == (6, "2090.00")
    larger = next(step for step in bridge["steps"] if step["step"] == "INCREASED")
    assert larger["moves"] == [
        {"opportunity": {"name": "wins"}, "amount": {"amount": "60.00"}},
        {"opportunity": {"name": "grows"}, "amount": {"amount": "50.00"}},
    ]
    removed = next(step for step in bridge["steps"] if step["step"] == "REMOVED")
    assert removed["moves"] == [{"opportunity": {"name": "vanishes"}, "amount": {"amount": "-800.00"}}]


def test_a_bridge_from_a_snapshot_by_owner_of_some(story):
    found = story.query(
        BRIDGE,
        opening={"snapshotId": story.opening["id"]},
        by="2025-06-30",
        keys=[{"owner": {"name": True}}, {"openedOn": "QUARTER"}],
        where={"name": {"ne": "stays"}},
    )["pipelineBridge"]
    told = {
        (bridge["keys"]["owner"]["name"], bridge["keys"]["openedOn"]): (
            bridge["opening"]["amount"],
            bridge["closing"]["amount"],
        )
        for bridge in found
    }
    assert told == {
        ("Ann", "2025-04-01"): ("900.00", "1940.00"),
        ("Bo", "2025-04-01"): ("2100.00", "0.00"),
        ("Ann", None): ("0.00", "50.00"),
    }


def test_a_bridge_leads_forward(story):
    error = story.execute(BRIDGE, opening={"date": "2025-06-20"}, closing={"date": "2025-06-10"})["errors"][0]
    assert error["message"] == "closing: is before `opening`; give a later day or snapshot"
    both = story.execute(BRIDGE, opening={"date": "2025-06-20", "snapshotId": story.opening["id"]})["errors"][0]
    assert both["message"] == "opening: give either date or snapshotId"


DAYS = 60
FIRST = date(2025, 1, 1)


@pytest.fixture(scope="module")
def random_history(module_crm):
    """Two months in which twelve opportunities change by chance, some of it told late."""
    chance, clock = random.Random(7), FixedClock(at("2025-01-01"))
    client = module_crm(Forecasting, clock=clock)
    people(client)
    names = []
    for day in range(DAYS):
        tick(client, str(FIRST + timedelta(days=day)))
        today = str(FIRST + timedelta(days=day))
        if day % 5 == 0:
            names.append(f"deal {day}")
            enter(
                client,
                deal(
                    names[-1],
                    chance.choice([None, 100, 250.5]),
                    openedOn=str(FIRST + timedelta(days=chance.randint(0, day))),
                ),
            )
        name = chance.choice(names)
        state = client.query(
            "query ($name: String!) { opportunities(where: {name: {eq: $name}, deletedAt: {}}) { nodes { id outcome deletedAt } } }",
            name=name,
        )["opportunities"]["nodes"][0]
        due = str(FIRST + timedelta(days=chance.randint(0, 120)))
        act = chance.choice(["amount", "date", "late", "win", "lose", "delete"])
        if state["deletedAt"]:
            client.query(
                "mutation ($id: ID!) { restoreOpportunity(input: {id: $id}) { userErrors { message } } }",
                id=state["id"],
            )
        elif state["outcome"] != "OPEN":
            change(client, name, status="FOLLOWING", stageId=stage("B"))
        elif act == "amount":
            change(client, name, expectedAmount={"amount": str(chance.randint(0, 500))})
        elif act == "date":
            change(client, name, expectedCloseDate=due)
        elif act == "late":
            move(client, name, chance.choice("BCD"), str(FIRST + timedelta(days=chance.randint(0, day))))
        elif act == "win":
            move(client, name, "F", today)
        elif act == "lose":
            change(client, name, status="LOST", lossReason="PRICE", lossSummary="Lost")
        else:
            client.query(
                "mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { userErrors { message } } }", id=state["id"]
            )
    client.states = client.query(
        """{ pipelineStates(first: 1000, where: {supersededAt: {isNull: true}}) { nodes {
            opportunityId validFrom validUntil outcome expectedCloseDate expectedAmount { amount } } } }"""
    )["pipelineStates"]["nodes"]
    return client


def open_at(states, day, by):
    """What an independent reading of the states says was open at the end of a day."""
    moment = f"{day}T23:59:59.999Z"
    held = [state for state in states if state["validFrom"] <= moment and (state["validUntil"] or "9") > moment]
    assert len({state["opportunityId"] for state in held}) == len(held)
    counted = [
        state
        for state in held
        if state["outcome"] == "OPEN" and (by is None or (state["expectedCloseDate"] or "9") <= by)
    ]
    return len(counted), sum(Decimal((state["expectedAmount"] or {"amount": 0})["amount"]) for state in counted)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_every_bridge_of_a_random_history_sums_exactly(random_history, data):
    first, last = sorted(data.draw(st.lists(st.integers(0, DAYS - 1), min_size=2, max_size=2)))
    by = data.draw(st.none() | st.integers(0, 120).map(lambda day: str(FIRST + timedelta(days=day))))
    keys = data.draw(st.sampled_from([None, [{"owner": {"name": True}}, {"openedOn": "MONTH"}]]))
    ends = [str(FIRST + timedelta(days=day)) for day in (first, last)]
    bridges = random_history.query(BRIDGE, opening={"date": ends[0]}, closing={"date": ends[1]}, by=by, keys=keys)[
        "pipelineBridge"
    ]
    for bridge in bridges:
        opening, closing = (Decimal(bridge[end]["amount"]) for end in ("opening", "closing"))
        assert opening + sum(steps(bridge).values()) == closing
    for end, day in zip(("opening", "closing"), ends, strict=True):
        count, amount = open_at(random_history.states, day, by)
        assert sum(bridge[f"{end}Count"] for bridge in bridges) == count
        assert sum(Decimal(bridge[end]["amount"]) for bridge in bridges) == amount
