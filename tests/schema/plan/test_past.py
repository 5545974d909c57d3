"""A record as it was at a moment: its own fields by the log, those of plugins by their histories, in one statement."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func

from guanxi import Field, FixedClock, History, Plugin, Record, column, hookimpl, reference
from guanxi.records import Customer
from guanxi.testing import QueryError
from plugins.credit_scoring import CreditScoring
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from tests.writes import changed, done, made

START = datetime(2025, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    return FixedClock(START)


@pytest.fixture
def client(crm, clock):
    return crm(clock=clock)


def later(clock, **time):
    clock.moment += timedelta(**time)
    return clock.moment.isoformat()


def then(client, record, id, at, ask):
    kind = record[0].lower() + record[1:]
    text = f"query ($id: ID!, $at: DateTime) {{ it: {kind}(id: $id, asOf: $at) {{ {ask} }} }}"
    return client.query(text, id=id, at=at)["it"]


def test_every_kind_of_value_is_what_it_was(client, clock):
    first, second = (made(client, "User", name=name)["id"] for name in ("Ana", "Bo"))
    given = {
        "name": "Old name",
        "industry": "Foods",
        "employeeCount": 10,
        "annualRevenue": {"amount": "12.50", "currency": "EUR"},
        "customerSince": "2020-01-31",
        "status": "PROSPECT",
        "needs": ["cable"],
        "ownerId": first,
        "tags": ["hot"],
    }
    client.query(
        'mutation { createExchangeRate(input: {currency: "EUR", validFrom: "2020-01-01", rate: "8"}) { userErrors { code } } }'
    )
    id = made(client, "Customer", **given)["id"]
    before = later(clock, days=1)
    later(clock, days=1)
    changed(
        client,
        "Customer",
        id,
        name="New name",
        industry=None,
        employeeCount=11,
        annualRevenue={"amount": "13", "currency": "EUR"},
        customerSince=None,
        status="ACTIVE",
        needs=[],
        ownerId=second,
        tags=["cold", "new"],
    )
    changed(client, "User", first, name="Ana again")
    ask = """id name industry employeeCount annualRevenue { currency amount } customerSince status needs ownerId tags
      createdAt deletedAt owner { id name } __typename"""
    assert then(client, "Customer", id, before, ask) == {
        "id": id,
        **given,
        "annualRevenue": {"currency": "EUR", "amount": "12.50"},
        "createdAt": "2025-03-01T09:00:00.000Z",
        "deletedAt": None,
        "owner": {"id": first, "name": "Ana"},
        "__typename": "Customer",
    }
    assert (
        then(client, "Customer", id, clock.moment.isoformat(), ask)
        == client.query(f"query ($id: ID!) {{ it: customer(id: $id) {{ {ask} }} }}", id=id)["it"]
    )


def test_what_was_empty_is_empty_and_what_was_not_entered_yet_is_not_there(client, clock):
    id = made(client, "Customer", name="Late")["id"]
    empty = later(clock, hours=1)
    later(clock, hours=1)
    changed(client, "Customer", id, annualRevenue={"amount": "1", "currency": "CNY"}, industry="Foods")
    ask = "name industry annualRevenue { amount } owner { name }"
    assert then(client, "Customer", id, empty, ask) == {
        "name": "Late",
        "industry": None,
        "annualRevenue": None,
        "owner": None,
    }
    assert then(client, "Customer", id, (START - timedelta(days=1)).isoformat(), "name") is None


def test_the_last_of_several_changes_before_the_moment_counts(client, clock):
    id = made(client, "Customer", name="1")["id"]
    moments = [clock.moment.isoformat()]
    for number in (2, 3, 4):
        moments.append(later(clock, days=1))
        changed(client, "Customer", id, name=str(number))
    assert [then(client, "Customer", id, at, "name")["name"] for at in moments] == ["1", "2", "3", "4"]


def test_a_deleted_record_is_shown_as_it_was_and_tells_when_it_was_deleted(client, clock):
    id = made(client, "Customer", name="Gone")["id"]
    alive = later(clock, days=1)
    deleted = later(clock, days=1)
    done(client, "delete", "Customer", id)
    later(clock, days=1)
    done(client, "restore", "Customer", id)
    assert then(client, "Customer", id, alive, "name deletedAt") == {"name": "Gone", "deletedAt": None}
    gone = then(client, "Customer", id, deleted, "deletedAt")["deletedAt"]
    assert datetime.fromisoformat(gone) == datetime.fromisoformat(deleted)
    assert then(client, "Customer", id, clock.moment.isoformat(), "deletedAt") == {"deletedAt": None}


def test_an_opportunity_has_the_stage_it_had(client, clock):
    customer = made(client, "Customer", name="Buyer")["id"]
    id = made(client, "Opportunity", name="Deal", customerId=customer)["id"]
    asked, at = "stage { key } status", clock.moment.isoformat()
    before = then(client, "Opportunity", id, at, asked)
    later(clock, days=3)
    stages = client.query("{ stages { id key wins } }")["stages"]
    win = next(stage["id"] for stage in stages if stage["wins"])
    answer = client.query(
        "mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) { userErrors { message } } }",
        input={"id": id, "stageId": win},
    )["moveOpportunity"]
    assert answer["userErrors"] == []
    assert then(client, "Opportunity", id, at, asked) == before
    assert then(client, "Opportunity", id, clock.moment.isoformat(), asked) != before


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ("contacts { totalCount }", "Customer.contacts: nobody knows what it was"),
        ("version", "Customer.version: nobody knows what it was"),
        ("annualRevenue { reportingAmount }", "what it was worth in the reporting currency is not kept"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(client, clock, ask, said):
    id = made(client, "Customer", name="Unknown")["id"]
    with pytest.raises(QueryError, match=said):
        then(client, "Customer", id, clock.moment.isoformat(), ask)


def test_the_future_is_refused(client, clock):
    id = made(client, "Customer", name="Tomorrow")["id"]
    with pytest.raises(
        QueryError, match=r"asOf: 2025-03-02T09:00:00\+00:00 is in the future, of which nothing is known"
    ):
        then(client, "Customer", id, (START + timedelta(days=1)).isoformat(), "name")


def test_what_was_erased_is_null_and_says_why(client, clock):
    customer = made(client, "Customer", name="House")["id"]
    id = made(client, "Contact", name="Wang Fang", customerId=customer, phone="+86 10 5555 0100", jobTitle="Buyer")[
        "id"
    ]
    at = later(clock, days=1)
    later(clock, days=1)
    asked = "query ($id: ID!, $at: DateTime) { contact(id: $id, asOf: $at) { name phone seniority } }"
    known = client.execute(asked, id=id, at=at)
    assert known["data"]["contact"]["phone"] == "+86 10 5555 0100"
    assert "errors" not in known
    client.query(
        'mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { message } } }',
        id=id,
    )
    answer = client.execute(asked, id=id, at=at)
    assert answer["data"]["contact"] == {"name": "erased", "phone": None, "seniority": None}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["contact", "phone"], "ERASED")


def test_one_statement_reads_all_of_it(client, clock, monkeypatch):
    id = made(client, "Customer", name="Counted")["id"]
    fetch, statements = client.app.services.reader.fetch, []

    async def counted(sql, *rest, **more):
        statements.append(sql)
        return await fetch(sql, *rest, **more)

    monkeypatch.setattr(client.app.services.reader, "fetch", counted)
    then(client, "Customer", id, clock.moment.isoformat(), "name industry annualRevenue { amount } owner { name }")
    assert len(statements) == 1


# Plugins


class Grade(Record, plugin="grades", prefix="grd"):
    """What somebody thought of a customer."""

    customer_id: str = reference(Customer, "Whom.", inverse="grades", on_destroy="CASCADE")
    since: datetime = column("Since when.")
    mark: str = column("The mark.", max_length=10)


class Grades(Plugin):
    name, version, api = "grades", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Grade]

    @hookimpl
    def register_fields(self):
        def latest(row):
            return row.over(Grade, "customer_id", lambda grade: func.max(grade.mark))

        yield Field("Customer.grade", latest, "Best mark.", str, history=History(Grade, "customer_id", "since", "mark"))
        yield Field("Customer.moment", latest, "Said.", str, history=lambda ctx, rows: [row["at"] for row in rows])


def test_a_field_of_a_plugin_is_what_its_history_had(crm, clock):
    client = crm(Grades, clock=clock)
    id = made(client, "Customer", name="Graded")["id"]
    moments = []
    for mark in ("A", "C", "B"):
        moments.append(clock.moment.isoformat())
        made(client, "Grade", customerId=id, since=clock.moment.isoformat(), mark=mark)
        later(clock, days=1)
    assert [then(client, "Customer", id, at, "grade")["grade"] for at in moments] == ["A", "C", "B"]
    found = then(client, "Customer", id, moments[1], "moment grade")
    assert found == {"moment": "2025-03-02T09:00:00.000Z", "grade": "C"}


SCORES = ("creditFinancialStatus", "creditReputation", "creditTransactionRecord")


def test_tiers_scores_limits_and_satisfaction_are_what_they_were(crm, clock):
    client = crm(ValueTiering, CreditScoring, SatisfactionSurveys, clock=clock)
    id = made(client, "Customer", name="Judged", **dict.fromkeys(SCORES, "80"))["id"]
    survey = made(client, "Survey", title="Spring")["id"]
    asked = "valueTier creditScore creditLimit { amount reportingAmount } satisfactionRating"
    # Entered scores are evaluated at once.
    nothing = {"valueTier": None, "creditScore": "80.00", "creditLimit": None, "satisfactionRating": None}
    before = clock.moment.isoformat()
    later(clock, days=1)

    def judge(tier, rating, limit, note):
        for name, given in (
            ("overrideValueTier", {"customerId": id, "tier": tier, "reason": "strategic"}),
            ("evaluateCredit", {"customerIds": [id]}),
        ):
            kind = name[0].upper() + name[1:]
            text = f"mutation ($input: {kind}Input!) {{ done: {name}(input: $input) {{ userErrors {{ message }} }} }}"
            assert client.query(text, input=given)["done"]["userErrors"] == []
        day = clock.moment.date().isoformat()
        made(client, "SurveyResponse", surveyId=survey, customerId=id, answeredOn=day, actualRating=rating)
        changed(client, "Customer", id, creditLimit={"amount": limit, "currency": "CNY"}, creditLimitReason=note)

    judge("MAIN", "4", "1000", "new")
    first = clock.moment.isoformat()
    later(clock, days=10)
    changed(client, "Customer", id, creditFinancialStatus="10")
    judge("SMALL", "2", "10", "less")
    assert then(client, "Customer", id, before, asked) == nothing
    then_first, now = then(client, "Customer", id, first, asked), then(client, "Customer", id, None, asked)
    assert then_first["valueTier"] == "MAIN"
    assert then_first["creditLimit"] == {"amount": "1000.00", "reportingAmount": "1000.00"}
    assert then_first["satisfactionRating"] == "4.00"
    assert then_first["creditScore"] > now["creditScore"]
    assert then(client, "Customer", id, clock.moment.isoformat(), asked) == now
