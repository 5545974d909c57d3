"""Dated payments, dunning and promises to pay through GraphQL: what is open, due and kept as of any day (C4)."""

from datetime import UTC, date, datetime

import pytest

from guanxi import FixedClock
from plugins.credit_scoring import CreditScoring
from schema.request.questions import ask
from tests import data, writes
from tests.plugins.credit_scoring.credits import customer, enter, invoice

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
OPEN = "outstanding { amount currency reportingAmount } paidAmount { amount } settledOn ageingBucket"


@pytest.fixture(scope="module")
def shared(module_crm):
    client = module_crm(CreditScoring, clock=FixedClock(NOON))
    writes.made(client, "ExchangeRate", currency="EUR", rate="8", validFrom="2025-01-01")
    writes.made(client, "ExchangeRate", currency="EUR", rate="9", validFrom="2025-06-01")
    return client


def billed(client, key, amount=1000, due="2025-05-31", **given):
    """A customer with an invoice of 1 May; gives the invoice's id."""
    enter(client, key)
    invoice(client, key, key, amount, "2025-05-01", due, **given)
    return client.query("query ($id: ExternalIdInput!) { receivable(externalId: $id) { id } }", id=data.key(key))[
        "receivable"
    ]["id"]


def payment(client, bill, amount, day, currency="CNY", action="create", **given):
    return writes.payload(
        client,
        action,
        "Payment",
        receivableId=bill,
        amount={"amount": str(amount), "currency": currency},
        paidOn=day,
        **given,
    )


def paid(client, bill, amount, day, **given):
    """A payment that was taken; gives its id."""
    answer = payment(client, bill, amount, day, **given)
    assert answer["userErrors"] == [] and answer["warnings"] == [], answer
    return answer["record"]["id"]


def then(client, bill, day, fields="outstanding { amount }"):
    """A receivable as of a day."""
    query = f'{{ receivable(id: "{bill}") {{ {fields} }} }}'
    return client.run(ask(client.app.context(), query, as_of=date.fromisoformat(day)))["receivable"]


def wrong(answer):
    assert answer["record"] is None
    return [(error["code"], error["field"][0], error["message"].partition(": ")[2]) for error in answer["userErrors"]]


def test_c4_what_is_open_on_a_day_follows_from_the_payments_up_to_it(shared):
    bill = billed(shared, "partial")
    paid(shared, bill, 300, "2025-05-20")
    last = paid(shared, bill, 200, "2025-06-10")
    amounts = {"2025-04-30": "0.00", "2025-05-19": "1000.00", "2025-05-20": "700.00", "2025-06-10": "500.00"}
    assert {day: then(shared, bill, day)["outstanding"]["amount"] for day in amounts} == amounts
    assert customer(shared, "partial", "outstanding { amount } overdue1To30Days { amount }") == {
        "outstanding": {"amount": "500.00"},
        "overdue1To30Days": {"amount": "500.00"},
    }
    rest = paid(shared, bill, 500, "2025-06-12")
    settled = writes.read(shared, "Receivable", bill, OPEN)
    assert (settled["settledOn"], settled["outstanding"]["amount"]) == ("2025-06-12", "0.00")
    assert (settled["paidAmount"], settled["ageingBucket"]) == ({"amount": "1000.00"}, None)
    assert then(shared, bill, "2025-06-11")["outstanding"] == {"amount": "500.00"}
    # A payment entered late moves the settlement, one that is deleted takes it back.
    writes.changed(shared, "Payment", last, paidOn="2025-06-14")
    assert writes.read(shared, "Receivable", bill, "settledOn")["settledOn"] == "2025-06-14"
    writes.done(shared, "delete", "Payment", rest)
    assert writes.read(shared, "Receivable", bill, "settledOn outstanding { amount }") == {
        "settledOn": None,
        "outstanding": {"amount": "500.00"},
    }
    writes.done(shared, "restore", "Payment", rest)
    assert writes.read(shared, "Receivable", bill, "settledOn")["settledOn"] == "2025-06-14"


def test_c4_payments_are_converted_like_their_invoice_and_add_up(shared):
    bill = billed(shared, "foreign", "0.99", currency="EUR")
    for day in ("2025-05-10", "2025-06-10"):
        paid(shared, bill, "0.33", day, currency="EUR")
    found = writes.read(
        shared,
        "Receivable",
        bill,
        f"{OPEN} amount {{ reportingAmount }} payments {{ nodes {{ amount {{ reportingAmount }} }} }}",
    )
    assert found["amount"] == {"reportingAmount": "7.92"}
    # Of June's rate, 9, nothing is seen: the invoice is of May.
    assert [node["amount"]["reportingAmount"] for node in found["payments"]["nodes"]] == ["2.64", "2.64"]
    assert found["outstanding"] == {"amount": "0.33", "currency": "EUR", "reportingAmount": "2.64"}
    writes.changed(shared, "Receivable", bill, amount={"amount": "1.99", "currency": "EUR"})
    assert writes.read(shared, "Receivable", bill, OPEN)["outstanding"] == {
        "amount": "1.33",
        "currency": "EUR",
        "reportingAmount": "10.64",
    }


def test_c4_payments_that_cannot_be_are_refused_by_field(shared):
    bill = billed(shared, "refused", 100)
    assert wrong(payment(shared, bill, -5, "2025-06-01")) == [
        ("INVALID", "amount", "it is not positive; give more than 0, and delete what did not happen")
    ]
    assert wrong(payment(shared, bill, 0, "2025-06-01"))[0][1] == "amount"
    assert wrong(payment(shared, bill, 5, "2025-06-01", currency="EUR")) == [
        ("INVALID", "amount", "it is in EUR, but the receivable is in CNY; give the amount in CNY")
    ]
    assert [found[1] for found in wrong(payment(shared, bill, 5, "2025-06-17"))] == ["paidOn"]
    first = paid(shared, bill, 60, "2025-06-01")
    ((code, field, message),) = wrong(payment(shared, bill, "40.01", "2025-06-02"))
    assert (code, field) == ("INVALID", "amount")
    assert message.startswith("invoice refused would be overpaid by 0.01 CNY; give at most what is open")
    too_much = writes.payload(shared, "update", "Payment", id=first, amount={"amount": "101"})
    assert [error["field"] for error in too_much["userErrors"]] == [["amount"]]
    less = writes.payload(shared, "update", "Receivable", id=bill, amount={"amount": "59.99"})
    assert less["userErrors"][0]["message"] == (
        "amount: 60.00 CNY of it is paid; give at least that, or correct the payments"
    )
    early = writes.payload(shared, "update", "Receivable", id=bill, settledOn="2025-05-31")
    assert early["userErrors"][0]["message"] == (
        "settledOn: 2025-05-31 is before its last payment, 2025-06-01; give 2025-06-01 or a later day"
    )
    other = writes.payload(shared, "update", "Receivable", id=bill, amount={"amount": "100", "currency": "EUR"})
    assert other["userErrors"][0]["field"] == ["amount"]
    # Settled by hand, the rest counts as paid on that day, and nothing is paid after it.
    writes.changed(shared, "Receivable", bill, settledOn="2025-06-10")
    assert wrong(payment(shared, bill, 40, "2025-06-11"))[0][1] == "paidOn"


def test_c4_a_payment_before_the_invoice_is_doubted(shared, crm):
    bill = billed(shared, "advance")
    answer = payment(shared, bill, 5, "2025-04-30")
    assert [(error["code"], error["field"], error["plugin"]) for error in answer["warnings"]] == [
        ("IMPLAUSIBLE", ["paidOn"], "credit_scoring")
    ]
    strict = crm(CreditScoring, clock=FixedClock(NOON), plausibility="REFUSE")
    assert wrong(payment(strict, billed(strict, "advance"), 5, "2025-04-30")) == [
        ("IMPLAUSIBLE", "paidOn", "2025-04-30 is before the invoice date, 2025-05-01; check both days")
    ]


def test_c4_the_payments_of_a_batch_add_up(shared):
    bill = billed(shared, "batch", 100)
    rows = [
        {
            "externalIds": [data.key(f"batch-{number}")],
            "receivableId": bill,
            "amount": {"amount": str(amount)},
            "paidOn": "2025-06-01",
        }
        for number, amount in enumerate((60, 50, 40))
    ]
    done = writes.upserted(shared, "payments", rows)
    assert [result["status"] for result in done["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert writes.read(shared, "Receivable", bill, "settledOn")["settledOn"] == "2025-06-01"


def test_c4_dunning_levels_follow_from_days_past_due_and_reminders_from_what_was_sent(shared):
    bill = billed(shared, "dunned", due="2025-05-25")
    levels = "dunningLevel remindedLevel isReminderDue"
    found = [then(shared, bill, day, levels) for day in ("2025-05-31", "2025-06-01", "2025-06-15")]
    assert found == [
        {"dunningLevel": 0, "remindedLevel": 0, "isReminderDue": False},
        {"dunningLevel": 1, "remindedLevel": 0, "isReminderDue": True},
        {"dunningLevel": 2, "remindedLevel": 0, "isReminderDue": True},
    ]
    person = writes.made(shared, "Contact", "id", name="Bo", customerId=of(shared, "dunned"))["id"]
    sent = {"receivableId": bill, "channel": "EMAIL", "contactId": person}
    writes.made(shared, "PaymentReminder", **sent, level=1, sentOn="2025-06-02")
    assert then(shared, bill, "2025-06-02", levels) == {
        "dunningLevel": 1,
        "remindedLevel": 1,
        "isReminderDue": False,
    }
    assert writes.read(
        shared, "Receivable", bill, f"{levels} reminders {{ nodes {{ level contact {{ name }} }} }}"
    ) == {
        "dunningLevel": 2,
        "remindedLevel": 1,
        "isReminderDue": True,
        "reminders": {"nodes": [{"level": 1, "contact": {"name": "Bo"}}]},
    }
    assert customer(shared, "dunned", "dunningLevel") == {"dunningLevel": 2}
    due = shared.query('{ receivables(where: {isReminderDue: {eq: true}, number: {eq: "dunned"}}) { totalCount } }')
    assert due == {"receivables": {"totalCount": 1}}
    for change in ({"isDisputed": True}, {"settledOn": "2025-06-15"}):
        writes.changed(shared, "Receivable", bill, **change)
        assert writes.read(shared, "Receivable", bill, "isReminderDue")["isReminderDue"] is False
    assert writes.read(shared, "Receivable", bill, "dunningLevel")["dunningLevel"] is None


def of(client, key):
    return customer(client, key, "id")["id"]


def test_c4_reminders_that_make_no_sense_are_refused_or_doubted(shared):
    bill = billed(shared, "reminded")
    too_high = writes.payload(shared, "create", "PaymentReminder", receivableId=bill, level=4, sentOn="2025-06-15")
    assert wrong(too_high) == [("INVALID", "level", "4 is above the highest dunning level, 3; give 1 to 3")]
    early = writes.payload(shared, "create", "PaymentReminder", receivableId=bill, level=1, sentOn="2025-05-31")
    assert [error["field"] for error in early["warnings"]] == [["sentOn"]]
    stranger = writes.made(shared, "Contact", "id", name="Cy", customerId=enter(shared, "elsewhere"))["id"]
    foreign = writes.payload(
        shared, "create", "PaymentReminder", receivableId=bill, level=1, sentOn="2025-06-15", contactId=stranger
    )
    assert [error["code"] for error in foreign["userErrors"]] == ["OTHER_CUSTOMER"]


def promised(client, bill, amount, for_, **given):
    terms = {"receivableId": bill, "amount": {"amount": str(amount)}, "promisedOn": "2025-06-05", "promisedFor": for_}
    return writes.payload(client, "create", "PaymentPromise", "id status", **{**terms, **given})


def status(client, id, day):
    query = f'{{ paymentPromise(id: "{id}") {{ status }} }}'
    return client.run(ask(client.app.context(), query, as_of=date.fromisoformat(day)))["paymentPromise"]["status"]


def test_c4_a_promise_is_open_kept_or_broken_by_what_is_paid_by_its_day(shared):
    bill = billed(shared, "promising")
    paid(shared, bill, 100, "2025-06-04")
    kept = promised(shared, bill, 200, "2025-06-12")["record"]["id"]
    broken = promised(shared, bill, 500, "2025-06-12")["record"]["id"]
    waiting = promised(shared, bill, 900, "2025-06-30")["record"]
    assert waiting["status"] == "OPEN"
    paid(shared, bill, 150, "2025-06-10")
    paid(shared, bill, 50, "2025-06-12")
    paid(shared, bill, 300, "2025-06-13")
    days = ("2025-06-04", "2025-06-11", "2025-06-12", "2025-06-13")
    assert [status(shared, kept, day) for day in days] == [None, "OPEN", "KEPT", "KEPT"]
    assert [status(shared, broken, day) for day in days] == [None, "OPEN", "OPEN", "BROKEN"]
    assert customer(shared, "promising", "brokenPromises") == {"brokenPromises": 1}
    # While a promise is open no reminder is due; paid in full, it is kept.
    assert then(shared, bill, "2025-06-15", "dunningLevel isReminderDue") == {
        "dunningLevel": 1,
        "isReminderDue": False,
    }
    writes.changed(shared, "Receivable", bill, settledOn="2025-06-15")
    assert status(shared, waiting["id"], "2025-06-15") == "KEPT"
    assert shared.query("{ paymentPromises(where: {status: {eq: BROKEN}}) { totalCount } }") == {
        "paymentPromises": {"totalCount": 1}
    }


def test_c4_promises_that_make_no_sense_are_refused_or_doubted(shared):
    bill = billed(shared, "senseless")
    assert wrong(promised(shared, bill, 0, "2025-06-04")) == [
        ("INVALID", "promisedFor", "2025-06-04 is before the day of the promise, 2025-06-05; give a later day"),
        ("INVALID", "amount", "it is not positive; give more than 0, and delete what did not happen"),
    ]
    assert [error["field"] for error in promised(shared, bill, 1001, "2025-06-30")["warnings"]] == [["amount"]]
    future = promised(shared, bill, 1, "2025-06-30", promisedOn="2025-06-17")
    assert [error["field"] for error in future["userErrors"]] == [["promisedOn"]]


def test_c12_a_customer_that_owes_something_is_not_deleted_without_a_word(shared):
    bill = billed(shared, "leaving")
    id = of(shared, "leaving")
    told = writes.payload(shared, "delete", "Customer", id=id)
    assert [(error["code"], error["plugin"]) for error in told["warnings"]] == [("IMPLAUSIBLE", "credit_scoring")]
    assert "1 receivable is open" in told["warnings"][0]["message"]
    writes.changed(shared, "Receivable", bill, settledOn="2025-06-15")
    writes.done(shared, "restore", "Customer", id)
    assert writes.done(shared, "delete", "Customer", id)["warnings"] == []


def test_notes_about_people_are_erased_with_them(shared):
    bill = billed(shared, "personal")
    person = writes.made(shared, "Contact", "id", name="Dora Maar", customerId=of(shared, "personal"))["id"]
    about = {"receivableId": bill, "contactId": person}
    sent = writes.made(shared, "PaymentReminder", "id", **about, level=1, sentOn="2025-06-10", note="Was upset")["id"]
    made = promised(shared, bill, 5, "2025-06-30", contactId=person, note="Her word")["record"]["id"]
    done = shared.query(
        """mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { message } } }""",
        id=person,
    )
    assert done["erasePersonalData"]["userErrors"] == []
    assert writes.read(shared, "PaymentReminder", sent, "note level") == {"note": None, "level": 1}
    assert writes.read(shared, "PaymentPromise", made, "note status") == {"note": None, "status": "OPEN"}


def test_who_lacks_the_permission_sees_nothing_of_it(shared):
    billed(shared, "secret")
    partner = shared.acting_as(shared.create("User", name="Pat", role="PARTNER")["id"])
    manager = shared.acting_as(shared.create("User", name="Max", role="BRANCH_MANAGER")["id"])
    for text in (
        "{ payments { totalCount } }",
        "{ paymentReminders { totalCount } }",
        "{ paymentPromises { totalCount } }",
        "{ creditHolds { totalCount } }",
        "{ ageing { asOf } }",
    ):
        assert partner.execute(text)["errors"][0]["extensions"]["code"] == "FORBIDDEN", text
        manager.query(text)
