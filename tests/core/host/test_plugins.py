"""The plugin host at work: found, ordered, started, asked and stopped, and what happens when a plugin fails."""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from datetime import date
from typing import ClassVar

import pytest
from sqlmodel import select

from guanxi import Facet, Field, Money, Plugin, PluginError, Reject, Table, UserError, column, hookimpl
from guanxi.records import Opportunity, Task, Transaction
from tests import data, writes
from tests.operating import executed, transact
from tests.warm import python

SECRET = "password=hunter2"


class Visits(Facet, of="Customer", plugin="guard"):
    count: int = 0
    value: Money | None = None


class Guard(Plugin):
    """Does to a customer what its name says."""

    name, version, api = "guard", "1.0", ">=1,<2"
    events: ClassVar = {"GUARD_GREETED": "A customer was greeted."}

    def __init__(self):
        self.calls = []
        self.both_have_one = threading.Barrier(2)

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Customer"):
            customer = change.record
            match customer.name.split()[0]:
                case "Forbidden":
                    yield UserError("FORBIDDEN", f"name: {customer.name!r} is not allowed", ("name",), customer)
                case "Nameless":
                    yield UserError("FORBIDDEN", "one of these is not allowed")
                case "Doubtful":
                    yield UserError("DOUBTFUL", "name: are you sure?", ("name",), customer, warning=True)
                case "Dubious":
                    yield UserError("DUBIOUS", "look at these again", warning=True)
                case "Raising":
                    raise RuntimeError(SECRET)
                case "Talking":
                    yield "not allowed"
                case "Rejecting":
                    raise Reject(UserError("FORBIDDEN", "name: rejected too early", ("name",), customer))

    @hookimpl
    def lock_keys(self):
        return ()

    @hookimpl
    def before_commit(self, ctx, changes):  # noqa: C901  (a case a test)
        self.calls.append([change.record.name for change in changes.of("Customer")])
        for change in changes.of("Customer"):
            customer = change.record
            match customer.name.split()[0]:
                case "Refused":
                    ctx.facet(Visits, customer.id).count = 99
                    raise Reject(UserError("REFUSED", "name: refused", ("name",), customer))
                case "Somebody":
                    raise Reject(UserError("REFUSED", "one of these is refused"))
                case "Wordless":
                    raise Reject
                case "Failing":
                    ctx.facet(Visits, customer.id).count = 99
                    raise RuntimeError(SECRET)
                case "Undeclared":
                    ctx.publish("GUARD_FORGOT", customer)
                case "Greeted":
                    ctx.publish("GUARD_GREETED", customer, warmly=True)
                case "Slow":
                    until = time.perf_counter() + 0.02
                    while time.perf_counter() < until:
                        pass
                case "Asked":
                    found = ctx.query("query ($id: ID!) { customer(id: $id) { name visits } }", {"id": customer.id})
                    ctx.facet(Visits, customer.id).count = len(found["customer"]["name"])
                case "Renamed":
                    customer.region = "North"
                case "Followed":
                    task = Task(subject=f"Call {customer.name}", customer_id=customer.id)
                    ctx.session.add(task)
                    ctx.session.flush()
                    task.priority = "HIGH"
                case "Unfollowed":
                    first, second = ctx.session.exec(select(Task).where(Task.customer_id == customer.id)).all()
                    first.deleted_at = ctx.clock.now()
                    ctx.session.delete(second)
                case "Priced":
                    offer = Opportunity(name="Offer", customer_id=customer.id, expected_amount=Money("5", "CNY"))
                    ctx.session.add(offer)
                    ctx.facet(Visits, customer.id).value = Money("7.50", "CNY")
                case "Sold":
                    (offer,) = ctx.session.exec(select(Opportunity).where(Opportunity.customer_id == customer.id)).all()
                    stages = {stage["key"]: stage["id"] for stage in ctx.query("{ stages { key id } }")["stages"]}
                    offer.stage_id = stages["F"]
                    paid = Money("5", "CNY")
                    sale = Transaction(customer_id=customer.id, occurred_on=date(2025, 3, 1), actual_amount=paid)
                    ctx.session.add(sale)
                case "Crossed":
                    # Two transactions lock the same two rows, each in the other's order.
                    for id in customer.name.split()[1:]:
                        ctx.facet(Visits, id).count += 1
                        with contextlib.suppress(threading.BrokenBarrierError):
                            self.both_have_one.wait(timeout=5)
                        self.both_have_one.abort()
                case "Unstorable":
                    ctx.session.add(Visits(record_id="cus_nobody"))
                case "Unpriced":
                    ctx.facet(Visits, customer.id).value = Money("7.50", "EUR")

    @hookimpl
    def register_fields(self):
        yield Field("Customer.visits", Visits.count, "How often it was visited.")
        yield Field("Customer.visitValue", Visits.value, "What the visits brought.")


@pytest.fixture(scope="module")
def guarded(module_crm):
    return module_crm(Guard, hook_warning_ms=10)


def create(client, name, **more):
    return client.query(
        """mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) {
            customer { id name visits version region } userErrors { code message field plugin } warnings { code message plugin } } }""",
        input={"name": name, **more},
    )["createCustomer"]


def upsert(client, *names):
    """Upserts customers of these names, and gives the payload."""
    answer = client.query(
        """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) {
            created failed results { index status }
            userErrors { code message field plugin } warnings { code field } } }""",
        items=[{"name": name, "externalIds": [data.key(name)]} for name in names],
    )["upsertCustomers"]
    return writes.with_rows(answer)


def count(client, name):
    found = client.query(
        "query ($name: String!) { customersAggregate(where: {name: {eq: $name}}) { count } }", name=name
    )
    return found["customersAggregate"]["count"]


def events_of(client, id):
    found = client.query("query ($id: ID!) { events(entity: $id) { nodes { type actor data } } }", id=id)
    return [(node["type"], node["actor"]) for node in found["events"]["nodes"]]


# Judging


def test_hook_validate_refuses_with_errors_of_its_own(guarded):
    assert create(guarded, "Forbidden fruit") == {
        "customer": None,
        "userErrors": [
            {
                "code": "FORBIDDEN",
                "message": "name: 'Forbidden fruit' is not allowed",
                "field": ["name"],
                "plugin": "guard",
            }
        ],
        "warnings": [],
    }
    assert count(guarded, "Forbidden fruit") == 0


def test_a_warning_lets_the_change_through(guarded):
    made = create(guarded, "Doubtful dealer")
    assert made["customer"]["name"] == "Doubtful dealer"
    assert made["userErrors"] == []
    assert made["warnings"] == [{"code": "DOUBTFUL", "message": "name: are you sure?", "plugin": "guard"}]


def test_in_a_batch_an_error_stops_the_row_it_names_and_no_other(guarded):
    answer = upsert(guarded, "Plain batch A", "Forbidden batch", "Doubtful batch", "Plain batch B")
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED", "CREATED", "CREATED"]
    assert answer["results"][1]["userErrors"][0]["plugin"] == "guard"
    assert [len(row["warnings"]) for row in answer["results"]] == [0, 0, 1, 0]
    assert count(guarded, "Forbidden batch") == 0


def test_an_error_that_names_no_row_has_each_row_tried_alone(guarded):
    answer = upsert(guarded, "Plain alone A", "Nameless alone", "Plain alone B")
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert [error["message"] for error in answer["results"][1]["userErrors"]] == ["one of these is not allowed"]


def test_a_warning_that_names_no_row_is_told_with_each(guarded):
    answer = upsert(guarded, "Dubious one", "Plain beside it")
    assert [[warning["code"] for warning in row["warnings"]] for row in answer["results"]] == [["DUBIOUS"], ["DUBIOUS"]]


def test_a_validate_that_raises_rolls_all_back_and_tells_no_internals(guarded, caplog):
    answer = guarded.execute('mutation { createCustomer(input: {name: "Raising"}) { customer { id } } }')
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "guard"}
    assert error["message"].startswith("plugin 'guard' failed; nothing was changed. The server's log has request req_")
    assert SECRET not in str(answer)
    assert SECRET in caplog.text
    assert count(guarded, "Raising") == 0


def test_a_validate_that_raises_in_a_batch_takes_the_whole_batch_back(guarded):
    with pytest.raises(AssertionError, match="plugin 'guard' failed"):
        upsert(guarded, "Plain before raising", "Raising in batch")
    assert count(guarded, "Plain before raising") == 0


def test_a_validate_that_returns_something_else_is_attributed(guarded, caplog):
    answer = guarded.execute('mutation { createCustomer(input: {name: "Talking"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "guard"}
    assert "plugin 'guard', validate: returned 'not allowed', which is not a guanxi.UserError" in caplog.text


def test_a_reject_raised_by_validate_counts_as_its_errors(guarded):
    assert create(guarded, "Rejecting early")["userErrors"] == [
        {"code": "FORBIDDEN", "message": "name: rejected too early", "field": ["name"], "plugin": "guard"}
    ]


# Taking part


def test_hook_before_commit_refuses_a_change_and_what_it_wrote_itself(guarded):
    assert create(guarded, "Refused request") == {
        "customer": None,
        "userErrors": [{"code": "REFUSED", "message": "name: refused", "field": ["name"], "plugin": "guard"}],
        "warnings": [],
    }
    assert count(guarded, "Refused request") == 0


def test_a_chunk_is_repeated_without_the_rows_a_reject_names(guarded):
    (plugin,) = guarded.app.host.plugins
    plugin.calls.clear()
    answer = upsert(guarded, "Plain repeated A", "Refused repeated", "Plain repeated B")
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert answer["results"][1]["userErrors"] == [
        {"code": "REFUSED", "message": "name: refused", "field": ["name"], "plugin": "guard"}
    ]
    assert plugin.calls == [
        ["Plain repeated A", "Refused repeated", "Plain repeated B"],
        ["Plain repeated A", "Plain repeated B"],
    ]


def test_a_chunk_is_repeated_row_by_row_where_a_reject_names_none(guarded):
    (plugin,) = guarded.app.host.plugins
    plugin.calls.clear()
    answer = upsert(guarded, "Plain single A", "Somebody single", "Plain single B")
    assert [row["status"] for row in answer["results"]] == ["CREATED", "FAILED", "CREATED"]
    assert plugin.calls[1:] == [["Plain single A"], ["Somebody single"], ["Plain single B"]]


def test_a_reject_without_errors_still_says_who_refused(guarded):
    assert create(guarded, "Wordless")["userErrors"] == [
        {"code": "REJECTED", "message": "refused without a reason", "field": None, "plugin": "guard"}
    ]


def test_a_failing_before_commit_rolls_all_back_and_tells_no_internals(guarded, caplog):
    answer = guarded.execute('mutation { createCustomer(input: {name: "Failing"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "guard"}
    assert SECRET not in str(answer)
    assert f"plugin 'guard', before_commit: RuntimeError: {SECRET}" in caplog.text
    assert count(guarded, "Failing") == 0


def test_what_a_before_commit_leaves_and_the_database_refuses_is_laid_to_its_plugin(guarded, caplog):
    answer = guarded.execute('mutation { createCustomer(input: {name: "Unstorable"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "guard"}
    assert "plugin 'guard', before_commit: IntegrityError: " in caplog.text
    assert count(guarded, "Unstorable") == 0


def test_an_undeclared_event_is_refused_with_the_remedy(guarded, caplog):
    answer = guarded.execute('mutation { createCustomer(input: {name: "Undeclared"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "guard"}
    assert (
        "plugin 'guard', event GUARD_FORGOT: is not declared; put 'GUARD_FORGOT' and a description in `events`"
        in caplog.text
    )
    assert "PluginError: plugin 'guard', before_commit: PluginError" not in caplog.text


def test_a_declared_event_is_in_the_log_with_what_it_says(guarded):
    made = create(guarded, "Greeted guest")["customer"]
    found = guarded.query("query ($id: ID!) { events(entity: $id) { nodes { type data } } }", id=made["id"])
    assert {"type": "GUARD_GREETED", "data": {"warmly": True}} in found["events"]["nodes"]


def test_a_slow_hook_is_logged_with_plugin_hook_and_time(guarded, caplog):
    create(guarded, "Slow")
    (line,) = [record for record in caplog.records if "slow" in record.message]
    assert (line.name, line.levelname) == ("guanxi.plugins.guard", "WARNING")
    assert line.message.startswith("hook before_commit is slow: it took ")
    assert int(line.message.split()[-2]) >= 20


def test_a_batch_may_take_longer(guarded, caplog):
    (plugin,) = guarded.app.host.plugins
    until = time.perf_counter() + 0.02
    with guarded.app.host.running(plugin, "before_commit", 100_000):
        while time.perf_counter() < until:
            pass
    assert not caplog.records


def test_a_query_of_a_hook_sees_what_its_transaction_wrote(guarded):
    assert create(guarded, "Asked")["customer"]["visits"] == len("Asked")


def test_what_a_hook_changes_on_the_changed_record_is_part_of_its_event(guarded):
    made = create(guarded, "Plain then renamed")["customer"]
    answer = guarded.query(
        'mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "Renamed"}) { customer { region version } } }',
        id=made["id"],
    )
    assert answer["updateCustomer"]["customer"] == {"region": "North", "version": 2}
    found = guarded.query(
        "query ($id: ID!) { events(entity: $id, types: [CUSTOMER_UPDATED]) { nodes { changes { field previous current } } } }",
        id=made["id"],
    )
    (event,) = found["events"]["nodes"]
    assert event["changes"] == [
        {"field": "name", "previous": "Plain then renamed", "current": "Renamed"},
        {"field": "region", "previous": None, "current": "North"},
    ]


def test_a_record_that_a_hook_adds_is_stamped_and_logged(guarded):
    made = create(guarded, "Followed")["customer"]
    found = guarded.query(
        "query ($id: ID!) { customer(id: $id) { tasks { nodes { id subject createdBy version } } } }", id=made["id"]
    )
    (task,) = found["customer"]["tasks"]["nodes"]
    assert (task["subject"], task["createdBy"], task["version"]) == ("Call Followed", "local", 1)
    found = guarded.query(
        "query ($id: ID!) { events(entity: $id) { nodes { type changes { field current } } } }", id=task["id"]
    )
    (event,) = found["events"]["nodes"]
    assert event["type"] == "TASK_CREATED"
    assert {"field": "priority", "current": "HIGH"} in event["changes"]


def test_what_a_hook_does_is_logged_after_what_it_was_called_for(guarded):
    create(guarded, "Followed after")
    latest = guarded.query("{ events(first: 1000) { nodes { type } } }")["events"]["nodes"][-2:]
    assert [event["type"] for event in latest] == ["CUSTOMER_CREATED", "TASK_CREATED"]


def test_records_that_a_hook_deletes_are_logged_and_let_go_of(guarded):
    id = create(guarded, "Plain then unfollowed")["customer"]["id"]
    guarded.query(
        """mutation ($items: [TaskUpsertItem!]!) { upsertTasks(input: {items: $items}) { created } }""",
        items=[
            {"subject": f"Task {number}", "customerId": id, "externalIds": [data.key(f"unfollowed {number}")]}
            for number in range(2)
        ],
    )
    tasks = guarded.query("query ($id: ID!) { tasks(where: {customerId: {eq: $id}}) { nodes { id } } }", id=id)[
        "tasks"
    ]["nodes"]
    guarded.query(
        'mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "Unfollowed"}) { customer { id } } }', id=id
    )
    assert sorted(events_of(guarded, task["id"])[-1][0] for task in tasks) == ["TASK_DELETED", "TASK_DESTROYED"]
    for number in range(2):
        found = guarded.query(
            'query ($id: ID!) { task(externalId: {system: "test", value: $id}) { id } }', id=f"unfollowed {number}"
        )
        assert found["task"] is None


def test_money_that_a_hook_sets_is_converted(guarded):
    id = create(guarded, "Priced")["customer"]["id"]
    found = guarded.query(
        """query ($id: ID!) {
            customer(id: $id) { visitValue { amount reportingAmount } opportunities { nodes { expectedAmount { reportingAmount } } } }
            customersAggregate(where: {visitValue: {gte: "7.50"}}) { count } }""",
        id=id,
    )
    assert found["customer"] == {
        "visitValue": {"amount": "7.50", "reportingAmount": "7.50"},
        "opportunities": {"nodes": [{"expectedAmount": {"reportingAmount": "5.00"}}]},
    }
    assert found["customersAggregate"] == {"count": 1}


def test_what_a_hook_does_follows_the_rules_of_the_core(guarded):
    id = create(guarded, "Priced then sold")["customer"]["id"]
    guarded.query('mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "Sold"}) { customer { id } } }', id=id)
    found = guarded.query(
        """query ($id: ID!) { customer(id: $id) { transactionCount lastTransactionOn opportunities { nodes {
            status outcome transitions { nodes { fromStage { key } toStage { key } toStatus } } } } } }""",
        id=id,
    )["customer"]
    assert (found["transactionCount"], found["lastTransactionOn"]) == (1, "2025-03-01")
    (offer,) = found["opportunities"]["nodes"]
    assert (offer["status"], offer["outcome"]) == ("WON", "WON")
    assert offer["transitions"]["nodes"] == [
        {"fromStage": None, "toStage": {"key": "A"}, "toStatus": "DRAFT"},
        {"fromStage": {"key": "A"}, "toStage": {"key": "F"}, "toStatus": "WON"},
    ]


def test_money_that_cannot_be_converted_refuses_the_change(guarded):
    (error,) = create(guarded, "Unpriced")["userErrors"]
    assert error["code"] == "RATE_UNKNOWN"
    assert error["message"].startswith("value: 7.50 EUR: no rate from EUR to CNY is known on ")
    assert count(guarded, "Unpriced") == 0


# Facets


def test_two_writers_of_a_facet_lose_nothing(guarded):
    id = create(guarded, "Plain and popular")["customer"]["id"]
    app = guarded.app

    def visit(ctx):
        ctx.facet(Visits, id).count += 1

    async def many():
        await asyncio.gather(*(transact(app, "guard", visit) for _ in range(24)))

    guarded.run(many())
    found = guarded.query("query ($id: ID!) { customer(id: $id) { visits } }", id=id)
    assert found["customer"]["visits"] == 24


def test_a_facet_is_read_again_when_it_is_locked(guarded):
    """Two transactions have both read the row before either locks it."""
    if guarded.app.database.dialect == "sqlite":
        pytest.skip("on SQLite one transaction writes at a time")
    id = create(guarded, "Plain and raced")["customer"]["id"]
    both_have_read = threading.Barrier(2, timeout=10)

    def visit(ctx):
        ctx.session.get(Visits, id)
        both_have_read.wait()
        ctx.facet(Visits, id).count += 1

    async def two():
        app = guarded.app
        await transact(app, "guard", lambda ctx: ctx.facet(Visits, id))
        await asyncio.gather(transact(app, "guard", visit), transact(app, "guard", visit))

    guarded.run(two())
    assert guarded.query("query ($id: ID!) { customer(id: $id) { visits } }", id=id)["customer"]["visits"] == 2


def test_a_hook_whose_locks_cross_a_rival_s_is_run_again(guarded):
    if guarded.app.database.dialect == "sqlite":
        pytest.skip("on SQLite one transaction writes at a time")
    (plugin,) = guarded.app.host.plugins
    first, second = (create(guarded, f"Plain to cross {number}")["customer"]["id"] for number in (1, 2))

    async def both():
        text = "mutation ($name: String!) { createCustomer(input: {name: $name}) { userErrors { message } } }"
        names = [f"Crossed {first} {second}", f"Crossed {second} {first}"]
        return await asyncio.gather(*(executed(guarded.app, text, {"name": name}) for name in names))

    answers = guarded.run(both())
    assert [answer["createCustomer"]["userErrors"] for answer in answers] == [[], []]
    found = guarded.query(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { visits } } }", ids=[first, second]
    )
    assert found["nodes"] == [{"visits": 2}, {"visits": 2}]
    assert plugin.both_have_one.broken


# Order


def ordered(name, told, **data):
    """A plugin that tells when its hooks run."""

    class Ordered(Plugin):
        @hookimpl
        def validate(self, ctx, changes):
            told.append(f"validate {self.name}")

        @hookimpl
        def before_commit(self, ctx, changes):
            told.append(f"before_commit {self.name}")

        @hookimpl
        def startup(self, ctx):
            told.append(f"startup {self.name}")

        @hookimpl
        def shutdown(self, ctx):
            told.append(f"shutdown {self.name}")

    return type(name.title(), (Ordered,), {"name": name, "version": "1.0", "api": ">=1,<2"} | data)


def test_hooks_run_in_the_order_of_the_plugins_and_shutdown_in_reverse(crm):
    told = []
    plugins = [
        ordered("ann", told, after=["cy", "nobody"]),
        ordered("bo", told),
        ordered("cy", told, requires=["di"]),
        ordered("di", told, before=["bo"]),
    ]
    client = crm(*plugins)
    assert [(found.name, found.place) for found in client.app.host.describe()] == [
        ("di", "by name"),
        ("bo", "di is before it"),
        ("cy", "requires di"),
        ("ann", "after cy"),
    ]
    create_plain(client)
    crm.close()
    order = ["di", "bo", "cy", "ann"]
    assert told == [
        *[f"startup {name}" for name in order],
        *[f"validate {name}" for name in order],
        *[f"before_commit {name}" for name in order],
        *[f"shutdown {name}" for name in reversed(order)],
    ]


def create_plain(client):
    client.query('mutation { createCustomer(input: {name: "Plain"}) { userErrors { code } } }')


# Starting and stopping


class Start(Table, plugin="keeper"):
    number: int = column("Which start it was.", primary_key=True)


class Keeper(Plugin):
    """Keeps count of its starts and files a task at each."""

    name, version, api = "keeper", "1.0", ">=1,<2"

    @hookimpl
    def startup(self, ctx):
        number = len(ctx.query("{ tasks { nodes { id } } }")["tasks"]["nodes"]) + 1
        ctx.session.add(Start(number=number))
        ctx.session.add(Task(subject=f"Start {number}"))

    @hookimpl
    def shutdown(self, ctx):
        ctx.session.add(Task(subject="Stop"))


class Waiter(Plugin):
    """Starts and stops asynchronously."""

    name, version, api = "waiter", "1.0", ">=1,<2"
    after = ("keeper",)

    def __init__(self):
        self.found = []

    @hookimpl
    async def startup(self, ctx):
        assert ctx.session is None
        await asyncio.sleep(0)
        self.found.append(await ctx.query("{ tasks { nodes { subject } } }"))

    @hookimpl
    async def shutdown(self, ctx):
        self.found.append(await ctx.query("{ tasks { nodes { subject } } }"))
        with pytest.raises(RuntimeError, match="there is no transaction here"):
            ctx.facet(Visits, "cus_01h455vb4pex5vsknk084sn02q")


def test_hook_startup_and_hook_shutdown_write_and_wait(crm):
    url = crm.databases.fresh()
    waiter = Waiter()
    client = crm(Keeper, waiter, url=url)
    assert waiter.found == [{"tasks": {"nodes": [{"subject": "Start 1"}]}}]
    found = client.query("{ tasks { nodes { id createdBy } } }")["tasks"]["nodes"]
    assert [task["createdBy"] for task in found] == ["plugin:keeper"]
    assert events_of(client, found[0]["id"]) == [("TASK_CREATED", "plugin:keeper")]
    crm.close()
    assert waiter.found[1] == waiter.found[0]
    again = crm(Keeper, url=url)
    assert [task["subject"] for task in again.query("{ tasks { nodes { subject } } }")["tasks"]["nodes"]] == [
        "Start 1",
        "Stop",
        "Start 3",
    ]


def test_hook_startup_that_fails_stops_those_that_had_started(crm):
    told = []

    class Broken(Plugin):
        name, version, api = "cybroken", "1.0", ">=1,<2"

        @hookimpl
        def startup(self, ctx):
            raise OSError("no such host")

        @hookimpl
        def shutdown(self, ctx):
            told.append("shutdown cybroken")

    with pytest.raises(PluginError) as caught:
        crm(ordered("ann", told), ordered("bo", told), Broken, ordered("di", told))
    assert caught.value.message == ("plugin 'cybroken', startup: OSError: no such host. Fix it or leave the plugin out")
    assert told == ["startup ann", "startup bo", "shutdown bo", "shutdown ann"]


@pytest.mark.parametrize("is_async", [False, True])
def test_hook_shutdown_that_fails_is_logged_and_the_rest_still_shut_down(crm, caplog, is_async):
    told = []

    class Broken(Plugin):
        name, version, api = "bobroken", "1.0", ">=1,<2"

        if is_async:

            @hookimpl
            async def shutdown(self, ctx):
                raise OSError("no such host")
        else:

            @hookimpl
            def shutdown(self, ctx):
                raise OSError("no such host")

    crm(ordered("ann", told), Broken, ordered("cy", told))
    crm.close()
    assert told[-2:] == ["shutdown cy", "shutdown ann"]
    (line,) = [record for record in caplog.records if record.name == "guanxi.plugins.bobroken"]
    assert line.message == "hook shutdown failed"
    assert "no such host" in caplog.text


# Several apps


class Loud(Plugin):
    name, version, api = "loud", "2.1", ">=1,<2"
    events: ClassVar = {"LOUD_CALL": "Somebody called."}

    @hookimpl
    def register_fields(self):
        return [Field("Customer.shout", lambda row: row.name, "Its name, aloud.", str)]


def test_apps_of_one_process_each_have_their_own_schema(crm):
    plain, loud = crm(), crm(Loud)
    before = plain.app.sdl
    guard = crm(Guard)
    assert "shout" in loud.app.sdl and "LOUD_CALL" in loud.app.sdl and "GUARD_GREETED" not in loud.app.sdl
    assert "GUARD_GREETED" in guard.app.sdl and "shout" not in guard.app.sdl
    assert "@plugin(" not in before
    assert plain.app.sdl == before
    assert crm().app.sdl == before
    assert plain.query("{ plugins { name } }") == {"plugins": []}
    assert loud.query("{ plugins { name version hooks fields } }")["plugins"] == [
        {"name": "loud", "version": "2.1", "hooks": ["register_fields"], "fields": ["Customer.shout"]}
    ]
    assert "Cannot query field 'shout'" in plain.execute("{ customers { nodes { shout } } }")["errors"][0]["message"]
    assert create(guard, "Forbidden here")["userErrors"]
    create_plain(plain)
    assert count(plain, "Plain") == 1 and count(loud, "Plain") == 0


# Installed distributions


def install(folder, name, code):
    """An installed distribution that offers one plugin."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"guanxi_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: guanxi-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[guanxi.plugins]\n{name} = {name}:Found\n")


def guanxi(folder, *arguments):
    """Runs the command line where these distributions are installed."""
    return subprocess.run(
        [python(), "-c", "from guanxi.cli.commands import main; main()", *arguments],
        env={**os.environ, "PYTHONPATH": str(folder), "GUANXI_DATABASE_URL": f"sqlite:///{folder}/crm.db"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


FOUND = '''
from guanxi import Plugin, hookimpl

class Found(Plugin):
    name, version, api = "{name}", "3.7", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        """Says nothing."""
'''


def test_installed_plugins_are_found(tmp_path):
    install(tmp_path, "sunny", FOUND.format(name="sunny"))
    done = guanxi(tmp_path, "plugins")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = [line for line in done.stdout.splitlines() if "sunny" in line]
    assert line.split() == ["sunny", "3.7", "by", "name", "validate"]


class Witness(Plugin):
    """Tells what it sees of a customer while a change of it is judged."""

    name, version, api = "witness", "1.0", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Customer"):
            seen = ctx.query("query ($id: ID!) { customer(id: $id) { name } }", {"id": change.record.id})["customer"]
            yield UserError("SEEN", seen["name"] if seen else "nobody", record=change.record, warning=True)


def test_hook_validate_asks_a_database_without_the_changes(crm):
    client = crm(Witness)
    made = writes.payload(client, "create", "Customer", name="Ann")
    renamed = writes.payload(client, "update", "Customer", id=made["record"]["id"], name="Bo")
    assert [answer["warnings"][0]["message"] for answer in (made, renamed)] == ["nobody", "Ann"]


class Careless(Plugin):
    """Adds a task to each new customer."""

    name, version, api = "careless", "1.0", ">=1,<2"

    def __init__(self, subject):
        self.subject = subject

    @hookimpl
    def lock_keys(self, changes):
        return ()

    @hookimpl
    def before_commit(self, ctx, changes):
        for customer in changes.created("Customer"):
            ctx.session.add(Task(subject=self.subject, customer_id=customer.id))


class Strict(Plugin):
    """Judges tasks."""

    name, version, api = "strict", "1.0", ">=1,<2"

    @hookimpl
    def lock_keys(self, changes):
        return ()

    @hookimpl
    def validate(self, ctx, changes):
        for task in changes.created("Task"):
            if task.subject == "Nothing":
                yield UserError("IDLE", "subject: say what is to be done", ("subject",), task)


@pytest.mark.parametrize(
    ("subject", "code", "message"),
    [
        ("", "INVALID", "subject: it must not be empty; give a text"),
        ("Nothing", "IDLE", "subject: say what is to be done"),
    ],
)
def test_what_a_hook_writes_is_held_to_the_rules_of_input_and_judged_by_the_others(crm, subject, code, message):
    client = crm(Careless(subject), Strict)
    answer = client.execute('mutation { createCustomer(input: {name: "Ann"}) { userErrors { code message } } }')
    assert answer["data"]["createCustomer"]["userErrors"] == [{"code": code, "message": message}]
    assert client.query("{ customers { totalCount } tasks { totalCount } events { totalCount } }") == {
        "customers": {"totalCount": 0},
        "tasks": {"totalCount": 0},
        "events": {"totalCount": 0},
    }


class Allowance(Facet, of="Customer", plugin="generous"):
    budget: int = column("What may be given away.", default=0, minimum=0)
    spent: Money | None = column("What was.", default=None, minimum=0)


class Generous(Plugin):
    """Gives away more than there is."""

    name, version, api = "generous", "1.0", ">=1,<2"

    def __init__(self, field, value, *, by_session):
        self.field, self.value, self.by_session = field, value, by_session

    @hookimpl
    def lock_keys(self, changes):
        return ()

    @hookimpl
    def before_commit(self, ctx, changes):
        if self.by_session:
            ctx.session.flush()
        for change in changes.of("Customer"):
            setattr(ctx.facet(Allowance, change.record.id), self.field, self.value)


@pytest.mark.parametrize("by_session", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("budget", -1, "budget: -1 is too small; the minimum is 0"),
        ("spent", Money(-1, "CNY"), "spent: -1.00 is too small; the minimum is 0"),
    ],
)
def test_what_a_hook_writes_into_a_facet_is_held_to_the_rules_of_input(crm, field, value, message, by_session):
    client = crm(Generous(field, value, by_session=by_session))
    answer = client.execute('mutation { createCustomer(input: {name: "Ann"}) { userErrors { code message } } }')
    assert answer["data"]["createCustomer"]["userErrors"] == [{"code": "INVALID", "message": message}]
    assert client.query("{ customers { totalCount } }") == {"customers": {"totalCount": 0}}
