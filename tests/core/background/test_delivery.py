"""Delivery to after-commit hooks: at least once, in order, each plugin at its own pace, and nothing that did not commit."""

import asyncio
import re
import signal
import subprocess
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, text, update

from core.background import lanes
from core.background.backlog import HeldBack, PluginCursor, SetAside
from core.background.lanes import LEASE
from guanxi import (
    ConfigurationError,
    FixedClock,
    GuanxiError,
    Plugin,
    PluginError,
    Reject,
    Retries,
    UserError,
    create_app,
    hookimpl,
    load_settings,
)
from guanxi.records import Customer, Task
from guanxi.testing import running
from tests.warm import python

#: Without chance, so that it can be said when what is tried.
RETRIES = Retries(timedelta(milliseconds=700), timedelta(milliseconds=100), timedelta(days=1), jitter=0)


ONCE = Retries(timedelta(0))


class Ear(Plugin):
    """Hears what was committed, and does with it what `hear` says."""

    name, version, api = "ear", "1.0", ">=1,<2"
    retries = RETRIES

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
    retries = RETRIES

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
        # One that succeeds ends the failures that were counted.
        self.create()
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
    client = module_crm(ear, waiter, Sentry, clock=clock, hook_warning_ms=10)
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
            {name: "A", externalIds: [{system: "s", value: "a"}]}, {name: "B", externalIds: [{system: "s", value: "b"}]}]}) { created } }"""
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
            {name: "Tried", externalIds: [{system: "s", value: "t"}]}]}) { created } }"""
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
        ("Good", 0),
        ("Bad", 100),
        ("Bad", 300),
    ]
    assert other.heard == [["CUSTOMER_CREATED"], ["CUSTOMER_CREATED"]]
    listeners.wait(timedelta(milliseconds=1))
    assert [name for name, _, _ in tried] == ["Bad", "Good", *["Bad"] * 3]
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
    assert [name for name, _, _ in tried] == ["Bad"] * 4
    assert client.run(client.app.delivery.retry(plugin.name)) == 0


async def clear(client, plugin):
    """Takes what other tests had set aside."""
    hear, plugin.hear = plugin.hear, plugin.note
    await client.app.delivery.retry(plugin.name)
    plugin.hear = hear


def test_what_a_retried_hook_writes_is_committed(listeners):
    failures = [RuntimeError("late") for _ in range(2)]

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
    waiter.retries = ONCE
    client = crm(waiter, delivery_deadline_ms=20)
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

    waiter.hear, waiter.retries = hear, Retries(first_pause=timedelta(milliseconds=20))
    client = crm(waiter)
    create(client)
    client.run(asyncio.wait_for(fixed.wait(), 4))


def test_pauses_do_not_grow_without_end(crm, clock):
    ear, tries = Ear(), []

    def fail(ctx, events):
        tries.append(ctx.clock.now())
        raise RuntimeError

    day = timedelta(days=1)
    ear.hear, ear.retries = fail, Retries(duration=day * 9999, longest_pause=day, jitter=0)
    client = crm(ear, clock=clock)
    create(client)
    for _ in range(30):
        client.deliver()
        clock.moment += day
    assert len(tries) == 30


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"duration": timedelta(-1)},
            "Retries: duration -1 day, 0:00:00 is negative; timedelta(0) means no second attempt",
        ),
        (
            {"first_pause": timedelta(0)},
            "Retries: first_pause 0:00:00 must be more than nothing, and longest_pause 0:05:00 no shorter",
        ),
        (
            {"longest_pause": timedelta(milliseconds=1)},
            "Retries: first_pause 0:00:01 must be more than nothing, and longest_pause 0:00:00.001000 no shorter",
        ),
        ({"jitter": 2}, "Retries: jitter 2 must be from 0 to 1"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(values, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        Retries(**values)


def test_pauses_double_up_to_the_longest_and_differ_by_no_more_than_the_jitter():
    retries, second = Retries(longest_pause=timedelta(seconds=60)), timedelta(seconds=1)
    assert [retries.pause(failures, 0.5) / second for failures in (1, 2, 6, 7, 5000)] == [1, 2, 32, 60, 60]
    assert [retries.pause(7, chance) / second for chance in (0, 1)] == [48, 72]


def test_what_is_no_policy_is_refused(databases):
    class Odd(Ear):
        retries = 5

    with pytest.raises(PluginError) as caught:
        create_app(load_settings(database_url=databases.empty()), [Odd])
    assert caught.value.message == "plugin 'ear', retries: 5 is not a guanxi.Retries; write Retries(…)"


# Order


def rename(client, id, name):
    text = "mutation ($id: ID!, $name: String!) { updateCustomer(input: {id: $id, name: $name}) { customer { id } } }"
    client.query(text, id=id, name=name)


def spoken(events):
    """The names that events are about."""
    return ", ".join(event.changes["name"][1] for event in events)


@pytest.fixture
def stalled(listeners):
    """A plugin that fails on names with a question mark until `fixed` is set; what it heard, and what it tried."""
    heard, tried, fixed = [], [], threading.Event()

    def hear(ctx, events):
        tried.append(spoken(events))
        if "?" in tried[-1] and not fixed.is_set():
            raise RuntimeError("not now")
        heard.append(tried[-1])

    listeners.ear.hear = hear
    return heard, tried, fixed


def test_later_events_of_a_record_wait_behind_its_failed_ones_while_those_of_others_go_on(listeners, stalled):
    heard, tried, fixed = stalled
    first, second = listeners.create("First?"), listeners.create("Second")
    rename(listeners.client, first, "First 2")
    rename(listeners.client, second, "Second 2")
    listeners.client.deliver()
    rename(listeners.client, first, "First 3")
    listeners.wait(timedelta(milliseconds=100))
    assert heard == ["Second", "Second 2"]
    assert tried == ["First?", "Second", "Second 2", "First?"]
    fixed.set()
    listeners.wait(timedelta(milliseconds=200))
    assert heard == ["Second", "Second 2", "First?", "First 2", "First 3"]


def test_events_of_a_transaction_stay_together_and_keep_what_comes_after_them_waiting(listeners, stalled):
    """One transaction changes both a record that waits and another, whose own later events then wait behind it."""
    heard, _, fixed = stalled
    first, second = listeners.create("First?"), listeners.create("Second")
    both = [{"id": first, "name": "First 2"}, {"id": second, "name": "Second 2"}]
    listeners.client.query(
        "mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {matchBy: ID, items: $items}) { updated } }",
        items=both,
    )
    rename(listeners.client, second, "Second 3")
    third = listeners.create("Third")
    listeners.client.deliver()
    rename(listeners.client, third, "Third 2")
    listeners.client.deliver()
    assert heard == ["Second", "Third", "Third 2"]
    fixed.set()
    listeners.wait(timedelta(milliseconds=100))
    assert heard[3:] == ["First?", "First 2, Second 2", "Second 3"]


def test_what_waits_behind_two_goes_on_when_both_are_delivered(listeners, stalled):
    heard, _, fixed = stalled
    ids = [listeners.create(name) for name in ("First?", "Second?")]
    both = [{"id": id, "name": "Both"} for id in ids]
    listeners.client.query(
        "mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {matchBy: ID, items: $items}) { updated } }",
        items=both,
    )
    listeners.client.deliver()
    with listeners.client.app.database.transaction() as session:
        # The second is delivered long before the first.
        session.execute(update(HeldBack).where(HeldBack.behind.is_(None)).values(try_at=listeners.clock.now()))
        first = session.execute(select(func.min(HeldBack.sequence))).scalar_one()
        later = listeners.clock.now() + timedelta(milliseconds=500)
        session.execute(update(HeldBack).where(HeldBack.sequence == first).values(try_at=later))
    fixed.set()
    listeners.client.deliver()
    assert heard == ["Second?"]
    listeners.wait(timedelta(milliseconds=500))
    assert heard == ["Second?", "First?", "Both, Both"]


def test_once_a_batch_is_set_aside_later_events_of_its_records_go_on(listeners, stalled):
    heard, _, _ = stalled
    listeners.client.run(clear(listeners.client, listeners.ear))
    first = listeners.create("First?")
    rename(listeners.client, first, "First 2")
    listeners.client.deliver()
    assert heard == []
    for _ in range(4):
        listeners.wait(timedelta(milliseconds=700))
    assert heard == ["First 2"]
    listeners.client.run(clear(listeners.client, listeners.ear))


def test_a_receiver_that_is_dead_for_a_while_gets_everything_in_order_and_nothing_is_set_aside(crm, clock):
    """For 32 seconds, during which an event is written each second, as of three records in turn."""
    ear, heard, tries = Ear(), [], []
    began = clock.now()

    def hear(ctx, events):
        tries.append(ctx.clock.now())
        if ctx.clock.now() - began < timedelta(seconds=32):
            raise ConnectionError("refused")
        heard.append((events[0].entity_id, events[0].sequence))

    ear.hear, ear.retries = hear, Retries()
    client = crm(ear, clock=clock)
    ids = [create(client, f"Customer {number}") for number in range(3)]
    for number in range(3, 31):
        client.deliver()
        rename(client, ids[number % 3], f"Now {number}")
        clock.moment += timedelta(seconds=1)
    state = client.run(client.app.delivery.states())["ear"]
    assert (state.backlog, state.set_aside) == (31, 0)
    assert state.error == "plugin 'ear', after_commit: ConnectionError: refused"
    # It is not asked over and over while it is down.
    assert len(tries) < 20
    while clock.now() - began < timedelta(seconds=90):
        clock.moment += timedelta(seconds=1)
        client.deliver()
    assert len(heard) == 31
    for id in ids:
        sequences = [sequence for entity, sequence in heard if entity == id]
        assert sequences == sorted(sequences)
    state = client.run(client.app.delivery.states())["ear"]
    assert (state.backlog, state.held_back, state.set_aside, state.try_at) == (0, 0, 0, None)


def test_a_receiver_that_is_down_is_left_alone_and_once_it_is_back_nothing_waits_any_longer(crm, clock):
    ear, heard, is_up = Ear(), [], threading.Event()
    minute = timedelta(minutes=1)

    def hear(ctx, events):
        heard.append(spoken(events))
        if not is_up.is_set():
            raise ConnectionError

    ear.hear, ear.retries = hear, Retries(first_pause=minute, longest_pause=minute * 60, jitter=0)
    client = crm(ear, clock=clock)
    for number in range(20):
        create(client, str(number))
    client.deliver()
    assert heard == ["0", "1", "2", "3", "4"]
    clock.moment += minute
    client.deliver()
    assert heard[5:] == ["0"]
    is_up.set()
    # The second pause of them all is of two minutes, and so is that of the first batch; the others would have waited.
    clock.moment += minute * 2
    client.deliver()
    assert heard[6:] == [str(number) for number in range(20)]


# How it stands


def test_the_api_says_how_delivery_stands_to_whoever_may_administer(crm, clock):
    ear, client = Ear(), None

    def fail(ctx, events):
        raise RuntimeError("no connection")

    ear.hear, ear.retries = fail, Retries(timedelta(seconds=1), timedelta(seconds=1), jitter=0)
    client = crm(ear, Sentry, clock=clock)
    # What nobody asks for is not delivered meanwhile.
    client.run(client.app.delivery.stop())
    asked = """{ plugins {
        name delivery { backlog heldBack setAside lastError lastFailedAt pausedUntil } } }"""
    assert client.query(asked)["plugins"][0]["delivery"] == {
        "backlog": 0, "heldBack": 0, "setAside": 0, "lastError": None, "lastFailedAt": None, "pausedUntil": None
    }  # fmt: skip
    first = create(client)
    for _ in range(2):
        client.deliver()
        clock.moment += timedelta(seconds=1)
    rename(client, first, "Second")
    client.deliver()
    rename(client, first, "Third")
    client.deliver()
    create(client, "Another, which nobody tried to deliver yet")
    failure = "plugin 'ear', after_commit: RuntimeError: no connection"
    assert client.query(asked)["plugins"] == [
        {
            "name": "ear",
            "delivery": {
                "backlog": 3,
                "heldBack": 2,
                "setAside": 1,
                "lastError": failure,
                "lastFailedAt": "2025-06-15T12:00:02.000Z",
                "pausedUntil": None,
            },
        },
        {"name": "sentry", "delivery": None},
    ]
    user = client.create("User", name="Eve", role="ACCOUNT_MANAGER")["id"]
    answer = client.acting_as(user).execute(asked)
    assert [plugin["delivery"] for plugin in answer["data"]["plugins"]] == [None, None]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


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
    done = subprocess.run([python(), "-c", KILLED, url], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    ear = Ear()
    ear.hear = lambda ctx, events: (ear.note(ctx, events), filing()(ctx, events))
    client = crm(ear, url=url, clock=clock)
    client.deliver()
    assert ear.heard == []
    clock.moment += timedelta(seconds=5)
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
    # A lease lasts for less than five seconds, whatever the hook may take.
    assert timedelta(seconds=5) > LEASE
    hold(listeners.client, holder="hld_of_a_dead_process", held_until=listeners.clock.now() + LEASE)
    listeners.ear.heard.clear()
    listeners.create()
    listeners.wait(LEASE - timedelta(milliseconds=1))
    assert listeners.ear.heard == []
    listeners.wait(timedelta(milliseconds=1))
    assert listeners.ear.heard == [["CUSTOMER_CREATED"]]


def hold(client, **values):
    with client.app.database.transaction() as session:
        session.execute(update(PluginCursor).values(**values))


def test_whoever_waits_for_a_dead_process_looks_again_as_soon_as_its_lease_ends(crm):
    """Not only when it looks for work anyway, which together would take longer than five seconds."""
    waiter, heard = Waiter(), asyncio.Event()

    async def hear(ctx, events):
        heard.set()

    waiter.hear = hear
    client = crm(waiter)
    hold(client, holder="hld_of_a_dead_process", held_until=client.app._clock.now() + timedelta(seconds=1))
    create(client)
    client.run(asyncio.wait_for(heard.wait(), 4))


def test_a_process_keeps_its_lease_while_a_hook_takes_longer_than_one(crm, clock, monkeypatch):
    waiter, renewed = Waiter(), []
    monkeypatch.setattr(lanes, "_RENEW_SECONDS", 0.001)

    async def hear(ctx, events):
        for _ in range(3):
            clock.moment += LEASE / 2
            end = clock.now() + LEASE
            while (until := await held_until()) < end:
                await asyncio.sleep(0)
            renewed.append(until - end)

    async def held_until():
        def read():
            with client.app.database.transaction() as session:
                return session.get(PluginCursor, "waiter").held_until

        return await client.app.database.in_thread(read)

    waiter.hear = hear
    client = crm(waiter, clock=clock)
    create(client)
    client.deliver()
    assert renewed == [timedelta(0)] * 3


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
