"""Receivables, ageing, limits and exposure through GraphQL: one query, filterable, right as of any day."""

from datetime import UTC, date, datetime

import pytest

from guanxi import Facet, Field, FixedClock, Plugin, hookimpl
from plugins.credit_scoring import CreditScoring
from schema.request.questions import ask
from tests import data, writes
from tests.plugins.credit_scoring.credits import customer, deal, enter, invoice, limit

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


class Category(Facet, of="Opportunity", plugin="categories"):
    """What another plugin says of an opportunity."""

    forecast: str | None = None


class Categories(Plugin):
    """Stands for the plugin that knows what is committed."""

    name, version, api = "categories", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Opportunity.forecastCategory", Category.forecast, "Its category.", writable=True)


@pytest.fixture(scope="module")
def shared(module_crm):
    return module_crm(CreditScoring, Categories, clock=FixedClock(NOON))


STANDING = """outstanding { amount } creditLimit { amount } creditExposure { amount } availableCredit { amount }
    creditBreach { amount } exceedsCreditLimit"""


def standing(client, key):
    found = customer(client, key, STANDING)
    return {name: value["amount"] if isinstance(value, dict) else value for name, value in found.items()}


def test_c4_exposure_is_what_is_outstanding_and_what_is_won_and_not_invoiced(shared):
    id = enter(shared, "c4")
    assert standing(shared, "c4") == {
        "outstanding": "0.00",
        "creditLimit": None,
        "creditExposure": "0.00",
        "availableCredit": None,
        "creditBreach": None,
        "exceedsCreditLimit": None,
    }
    limit(shared, id, 100_000)
    invoice(shared, "c4-1", "c4", 80_000, "2025-06-01", "2025-07-01")
    won = deal(shared, id, 30_000)
    assert standing(shared, "c4")["creditExposure"] == "80000.00"
    writes.changed(shared, "Opportunity", won, stageId=stage(shared, "E"), status="WON")
    assert standing(shared, "c4") == {
        "outstanding": "80000.00",
        "creditLimit": "100000.00",
        "creditExposure": "110000.00",
        "availableCredit": "0.00",
        "creditBreach": "10000.00",
        "exceedsCreditLimit": True,
    }
    # Invoicing it moves the amount from one part of exposure to the other.
    invoice(shared, "c4-2", "c4", 25_000, "2025-06-10", "2025-07-10", opportunityId=won)
    found = read_deal(shared, won)
    assert found == {
        "creditExposure": {"amount": "5000.00"},
        "invoicedAmount": {"amount": "25000.00"},
        "exceedsAvailableCredit": True,
    }
    assert standing(shared, "c4")["creditExposure"] == "110000.00"
    invoice(shared, "c4-1", "c4", 80_000, "2025-06-01", "2025-07-01", settled="2025-06-14")
    assert standing(shared, "c4")["creditExposure"] == "30000.00"
    assert standing(shared, "c4")["availableCredit"] == "70000.00"
    second = {"receivableExternalId": data.key("c4-2"), "amount": {"amount": "24000"}, "paidOn": "2025-06-12"}
    writes.made(shared, "Payment", **second)
    assert standing(shared, "c4")["creditExposure"] == "6000.00"
    writes.changed(shared, "Opportunity", won, status="CLOSED")
    assert standing(shared, "c4")["creditExposure"] == "1000.00"


def stage(client, key):
    return next(stage["id"] for stage in client.query("{ stages { id key } }")["stages"] if stage["key"] == key)


def read_deal(client, id):
    return writes.read(
        client, "Opportunity", id, "creditExposure { amount } invoicedAmount { amount } exceedsAvailableCredit"
    )


def test_c4_an_open_opportunity_tells_whether_winning_it_would_breach_the_limit(shared):
    id = enter(shared, "open")
    limit(shared, id, 100)
    invoice(shared, "open-1", "open", 60, "2025-06-01", "2025-07-01")
    fits, breaks, nameless = deal(shared, id, 40), deal(shared, id, 41), deal(shared, enter(shared, "free"), 1_000_000)
    assert [read_deal(shared, one)["exceedsAvailableCredit"] for one in (fits, breaks, nameless)] == [False, True, None]
    found = shared.query(
        """query ($id: ID!) { opportunities(where: {customerId: {eq: $id}, exceedsAvailableCredit: {eq: true}}) {
            nodes { id customer { availableCredit { amount } } } }
          customers(where: {id: {eq: $id}, opportunities: {some: {exceedsAvailableCredit: {eq: true}}}}) {
            totalCount } }""",
        id=id,
    )
    assert found["opportunities"]["nodes"] == [{"id": breaks, "customer": {"availableCredit": {"amount": "40.00"}}}]
    assert found["customers"]["totalCount"] == 1
    writes.changed(shared, "Opportunity", breaks, status="LOST", lossReason="PRICE", lossSummary="Too dear")
    assert read_deal(shared, breaks)["exceedsAvailableCredit"] is None


def test_c4_what_another_plugin_calls_committed_counts_and_counts_once(shared):
    id = enter(shared, "committed")
    limit(shared, id, 100)
    made = deal(shared, id, 90, forecastCategory="COMMIT")
    deal(shared, id, 500, forecastCategory="BEST_CASE")
    assert standing(shared, "committed")["creditExposure"] == "90.00"
    assert read_deal(shared, made) == {
        "creditExposure": {"amount": "90.00"},
        "invoicedAmount": None,
        "exceedsAvailableCredit": False,
    }
    writes.changed(shared, "Opportunity", made, status="LOST", lossReason="PRICE", lossSummary="Too dear")
    assert standing(shared, "committed")["creditExposure"] == "0.00"


def test_c4_standings_filter_order_and_sum(shared):
    for number, (amount, most) in enumerate([(50, 100), (150, 100), (70, None)]):
        id = enter(shared, f"sum{number}", industry="Summed")
        invoice(shared, f"sum-{number}", f"sum{number}", amount, "2025-05-01", "2025-06-01")
        if most:
            limit(shared, id, most)
    found = shared.query(
        """{ breaching: customers(where: {industry: {eq: "Summed"}, exceedsCreditLimit: {eq: true}}) { nodes { name } }
          free: customers(where: {industry: {eq: "Summed"}, availableCredit: {gte: "50"}}) { nodes { name } }
          all: customers(where: {industry: {eq: "Summed"}}, orderBy: [{creditExposure: DESC}]) { nodes { name } }
          customersAggregate(where: {industry: {eq: "Summed"}}) {
            sum { creditExposure { total { amount } } creditBreach { total { amount } } } } }"""
    )
    assert found["breaching"]["nodes"] == [{"name": "Sum1"}]
    assert found["free"]["nodes"] == [{"name": "Sum0"}]
    assert [node["name"] for node in found["all"]["nodes"]] == ["Sum1", "Sum2", "Sum0"]
    assert found["customersAggregate"]["sum"] == {
        "creditExposure": {"total": {"amount": "270.00"}},
        "creditBreach": {"total": {"amount": "50.00"}},
    }


AGEING = """outstanding { amount } overdue { amount } outstandingNotDue { amount } overdue1To30Days { amount }
    overdue31To60Days { amount } overdue61To90Days { amount } overdueOver90Days { amount }"""
DUES = {
    "2025-06-15": 1,
    "2025-06-14": 2,
    "2025-05-16": 4,
    "2025-05-15": 8,
    "2025-04-16": 16,
    "2025-04-15": 32,
    "2025-03-17": 64,
    "2025-03-16": 128,
}


def aged(client, **options):
    query = f'{{ customer(externalId: {{system: "test", value: "aged"}}) {{ {AGEING} }} }}'
    found = client.run(ask(client.app.context(), query, **options))["customer"]
    return [found[name]["amount"] for name in AGEING.replace(" { amount }", "").split()]


def test_ageing_a_customer_and_in_total_as_of_any_day(shared):
    enter(shared, "aged")
    for due, amount in DUES.items():
        invoice(shared, f"aged-{amount}", "aged", amount, "2025-03-01", due)
    invoice(shared, "aged-paid", "aged", 256, "2025-03-01", "2025-03-31", "2025-04-20")
    assert aged(shared) == ["255.00", "254.00", "1.00", "6.00", "24.00", "96.00", "128.00"]
    # On 20 April the last invoice had just been paid; the day before it was 19 days late.
    assert aged(shared, as_of=date(2025, 4, 20)) == ["255.00", "240.00", "15.00", "48.00", "192.00", "0.00", "0.00"]
    assert aged(shared, as_of=date(2025, 4, 19))[:2] == ["511.00", "496.00"]
    total = shared.query(
        """{ receivablesGroupBy(by: [{ageingBucket: true}], where: {customer: {name: {eq: "Aged"}}}) {
            keys { ageingBucket } aggregate { count sum { outstanding { total { amount } } } } } }"""
    )["receivablesGroupBy"]
    assert {
        group["keys"]["ageingBucket"]: group["aggregate"]["sum"]["outstanding"]["total"]["amount"] for group in total
    } == {
        None: "0.00",
        "NOT_DUE": "1.00",
        "DAYS_1_TO_30": "6.00",
        "DAYS_31_TO_60": "24.00",
        "DAYS_61_TO_90": "96.00",
        "OVER_90_DAYS": "128.00",
    }


def test_receivables_of_a_foreign_currency_are_compared_in_the_reporting_currency(shared):
    writes.made(shared, "ExchangeRate", currency="EUR", rate="8", validFrom="2025-01-01")
    id = enter(shared, "foreign")
    writes.changed(
        shared,
        "Customer",
        id,
        creditLimit={"amount": "10", "currency": "EUR"},
        creditLimitReason="In its currency",
    )
    invoice(
        shared,
        "foreign-1",
        "foreign",
        11,
        "2025-06-01",
        "2025-07-01",
        currency="EUR",
    )
    part = {"receivableExternalId": data.key("foreign-1"), "amount": {"amount": "0.50", "currency": "EUR"}}
    writes.made(shared, "Payment", **part, paidOn="2025-06-10")
    assert standing(shared, "foreign") == {
        "outstanding": "84.00",
        "creditLimit": "10.00",
        "creditExposure": "84.00",
        "availableCredit": "0.00",
        "creditBreach": "4.00",
        "exceedsCreditLimit": True,
    }


def test_deleted_receivables_and_opportunities_count_no_more_until_they_are_restored(shared):
    id = enter(shared, "deleted")
    invoice(shared, "deleted-1", "deleted", 10, "2025-06-01", "2025-07-01")
    won = deal(shared, id, 5, stageId=stage(shared, "F"))
    assert standing(shared, "deleted")["creditExposure"] == "15.00"
    one = shared.query('{ receivable(externalId: {system: "test", value: "deleted-1"}) { id } }')["receivable"]["id"]
    writes.done(shared, "delete", "Receivable", one)
    writes.done(shared, "delete", "Opportunity", won)
    assert standing(shared, "deleted")["creditExposure"] == "0.00"
    writes.done(shared, "restore", "Receivable", one)
    writes.done(shared, "restore", "Opportunity", won)
    assert standing(shared, "deleted")["creditExposure"] == "15.00"
    writes.done(shared, "destroy", "Customer", id)
    assert writes.read(shared, "Receivable", one, "id") is None


def test_an_invoice_that_contradicts_itself_is_refused_by_field(shared):
    id = enter(shared, "wrong")
    given = {"number": "W", "customerId": id, "invoicedOn": "2025-06-02", "dueOn": "2025-06-01"}
    answer = writes.payload(
        shared,
        "create",
        "Receivable",
        amount={"amount": "-1"},
        settledOn="2025-06-16",
        **given,
    )
    assert [(error["code"], error["field"], error["plugin"]) for error in answer["userErrors"]] == [
        ("INVALID", ["dueOn"], "credit_scoring"),
        ("INVALID", ["settledOn"], "credit_scoring"),
    ]
    assert answer["userErrors"][1]["message"] == "settledOn: 2025-06-16 is in the future; enter it once it is paid"


def test_c3_a_limit_is_kept_with_its_reason_and_needs_one(shared):
    id = enter(shared, "limited", creditFinancialStatus="50", creditReputation="40", creditTransactionRecord="30")
    refused = writes.payload(shared, "update", "Customer", id=id, creditLimit={"amount": "-5"})["userErrors"]
    assert [(error["code"], error["field"]) for error in refused] == [
        ("INVALID", ["creditLimit"]),
        ("REQUIRED", ["creditLimitReason"]),
    ]
    limit(shared, id, 5000, "First order")
    row = {"externalIds": [data.key("limited")], "creditLimit": {"amount": "7000"}, "creditLimitReason": "Grown"}
    data.upsert(shared, "customers", [row])
    assert data.upsert(shared, "customers", [row])["unchanged"] == 1
    writes.changed(shared, "Customer", id, creditLimit=None, creditLimitReason="Ended")
    found = customer(
        shared,
        "limited",
        """creditLimitChanges { nodes { previousLimit { amount } creditLimit { amount } reason risk score changedBy
            changedAt } }""",
    )["creditLimitChanges"]["nodes"]
    common = {"risk": "HIGH", "score": "41.00", "changedBy": "local", "changedAt": "2025-06-15T12:00:00.000Z"}
    assert found == [
        {"previousLimit": {"amount": "7000.00"}, "creditLimit": None, "reason": "Ended", **common},
        {"previousLimit": {"amount": "5000.00"}, "creditLimit": {"amount": "7000.00"}, "reason": "Grown", **common},
        {"previousLimit": None, "creditLimit": {"amount": "5000.00"}, "reason": "First order", **common},
    ]
    events = shared.query(
        "query ($id: ID!) { events(types: [CREDIT_LIMIT_CHANGED], entity: $id) { nodes { data } } }", id=id
    )
    assert events["events"]["nodes"][1]["data"] == {
        "previous": {"amount": "5000.00", "currency": "CNY"},
        "current": {"amount": "7000.00", "currency": "CNY"},
        "reason": "Grown",
    }


def test_c5_that_a_customer_cannot_perform_its_contracts_is_announced(shared):
    id = enter(shared, "stuck")
    writes.changed(shared, "Customer", id, cannotPerformContract=True)
    writes.changed(shared, "Customer", id, cannotPerformContract=False)
    events = shared.query(
        "query ($id: ID!) { events(types: [CANNOT_PERFORM_CONTRACT], entity: $id) { totalCount } }", id=id
    )
    assert events["events"]["totalCount"] == 1


CHECK = """query ($id: ID!, $amount: Decimal!) { creditCheck(customerId: $id, amount: $amount) {
    customer { name } control risk limit { amount } exposure { amount } exposureAfter { amount } available { amount }
    problems { code message } userErrors { code field } } }"""


def test_c4_a_check_tells_what_control_would_say(shared):
    id = enter(shared, "checked")
    limit(shared, id, 100)
    invoice(shared, "checked-1", "checked", 60, "2025-06-01", "2025-07-01")
    fine = shared.query(CHECK, id=id, amount="40")["creditCheck"]
    assert fine == {
        "customer": {"name": "Checked"},
        "control": "WARN",
        "risk": None,
        "limit": {"amount": "100.00"},
        "exposure": {"amount": "60.00"},
        "exposureAfter": {"amount": "100.00"},
        "available": {"amount": "0.00"},
        "problems": [],
        "userErrors": [],
    }
    beyond = shared.query(CHECK, id=id, amount="40.01")["creditCheck"]
    assert beyond["problems"] == [
        {
            "code": "CREDIT_LIMIT_EXCEEDED",
            "message": "Checked would reach an exposure of 100.01, 0.01 above the credit limit of 100.00 CNY",
        }
    ]
    gone = shared.query(CHECK, id="cus_01h455vb4pex5vsknk084sn02q", amount="-1")["creditCheck"]
    assert [error["field"] for error in gone["userErrors"]] == [["amount"], ["customerId"]]


def test_a_credit_note_lowers_the_exposure_under_any_policy(crm):
    """It is an invoice below 0: what is owed in its bucket is less, nobody is reminded of it, and a deal stays billed."""
    client = crm(CreditScoring, clock=FixedClock(NOON), plausibility="REFUSE")
    id = enter(client, "credited")
    limit(client, id, 1000)
    won = deal(client, id, 500, stageId="stg_00000000000000000000000006")
    of_deal = {"opportunityId": won}
    invoice(client, "bill", "credited", 500, "2025-04-01", "2025-05-01", **of_deal)
    invoice(client, "note", "credited", -120, "2025-04-10", "2025-05-01", **of_deal)
    figures = """outstanding { amount } overdue31To60Days { amount } creditExposure { amount } availableCredit { amount }
        creditUtilisation daysSalesOutstanding receivables(orderBy: [{number: ASC}]) { nodes {
        number outstanding { amount } ageingBucket dunningLevel isReminderDue } }"""
    found = customer(client, "credited", figures)
    assert {name: found[name]["amount"] for name in ("outstanding", "overdue31To60Days", "creditExposure")} == {
        "outstanding": "380.00",
        "overdue31To60Days": "380.00",
        "creditExposure": "380.00",
    }
    assert (found["availableCredit"]["amount"], found["creditUtilisation"]) == ("620.00", "38.00")
    assert found["daysSalesOutstanding"] == "90.00"
    bill, note = found["receivables"]["nodes"]
    assert (bill["dunningLevel"], bill["isReminderDue"]) == (3, True)
    assert note == {
        "number": "note",
        "outstanding": {"amount": "-120.00"},
        "ageingBucket": "DAYS_31_TO_60",
        "dunningLevel": None,
        "isReminderDue": False,
    }
    invoice(client, "all back", "credited", -900, "2025-06-01", "2025-06-30")
    found = customer(client, "credited", figures + " creditGaps")
    assert (found["creditExposure"]["amount"], found["creditUtilisation"]) == ("-520.00", "0.00")
    assert (found["daysSalesOutstanding"], "NOTHING_INVOICED" in found["creditGaps"]) == (None, True)
