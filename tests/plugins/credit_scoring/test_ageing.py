"""The ageing report, days sales outstanding, utilisation and groups, as of any day (C4)."""

from datetime import UTC, datetime

import pytest

from guanxi import FixedClock
from guanxi.testing import QueryError
from plugins.credit_scoring import CreditScoring
from tests import data, writes
from tests.plugins.credit_scoring.credits import customer, deal, enter, invoice, limit

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
REPORT = """query ($asOf: Date, $ids: [ID!], $first: Int! = 0, $days: Int) {
  ageing(asOf: $asOf, customerIds: $ids, first: $first, salesDays: $days) {
    asOf total { amount } invoiced { amount } daysSalesOutstanding daysSalesOutstandingGap
    buckets { bucket count total { amount } perCurrency { amount currency } }
    customers { customer { name } total { amount } buckets { bucket total { amount } perCurrency { amount currency } } }
  } }"""


@pytest.fixture(scope="module")
def shared(module_crm):
    client = module_crm(CreditScoring, clock=FixedClock(NOON))
    writes.made(client, "ExchangeRate", currency="EUR", rate="8", validFrom="2025-01-01")
    enter(client, "one")
    enter(client, "two")
    invoice(client, "a", "one", 100, "2025-04-01", "2025-05-01")
    invoice(client, "b", "one", 10, "2025-05-20", "2025-06-19", currency="EUR")
    invoice(client, "c", "two", 50, "2025-03-01", "2025-03-31", settled="2025-06-10")
    invoice(client, "d", "two", 7, "2025-06-01", "2025-06-14")
    for amount, day in ((30, "2025-05-10"), (20, "2025-06-01")):
        writes.made(client, "Payment", receivableExternalId=data.key("a"), amount={"amount": str(amount)}, paidOn=day)
    return client


def report(client, **given):
    return client.query(REPORT, **given)["ageing"]


def filled(buckets):
    return {
        each["bucket"]: (each["total"]["amount"], *(f"{m['amount']} {m['currency']}" for m in each["perCurrency"]))
        for each in buckets
        if each["perCurrency"]
    }


def test_c4_ageing_adds_up_what_was_open_on_a_day_per_currency_and_customer(shared):
    now = report(shared, first=5)
    assert [each["bucket"] for each in now["buckets"]] == [
        "NOT_DUE",
        "DAYS_1_TO_30",
        "DAYS_31_TO_60",
        "DAYS_61_TO_90",
        "OVER_90_DAYS",
    ]
    assert filled(now["buckets"]) == {
        "NOT_DUE": ("80.00", "10.00 EUR"),
        "DAYS_1_TO_30": ("7.00", "7.00 CNY"),
        "DAYS_31_TO_60": ("50.00", "50.00 CNY"),
    }
    assert (now["asOf"], now["total"]["amount"]) == ("2025-06-15", "137.00")
    assert [(each["customer"]["name"], each["total"]["amount"]) for each in now["customers"]] == [
        ("One", "130.00"),
        ("Two", "7.00"),
    ]
    assert filled(now["customers"][0]["buckets"]) == {
        "NOT_DUE": ("80.00", "10.00 EUR"),
        "DAYS_31_TO_60": ("50.00", "50.00 CNY"),
    }
    # On 25 May 30 of the first were paid, the third was open, and the fourth not written.
    then = report(shared, asOf="2025-05-25", first=1)
    assert filled(then["buckets"]) == {
        "NOT_DUE": ("80.00", "10.00 EUR"),
        "DAYS_1_TO_30": ("70.00", "70.00 CNY"),
        "DAYS_31_TO_60": ("50.00", "50.00 CNY"),
    }
    assert [each["customer"]["name"] for each in then["customers"]] == ["One"]
    empty = report(shared, asOf="2024-12-31", first=5)
    assert (empty["total"]["amount"], empty["customers"], filled(empty["buckets"])) == ("0.00", [], {})


def test_c4_a_total_may_be_larger_than_an_amount(shared):
    enter(shared, "large")
    for number in ("e", "f"):
        invoice(shared, number, "large", 900_000_000_000, "2023-01-01", "2023-02-01", settled="2023-03-01")
    assert report(shared, asOf="2023-01-15")["total"] == {"amount": "1800000000000.00"}


def test_c4_figures_of_a_customer_that_owes_very_much_are_exact_and_do_not_fail(crm):
    client = crm(CreditScoring, clock=FixedClock(NOON))
    enter(client, "huge", creditLimit={"amount": "1000000000000"}, creditLimitReason="Large")
    for number in range(6):
        invoice(client, f"h{number}", "huge", 1_000_000_000_000, "2025-05-01", "2025-06-05")
    assert customer(client, "huge", "creditUtilisation averageDaysLate termUsed daysSalesOutstanding") == {
        "creditUtilisation": "600.00",
        "averageDaysLate": "10.00",
        "termUsed": "100.00",
        "daysSalesOutstanding": "90.00",
    }


def test_c4_days_sales_outstanding_of_the_report_and_of_a_customer(shared):
    # 137 outstanding, 100 + 80 + 7 invoiced since 17 March.
    now = report(shared)
    assert (now["invoiced"]["amount"], now["daysSalesOutstanding"], now["daysSalesOutstandingGap"]) == (
        "187.00",
        "65.94",
        None,
    )
    two = customer(shared, "two", "id daysSalesOutstanding creditGaps")
    assert (two["daysSalesOutstanding"], "NOTHING_INVOICED" in two["creditGaps"]) == ("90.00", False)
    assert report(shared, ids=[two["id"]])["daysSalesOutstanding"] == "90.00"
    none = report(shared, asOf="2025-02-01", days=30)
    assert (none["daysSalesOutstanding"], none["daysSalesOutstandingGap"]) == (
        None,
        "nothing was invoiced in the 30 days up to 2025-02-01",
    )
    enter(shared, "silent")
    silent = customer(shared, "silent", "daysSalesOutstanding creditUtilisation creditGaps")
    assert silent == {
        "daysSalesOutstanding": None,
        "creditUtilisation": None,
        "creditGaps": ["NO_LIMIT", "NOTHING_INVOICED", "TOO_FEW_INVOICES", "NO_SCORE"],
    }


@pytest.mark.parametrize(
    ("given", "field"), [({"asOf": "2025-06-16"}, "asOf"), ({"first": 101}, "first"), ({"days": 0}, "salesDays")]
)
def test_questions_that_make_no_sense_are_refused_by_argument(shared, given, field):
    with pytest.raises(QueryError, match=f"{field}: "):
        report(shared, **given)


def test_c4_utilisation_is_exposure_by_limit(shared):
    id = enter(shared, "used")
    invoice(shared, "used", "used", 30, "2025-06-01", "2025-07-01")
    limit(shared, id, 40)
    assert customer(shared, "used", "creditUtilisation")["creditUtilisation"] == "75.00"
    limit(shared, id, 0)
    found = customer(shared, "used", "creditUtilisation creditGaps")
    assert (found["creditUtilisation"], found["creditGaps"][0]) == (None, "ZERO_LIMIT")
    listed = shared.query(
        "{ customers(where: {creditGaps: {has: ZERO_LIMIT}}, orderBy: [{creditUtilisation: DESC}]) { nodes { name } } }"
    )
    assert listed["customers"]["nodes"] == [{"name": "Used"}]


def test_c4_a_group_is_a_customer_and_all_below_it_at_any_depth(shared):
    parent = enter(shared, "holding")
    child = enter(shared, "child", parentId=parent)
    grandchild = enter(shared, "grandchild", parentId=child)
    enter(shared, "sister", parentId=parent)
    for key, amount in (("holding", 1), ("child", 20), ("grandchild", 300), ("sister", 4000)):
        invoice(shared, f"group-{key}", key, amount, "2025-06-01", "2025-07-01")
    deal(shared, grandchild, 50_000, stageId="stg_00000000000000000000000006")
    fields = "groupOutstanding { amount } groupExposure { amount }"

    def group(key):
        return [value["amount"] for value in customer(shared, key, fields).values()]

    assert group("holding") == ["4321.00", "54321.00"]
    assert group("child") == ["320.00", "50320.00"]
    assert group("sister") == ["4000.00", "4000.00"]
    large = shared.query(
        """{ customers(where: {groupExposure: {gt: "50000"}}, orderBy: [{groupExposure: DESC}]) { nodes { name } }
          customersAggregate(where: {name: {in: ["Child", "Sister"]}}) { sum { groupOutstanding { total { amount } } } } }"""
    )
    assert [node["name"] for node in large["customers"]["nodes"]] == ["Holding", "Child", "Grandchild"]
    assert large["customersAggregate"]["sum"] == {"groupOutstanding": {"total": {"amount": "4320.00"}}}
    # What is below a deleted one still belongs to the group, the deleted one itself does not count.
    writes.payload(shared, "delete", "Customer", id=child)
    assert group("holding") == ["4301.00", "54301.00"]


def test_c8_amounts_that_are_computed_have_every_part_that_money_has(shared):
    id = enter(shared, "computed")
    limit(shared, id, 40)
    every = "{ amount currency reportingAmount }"
    found = shared.query(
        f"""query ($id: ID!) {{ creditCheck(amount: "100", customerId: $id) {{
            limit {every} exposure {every} exposureAfter {every} available {every} }}
          ageing(customerIds: [$id]) {{ total {every} invoiced {every} }} }}""",
        id=id,
    )
    assert found["creditCheck"]["exposureAfter"] == {"amount": "100.00", "currency": "CNY", "reportingAmount": "100.00"}
    assert found["ageing"]["total"] == {"amount": "0.00", "currency": "CNY", "reportingAmount": "0.00"}
