"""Delivery to after-commit hooks: at least once, in order, each plugin at its own pace, and nothing that did not commit."""

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, text, update

from core.background.delivery import PluginCursor, SetAside
from guanxi import (
    ConfigurationError,
    FixedClock,
    GuanxiError,
    Plugin,
    Reject,
    UserError,
    create_app,
    hookimpl,
    load_settings,
)
from guanxi.records import Customer, Task
from guanxi.testing import running


class Ear(Plugin):
    """Hears what was committed, and does with it what `hear` says."""

    name, version, api = "ear", "1.0", ">=1,<2"

    def __init__(self):
        self.heard = []
        self.hear = self.note

    def note(self, ctx, events):
        self.heard.append([event.type for event in events])

    @hookimpl
    def after_commit(self, ctx, events):
        self.hear(ctx, events)


class Waiter(Plugin):
    """The same asynchronously."""

    name, version, api = "waiter", "1.0", ">=1,<2"

    def __init__(self):
        self.heard = []
        self.hear = self.note

    async def note(self, ctx, events):
        self.heard.append([event.type for event in events])

    @hookimpl
    async def after_commit(self, ctx, events):
        await self.hear(ctx, events)


class Sentry(Plugin):
    """Announces what is rolled back."""

    name, version, api = "sentry", "1.0", ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        for customer in changes.created("Customer"):
            if customer.name in ("Rejected", "Failing", "Kept"):
                ctx.publish("TASK_COMPLETED", customer)
            if customer.name == "Rejected":
                raise Reject(UserError("NO", "no"))
            if customer.name == "Failing":
                raise RuntimeError


class Listeners:
    """An app whose plugins are given what to do with the events they get."""

    def __init__(self, client, clock, ear, waiter):
        self.client, self.clock, self.ear, self.waiter = client, clock, ear, waiter
        self.reset()

    def reset(self):
        """Lets both hear what is left, and then note what comes."""
        for plugin in (self.ear, self.waiter):
            plugin.hear = plugin.note
        self.wait(timedelta(days=30))
        self.ear.heard.clear()
        self.waiter.heard.clear()

    def wait(self, time):
        self.clock.moment += time
        self.client.deliver()

    def create(self, name="Plain"):
        return create(self.client, name)


@pytest.fixture(scope="module")
def app(module_crm):
    clock, ear, waiter = FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)), Ear(), Waiter()
    client = module_crm(
        ear, waiter, Sentry, clock=clock, delivery_backoff_ms=100, delivery_attempts=4, hook_warning_ms=10
    )
    return Listeners(client, clock, ear, waiter)


@pytest.fixture
def listeners(app):
    yield app
    app.reset()


def dies_unnumbered(app):
    """From now on the app commits like one whose process dies before it can number anything."""

    async def publish():
        pass

    app.publisher.publish = publish


def create(client, name="Plain"):
    made = client.query(
        "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } userErrors { code } } }",
        name=name,
    )["createCustomer"]
    return made["customer"] and made["customer"]["id"]


def tasks_of(client, id):
    """Subjects of a customer's tasks."""
    found = client.query("query ($id: ID!) { customer(id: $id) { tasks { nodes { subject } } } }", id=id)
    return [task["subject"] for task in found["customer"]["tasks"]["nodes"]]


# What is heard


def test_hook_after_commit_hears_each_transaction_in_order(listeners):
    heard, client = [], listeners.client
    listeners.ear.hear = lambda ctx, events: heard.append(list(events))
    id = listeners.create("First")
    client.query('mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "Second"}) { customer { id } } }', id=id)
    client.query(
        """mutation { upsertCustomers(input: {items: [
            {name: "A", externalIds: [{system: "s", id: "a"}]}, {name: "B", externalIds: [{system: "s", id: "b"}]}]}) { created } }"""
    )
    client.deliver()
    assert [[event.type for event in events] for events in heard] == [
        ["CUSTOMER_CREATED"],
        ["CUSTOMER_UPDATED"],
        ["CUSTOMER_CREATED", "CUSTOMER_CREATED"],
    ]
    ((updated,),) = heard[1:2]
    assert (updated.entity_type, updated.entity_id, updated.action.value) == ("Customer", id, "UPDATED")
    assert updated.changes == {"name": ("First", "Second")}
    assert (updated.actor, updated.occurred_at) == ("local", listeners.clock.now())
    first = heard[0][0].sequence
    assert [events[0].sequence for events in heard] == [first, first + 1, first + 2]
    client.deliver()
    assert len(heard) == 3


def test_it_is_heard_soon_without_being_asked_for(listeners):
    heard = asyncio.Event()

    async def hear(ctx, events):
        heard.set()

    listeners.waiter.hear = hear
    listeners.create()
    listeners.client.run(asyncio.wait_for(heard.wait(), 10))


def test_nothing_is_heard_of_what_did_not_commit(listeners):
    client = listeners.client
    listeners.create("Rejected")
    client.execute('mutation { createCustomer(input: {name: "Failing"}) { customer { id } } }')
    client.execute('mutation { createCustomer(input: {name: ""}) { customer { id } } }')
    client.query(
        """mutation { upsertCustomers(input: {dryRun: true, items: [
            {name: "Tried", externalIds: [{system: "s", id: "t"}]}]}) { created } }"""
    )
    client.deliver()
    assert listeners.ear.heard == []
    listeners.create("Kept")
    client.deliver()
    assert listeners.ear.heard == [["TASK_COMPLETED", "CUSTOMER_CREATED"]]


# What a hook does


def filing(then=lambda ctx: None):
    """What files a task for each new customer, and then does something else."""

    def file(ctx, events):
        for event in events:
            if event.type == "CUSTOMER_CREATED":
                customer = ctx.session.get(Customer, event.entity_id)
                ctx.session.add(Task(subject=f"Call {customer.name}", customer_id=customer.id))
                then(ctx)

    return file


def test_what_a_hook_writes_is_logged_as_the_plugin_s_and_not_delivered_back(listeners):
    heard, client, file = [], listeners.client, filing()

    def hear(ctx, events):
        heard.append([event.type for event in events])
        file(ctx, events)

    listeners.ear.hear = hear
    id = listeners.create("Ann")
    client.deliver()
    assert tasks_of(client, id) == ["Call Ann"]
    assert heard == [["CUSTOMER_CREATED"]]
    assert listeners.waiter.heard == [["CUSTOMER_CREATED"], ["TASK_CREATED"]]
    task = client.query("query ($id: ID!) { customer(id: $id) { tasks { nodes { createdBy } } } }", id=id)
    assert task["customer"]["tasks"]["nodes"] == [{"createdBy": "plugin:ear"}]


def test_what_is_delivered_by_the_background_meanwhile_is_waited_for_with_what_comes_of_it(listeners):
    client, file = listeners.client, filing()
    begun, heard_by_waiter, go_on = threading.Event(), asyncio.Event(), threading.Event()

    def hear(ctx, events):
        begun.set()
        assert go_on.wait(10)
        file(ctx, events)

    async def note(ctx, events):
        if events[0].type == "TASK_CREATED":
            for _ in range(200):
                await asyncio.sleep(0)
        await listeners.waiter.note(ctx, events)
        heard_by_waiter.set()

    async def deliver():
        client.app.delivery.announce()
        while not begun.is_set():
            await asyncio.sleep(0)
        await heard_by_waiter.wait()
        draining = asyncio.create_task(client.app.delivery.drain())
        for _ in range(200):
            await asyncio.sleep(0)
        go_on.set()
        await draining

    listeners.ear.hear, listeners.waiter.hear = hear, note
    listeners.create("Ann")
    client.run(deliver())
    assert listeners.waiter.heard == [["CUSTOMER_CREATED"], ["TASK_CREATED"]]


def test_what_a_hook_writes_is_committed_together_with_its_place(listeners):
    failures = [RuntimeError("late")]

    def fail_once(ctx):
        ctx.session.flush()
        if failures:
            raise failures.pop()

    listeners.ear.hear = filing(fail_once)
    id = listeners.create("Ann")
    listeners.client.deliver()
    assert tasks_of(listeners.client, id) == []
    listeners.wait(timedelta(seconds=1))
    assert tasks_of(listeners.client, id) == ["Call Ann"]


def test_an_async_hook_queries_and_has_no_session(listeners):
    heard = []

    async def hear(ctx, events):
        assert ctx.session is None
        heard.append(await ctx.query("query ($id: ID!) { customer(id: $id) { name } }", {"id": events[0].entity_id}))

    listeners.waiter.hear = hear
    listeners.create("Ann")
    listeners.client.deliver()
    assert heard == [{"customer": {"name": "Ann"}}]


def test_a_slow_hook_is_logged(listeners, caplog):
    never = threading.Event()
    listeners.ear.hear = lambda ctx, events: never.wait(0.02)
    listeners.create()
    listeners.client.deliver()
    assert "hook after_commit is slow: it took " in caplog.text


def test_a_plugin_that_waits_does_not_hold_up_another(listeners):
    heard = threading.Event()

    async def wait(ctx, events):
        while not heard.is_set():
            await asyncio.sleep(0)

    listeners.waiter.hear = wait
    listeners.ear.hear = lambda ctx, events: heard.set()
    listeners.create()
    listeners.client.deliver()
    assert heard.is_set()


def test_a_hook_that_gives_way_to_a_rival_is_run_again(listeners):
    """It and another transaction lock the same two rows, each in the other's order."""
    client, tries = listeners.client, []
    if client.app.database.dialect == "sqlite":
        pytest.skip("on SQLite one transaction writes at a time")
    first, second = listeners.create("First"), listeners.create("Second")
    listeners.client.deliver()
    both_have_one = threading.Barrier(2, timeout=10)
    change = text("UPDATE customer SET region = :region WHERE id = :id")

    def cross(session, victim, *ids):
        # Each looks for a deadlock once, so long after it began to wait: by then the other must wait as well.
        session.execute(text(f"SET LOCAL deadlock_timeout = '{'500ms' if victim else '1min'}'"))
        for id in ids:
            session.execute(change, {"region": "South", "id": id})
            with suppress(threading.BrokenBarrierError):
                both_have_one.wait()
            both_have_one.abort()

    def hear(ctx, events):
        tries.append([event.type for event in events])
        cross(ctx.session, True, second, first)
        ctx.session.add(Task(subject="Once", customer_id=first))

    def rival():
        with client.app.database.transaction() as session:
            cross(session, False, first, second)

    listeners.ear.hear = hear
    listeners.create("Third")
    thread = threading.Thread(target=rival)
    thread.start()
    client.deliver()
    thread.join()
    assert tries == [["CUSTOMER_CREATED"]] * 2
    assert tasks_of(client, first) == ["Once"]


# Failing


def fail_for_bad(listeners, *, is_async, fixed=None):
    """Has a plugin fail for customers named Bad; gives the plugin, the other, and when the first tried whom."""
    tried = []

    def hear(ctx, events):
        (event,) = events
        name = event.changes["name"][1]
        tried.append((name, listeners.clock.now(), event.sequence))
        if name == "Bad" and not (fixed and fixed.is_set()):
            raise RuntimeError("no connection")

    async def hear_async(ctx, events):
        hear(ctx, events)

    plugin, other = listeners.ear, listeners.waiter
    if is_async:
        plugin, other = other, plugin
    plugin.hear = hear_async if is_async else hear
    return plugin, other, tried


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_hook_is_tried_again_with_growing_pauses_then_set_aside(listeners, caplog, is_async):
    plugin, other, tried = fail_for_bad(listeners, is_async=is_async)
    listeners.create("Bad")
    listeners.create("Good")
    began = listeners.clock.now()
    for pause in (0, 99, 1, 199, 1, 399):
        listeners.wait(timedelta(milliseconds=pause))
    assert [(name, (moment - began) / timedelta(milliseconds=1)) for name, moment, _ in tried] == [
        ("Bad", 0),
        ("Bad", 100),
        ("Bad", 300),
    ]
    assert other.heard == [["CUSTOMER_CREATED"], ["CUSTOMER_CREATED"]]
    listeners.wait(timedelta(milliseconds=1))
    assert [name for name, _, _ in tried] == ["Bad"] * 4 + ["Good"]
    batch = tried[0][2]
    said = [record for record in caplog.records if record.name == f"guanxi.plugins.{plugin.name}"]
    # On a busy machine the hook may also have been slow, which is a warning.
    assert [record.message for record in said if record.levelname == "ERROR"] == [
        *[f"hook after_commit failed on batch {batch}"] * 4,
        f"batch {batch} set aside after try 4: plugin '{plugin.name}', after_commit: RuntimeError: no connection",
    ]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_set_aside_is_delivered_when_it_is_retried(listeners, is_async):
    fixed = threading.Event()
    plugin, _, tried = fail_for_bad(listeners, is_async=is_async, fixed=fixed)
    client = listeners.client
    client.run(clear(client, plugin))
    listeners.create("Bad")
    for _ in range(4):
        listeners.wait(timedelta(days=1))
    with pytest.raises(GuanxiError) as caught:
        client.run(client.app.delivery.retry(plugin.name))
    batch = tried[0][2]
    assert caught.value.message == (
        f"batch {batch} failed again: plugin '{plugin.name}', after_commit: RuntimeError: no connection"
    )
    fixed.set()
    assert client.run(client.app.delivery.retry(plugin.name)) == 1
    assert [name for name, _, _ in tried] == ["Bad"] * 6
    assert client.run(client.app.delivery.retry(plugin.name)) == 0


async def clear(client, plugin):
    """Takes what other tests had set aside."""
    hear, plugin.hear = plugin.hear, plugin.note
    await client.app.delivery.retry(plugin.name)
    plugin.hear = hear


def test_what_a_retried_hook_writes_is_committed(listeners):
    failures = [RuntimeError("late") for _ in range(4)]

    def fail(ctx):
        if failures:
            raise failures.pop()

    client = listeners.client
    client.run(clear(client, listeners.ear))
    listeners.ear.hear = filing(fail)
    id = listeners.create("Ann")
    for _ in range(4):
        listeners.wait(timedelta(days=1))
    assert tasks_of(client, id) == []
    assert client.run(client.app.delivery.retry("ear")) == 1
    assert tasks_of(client, id) == ["Call Ann"]


def test_retry_names_those_who_listen(listeners):
    with pytest.raises(ConfigurationError) as caught:
        listeners.client.run(listeners.client.app.delivery.retry("eye"))
    assert caught.value.message == "no plugin 'eye' listens to events; those that do: ear, waiter"


def test_what_another_process_has_taken_up_meanwhile_is_not_delivered_again(listeners):
    client, tried = listeners.client, []
    client.run(clear(client, listeners.ear))

    def fail(ctx, events):
        raise RuntimeError

    def take_up(ctx, events):
        tried.append(events[0].entity_id)
        ctx.session.execute(delete(SetAside).where(SetAside.sequence > events[0].sequence))

    listeners.ear.hear = fail
    ids = [listeners.create(name) for name in ("First", "Second")]
    for _ in range(8):
        listeners.wait(timedelta(days=1))
    listeners.ear.hear = take_up
    assert client.run(client.app.delivery.retry("ear")) == 1
    assert tried == ids[:1]


def test_an_async_hook_is_stopped_at_its_deadline(crm, caplog):
    waiter = Waiter()

    async def hear(ctx, events):
        await asyncio.Event().wait()

    waiter.hear = hear
    client = crm(waiter, delivery_deadline_ms=20, delivery_attempts=1)
    create(client)
    client.deliver()
    assert caplog.records[-1].message == (
        "batch 1 set aside after try 1: plugin 'waiter', after_commit: did not finish within 20 ms; "
        "do less, or raise GUANXI_DELIVERY_DEADLINE_MS"
    )

    async def hear_impatiently(ctx, events):
        raise TimeoutError("of its own")

    waiter.hear = hear_impatiently
    create(client)
    client.deliver()
    assert caplog.records[-1].message == (
        "batch 2 set aside after try 1: plugin 'waiter', after_commit: TimeoutError: of its own"
    )


def test_a_batch_is_tried_again_as_soon_as_it_is_due(crm):
    """Without an announcement, and sooner than others look for work."""
    waiter, fixed = Waiter(), asyncio.Event()

    async def hear(ctx, events):
        waiter.heard.append(events)
        if len(waiter.heard) < 3:
            raise RuntimeError
        fixed.set()

    waiter.hear = hear
    client = crm(waiter, delivery_backoff_ms=20)
    create(client)
    client.run(asyncio.wait_for(fixed.wait(), 4))


def test_pauses_do_not_grow_without_end(crm, clock):
    ear, tries = Ear(), []

    def fail(ctx, events):
        tries.append(ctx.clock.now())
        raise RuntimeError

    ear.hear = fail
    client = crm(ear, clock=clock, delivery_backoff_ms=10**12, delivery_attempts=2000)
    create(client)
    for _ in range(3):
        client.deliver()
        clock.moment += timedelta(days=1)
    assert len(tries) == 3


# From one start to the next


def test_a_new_plugin_starts_at_the_end_of_the_log(crm):
    url = crm.databases.fresh()
    client = crm(first := Ear(), url=url)
    create(client)
    client.deliver()
    crm.close()
    client = crm(again := Ear(), waiter := Waiter(), url=url)
    create(client)
    client.deliver()
    assert [first.heard, again.heard, waiter.heard] == [[["CUSTOMER_CREATED"]]] * 3


def test_what_was_missed_is_heard_at_the_next_start_even_if_its_process_died_before_numbering_it(crm):
    url = crm.databases.fresh()
    crm(Ear(), url=url)
    crm.close()
    client = crm(url=url)
    dies_unnumbered(client.app)
    create(client)
    create(client)
    crm.close()
    crm(ear := Ear(), url=url).deliver()
    assert ear.heard == [["CUSTOMER_CREATED"], ["CUSTOMER_CREATED"]]


def test_it_stops_even_if_there_is_news_at_that_moment(listeners):
    delivery = listeners.client.app.delivery

    async def stop_after(steps):
        delivery.announce()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await delivery.stop()
        await delivery.start()
        await asyncio.sleep(0)

    for steps in range(6):
        listeners.client.run(stop_after(steps))


def test_it_stops_even_if_a_hook_goes_on_when_it_is_cancelled(listeners):
    delivery, started, cancelled = listeners.client.app.delivery, asyncio.Event(), []

    async def hear(ctx, events):
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(events[0].type)

    async def restart():
        await started.wait()
        async with asyncio.timeout(5):
            await delivery.stop()
        await delivery.start()

    listeners.waiter.hear = hear
    for name in ("First", "Second"):
        listeners.create(name)
    listeners.client.run(restart())
    assert cancelled == ["CUSTOMER_CREATED"] * 2


def test_other_things_stop_even_if_the_cursors_cannot_be_let_go_of(crm, caplog):
    stopped = []

    class Stopping(Ear):
        @hookimpl
        def shutdown(self, ctx):
            stopped.append(self.name)

    client = crm(Stopping())
    with client.app.database.transaction() as session:
        session.execute(text("DROP TABLE plugin_cursor"))
    crm.close()
    assert stopped == ["ear"]
    assert "the plugins' cursors failed while stopping" in caplog.text


# Several processes on one database


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from guanxi import FixedClock, Plugin, create_app, hookimpl, load_settings
from guanxi.records import Task
from guanxi.testing import running

class Ear(Plugin):
    name, version, api = "ear", "1.0", ">=1,<2"

    @hookimpl
    def after_commit(self, ctx, events):
        ctx.session.add(Task(subject="Half done", customer_id=events[0].entity_id))
        ctx.session.flush()
        os.kill(os.getpid(), signal.SIGKILL)

clock = FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))
with running(create_app(load_settings(database_url=sys.argv[1]), [Ear], clock)) as client:
    client.query('mutation { createCustomer(input: {name: "Ann"}) { userErrors { code } } }')
    client.deliver()
"""


def test_what_a_killed_process_had_begun_is_delivered_by_the_next(crm, clock):
    url = crm.databases.fresh()
    done = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    ear = Ear()
    ear.hear = lambda ctx, events: (ear.note(ctx, events), filing()(ctx, events))
    client = crm(ear, url=url, clock=clock)
    client.deliver()
    assert ear.heard == []
    clock.moment += timedelta(minutes=1)
    client.deliver()
    assert ear.heard == [["CUSTOMER_CREATED"]]
    assert client.query("{ tasks { nodes { subject } } }") == {"tasks": {"nodes": [{"subject": "Call Ann"}]}}


def test_two_processes_do_not_both_deliver_and_one_goes_on_when_the_other_has_stopped(crm, clock):
    url = crm.databases.fresh()
    here, there = Ear(), Ear()
    second = crm(there, url=url, clock=clock)
    with running(app_on(url, here, clock)) as first:
        for client in (first, second) * 3:
            create(client)
            second.deliver()
            first.deliver()
        assert sorted([*here.heard, *there.heard]) == [["CUSTOMER_CREATED"]] * 6
        assert [] in (here.heard, there.heard)
    create(second)
    second.deliver()
    assert len([*here.heard, *there.heard]) == 7


def app_on(url, plugin, clock):
    return create_app(load_settings(database_url=url), [plugin], clock)


def test_two_processes_at_the_same_time_deliver_once(crm):
    url = crm.databases.fresh()
    ears = [Ear(), Ear()]
    clients = [crm(ear, url=url) for ear in ears]
    for _ in range(20):
        create(clients[0])
    together = threading.Barrier(2, timeout=10)

    def deliver(client):
        together.wait()
        client.deliver()

    threads = [threading.Thread(target=deliver, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.deliver()
    assert sum(len(ear.heard) for ear in ears) == 20


def test_one_goes_on_when_the_other_has_died(listeners):
    create(listeners.client)
    listeners.client.deliver()
    hold(listeners.client, holder="hld_of_a_dead_process", held_until=listeners.clock.now() + timedelta(minutes=1))
    listeners.ear.heard.clear()
    listeners.create()
    listeners.wait(timedelta(seconds=59))
    assert listeners.ear.heard == []
    listeners.wait(timedelta(seconds=1))
    assert listeners.ear.heard == [["CUSTOMER_CREATED"]]


def hold(client, **values):
    with client.app.database.transaction() as session:
        session.execute(update(PluginCursor).values(**values))


def test_who_has_lost_its_hold_leaves_the_place_to_the_other(crm, clock, caplog):
    """While an async hook works, another process takes over and has come further."""
    waiter = Waiter()

    async def hear(ctx, events):
        hold(client, holder="hld_of_another", sequence=7)

    waiter.hear = hear
    client = crm(waiter, clock=clock)
    create(client)
    client.deliver()
    with client.app.database.transaction() as session:
        assert session.get(PluginCursor, "waiter").sequence == 7
    assert "hook after_commit: another process took over at batch 1" in caplog.text
