"""Groups of subscribers that are told the same: one statement serves them all."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson
from graphql import GraphQLError

from core.access.permissions import Right
from core.base.actors import Actor
from core.base.languages import Language
from core.log.events import Action
from schema.catalog.timelines import check_type
from schema.plan.order import log_cursor
from schema.plan.plan import OF_KEY, Plan, located
from schema.request.context import RequestContext, Services
from schema.request.operations import RootField
from schema.request.questions import moment_of, run_plan
from schema.serve.live.id_set import IdSet
from schema.serve.live.log_reader import LogEntry, Place
from schema.serve.presentation import presented
from schema.sql.binds import Moment
from schema.sql.selections import TYPENAME
from schema.types.subscriptions import RecordChange

_BEGINNING = frozenset({Action.CREATED, Action.RESTORED})


@dataclass(frozen=True, slots=True)
class SharedQuestion:
    """What subscribers ask for: a root field, compiled for their access, with their variables.

    Attributes:
        services: of the app.
        asked: the root field.
        plan: reads what is selected of records that are known by id.
        selected: response keys and names of what is selected of each change.
        values: of the variables.
        actor: one of those who ask; whatever makes a difference is the same for all.
    """

    services: Services
    asked: RootField
    plan: Plan
    selected: Sequence[tuple[str, str]]
    values: Any
    actor: Actor

    async def read(self, ids: Sequence[str]) -> Mapping[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
        """What is selected of those of some records that may be seen, by id, each with its errors as clients see them.

        Raises:
            SlowStatementError, UnavailableError: it cannot be read now.
        """
        context = RequestContext(self.services, actor=self.actor)
        answer = await run_plan(context, self.plan, self._moment(context, ids))
        items = answer.decoded() or []
        errors: list[list[dict[str, Any]]] = [[] for _ in items]
        for fault in answer.faults:
            place, *way = fault.path
            error = located(fault, self.asked.nodes, [])
            shown = presented(error, context)
            errors[int(place)].append({**shown, "path": [self.asked.key, *way]})
        return {item.pop(OF_KEY): (item, errors[place]) for place, item in enumerate(items)}

    async def readable(self, record: str, ids: Sequence[str]) -> Collection[str]:
        """Those of some records that the caller may see, deleted or not."""
        context = RequestContext(self.services, actor=self.actor)
        if not ids or context.access.limit(record, Right.READ) is None:
            return ids
        plan = self.services.permits.plan(context.access, self.services.catalog.records[record], Right.READ)
        found = await self.services.reader.fetch(plan.sql, plan.values(self._moment(context, ids)))
        return set(orjson.loads(found or b"[]") or ())

    def shown(self, error: Exception, language: Language) -> Mapping[str, Any]:
        """An error as clients see it who read a language."""
        context = RequestContext(self.services, actor=self.actor, language=language)
        return presented(GraphQLError(str(error), original_error=error), context)

    def _moment(self, context: RequestContext, ids: Sequence[str]) -> Moment:
        return moment_of(context, self.values).about(ids)

    def payload(self, member: Mapping[str, Any], errors: Sequence[Mapping[str, Any]] = ()) -> bytes:
        """A result as it is sent."""
        data = {"data": {self.asked.key: member}}
        return orjson.dumps({"errors": errors, **data} if errors else data)


class Ending(StrEnum):
    """Why a client is told nothing more."""

    STOPPING = "UNAVAILABLE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    SLOW = "TOO_SLOW"


class Subscriber(Protocol):
    """A client that is told, by one connection.

    Attributes:
        actor: who it is.
        language: that its messages are said in.
    """

    actor: Actor
    language: Language

    async def verify(self) -> Actor:
        """Who it is now.

        Raises:
            BadRequest: what proved it no longer does, or that cannot be found out now.
        """
        ...

    def deliver(self, key: str, payload: bytes) -> None:
        """Passes on what one of its subscriptions is told."""
        ...

    async def has_room(self) -> bool:
        """Waits until more may be delivered; whether it is still there."""
        ...

    def fail(self, key: str, error: Mapping[str, Any]) -> None:
        """Ends one of its subscriptions."""
        ...

    def close(self, ending: Ending, why: str) -> None:
        """Ends all of them."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One subscription of a client.

    Attributes:
        subscriber: the client.
        key: under which it knows the subscription.
        group: those who ask the same.
        after: the place in the log after which it wants to know everything; None for what comes from now on.
    """

    subscriber: Subscriber
    key: str
    group: "SubscriberGroup"
    after: Place | None


class SubscriberGroup(ABC):
    """Subscribers of one question.

    Attributes:
        question: theirs.
        entity: the type of the records they ask about.
        members: their subscriptions, each with whether it is told already.
    """

    def __init__(self, question: SharedQuestion, entity: str) -> None:
        self.question = question
        self.entity = entity
        self.members: dict[Subscription, bool] = {}

    @abstractmethod
    async def news(self, entries: Sequence[LogEntry]) -> Sequence[bytes]:
        """What members are told of new events about what they ask about, in order."""

    @abstractmethod
    async def missed(self, entries: Sequence[LogEntry]) -> Sequence[bytes]:
        """What somebody is told who has missed some events."""


class EventGroup(SubscriberGroup):
    """Subscribers of events themselves."""

    def __init__(self, question: SharedQuestion, arguments: Mapping[str, Any]) -> None:
        """A group of nobody yet.

        Args:
            question: what they ask.
            arguments: which events they ask about.

        Raises:
            InputError: there is no such type of records.
        """
        super().__init__(question, "Event")
        self._types: Collection[str] | None = arguments.get("types")
        self._entity: str | None = arguments.get("entity")
        self._entity_types: Collection[str] | None = arguments.get("entityTypes")
        for name in self._entity_types or ():
            check_type(question.services.catalog, name)

    async def news(self, entries: Sequence[LogEntry]) -> Sequence[bytes]:
        ids = [entry.id for entry in entries if self._is_asked_for(entry)]
        if not ids:
            return ()
        found = await self.question.read(ids)
        return [self.question.payload(*found[id]) for id in ids if id in found]

    missed = news

    def _is_asked_for(self, entry: LogEntry) -> bool:
        is_of_types = self._types is None or entry.type in self._types
        is_of_records = self._entity_types is None or entry.entity_type in self._entity_types
        return is_of_types and is_of_records and (self._entity is None or entry.entity_id == self._entity)


class RecordGroup(SubscriberGroup):
    """Subscribers of the records that a filter selects."""

    def __init__(self, question: SharedQuestion, entity: str, selected: Sequence[str] | None) -> None:
        """Begins with what the filter selects now.

        Args:
            question: theirs.
            entity: the type of the records.
            selected: the ids of the records; None for all there are, so that an event itself tells of each what it was.
        """
        super().__init__(question, entity)
        self._selected = None if selected is None else IdSet(selected)

    async def news(self, entries: Sequence[LogEntry]) -> Sequence[bytes]:
        last = _last(entries)
        found = await self.question.read(list(last))
        first = {entry.entity_id: entry for entry in reversed(entries)}
        told = []
        for id, entry in last.items():
            # Of all records an event itself tells what the first of them found.
            was = first[id].action not in _BEGINNING if self._selected is None else id in self._selected
            if id in found:
                told.append(self._told(RecordChange.CHANGED if was else RecordChange.ENTERED, entry, found[id]))
            elif was:
                told.append(self._told(RecordChange.LEFT, entry))
            self._note(id, is_selected=id in found)
        return told

    async def missed(self, entries: Sequence[LogEntry]) -> Sequence[bytes]:
        last = _last(entries)
        found = await self.question.read(list(last))
        gone = await self.question.readable(self.entity, [id for id in last if id not in found])
        new = {entry.entity_id for entry in entries if entry.action in _BEGINNING}
        told = []
        for id, entry in last.items():
            if id in found:
                told.append(self._told(RecordChange.ENTERED if id in new else RecordChange.CHANGED, entry, found[id]))
            elif id in gone and id not in new:
                told.append(self._told(RecordChange.LEFT, entry))
        return told

    def _note(self, id: str, *, is_selected: bool) -> None:
        if self._selected is not None:
            (self._selected.add if is_selected else self._selected.discard)(id)

    def _told(
        self, change: RecordChange, entry: LogEntry, found: tuple[dict[str, Any], list[dict[str, Any]]] = ({}, [])
    ) -> bytes:
        record, errors = found
        secret = self.question.services.secret
        given = {
            "change": change.value,
            "recordId": entry.entity_id,
            "cursor": log_cursor(secret, *entry.place),
            TYPENAME: self.question.services.catalog.records[self.entity].change_type,
        }
        member = {key: given[name] if name in given else record.get(key) for key, name in self.question.selected}
        return self.question.payload(member, errors)


def _last(entries: Sequence[LogEntry]) -> dict[str, LogEntry]:
    """The records that changed, each with its last event, in the order of those."""
    found: dict[str, LogEntry] = {}
    for entry in entries:
        found.pop(entry.entity_id, None)
        found[entry.entity_id] = entry
    return found
