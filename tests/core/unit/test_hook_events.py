"""What hooks change is logged as clients see it, like what clients change."""

from datetime import date
from decimal import Decimal

from guanxi import Money, Plugin, hookimpl
from guanxi.records import Task, Transaction
from tests.writes import made


class Follower(Plugin):
    name, version, api = "follower", "1.0", ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        for change in changes.of("Customer"):
            ctx.session.add(Task(subject="Call", customer_id=change.record.id))
            sale = Transaction(customer_id=change.record.id, occurred_on=date(2025, 1, 2))
            sale.actual_amount = Money(Decimal("12.50"), "CNY")
            ctx.session.add(sale)


def test_a_record_that_a_hook_makes_is_logged_by_its_fields(crm):
    client = crm(Follower)
    made(client, "Customer", name="Followed")
    events = client.query(
        "{ events(types: [TASK_CREATED, TRANSACTION_CREATED]) { nodes { type changes { field current } } } }"
    )
    found = {
        node["type"]: {change["field"]: change["current"] for change in node["changes"]}
        for node in events["events"]["nodes"]
    }
    assert found["TASK_CREATED"].keys() == {"subject", "status", "priority", "customerId"}
    assert found["TRANSACTION_CREATED"]["actualAmount"] == {"amount": "12.50", "currency": "CNY"}
    assert not {name for changes in found.values() for name in changes if name.endswith(("Minor", "Folded", "Pinyin"))}
