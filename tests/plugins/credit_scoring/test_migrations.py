"""Databases of before: amounts paid without a day become payments."""

from datetime import UTC, datetime

from alembic.operations import Operations

from core.migrations.runner import context_of, migrate, sets_of
from guanxi import FixedClock
from plugins.credit_scoring import CreditScoring
from tests import data
from tests.plugins.credit_scoring.credits import customer, enter, invoice

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
OPEN = "number settledOn outstanding { amount } payments { nodes { amount { amount } paidOn createdBy } }"


def test_amounts_paid_so_far_become_payments_on_the_day_of_the_last_change(crm):
    client = crm(CreditScoring, clock=FixedClock(NOON))
    enter(client, "old")
    for number in ("none", "part", "all"):
        invoice(client, number, "old", 100, "2025-05-01", "2025-05-31")
    invoice(client, "settled", "old", 100, "2025-05-01", "2025-05-31", settled="2025-06-01")
    database = client.app.database
    credit = next(one for one in sets_of(client.app.host) if one.name == "credit_scoring")
    with database.engine.begin() as connection:
        with Operations.context(context_of(connection, credit)):
            credit.script().get_revision("0003").module.downgrade()
        connection.exec_driver_sql(f"UPDATE {credit.version_table} SET version_num = '0002'")
        for number, paid in (("part", 3000), ("all", 10_000), ("settled", 4000)):
            connection.exec_driver_sql(
                "UPDATE credit_scoring_receivable SET paid_amount_currency = 'CNY', "
                f"paid_amount_minor = {paid}, paid_amount_reporting = {paid} WHERE number = '{number}'"
            )
    migrate(database, [credit])
    found = customer(client, "old", f"receivables(orderBy: [{{number: ASC}}]) {{ nodes {{ {OPEN} }} }}")
    made = {"paidOn": "2025-06-15", "createdBy": "local"}
    assert found["receivables"]["nodes"] == [
        {
            "number": "all",
            "settledOn": "2025-06-15",
            "outstanding": {"amount": "0.00"},
            "payments": {"nodes": [{"amount": {"amount": "100.00"}, **made}]},
        },
        {"number": "none", "settledOn": None, "outstanding": {"amount": "100.00"}, "payments": {"nodes": []}},
        {
            "number": "part",
            "settledOn": None,
            "outstanding": {"amount": "70.00"},
            "payments": {"nodes": [{"amount": {"amount": "30.00"}, **made}]},
        },
        {"number": "settled", "settledOn": "2025-06-01", "outstanding": {"amount": "0.00"}, "payments": {"nodes": []}},
    ]
    # They are payments like any other.
    rest = {"externalIds": [data.key("rest")], "receivableExternalId": data.key("part"), "paidOn": "2025-06-15"}
    data.upsert(client, "payments", [{**rest, "amount": {"amount": "70"}}])
    assert customer(client, "old", "outstanding { amount }") == {"outstanding": {"amount": "100.00"}}
