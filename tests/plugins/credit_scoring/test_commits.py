"""Holds, and control of opportunities that become committed: by their stage, by hand, by their customer (C2, C4)."""

from datetime import UTC, datetime, timedelta

import pytest

from guanxi import FixedClock
from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from tests import data, writes
from tests.plugins.credit_scoring.credits import customer, deal, enter, invoice, limit, score

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
LIMIT = "CREDIT_LIMIT_EXCEEDED"
WIN = {"stageId": "stg_00000000000000000000000005", "status": "WON"}
COMMIT = {"forecastCategoryOverride": "COMMIT"}


@pytest.fixture(scope="module")
def warning(module_crm):
    return module_crm(CreditScoring, Forecasting, clock=FixedClock(NOON))


@pytest.fixture(scope="module")
def blocking(module_crm):
    return module_crm(
        CreditScoring, Forecasting, clock=FixedClock(NOON), plugins={"credit_scoring": {"control": "BLOCK"}}
    )


def limited(client, key, amount=100):
    id = enter(client, key)
    limit(client, id, amount)
    return id


def update(client, id, **given):
    return writes.payload(client, "update", "Opportunity", "id forecastCategory", id=id, **given)


def told(answer, kind="warnings"):
    return [(error["code"], *error["field"]) for error in answer[kind]]


def test_c4_a_commit_that_breaches_the_limit_warns_once(warning):
    id = limited(warning, "commit")
    invoice(warning, "commit-1", "commit", 60, "2025-06-01", "2025-07-01")
    fits, breaks = deal(warning, id, 40), deal(warning, id, 41)
    done = update(warning, fits, **COMMIT)
    assert (done["record"]["forecastCategory"], told(done)) == ("COMMIT", [])
    found = update(warning, breaks, **COMMIT)
    assert told(found) == [(LIMIT, "forecastCategoryOverride")]
    assert found["warnings"][0]["plugin"] == "credit_scoring"
    assert found["warnings"][0]["message"] == (
        "forecastCategoryOverride: Commit would reach an exposure of 141.00, 41.00 above the credit limit of 100.00 CNY"
    )
    # It stays committed: what changes besides is not warned about again, what enlarges it is.
    assert told(update(warning, breaks, name="Renamed")) == []
    assert told(update(warning, breaks, stageId="stg_00000000000000000000000003")) == []
    assert told(update(warning, breaks, expectedAmount={"amount": "42"})) == [(LIMIT, "expectedAmount")]
    assert told(update(warning, breaks, forecastCategoryOverride="PIPELINE")) == []
    assert told(update(warning, breaks, **COMMIT)) == [(LIMIT, "forecastCategoryOverride")]


def test_c4_a_stage_that_makes_it_a_commit_warns_as_well(warning):
    id = limited(warning, "staged")
    one = deal(warning, id, 101)
    moved = warning.query(
        """mutation ($id: ID!) { moveOpportunity(input: {id: $id, stageKey: "E"}) {
            opportunity { forecastCategory } userErrors { code } warnings { code field } } }""",
        id=one,
    )["moveOpportunity"]
    assert moved["opportunity"] == {"forecastCategory": "COMMIT"}
    assert told(moved) == [(LIMIT, "stageId")]
    new = writes.payload(
        warning, "create", "Opportunity", name="New", customerId=id, expectedAmount={"amount": "1"}, **COMMIT
    )
    assert told(new) == [(LIMIT, "forecastCategoryOverride")]
    elsewhere = limited(warning, "elsewhere", 50)
    assert told(update(warning, one, customerId=elsewhere)) == [(LIMIT, "customerId")]
    writes.done(warning, "delete", "Opportunity", one)
    assert [code for code, *_ in told(writes.done(warning, "restore", "Opportunity", one))] == [LIMIT]


def test_c4_a_commit_is_refused_by_policy_unless_a_reason_is_given(blocking):
    id = limited(blocking, "refused")
    one = deal(blocking, id, 101)
    refused = update(blocking, one, **COMMIT)
    assert (refused["record"], told(refused, "userErrors")) == (None, [(LIMIT, "forecastCategoryOverride")])
    assert writes.read(blocking, "Opportunity", one, "forecastCategoryOverride") == {"forecastCategoryOverride": None}
    excused = update(blocking, one, creditOverrideReason="Paid in advance", **COMMIT)
    assert told(excused) == [(LIMIT, "forecastCategoryOverride")]
    kept = writes.read(blocking, "Opportunity", one, "creditOverrides { nodes { reason exposure { amount } } }")
    assert kept["creditOverrides"]["nodes"] == [{"reason": "Paid in advance", "exposure": {"amount": "101.00"}}]


def test_c4_the_commits_of_a_batch_add_up_but_for_those_that_are_refused(blocking):
    id = limited(blocking, "batch")
    rows = [
        {
            "externalIds": [data.key(f"batch-{number}")],
            "name": f"Batch {number}",
            "customerId": id,
            "expectedAmount": {"amount": str(amount)},
            **COMMIT,
        }
        for number, amount in enumerate((60, 50, 40, 1))
    ]
    done = writes.upserted(blocking, "opportunities", rows)
    assert [result["status"] for result in done["results"]] == ["CREATED", "FAILED", "CREATED", "FAILED"]
    assert customer(blocking, "batch", "creditExposure { amount }") == {"creditExposure": {"amount": "100.00"}}


HOLD = """mutation ($input: PlaceCreditHoldInput!) { done: placeCreditHold(input: $input) {
    customer { isOnCreditHold } userErrors { code field message } } }"""
RELEASE = """mutation ($input: ReleaseCreditHoldInput!) { done: releaseCreditHold(input: $input) {
    customer { isOnCreditHold creditHolds { nodes { reason placedOn placedBy until releaseReason releasedBy releasedOn } } }
    userErrors { code field } } }"""


def held(client, id, reason="Cheques bounced", **given):
    return client.query(HOLD, input={"customerId": id, "reason": reason, **given})["done"]


def released(client, id, reason="Paid"):
    return client.query(RELEASE, input={"customerId": id, "reason": reason})["done"]


def test_c2_a_hold_is_obeyed_by_control_until_it_is_released(warning, blocking):
    for client, kind in ((warning, "warnings"), (blocking, "userErrors")):
        id = enter(client, "held")
        won, committed, open_ = deal(client, id, 10), deal(client, id, 10), deal(client, id, 10)
        assert held(client, id) == {"customer": {"isOnCreditHold": True}, "userErrors": []}
        assert told(update(client, won, **WIN), kind) == [("CREDIT_HOLD", "status")]
        assert told(update(client, committed, **COMMIT), kind) == [("CREDIT_HOLD", "forecastCategoryOverride")]
        found = update(client, open_, expectedAmount={"amount": "11"})
        assert told(found, kind) == [("CREDIT_HOLD", "expectedAmount")]
        assert "Held is on credit hold (Cheques bounced)" in found[kind][0]["message"]
        assert told(update(client, open_, expectedAmount={"amount": "9"}), kind) == []
        assert told(released(client, id), "userErrors") == []
        assert told(update(client, won, **WIN), kind) == []


def test_c2_a_hold_is_kept_with_reason_and_authors_and_there_is_one_at_a_time(warning):
    id = enter(warning, "kept")
    assert told(released(warning, id), "userErrors") == [("NOT_ON_HOLD", "customerId")]
    assert told(held(warning, id, reason=" ", until="2025-06-14"), "userErrors") == [
        ("INVALID", "reason"),
        ("INVALID", "until"),
    ]
    held(warning, id, until="2025-06-30")
    assert told(held(warning, id), "userErrors") == [("ON_HOLD", "customerId")]
    found = warning.query(
        "query ($id: ID!) { customers(where: {id: {eq: $id}, isOnCreditHold: {eq: true}}) { totalCount } }", id=id
    )
    assert found["customers"]["totalCount"] == 1
    assert released(warning, id)["customer"] == {
        "isOnCreditHold": False,
        "creditHolds": {
            "nodes": [
                {
                    "reason": "Cheques bounced",
                    "placedOn": "2025-06-15",
                    "placedBy": "local",
                    "until": "2025-06-30",
                    "releaseReason": "Paid",
                    "releasedBy": "local",
                    "releasedOn": "2025-06-15",
                }
            ]
        },
    }
    told_of = warning.query("query ($id: ID!) { events(entity: $id) { nodes { type data } } }", id=id)["events"]
    assert [(node["type"], node["data"]) for node in told_of["nodes"]][-2:] == [
        ("CREDIT_HOLD_PLACED", {"reason": "Cheques bounced", "until": "2025-06-30"}),
        ("CREDIT_HOLD_RELEASED", {"reason": "Paid"}),
    ]


def test_c2_a_hold_ends_after_its_last_day(crm):
    clock = FixedClock(NOON)
    client = crm(CreditScoring, clock=clock)
    id = enter(client, "brief")
    held(client, id, until="2025-06-16")
    days = []
    for _ in range(3):
        days.append(customer(client, "brief", "isOnCreditHold")["isOnCreditHold"])
        clock.moment += timedelta(days=1)
    assert days == [True, True, False]
    assert told(held(client, id), "userErrors") == []


def test_c2_an_incomplete_evaluation_is_controlled_as_the_policy_rates_it(crm):
    client = crm(CreditScoring, clock=FixedClock(NOON), plugins={"credit_scoring": {"incomplete": "WORST"}})
    id = score(client, "unknown", "85", None, "90")
    fields = "creditStatus creditScore creditRisk creditGaps creditEvaluations { nodes { policy { incomplete } } }"
    assert customer(client, "unknown", fields) == {
        "creditStatus": "INCOMPLETE",
        "creditScore": None,
        "creditRisk": "HIGH",
        "creditGaps": ["NO_LIMIT", "NOTHING_INVOICED", "TOO_FEW_INVOICES", "NO_SCORE"],
        "creditEvaluations": {"nodes": [{"policy": {"incomplete": "WORST"}}]},
    }
    answer = writes.payload(client, "update", "Opportunity", id=deal(client, id, 10), **WIN)
    assert "Unknown is a high credit risk (its evaluation is incomplete)" in answer["warnings"][0]["message"]
