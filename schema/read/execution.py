"""Running plans: their statements one after another, and what SQL left out filled into the answer.

The steps are a generator, so that the same ones serve requests, which await, and hooks inside a transaction, which
do not: each step is a statement to run, or what can go on side by side, batch functions and parts of the answer.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
import orjson

from core.base.errors import GuanxiError, InputError, PluginError, UnavailableError
from core.base.sentences import sentence
from core.db.faults import fault_of
from core.db.strands import in_thread
from schema.plan.plan import (
    EACH,
    ERASED_KEY,
    ID_KEY,
    OF_KEY,
    TYPE_KEY,
    Answer,
    Branch,
    Fault,
    Fill,
    Gap,
    Path,
    Plan,
    Refusal,
)
from schema.sql.binds import Moment
from schema.sql.template import Template, is_placeholder


class FieldError(GuanxiError):
    """A plugin's Python field failed. The server's log says why.

    Attributes:
        plugin: its name.
        place: the field.
        is_late: it took too long.
        cause: what was raised.
    """

    code = "PLUGIN_ERROR"

    def __init__(self, plugin: str, place: str, cause: BaseException) -> None:
        self.is_late = isinstance(cause, TimeoutError)
        if isinstance(fault_of(cause) or cause, UnavailableError):
            # It would have worked, had the database been there.
            self.code = UnavailableError.code
        if self.is_late:
            super().__init__(sentence("{place} of plugin {plugin!r} took too long", place=place, plugin=plugin))
        else:
            super().__init__(sentence("{place} of plugin {plugin!r} failed", place=place, plugin=plugin))
        self.plugin = plugin
        self.place = place
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Fetch:
    """A statement to run."""

    sql: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A batch function to call: a Python field's, with the rows it is for."""

    fill: Fill
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Batch functions to call and parts to take the steps of; none needs what another gives."""

    parts: "Sequence[Call | PlanSteps]"


Way = tuple[str | int, ...]
#: An object that has a gap, and the way to it.
GapPlace = tuple[Way, dict[str, Any]]
PlanSteps = Generator[Fetch | SideBySide, Any, Answer]


#: What a batch function gave: a value or an error per row, or one error for all.
Filled = Sequence[Any] | BaseException


def steps(plan: Plan, moment: Moment) -> PlanSteps:
    """The steps to a plan's answer."""
    found = yield Fetch(plan.sql, plan.values(moment))
    if found is None or not plan.gaps:
        return Answer(found)
    template = Template(found)
    calls = [
        Call(gap, [dict(zip(gap.field.needs, carried, strict=True)) for carried in template.needs[gap.number]])
        for gap in plan.gaps
        if isinstance(gap, Fill) and gap.number in template.needs
    ]
    value = orjson.loads(found) if plan.has_branches else None
    branches = [] if value is None else [branch for gap in plan.gaps if (branch := _branch(gap, value, moment))]
    results: Sequence[Any] = ()
    if calls or branches:
        results = yield SideBySide([*calls, *(branch.steps for branch in branches)])
    given = {call.fill.number: _given(call, result) for call, result in zip(calls, results, strict=False)}
    values = _faultless(plan, given)
    if values is not None:
        return Answer(template.filled(values))
    for branch, result in zip(branches, results[len(calls) :], strict=True):
        if isinstance(result, BaseException):
            raise result
        branch.answer = result
    return _decoded(plan, orjson.loads(found) if value is None else value, given, branches)


@dataclass(slots=True)
class _BranchRun:
    """A statement of its own for all objects that have a branch; one that stands in two places gets it twice."""

    gap: Branch
    places: Sequence[GapPlace]
    steps: PlanSteps
    answer: Answer | None = None

    def put(self) -> list[Fault]:
        """Puts what it gave into its places; gives the faults, with the way to each."""
        assert self.answer is not None
        items = self.answer.decoded()
        at = {item[OF_KEY]: number for number, item in enumerate(items)}
        faults = []
        for way, there in self.places:
            number = at.get(there[ID_KEY])
            if number is not None:
                there[self.gap.key] = items[number][self.gap.key]
                faults += [
                    Fault((*way, *fault.path[1:]), fault.error)
                    for fault in self.answer.faults
                    if fault.path[0] == number
                ]
        return faults


def _branch(gap: Gap, value: Any, moment: Moment) -> _BranchRun | None:
    if not isinstance(gap, Branch) or not (places := list(_places(value, gap, gap.path, ()))):
        return None
    ids = list(dict.fromkeys(there[ID_KEY] for _, there in places))
    return _BranchRun(gap, places, steps(gap.plan, moment.about(ids)))


def _given(call: Call, result: Any) -> Filled:
    """What a Python field's function gave, each value as JSON has it."""
    if isinstance(result, BaseException):
        return result
    try:
        values = _counted(call.fill, result, call.rows)
    except Exception as error:
        return error
    return [_presented(call.fill, value) for value in values]


def _presented(fill: Fill, value: Any) -> Any:
    try:
        return value if value is None else fill.field.kind.present(value, fill.selection)
    except Exception as error:
        return error


def _faultless(plan: Plan, given: Mapping[int, Filled]) -> Mapping[int, Sequence[Any]] | None:
    """The values of all places, where Python fields are all that is left to fill and none of them failed."""
    values: dict[int, Sequence[Any]] = {}
    for number, found in given.items():
        if isinstance(found, BaseException) or any(isinstance(value, BaseException) for value in found):
            return None
        values[number] = found
    return values if all(isinstance(gap, Fill) for gap in plan.gaps) else None


def _decoded(plan: Plan, value: Any, given: Mapping[int, Filled], branches: Sequence[_BranchRun]) -> Answer:
    """A plan's answer filled object by object, with the way to each of its faults."""
    runs = {id(branch.gap): branch for branch in branches}
    known = [
        (gap, runs[id(gap)].places if id(gap) in runs else list(_places(value, gap, gap.path, ()))) for gap in plan.gaps
    ]
    faults: list[Fault] = []
    for gap, places in known:
        if not places:
            continue
        if isinstance(gap, Fill):
            faults += _put(gap, places, given[gap.number])
        elif isinstance(gap, Branch):
            faults += runs[id(gap)].put()
        else:
            assert isinstance(gap, Refusal)
            refused = [way for way, there in places if gap.mark is None or there[gap.mark]]
            faults += [Fault((*way, gap.key), gap.error) for way in refused]
    _strip(known)
    return Answer(value, faults)


def _put(fill: Fill, places: Sequence[GapPlace], given: Filled) -> list[Fault]:
    if isinstance(given, BaseException):
        for _, there in places:
            there[fill.key] = None
        return [_fault(fill, places[0][0], given)]
    faults = []
    for (way, there), value in zip(places, given, strict=True):
        there[fill.key] = None if isinstance(value, BaseException) else value
        if isinstance(value, BaseException):
            faults.append(_fault(fill, way, value))
    return faults


def _strip(known: Sequence[tuple[Gap, Sequence[GapPlace]]]) -> None:
    """Takes the hidden keys out again."""
    for _, places in known:
        for _, there in places:
            there.pop(TYPE_KEY, None)
            there.pop(ERASED_KEY, None)
            there.pop(ID_KEY, None)


def _places(value: Any, gap: Gap, path: Path, way: Way) -> Iterator[GapPlace]:
    """Every object that has a gap, with its own way."""
    if value is None:
        return
    if not path:
        # Below an interface a path leads to objects of several types.
        is_it = (
            is_placeholder(value.get(gap.key), gap.number)
            if isinstance(gap, Fill)
            else value.get(TYPE_KEY) == gap.record
        )
        if is_it:
            yield way, value
        return
    step, rest = path[0], path[1:]
    if step == EACH:
        for index, item in enumerate(value):
            yield from _places(item, gap, rest, (*way, index))
    else:
        yield from _places(value.get(step), gap, rest, (*way, step))


def _counted(fill: Fill, values: Any, rows: Sequence[Any]) -> Sequence[Any]:
    """The values of a batch function, checked to be one per row."""
    if not isinstance(values, Iterable) or isinstance(values, str | Mapping):
        raise PluginError(fill.field.owner, fill.place, f"gave {values!r} instead of a value for each row")
    found = list(values)
    if len(found) != len(rows):
        raise PluginError(fill.field.owner, fill.place, f"gave {len(found)} values for {len(rows)} rows")
    return found


def _fault(fill: Fill, way: Way, cause: BaseException) -> Fault:
    error = FieldError(fill.field.owner, fill.place, cause)
    logging.getLogger(f"guanxi.plugins.{error.plugin}").error("%s", error.message, exc_info=cause)
    return Fault((*way, fill.key), error)


# Taking the steps

ContextOf = Callable[[str], Any]
FetchAsync = Callable[[str, Sequence[Any]], Awaitable[bytes | None]]
FetchNow = Callable[[str, Sequence[Any]], bytes | None]


async def run(steps: PlanSteps, fetch: FetchAsync, context: ContextOf, deadline: float) -> Answer:
    """Takes the steps of a request; Python fields run side by side."""

    async def part(one: Call | PlanSteps) -> Any:
        if isinstance(one, Call):
            return await _called(one, context(one.fill.field.owner), deadline)
        return await run(one, fetch, context, deadline)

    step = next(steps)
    try:
        while True:
            try:
                if isinstance(step, Fetch):
                    given: Any = await fetch(step.sql, step.values)
                else:
                    given = await asyncio.gather(*map(part, step.parts), return_exceptions=True)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer


def run_now(steps: PlanSteps, fetch: FetchNow, context: ContextOf) -> Any:
    """Takes the steps inside a transaction; returns the decoded answer.

    Raises:
        InputError: an argument is not valid, or a field cannot be filled in there.
        PluginError: a Python field fails.
    """

    def call(one: Call) -> Any:
        function: Any = one.fill.field.python
        if inspect.iscoroutinefunction(function):
            name = f"{one.fill.record}.{one.fill.field.name}"
            raise InputError(sentence("{name} is async and cannot be called inside a transaction", name=name))
        try:
            # Whatever it waits for holds up nobody else.
            return in_thread(lambda: function(context(one.fill.field.owner), one.rows))
        except Exception as error:
            return error

    answer = _taken(steps, fetch, call)
    for fault in answer.faults:
        raise _raised(fault.error) from None
    return answer.decoded()


def rehearse(steps: PlanSteps, fetch: FetchNow) -> None:
    """Takes the steps inside a transaction for the sake of their statements; no Python field is filled in."""
    _taken(steps, fetch, lambda call: [None] * len(call.rows))


def _taken(steps: PlanSteps, fetch: FetchNow, call: Callable[[Call], Any]) -> Answer:
    def part(one: Call | PlanSteps) -> Any:
        return call(one) if isinstance(one, Call) else _taken(one, fetch, call)

    step = next(steps)
    try:
        while True:
            step = steps.send(
                fetch(step.sql, step.values) if isinstance(step, Fetch) else [part(one) for one in step.parts]
            )
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer


def _raised(error: GuanxiError) -> GuanxiError:
    """A fault as it is raised where a plugin's own code asked."""
    if not isinstance(error, FieldError):
        return error.bare()
    if isinstance(error.cause, PluginError):
        return error.cause
    return PluginError(error.plugin, error.place, f"{type(error.cause).__name__}: {error.cause}")


async def _called(call: Call, ctx: Any, deadline: float) -> Any:
    function: Any = call.fill.field.python
    with anyio.fail_after(deadline):
        if inspect.iscoroutinefunction(function):
            return await function(ctx, call.rows)
        return await anyio.to_thread.run_sync(function, ctx, call.rows, abandon_on_cancel=True)
