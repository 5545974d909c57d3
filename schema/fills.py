"""Python fields: filled into the decoded answer, one batch call a field and place, whatever the number of rows."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread

from core.errors import InputError, PluginError
from schema.catalog import CatalogField
from schema.selections import Selection

#: A step of a path through the answer: a key, or every item of a list.
Step = str
Path = tuple[Step, ...]
EACH = "*"

#: Hidden key under which an object that has Python fields tells its type.
TYPE_KEY = "$type"


@dataclass(frozen=True, slots=True)
class Fill:
    """One Python field to be filled in.

    Attributes:
        path: way from the root field's value to the objects that have the field.
        key: under which it is answered.
        field: the field.
        needs: name to the hidden key under which the answer carries the value it needs.
        selection: what is selected of it.
        record: name of the record it is on.
    """

    path: Path
    key: str
    field: CatalogField
    needs: Mapping[str, str]
    selection: Selection
    record: str


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A Python field that could not be filled: where, whose, and why (for the log, not for clients)."""

    path: tuple[str | int, ...]
    plugin: str
    message: str
    cause: BaseException | None = None


MakeContext = Callable[[str], Any]


async def fill_in(answer: Any, fills: Sequence[Fill], context: MakeContext, deadline: float) -> list[FieldFault]:
    """Fills Python fields into a decoded root value and takes the hidden keys out again."""
    found = [(fill, list(_places(answer, fill.path, (), fill.record))) for fill in fills]
    faults: list[FieldFault] = []
    for fill, places in found:
        if places:
            try:
                values = await _call(fill.field, context(fill.field.owner), _rows(fill, places), deadline)
            except Exception as error:
                faults.append(_fault(fill, (*places[0][0], fill.key), error))
            else:
                faults += _put(fill, places, values)
    _strip(found)
    return faults


def fill_in_now(answer: Any, fills: Sequence[Fill], context: MakeContext) -> None:
    """The same inside a transaction, for fields whose function is sync.

    Raises:
        InputError: a field cannot be filled in there.
    """
    found = [(fill, list(_places(answer, fill.path, (), fill.record))) for fill in fills]
    for fill, places in found:
        function: Any = fill.field.python
        if inspect.iscoroutinefunction(function):
            raise InputError(f"{fill.record}.{fill.field.name} is async and cannot be asked inside a transaction")
        rows = _rows(fill, places)
        _put(fill, places, _counted(fill.field, function(context(fill.field.owner), rows), rows) if places else [])
    _strip(found)


Place = tuple[tuple[str | int, ...], dict[str, Any]]


def _rows(fill: Fill, places: Sequence[Place]) -> list[Mapping[str, Any]]:
    return [{name: there[key] for name, key in fill.needs.items()} for _, there in places]


def _put(fill: Fill, places: Sequence[Place], values: Sequence[Any]) -> list[FieldFault]:
    faults = []
    for (way, there), value in zip(places, values, strict=True):
        try:
            if isinstance(value, BaseException):
                raise value
            there[fill.key] = None if value is None else fill.field.kind.present(value, fill.selection)
        except Exception as error:
            faults.append(_fault(fill, (*way, fill.key), error))
    return faults


def _strip(found: Sequence[tuple[Fill, Sequence[Place]]]) -> None:
    """Takes the hidden keys out again."""
    for fill, places in found:
        for _, there in places:
            for key in (*fill.needs.values(), TYPE_KEY):
                there.pop(key, None)


def _places(
    value: Any, path: Path, way: tuple[str | int, ...], record: str
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every object of a record's type that a path leads to, with its own way."""
    if value is None:
        return
    if not path:
        # Below an interface a path leads to objects of several types.
        if value.get(TYPE_KEY) == record:
            yield way, value
        return
    step, rest = path[0], path[1:]
    if step == EACH:
        for index, item in enumerate(value):
            yield from _places(item, rest, (*way, index), record)
    else:
        yield from _places(value.get(step), rest, (*way, step), record)


async def _call(field: CatalogField, ctx: Any, rows: Sequence[Mapping[str, Any]], deadline: float) -> Sequence[Any]:
    assert field.python is not None
    function: Any = field.python
    with anyio.fail_after(deadline):
        if inspect.iscoroutinefunction(function):
            values = await function(ctx, rows)
        else:
            values = await anyio.to_thread.run_sync(function, ctx, rows, abandon_on_cancel=True)
    return _counted(field, values, rows)


def _counted(field: CatalogField, values: Sequence[Any], rows: Sequence[Any]) -> Sequence[Any]:
    if len(values) != len(rows):
        raise PluginError(field.owner, f"field {field.name}", f"gave {len(values)} values for {len(rows)} rows")
    return values


def _fault(fill: Fill, path: tuple[str | int, ...], error: BaseException) -> FieldFault:
    reason = "took too long" if isinstance(error, TimeoutError) else "failed"
    logging.getLogger(f"guanxi.plugins.{fill.field.owner}").error(
        "field %s.%s %s", fill.record, fill.field.name, reason, exc_info=error
    )
    message = f"field {fill.record}.{fill.field.name} of plugin {fill.field.owner!r} {reason}"
    return FieldFault(path, fill.field.owner, message, error)
