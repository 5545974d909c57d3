"""Python fields: filled into the decoded answer, one batch call a field and place, whatever the number of rows."""

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

    @property
    def place(self) -> str:
        """What errors call it."""
        return f"field {self.record}.{self.field.name}"


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
                values = await _call(fill, context(fill.field.owner), _rows(fill, places), deadline)
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
        PluginError: a field fails.
    """
    found = [(fill, list(_places(answer, fill.path, (), fill.record))) for fill in fills]
    for fill, places in found:
        function: Any = fill.field.python
        if inspect.iscoroutinefunction(function):
            raise InputError(f"{fill.record}.{fill.field.name} is async and cannot be asked inside a transaction")
        rows = _rows(fill, places)
        try:
            faults = _put(
                fill, places, _counted(fill, function(context(fill.field.owner), rows), rows) if places else []
            )
            _raise_first(faults)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(fill.field.owner, fill.place, f"{type(error).__name__}: {error}") from error
    _strip(found)


def _raise_first(faults: Sequence[FieldFault]) -> None:
    if faults and faults[0].cause is not None:
        raise faults[0].cause


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


async def _call(fill: Fill, ctx: Any, rows: Sequence[Mapping[str, Any]], deadline: float) -> Sequence[Any]:
    function: Any = fill.field.python
    with anyio.fail_after(deadline):
        if inspect.iscoroutinefunction(function):
            values = await function(ctx, rows)
        else:
            values = await anyio.to_thread.run_sync(function, ctx, rows, abandon_on_cancel=True)
    return _counted(fill, values, rows)


def _counted(fill: Fill, values: Any, rows: Sequence[Any]) -> Sequence[Any]:
    """The values of a batch function, known to be one a row."""
    if not isinstance(values, Iterable) or isinstance(values, str | Mapping):
        raise PluginError(fill.field.owner, fill.place, f"gave {values!r} instead of a value for each row")
    found = list(values)
    if len(found) != len(rows):
        raise PluginError(fill.field.owner, fill.place, f"gave {len(found)} values for {len(rows)} rows")
    return found


def _fault(fill: Fill, path: tuple[str | int, ...], error: BaseException) -> FieldFault:
    reason = "took too long" if isinstance(error, TimeoutError) else "failed"
    logging.getLogger(f"guanxi.plugins.{fill.field.owner}").error("%s %s", fill.place, reason, exc_info=error)
    message = f"{fill.place} of plugin {fill.field.owner!r} {reason}"
    return FieldFault(path, fill.field.owner, message, error)
