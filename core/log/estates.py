"""Estates: what belongs to whoever a record belongs to, and the events by which its readers hear that this changed.

A contact comes into somebody's scope, or leaves it, when its customer is handed over; nothing happened to the contact
itself. So the transaction that hands the customer over notes an event about each record of its estate, by one statement
for all. It holds how the customer's owners changed, by which who reads the log finds out whether the record came into
its own scope or left it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from core.base.ids import EVENT_PREFIX, new_stem
from core.base.text import camel, snake
from core.db.engines import POSTGRESQL
from core.db.transaction import SqlStatement
from core.log.changes import Change, shown
from core.log.events import Action
from core.records.rows import quoted

#: The members of such an event's data: the type and the id of the record that was handed over, and what was done to it.
TYPE, ID, ACTION = "type", "id", "action"

#: The member that is there if others shared a record and now share another.
FORMER = "share"

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Line:
    """A way from a record down to records that belong to whoever it belongs to.

    Attributes:
        record: the name of their type.
        steps: on each the table, and its column that refers to the row above.
    """

    record: str
    steps: tuple[tuple[str, str], ...]


# Compared as what it is: there is one for each type of record.
@dataclass(frozen=True, slots=True, eq=False)
class Estate:
    """What decides whose the records of a type are, and what belongs to whoever they belong to.

    Attributes:
        table: of the records.
        columns: by which they belong to somebody.
        lines: the ways down from them.
        shared: the type of the record whose estate the users of these share, and the column that refers to it.
    """

    table: str
    columns: Collection[str] = ()
    lines: tuple[Line, ...] = ()
    shared: tuple[str, str] | None = None


#: The estates of an app, by the name of the records' type; what is not there belongs to nobody.
Estates = Mapping[str, Estate]


@dataclass(frozen=True, slots=True)
class Handover:
    """A record whose estate came to belong to others.

    Attributes:
        record: the name of its type.
        id: its id.
        is_shared: others share it, so that it has such an event itself.
        is_former: they do no longer, because they share another.
    """

    record: str
    id: str
    is_shared: bool = False
    is_former: bool = False


def is_about_owners(estate: Estate | None, action: Action, names: Set[str]) -> bool:
    """Whether a change of a record decides whose it is, or is more than a change of its fields.

    Args:
        estate: of the record; None of what belongs to nobody.
        action: what is done to it.
        names: of the fields that change.
    """
    return estate is not None and (action is not Action.UPDATED or not names.isdisjoint(estate.columns))


def handovers_of(estates: Estates, change: Change) -> Sequence[Handover]:
    """The records whose estates a change gives to others."""
    estate = estates.get(change.entity)
    if estate is None or not is_about_owners(estate, change.action, change.after.keys()):
        return ()
    is_moved = change.action is Action.UPDATED
    found = [Handover(change.entity, change.record.id)] if is_moved and estate.lines else []
    if estate.shared is not None:
        record, column = estate.shared
        before, now = change.value_before(column), getattr(change.record, column)
        if before is not None and before != now:
            found.append(Handover(record, before, is_shared=True, is_former=True))
        if now is not None:
            found.append(Handover(record, now, is_shared=True))
    return found


def last_owners(estates: Estates, change: Change) -> dict[str, list[Any]]:
    """Whose a destroyed record was, as changes of its event: nothing else will tell."""
    estate = estates.get(change.entity)
    columns = () if estate is None or change.action is not Action.DESTROYED else sorted(estate.columns)
    held = {camel(name): shown(getattr(change.record, name)) for name in columns}
    return {name: [value, None] for name, value in held.items() if value is not None}


def reassignments(
    engine: str, estates: Estates, moves: Iterable[tuple[Handover, Change, str]]
) -> Iterator[SqlStatement]:
    """The statements that note events about the estates of some records; each reads what was written before it.

    Args:
        engine: that runs them.
        estates: of the app.
        moves: the records, each with the change that moves it and the id of its event.
    """
    kinds: dict[tuple[str, bool], list[tuple[str, ...]]] = {}
    for move, change, event in moves:
        told = (orjson.dumps(part).decode() for part in _told(estates, move, change))
        kinds.setdefault((move.record, move.is_shared), []).append((move.id, event, *told))
    for (record, is_shared), given in sorted(kinds.items()):
        estate = estates[record]
        own = [Line(record, ((estate.table, "id"),))] if is_shared else []
        if lines := (*own, *estate.lines):
            yield SqlStatement(_insertion(engine, lines), (*_given(engine, given), new_stem(EVENT_PREFIX)))


def _told(estates: Estates, move: Handover, change: Change) -> tuple[Any, Any]:
    """What the events about an estate say of the change that moves it, as changes and data: whose the record is."""
    estate = estates[change.entity]
    columns = {*estate.columns, *((estate.shared[1],) if estate.shared else ())}
    changes = {
        camel(name): [shown(change.value_before(name)), shown(getattr(change.record, name))]
        for name in sorted(columns)
        if name in change.after or change.action is Action.DESTROYED
    }
    told = {TYPE: change.entity, ID: change.record.id, ACTION: change.action.value}
    return changes, {**told, FORMER: True} if move.is_former else told


def _given(engine: str, given: Sequence[tuple[str, ...]]) -> Sequence[Any]:
    if engine == POSTGRESQL:
        return [list(side) for side in zip(*given, strict=True)]
    return (orjson.dumps(given).decode(),)


@lru_cache(1000)
def _insertion(engine: str, lines: tuple[Line, ...]) -> str:
    """The statement: it takes records, the events that move them, their changes and data, and a stem of ids."""
    is_postgresql = engine == POSTGRESQL
    given = (
        "SELECT record, event, changes::jsonb, data::jsonb "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (record, event, changes, data)"
        if is_postgresql
        else "SELECT json_extract(value, '$[0]') AS record, json_extract(value, '$[1]') AS event, "
        "json_extract(value, '$[2]') AS changes, json_extract(value, '$[3]') AS data FROM json_each(?1)"
    )
    stem = "$5::text" if is_postgresql else "?2"
    digits = " || ".join(
        f"substr('{_DIGITS}', CAST((place >> {shift}) & 31 AS INTEGER) + 1, 1)" for shift in range(25, -1, -5)
    )
    # Citus sends what stands before INSERT to the node of the table, which may ask no other about it.
    return f"""INSERT INTO event (id, batch_id, type, entity_type, entity_id, action, occurred_at, changes, data)
    WITH given AS ({given}), found AS ({" UNION ".join(_reached(engine, line) for line in lines)})
    SELECT {stem} || {digits}, batch_id, type, entity_type, entity_id, '{Action.REASSIGNED}', occurred_at,
        changes, data
    FROM (
        SELECT event.batch_id, event.occurred_at, found.*,
            row_number() OVER (ORDER BY found.event, found.entity_id) - 1 AS place
        FROM found JOIN event ON event.id = found.event
    ) AS reached"""


def _reached(engine: str, line: Line) -> str:
    """The records at the end of a way."""
    tables = [f"{quoted(engine, table)} AS t{number}" for number, (table, _) in enumerate(line.steps)]
    above = ["given.record", *(f"t{number}.id" for number in range(len(line.steps) - 1))]
    joins = " ".join(
        f"JOIN {table} ON t{number}.{quoted(engine, column)} = {above[number]}"
        for number, (table, (_, column)) in enumerate(zip(tables, line.steps, strict=True))
    )
    last = f"t{len(line.steps) - 1}"
    type_ = f"{snake(line.record).upper()}_{Action.REASSIGNED}"
    return (
        f"SELECT given.event, given.changes, given.data, '{type_}' AS type, '{line.record}' AS entity_type, "
        f"{last}.id AS entity_id "
        f"FROM given {joins} WHERE {last}.deleted_at IS NULL"
    )
