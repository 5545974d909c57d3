"""The first-party plugins together: each works with every other there or absent, its fields null rather than errors."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import chain, combinations

import pytest
from graphql import validate_schema

from schema.catalog.kinds import MoneyKind
from tests import data
from tests.conftest import ENGINES
from tests.shares import EXHAUSTIVE, by_turns

PLUGINS = {
    point.name: point.load() for point in entry_points(group="guanxi.plugins") if point.value.startswith("plugins.")
}
#: Among them any two plugins are there or absent in every combination (an orthogonal array). With EXHAUSTIVE=1 all.
SUBSETS = [
    tuple(name for number, name in enumerate(sorted(PLUGINS), 1) if (row & number).bit_count() % 2)
    for row in range(1 << len(PLUGINS).bit_length())
]
if EXHAUSTIVE:
    SUBSETS = list(chain.from_iterable(combinations(sorted(PLUGINS), size) for size in range(len(PLUGINS) + 1)))
WON, LOST = "stg_00000000000000000000000006", "stg_00000000000000000000000002"


def enter(client):
    """A customer with what plugins work on: contact, deals of every outcome, a sale, an interaction, a task."""
    whose = {"customerExternalId": data.key("c")}
    data.upsert(client, "users", [{"externalIds": [data.key("u")], "name": "Ann"}])
    data.upsert(
        client, "customers", [{"externalIds": [data.key("c")], "name": "Acme", "ownerExternalId": data.key("u")}]
    )
    data.upsert(client, "contacts", [{"externalIds": [data.key("p")], "name": "Bo", **whose}])
    amount = {"expectedAmount": {"amount": "1000"}, "expectedCloseDate": "2025-07-01", "openedOn": "2025-05-01"}
    lost = {"status": "LOST", "lossReason": "PRICE", "lossSummary": "Too dear"}
    deals = [{}, {"stageId": WON}, {"stageId": LOST, **lost}]
    data.upsert(
        client,
        "opportunities",
        [
            {"externalIds": [data.key(f"o{number}")], "name": f"Deal {number}", **whose, **amount, **deal}
            for number, deal in enumerate(deals)
        ],
    )
    sale = {"occurredOn": "2025-06-01", "actualAmount": {"amount": "900"}, "opportunityExternalId": data.key("o1")}
    data.upsert(client, "transactions", [{"externalIds": [data.key("x")], **whose, **sale}])
    call = {"channel": "PHONE", "summary": "Hello", "occurredAt": "2025-06-02T10:00:00Z"}
    data.upsert(client, "interactions", [{"externalIds": [data.key("i")], **whose, **call}])
    data.upsert(client, "tasks", [{"externalIds": [data.key("t")], "subject": "Call", **whose}])


def questions(client) -> Iterator[str]:
    """Queries that select every field of the plugins, and filter and order by all that allow it."""
    for record in client.app.catalog.records.values():
        fields = [field for field in record.fields.values() if field.owner in PLUGINS]
        if not fields:
            continue
        shown = " ".join(field.name + (" { amount }" if isinstance(field.kind, MoneyKind) else "") for field in fields)
        usable = [field for field in fields if field.expression is not None]
        filters = [field.name for field in usable if field.filter and field.kind.filter_name is not None]
        orders = [field.name for field in usable if field.order and field.kind.can_order]
        where = ", ".join(f"{{{name}: {{isNull: true}}}}" for name in filters)
        yield f"{{ {record.plural} {{ nodes {{ {shown} }} }} }}"
        yield f"{{ {record.plural}(where: {{or: [{where}]}}) {{ totalCount }} }}"
        for start in range(0, len(orders), 20):
            order = ", ".join(f"{{{name}: DESC}}" for name in orders[start : start + 20])
            yield f"{{ {record.plural}(orderBy: [{order}]) {{ nodes {{ id }} }} }}"


@pytest.mark.parametrize(
    ("databases", "names"),
    by_turns(ENGINES, SUBSETS),
    indirect=["databases"],
    scope="session",
    ids=lambda one: one if isinstance(one, str) else "+".join(one) or "none",
)
def test_each_plugin_works_with_every_other_there_or_absent(crm, clock, names):
    client = crm(*(PLUGINS[name] for name in names), clock=clock)
    enter(client)
    for question in questions(client):
        client.query(question)
    assert validate_schema(client.app.assembled.graphql) == []
