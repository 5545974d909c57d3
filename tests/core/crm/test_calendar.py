"""Days and periods of the business, in every statement alike."""

from datetime import UTC, datetime

import pytest

from core.base.errors import ConfigurationError
from guanxi import FixedClock, load_settings
from plugins.forecasting import Forecasting

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
WON = (
    """query ($by: [OpportunityGroupKey!]!) { opportunitiesGroupBy(by: $by) { keys { wonAt } aggregate { count } } }"""
)
METRIC = """query ($first: Date!, $last: Date!) {
  salesMetrics(metrics: [WON_COUNT], grain: MONTH, firstDay: $first, lastDay: $last) {
    points { value } } }"""


def talks(client, moments):
    """Logs an interaction at each moment."""
    customer = client.create("Customer", name="Clock & Co")["id"]
    for moment in moments:
        given = {"customerId": customer, "channel": "VISIT", "summary": "s", "occurredAt": moment}
        answer = client.query(
            "mutation ($input: LogInteractionInput!) { logInteraction(input: $input) { userErrors { message } } }",
            input=given,
        )
        assert answer["logInteraction"]["userErrors"] == []


def grouped(client, grain):
    """How many interactions there are in each period."""
    text = f"{{ interactionsGroupBy(by: [{{occurredAt: {grain}}}]) {{ keys {{ occurredAt }} aggregate {{ count }} }} }}"
    groups = client.query(text)["interactionsGroupBy"]
    return {group["keys"]["occurredAt"]: group["aggregate"]["count"] for group in groups}


def test_a_deal_is_in_the_same_month_everywhere(crm):
    client = crm(Forecasting, clock=FixedClock(NOON), time_zone="America/Sao_Paulo")
    # 28 February, 22:17 in São Paulo.
    deal = client.create("Opportunity", name="Late", openedOn="2026-02-01")["id"]
    moved = client.query(
        """mutation ($id: ID!) { moveOpportunity(input: {id: $id, stageKey: "F", at: "2026-03-01T01:17:00Z"}) {
            opportunity { closedOn } userErrors { message } } }""",
        id=deal,
    )["moveOpportunity"]
    assert moved == {"opportunity": {"closedOn": "2026-02-28"}, "userErrors": []}
    groups = client.query(WON, by=[{"wonAt": "MONTH"}])["opportunitiesGroupBy"]
    assert groups == [{"keys": {"wonAt": "2026-02-01"}, "aggregate": {"count": 1}}]
    (series,) = client.query(METRIC, first="2026-02-01", last="2026-03-31")["salesMetrics"]
    assert [point["value"] for point in series["points"]] == ["1", "0"]


def test_days_follow_the_clocks_of_the_zone(crm):
    client = crm(clock=FixedClock(NOON), time_zone="Europe/Berlin")
    talks(client, ["2026-01-31T22:59:59.999Z", "2026-01-31T23:00:00Z", "2026-03-31T21:59:00Z", "2026-03-31T22:00:00Z"])
    assert grouped(client, "DAY") == {"2026-01-31": 1, "2026-02-01": 1, "2026-03-31": 1, "2026-04-01": 1}
    assert grouped(client, "MONTH") == {"2026-01-01": 1, "2026-02-01": 1, "2026-03-01": 1, "2026-04-01": 1}
    assert grouped(client, "WEEK") == {"2026-01-26": 2, "2026-03-30": 2}


def test_quarters_and_years_are_of_the_fiscal_year(crm):
    client = crm(clock=FixedClock(NOON), fiscal_year_start=2)
    talks(client, ["2025-01-31T12:00:00Z", "2025-02-01T12:00:00Z", "2026-04-30T12:00:00Z", "2026-05-01T12:00:00Z"])
    assert grouped(client, "QUARTER") == {"2024-11-01": 1, "2025-02-01": 1, "2026-02-01": 1, "2026-05-01": 1}
    assert grouped(client, "YEAR") == {"2024-02-01": 1, "2025-02-01": 1, "2026-02-01": 2}


def test_a_moment_reached_by_a_relation_is_of_the_zone_too(crm):
    client = crm(clock=FixedClock(NOON), time_zone="Asia/Shanghai")
    talks(client, ["2026-05-31T15:59:00Z", "2026-05-31T16:00:00Z"])
    text = "{ customersGroupBy(by: [{lastInteractionAt: MONTH}]) { keys { lastInteractionAt } aggregate { count } } }"
    assert client.query(text)["customersGroupBy"] == [
        {"keys": {"lastInteractionAt": "2026-06-01"}, "aggregate": {"count": 1}}
    ]


def test_what_is_due_is_so_by_the_day_of_who_asks(crm):
    # Midnight has passed in Auckland, not in Berlin.
    client = crm(clock=FixedClock(NOON), time_zone="Europe/Berlin")
    ask = """{ opportunities { nodes { followUpState } } tasks { nodes { isOverdue } } }"""
    for name, zone in (("Kiri", "Pacific/Auckland"), ("Karl", None)):
        client.create("User", name=name, email=f"{name}@example.com", role="ADMINISTRATOR", timeZone=zone)
    client.create("Opportunity", name="Call", nextActionAt="2026-06-16T09:00:00Z")
    client.create("Task", subject="Send", dueOn="2026-06-15")
    users = {user["name"]: user["id"] for user in client.query("{ users { nodes { id name } } }")["users"]["nodes"]}
    found = {name: client.acting_as(users[name]).query(ask) for name in users}
    states = {name: answer["opportunities"]["nodes"][0]["followUpState"] for name, answer in found.items()}
    overdue = {name: answer["tasks"]["nodes"][0]["isOverdue"] for name, answer in found.items()}
    assert states == {"Kiri": "DUE", "Karl": "NOT_DUE"}
    assert overdue == {"Kiri": True, "Karl": False}


def test_what_is_in_the_future_is_so_by_the_day_of_the_business(crm):
    # In Auckland the year 2026 has begun.
    client = crm(clock=FixedClock(datetime(2025, 12, 31, 12, tzinfo=UTC)), time_zone="Pacific/Auckland")
    client.create("Customer", name="New", foundedYear=2026)
    answer = client.query(
        'mutation { createContact(input: {name: "Eve", birthDate: "2026-01-03"}) { userErrors { message } } }'
    )["createContact"]
    assert answer["userErrors"] == [
        {"message": "birthDate: 2026-01-03 is in the future; give 2026-01-01 or an earlier day"}
    ]


def test_a_zone_that_is_none_is_refused_with_an_example(crm):
    client = crm(clock=FixedClock(NOON))
    answer = client.query(
        'mutation { createUser(input: {name: "M", timeZone: "Mars/Olympus"}) { userErrors { code field message } } }'
    )
    assert answer["createUser"]["userErrors"] == [
        {
            "code": "INVALID",
            "field": ["timeZone"],
            "message": "timeZone: 'Mars/Olympus' is not a time zone; give one such as Europe/Berlin, Asia/Shanghai or UTC",
        }
    ]
    with pytest.raises(ConfigurationError, match=r"GUANXI_TIME_ZONE.*Mars.*is not a time zone"):
        load_settings(time_zone="Mars")
