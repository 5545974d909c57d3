"""Training through the API, where the optional library is there: used when better, refused when not, kept with reasons."""

import random
from datetime import date, timedelta
from importlib.util import find_spec

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.plugins.forecasting.sales import at, deal, enter, lost, people, stage, tick, won

# Not imported here: both processes of the suite collect this file, and it takes two seconds.
pytestmark = pytest.mark.skipif(find_spec("sklearn") is None, reason="the optional library is not there")

TRAIN = """mutation ($dryRun: Boolean!) { trainWinModel(input: {dryRun: $dryRun}) {
    model { id status reason decided won judgedOn algorithm auc brier baselineBrier stageBrier
      calibration { nodes { lower upper opportunities predicted observed } }
      weights(where: {property: {eq: "region"}}) { nodes { property value weight } } }
    status reason decided auc brier userErrors { code message } } }"""
OPEN = """{ opportunities(where: {outcome: {eq: OPEN}}, orderBy: [{name: ASC}]) { nodes {
    name winProbability winProbabilitySource modelWinProbability modelReasons modelScoredAt weightedAmount { amount } } } }"""


def history(chance, share_of):
    """240 opportunities decided one after the other, won with a chance that depends on the region."""
    rows = []
    for number in range(240):
        region = "North" if number % 2 else "South"
        decide = won if chance.random() < share_of[region] else lost
        day = date(2024, 1, 1) + timedelta(days=number)
        opened = str(day - timedelta(days=chance.randint(5, 60)))
        rows.append(decide(f"d{number:03d}", 100, str(day), region=region, openedOn=opened, expectedCloseDate=str(day)))
    return rows


def train(client, *, dry_run=False):
    return client.query(TRAIN, dryRun=dry_run)["trainWinModel"]


@pytest.fixture(scope="module")
def client(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-06-15")))
    people(made)
    enter(made, *history(random.Random(3), {"North": 0.85, "South": 0.15}))
    enter(
        made,
        deal("open north", 1000, region="North", stageId=stage("A")),
        deal("open south", 1000, region="South", stageId=stage("D")),
        deal("said", 1000, region="North", winProbabilityOverride="0"),
    )
    return made


def opened(client):
    return {node["name"]: node for node in client.query(OPEN)["opportunities"]["nodes"]}


def test_a_preview_tells_how_good_it_would_be_and_writes_nothing(client):
    tried = train(client, dry_run=True)
    assert (tried["model"], tried["status"], tried["decided"]) == (None, "IN_USE", 240)
    assert float(tried["auc"]) > 0.7
    assert client.query("{ winModels { totalCount } }") == {"winModels": {"totalCount": 0}}
    assert opened(client)["open north"]["winProbabilitySource"] == "STAGE"


def test_a_model_that_is_better_is_used_kept_and_explained(client):
    model = train(client)["model"]
    assert (model["status"], model["reason"], model["decided"], model["judgedOn"]) == ("IN_USE", None, 240, 60)
    assert model["algorithm"].startswith("logistic regression, scikit-learn ")
    assert float(model["brier"]) < min(float(model["baselineBrier"]), float(model["stageBrier"]))
    assert sum(float(band["opportunities"]) for band in model["calibration"]["nodes"]) == pytest.approx(60, abs=0.1)
    weights = {node["value"]: float(node["weight"]) for node in model["weights"]["nodes"]}
    assert weights["North"] > 0.5 and weights["South"] < -0.5


def test_predictions_are_win_probabilities_with_reasons_but_an_override_of_0_stays(client):
    found = opened(client)
    north, south = found["open north"], found["open south"]
    assert float(north["winProbability"]) > 60 > 40 > float(south["winProbability"])
    assert north["winProbability"] == north["modelWinProbability"] and north["winProbabilitySource"] == "MODEL"
    assert any(reason.endswith("region is North") and reason.startswith("+") for reason in north["modelReasons"])
    assert float(north["weightedAmount"]["amount"]) == pytest.approx(float(north["winProbability"]) * 10)
    assert (found["said"]["winProbability"], found["said"]["winProbabilitySource"]) == ("0.00", "OVERRIDE")
    ordered = client.query(
        '{ opportunities(where: {modelWinProbability: {gt: "50"}}, orderBy: [{modelWinProbability: DESC}]) { totalCount } }'
    )
    assert ordered["opportunities"]["totalCount"] == 2


def test_a_prediction_is_part_of_the_pipelines_past(client):
    states = client.query(
        '{ pipelineStates(where: {opportunity: {name: {eq: "open north"}}}, orderBy: [{recordedAt: DESC}, {validFrom: DESC}], first: 1) { nodes { winProbability } } }'
    )["pipelineStates"]["nodes"]
    assert states == [{"winProbability": opened(client)["open north"]["winProbability"]}]


def test_what_changes_is_predicted_at_once_and_what_is_decided_has_no_prediction(client):
    enter(client, deal("open south", 1000, region="North"))
    after = opened(client)["open south"]
    assert float(after["modelWinProbability"]) > 60
    enter(client, lost("open south", 1000, "2025-06-15"))
    gone = client.query(
        '{ opportunities(where: {name: {eq: "open south"}}) { nodes { winProbability winProbabilitySource modelWinProbability } } }'
    )["opportunities"]["nodes"]
    assert gone == [{"winProbability": "0.00", "winProbabilitySource": "OUTCOME", "modelWinProbability": None}]


def test_the_job_trains_once_a_week_and_predicts_in_between(client):
    tick(client, "2025-06-16")
    assert client.run_job("win_model").endswith(" predictions changed")
    tick(client, "2025-06-23")
    assert " is IN_USE" in client.run_job("win_model")
    found = client.query("{ winModels(orderBy: [{trainedAt: ASC}]) { nodes { status } } }")["winModels"]["nodes"]
    assert [node["status"] for node in found] == ["RETIRED", "IN_USE"]


def test_a_model_that_is_no_better_is_refused_and_what_was_predicted_before_is_taken_back(client):
    turned = []
    for row in history(random.Random(5), {"North": 0.02, "South": 0.98}):
        day = date.fromisoformat(row["closedOn"]) + timedelta(days=400)
        moment = {name: f"{day}T12:00:00Z" for name in ("wonAt", "lostAt") if name in row}
        id = {"externalIds": [{"system": "turned", "value": row["name"]}]}
        turned.append(row | id | moment | {"closedOn": str(day), "openedOn": str(day - timedelta(days=10))})
    now = client.app.services.clock.source.moment
    tick(client, "2027-12-31")
    enter(client, *turned)
    client.app.services.clock.source.moment = now
    model = train(client)["model"]
    assert (model["status"], model["reason"].partition(":")[0]) == (
        "REFUSED",
        "it predicts no better than the win rate so far",
    )
    assert opened(client)["open north"]["winProbabilitySource"] == "STAGE"
    assert client.query("{ winModels(where: {status: {eq: IN_USE}}) { totalCount } }") == {
        "winModels": {"totalCount": 0}
    }


def test_a_small_history_is_refused_with_its_reason_and_the_first_model_is_trained_by_hand(crm):
    client = crm(Forecasting, clock=FixedClock(at("2025-06-15")))
    assert client.run_job("win_model") == "no model yet; train the first one with trainWinModel"
    made = train(client)
    assert (made["status"], made["reason"]) == (
        "REFUSED",
        "0 decided opportunities are too few to train on; there must be at least 200",
    )
    off = crm(Forecasting, clock=FixedClock(at("2025-06-15")), plugins={"forecasting": {"use_model": False}})
    assert train(off)["userErrors"] == [
        {
            "code": "NOT_POSSIBLE",
            "message": "predictions are switched off; set GUANXI_PLUGINS__FORECASTING__USE_MODEL=true",
        }
    ]
