"""Payloads of generated mutations: what is selected of them, read in the transaction that writes."""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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

from core.base.errors import UnavailableError
from core.base.languages import ENGLISH, Language
from core.base.sentences import sentence
from core.db.transaction import Rows, SqlStatement
from core.host.contract import FetchJson
from schema.catalog.catalog import Catalog
from schema.plan.plan import Answer, Fault, Plan
from schema.read.execution import Way
from schema.request.context import RequestContext
from schema.request.operations import Variant
from schema.request.questions import Recorded, recorded, run_plan
from schema.sql.binds import Moment
from schema.sql.selections import TYPENAME, Selection
from schema.write.answers import Mutation, MutationInput, run

_UNREAD = sentence("this was written, but the database cannot be reached now to read it; ask for it in a moment")


@dataclass(frozen=True, slots=True)
class _Part:
    """One field selected of a payload: the key it is answered under, its name, and what it is.

    Attributes:
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
    """What a document selects of the payload of a mutation."""

    def __init__(self, variant: Variant, catalog: Catalog, payload: GraphQLObjectType, selection: Selection) -> None:
        self._variant = variant
        self._catalog = catalog
        self.parts = tuple(self._parts(payload, selection))
        self.records = [part for part in _walk(self.parts) if part.record is not None]

    def _parts(self, kind: GraphQLObjectType, selection: Selection, *, is_single: bool = True) -> Iterator[_Part]:
        for field in selection.of(kind.name):
            if field.name == TYPENAME:
                yield _Part(field.key, field.name, constant=kind.name)
                continue
            inner: GraphQLNamedType = get_named_type(kind.fields[field.name].type)
            if inner.name in self._catalog.records:
                nodes = tuple(detail.node for detail in field.selection.details)
                plan = self._variant.payload_plan(inner.name, nodes, is_single=is_single)
                yield _Part(field.key, field.name, None, inner.name, nodes, plan, is_single)
            elif isinstance(inner, GraphQLObjectType):
                is_one = is_single and not is_list_type(get_nullable_type(kind.fields[field.name].type))
                parts = tuple(self._parts(inner, field.selection, is_single=is_one))
                yield _Part(field.key, field.name, parts=parts)
            else:
                yield _Part(field.key, field.name)


def _walk(parts: Sequence[_Part]) -> Iterator[_Part]:
    for part in parts:
        yield part
        yield from _walk(part.parts)


@dataclass(slots=True)
class _Place:
    """A record in a payload: the object that has it, under which key, and the way there."""

    there: dict[str, Any]
    part: _Part
    id: str
    way: Way


def _presented(parts: Sequence[_Part], source: Any, way: Way, places: list[_Place]) -> dict[str, Any]:
    """A payload as it is returned, without its records, whose places are noted."""
    found: dict[str, Any] = {}
    for part in parts:
        value = part.constant or (source.get(part.name) if isinstance(source, Mapping) else getattr(source, part.name))
        if part.record is not None:
            found[part.key] = None
            if value is not None:
                places.append(_Place(found, part, value, (*way, part.key)))
        elif part.parts and isinstance(value, Sequence):
            found[part.key] = [
                _presented(part.parts, item, (*way, part.key, place), places) for place, item in enumerate(value)
            ]
        else:
            found[part.key] = value
    return found


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
    shape, plans = await _prepared(context, variant, key, mutation, moment)
    refused = mutation.refusal(context, given)
    rows: Sequence[Rows] | None = None
    dry = given.get("dryRun", False)
    removed: dict[int, Recorded] = {}

    def on_removal(fetch: FetchJson) -> None:
        about = replace(moment, ids=[given["id"]])
        removed.update({part: recorded(plan, about, fetch) for part, plan in plans.items()})

    if refused is None:
        is_read = shape.records and not dry
        reads = _reads(shape, plans, mutation, given, moment, removed) if is_read else _nothing
        keep = on_removal if is_read and mutation.removes else None
        outcomes, rows = await run(context, mutation, given, reads, on_removal=keep, dry=dry)
        refused = mutation.present(given, outcomes)
    places: list[_Place] = []
    payload = {**_said_in(context.language, refused), "requestId": context.request_id}
    answer = _presented(shape.parts, payload, (), places)
    # Of what was rolled back nothing was read with a commit.
    faults = await _filled(context, plans, places, moment, None if dry else rows or None, removed)
    return Answer(orjson.dumps(answer), faults)


def _said_in(language: Language, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload with its errors and warnings in a language."""
    if language is ENGLISH:
        return payload
    said = {
        kind: [replace(error, message=language.said(error.message)) for error in payload[kind]]
        for kind in {"userErrors", "warnings"} & payload.keys()
    }
    return {**payload, **said}


async def _prepared(
    context: RequestContext, variant: Variant, key: str, mutation: Mutation, moment: Moment
) -> tuple[PayloadSelection, Mapping[int, Plan]]:
    """What is selected of a payload, and the plans of its records; compiled off the event loop, if it has to be."""

    def shape() -> PayloadSelection:
        return variant.shape(key, lambda selection: _shape_of(context, variant, mutation, selection))

    compiling = context.services.compiling
    shaped = shape() if variant.has_shape(key) else await compiling.run(shape)
    plans: dict[int, Plan] = {}
    for part in shaped.records:
        assert part.plan is not None
        assert part.record is not None
        misfits = part.plan.misfits(moment)
        plans[id(part)] = (
            await compiling.run(
                partial(variant.payload_plan, part.record, part.nodes, misfits, is_single=part.is_single)
            )
            if misfits
            else part.plan
        )
    return shaped, plans


def _shape_of(context: RequestContext, variant: Variant, mutation: Mutation, selection: Selection) -> PayloadSelection:
    kind = selection.document.schema.type_map[mutation.member.annotation]
    assert isinstance(kind, GraphQLObjectType)
    return PayloadSelection(variant, context.services.catalog, kind, selection)


def _nothing(outcomes: Any) -> Sequence[SqlStatement]:
    return ()


def _by_plan(places: Sequence[_Place]) -> dict[int, list[_Place]]:
    found: dict[int, list[_Place]] = {}
    for place in places:
        found.setdefault(id(place.part), []).append(place)
    return found


def _reads(
    shape: PayloadSelection,
    plans: Mapping[int, Plan],
    mutation: Mutation,
    given: MutationInput,
    moment: Moment,
    removed: Mapping[int, Recorded],
) -> Callable[[Any], Sequence[SqlStatement]]:
    """The statements that read what is selected of written records, except of those with Python fields or removed."""

    def reads(outcomes: Any) -> Sequence[SqlStatement]:
        places: list[_Place] = []
        _presented(shape.parts, {**mutation.present(given, outcomes), "requestId": ""}, (), places)
        return [
            SqlStatement(plans[part].sql, plans[part].values(replace(moment, ids=[place.id for place in several])))
            for part, several in _by_plan(places).items()
            if not plans[part].gaps and part not in removed
        ]

    return reads


async def _filled(
    context: RequestContext,
    plans: Mapping[int, Plan],
    places: Sequence[_Place],
    moment: Moment,
    rows: Sequence[Rows] | None,
    removed: Mapping[int, Recorded],
) -> list[Fault]:
    """Fills records into an answer, reading those that were not read with the commit; returns what is wrong in them."""
    faults: list[Fault] = []
    read = iter(rows or ())
    for part, several in _by_plan(places).items():
        plan = plans[part]
        if rows is not None and not plan.gaps and part not in removed:
            ((value,),) = next(read) or ((None,),)
            answer = Answer(value.encode() if isinstance(value, str) else value)
        else:
            try:
                about = replace(moment, ids=[place.id for place in several])
                answer = await run_plan(context, plan, about, removed.get(part))
            except UnavailableError:
                # What was committed is never answered as failed.
                faults += [Fault(place.way, UnavailableError(_UNREAD)) for place in several]
                continue
        items = answer.decoded() or []
        numbers = {item["id"]: number for number, item in enumerate(items)}
        for place in several:
            number = numbers.get(place.id)
            if number is not None:
                place.there[place.part.key] = items[number]["record"]
                faults += [
                    replace(fault, path=(*place.way, *fault.path[2:]))
                    for fault in answer.faults
                    if fault.path[0] == number
                ]
    return faults
