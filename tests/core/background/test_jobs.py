"""Jobs of plugins: on time by the clock, by one process at a time, each run whole or not at all."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlmodel import delete, select

from core.background.jobs import LEASE, PluginJob, next_due
from core.base.calendar import Calendar
from guanxi import (
    Facet,
    Field,
    FixedClock,
    GuanxiError,
    Job,
    Plugin,
    PluginError,
    Reject,
    UserError,
    create_app,
    hookimpl,
    load_settings,
)
from guanxi.records import Customer, Task

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


class Upkept(Facet, of="Customer", plugin="upkeep"):
    times: int = 0


class Upkeep(Plugin):
    """Greets new customers, counts how often, and breaks on demand."""

    name, version, api = "upkeep", "1.0", ">=1,<2"
    events: ClassVar = {"UPKEPT": "A customer was greeted."}

    def __init__(self, during=None):
        self.reset(during)

    def reset(self, during=None):
        self.broken = self.strict = False
        self.during = during
        self.runs = []

    @hookimpl
    def register_fields(self):
        yield Field("Customer.upkept", Upkept.times, "How often it was greeted.")

    @hookimpl
    def register_jobs(self):
        yield Job("greet_customers", DAY, self.greet, "Greets customers.")
        yield Job("count_hours", HOUR, self.count, "Notes that an hour is over.")

    @hookimpl
    def validate(self, ctx, changes):
        for task in changes.created("Task"):
            if self.strict:
                yield UserError("FORBIDDEN", "subject: not this one", ("subject",), task)

    def greet(self, ctx):
        self.runs.append(("greet_customers", ctx.clock.now()))
        customers = ctx.session.exec(select(Customer)).all()
        for customer in customers:
            ctx.facet(Upkept, customer.id).times += 1
            ctx.session.add(Task(subject=f"Greet {customer.name}", customer_id=customer.id))
            ctx.publish("UPKEPT", customer)
        if self.broken:
            raise RuntimeError("out of cards")
        return f"{len(customers)} greeted"

    def count(self, ctx):
        self.runs.append(("count_hours", ctx.clock.now()))
        if self.during is not None:
            self.during()

    def ran(self, name):
        return [moment for job, moment in self.runs if job == name]


def enter(client, name):
    made = client.query(
        "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }", name=name
    )
    return made["createCustomer"]["customer"]["id"]


def run_due(client):
    client.run(client.app.jobs.run_due())


@pytest.fixture(scope="module")
def processes(module_crm):
    """Two processes on one database: clients, plugins, and the clock that all go by."""
    clock, plugins, url = FixedClock(NOON), (Upkeep(), Upkeep()), module_crm.databases.fresh()
    return [module_crm(plugin, clock=clock, url=url) for plugin in plugins], plugins, clock


@pytest.fixture
def both(processes):
    """The same with nothing planned yet, at noon."""
    clients, plugins, clock = processes
    clock.moment = NOON
    for plugin in plugins:
        plugin.reset()
    with clients[0].app.database.transaction() as session:
        session.exec(delete(PluginJob))
    return processes


@pytest.fixture
def kept(both):
    """One of them: its client, plugin and clock."""
    (client, _), (plugin, _), clock = both
    return client, plugin, clock


def row(client, name):
    with client.app.database.transaction() as session:
        return session.get(PluginJob, name)


def test_hook_register_jobs_names_work_that_is_done_whole_and_logged_as_the_plugin_s(kept):
    client, _, _ = kept
    id = enter(client, "Ann")
    assert client.run_job("greet_customers").endswith(" greeted")
    found = client.query(
        """query ($id: ID!) { customer(id: $id) { upkept tasks { nodes { subject createdBy } } }
            events(entity: $id) { nodes { type actor } } }""",
        id=id,
    )
    assert found["customer"] == {
        "upkept": 1,
        "tasks": {"nodes": [{"subject": "Greet Ann", "createdBy": "plugin:upkeep"}]},
    }
    assert found["events"]["nodes"][1] == {"type": "UPKEPT", "actor": "plugin:upkeep"}


def test_a_job_that_fails_writes_nothing_is_noted_and_runs_when_it_is_due_next(kept, caplog):
    client, plugin, clock = kept
    id = enter(client, "Ann")
    plugin.broken = True
    run_due(client)
    assert "job greet_customers failed" in caplog.text
    noted = row(client, "greet_customers")
    assert (noted.outcome, noted.holder) == ("FAILED", None)
    assert noted.report == "plugin 'upkeep', job greet_customers: RuntimeError: out of cards"
    found = "query ($id: ID!) { customer(id: $id) { upkept tasksAggregate { count } } }"
    assert client.query(found, id=id)["customer"] == {"upkept": 0, "tasksAggregate": {"count": 0}}
    plugin.broken = False
    run_due(client)
    assert len(plugin.ran("greet_customers")) == 1
    clock.moment += DAY
    run_due(client)
    assert client.query(found, id=id)["customer"] == {"upkept": 1, "tasksAggregate": {"count": 1}}
    assert row(client, "greet_customers").outcome == "DONE"


def test_a_job_run_by_hand_says_what_went_wrong(kept):
    client, plugin, _ = kept
    plugin.broken = True
    with pytest.raises(PluginError, match="plugin 'upkeep', job greet_customers: RuntimeError: out of cards"):
        client.run_job("greet_customers")
    with pytest.raises(GuanxiError, match="there is no job 'greet'; available: greet_customers, count_hours"):
        client.run_job("greet")


def test_what_a_job_writes_goes_before_every_plugin_s_rules(kept):
    client, plugin, _ = kept
    plugin.strict = True
    id = enter(client, "Ann")
    with pytest.raises(Reject, match="not this one"):
        client.run_job("greet_customers")
    found = client.query("query ($id: ID!) { customer(id: $id) { tasksAggregate { count } } }", id=id)
    assert found["customer"]["tasksAggregate"]["count"] == 0


def test_jobs_keep_their_beat_and_what_was_missed_is_done_once(kept):
    client, plugin, clock = kept
    run_due(client)
    for minutes in (59, 61, 119, 121, 307, 359, 360):
        clock.moment = NOON + timedelta(minutes=minutes)
        run_due(client)
    ran = [int((moment - NOON).total_seconds() // 60) for moment in plugin.ran("count_hours")]
    assert ran == [0, 61, 121, 307, 360]
    assert row(client, "count_hours").due_at == NOON + 7 * HOUR
    assert plugin.ran("greet_customers") == [NOON]


@pytest.mark.parametrize(
    ("every", "now", "due"),
    [
        (HOUR / 2, datetime(2025, 10, 25, 21, 50, tzinfo=UTC), datetime(2025, 10, 25, 22, tzinfo=UTC)),
        # This day has 25 hours.
        (DAY, datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2025, 10, 26, 22, tzinfo=UTC)),
        (2 * DAY, datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2025, 10, 26, 23, tzinfo=UTC)),
        (HOUR / 2, datetime(2025, 10, 26, 22, 50, tzinfo=UTC), datetime(2025, 10, 26, 23, tzinfo=UTC)),
        (HOUR / 2, datetime(2025, 10, 26, 22, 10, tzinfo=UTC), datetime(2025, 10, 26, 22, 40, tzinfo=UTC)),
    ],
)
def test_a_job_is_due_at_the_start_of_a_day_of_the_business_as_well(every, now, due):
    job = Job("end_of_day", every, lambda ctx: None, "Ends what ends.", at_start_of_day=True)
    assert next_due(job, now, now, Calendar("Europe/Berlin")) == due


def test_a_run_by_hand_leaves_the_plan_as_it_is(kept):
    client, plugin, clock = kept
    run_due(client)
    clock.moment += 5 * HOUR
    client.run_job("greet_customers")
    assert row(client, "greet_customers").due_at == NOON + DAY
    clock.moment = NOON + DAY
    run_due(client)
    assert plugin.ran("greet_customers") == [NOON, NOON + 5 * HOUR, NOON + DAY]


def test_a_job_that_is_to_run_more_often_now_is_due_earlier(kept):
    client, plugin, clock = kept
    run_due(client)
    with client.app.database.transaction() as session:
        session.get(PluginJob, "count_hours").due_at = NOON + timedelta(weeks=4)
    run_due(client)
    clock.moment += HOUR
    run_due(client)
    assert plugin.ran("count_hours") == [NOON, NOON + HOUR]


def test_two_processes_run_a_job_once_however_long_it_takes(both):
    (first, second), plugins, clock = both
    began, other_began = threading.Event(), threading.Event()

    def during():
        began.set()
        other_began.wait(10)

    plugins[0].during = during
    one = threading.Thread(target=run_due, args=[first])
    one.start()
    assert began.wait(10)
    clock.moment += 2 * LEASE
    other_began.set()
    run_due(second)
    one.join()
    for name in ("count_hours", "greet_customers"):
        assert len(plugins[0].ran(name) + plugins[1].ran(name)) == 1


def test_a_job_whose_process_died_is_taken_over_after_a_while(kept):
    client, plugin, clock = kept
    run_due(client)
    clock.moment += HOUR
    with client.app.database.transaction() as session:
        died = session.get(PluginJob, "count_hours")
        died.holder, died.held_until = "hld_of_another", clock.moment + LEASE
    run_due(client)
    with pytest.raises(GuanxiError, match="job 'count_hours' is being run by another process"):
        client.run_job("count_hours")
    assert len(plugin.ran("count_hours")) == 1
    clock.moment += LEASE
    run_due(client)
    assert len(plugin.ran("count_hours")) == 2


def test_a_process_that_lost_a_job_writes_nothing_of_it(both):
    (client, thief), plugins, clock = both
    jobs = client.app.jobs
    client.run(client.app.database.in_session(jobs._place))
    assert client.run(client.app.database.in_session(jobs._claim_due)) == "count_hours"
    clock.moment += LEASE
    run_due(thief)
    with pytest.raises(GuanxiError, match="job 'count_hours' was taken over by another process"):
        client.run(jobs._perform("count_hours"))
    assert (len(plugins[0].ran("count_hours")), len(plugins[1].ran("count_hours"))) == (0, 1)
    assert row(client, "count_hours").outcome == "DONE"


async def served(app, until):
    """Runs the app as an ASGI server does, until something has happened."""
    told, heard = asyncio.Queue(), asyncio.Queue()
    await told.put({"type": "lifespan.startup"})
    server = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, heard.put))
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    happened = await asyncio.to_thread(until.wait, 10)
    await told.put({"type": "lifespan.shutdown"})
    assert (await heard.get())["type"] == "lifespan.shutdown.complete"
    await server
    return happened


def test_a_server_runs_what_is_due_in_the_background(databases):
    happened = threading.Event()
    app = create_app(load_settings(database_url=databases.fresh()), [Upkeep(during=happened.set)])
    app.migrate()
    assert asyncio.run(served(app, happened))


def told(ctx):
    return "said"


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([Job("Greet", DAY, told, "Greets.")], "job Greet: must be named in snake case, as in expire_points"),
        ([Job("greet", timedelta(0), told, "Greets.")], "give a timedelta of a second or more"),
        ([Job("greet", 60, told, "Greets.")], "every 60 is not possible"),
        ([Job("greet", DAY, None, "Greets.")], "run None is not a function"),
        ([Job("greet", DAY, told, "")], "has no description; say in one sentence what it does"),
        (["greet"], "'greet' is not a guanxi.Job"),
        (Job("greet", DAY, told, "Greets."), "which is not a list; write [...] around it, or yield"),
        (
            [Job("greet", DAY, told, "Greets."), Job("greet", DAY, told, "Greets.")],
            "bad_jobs has a job of that name already; choose another name",
        ),
    ],
)
def test_a_job_that_cannot_be_is_refused_at_the_start(jobs, message):
    class Bad(Plugin):
        name, version, api = "bad_jobs", "1.0", ">=1,<2"

        @hookimpl
        def register_jobs(self):
            return jobs

    with pytest.raises(PluginError) as refused:
        create_app(load_settings(database_url="sqlite:///unused.db"), [Bad])
    assert refused.value.message.startswith("plugin 'bad_jobs', ")
    assert message in refused.value.message


def test_two_plugins_with_a_job_of_one_name_are_both_named():
    class Rival(Plugin):
        name, version, api = "rival_jobs", "1.0", ">=1,<2"

        @hookimpl
        def register_jobs(self):
            return [Job("count_hours", DAY, told, "Counts.")]

    with pytest.raises(
        PluginError, match="plugin 'upkeep', job count_hours: rival_jobs has a job of that name already"
    ):
        create_app(load_settings(database_url="sqlite:///unused.db"), [Upkeep, Rival])


def test_the_last_run_is_noted(kept):
    client, _, _ = kept
    client.run_job("count_hours")
    planned = client.run(client.app.jobs.planned())[1]
    assert (planned.plugin, planned.job.name, planned.row.outcome) == ("upkeep", "count_hours", "DONE")
    assert (planned.row.started_at, planned.row.report) == (NOON, None)
