"""The job: the past is completed, a snapshot a period, forecasts that are judged once their month is over."""

import sys
from datetime import date

import pytest
from sqlmodel import col, update

from guanxi import FixedClock
from guanxi.records import Opportunity
from plugins.forecasting import Forecasting
from plugins.forecasting.models import WinModel
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model.model import Definition
from tests.plugins.forecasting.sales import at, deal, enter, live_until_june, tick, won

RUNS = """{ forecastRuns(orderBy: [{method: ASC}]) { nodes {
    method periodStart periodEnd asOf revenue { amount } wins actualRevenue { amount } actualWins errorPercent factors } } }"""
SNAPSHOTS = "{ pipelineSnapshots(orderBy: [{asOf: ASC}]) { nodes { kind asOf openCount } } }"


@pytest.fixture(scope="module")
def client(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-01-01")))
    live_until_june(made)
    return made


def test_a_snapshot_is_taken_once_a_week_and_forecasts_are_judged_when_the_month_is_over(client):
    tick(client, "2025-06-16")  # a Monday
    told = client.run_job("pipeline_snapshots")
    assert told.startswith("0 opportunities brought up to date; snapshot psn_") and told.endswith(" of 5 open ones")
    assert client.run_job("pipeline_snapshots") == "0 opportunities brought up to date"
    tick(client, "2025-06-22")
    client.run_job("pipeline_snapshots")
    assert len(client.query(SNAPSHOTS)["pipelineSnapshots"]["nodes"]) == 1
    made = {run["method"]: run for run in client.query(RUNS)["forecastRuns"]["nodes"]}
    assert made.pop("SEASONAL")["revenue"] is None
    assert {method: run["revenue"]["amount"] for method, run in made.items()} == {
        "FORMULA": "200000.00",
        "STAGE_WEIGHTED": "450000.00",
        "TREND": "86666.67",
    }
    assert made["FORMULA"]["factors"][2] == "CONVERSION_BY_AMOUNT 2025-03-01 to 2025-05-31: 25.00"
    assert {run["actualRevenue"] for run in made.values()} == {None}
    tick(client, "2025-07-31")
    enter(client, won("in july", 250_000, "2025-07-31", openedOn="2025-06-01"))
    tick(client, "2025-08-01")
    judged = {run["method"]: run for run in client.query(RUNS)["forecastRuns"]["nodes"]}
    assert {(run["actualRevenue"]["amount"], run["actualWins"]) for run in judged.values()} == {("250000.00", 1)}
    assert {method: run["errorPercent"] for method, run in judged.items()} == {
        "FORMULA": "-20.00",
        "STAGE_WEIGHTED": "80.00",
        "TREND": "-65.33",
        "SEASONAL": None,
    }


def test_a_new_week_has_its_own_snapshot(client):
    tick(client, "2025-08-04")
    client.run_job("pipeline_snapshots")
    kinds = [(node["kind"], node["asOf"][:10]) for node in client.query(SNAPSHOTS)["pipelineSnapshots"]["nodes"]]
    assert kinds == [("SCHEDULED", "2025-06-16"), ("SCHEDULED", "2025-08-04")]


def test_the_job_completes_what_nobody_told(client):
    tick(client, "2025-08-05")

    def silently(session):
        arises = update(Opportunity).where(col(Opportunity.name) == "arises")
        session.execute(arises.values(expected_close_date=date(2026, 1, 1)))

    client.app.database.retrying(silently)
    assert client.run_job("pipeline_snapshots") == "1 opportunities brought up to date"
    dates = client.query(
        '{ pipelineStates(where: {opportunity: {name: {eq: "arises"}}}, orderBy: [{validFrom: DESC}], first: 1) { nodes { expectedCloseDate } } }'
    )
    assert dates["pipelineStates"]["nodes"] == [{"expectedCloseDate": "2026-01-01"}]


def test_without_the_library_nothing_is_trained_and_what_was_trained_elsewhere_still_predicts(client, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    missing = "scikit-learn is not installed; install guanxi[forecasting]"
    made = client.query("mutation { trainWinModel(input: {}) { model { id } userErrors { code message } } }")[
        "trainWinModel"
    ]
    assert made == {"model": None, "userErrors": [{"code": "NOT_POSSIBLE", "message": missing}]}
    now = client.app.services.clock.now()
    definition = Definition(0.0, {}, {"region": {"North": 1.2}}).to_json()

    def restore(session):
        stamps = {"created_at": now, "created_by": "test", "updated_at": now, "updated_by": "test"}
        told = {"trained_at": now, "status": ModelStatus.IN_USE, "algorithm": "test", "decided": 0, "won": 0}
        session.add(WinModel(**stamps, **told, definition=definition))

    client.app.database.retrying(restore)
    enter(client, deal("predicted", 100, region="North"))
    found = client.query(
        '{ opportunities(where: {name: {eq: "predicted"}}) { nodes { winProbability winProbabilitySource modelReasons } } }'
    )["opportunities"]["nodes"]
    assert found == [
        {"winProbability": "77.00", "winProbabilitySource": "MODEL", "modelReasons": ["+1.20 region is North"]}
    ]
    assert client.run_job("win_model") == f"5 predictions changed; no new model: {missing}"
