"""What no record may say of its time, its amounts and those it belongs with, and what is only doubted (K6, K12, F6)."""

from datetime import UTC, datetime

import pytest

from guanxi import FixedClock
from tests.writes import changed, made, payload, refusal, upserted

FUTURE = "2030-01-01"


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)))


@pytest.fixture(scope="module")
def strict(module_crm):
    return module_crm(clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)), plausibility="REFUSE")


@pytest.fixture(scope="module")
def world(client):
    """Two customers, each with a contact and an opportunity."""
    ids = {}
    for key in ("a", "b"):
        ids[key] = made(client, "Customer", name=key)["id"]
        ids[f"{key}_contact"] = made(client, "Contact", name=key, customerId=ids[key])["id"]
        ids[f"{key}_deal"] = made(client, "Opportunity", name=key, customerId=ids[key])["id"]
    ids["user"] = made(client, "User", name="Udo", email="udo@example.com")["id"]
    return ids


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def warned(client, action: str, record: str, **given) -> list[str]:
    """The fields of the warnings of a mutation that is taken."""
    answer = payload(client, action, record, **given)
    assert answer["userErrors"] == []
    assert {warning["code"] for warning in answer["warnings"]} <= {"IMPLAUSIBLE"}
    return [warning["field"][0] for warning in answer["warnings"]]


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        ("Customer", "customerSince", FUTURE),
        ("Customer", "foundedYear", 3000),
        ("Contact", "birthDate", FUTURE),
        ("Opportunity", "openedOn", FUTURE),
        ("Interaction", "occurredAt", "2025-06-15T12:06:00Z"),
        ("Transaction", "occurredOn", FUTURE),
    ],
)
def test_what_has_happened_is_not_in_the_future(client, world, record, field, value):
    needed = {
        "Interaction": {"channel": "PHONE", "summary": "Hello"},
        "Transaction": {"customerId": world["a"], "actualAmount": yuan("1")},
    }.get(record, {"name": "x"})
    error = refusal(client, "create", record, **needed, **{field: value})
    assert (error["code"], error["field"]) == ("IN_FUTURE", [field])


def test_the_day_that_has_begun_elsewhere_is_accepted(client, world):
    given = {"customerId": world["a"], "actualAmount": yuan("1")}
    assert warned(client, "create", "Transaction", occurredOn="2025-06-16", **given) == []
    assert refusal(client, "create", "Transaction", occurredOn="2025-06-17", **given)["code"] == "IN_FUTURE"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ("Customer", "annualRevenue"),
        ("Customer", "totalAssets"),
        ("Opportunity", "expectedAmount"),
        ("Opportunity", "budgetAmount"),
        ("Product", "listPrice"),
    ],
)
def test_an_amount_that_cannot_be_negative_is_refused(client, record, field):
    error = refusal(client, "create", record, name="x", **{field: yuan("-0.01")})
    assert error == {
        "code": "INVALID",
        "field": [field],
        "message": f"{field}: -0.01 is too small; the minimum is 0",
    }
    made(client, record, name="x", **{field: yuan("0")})


def test_a_negative_sale_and_a_negative_discount_are_doubted_by_policy(client, strict, world):
    day = {"customerId": world["a"], "occurredOn": "2025-01-01"}
    correction = {**day, "actualAmount": yuan("-5"), "cost": yuan("-1")}
    assert warned(client, "create", "Transaction", **correction) == ["actualAmount", "cost"]
    dearer = {**day, "actualAmount": yuan("5"), "grossAmount": yuan("3")}
    assert warned(client, "create", "Transaction", **dearer) == ["grossAmount"]
    assert warned(client, "create", "Transaction", **day, actualAmount=yuan("3"), grossAmount=yuan("5")) == []
    day = {"customerId": made(strict, "Customer", name="a")["id"], "occurredOn": "2025-01-01"}
    error = refusal(strict, "create", "Transaction", **day, actualAmount=yuan("-5"))
    assert (error["code"], error["field"]) == ("IMPLAUSIBLE", ["actualAmount"])


def test_days_before_an_opportunity_originated_are_doubted_by_policy(client, strict):
    lost = {"status": "LOST", "lossReason": "PRICE", "lossSummary": "x", "closedOn": "2025-05-01"}
    assert warned(client, "create", "Opportunity", name="x", openedOn="2025-06-01", **lost) == ["closedOn"]
    early = {"name": "x", "openedOn": "2025-06-01", "expectedCloseDate": "2025-05-31"}
    assert warned(client, "create", "Opportunity", **early) == ["expectedCloseDate"]
    assert refusal(strict, "create", "Opportunity", **early)["code"] == "IMPLAUSIBLE"
    assert warned(client, "create", "Opportunity", **{**early, "expectedCloseDate": "2025-06-01"}) == []


def test_records_that_belong_together_are_of_one_customer(client, world):
    other = {"a": world["a"], "deal": world["b_deal"], "contact": world["b_contact"]}
    tried = [
        ("update", "Contact", {"id": world["a_contact"], "reportsToId": other["contact"]}, "reportsToId"),
        (
            "create",
            "OpportunityContact",
            {"opportunityId": world["a_deal"], "contactId": other["contact"]},
            "contactId",
        ),
        (
            "create",
            "Interaction",
            {"customerId": other["a"], "opportunityId": other["deal"], "channel": "VISIT", "summary": "x"},
            "opportunityId",
        ),
        (
            "create",
            "Interaction",
            {"opportunityId": other["deal"], "contactId": world["a_contact"], "channel": "VISIT", "summary": "x"},
            "contactId",
        ),
        ("create", "Task", {"subject": "x", "customerId": other["a"], "contactId": other["contact"]}, "contactId"),
        (
            "create",
            "Transaction",
            {
                "customerId": other["a"],
                "opportunityId": other["deal"],
                "occurredOn": "2025-01-01",
                "actualAmount": yuan("1"),
            },
            "opportunityId",
        ),
    ]
    for action, record, given, field in tried:
        error = refusal(client, action, record, **given)
        assert (error["code"], error["field"]) == ("OTHER_CUSTOMER", [field])


def test_who_has_no_customer_goes_with_all_and_a_batch_is_judged_as_it_will_be(client, world):
    adviser = made(client, "Contact", name="Adviser")["id"]
    assert warned(client, "create", "OpportunityContact", opportunityId=world["a_deal"], contactId=adviser) == []
    boss = made(client, "Contact", name="Boss", customerId=world["a"])["id"]
    rows = [
        {"id": boss, "customerId": world["b"]},
        {"name": "Report", "customerId": world["b"], "reportsToId": boss},
    ]
    assert upserted(client, "contacts", rows, matchBy="ID")["failed"] == 0


def test_an_opportunity_that_goes_to_another_customer_says_what_stays_behind(client, world):
    deal = made(client, "Opportunity", name="x", customerId=world["a"])["id"]
    made(client, "OpportunityContact", opportunityId=deal, contactId=world["a_contact"])
    made(client, "Task", subject="x", opportunityId=deal, customerId=world["a"])
    answer = payload(client, "update", "Opportunity", id=deal, customerId=world["b"])
    (warning,) = answer["warnings"]
    assert warning["code"] == "OTHER_CUSTOMER"
    assert warning["message"].startswith("customerId: 1 opportunity contact, 1 task of the opportunity belong")


def test_what_there_may_be_once_is_refused_a_second_time(client, world):
    deal, contact, user = world["a_deal"], world["a_contact"], world["user"]
    pairs = [
        ("AccountTeamMember", {"customerId": world["a"], "userId": user}, "userId"),
        ("OpportunityMember", {"opportunityId": deal, "userId": user}, "userId"),
        ("OpportunityContact", {"opportunityId": deal, "contactId": contact, "isPrimary": True}, "contactId"),
    ]
    for record, given, field in pairs:
        first = made(client, record, **given)["id"]
        error = refusal(client, "create", record, **given)
        assert (error["code"], error["field"]) == ("ALREADY_EXISTS", [field])
        assert first in error["message"]
    second = made(client, "Contact", name="x", customerId=world["a"])["id"]
    error = refusal(client, "create", "OpportunityContact", opportunityId=deal, contactId=second, isPrimary=True)
    assert (error["code"], error["field"]) == ("ALREADY_EXISTS", ["isPrimary"])
    role = made(client, "OpportunityContact", opportunityId=deal, contactId=second)["id"]
    assert refusal(client, "update", "OpportunityContact", id=role, isPrimary=True)["field"] == ["isPrimary"]
    error = refusal(client, "create", "User", name="Twin", email="UDO@Example.com")
    assert (error["code"], error["field"]) == ("ALREADY_EXISTS", ["email"])
    made(client, "User", name="Without an address")
    made(client, "User", name="Another without")


def test_a_batch_keeps_the_first_of_two_and_lets_one_take_what_another_gives_up(client):
    rows = [{"name": "One", "email": "one@example.com"}, {"name": "Two", "email": "ONE@example.com"}]
    answer = upserted(client, "users", rows, matchBy="ID")
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED"]
    one = answer["results"][0]["record"]["id"]
    rows = [{"id": one, "email": "first@example.com"}, {"name": "Two", "email": "one@example.com"}]
    assert upserted(client, "users", rows, matchBy="ID")["failed"] == 0


def test_referrals_do_not_lead_back(client):
    first = made(client, "Customer", name="x")["id"]
    second = made(client, "Customer", name="y", referredById=first)["id"]
    for referrer in (first, second):
        assert refusal(client, "update", "Customer", id=first, referredById=referrer)["code"] == "CYCLE"


def test_only_what_identifies_a_record_finds_it(client):
    found = client.query('{ __type(name: "CustomerMatchKey") { enumValues { name } } }')["__type"]["enumValues"]
    assert {value["name"] for value in found} == {"ID", "EXTERNAL_ID", "NAME", "NUMBER", "EMAIL"}


def test_a_ladder_has_one_stage_per_position_and_winning_is_certain(client):
    stages = client.query("{ stages { id key position winProbability } }")["stages"]
    error = refusal(client, "create", "Stage", key="Z", name="z", position=stages[0]["position"], winProbability="5")
    assert (error["code"], error["field"]) == ("ALREADY_EXISTS", ["position"])
    last = stages[-1]["id"]
    error = refusal(client, "update", "Stage", id=last, winProbability="50")
    assert (error["code"], error["field"]) == ("INVALID", ["winProbability"])
    assert warned(client, "update", "Stage", id=last, wins=False) == ["wins"]
    changed(client, "Stage", last, wins=True)
    assert warned(client, "update", "Stage", id=stages[3]["id"], winProbability="5") == ["winProbability"]
    assert warned(client, "update", "Stage", id=stages[3]["id"], winProbability="75") == []
    swap = [
        {"id": stages[0]["id"], "position": stages[1]["position"], "winProbability": "10"},
        {"id": stages[1]["id"], "position": stages[0]["position"]},
    ]
    assert upserted(client, "stages", swap, matchBy="ID")["failed"] == 0
