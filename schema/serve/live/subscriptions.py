"""The subscriptions of one app: who is told what, driven by the numbers that the publisher gives events.

Events are read in order, many at once where they come fast, and each group of subscribers reads what it is told of them
by one statement. What another server has written is heard of by PostgreSQL's NOTIFY, and looked for now and then.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql.execution.values import VariableValues

from core.base.actors import Actor, ActorKind
from core.base.errors import RateLimitedError, UnavailableError
from core.base.sentences import sentence
from core.db.engines import POSTGRESQL
from schema.plan.order import place_in_log
from schema.plan.plan import Plan
from schema.request.context import RequestContext, Services
from schema.request.operations import Operation, RootField, Variant
from schema.request.questions import moment_of
from schema.serve.bad_request import BadRequest
from schema.serve.live.compiling import (
    ids_selected,
    only_root_field,
    plan_of,
    root_arguments,
    sharing_key,
    values_spelled,
    variant_of,
)
from schema.serve.live.groups import (
    Ending,
    EventGroup,
    RecordGroup,
    SharedQuestion,
    Subscriber,
    SubscriberGroup,
    Subscription,
)
from schema.serve.live.log_reader import PAGE, LogEntry, LogReader, Place

_log = logging.getLogger("guanxi.live")

#: How often it looks for events of other processes: all the time on SQLite, else in case it does not hear of them.
_POLL_SECONDS = {POSTGRESQL: 5.0}
_OTHER_POLL_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.01
#: How often it is looked whether clients are still who they were, and see what they saw.
_VERIFY_SECONDS = 4.0
#: Groups that read at once, so that requests find connections as well.
_AT_ONCE = 4

#: Those whose subscriptions are counted.
_LIMITED = frozenset({ActorKind.USER, ActorKind.INTEGRATION})

if TYPE_CHECKING:
    from schema.read.listener import Listener


class Subscriptions:
    """The subscriptions of one app, which reads the log while there are any."""

    def __init__(self, services: Callable[[], Services]) -> None:
        """Prepares it.

        Args:
            services: gives what requests share.
        """
        self._get_services = services
        self._subscribers: dict[Subscriber, dict[str, Subscription]] = {}
        self._counts: Counter[str] = Counter()
        self._groups: dict[str, dict[Any, SubscriberGroup]] = defaultdict(dict)
        self._opening: dict[Any, asyncio.Task[SubscriberGroup]] = {}
        self._place: Place = (0, "")
        # Held while groups are told of events, and while somebody joins one, so that nobody hears anything twice.
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self._subscribers.values()))

    @property
    def subscribers(self) -> Collection[Subscriber]:
        """The clients that are connected."""
        return self._subscribers.keys()

    @property
    def groups(self) -> Sequence[SubscriberGroup]:
        """Those who ask the same."""
        return [group for known in self._groups.values() for group in known.values()]

    def announce(self) -> None:
        """Makes it look for new events; called on the event loop."""
        self._news.set()

    def welcome(self, subscriber: Subscriber) -> None:
        """Notes a client that may have subscriptions, until it is gone (`end_all`)."""
        self._subscribers.setdefault(subscriber, {})
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._verify_now_and_then())]

    async def prepare(
        self, subscriber: Subscriber, key: str, operation: Operation, given: Mapping[str, Any], context: RequestContext
    ) -> Subscription:
        """A subscription that is about to `begin`, and counts already.

        Args:
            subscriber: who is told.
            key: under which it knows the subscription.
            operation: what it asks for.
            given: values of the variables.
            context: of the request.

        Raises:
            Refused, InputError: it cannot be asked like that.
            RateLimitedError: it has as many subscriptions as it may.
            SlowStatementError, UnavailableError: it cannot begin now.
        """
        actor, most = context.actor, context.settings.subscriptions_at_once
        if actor.kind in _LIMITED and self._counts[actor.id] >= most:
            raise RateLimitedError(sentence("{most} subscriptions of yours are open; end one first", most=most), 1)
        # Before anything is waited for, so that no other takes the place.
        self._counts[actor.id] += 1
        try:
            variant, values = await variant_of(operation, given, context)
            asked = only_root_field(variant)
            arguments = root_arguments(operation, asked, values)
            after = arguments.get("after")
            place = None if after is None else place_in_log(after)
            await self._listen(context.services)
            group = await self._group(context, variant, asked, values, arguments)
        except BaseException:
            self._counts[actor.id] -= 1
            raise
        subscription = Subscription(subscriber, key, group, place)
        self.welcome(subscriber)
        self._subscribers[subscriber][key] = subscription
        group.members[subscription] = False
        return subscription

    async def begin(self, subscription: Subscription) -> None:
        """Tells a subscriber what it has missed, and from then on what happens.

        Raises:
            SlowStatementError, UnavailableError: it cannot begin now, and is ended.
        """
        group, place = subscription.group, subscription.after
        try:
            if place is not None:
                place = await self._tell_missed(subscription, place)
            async with self._turn:
                if place is not None:
                    while place > self._place and await self._advance():
                        pass
                    await self._tell_missed(subscription, place, until=self._place)
                if subscription in group.members:
                    group.members[subscription] = True
        except BaseException:
            self.end(subscription.subscriber, subscription.key)
            raise

    def has(self, subscriber: Subscriber, key: str) -> bool:
        """Whether there is such a subscription."""
        return key in self._subscribers.get(subscriber, ())

    def end(self, subscriber: Subscriber, key: str) -> None:
        """Ends one subscription, if it is there."""
        subscription = self._subscribers.get(subscriber, {}).pop(key, None)
        if subscription is not None:
            self._leave(subscription)

    def end_all(self, subscriber: Subscriber) -> None:
        """Ends all subscriptions of a client that is gone."""
        for subscription in self._subscribers.pop(subscriber, {}).values():
            self._leave(subscription)

    def _leave(self, subscription: Subscription) -> None:
        self._counts[subscription.subscriber.actor.id] -= 1
        group = subscription.group
        group.members.pop(subscription, None)
        if not group.members:
            known = self._groups[group.entity]
            for key in [key for key, one in known.items() if one is group]:
                del known[key]

    async def stop(self, why: str = sentence("the server is stopping; subscribe again in a moment")) -> None:
        """Stops reading, and ends all connections; done when they are."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        for subscriber in self._subscribers:
            subscriber.close(Ending.STOPPING, why)
        while self._subscribers:
            await asyncio.sleep(_LOOK_SECONDS)

    # Groups

    async def _listen(self, services: Services) -> None:
        """Hears of what other servers write from now on, where that is to be heard of."""
        if self._listener is None and services.database.dialect == POSTGRESQL:
            # Only now: commands that do not serve do without its driver.
            from schema.read.listener import Listener

            self._listener = Listener(services.database, self.announce)
            await self._listener.start()

    async def _group(
        self,
        context: RequestContext,
        variant: Variant,
        asked: RootField,
        values: VariableValues,
        arguments: Mapping[str, Any],
    ) -> SubscriberGroup:
        """The group that asks the same, which is made if there is none."""
        plan = await plan_of(context, variant, asked, values)
        key = sharing_key(context, plan, values, arguments)
        entity = self._entity(context.services, asked)
        known = self._groups[entity].get(key)
        if known is not None:
            return known
        task = self._opening.get(key)
        if task is None:
            making = self._made(context, variant, asked, plan, values, arguments, entity, key)
            task = self._opening[key] = asyncio.ensure_future(making)
            task.add_done_callback(lambda done: self._opening.pop(key, None))
        # Whoever asked first may go away; the others still wait.
        return await asyncio.shield(task)

    def _entity(self, services: Services, asked: RootField) -> str:
        records = services.catalog.records.values()
        return next((one.name for one in records if one.changes == asked.name), "Event")

    async def _made(
        self,
        context: RequestContext,
        variant: Variant,
        asked: RootField,
        plan: Plan,
        values: VariableValues,
        arguments: Mapping[str, Any],
        entity: str,
        key: Any,
    ) -> SubscriberGroup:
        services = context.services
        log = self._log()
        async with self._turn:
            if not any(self._groups.values()):
                # Nobody has heard anything meanwhile.
                self._place = await log.end()
            begin = self._place
        type_name = "EventEdge" if entity == "Event" else services.catalog.records[entity].change_type
        selected = variant.shape(asked.key, lambda selection: [(one.key, one.name) for one in selection.of(type_name)])
        question = SharedQuestion(services, asked, plan, selected, values, context.actor)
        group: SubscriberGroup
        if entity == "Event":
            group = EventGroup(question, arguments)
        else:
            group = RecordGroup(question, entity, await ids_selected(context, variant, asked, values, entity))
        async with self._turn:
            # What changed while it was read what the filter selects.
            while begin < self._place and (entries := await log.after(begin)):
                if own := [entry for entry in entries if entry.entity_type == entity]:
                    await group.news(own)
                begin = entries[-1].place
            self._groups[entity][key] = group
        return group

    # What happens

    async def _run(self) -> None:
        longest = _POLL_SECONDS.get(self._get_services().database.dialect, _OTHER_POLL_SECONDS)
        while True:
            try:
                # `wait_for` would lose a cancellation that comes together with news.
                async with asyncio.timeout(longest):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            try:
                await self._read()
            except UnavailableError:
                # The database's own log tells of it, once.
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                _log.exception("new events cannot be passed on now; trying again")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self) -> None:
        """Passes on all that is new."""
        is_more = True
        while is_more:
            async with self._turn:
                is_more = any(self._groups.values()) and await self._advance() == PAGE

    async def _advance(self) -> int:
        """Passes on what is new, as much as is read at once; returns how many events. Called with the turn held."""
        entries = await self._log().after(self._place)
        if entries:
            await self._spread(entries)
            self._place = entries[-1].place
        return len(entries)

    def _log(self) -> LogReader:
        services = self._get_services()
        return LogReader(services.reader, services.database.dialect)

    async def _spread(self, entries: Sequence[LogEntry]) -> None:
        """Tells every group of new events."""
        by_type: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in entries:
            by_type[entry.entity_type].append(entry)
        told: list[tuple[SubscriberGroup, Sequence[LogEntry]]] = []
        told += [(group, by_type[name]) for name in by_type for group in self._groups[name].values()]
        told += [(group, entries) for group in self._groups["Event"].values()]
        for start in range(0, len(told), _AT_ONCE):
            await asyncio.gather(*(self._tell(group, news) for group, news in told[start : start + _AT_ONCE]))
            # On SQLite nothing of it may have waited.
            await asyncio.sleep(0)

    async def _tell(self, group: SubscriberGroup, entries: Sequence[LogEntry]) -> None:
        try:
            payloads = await group.news(entries)
        except Exception as error:
            # They have missed something, and are to ask for it by their cursors.
            for subscription in list(group.members):
                self._fail(subscription, group.question.shown(error, subscription.subscriber.language))
            return
        for payload in payloads:
            for subscription in [one for one, is_told in group.members.items() if is_told]:
                subscription.subscriber.deliver(subscription.key, payload)

    async def _tell_missed(self, subscription: Subscription, place: Place, until: Place | None = None) -> Place:
        """Tells one subscription what came after a place, up to another or until nothing is left; returns how far."""
        group, log = subscription.group, self._log()
        while (until is None or place < until) and (entries := await log.after(place)):
            own = [
                entry
                for entry in entries
                if group.entity in ("Event", entry.entity_type) and (until is None or entry.place <= until)
            ]
            for payload in await group.missed(own) if own else ():
                subscription.subscriber.deliver(subscription.key, payload)
                if until is None and not await subscription.subscriber.has_room():
                    break
            place = entries[-1].place
        return place

    def _fail(self, subscription: Subscription, error: Mapping[str, Any]) -> None:
        self.end(subscription.subscriber, subscription.key)
        subscription.subscriber.fail(subscription.key, error)

    async def _verify_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_VERIFY_SECONDS)
            if self._subscribers:
                try:
                    await self.verify()
                except Exception:
                    _log.exception("subscribers cannot be verified now; trying again")

    async def verify(self) -> None:
        """Ends what its subscriber may no longer have: its credential has ended, or it sees something else."""
        self._get_services().authentication.forget()
        for subscriber in list(self._subscribers):
            try:
                actor = await subscriber.verify()
            except BadRequest as refusal:
                if refusal.status != 503:
                    subscriber.close(Ending.UNAUTHENTICATED, refusal.message)
                continue
            if actor != subscriber.actor:
                await self._see_again(subscriber, actor)

    async def _see_again(self, subscriber: Subscriber, actor: Actor) -> None:
        """Ends what a client, who has other rights now, would see otherwise."""
        for subscription in list(self._subscribers.get(subscriber, {}).values()):
            if not await self._sees_the_same(subscription, actor):
                why = sentence("what you may see has changed; subscribe again")
                message = subscription.subscriber.language.said(why)
                self._fail(subscription, {"message": message, "extensions": {"code": "FORBIDDEN"}})
        count = len(self._subscribers.get(subscriber, {}))
        self._counts[subscriber.actor.id] -= count
        self._counts[actor.id] += count
        subscriber.actor = actor

    async def _sees_the_same(self, subscription: Subscription, actor: Actor) -> bool:
        question = subscription.group.question
        before, now = (RequestContext(question.services, actor=one) for one in (subscription.subscriber.actor, actor))
        spelled = [values_spelled(question.plan, moment_of(context, question.values)) for context in (before, now)]
        return before.access == now.access and spelled[0] == spelled[1]
