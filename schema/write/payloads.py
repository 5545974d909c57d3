"""Payloads of mutations: what is selected of them, planned before anything is written and read as it is committed."""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from core.base.errors import GuanxiError, SlowStatementError, UnavailableError
from core.base.languages import ENGLISH, Language
from core.base.sentences import sentence
from core.db.transaction import Rows, SqlStatement
from core.host.contract import FetchJson
from core.unit.drafts import RowOutcome
from schema.catalog.catalog import Catalog
from schema.plan.plan import Answer, Fault, Plan
from schema.read.execution import Way
from schema.request.context import RequestContext
from schema.request.operations import Variant
from schema.request.questions import Recorded, recorded, run_plan
from schema.sql.binds import Moment
from schema.sql.selections import TYPENAME, Selection
from schema.types.builder import source_name
from schema.write.answers import Mutation, MutationInput, run

_UNREAD = sentence("this was written, but the database cannot be reached now to read it; ask for it in a moment")


@dataclass(frozen=True, slots=True)
class _Part:
    """One field selected of a payload: the key it is answered under, and what it is.

    Attributes:
        key: under which it is answered.
        name: under which the payload has it before it is answered.
        constant: the name of the type, if that is what is asked for.
        record: the type of record it is, read by its id.
        nodes: where the document asks for that record.
        plan: how that record is read.
        is_single: a payload has one of it.
        parts: what is selected of an object that is not a record.
    """

    key: str
    name: str
    constant: str | None = None
    record: str | None = None
    nodes: tuple[FieldNode, ...] = ()
    plan: Plan | None = None
    is_single: bool = True
    parts: tuple[_Part, ...] = ()


class PayloadSelection:
    """What a document selects of the payload of a mutation.

    Attributes:
        parts: all of it.
        leading: those parts that are records or lead to some.
        records: those that are records.
    """

    def __init__(self, variant: Variant, catalog: Catalog, payload: GraphQLObjectType, selection: Selection) -> None:
        self._variant = variant
        self._catalog = catalog
        self.parts = tuple(self._parts(payload, selection))
        self.leading = tuple(_leading(self.parts))
        self.records = [part for part in _walk(self.leading) if part.record is not None]

    def _parts(self, kind: GraphQLObjectType, selection: Selection, *, is_single: bool = True) -> Iterator[_Part]:
        for field in selection.of(kind.name):
            if field.name == TYPENAME:
                yield _Part(field.key, field.name, constant=kind.name)
                continue
            definition = kind.fields[field.name]
            name = source_name(definition, field.name)
            inner: GraphQLNamedType = get_named_type(definition.type)
            is_one = is_single and not is_list_type(get_nullable_type(definition.type))
            if inner.name in self._catalog.records:
                nodes = tuple(detail.node for detail in field.selection.details)
                plan = self._variant.plan_by_ids(inner.name, nodes, is_single=is_one)
                yield _Part(field.key, name, None, inner.name, nodes, plan, is_one)
            elif isinstance(inner, GraphQLObjectType):
                parts = tuple(self._parts(inner, field.selection, is_single=is_one))
                yield _Part(field.key, name, parts=parts)
            else:
                yield _Part(field.key, name)


def _leading(parts: Sequence[_Part]) -> Iterator[_Part]:
    for part in parts:
        if part.record is not None:
            yield part
        elif below := tuple(_leading(part.parts)):
            yield replace(part, parts=below)


def _walk(parts: Sequence[_Part]) -> Iterator[_Part]:
    for part in parts:
        yield part
        yield from _walk(part.parts)


@dataclass(slots=True)
class _Place:
    """A record in a payload.

    Attributes:
        there: the object or list that has it.
        part: what is selected of it.
        id: its id.
        way: to it from the payload; the last step leads from `there`.
        faults: what is wrong in it, by the way from the record.
    """

    there: Any
    part: _Part
    id: str
    way: Way
    faults: Sequence[Fault] = ()


def _presented(parts: Sequence[_Part], source: Any, way: Way, places: list[_Place]) -> dict[str, Any]:
    """A payload as it is returned, without its records, whose places are noted."""
    found: dict[str, Any] = {}
    for part in parts:
        # Most are, and to ask whether something is a mapping takes ten times as long.
        is_mapping = type(source) is dict or isinstance(source, Mapping)
        value = part.constant or (source.get(part.name) if is_mapping else getattr(source, part.name))
        if part.record is not None or part.parts:
            value = _picked(part, value, (*way, part.key), found, places)
        found[part.key] = value
    return found


def _picked(part: _Part, value: Any, way: Way, there: Any, places: list[_Place]) -> Any:
    """What is selected of a value that is a record, an object, or a list of them."""
    if value is None:
        return None
    if type(value) is not str and isinstance(value, Collection) and not isinstance(value, str | Mapping):
        items: list[Any] = []
        for place, item in enumerate(value):
            items.append(_picked(part, item, (*way, place), items, places))
        return items
    if part.record is None:
        return _presented(part.parts, value, way, places)
    places.append(_Place(there, part, value if isinstance(value, str) else value.id, way))
    return None


class PayloadReading:
    """How one request reads the records in the payload of a mutation: with the commit, and what that leaves afterwards.

    Payloads are given with records by their ids.
    """

    def __init__(
        self, context: RequestContext, shape: PayloadSelection, plans: Mapping[int, Plan], moment: Moment
    ) -> None:
        self._context = context
        self._shape = shape
        self._plans = plans
        self._moment = moment
        self._removed: dict[int, Recorded] = {}
        self._places: list[_Place] = []

    def keep(self, id: str, fetch: FetchJson) -> None:
        """Reads in the transaction what is selected of a record that is about to be removed."""
        about = self._moment.about([id])
        self._removed.update({part: recorded(plan, about, fetch) for part, plan in self._plans.items()})

    def statements(self, payload: Mapping[str, Any]) -> list[SqlStatement]:
        """The statements that read its records with the commit, but for those that were kept."""
        places: list[_Place] = []
        _presented(self._shape.leading, payload, (), places)
        return [
            self._statement(part, several) for part, several in _by_plan(places).items() if part not in self._removed
        ]

    def _about(self, several: Sequence[_Place]) -> Moment:
        return self._moment.about([place.id for place in several])

    def _statement(self, part: int, several: Sequence[_Place]) -> SqlStatement:
        plan = self._plans[part]
        return SqlStatement(plan.sql, plan.values(self._about(several)))

    async def answer(self, payload: Mapping[str, Any], rows: Sequence[Rows] | None) -> Answer:
        """The payload as it is returned.

        Args:
            payload: what was done.
            rows: what those statements gave; nothing where they were not run, or where it was lost.
        """
        value = _presented(self._shape.parts, payload, (), self._places)
        await self._fill(rows)
        faults = [replace(fault, path=(*place.way, *fault.path)) for place in self._places for fault in place.faults]
        return Answer(orjson.dumps(value), faults)

    async def read(self, payload: Mapping[str, Any], rows: Sequence[Rows] | None) -> None:
        """Reads its records alone, which `at` gives then."""
        _presented(self._shape.leading, payload, (), self._places)
        await self._fill(rows)

    async def _fill(self, rows: Sequence[Rows] | None) -> None:
        read = iter(rows or ())
        for part, several in _by_plan(self._places).items():
            given = next(read, None) if part not in self._removed else None
            try:
                answer = await self._found(part, several, given)
            except UnavailableError:
                # What was committed is never answered as failed.
                _fail(several, UnavailableError(_UNREAD))
            except SlowStatementError as error:
                _fail(several, error)
            else:
                _put(several, answer)

    async def _found(self, part: int, several: Sequence[_Place], given: Rows | None) -> Answer:
        plan, known = self._plans[part], self._removed.get(part)
        if given is not None:
            value = given[0][0] if given else None
            json = value.encode() if isinstance(value, str) else value
            if not plan.gaps:
                return Answer(json)
            statement = self._statement(part, several)
            known = {(statement.sql, repr(statement.values)): json}
        return await run_plan(self._context, plan, self._about(several), known)

    def at(self, way: Way) -> Answer | None:
        """The record at a place of the payload, with what is wrong in it; None if no record is there."""
        place = self._by_way.get(way)
        return None if place is None else Answer(place.there[way[-1]], place.faults)

    @cached_property
    def _by_way(self) -> Mapping[Way, _Place]:
        return {place.way: place for place in self._places}


def _put(several: Sequence[_Place], answer: Answer) -> None:
    """Puts the records of an answer into their places."""
    items = answer.decoded() or []
    numbers = {item["id"]: number for number, item in enumerate(items)}
    faults: dict[Any, list[Fault]] = {}
    for fault in answer.faults:
        # Each path begins with the number of an item and the key of its record.
        faults.setdefault(fault.path[0], []).append(replace(fault, path=fault.path[2:]))
    for place in several:
        number = numbers.get(place.id)
        if number is not None:
            place.there[place.way[-1]] = items[number]["record"]
            place.faults = faults.get(number, ())


def _fail(several: Sequence[_Place], error: GuanxiError) -> None:
    for place in several:
        place.faults = [Fault((), error)]


def _by_plan(places: Sequence[_Place]) -> dict[int, list[_Place]]:
    found: dict[int, list[_Place]] = {}
    for place in places:
        found.setdefault(id(place.part), []).append(place)
    return found


async def planned_payload(context: RequestContext, variant: Variant, key: str, moment: Moment) -> PayloadReading:
    """How what is selected of a mutation's payload is read; compiled off the event loop, if it has to be.

    Raises:
        InputError: it cannot be read.
    """
    compiling = context.services.compiling
    shaped: PayloadSelection | None = variant.known_shape(key)
    if shaped is None:
        make = partial(_shape_of, context, variant, variant.asked[key].name)
        shaped = await compiling.run(lambda: variant.shape(key, make))
    plans: dict[int, Plan] = {}
    for part in shaped.records:
        assert part.plan is not None
        assert part.record is not None
        misfits = part.plan.misfits(moment)
        plans[id(part)] = (
            await compiling.run(
                partial(variant.plan_by_ids, part.record, part.nodes, misfits, is_single=part.is_single)
            )
            if misfits
            else part.plan
        )
    return PayloadReading(context, shaped, plans, moment)


def _shape_of(context: RequestContext, variant: Variant, mutation: str, selection: Selection) -> PayloadSelection:
    root = selection.document.schema.mutation_type
    assert root is not None
    kind = get_named_type(root.fields[mutation].type)
    assert isinstance(kind, GraphQLObjectType)
    return PayloadSelection(variant, context.services.catalog, kind, selection)


async def answer_mutation(
    context: RequestContext, variant: Variant, key: str, mutation: Mutation, given: MutationInput, moment: Moment
) -> Answer:
    """Does what a mutation asks for, and answers with what is selected of its payload.

    Raises:
        InputError: an argument is not valid, or what is selected cannot be read; nothing is written then.
        ForbiddenError: the actor may not do it.
        ConflictError: the idempotency key was used for another input, or others were in the way for too long.
        PluginError: a hook failed; nothing is written then.
    """
    mutation.check(context.access)
    # Before anything is written: what cannot be read is refused.
    reading = await planned_payload(context, variant, key, moment)
    refused = None if mutation.refusal is None else mutation.refusal(context, given)
    rows: Sequence[Rows] | None = None
    dry = given.get("dryRun", False)

    presented: tuple[Any, Mapping[str, Any]] = None, {}

    def present(outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
        nonlocal presented
        if presented[0] is not outcomes:
            presented = outcomes, mutation.present(given, outcomes)
        return presented[1]

    def reads(outcomes: Sequence[RowOutcome]) -> Sequence[SqlStatement]:
        return reading.statements(present(outcomes))

    def on_removal(fetch: FetchJson) -> None:
        reading.keep(given["id"], fetch)

    if refused is None:
        keep = on_removal if mutation.removes and not dry else None
        outcomes, rows = await run(context, mutation, given, reads, on_removal=keep, dry=dry)
        refused = present(outcomes)
    return await reading.answer({**_said_in(context.language, refused), "requestId": context.request_id}, rows)


def _said_in(language: Language, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload with its errors and warnings in a language."""
    if language is ENGLISH:
        return payload
    said = {
        kind: [replace(error, message=language.said(error.message)) for error in payload[kind]]
        for kind in {"userErrors", "warnings"} & payload.keys()
    }
    return {**payload, **said}
