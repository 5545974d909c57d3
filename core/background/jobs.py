"""Jobs: periodic work of plugins, each on time by the app's clock and by one process at a time.

A job's row in the database tells when it is due and who runs it. Whoever claims it has a lease of some seconds, in
which the job's own transaction begins; that locks the row, so that no second run begins however long it lasts. The
database ends the transaction of a process that died, so no lease has to be renewed, and the next process takes over.
An async job has no transaction to lock the row in, so its lease is renewed while it runs. It waits for others, so it
holds up no other job.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, select

from core.background.leases import Leaseholder, is_free
from core.base.calendar import Calendar
from core.base.clock import BusinessClock
from core.base.errors import ConfigurationError, GuanxiError, UnavailableError
from core.base.sentences import sentence
from core.db.database import Database
from core.db.sql import insert_if_absent
from core.host.contract import Context, Plugin
from core.host.host import attributed, logger
from core.records.columns import column
from core.records.fields import Job
from core.records.installation import Installation
from core.records.record import Table
from core.records.vocabulary import Vocabulary
from core.unit.phases import own_work
from core.unit.unit import Transact, Unit

_log = logging.getLogger("guanxi.jobs")

#: How long a process that died after it had claimed a job holds up the others; longer than a turn is waited for.
LEASE = timedelta(seconds=15)
#: So often the lease of an async job is renewed.
_RENEW_SECONDS = 4.0
#: When to try again without a database, and to look again at what another process runs.
_RETRY_SECONDS = 1.0
_LONGEST_PAUSE, _SHORTEST_PAUSE = 60.0, 0.05
_LONGEST_REPORT = 1000


class JobOutcome(Vocabulary):
    """The outcome of the last run of a job."""

    DONE = "DONE", "It succeeded."
    FAILED = "FAILED", "It failed; nothing was written."


class PluginJob(Table):
    """When a plugin's job is due, who runs it now, and the outcome of its last run."""

    name: str = column("Name of the job.", primary_key=True, exact=True)
    due_at: datetime = column("When it is to run next.")
    started_at: datetime | None = column("When its last run began.", default=None)
    outcome: JobOutcome | None = column("The outcome of that run.", default=None)
    report: str | None = column("What it did, or the error.", default=None, exact=True)
    holder: str | None = column("The process that runs it now.", default=None, exact=True)
    held_until: datetime | None = column("Until when no other process begins it.", default=None)


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job of one app, and its state.

    Attributes:
        job: as it is declared.
        plugin: whose it is.
        row: when it is due and the outcome of its last run; None before it was first scheduled.
    """

    job: Job
    plugin: str
    row: PluginJob | None


def jobs_fact(plugin: str) -> str:
    """The name of the fact that lists a plugin's jobs, for when it is no longer there to declare them."""
    return f"{plugin} jobs"


@dataclass(frozen=True, slots=True)
class _Line:
    """Jobs that one task runs, one at a time: those with transactions, or an async one.

    Attributes:
        names: of the jobs.
        wake: set where it is to look again what is due.
    """

    names: Collection[str]
    wake: asyncio.Event


def next_due(job: Job, due: datetime, now: datetime, calendar: Calendar) -> datetime:
    """The first moment after `now` in a job's schedule that includes `due`: missed times are skipped."""
    return min(due + job.every * ((now - due) // job.every + 1), latest_due(job, now, calendar))


def latest_due(job: Job, now: datetime, calendar: Calendar) -> datetime:
    """When a job is due at the latest after `now`."""
    latest = now + job.every
    if not job.at_start_of_day:
        return latest
    return min(latest, calendar.start_of(calendar.day_of(now) + timedelta(days=1)))


class Jobs:
    """Runs the jobs of one app."""

    def __init__(
        self,
        database: Database,
        declared: Mapping[str, tuple[Plugin, Job]],
        clock: BusinessClock,
        transact: Transact,
        outside: Callable[[str], Context],
    ) -> None:
        """Prepares it.

        Args:
            database: where their plan is.
            declared: each with its plugin, by name.
            clock: the source of time, and of when a day begins.
            transact: runs what has a transaction.
            outside: makes the context of an async job, by the name of its plugin.
        """
        self._database = database
        self._declared = declared
        self._clock = clock
        self._transact = transact
        self._outside = outside
        self._leaseholder = Leaseholder()
        self._running: set[str] = set()
        #: When what this process has claimed was due.
        self._was_due: dict[str, datetime] = {}
        waiting = [name for name, (_, job) in declared.items() if iscoroutinefunction(job.run)]
        working = [name for name in declared if name not in waiting]
        self._lines = [_Line(names, asyncio.Event()) for names in (working, *([name] for name in waiting)) if names]
        self._is_stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._waited_for: set[asyncio.Future[str | None]] = set()
        #: How often jobs ended in this process, by name and outcome.
        self.ended: Counter[tuple[str, str]] = Counter()

    def start(self) -> None:
        """From now on runs jobs in the background as they fall due, until `stop`."""
        self._is_stopping = False
        self._tasks = [asyncio.create_task(self._run_line(line)) for line in self._lines]

    async def stop(self) -> None:
        """Begins no other job, and waits for the one that is running; async ones are broken off."""
        self._is_stopping = True
        for line in self._lines:
            line.wake.set()
        for waited_for in self._waited_for:
            waited_for.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def let_go(self) -> None:
        """Lets others run what it claimed and does not run."""
        if self._declared:
            self._running.clear()
            release = partial(self._let_go, names=self._declared, waits=True)
            await self._database.in_session(release, self._database.threads(1))

    async def _run_line(self, line: _Line) -> None:
        # Not ended by cancelling it, which would leave the thread of a job that runs with a closed database.
        while not self._is_stopping:
            line.wake.clear()
            pause = _LONGEST_PAUSE
            try:
                await self.run_due(line.names)
                pause = await self._database.in_session(partial(self._pause, names=line.names))
            except UnavailableError:
                # The database's own log tells of it, once.
                pause = _RETRY_SECONDS
            except Exception:
                _log.exception("jobs cannot be run now; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(line.wake.wait(), pause)

    async def run_due(self, names: Collection[str] | None = None) -> None:
        """Runs the jobs that are due, of these or of all, one at a time; what fails is logged and recorded."""
        names = self._declared if names is None else names
        claim = partial(self._claim_due, names=names)
        await self._database.in_session(partial(self._place, names=names))
        while not self._is_stopping and (name := await self._database.in_session(claim)) is not None:
            try:
                await self._perform(name)
            except UnavailableError:
                raise
            except Exception:
                logger(self._declared[name][0]).exception("job %s failed", name)

    async def run(self, name: str) -> str | None:
        """Runs a job now, due or not; returns its report. Its schedule stays as it is.

        Raises:
            ConfigurationError: there is no such job.
            GuanxiError: another process runs it now, or it failed.
        """
        if name not in self._declared:
            known = ", ".join(self._declared) or "none"
            raise ConfigurationError(f"there is no job {name!r}; available: {known}")
        await self._database.in_session(self._place)
        if await self._database.in_session(lambda session: self._claim(session, col(PluginJob.name) == name)) is None:
            raise GuanxiError(f"job {name!r} is being run by another process; try again when it is done")
        return await self._perform(name)

    async def hurry(self, name: str, at: datetime | None = None) -> None:
        """Has an async job run now, or at a moment, if it is not due earlier; also once more if it is running.

        Raises:
            ConfigurationError: there is no such async job.
        """
        line = next((line for line in self._lines if [*line.names] == [name]), None)
        if line is None or not iscoroutinefunction(self._declared[name][1].run):
            raise ConfigurationError(
                f"{name!r} is not an async job, and only those can be hurried; declare it by `async def run`"
            )
        moment = at or self._clock.now()
        await self._database.in_session(lambda session: self._hurry(session, name, moment))
        line.wake.set()

    async def planned(self) -> list[PlannedJob]:
        """All jobs in plugin order, with their state."""
        return await self._database.in_session(self._planned)

    # A run

    async def _perform(self, name: str) -> str | None:
        """Runs a claimed job in a transaction of its own, and records the outcome.

        Raises:
            GuanxiError: it failed; that is noted.
        """
        plugin, job = self._declared[name]
        self._running.add(name)
        try:
            if iscoroutinefunction(job.run):
                report = await self._wait_for(plugin, job)
                await self._database.in_session(lambda session: self._finish(session, job, JobOutcome.DONE, report))
            else:
                report = await self._database.in_thread(lambda: self._run_in_transaction(plugin, job))
        except UnavailableError:
            # Nobody has run it: it stays due, and is let go with the next look at the plan.
            raise
        except Exception as error:
            text = str(error)
            self.ended[name, JobOutcome.FAILED.value] += 1
            await self._database.in_session(lambda session: self._finish(session, job, JobOutcome.FAILED, text))
            raise
        finally:
            self._running.discard(name)
        self.ended[name, JobOutcome.DONE.value] += 1
        return report

    def _run_in_transaction(self, plugin: Plugin, job: Job) -> str | None:
        reports: list[str | None] = []
        run: Any = job.run

        def work(unit: Unit) -> None:
            self._lock(unit.session, job.name)
            with attributed(plugin, f"job {job.name}"), own_work(unit, plugin, job.locks):
                reports.append(run(unit.context(plugin)))
            self._finish(unit.session, job, JobOutcome.DONE, reports[-1])

        self._transact(plugin, work)
        return reports[-1]

    async def _wait_for(self, plugin: Plugin, job: Job) -> str | None:
        """Runs an async job, and renews its lease as long as it runs.

        Raises:
            UnavailableError: it was broken off, because the server stops.
        """

        def renew(session: Session) -> None:
            self._leaseholder.take(self._lock(session, job.name), self._clock.now() + LEASE)

        with attributed(plugin, f"job {job.name}", GuanxiError):
            run: Any = job.run(self._outside(plugin.name))
            work: asyncio.Future[str | None] = asyncio.ensure_future(run)
            self._waited_for.add(work)
            try:
                while not (await asyncio.wait([work], timeout=_RENEW_SECONDS))[0]:
                    await self._database.in_session(renew)
                return work.result()
            except asyncio.CancelledError:
                if not self._is_stopping:
                    raise
            finally:
                self._waited_for.discard(work)
                work.cancel()
                await asyncio.wait([work])
        raise UnavailableError(
            sentence("job {job!r} was broken off; the next server to run goes on with it", job=job.name)
        )

    def _lock(self, session: Session, name: str) -> PluginJob:
        row = session.get(PluginJob, name, with_for_update=True)
        if row is None or not self._leaseholder.holds(row):
            raise GuanxiError(f"job {name!r} was taken over by another process")
        return row

    def _finish(self, session: Session, job: Job, outcome: JobOutcome, report: str | None) -> None:
        row = session.get(PluginJob, job.name, with_for_update=True)
        if row is None or not self._leaseholder.holds(row):
            return
        row.outcome, row.report = outcome, None if report is None else str(report)[:_LONGEST_REPORT]
        # If it was hurried meanwhile, it is due as was said then.
        if row.due_at == self._was_due.get(job.name, row.due_at):
            row.due_at = next_due(job, row.due_at, self._clock.now(), self._clock.calendar)
        self._leaseholder.release(row)

    # The plan

    def _place(self, session: Session, names: Collection[str] | None = None) -> None:
        """Schedules new jobs of these or of all at once, and reschedules those that are to run more often now."""
        now = self._clock.now()
        names = self._declared if names is None else names
        self._let_go(session, names)
        for name, (_, job) in sorted((name, self._declared[name]) for name in names):
            session.execute(insert_if_absent(session, PluginJob.__table__).values(name=name, due_at=now))
            latest = latest_due(job, now, self._clock.calendar)
            session.execute(
                update(PluginJob)
                .where(col(PluginJob.name) == name, col(PluginJob.due_at) > latest)
                .values(due_at=latest)
            )
        for plugin in {plugin.name for plugin, _ in self._declared.values()}:
            fact = session.get(Installation, jobs_fact(plugin)) or Installation(name=jobs_fact(plugin), value="")
            names = {name for name, (owner, _) in self._declared.items() if owner.name == plugin}
            fact.value = " ".join(sorted({*fact.value.split(), *names}))
            session.add(fact)

    def _let_go(self, session: Session, names: Iterable[str], *, waits: bool = False) -> None:
        """Releases what this process claimed and does not run; waits for the end of a run that was broken off."""
        left = select(PluginJob).where(
            PluginJob.holder == self._leaseholder.id, col(PluginJob.name).in_({*names} - self._running)
        )
        for row in session.exec(left.with_for_update(skip_locked=not waits)):
            self._leaseholder.release(row)

    def _hurry(self, session: Session, name: str, at: datetime) -> None:
        now = self._clock.now()
        session.execute(insert_if_absent(session, PluginJob.__table__).values(name=name, due_at=now))
        # Whoever runs it now may have looked already, so that what was due when he began does not count.
        is_under_way = and_(col(PluginJob.holder).is_not(None), col(PluginJob.due_at) <= col(PluginJob.started_at))
        is_later = or_(col(PluginJob.due_at) > at, is_under_way)
        session.execute(update(PluginJob).where(col(PluginJob.name) == name, is_later).values(due_at=at))

    def _claim_due(self, session: Session, names: Iterable[str] | None = None) -> str | None:
        named = col(PluginJob.name).in_([*(self._declared if names is None else names)])
        return self._claim(session, and_(named, col(PluginJob.due_at) <= self._clock.now()))

    def _claim(self, session: Session, wanted: ColumnElement[bool]) -> str | None:
        """Claims the first of the wanted jobs that nobody runs; returns its name."""
        now = self._clock.now()
        row = session.exec(
            select(PluginJob)
            .where(
                wanted,
                col(PluginJob.name).in_(self._declared),
                is_free(PluginJob, now),
            )
            .order_by(col(PluginJob.due_at), col(PluginJob.name))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return None
        self._leaseholder.take(row, now + LEASE)
        row.started_at = now
        self._was_due[row.name] = row.due_at
        return row.name

    def _pause(self, session: Session, names: Collection[str]) -> float:
        """Seconds until the next of these jobs is due, as far as is known now."""
        rows = session.exec(select(PluginJob).where(col(PluginJob.name).in_([*names]))).all()
        now = self._clock.now()
        waits = [(max(row.due_at, row.held_until or row.due_at) - now).total_seconds() for row in rows]
        # Had it been free, what is due by now would have been run: another process has locked it.
        wait = min(max(wait, _SHORTEST_PAUSE) if wait > 0 else _RETRY_SECONDS for wait in waits)
        return min(wait, _LONGEST_PAUSE)

    def _planned(self, session: Session) -> list[PlannedJob]:
        rows = {row.name: row for row in session.exec(select(PluginJob))}
        return [PlannedJob(job, plugin.name, rows.get(name)) for name, (plugin, job) in self._declared.items()]
