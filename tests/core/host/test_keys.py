"""Keys of plugins: what rests on one key is done by one transaction at a time, and what needs none waits for nobody."""

import asyncio
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import timedelta

import psycopg
import pytest
import strawberry

from core.db.locks import take
from core.db.transaction import DatabaseTransaction, SqlStatement
from guanxi import Input, Job, Payload, Plugin, UserError, hookimpl, mutation
from tests.operating import executed
from tests.together.world import PLUGINS

MOST = 3
CREATE = "mutation ($name: String!) { createCustomer(input: {name: $name}) { userErrors { code } } }"


@strawberry.input
class CountInput(Input):
    """What is counted."""


@mutation
def count_all(ctx, input: CountInput) -> Payload:
    """Counts."""
    return Payload()


@mutation(locks=lambda input: [("region", "North")])
def count_north(ctx, input: CountInput) -> Payload:
    """Counts."""
    return Payload()


@mutation(locks=lambda input: ())
def count_none(ctx, input: CountInput) -> Payload:
    """Counts."""
    return Payload()


class Club(Plugin):
    """Has at most three customers; the rule reads them all, and holds everything."""

    name, version, api = "club", "1.0", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        found = ctx.total("Customer").count
        for place, change in enumerate(changes.of("Customer")):
            if found + place >= MOST:
                yield UserError("FULL", "name: the club is full", ("name",), change.record)


class ClubByRegion(Club):
    """The same with a key for all customers, and none for the rest."""

    @hookimpl
    def lock_keys(self, changes):
        return [("members",)] if [*changes.of("Customer")] else []

    @hookimpl
    def register_operations(self):
        return [count_all, count_north, count_none]

    @hookimpl
    def register_jobs(self):
        yield Job("count_members", timedelta(days=1), lambda ctx: "counted", "Counts.")
        yield Job("count_nothing", timedelta(days=1), lambda ctx: "nothing", "Counts.", locks=())


def create_at_once(client, number):
    async def all_of_them():
        return await asyncio.gather(*(executed(client.app, CREATE, {"name": f"C{n}"}) for n in range(number)))

    return [answer["createCustomer"]["userErrors"] for answer in client.run(all_of_them())]


@pytest.mark.parametrize("plugin", [Club, ClubByRegion])
def test_what_rests_on_a_key_of_the_hook_lock_keys_is_judged_one_at_a_time(crm, plugin):
    client = crm(plugin)
    answers = create_at_once(client, 8)
    assert sorted(len(errors) for errors in answers) == [0] * MOST + [1] * (8 - MOST)


def test_hook_lock_keys_is_attributed(crm):
    class Wrong(Club):
        @hookimpl
        def lock_keys(self, changes):
            return ["members"]

    answer = crm(Wrong).execute('mutation { createCustomer(input: {name: "A"}) { userErrors { code } } }')
    assert answer["errors"][0]["extensions"]["code"] == "PLUGIN_ERROR"


@contextmanager
def locks_of(client):
    """The statements by which a client's transactions lock keys."""
    found = []

    def note(process, statements):
        found.extend(each.values for each in statements if "pg_advisory_xact_lock_shared" in each.sql)

    client.app.database.on_trip = note
    yield found
    client.app.database.on_trip = lambda process, statements: None


@pytest.fixture
def locking(crm):
    """A client, and the statements by which its transactions lock keys."""
    client = crm(ClubByRegion)
    with locks_of(client) as found:
        yield client, found


def run(client, name):
    return client.query(f"mutation {{ {name}(input: {{}}) {{ userErrors {{ code }} }} }}")


def test_no_keys_cost_no_statement_and_those_of_all_places_one(locking):
    client, found = locking
    if client.app.database.dialect == "sqlite":
        client.create("Customer", name="A")
        run(client, "countAll")
        assert found == []
        return
    client.create("Task", subject="T")
    run(client, "countNone")
    client.run_job("count_nothing")
    assert found == []
    for expected, act in (
        ([True, False], lambda: client.create("Customer", name="A")),
        ([False], lambda: run(client, "countAll")),
        ([True, False], lambda: run(client, "countNorth")),
        ([False], lambda: client.run_job("count_members")),
    ):
        act()
        assert [shared for _, _, shared in found] == [expected]
        found.clear()


def test_who_holds_everything_of_a_plugin_excludes_who_holds_a_key(crm):
    client = crm(ClubByRegion)
    database = client.app.database
    if database.dialect == "sqlite":
        pytest.skip("on SQLite one transaction writes at a time")
    for first, second, excluded in (
        ([()], [("region", "North")], True),
        ([("region", "North")], [()], True),
        ([("region", "North")], [("region", "North")], True),
        ([("region", "North")], [("region", "South")], False),
        ([()], [], False),
    ):
        with ExitStack() as stack:
            holder, other = (
                DatabaseTransaction(stack.enter_context(closing(database.drivers.connect()))) for _ in range(2)
            )
            take(holder, "club", first)
            holder.send()
            # The lock of the other is asked for at once or not at all, so nothing is waited for.
            other.put(SqlStatement("SET LOCAL lock_timeout = '1ms'"))
            refused = pytest.raises(psycopg.errors.LockNotAvailable) if excluded else nullcontext()
            with refused:
                take(other, "club", second)
                other.send()
            holder.close()
            other.close()


def test_a_change_that_no_rule_of_ours_rests_on_locks_no_key(crm):
    client = crm(*PLUGINS)
    id = client.create("Customer", name="Ann")["id"]
    with locks_of(client) as found:
        client.query(
            'mutation ($id: ID!) { updateCustomer(input: {id: $id, city: "Bonn"}) { userErrors { code } } }', id=id
        )
        assert found == []
        client.create("Opportunity", name="Deal", customerId=id)
        assert len(found) == (client.app.database.dialect == "postgresql")


def test_a_plugin_is_not_asked_about_records_it_does_not_react_to(crm):
    asked = []

    class Narrow(Club):
        reacts_to = ("Contact", "Task")

        @hookimpl
        def validate(self, ctx, changes):
            asked.extend(["validate", *(change.entity for change in changes)])
            return ()

        @hookimpl
        def before_commit(self, ctx, changes):
            asked.append("before_commit")

    client = crm(Narrow)
    with locks_of(client) as locks:
        client.create("Customer", name="Ann")
        assert (asked, locks) == ([], [])
        client.create("Contact", name="Bea")
        assert asked == ["validate", "Contact", "before_commit"]
        # It names no keys, so it holds everything while it judges.
        assert len(locks) == (client.app.database.dialect == "postgresql")
