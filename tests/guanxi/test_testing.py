"""The test kit that plugin authors get."""

from datetime import date

import pytest

from guanxi import Money
from guanxi.testing import QueryError, app_with


@pytest.fixture
def client(databases):
    with app_with(database_url=databases.empty()) as client:
        yield client


def test_an_empty_database_is_brought_up_to_date_and_records_are_made_of_python_values(client):
    ann = client.create("Customer", name="Ann")
    sale = client.create(
        "Transaction",
        "occurredOn actualAmount { amount currency } customer { name }",
        customerId=ann["id"],
        occurredOn=date(2025, 1, 31),
        actualAmount=Money("9.50", "CNY"),
    )
    assert sale == {
        "occurredOn": "2025-01-31",
        "actualAmount": {"amount": "9.50", "currency": "CNY"},
        "customer": {"name": "Ann"},
    }
    found = client.query(
        "query ($on: Date!) { transactions(where: {occurredOn: {eq: $on}}) { totalCount } }", on=date(2025, 1, 31)
    )
    assert found == {"transactions": {"totalCount": 1}}


def test_what_is_refused_says_why(client):
    with pytest.raises(QueryError, match="foundedYear: ") as caught:
        client.create("Customer", name="Ann", foundedYear=-1)
    assert caught.value.errors[0]["field"] == ["foundedYear"]
    with pytest.raises(QueryError, match="Cannot query field 'nothing'"):
        client.query("{ nothing }")
