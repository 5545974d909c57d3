"""Null where a filter is expected: refused with the place, for it would silently filter nothing."""

import pytest


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({"name": None}, "where.name"),
        ({"owner": None}, "where.owner"),
        ({"owner": {"name": None}}, "where.name"),
        ({"not": None}, "where.not"),
        ({"and": None}, "where.and"),
        ({"contacts": None}, "where.contacts"),
        ({"contactsAggregate": None}, "where.contactsAggregate"),
        ({"contactsAggregate": {"count": None}}, "contactsAggregate.count"),
        ({"contactsAggregate": {"max": None}}, "contactsAggregate.max"),
        ({"contactsAggregate": {"max": {"version": None}}}, "contactsAggregate.max.version"),
    ],
)
def test_null_in_a_filter_is_refused_with_its_place(client, where, place):
    text = "query ($where: CustomerWhere) { customers(where: $where) { totalCount } }"
    (error,) = client.execute(text, where=where)["errors"]
    assert error["message"].startswith(f"{place}: null filters nothing; leave it out")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("having", "place"),
    [
        ({"count": None}, "having.count"),
        ({"sum": None}, "having.sum"),
        ({"sum": {"employeeCount": None}}, "having.sum.employeeCount"),
    ],
)
def test_null_in_a_condition_on_groups_is_refused_with_its_place(client, having, place):
    text = """query ($having: CustomerHaving) {
      customersGroupBy(by: [{industry: true}], having: $having) { aggregate { count } } }"""
    (error,) = client.execute(text, having=having)["errors"]
    assert error["message"].startswith(f"{place}: null filters nothing; leave it out")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
