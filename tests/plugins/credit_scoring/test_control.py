"""Control of opportunities on every path: what warns, what is refused, what a reason lets through (C2)."""

from datetime import UTC, datetime

import pytest

from guanxi import FixedClock
from plugins.credit_scoring import CreditScoring
from plugins.value_tiering import ValueTiering
from tests import data, writes
from tests.imports import Folder
from tests.plugins.credit_scoring.credits import customer, deal, enter, invoice, limit, score

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


def stage(key):
    return f"stg_0000000000000000000000000{'ABCDEF'.index(key) + 1}"


WIN = {"stageId": stage("E"), "status": "WON"}


@pytest.fixture(scope="module")
def warning(module_crm):
    """An app that warns, whose pages are smaller than its batches."""
    return module_crm(CreditScoring, clock=FixedClock(NOON), default_page_size=1, maximum_page_size=2)


@pytest.fixture(scope="module")
def blocking(module_crm):
    return module_crm(CreditScoring, clock=FixedClock(NOON), plugins={"credit_scoring": {"control": "BLOCK"}})


def bad(client, key):
    return score(client, key, "50", "40", "30")


def said(answer):
    assert not answer["userErrors"]
    assert all(warning["plugin"] == "credit_scoring" for warning in answer["warnings"])
    return [(warning["code"], warning["field"]) for warning in answer["warnings"]]


def refused(answer):
    assert answer["record"] is None and not answer["warnings"]
    return [(error["code"], error["field"]) for error in answer["userErrors"]]


HIGH = ("HIGH_CREDIT_RISK", ["status"])
LIMIT = ("CREDIT_LIMIT_EXCEEDED", ["status"])


def test_c2_winning_warns_for_a_high_risk_and_not_for_a_low_one(warning):
    risky = deal(warning, bad(warning, "risky"), 10)
    answer = writes.payload(warning, "update", "Opportunity", id=risky, **WIN)
    assert said(answer) == [HIGH]
    assert answer["warnings"][0]["message"] == "status: Risky is a high credit risk (score 41.00)"
    solid = deal(warning, score(warning, "solid", "85", "70", "90"), 10)
    assert said(writes.payload(warning, "update", "Opportunity", id=solid, **WIN)) == []


def test_c2_winning_is_refused_for_a_high_risk_and_not_for_a_low_one(blocking):
    risky = deal(blocking, bad(blocking, "risky"), 10)
    answer = writes.payload(blocking, "update", "Opportunity", id=risky, **WIN)
    assert refused(answer) == [HIGH]
    assert answer["userErrors"][0]["message"] == (
        "status: Risky is a high credit risk (score 41.00); refused unless creditOverrideReason gives a reason to override"
    )
    assert writes.read(blocking, "Opportunity", risky, "status version") == {"status": "DRAFT", "version": 1}
    solid = deal(blocking, score(blocking, "solid", "85", "70", "90"), 10)
    assert said(writes.payload(blocking, "update", "Opportunity", id=solid, **WIN)) == []


def test_c2_every_path_is_controlled(blocking, tmp_path):
    id = bad(blocking, "paths")
    assert refused(writes.payload(blocking, "create", "Opportunity", name="New", customerId=id, **WIN)) == [HIGH]
    open_deal = deal(blocking, id, 10)
    moved = blocking.query(
        """mutation ($id: ID!) { moveOpportunity(input: {id: $id, stageKey: "F"}) {
            record: opportunity { id } userErrors { code field } warnings { code } } }""",
        id=open_deal,
    )["moveOpportunity"]
    assert refused(moved) == [HIGH]
    row = {"id": open_deal, "stageId": stage("F")}
    for dry in (True, False):
        upserted = writes.upserted(blocking, "opportunities", [row], matchBy="ID", dryRun=dry)
        assert (upserted["failed"], refused(upserted["results"][0])) == (1, [HIGH])
    folder = Folder(tmp_path)
    counts = folder.load(
        blocking,
        """
        [[record]]
        type = "Opportunity"
        key = { system = "deals", column = "no" }
        [record.fields]
        name = "name"
        customer = { system = "test", column = "who" }
        stage = { by = "key", column = "stage" }
        creditOverrideReason = "why"
        """,
        """
        no,name,who,stage,why
        1,Refused,paths,F,
        2,Open,paths,B,
        3,Let through,paths,F,Paid in advance
        """,
    )
    assert counts == {"opportunity": {"created": 2, "rejected": 1}}
    assert [(line, "high credit risk" in reason) for line, _, reason in folder.rejected()] == [(2, True)]
    assert [warned.line for warned in folder.report.warnings] == [4]
    kept = customer(blocking, "paths", "creditOverrides { nodes { reason opportunity { name } overriddenBy } }")
    assert kept["creditOverrides"]["nodes"] == [
        {"reason": "Paid in advance", "opportunity": {"name": "Let through"}, "overriddenBy": "import"}
    ]


def test_c2_enlarging_is_controlled_making_smaller_and_opening_are_not(blocking):
    id = bad(blocking, "sizes")
    one = deal(blocking, id, 100)
    larger = writes.payload(blocking, "update", "Opportunity", id=one, expectedAmount={"amount": "100.01"})
    assert refused(larger) == [("HIGH_CREDIT_RISK", ["expectedAmount"])]
    smaller = writes.payload(blocking, "update", "Opportunity", id=one, expectedAmount={"amount": "99.99"})
    assert said(smaller) == []
    assert said(writes.payload(blocking, "update", "Opportunity", id=one, name="Renamed")) == []
    writes.changed(blocking, "Opportunity", one, status="LOST", lossReason="PRICE", lossSummary="Too dear")
    lost = writes.payload(blocking, "update", "Opportunity", id=one, expectedAmount={"amount": "500"})
    assert said(lost) == []


def test_c4_winning_beyond_the_limit_is_refused_and_up_to_it_is_not(blocking):
    id = enter(blocking, "edge")
    limit(blocking, id, 100_000)
    invoice(blocking, "edge-1", "edge", 80_000, "2025-06-01", "2025-07-01")
    over, fits = deal(blocking, id, 30_000), deal(blocking, id, 20_000)
    answer = writes.payload(blocking, "update", "Opportunity", id=over, **WIN)
    assert refused(answer) == [LIMIT]
    assert (
        "Edge would reach an exposure of 110000.00, 10000.00 above the credit limit of 100000.00 CNY"
        in (answer["userErrors"][0]["message"])
    )
    assert said(writes.payload(blocking, "update", "Opportunity", id=fits, **WIN)) == []
    enlarged = writes.payload(blocking, "update", "Opportunity", id=fits, expectedAmount={"amount": "20000.01"})
    assert refused(enlarged) == [("CREDIT_LIMIT_EXCEEDED", ["expectedAmount"])]


def test_c4_the_opportunities_of_a_batch_add_up_but_for_those_that_are_refused(blocking):
    id = enter(blocking, "batch")
    limit(blocking, id, 100)
    rows = [
        {
            "externalIds": [data.key(f"batch-{number}")],
            "name": f"Batch {number}",
            "customerId": id,
            "expectedAmount": {"amount": str(amount)},
            **WIN,
        }
        for number, amount in enumerate((60, 50, 40, 1))
    ]
    done = writes.upserted(blocking, "opportunities", rows)
    assert [result["status"] for result in done["results"]] == ["CREATED", "FAILED", "CREATED", "FAILED"]
    assert customer(blocking, "batch", "creditExposure { amount }") == {"creditExposure": {"amount": "100.00"}}


def test_c2_moving_what_is_won_to_a_customer_at_risk_and_restoring_it_are_winning(blocking):
    good, risky = enter(blocking, "good"), bad(blocking, "taker")
    won = deal(blocking, good, 10, **WIN)
    assert refused(writes.payload(blocking, "update", "Opportunity", id=won, customerId=risky)) == [HIGH]
    writes.done(blocking, "delete", "Opportunity", won)
    limit(blocking, good, 5)
    answer = writes.payload(blocking, "restore", "Opportunity", id=won)
    # Of a restoration nothing can be asked but its id.
    assert refused(answer) == [("CREDIT_LIMIT_EXCEEDED", ["id"])]
    assert answer["userErrors"][0]["message"].endswith("; put that right before it is restored")
    limit(blocking, good, 10)
    assert writes.payload(blocking, "restore", "Opportunity", id=won)["userErrors"] == []


def test_c2_a_reason_lets_it_through_with_a_warning_and_is_kept(blocking):
    id = bad(blocking, "excused")
    limit(blocking, id, 5)
    won = deal(blocking, id, 10)
    wordless = writes.payload(blocking, "update", "Opportunity", id=won, creditOverrideReason="x" * 1001, **WIN)
    assert ("INVALID", ["creditOverrideReason"]) in [(e["code"], e["field"]) for e in wordless["userErrors"]]
    answer = blocking.query(
        """mutation ($id: ID!) { moveOpportunity(input: {
            id: $id, stageKey: "F", creditOverrideReason: "Paid in advance"}) {
              userErrors { code } warnings { code field plugin } } }""",
        id=won,
    )["moveOpportunity"]
    assert said(answer) == [HIGH, LIMIT]
    found = writes.read(
        blocking,
        "Opportunity",
        won,
        """status creditOverrides { nodes { reason problems risk creditLimit { amount } exposure { amount }
            customer { name } overriddenAt overriddenBy } }""",
    )
    assert found == {
        "status": "WON",
        "creditOverrides": {
            "nodes": [
                {
                    "reason": "Paid in advance",
                    "problems": [
                        "Excused is a high credit risk (score 41.00)",
                        "Excused would reach an exposure of 10.00, 5.00 above the credit limit of 5.00 CNY",
                    ],
                    "risk": "HIGH",
                    "creditLimit": {"amount": "5.00"},
                    "exposure": {"amount": "10.00"},
                    "customer": {"name": "Excused"},
                    "overriddenAt": "2025-06-15T12:00:00.000Z",
                    "overriddenBy": "local",
                }
            ]
        },
    }


def test_c2_a_reason_that_nothing_needed_is_not_kept(blocking):
    fine = deal(blocking, enter(blocking, "fine"), 10)
    assert said(writes.payload(blocking, "update", "Opportunity", id=fine, creditOverrideReason="Just so", **WIN)) == []
    found = writes.read(blocking, "Opportunity", fine, "creditOverrides { totalCount }")
    assert found == {"creditOverrides": {"totalCount": 0}}


def test_c2_a_dry_run_tells_what_would_be_said_and_writes_nothing(blocking):
    one = deal(blocking, bad(blocking, "tried"), 10)
    refusal = writes.payload(blocking, "update", "Opportunity", id=one, dryRun=True, **WIN)
    assert refused(refusal) == [HIGH]
    reason = {"creditOverrideReason": "Paid in advance"}
    through = writes.payload(blocking, "update", "Opportunity", "status", id=one, dryRun=True, **reason, **WIN)
    assert said(through) == [HIGH]
    assert writes.read(blocking, "Opportunity", one, "status creditOverrides { totalCount }") == {
        "status": "DRAFT",
        "creditOverrides": {"totalCount": 0},
    }


def test_c2_a_batch_is_controlled_whatever_the_size_of_pages(warning):
    keys = ("p1", "p2", "p3")
    for key in keys:
        bad(warning, key)
    rows = [{"externalIds": [data.key(key)], "name": key, "customerExternalId": data.key(key), **WIN} for key in keys]
    done = writes.upserted(warning, "opportunities", rows)
    assert [said(result) for result in done["results"]] == [[HIGH]] * 3


def test_c2_control_can_be_off(crm):
    client = crm(CreditScoring, plugins={"credit_scoring": {"control": "OFF"}})
    one = deal(client, bad(client, "free"), 10)
    assert said(writes.payload(client, "update", "Opportunity", id=one, creditOverrideReason="Off", **WIN)) == []
    kept = writes.read(client, "Opportunity", one, "creditOverrides { totalCount }")
    assert kept == {"creditOverrides": {"totalCount": 0}}


def test_c4_without_a_plugin_that_knows_what_is_committed_only_what_is_won_counts(blocking):
    id = enter(blocking, "alone")
    deal(blocking, id, 90)
    assert customer(blocking, "alone", "creditExposure { amount }") == {"creditExposure": {"amount": "0.00"}}


def test_c5_value_tiering_learns_of_low_credit_by_field_name(crm):
    client = crm(CreditScoring, ValueTiering)
    names = ["one", "two", "three", "four", "five"]
    for place, key in enumerate(names):
        enter(client, key)
        sale = {
            "externalIds": [data.key(key)],
            "customerExternalId": data.key(key),
            "occurredOn": "2025-05-01",
            "actualAmount": {"amount": str(1000 - place)},
            "cost": {"amount": "100"},
        }
        data.upsert(client, "transactions", [sale])
    client.query("mutation { recomputeValueTiers(input: {}) { changed } }")
    bad(client, "five")
    score(client, "four", "85", "70", "90", cannotPerformContract=True)
    judged = {"customerExternalId": data.key("four"), "assessedOn": "2025-05-01", "relationshipScore": "90"}
    data.upsert(client, "valueAssessments", [{"externalIds": [data.key("four")], **judged}])
    fields = "valueTier smallKind abandonmentReasons effectiveCreditworthinessScore behaviourValue"
    assert customer(client, "five", fields) == {
        "valueTier": "SMALL",
        "smallKind": "LOW_CREDIT",
        "abandonmentReasons": [],
        "effectiveCreditworthinessScore": "41.00",
        "behaviourValue": None,
    }
    assert customer(client, "four", fields) == {
        "valueTier": "SMALL",
        "smallKind": "LOW_PROFIT",
        "abandonmentReasons": ["CANNOT_PERFORM_CONTRACT"],
        "effectiveCreditworthinessScore": "82.00",
        "behaviourValue": "86.00",
    }
    assert customer(client, "one", "valueTier smallKind") == {"valueTier": "IMPORTANT", "smallKind": None}


GROUP = ("GROUP_LIMIT_EXCEEDED", ["status"])


def test_c4_a_group_is_judged_by_the_limit_of_its_parent(warning, crm):
    parent = enter(warning, "parent")
    limit(warning, parent, 100)
    below = [enter(warning, f"child {n}", parentExternalId=data.key("parent")) for n in range(2)]
    grandchild = enter(warning, "grandchild", parentExternalId=data.key("child 0"))
    first, second, third = (deal(warning, id, 60) for id in (*below, grandchild))
    assert said(writes.payload(warning, "update", "Opportunity", id=first, **WIN)) == []
    answer = writes.payload(warning, "update", "Opportunity", id=second, **WIN)
    assert said(answer) == [GROUP]
    assert answer["warnings"][0]["message"] == (
        "status: Parent and the customers below it would reach an exposure of 120.00, 20.00 above the credit limit of "
        "100.00 CNY"
    )
    checked = warning.query(
        "query ($id: ID!) { creditCheck(customerId: $id, amount: 0) { problems { code message } } }", id=grandchild
    )
    assert checked["creditCheck"]["problems"][0]["message"].startswith("Parent and the customers below it would reach")
    # Moved from one member to another it is the group's as before.
    limit(warning, parent, 120)
    answer = writes.payload(warning, "update", "Opportunity", id=second, customerId=grandchild)
    assert said(answer) == []
    assert said(writes.payload(warning, "update", "Opportunity", id=third, **WIN)) == [GROUP]
    strict = crm(CreditScoring, clock=FixedClock(NOON), plugins={"credit_scoring": {"group_control": "BLOCK"}})
    limit(strict, enter(strict, "parent"), 100)
    deals = [deal(strict, enter(strict, f"child {n}", parentExternalId=data.key("parent")), 60) for n in range(2)]
    upserted = strict.query(
        """mutation ($input: UpsertOpportunitiesInput!) { upsertOpportunities(input: $input) {
            failed userErrors { code field } } }""",
        input={"matchBy": "ID", "items": [{"id": id, **WIN} for id in deals]},
    )["upsertOpportunities"]
    assert upserted["userErrors"] == [{"code": "GROUP_LIMIT_EXCEEDED", "field": ["items", "1", "status"]}]
    assert refused(writes.payload(strict, "update", "Opportunity", id=deals[1], **WIN)) == [GROUP]
    allowed = writes.payload(strict, "update", "Opportunity", id=deals[1], creditOverrideReason="Guaranteed", **WIN)
    assert said(allowed) == [GROUP]
