"""Async jobs: they wait for others without a transaction, are hurried by what happens, and ask in a user's name."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from guanxi import ConfigurationError, Job, Plugin, create_app, hookimpl, load_settings
from guanxi.testing import running
from tests.core.background.test_jobs import served

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


def planned(client):
    (job,) = client.run(client.app.jobs.planned())
    return job.row


class Courier(Plugin):
    """Has an async job, which asks as somebody and is hurried by what happens."""

    name, version, api = "courier", "1.0", ">=1,<2"

    def __init__(self):
        self.runs = []
        self.begun = threading.Event()
        self.may_end = None

    @hookimpl
    def register_jobs(self):
        yield Job("carry_letters", DAY, self.carry, "Carries letters.")

    @hookimpl
    async def after_commit(self, ctx, events):
        await ctx.hurry("carry_letters", ctx.clock.now() + HOUR)

    async def carry(self, ctx):
        self.begun.set()
        if self.may_end is not None:
            await self.may_end()
        users = await ctx.query("{ users { nodes { id } } }")
        (user,) = [user["id"] for user in users["users"]["nodes"]]
        seen = await (await ctx.acting_as(user)).query("{ customers { nodes { name } } }")
        total = await (await ctx.acting_as(user)).total("Customer")
        self.runs.append((ctx.clock.now(), len(seen["customers"]["nodes"]), total.count))
        return f"{total.count} carried"


def test_an_async_job_is_hurried_and_asks_as_a_user(crm, clock):
    courier = Courier()
    client = crm(courier, clock=clock)
    jobs = client.app.jobs
    me = client.create("User", name="Ann", role="ACCOUNT_MANAGER")["id"]
    client.create("Customer", name="Hers", ownerId=me)
    client.create("Customer", name="Another's")
    client.run(jobs.run_due())
    assert courier.runs == [(NOON, 1, 1)]
    assert planned(client).report == "1 carried"
    # What happened has it run an hour later rather than a day, and once more if it runs at that moment.
    client.create("Customer", name="Third")
    client.deliver()
    assert planned(client).due_at == NOON + HOUR
    clock.moment += HOUR

    async def hurried():
        courier.may_end = None
        await jobs.hurry("carry_letters", NOON + 2 * HOUR)

    courier.may_end = hurried
    client.run(jobs.run_due())
    assert (len(courier.runs), planned(client).due_at) == (2, NOON + 2 * HOUR)
    with pytest.raises(ConfigurationError, match="'greet' is not an async job"):
        client.run(jobs.hurry("greet"))


def test_a_job_that_is_hurried_while_it_runs_is_not_put_off_by_what_it_says_itself(crm, clock):
    courier = Courier()
    client = crm(courier, clock=clock)
    jobs = client.app.jobs
    client.create("User", name="Ann", role="ACCOUNT_MANAGER")
    client.deliver()
    clock.moment += 2 * HOUR

    async def hurried():
        # Something came after it had looked what there is, and before it says when it has something to do next.
        clock.moment += timedelta(seconds=1)
        await jobs.hurry("carry_letters")
        await jobs.hurry("carry_letters", clock.moment + HOUR)

    courier.may_end = hurried
    client.run(jobs.run("carry_letters"))
    assert planned(client).due_at == NOON + 2 * HOUR + timedelta(seconds=1)


def test_a_server_that_stops_breaks_an_async_job_off_and_leaves_it_to_others(databases):
    courier, url = Courier(), databases.fresh()
    courier.may_end = asyncio.Event().wait
    app = create_app(load_settings(database_url=url), [courier])
    app.migrate()
    assert asyncio.run(served(app, courier.begun))
    assert courier.runs == []
    courier.may_end = None
    other = create_app(load_settings(database_url=url), [courier])
    with running(other) as client:
        client.create("User", name="Ann", role="ACCOUNT_MANAGER")
        client.run(client.app.jobs.run_due())
    assert len(courier.runs) == 1
