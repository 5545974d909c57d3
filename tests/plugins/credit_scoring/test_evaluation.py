"""Scores through GraphQL: dimensions entered and computed, history with reasons, overrides, reviews, what-if."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from guanxi import Field, FixedClock, Plugin, PluginError, hookimpl
from plugins.credit_scoring import CreditScoring
from tests import data, writes
from tests.plugins.credit_scoring.credits import customer, enter, invoice, score

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(module_crm):
    return module_crm(CreditScoring, clock=FixedClock(NOON))


@pytest.fixture(scope="module")
def moving(module_crm):
    """An app whose time the tests that share it set, each with customers of its own."""
    clock = FixedClock(NOON)
    return module_crm(CreditScoring, clock=clock), clock


@pytest.fixture
def timed(moving):
    client, clock = moving
    clock.moment = NOON
    return client, clock


EVALUATE = """mutation ($ids: [ID!], $dryRun: Boolean = false) {
  evaluateCredit(input: {customerIds: $ids, dryRun: $dryRun}) {
    customers incomplete changed movements { previous risk customers } userErrors { code message field } } }"""


def evaluated(client, *ids, dry_run=False):
    return client.query(EVALUATE, ids=list(ids), dryRun=dry_run)["evaluateCredit"]


def test_c1_a_customer_is_scored_when_its_dimensions_are_entered(shared):
    score(shared, "solid", "85", "70", "90")
    score(shared, "shaky", "50", "40", "30")
    fields = "creditScore creditStatus creditRisk creditRiskSource isLowCredit creditEvaluatedOn"
    assert customer(shared, "solid", fields) == {
        "creditScore": "82.00",
        "creditStatus": "COMPLETE",
        "creditRisk": "LOW",
        "creditRiskSource": "SCORED",
        "isLowCredit": False,
        "creditEvaluatedOn": "2025-06-15",
    }
    assert customer(shared, "shaky", "creditScore creditRisk isLowCredit") == {
        "creditScore": "41.00",
        "creditRisk": "HIGH",
        "isLowCredit": True,
    }
    assert customer(shared, enter(shared, "unknown") and "unknown", fields) == dict.fromkeys(fields.split())


def test_c1_the_history_explains_each_score(shared):
    id = score(shared, "explained", "85", None, "90")
    writes.changed(shared, "Customer", id, creditReputation="70")
    found = customer(
        shared,
        "explained",
        """creditEvaluations { nodes { trigger asOf evaluatedBy status score previousScore risk previousRisk
            financialStatus financialStatusSource financialStatusPoints reputation reputationSource reputationPoints
            transactionRecordPoints policy { number financialStatusWeight lowFrom scorers }
            reasons { nodes { code pointsLost detail } } } }""",
    )["creditEvaluations"]["nodes"]
    assert found[0] == {
        "trigger": "ENTERED",
        "asOf": "2025-06-15",
        "evaluatedBy": "local",
        "status": "COMPLETE",
        "score": "82.00",
        "previousScore": None,
        "risk": "LOW",
        "previousRisk": None,
        "financialStatus": "85.00",
        "financialStatusSource": "ENTERED",
        "financialStatusPoints": "34.00",
        "reputation": "70.00",
        "reputationSource": "ENTERED",
        "reputationPoints": "21.00",
        "transactionRecordPoints": "27.00",
        "policy": {
            "number": 1,
            "financialStatusWeight": 40,
            "lowFrom": "80.00",
            "scorers": ["transaction_record=paymentBehaviour"],
        },
        "reasons": {
            "nodes": [
                {"code": "WEAK_REPUTATION", "pointsLost": "9.00", "detail": "70.00 of 100"},
                {"code": "WEAK_FINANCIAL_STATUS", "pointsLost": "6.00", "detail": "85.00 of 100"},
                {"code": "WEAK_TRANSACTION_RECORD", "pointsLost": "3.00", "detail": "90.00 of 100"},
            ]
        },
    }
    assert (found[1]["status"], found[1]["score"], found[1]["risk"]) == ("INCOMPLETE", None, None)
    assert found[1]["reasons"]["nodes"][0] == {
        "code": "REPUTATION_MISSING",
        "pointsLost": "30.00",
        "detail": "not known",
    }


def test_c1_scores_filter_order_and_group_in_one_statement_like_the_core_s_fields(shared):
    for key, value in (("g1", "95"), ("g2", "70"), ("g3", "10")):
        score(shared, key, value, value, value, industry="Grouped")
    mine = 'industry: {eq: "Grouped"}'
    found = shared.query(
        f"""{{ customers(where: {{{mine}, creditScore: {{gte: "60"}}}}, orderBy: [{{creditScore: ASC}}]) {{
            nodes {{ name creditScore }} }}
          customersGroupBy(by: [{{creditRisk: true}}], where: {{{mine}}}) {{
            keys {{ creditRisk }} aggregate {{ count avg {{ creditScore }} }} }}
          creditReasonsGroupBy(by: [{{code: true}}], where: {{evaluation: {{customer: {{{mine}}}}}}}) {{
            keys {{ code }} aggregate {{ sum {{ pointsLost }} }} }} }}"""
    )
    assert found["customers"]["nodes"] == [
        {"name": "G2", "creditScore": "70.00"},
        {"name": "G1", "creditScore": "95.00"},
    ]
    assert found["customersGroupBy"] == [
        {"keys": {"creditRisk": "LOW"}, "aggregate": {"count": 1, "avg": {"creditScore": "95.00"}}},
        {"keys": {"creditRisk": "MEDIUM"}, "aggregate": {"count": 1, "avg": {"creditScore": "70.00"}}},
        {"keys": {"creditRisk": "HIGH"}, "aggregate": {"count": 1, "avg": {"creditScore": "10.00"}}},
    ]
    assert found["creditReasonsGroupBy"] == [
        {"keys": {"code": "WEAK_FINANCIAL_STATUS"}, "aggregate": {"sum": {"pointsLost": "50.00"}}},
        {"keys": {"code": "WEAK_REPUTATION"}, "aggregate": {"sum": {"pointsLost": "37.50"}}},
        {"keys": {"code": "WEAK_TRANSACTION_RECORD"}, "aggregate": {"sum": {"pointsLost": "37.50"}}},
    ]


def payer(client, key):
    """Entered but for its transaction record; of three invoices one is 12 days late and disputed, one open 30 days."""
    id = score(client, key, "85", "70", None)
    invoice(client, f"{key}1", key, 200, "2025-01-10", "2025-02-09", "2025-02-01")
    invoice(client, f"{key}2", key, 100, "2025-01-10", "2025-02-09", "2025-02-21", isDisputed=True)
    invoice(client, f"{key}3", key, 100, "2025-04-16", "2025-05-16")
    return id


FIGURES = """paymentBehaviour paymentBehaviourInvoices averageDaysLate disputedShare daysLateTrend
    termUsed latenessDeduction termDeduction disputeDeduction trendDeduction"""


def test_c1_payment_behaviour_is_computed_from_receivables_and_scored_on_evaluation(shared):
    id = payer(shared, "payer")
    assert customer(shared, "payer", FIGURES) == {
        "paymentBehaviour": "51.92",
        "paymentBehaviourInvoices": 3,
        "averageDaysLate": "10.50",
        "disputedShare": "25.00",
        "daysLateTrend": "26.00",
        "termUsed": "86.67",
        "latenessDeduction": "24.50",
        "termDeduction": "17.33",
        "disputeDeduction": "1.25",
        "trendDeduction": "5.00",
    }
    assert customer(shared, "payer", "creditStatus")["creditStatus"] == "INCOMPLETE"
    tried = evaluated(shared, id, dry_run=True)
    assert tried == {
        "customers": 1,
        "incomplete": 0,
        "changed": 1,
        "movements": [{"previous": None, "risk": "MEDIUM", "customers": 1}],
        "userErrors": [],
    }
    assert customer(shared, "payer", "creditStatus")["creditStatus"] == "INCOMPLETE"
    assert evaluated(shared, id) == tried
    assert evaluated(shared, id)["changed"] == 0
    found = customer(
        shared,
        "payer",
        """creditScore creditRisk creditEvaluations(first: 1) { totalCount nodes { trigger transactionRecordSource
            reasons { nodes { code pointsLost detail } } } }""",
    )
    assert (found["creditScore"], found["creditRisk"]) == ("70.58", "MEDIUM")
    assert found["creditEvaluations"]["totalCount"] == 2
    assert found["creditEvaluations"]["nodes"] == [
        {
            "trigger": "REQUESTED",
            "transactionRecordSource": "COMPUTED",
            "reasons": {
                "nodes": [
                    {"code": "WEAK_REPUTATION", "pointsLost": "9.00", "detail": "70.00 of 100"},
                    {
                        "code": "LATE_PAYMENT",
                        "pointsLost": "7.34",
                        "detail": "10.50 days late on average in 3 invoices",
                    },
                    {"code": "WEAK_FINANCIAL_STATUS", "pointsLost": "6.00", "detail": "85.00 of 100"},
                    {
                        "code": "FULL_TERM_USED",
                        "pointsLost": "5.20",
                        "detail": "86.67 % of the payment term used on average",
                    },
                    {"code": "WORSENING_PAYMENT", "pointsLost": "1.50", "detail": "26.00 days later than before"},
                    {
                        "code": "DISPUTED_INVOICES",
                        "pointsLost": "0.38",
                        "detail": "25.00 % of the amount is disputed",
                    },
                ]
            },
        }
    ]


def test_c1_what_is_entered_comes_before_what_a_scorer_says(shared):
    payer(shared, "judged")
    data.upsert(shared, "customers", [{"externalIds": [data.key("judged")], "creditTransactionRecord": "90"}])
    assert customer(shared, "judged", "creditScore") == {"creditScore": "82.00"}
    data.upsert(shared, "customers", [{"externalIds": [data.key("judged")], "creditTransactionRecord": None}])
    assert customer(shared, "judged", "creditScore") == {"creditScore": "70.58"}


def test_c1_too_few_invoices_say_nothing(shared):
    enter(shared, "new")
    for number in ("n1", "n2"):
        invoice(shared, number, "new", 100, "2025-01-10", "2025-02-09", "2025-02-21")
    found = customer(shared, "new", "paymentBehaviour averageDaysLate paymentBehaviourInvoices")
    assert found == {"paymentBehaviour": None, "averageDaysLate": None, "paymentBehaviourInvoices": 2}


ASSESS = """query ($id: ID!, $asOf: Date, $financial: Decimal, $record: Decimal) {
  creditAssessment(customerId: $id, asOf: $asOf, financialStatus: $financial, transactionRecord: $record) {
    asOf status score risk customer { name } policy { number }
    components { dimension value source weight points } reasons { code pointsLost } userErrors { code message field } } }"""


def assessed(client, id, **given):
    return client.query(ASSESS, id=id, **given)["creditAssessment"]


def test_c1_a_score_is_asked_for_on_other_figures_and_other_days_without_writing(shared):
    id = payer(shared, "asked")
    events = shared.query("{ events { totalCount } }")
    now = assessed(shared, id)
    assert (now["score"], now["risk"], now["asOf"], now["customer"]) == (
        "70.58",
        "MEDIUM",
        "2025-06-15",
        {"name": "Asked"},
    )
    assert now["components"][2] == {
        "dimension": "TRANSACTION_RECORD",
        "value": "51.92",
        "source": "COMPUTED",
        "weight": 30,
        "points": "15.58",
    }
    what_if = assessed(shared, id, financial="20", record="90")
    assert (what_if["score"], what_if["risk"]) == ("56.00", "HIGH")
    assert what_if["components"][0]["source"] == "ASSUMED"
    # On 1 March the third invoice was not written, and two are too few.
    then = assessed(shared, id, asOf="2025-03-01")
    assert (then["status"], then["score"]) == ("INCOMPLETE", None)
    # On 20 May it was four days late, which is worse than before but less than today.
    assert assessed(shared, id, asOf="2025-05-20")["components"][2]["value"] == "72.09"
    assert customer(shared, "asked", "creditStatus") == {"creditStatus": "INCOMPLETE"}
    assert shared.query("{ events { totalCount } }") == events


def test_c1_questions_that_make_no_sense_are_answered_so(shared):
    id = enter(shared, "nonsense")
    wrong = assessed(shared, id, asOf="2025-06-16", financial="101")
    assert [error["field"] for error in wrong["userErrors"]] == [["financialStatus"], ["asOf"]]
    assert wrong["customer"] is None and wrong["components"] == []
    gone = "cus_01h455vb4pex5vsknk084sn02q"
    assert assessed(shared, gone)["userErrors"][0]["code"] == "NOT_FOUND"
    assert evaluated(shared, id, gone)["userErrors"] == [
        {
            "code": "NOT_FOUND",
            "message": f"customerIds: there is no customer '{gone}'; give the id of an existing one",
            "field": ["customerIds"],
        }
    ]


OVERRIDE = """mutation ($input: OverrideCreditRiskInput!) { overrideCreditRisk(input: $input) {
    customer { creditRisk creditRiskSource scoredCreditRisk creditScore creditRiskOverrideReason creditRiskOverrideBy
      creditRiskOverrideUntil } userErrors { code field } } }"""
CLEAR = """mutation ($input: ClearCreditRiskOverrideInput!) { clearCreditRiskOverride(input: $input) {
    customer { creditRisk creditRiskSource creditRiskOverrideReason } userErrors { code field } } }"""
HISTORY = "creditEvaluations { nodes { trigger risk previousRisk score note } }"


def test_c1_a_risk_set_by_hand_holds_until_its_last_day_and_the_job_ends_it(timed):
    client, clock = timed
    id = score(client, "vip", "50", "40", "30")
    done = client.query(
        OVERRIDE, input={"customerId": id, "risk": "LOW", "reason": "Parent vouches", "until": "2025-06-20"}
    )["overrideCreditRisk"]
    assert done == {
        "customer": {
            "creditRisk": "LOW",
            "creditRiskSource": "MANUAL",
            "scoredCreditRisk": "HIGH",
            "creditScore": "41.00",
            "creditRiskOverrideReason": "Parent vouches",
            "creditRiskOverrideBy": "local",
            "creditRiskOverrideUntil": "2025-06-20",
        },
        "userErrors": [],
    }
    clock.moment = datetime(2025, 6, 20, 23, tzinfo=UTC)
    assert client.run_job("evaluate_credit").endswith(" customers evaluated, 0 changed risk")
    clock.moment += timedelta(hours=1)
    assert customer(client, "vip", "creditRisk creditRiskSource") == {
        "creditRisk": "HIGH",
        "creditRiskSource": "SCORED",
    }
    assert client.run_job("evaluate_credit").endswith(" customers evaluated, 1 changed risk")
    assert client.run_job("evaluate_credit").endswith(" customers evaluated, 0 changed risk")
    found = customer(client, "vip", f"creditRisk creditRiskOverrideReason {HISTORY}")
    assert (found["creditRisk"], found["creditRiskOverrideReason"]) == ("HIGH", None)
    assert found["creditEvaluations"]["nodes"] == [
        {"trigger": "OVERRIDE_EXPIRED", "risk": "HIGH", "previousRisk": "LOW", "score": "41.00", "note": None},
        {"trigger": "OVERRIDDEN", "risk": "LOW", "previousRisk": "HIGH", "score": "41.00", "note": "Parent vouches"},
        {"trigger": "ENTERED", "risk": "HIGH", "previousRisk": None, "score": "41.00", "note": None},
    ]
    told = "query ($id: ID!) { events(types: [CREDIT_RISK_CHANGED], entity: $id) { nodes { actor data } } }"
    events = client.query(told, id=id)["events"]
    assert [event["actor"] for event in events["nodes"]] == ["local", "local", "plugin:credit_scoring"]
    assert events["nodes"][2]["data"] == {
        "previous": "LOW",
        "current": "HIGH",
        "score": "41.00",
        "trigger": "OVERRIDE_EXPIRED",
    }


def test_c1_a_risk_set_by_hand_is_taken_back_with_a_reason(shared):
    id = enter(shared, "unscored")
    shared.query(OVERRIDE, input={"customerId": id, "risk": "HIGH", "reason": "Rumours"})
    assert customer(shared, "unscored", "creditRisk creditStatus") == {
        "creditRisk": "HIGH",
        "creditStatus": "INCOMPLETE",
    }
    wordless = shared.query(CLEAR, input={"customerId": id, "reason": " "})["clearCreditRiskOverride"]
    assert wordless["userErrors"] == [{"code": "INVALID", "field": ["reason"]}]
    done = shared.query(CLEAR, input={"customerId": id, "reason": "Nothing in them"})["clearCreditRiskOverride"]
    assert done["customer"] == {"creditRisk": None, "creditRiskSource": None, "creditRiskOverrideReason": None}
    again = shared.query(CLEAR, input={"customerId": id, "reason": "x"})["clearCreditRiskOverride"]
    assert again["userErrors"] == [{"code": "NOT_OVERRIDDEN", "field": ["customerId"]}]
    assert [entry["note"] for entry in customer(shared, "unscored", HISTORY)["creditEvaluations"]["nodes"]] == [
        "Nothing in them",
        "Rumours",
    ]


def test_c1_an_override_with_bad_input_changes_nothing_and_one_with_a_key_is_made_once(shared):
    id = enter(shared, "keyed")
    refused = shared.query(OVERRIDE, input={"customerId": id, "risk": "LOW", "reason": "", "until": "2025-06-14"})
    assert [error["field"] for error in refused["overrideCreditRisk"]["userErrors"]] == [["reason"], ["until"]]
    given = {"customerId": id, "risk": "LOW", "reason": "Once", "idempotencyKey": "credit-1"}
    assert shared.query(OVERRIDE, input=given) == shared.query(OVERRIDE, input=given)
    assert len(customer(shared, "keyed", HISTORY)["creditEvaluations"]["nodes"]) == 1


REVIEW = """mutation ($input: ReviewCreditInput!) { reviewCredit(input: $input) {
    customer { creditReviewedOn nextCreditReviewOn isCreditReviewOverdue } userErrors { code field } } }"""


def test_c3_reviews_fall_due_by_risk_are_announced_once_and_done(timed):
    client, clock = timed
    data.upsert(client, "users", [{"externalIds": [data.key("u")], "name": "Ann"}])
    reviewed = {"creditReviewedOn": "2025-01-15", "industry": "Reviewed"}
    id = score(client, "high", "50", "40", "30", ownerExternalId=data.key("u"), **reviewed)
    score(client, "low", "85", "70", "90", **reviewed)
    score(client, "first", "60", "60", "60", industry="Reviewed")
    enter(client, "nobody", industry="Reviewed")
    found = client.query(
        """{ customers(where: {isCreditReviewOverdue: {eq: true}}) { nodes { name } }
          all: customers(where: {industry: {eq: "Reviewed"}}, orderBy: [{nextCreditReviewOn: ASC}]) { nodes { name nextCreditReviewOn } } }"""
    )
    assert found["customers"]["nodes"] == [{"name": "High"}]
    assert [(node["name"], node["nextCreditReviewOn"]) for node in found["all"]["nodes"]] == [
        ("High", "2025-04-15"),
        ("First", "2025-12-12"),
        ("Low", "2026-01-15"),
        ("Nobody", None),
    ]
    assert client.run_job("announce_credit_reviews") == "1 reviews announced"
    assert client.run_job("announce_credit_reviews") == "0 reviews announced"
    told = client.query(
        """{ events(types: [CREDIT_REVIEW_OVERDUE]) { nodes { entityId data } }
          tasks { nodes { subject dueOn customer { name } assignee { name } } } }"""
    )
    assert told["events"]["nodes"] == [{"entityId": id, "data": {"due": "2025-04-15", "risk": "HIGH"}}]
    assert told["tasks"]["nodes"] == [
        {
            "subject": "Review the credit of High",
            "dueOn": "2025-04-15",
            "customer": {"name": "High"},
            "assignee": {"name": "Ann"},
        }
    ]
    done = client.query(REVIEW, input={"customerId": id, "note": "Seen the accounts"})["reviewCredit"]
    assert done["customer"] == {
        "creditReviewedOn": "2025-06-15",
        "nextCreditReviewOn": "2025-09-13",
        "isCreditReviewOverdue": False,
    }
    assert customer(client, "high", HISTORY)["creditEvaluations"]["nodes"][0] == {
        "trigger": "REVIEWED",
        "risk": "HIGH",
        "previousRisk": "HIGH",
        "score": "41.00",
        "note": "Seen the accounts",
    }
    clock.moment += timedelta(days=91)
    client.run_job("announce_credit_reviews")
    again = "query ($id: ID!) { events(types: [CREDIT_REVIEW_OVERDUE], entity: $id) { totalCount } }"
    assert client.query(again, id=id)["events"]["totalCount"] == 2


def test_scores_follow_time_by_the_daily_job(timed):
    client, clock = timed
    clock.moment -= timedelta(days=20)
    payer(client, "late")
    client.run_job("evaluate_credit")
    fields = "creditScore creditEvaluatedOn paymentBehaviour"
    # Ten days late now, six more than before: 100 - 14.67 - 2.50 - 6.00.
    assert customer(client, "late", fields) == {
        "creditScore": "74.68",
        "creditEvaluatedOn": "2025-05-26",
        "paymentBehaviour": "65.59",
    }
    clock.moment += timedelta(days=20)
    assert customer(client, "late", "creditScore") == {"creditScore": "74.68"}
    client.run_job("evaluate_credit")
    assert customer(client, "late", fields) == {
        "creditScore": "70.58",
        "creditEvaluatedOn": "2025-06-15",
        "paymentBehaviour": "51.92",
    }


def test_another_policy_is_another_version_and_old_scores_keep_theirs(crm):
    first = crm(CreditScoring)
    url = first.app.settings.database_url
    score(first, "kept", "85", "70", "90")
    policy = {"weights": {"financial_status": 20, "reputation": 60, "transaction_record": 20}, "low_from": "75.00"}
    second = crm(CreditScoring, url=url, plugins={"credit_scoring": policy})
    second.query(EVALUATE, ids=None)
    first.query(EVALUATE, ids=None)
    found = customer(first, "kept", "creditEvaluations { nodes { score risk policy { number reputationWeight } } }")
    assert found["creditEvaluations"]["nodes"] == [
        {"score": "82.00", "risk": "LOW", "policy": {"number": 1, "reputationWeight": 30}},
        {"score": "77.00", "risk": "LOW", "policy": {"number": 2, "reputationWeight": 60}},
        {"score": "82.00", "risk": "LOW", "policy": {"number": 1, "reputationWeight": 30}},
    ]


class Bureau(Plugin):
    """Another plugin whose field scores a dimension."""

    name, version, api = "bureau", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field(
            "Customer.bureauScore", lambda row: row.employee_count * 100, "As a bureau has it, 0 to 100.", Decimal
        )


def test_c1_a_field_of_another_plugin_scores_a_dimension_and_its_absence_is_a_missing_dimension(crm):
    scorers = {"financial_status": "bureauScore", "reputation": "scoreOfAnAbsentPlugin"}
    client = crm(CreditScoring, Bureau, plugins={"credit_scoring": {"scorers": scorers}})
    score(client, "known", None, "70", "90", employeeCount=85)
    score(client, "missing", None, None, "90", employeeCount=85)
    enter(client, "beyond", employeeCount=300)
    client.query(EVALUATE, ids=None)
    assert customer(client, "known", "creditScore computedFinancialStatus") == {
        "creditScore": "82.00",
        "computedFinancialStatus": "85.00",
    }
    assert customer(client, "beyond", "creditEvaluations { nodes { financialStatus financialStatusSource } }") == {
        "creditEvaluations": {"nodes": [{"financialStatus": "100.00", "financialStatusSource": "COMPUTED"}]}
    }
    assert customer(client, "missing", "creditStatus computedReputation") == {
        "creditStatus": "INCOMPLETE",
        "computedReputation": None,
    }


def test_settings_are_refused_with_their_name(crm):
    with pytest.raises(PluginError, match=r"GUANXI_PLUGINS__CREDIT_SCORING__WEIGHTS.*must sum to 100"):
        crm(CreditScoring, plugins={"credit_scoring": {"weights": {"reputation": 1}}})
