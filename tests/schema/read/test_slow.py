"""Statements that take long: nobody else waits for them, and they are cancelled in the end."""

import asyncio
from contextlib import nullcontext, suppress

import pytest
from sqlalchemy import Integer, literal_column, text

from guanxi import Field, Plugin, hookimpl
from tests import data

#: Counting so far takes any engine many seconds.
FOREVER = 300_000_000


class Counting(Plugin):
    """A field that counts to a customer's number of employees, one by one."""

    name, version, api = "counting", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.counted", counted, "Counted one by one.", int)

    @hookimpl
    def before_commit(self, ctx, changes):
        for change in changes.of("Customer"):
            with suppress(Exception) if change.record.name == "Stubborn" else nullcontext():
                if change.record.name != "Slow":
                    ctx.session.execute(text(f"UPDATE customer SET employee_count = ({counting(FOREVER)})"))


def counting(most):
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) SELECT count(*) FROM n"


def counted(row):
    return literal_column(f"({counting(row.employee_count)})", Integer())


COUNT = "query ($id: ID) { customer(id: $id) { counted } }"
POINT = "query ($id: ID) { customer(id: $id) { name } }"


@pytest.fixture
def sales(crm):
    client = crm(Counting, statement_timeout_ms=1500)
    data.upsert(client, "customers", [{"externalIds": [data.key("c")], "name": "Slow", "employeeCount": 7}])
    ((customer,),) = client.query("{ customers { nodes { id } } }")["customers"].values()
    return client, customer["id"]


def employ(client, id, count):
    update = (
        "mutation ($id: ID!, $n: Int) { updateCustomer(input: {id: $id, employeeCount: $n}) { userErrors { code } } }"
    )
    assert client.query(update, id=id, n=count)["updateCustomer"] == {"userErrors": []}


def ask_beside(client, slow, quick):
    """The answer to a slow query, during which a quick one was answered ten times."""
    context = client.app.context()

    async def both():
        waiting = asyncio.create_task(answer(slow))
        await asyncio.sleep(0)
        for _ in range(10):
            await answer(quick)
        assert not waiting.done()
        return await waiting

    async def answer(asked):
        return await client.app.engine.answer(
            context, client.app.services.documents.operation(asked[0], None), asked[1]
        )

    return client.run(both())


def test_nobody_waits_for_a_slow_statement_and_it_is_cancelled(sales):
    client, id = sales
    employ(client, id, FOREVER)
    result = ask_beside(client, (COUNT, {"id": id}), (POINT, {"id": id}))
    assert result.data == b'{"customer":null}'
    assert [error.original_error.code for error in result.errors] == ["TIMEOUT"]
    assert client.query(POINT, id=id) == {"customer": {"name": "Slow"}}


def test_nor_for_one_that_was_quick_so_far(sales):
    client, id = sales
    for _ in range(30):
        assert client.query(COUNT, id=id) == {"customer": {"counted": 7}}
    employ(client, id, FOREVER)
    result = ask_beside(client, (COUNT, {"id": id}), (POINT, {"id": id}))
    assert [error.original_error.code for error in result.errors] == ["TIMEOUT"]
    employ(client, id, 5)
    assert client.query(COUNT, id=id) == {"customer": {"counted": 5}}


def test_a_client_is_told_in_words(sales):
    client, id = sales
    employ(client, id, FOREVER)
    (error,) = client.execute(COUNT, id=id)["errors"]
    assert error["path"] == ["customer"]
    assert error["extensions"] == {"code": "TIMEOUT"}
    assert "took too long" in error["message"]


@pytest.mark.parametrize(
    ("changed", "payload"),
    [
        ({"employeeCount": FOREVER}, "customer { counted }"),
        ({"name": "Counting"}, "customer { name }"),
        # A plugin that goes on all the same.
        ({"name": "Stubborn"}, "customer { name }"),
    ],
)
def test_a_write_with_a_statement_that_takes_too_long_writes_nothing(sales, changed, payload):
    client, id = sales
    update = f"mutation ($input: UpdateCustomerInput!) {{ updateCustomer(input: $input) {{ {payload} }} }}"
    (error,) = client.execute(update, input={"id": id, **changed})["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    left = client.query("{ customers { nodes { name employeeCount version } } events { totalCount } }")
    assert left == {
        "customers": {"nodes": [{"name": "Slow", "employeeCount": 7, "version": 1}]},
        "events": {"totalCount": 1},
    }
    employ(client, id, 8)
