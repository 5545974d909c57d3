"""Running plans: their statements one after another, and what SQL left out filled into the answer.

The steps are a generator, so that the same ones serve requests, which await, and hooks inside a transaction, which
do not: each step is a statement to run or a batch function to call.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread
import orjson

from core.base.errors import GuanxiError, InputError, PluginError
from schema.plan.plan import EACH, ID_KEY, OF_KEY, TYPE_KEY, Answer, Branch, Fault, Fill, Gap, Path, Plan, Refusal
from schema.sql.binds import Moment
from schema.sql.template import Template, is_placeholder


class FieldError(GuanxiError):
    """A plugin's Python field failed. The server's log says why.

    Attributes:
        plugin: its name.
        place: the field.
        reason: in two words.
        cause: what was raised.
    """

    code = "PLUGIN_ERROR"

    def __init__(self, plugin: str, place: str, cause: BaseException) -> None:
        self.reason = "took too long" if isinstance(cause, TimeoutError) else "failed"
        super().__init__(f"{place} of plugin {plugin!r} {self.reason}")
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


Way = tuple[str | int, ...]
#: An object that has a gap, and the way to it.
Place = tuple[Way, dict[str, Any]]
Steps = Generator[Fetch | Call, Any, Answer]


#: What a batch function gave: a value or an error a row, or one error for all.
Given = Sequence[Any] | BaseException


def steps(plan: Plan, moment: Moment) -> Steps:
    """The steps to a plan's answer."""
    found = yield Fetch(plan.sql, plan.values(moment))
    if found is None or not plan.gaps:
        return Answer(found)
    template = Template(found)
    given: dict[int, Given] = {}
    for gap in plan.gaps:
        if isinstance(gap, Fill) and gap.number in template.needs:
            given[gap.number] = yield from _given(gap, template.needs[gap.number])
    values = _faultless(plan, given)
    if values is not None:
        return Answer(template.filled(values))
    return (yield from _decoded(plan, orjson.loads(found), given, moment))


def _given(fill: Fill, needs: Sequence[Sequence[Any]]) -> Generator[Fetch | Call, Any, Given]:
    """What a Python field's function gives, each value as JSON has it."""
    rows = [dict(zip(fill.field.needs, carried, strict=True)) for carried in needs]
    try:
        values = _counted(fill, (yield Call(fill, rows)), rows)
    except Exception as error:
        return error
    return [_presented(fill, value) for value in values]


def _presented(fill: Fill, value: Any) -> Any:
    try:
        return value if value is None else fill.field.kind.present(value, fill.selection)
    except Exception as error:
        return error


def _faultless(plan: Plan, given: Mapping[int, Given]) -> Mapping[int, Sequence[Any]] | None:
    """The values of all places, where Python fields are all that is left to fill and none of them failed."""
    values: dict[int, Sequence[Any]] = {}
    for number, found in given.items():
        if isinstance(found, BaseException) or any(isinstance(value, BaseException) for value in found):
            return None
        values[number] = found
    return values if all(isinstance(gap, Fill) for gap in plan.gaps) else None


def _decoded(
    plan: Plan, value: Any, given: Mapping[int, Given], moment: Moment
) -> Generator[Fetch | Call, Any, Answer]:
    """A plan's answer filled object by object, with the way to each of its faults."""
    known = [(gap, list(_places(value, gap, gap.path, ()))) for gap in plan.gaps]
    faults: list[Fault] = []
    for gap, places in known:
        if not places:
            continue
        if isinstance(gap, Fill):
            faults += _put(gap, places, given[gap.number])
        elif isinstance(gap, Branch):
            faults += yield from _branched(gap, places, moment)
        else:
            assert isinstance(gap, Refusal)
            faults += [Fault((*way, gap.key), gap.error) for way, _ in places]
    _strip(known)
    return Answer(value, faults)


def _branched(gap: Branch, places: Sequence[Place], moment: Moment) -> Generator[Fetch | Call, Any, list[Fault]]:
    """What a statement of its own gives for all objects at once; an object that stands in two places gets it twice."""
    ids = list(dict.fromkeys(there[ID_KEY] for _, there in places))
    answer = yield from steps(gap.plan, replace(moment, ids=ids))
    items = answer.decoded()
    at = {item[OF_KEY]: number for number, item in enumerate(items)}
    faults = []
    for way, there in places:
        number = at.get(there[ID_KEY])
        if number is not None:
            there[gap.key] = items[number][gap.key]
            faults += [
                Fault((*way, *fault.path[1:]), fault.error) for fault in answer.faults if fault.path[0] == number
            ]
    return faults


def _put(fill: Fill, places: Sequence[Place], given: Given) -> list[Fault]:
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


def _strip(known: Sequence[tuple[Gap, Sequence[Place]]]) -> None:
    """Takes the hidden keys out again."""
    for _, places in known:
        for _, there in places:
            there.pop(TYPE_KEY, None)
            there.pop(ID_KEY, None)


def _places(value: Any, gap: Gap, path: Path, way: Way) -> Iterator[Place]:
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
    """The values of a batch function, known to be one a row."""
    if not isinstance(values, Iterable) or isinstance(values, str | Mapping):
        raise PluginError(fill.field.owner, fill.place, f"gave {values!r} instead of a value for each row")
    found = list(values)
    if len(found) != len(rows):
        raise PluginError(fill.field.owner, fill.place, f"gave {len(found)} values for {len(rows)} rows")
    return found


def _fault(fill: Fill, way: Way, cause: BaseException) -> Fault:
    error = FieldError(fill.field.owner, fill.place, cause)
    logging.getLogger(f"guanxi.plugins.{error.plugin}").error("%s %s", error.place, error.reason, exc_info=cause)
    return Fault((*way, fill.key), error)


# Taking the steps

MakeContext = Callable[[str], Any]
FetchAsync = Callable[[str, Sequence[Any]], Awaitable[bytes | None]]
FetchNow = Callable[[str, Sequence[Any]], bytes | None]


async def run(steps: Steps, fetch: FetchAsync, context: MakeContext, deadline: float) -> Answer:
    """Takes the steps of a request."""
    step = next(steps)
    try:
        while True:
            try:
                if isinstance(step, Fetch):
                    given: Any = await fetch(step.sql, step.values)
                else:
                    given = await _called(step, context(step.fill.field.owner), deadline)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer


def run_now(steps: Steps, fetch: FetchNow, context: MakeContext) -> Any:
    """Takes the steps inside a transaction; gives the decoded answer.

    Raises:
        InputError: an argument cannot be taken, or a field cannot be filled in there.
        PluginError: a Python field fails.
    """
    step = next(steps)
    try:
        while True:
            if isinstance(step, Fetch):
                step = steps.send(fetch(step.sql, step.values))
                continue
            function: Any = step.fill.field.python
            if inspect.iscoroutinefunction(function):
                name = f"{step.fill.record}.{step.fill.field.name}"
                raise InputError(f"{name} is async and cannot be asked inside a transaction")
            try:
                given = function(context(step.fill.field.owner), step.rows)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        answer: Answer = stop.value
        for fault in answer.faults:
            raise _raised(fault.error) from None
        return answer.decoded()


def _raised(error: GuanxiError) -> GuanxiError:
    """A fault as it is raised where a plugin's own code asked."""
    if not isinstance(error, FieldError):
        return error
    if isinstance(error.cause, PluginError):
        return error.cause
    return PluginError(error.plugin, error.place, f"{type(error.cause).__name__}: {error.cause}")


async def _called(call: Call, ctx: Any, deadline: float) -> Any:
    function: Any = call.fill.field.python
    with anyio.fail_after(deadline):
        if inspect.iscoroutinefunction(function):
            return await function(ctx, call.rows)
        return await anyio.to_thread.run_sync(function, ctx, call.rows, abandon_on_cancel=True)
