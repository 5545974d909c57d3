"""Receivables imported by the mapping of the docs, from a made-up file of the same form as the data set it is for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from guanxi import FixedClock
from plugins.credit_scoring import CreditScoring
from tests.imports import Folder

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "receivables"
MAPPING = EXAMPLES / "invoices.toml"
ROWS = """
countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate
391,0379-AAAAA,4/6/2013,0000611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0
406,8976-BBBBB,3/3/2012,0007900770,1/26/2013,2/25/2013,61.74,Yes,3/3/2013,Electronic,36,6
406,8976-BBBBB,3/3/2012,0007900771,2/26/2013,3/28/2013,10.01,No,3/29/2013,Electronic,31,1
391,0379-AAAAA,4/6/2013,0000611366,12/2/2013,1/1/2014,100.00,Yes,,Paper,,
770,2820-CCCCC,1/26/2012,0009231909,7/3/2013,8/2/2013,65.88,No,7/1/2013,Electronic,5,0
"""
TOTALS = """{
  all: receivablesAggregate { count sum { amount { total { amount } } outstanding { total { amount } } } }
  late: receivablesAggregate(where: {isLate: {eq: true}}) { count sum { amount { total { amount } } } }
  disputed: receivablesAggregate(where: {isDisputed: {eq: true}}) { count }
  customers(orderBy: [{name: ASC}]) { nodes { name country receivablesAggregate { count }
    receivables { nodes { number daysLate isLate } } } }
}"""


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(CreditScoring, clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)))


def test_invoices_are_imported_with_their_customers_and_a_second_run_changes_nothing(client, folder):
    counts = folder.load(client, MAPPING.read_text(), ROWS)
    assert counts == {"customer": {"created": 2, "unchanged": 2}, "receivable": {"created": 4, "rejected": 1}}
    assert folder.rejected() == [
        (
            6,
            "receivable",
            "settledOn: 2013-07-01 is before the invoice date, 2013-07-03; give a later day (says credit_scoring)",
        )
    ]
    found = client.query(TOTALS)
    assert found["all"] == {
        "count": 4,
        "sum": {"amount": {"total": {"amount": "227.69"}}, "outstanding": {"total": {"amount": "100.00"}}},
    }
    # The open one is late as well: it was due 4,183 days ago.
    assert found["late"] == {"count": 3, "sum": {"amount": {"total": {"amount": "171.75"}}}}
    assert found["disputed"] == {"count": 2}
    assert found["customers"]["nodes"] == [
        {
            "name": "0379-AAAAA",
            "country": "391",
            "receivablesAggregate": {"count": 2},
            "receivables": {
                "nodes": [
                    {"number": "0000611365", "daysLate": 0, "isLate": False},
                    {"number": "0000611366", "daysLate": 4183, "isLate": True},
                ]
            },
        },
        {
            "name": "8976-BBBBB",
            "country": "406",
            "receivablesAggregate": {"count": 2},
            "receivables": {
                "nodes": [
                    {"number": "0007900770", "daysLate": 6, "isLate": True},
                    {"number": "0007900771", "daysLate": 1, "isLate": True},
                ]
            },
        },
    ]
    again = folder.load(client, MAPPING.read_text(), ROWS)
    assert again == {"customer": {"unchanged": 4}, "receivable": {"unchanged": 4, "rejected": 1}}


def test_payments_are_imported_to_invoices_and_a_second_run_changes_nothing(client, folder):
    folder.load(client, MAPPING.read_text(), ROWS)
    rows = """
    transfer,invoice,day,amount
    T1,0000611366,2014-01-10,60
    T2,0000611366,2014-02-01,40.00
    T3,0000611366,2014-02-02,1
    T4,unknown,2014-02-02,1
    """
    mapping = (EXAMPLES / "payments.toml").read_text()
    assert folder.load(client, mapping, rows) == {"payment": {"created": 2, "rejected": 2}}
    overpaid, unknown = folder.rejected()
    assert "invoice 0000611366 would be overpaid by 1.00 CNY" in overpaid[2] and overpaid[0] == 4
    assert "unknown" in unknown[2]
    found = client.query('{ receivable(externalId: {system: "ibm", value: "0000611366"}) { settledOn daysLate } }')
    assert found["receivable"] == {"settledOn": "2014-02-01", "daysLate": 31}
    assert folder.load(client, mapping, rows) == {"payment": {"unchanged": 2, "rejected": 2}}
    # The file of invoices says nothing of the settlement, so it does not take it back.
    again = folder.load(client, MAPPING.read_text(), ROWS)
    assert again["receivable"] == {"unchanged": 4, "rejected": 1}


def test_limits_and_dimensions_are_imported_like_fields_of_the_core(client, folder):
    counts = folder.load(
        client,
        """
        [[record]]
        type = "Customer"
        key = { system = "erp", column = "no" }
        [record.fields]
        name = "name"
        creditFinancialStatus = "balance"
        creditReputation = "known"
        creditTransactionRecord = "paid"
        creditLimit = "limit"
        creditLimitReason = { value = "From the books", when = { limit = true } }
        """,
        """
        no,name,balance,known,paid,limit
        1,Solid,85,70,90,100000
        2,Shaky,50,40,30,
        3,Wrong,50,40,130,
        """,
    )
    assert counts == {"customer": {"created": 2, "rejected": 1}}
    found = client.query(
        """{ customers(where: {creditScore: {isNull: false}}, orderBy: [{name: DESC}]) { nodes { name creditScore creditRisk creditLimit { amount }
            creditLimitChanges { nodes { reason changedBy } } } } }"""
    )
    assert found["customers"]["nodes"] == [
        {
            "name": "Solid",
            "creditScore": "82.00",
            "creditRisk": "LOW",
            "creditLimit": {"amount": "100000.00"},
            "creditLimitChanges": {"nodes": [{"reason": "From the books", "changedBy": "import"}]},
        },
        {
            "name": "Shaky",
            "creditScore": "41.00",
            "creditRisk": "HIGH",
            "creditLimit": None,
            "creditLimitChanges": {"nodes": []},
        },
    ]
