"""Stage pass and win rates by cohort against presets, and targets by stage: the worked examples of O6 and F10."""

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.data import key
from tests.plugins.forecasting.sales import at, change, deal, enter, move, people, stage, tick

RATES = """query ($first: Date!, $last: Date!, $by: [OpportunityGroupKey!], $where: OpportunityWhere) {
  stageRates(firstDay: $first, lastDay: $last, by: $by, where: $where) {
    stage { key } keys { owner { name } } entered passed passRate presetPassRate passRateDifference
    won lost open winRateOfDecided winRateOfAll presetWinRate winRateDifference } }"""


@pytest.fixture(scope="module")
def client(module_crm):
    """20 enter B in May: 12 go on to C, of which 8 are won, two of them after a step back; 6 of B's are lost.

    One more is deleted.
    """
    made = module_crm(Forecasting, clock=FixedClock(at("2025-05-01")))
    people(made)
    rows = [deal(f"o{n:02d}", 100, openedOn="2025-05-01", expectedCloseDate="2025-06-30") for n in range(20)]
    rows[19] |= {"ownerExternalId": key("bo")}
    enter(made, *rows, deal("deleted", 100, openedOn="2025-05-01", expectedCloseDate="2025-06-30"))
    (gone,) = made.query('{ opportunities(where: {name: {eq: "deleted"}}) { nodes { id } } }')["opportunities"]["nodes"]
    made.query("mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { userErrors { code } } }", id=gone["id"])
    tick(made, "2025-05-10")
    enter(made, *({"name": row["name"], "externalIds": row["externalIds"], "stageId": stage("B")} for row in rows))
    tick(made, "2025-06-10")
    enter(made, *({"name": f"o{n:02d}", "externalIds": [key(f"o{n:02d}")], "stageId": stage("C")} for n in range(12)))
    tick(made, "2025-06-15")
    for name in ("o00", "o01"):
        move(made, name, "B", "2025-06-15")
    tick(made, "2025-06-20")
    for n in range(8):
        move(made, f"o{n:02d}", "F", "2025-06-20")
    for n in range(10, 16):
        change(made, f"o{n:02d}", status="LOST", lossReason="PRICE", lossSummary="Too expensive")
    return made


def rates(client, first="2025-05-01", last="2025-05-31", **more):
    return client.query(RATES, first=first, last=last, **more)["stageRates"]


def test_o6_20_entered_b_12_entered_c_8_were_won_6_lost_6_are_open(client):
    told = {rate["stage"]["key"]: rate for rate in rates(client)}
    assert list(told) == ["A", "B", "C", "D", "E", "F"]
    b = told["B"]
    assert (b["entered"], b["passed"], b["passRate"]) == (20, 12, "60.00")
    assert (b["won"], b["lost"], b["open"]) == (8, 6, 6)
    assert (b["winRateOfDecided"], b["winRateOfAll"]) == ("57.14", "40.00")
    assert (told["A"]["passed"], told["C"]["entered"], told["C"]["passRate"]) == (20, 0, None)


def test_o6_rates_are_held_against_presets(client):
    c = next(rate for rate in rates(client, "2025-06-01", "2025-06-30") if rate["stage"]["key"] == "C")
    assert (c["entered"], c["passed"], c["passRate"], c["presetPassRate"], c["passRateDifference"]) == (
        12,
        8,
        "66.67",
        "60.00",
        "6.67",
    )
    assert (c["presetWinRate"], c["winRateDifference"]) == ("50.00", "30.00")


def test_o6_an_opportunity_counts_once_however_often_it_comes_back_and_nothing_passes_the_last_stage(client):
    june = {rate["stage"]["key"]: rate for rate in rates(client, "2025-06-01", "2025-06-30")}
    assert june["B"]["entered"] == 0
    assert (june["F"]["entered"], june["F"]["passRate"]) == (8, None)


def test_o6_by_any_key_and_of_some(client):
    by_owner = [rate for rate in rates(client, by=[{"owner": {"name": True}}]) if rate["stage"]["key"] == "B"]
    assert {rate["keys"]["owner"]["name"]: rate["entered"] for rate in by_owner} == {"Ann": 19, "Bo": 1}
    some = next(rate for rate in rates(client, where={"outcome": {"eq": "WON"}}) if rate["stage"]["key"] == "B")
    assert (some["entered"], some["keys"]) == (8, None)


def test_o6_a_period_runs_forward(client):
    errors = client.execute(RATES, first="2025-06-01", last="2025-05-01")["errors"]
    assert errors[0]["message"] == "lastDay: 2025-05-01 is before firstDay, 2025-06-01; give a later one"


NEEDS = """query ($id: ID!) { targetByStage(targetId: $id) {
    stage { key } amount { amount } weightedAmount { amount } winRate needed { amount } coverage } }"""


def test_f10_a_target_is_divided_by_stage(client):
    create = "mutation ($input: CreateSalesTargetInput!) { createSalesTarget(input: $input) { salesTarget { id gap } userErrors { message } } }"
    ann = {node["name"]: node["id"] for node in client.query("{ users { nodes { id name } } }")["users"]["nodes"]}[
        "Ann"
    ]
    target = {"metric": "WON_AMOUNT", "grain": "QUARTER", "periodStart": "2025-04-01", "value": "1100", "userId": ann}
    made = client.query(create, input=target)["createSalesTarget"]["salesTarget"]
    assert made["gap"] == "300.00"
    told = {need["stage"]["key"]: need for need in client.query(NEEDS, id=made["id"])["targetByStage"]}
    assert list(told) == ["A", "B", "C", "D", "E"]
    assert told["C"] == {
        "stage": {"key": "C"},
        "amount": {"amount": "200.00"},
        "weightedAmount": {"amount": "100.00"},
        "winRate": "50.00",
        "needed": {"amount": "600.00"},
        "coverage": "33.33",
    }
    assert (told["B"]["amount"]["amount"], told["D"]["amount"]["amount"], told["D"]["coverage"]) == (
        "300.00",
        "0.00",
        "0.00",
    )


def test_f10_only_a_target_of_won_amount_goes_by_stage(client):
    create = "mutation ($input: CreateSalesTargetInput!) { createSalesTarget(input: $input) { salesTarget { id } userErrors { message } } }"
    target = {"metric": "WIN_RATE", "grain": "MONTH", "periodStart": "2025-06-01", "value": "50"}
    id = client.query(create, input=target)["createSalesTarget"]["salesTarget"]["id"]
    (error,) = client.execute(NEEDS, id=id)["errors"]
    assert error["message"] == f"targetId: {id} is of WIN_RATE; only a target of WON_AMOUNT can be divided by stage"
    (missing,) = client.execute(NEEDS, id="sgt_01h455vb4pex5vsknk084sn02q")["errors"]
    assert missing["message"].startswith("targetId: there is no target 'sgt_01h455vb4pex5vsknk084sn02q'")
