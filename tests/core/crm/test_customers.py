"""What the core derives of customers and contacts, as fields like any other (T20, T22, T23, K2, K3, K5)."""

from datetime import UTC, datetime

import pytest

from guanxi import FixedClock
from tests.writes import changed, done, made, read, upserted


@pytest.fixture(scope="module")
def clock():
    return FixedClock(datetime(2025, 6, 30, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def client(module_crm, clock):
    return module_crm(clock=clock)


def bought(client, customer: str, *days: str) -> list[str]:
    return [
        made(client, "Transaction", customerId=customer, occurredOn=day, actualAmount={"amount": "1"})["id"]
        for day in days
    ]


# T22


@pytest.fixture(scope="module")
def lifecycle(client):
    group = made(client, "Customer", name="Lifecycle group")["id"]
    for name, days in (
        ("potential", ()),
        ("new", ("2025-01-10",)),
        ("stable", ("2023-06-30", "2023-12-01", "2024-06-01", "2025-01-01")),
        ("long-term", ("2021-05-01",)),
        ("new with one order", ("2023-06-30",)),
    ):
        bought(client, made(client, "Customer", name=name, parentId=group)["id"], *days)
    made(client, "Customer", name="by hand", parentId=group, lifecycleOverride="STABLE")
    return group


def test_t22_lifecycle_stage_is_selected_filtered_ordered_and_grouped(client, lifecycle):
    found = client.query(
        """query ($id: ID!) {
            customers(where: {parent: {id: {eq: $id}}}, orderBy: [{lifecycleStage: ASC}, {name: ASC}]) {
                nodes { name lifecycleStage } }
            stable: customers(where: {parent: {id: {eq: $id}}, lifecycleStage: {eq: STABLE}}, orderBy: [{name: ASC}]) {
                nodes { name } }
            customersGroupBy(by: [{lifecycleStage: true}], where: {parent: {id: {eq: $id}}}, having: {count: {gte: 2}}) {
                keys { lifecycleStage } aggregate { count } } }""",
        id=lifecycle,
    )
    assert [(node["name"], node["lifecycleStage"]) for node in found["customers"]["nodes"]] == [
        ("potential", "POTENTIAL"),
        ("new", "NEW"),
        ("new with one order", "NEW"),
        ("by hand", "STABLE"),
        ("stable", "STABLE"),
        ("long-term", "LONG_TERM"),
    ]
    assert found["stable"]["nodes"] == [{"name": "by hand"}, {"name": "stable"}]
    assert found["customersGroupBy"] == [
        {"keys": {"lifecycleStage": "NEW"}, "aggregate": {"count": 2}},
        {"keys": {"lifecycleStage": "STABLE"}, "aggregate": {"count": 2}},
    ]


def test_t22_the_thresholds_are_settings(crm):
    client = crm(clock=FixedClock(datetime(2025, 6, 30, tzinfo=UTC)), new_for_months=3, long_term_from_months=6)
    customer = made(client, "Customer", name="Acme")["id"]
    bought(client, customer, "2025-03-01", "2025-04-01")
    assert read(client, "Customer", customer, "lifecycleStage") == {"lifecycleStage": "STABLE"}
    bought(client, customer, "2024-12-30")
    assert read(client, "Customer", customer, "lifecycleStage") == {"lifecycleStage": "LONG_TERM"}


def test_t22_first_and_last_order_follow_every_change_of_transactions(client):
    one, other = (made(client, "Customer", name=name)["id"] for name in ("One", "Other"))
    ask = "firstTransactionOn lastTransactionOn transactionCount"
    nothing = {"firstTransactionOn": None, "lastTransactionOn": None, "transactionCount": 0}
    assert read(client, "Customer", one, ask) == nothing
    early, late = bought(client, one, "2025-01-01", "2025-03-01")
    assert read(client, "Customer", one, ask) == {
        "firstTransactionOn": "2025-01-01",
        "lastTransactionOn": "2025-03-01",
        "transactionCount": 2,
    }
    changed(client, "Transaction", early, occurredOn="2025-02-01")
    changed(client, "Transaction", late, customerId=other)
    assert read(client, "Customer", one, ask) == {
        "firstTransactionOn": "2025-02-01",
        "lastTransactionOn": "2025-02-01",
        "transactionCount": 1,
    }
    assert read(client, "Customer", other, ask)["transactionCount"] == 1
    done(client, "delete", "Transaction", early)
    assert read(client, "Customer", one, ask) == nothing
    done(client, "restore", "Transaction", early)
    done(client, "destroy", "Transaction", early)
    assert read(client, "Customer", one, ask) == nothing
    rows = [
        {"customerId": one, "occurredOn": f"2025-04-{day:02d}", "actualAmount": {"amount": "1"}} for day in range(1, 31)
    ]
    upserted(client, "transactions", rows, matchBy="ID")
    assert read(client, "Customer", one, ask) == {
        "firstTransactionOn": "2025-04-01",
        "lastTransactionOn": "2025-04-30",
        "transactionCount": 30,
    }


# T23, T20


def test_t23_company_size_is_selected_filtered_ordered_and_grouped(client):
    group = made(client, "Customer", name="Size group")["id"]
    for employees in (299, 300, 999, 1000, None):
        made(client, "Customer", name=f"{employees}", parentId=group, employeeCount=employees)
    found = client.query(
        """query ($id: ID!) {
            customers(where: {parent: {id: {eq: $id}}}, orderBy: [{employeeCount: ASC}]) { nodes { companySize } }
            known: customersAggregate(where: {parent: {id: {eq: $id}}, companySize: {isNull: false}}) { count }
            other: customersAggregate(where: {parent: {id: {eq: $id}}, companySize: {ne: MEDIUM}}) { count }
            customersGroupBy(by: [{companySize: true}], where: {parent: {id: {eq: $id}}},
                orderBy: [{key: {companySize: ASC}}]) { keys { companySize } aggregate { count } } }""",
        id=group,
    )
    sizes = [node["companySize"] for node in found["customers"]["nodes"]]
    assert sizes == ["SMALL_MICRO", "MEDIUM", "MEDIUM", "LARGE", None]
    assert (found["known"]["count"], found["other"]["count"]) == (4, 3)
    assert [(row["keys"]["companySize"], row["aggregate"]["count"]) for row in found["customersGroupBy"]] == [
        ("SMALL_MICRO", 1),
        ("MEDIUM", 2),
        ("LARGE", 1),
        (None, 1),
    ]


def test_t20_the_managed_level_names_who_looks_after_a_customer(client):
    ask = "defaultOwnerRole managedLevel"
    for level, role in (("PROVINCIAL", "INDUSTRY_MANAGER"), ("MUNICIPAL", "ACCOUNT_MANAGER"), ("GRID", "GRID_MANAGER")):
        found = made(client, "Customer", ask, name=level, managedLevel=level)
        assert found == {"defaultOwnerRole": role, "managedLevel": level}
    assert made(client, "Customer", ask, name="None") == {"defaultOwnerRole": None, "managedLevel": None}


# K2


def test_k2_the_archive_fills_section_by_section(client):
    id = made(client, "Customer", name="Profile")["id"]
    ask = "profileCompleteness profileGaps"
    every = ["BASIC", "USAGE", "ORGANISATION", "BUSINESS", "COMPETITION"]

    def profile() -> tuple[int, list[str]]:
        found = read(client, "Customer", id, ask)
        assert found is not None
        return found["profileCompleteness"], found["profileGaps"]

    assert profile() == (0, every)
    changed(client, "Customer", id, industry="Chemicals", region="North")
    assert profile() == (0, every)
    changed(client, "Customer", id, phone="+86 10 1234 5678")
    assert profile() == (20, every[1:])
    bought(client, id, "2025-06-01")
    contact = made(client, "Contact", name="Con", customerId=id)["id"]
    changed(client, "Customer", id, annualRevenue={"amount": "5000000"})
    assert profile() == (80, ["COMPETITION"])
    found = client.query(
        """query ($id: ID!) { customers(where: {id: {eq: $id}, profileCompleteness: {gte: 80},
            profileGaps: {has: COMPETITION}}) { totalCount }
          none: customers(where: {id: {eq: $id}, profileGaps: {hasAny: [BASIC, BUSINESS]}}) { totalCount } }""",
        id=id,
    )
    assert found == {"customers": {"totalCount": 1}, "none": {"totalCount": 0}}
    changed(client, "Customer", id, industryCompetitors=["Rival"])
    assert profile() == (100, [])
    done(client, "delete", "Contact", contact)
    assert profile() == (80, ["ORGANISATION"])


# K3


def test_k3_a_customer_untouched_for_181_days_is_stale(client, clock):
    clock.moment = datetime(2025, 1, 1, 9, tzinfo=UTC)
    id = made(client, "Customer", name="Dusty")["id"]
    try:
        for day, stale in ((datetime(2025, 6, 30, tzinfo=UTC), False), (datetime(2025, 7, 1, tzinfo=UTC), True)):
            clock.moment = day
            found = client.query(
                """query ($id: ID!) { customer(id: $id) { isStale }
                    customers(where: {id: {eq: $id}, isStale: {eq: true}}) { totalCount } }""",
                id=id,
            )
            assert found == {"customer": {"isStale": stale}, "customers": {"totalCount": int(stale)}}
        changed(client, "Customer", id, city="Lyon")
        assert read(client, "Customer", id, "isStale") == {"isStale": False}
    finally:
        clock.moment = datetime(2025, 6, 30, 12, tzinfo=UTC)


# K5, K6


@pytest.fixture(scope="module")
def people(client):
    customer = made(client, "Customer", name="People")["id"]
    for name, attitude, role in (
        ("Ada", "SUPPORT", "TECHNICAL"),
        ("Ben", "SUPPORT", "DECISION_MAKER"),
        ("Cleo", "NEUTRAL", "USER"),
        ("Dan", "OPPOSE", "DECISION_MAKER"),
    ):
        made(client, "Contact", name=name, customerId=customer, attitude=attitude, buyingRole=role)
    return customer


def test_k5_two_support_one_is_neutral_one_opposes(client, people):
    groups = client.query(
        """query ($id: ID!) { contactsGroupBy(by: [{attitude: true}], where: {customer: {id: {eq: $id}}},
            orderBy: [{count: DESC}, {key: {attitude: ASC}}]) { keys { attitude } aggregate { count } } }""",
        id=people,
    )["contactsGroupBy"]
    assert [(group["keys"]["attitude"], group["aggregate"]["count"]) for group in groups] == [
        ("SUPPORT", 2),
        ("NEUTRAL", 1),
        ("OPPOSE", 1),
    ]


def test_k5_decision_makers_who_oppose_are_listed(client, people):
    found = client.query(
        """query ($id: ID!) { customer(id: $id) {
            contacts(where: {buyingRole: {eq: DECISION_MAKER}, attitude: {eq: OPPOSE}}) { nodes { name } } }
          customers(where: {id: {eq: $id}, contacts: {some: {buyingRole: {eq: DECISION_MAKER}, attitude: {eq: OPPOSE}}}}) {
            totalCount } }""",
        id=people,
    )
    assert found == {"customer": {"contacts": {"nodes": [{"name": "Dan"}]}}, "customers": {"totalCount": 1}}


def test_k6_the_organisation_chart_and_the_purchasing_group_are_two(client, people):
    boss = made(client, "Contact", name="Boss", customerId=people, seniority="EXECUTIVE")["id"]
    for name in ("Left", "Right"):
        made(client, "Contact", name=name, customerId=people, reportsToId=boss, isOnBuyingCommittee=name == "Left")
    ask = """reports(orderBy: [{name: ASC}]) { nodes { name isOnBuyingCommittee } }
        reportsAggregate(where: {isOnBuyingCommittee: {eq: true}}) { count }"""
    assert read(client, "Contact", boss, ask) == {
        "reports": {
            "nodes": [{"name": "Left", "isOnBuyingCommittee": True}, {"name": "Right", "isOnBuyingCommittee": False}]
        },
        "reportsAggregate": {"count": 1},
    }
