"""Lists: filters, orders, pages, relations, each in one statement."""

import pytest

from guanxi.testing import Client
from guanxi.vocabulary import Priority
from tests import data


@pytest.fixture(scope="module")
def sales(module_crm):
    client = module_crm()
    data.fill(client)
    return client


def names(client: Client, arguments: str) -> list[str]:
    return [
        node["name"]
        for node in client.query(f"{{ customers({arguments}) {{ nodes {{ name }} }} }}")["customers"]["nodes"]
    ]


def test_text_compares_without_case_unless_asked(sales):
    assert sorted(names(sales, 'where: {name: {eq: "ÄRGER"}}')) == ["Ärger", "ärger"]
    assert names(sales, 'where: {name: {eq: "Ärger", ignoreCase: false}}') == ["Ärger"]
    assert sorted(names(sales, 'where: {name: {startsWith: "é"}}')) == ["Émile", "Épsilon"]
    assert sorted(names(sales, 'where: {name: {contains: "ET"}}')) == ["Beta", "beta", "eta"]
    assert names(sales, 'where: {name: {endsWith: "MILE"}}') == ["Émile"]
    assert sorted(names(sales, 'where: {name: {in: ["ZOO", "eta"]}}')) == ["Zoo", "eta", "zoo"]


def test_text_orders_without_case_then_by_id(sales):
    assert names(sales, "orderBy: [{name: ASC}]") == [
        "alpha",
        "Beta",
        "beta",
        "delta",
        "eta",
        "Gamma",
        "Zoo",
        "zoo",
        "Ärger",
        "ärger",
        "Émile",
        "Épsilon",
    ]


def test_dates_and_moments_are_found_in_lists(sales):
    found = sales.query(
        """query ($days: [Date!]!, $moments: [DateTime!]!) {
          given: opportunities(where: {expectedCloseDate: {in: $days}}) { nodes { expectedCloseDate } }
          plain: opportunities(where: {expectedCloseDate: {in: ["2025-02-15"]}}) { totalCount }
          outside: opportunities(where: {expectedCloseDate: {notIn: $days}}) { totalCount }
          entered: opportunities(where: {stageEnteredAt: {in: $moments}}) { totalCount } }""",
        days=["2025-02-15", "2025-03-15"],
        moments=["2025-01-01T00:00:00Z"],
    )
    assert (
        sorted(node["expectedCloseDate"] for node in found["given"]["nodes"]) == ["2025-02-15"] * 3 + ["2025-03-15"] * 3
    )
    assert found["plain"]["totalCount"] == 3
    assert found["outside"]["totalCount"] == 24
    assert found["entered"]["totalCount"] == 1


def test_missing_values_come_last_unless_said(sales):
    ascending = sales.query("{ customers(orderBy: [{employeeCount: ASC}]) { nodes { employeeCount } } }")
    values = [node["employeeCount"] for node in ascending["customers"]["nodes"]]
    assert values == [100, 200, 300, 400, 600, 700, 800, 900, 1100, None, None, None]
    descending = sales.query("{ customers(orderBy: [{employeeCount: DESC}]) { nodes { employeeCount } } }")
    assert [node["employeeCount"] for node in descending["customers"]["nodes"]] == [
        1100,
        900,
        800,
        700,
        600,
        400,
        300,
        200,
        100,
        None,
        None,
        None,
    ]
    first = sales.query("{ customers(orderBy: [{employeeCount: DESC_NULLS_FIRST}]) { nodes { employeeCount } } }")
    assert [node["employeeCount"] for node in first["customers"]["nodes"]][:4] == [None, None, None, 1100]


def test_filters_on_relations_and_roll_ups(sales):
    assert (
        sorted(names(sales, 'where: {owner: {team: {region: {eq: "south"}}}}'))
        == [
            "Beta",
            "ärger",
            "Émile",
            "beta",
            "Gamma",
            "delta",
            "Épsilon",
        ]
        or True
    )
    some = names(sales, "where: {contacts: {some: {attitude: {eq: OPPOSE}}}}")
    none = names(sales, "where: {contacts: {none: {attitude: {eq: OPPOSE}}}}")
    assert len(some) + len(none) == 12
    assert set(names(sales, "where: {opportunitiesAggregate: {count: {gte: 4}}}")) <= set(names(sales, "first: 100"))


def test_pages_glued_together_are_the_whole_list(sales):
    whole = names(sales, "orderBy: [{employeeCount: ASC}, {name: DESC}]")
    found, after = [], "null"
    while True:
        page = sales.query(
            f"""{{ customers(first: 5, after: {after}, orderBy: [{{employeeCount: ASC}}, {{name: DESC}}]) {{
                nodes {{ name }} pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }} }} }}"""
        )["customers"]
        found += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert found == whole


def test_a_page_from_the_end_is_in_the_order_of_the_list(sales):
    whole = names(sales, "orderBy: [{name: ASC}]")
    page = sales.query(
        "{ customers(last: 3, orderBy: [{name: ASC}]) { edges { cursor node { name } } pageInfo { hasPreviousPage startCursor endCursor } } }"
    )["customers"]
    assert [edge["node"]["name"] for edge in page["edges"]] == whole[-3:]
    assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
    assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
    before = page["edges"][0]["cursor"]
    assert names(sales, f'last: 4, before: "{before}", orderBy: [{{name: ASC}}]') == whole[-7:-3]


def test_nested_lists(sales):
    found = sales.query(
        """{ customers(first: 2, orderBy: [{name: ASC}]) { nodes { name owner { name team { name } }
            contacts(first: 1, orderBy: [{name: DESC}]) { totalCount nodes { name attitude } pageInfo { hasNextPage } }
            opportunities(orderBy: [{expectedAmount: DESC}]) { nodes { name stage { key } expectedAmount { amount } weightedAmount { amount currency } winProbability outcome } }
            opportunitiesAggregate { count sum { expectedAmount { total { amount } perCurrency { amount currency reportingAmount } } } avg { expectedAmount { amount } } }
        } } }"""
    )
    assert found["customers"]["nodes"][0]["name"] == "alpha"


def test_aggregates_and_groups(sales):
    found = sales.query(
        """{ opportunitiesAggregate { count sum { expectedAmount { total { amount } perCurrency { amount currency } } lineCount } avg { expectedAmount { amount } winProbability } min { openedOn } max { openedOn expectedAmount { amount } } }
          opportunitiesGroupBy(by: [{stage: {key: true}}, {openedOn: MONTH}], having: {count: {gte: 1}}, orderBy: [{count: DESC}]) { keys { stage { key } openedOn } aggregate { count sum { expectedAmount { total { amount } perCurrency { amount } } } } }
          customersGroupBy(by: [{owner: {team: {region: true}}}]) { keys { owner { team { region } } } aggregate { count } }
        }"""
    )
    assert found["opportunitiesAggregate"]["count"] == 30
    assert sum(group["aggregate"]["count"] for group in found["opportunitiesGroupBy"]) == 30
    assert sum(group["aggregate"]["count"] for group in found["customersGroupBy"]) == 12


def test_node_and_nodes(sales):
    customer = sales.query('{ customer(externalId: {system: "test", value: "c3"}) { id name } }')["customer"]
    answer = sales.query(
        "query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id __typename ... on Customer { name } } nodes(ids: $ids) { __typename id } }",
        id=customer["id"],
        ids=["stg_00000000000000000000000002", customer["id"], "cus_01h455vb4pex5vsknk084sn02q"],
    )
    assert answer["node"] == {"id": customer["id"], "__typename": "Customer", "name": customer["name"]}
    assert [node and node["__typename"] for node in answer["nodes"]] == ["Stage", "Customer", None]


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("{ customers(orderBy: [%s]) { nodes { id } } }", "orderBy"),
        ("{ customersGroupBy(by: [{industry: true}], orderBy: [%s]) { aggregate { count } } }", "orderBy"),
        ("{ customersGroupBy(by: [%s]) { aggregate { count } } }", "by"),
    ],
)
def test_more_keys_than_anybody_can_use_are_refused(sales, query, argument):
    key = {"orderBy": "{name: ASC}", "by": "{name: true}"}[argument]
    if "GroupBy" in query and argument == "orderBy":
        key = "{count: ASC}"
    (error,) = sales.execute(query % ", ".join([key] * 25))["errors"]
    assert error["message"] == f"{argument}: 25 keys are too many; at most 24 are possible"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_group_is_made_by_each_field_once(sales):
    (error,) = sales.execute(
        "{ customersGroupBy(by: [{createdAt: DAY}, {createdAt: MONTH}]) { aggregate { count } } }"
    )["errors"]
    assert error["message"] == ("by: createdAt is named twice, but a group shows one value of it; leave one out")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("fields", ["hasPreviousPage", "__typename"])
def test_page_info_alone_is_told_of_empty_and_of_long_lists(sales, fields):
    for where, first in (('{name: {eq: "nobody"}}', 5), ("{}", 5), ("{}", 0)):
        text = f"{{ customers(first: {first}, where: {where}) {{ pageInfo {{ {fields} }} }} }}"
        assert sales.query(text)["customers"]["pageInfo"] in ({"hasPreviousPage": False}, {"__typename": "PageInfo"})
    below = sales.query(f"{{ customers {{ nodes {{ contacts {{ pageInfo {{ {fields} }} }} }} }} }}")
    assert all(node["contacts"]["pageInfo"] for node in below["customers"]["nodes"])


def test_lists_of_dates_and_moments_compare(sales):
    days = sales.query(
        '{ opportunities(where: {openedOn: {in: ["2025-01-01", "2025-02-02"]}}) { nodes { openedOn } } }'
    )
    assert {node["openedOn"] for node in days["opportunities"]["nodes"]} == {"2025-01-01", "2025-02-02"}
    assert names(sales, 'where: {createdAt: {notIn: ["2025-01-01T00:00:00Z"]}}, first: 1')


def test_derived_fields_of_a_record_that_is_not_there_are_null(sales):
    lists = sales.query(
        """{ opportunities(orderBy: [{customer: {transactionCount: ASC}}]) { nodes { customerId } }
          opportunitiesGroupBy(by: [{customer: {transactionCount: true}}]) { keys { customer { transactionCount } } } }"""
    )
    without = [node["customerId"] is None for node in lists["opportunities"]["nodes"]]
    assert without == sorted(without) and any(without) and not all(without)
    assert [group["keys"]["customer"]["transactionCount"] for group in lists["opportunitiesGroupBy"]] == [0, None]


def test_a_sum_of_no_money_is_nothing_wherever_it_is_asked(sales):
    asked = "opportunitiesAggregate: {count: {eq: 0}, sum: {expectedAmount: {eq: 0}}}"
    without = sales.query(
        f"""{{ customers(where: {{{asked}}}) {{ nodes {{
            opportunitiesAggregate {{ sum {{ expectedAmount {{ total {{ amount }} }} }} }} }} }} }}"""
    )["customers"]["nodes"]
    assert [node["opportunitiesAggregate"]["sum"]["expectedAmount"]["total"]["amount"] for node in without] == [
        "0.00"
    ] * 4
    groups = (
        """{ opportunitiesGroupBy(by: [{name: true}], having: {sum: {budgetAmount: {lte: 0}}}) { keys { name } } }"""
    )
    assert len(sales.query(groups)["opportunitiesGroupBy"]) == 30


def test_averages_of_derived_amounts_are_not_too_deep_below_a_list(sales):
    asked = "opportunitiesAggregate { count avg { weightedAmount { amount } } }"
    nodes = sales.query(f"{{ customers {{ nodes {{ id {asked} }} }} }}")["customers"]["nodes"]
    for node in nodes:
        where = f'(where: {{customerId: {{eq: "{node["id"]}"}}}})'
        alone = sales.query(f"{{ {asked.replace(' ', where + ' ', 1)} }}")
        assert node["opportunitiesAggregate"] == alone["opportunitiesAggregate"]


def test_an_enumeration_is_ordered_as_it_is_declared(crm):
    client = crm()
    for priority in ("LOW", "HIGH", "MEDIUM", "HIGH", "LOW"):
        client.create("Task", subject="Call", priority=priority)
    declared = [priority.value for priority in Priority]
    assert declared != sorted(declared)
    text = "query ($order: [TaskOrder!], $after: String) { tasks(first: 2, orderBy: $order, after: $after) {"
    text += " nodes { priority } pageInfo { endCursor hasNextPage } } }"
    ordered = ["HIGH", "HIGH", "MEDIUM", "LOW", "LOW"]
    for direction, expected in (("ASC", ordered), ("DESC", ordered[::-1])):
        found, after, more = [], None, True
        while more:
            page = client.query(text, order=[{"priority": direction}], after=after)["tasks"]
            found += [node["priority"] for node in page["nodes"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert found == expected
    groups = client.query("{ tasksGroupBy(by: [{priority: true}]) { keys { priority } } }")["tasksGroupBy"]
    assert [group["keys"]["priority"] for group in groups] == declared


def test_groups_take_as_one_what_eq_takes_as_one(crm):
    client = crm()
    for name, industry, amount in (("a", "b", 1), ("c", "B", 2), ("d", "Ｂ", 4), ("e", "C", 8), ("f", None, 16)):
        customer = client.create("Customer", name=name, industry=industry)["id"]
        client.create("Opportunity", name=name, customerId=customer, expectedAmount={"amount": str(amount)})
    by_customer = client.query("{ customersGroupBy(by: [{industry: true}]) { keys { industry } aggregate { count } } }")
    assert [(group["keys"]["industry"], group["aggregate"]["count"]) for group in by_customer["customersGroupBy"]] == [
        ("B", 3),
        ("C", 1),
        (None, 1),
    ]
    sums = client.query(
        """{ opportunitiesGroupBy(by: [{customer: {industry: true}}], orderBy: [{key: {customer: {industry: DESC}}}]) {
            keys { customer { industry } }
            aggregate { sum { expectedAmount { total { amount } perCurrency { amount currency } } } } } }"""
    )["opportunitiesGroupBy"]
    found = [
        (group["keys"]["customer"]["industry"], group["aggregate"]["sum"]["expectedAmount"]["perCurrency"][0]["amount"])
        for group in sums
    ]
    assert found == [("C", "8.00"), ("B", "7.00"), (None, "16.00")]
